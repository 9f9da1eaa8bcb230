//! The most phones that one call may name, a fifth of them faulty. How each job ends follows from
//! its phone's fault alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::{FaultMix, Faults};
use crate::harness::{PATIENCE, Phones, Site, Start, Stopwatch, wait_for, wait_until};

/// The most phones of a call (CPH, UpdateCloudPhoneProperty).
const PHONES: usize = 8_096;

/// A property that a boot wipes.
const NAME: &str = "sys.prop.writephonenum";

/// How long a job may wait for a phone, in seconds: long enough for all others to be done on a
/// busy machine, since a job that waits for its turn fails by it too.
const DEADLINE: u32 = 45;

/// Which phones are faulty, and how.
const MIX: FaultMix = FaultMix { seed: 20_261_122, share: 0.2 };

/// How a job ends, as its phone's fault alone decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The phone shows the value: 2.
    Shown,
    /// It never answers again: -1, CPS.0054.
    Away,
    /// It refuses the value: -1.
    Refused,
    /// It says yes and shows another: -1.
    Lying,
}

impl End {
    /// The oracle.
    fn of(faults: Option<&Faults>) -> Self {
        match faults {
            None => Self::Shown,
            Some(faults) if faults.refuse || faults.never_back => Self::Away,
            Some(faults) if !faults.refuse_set.is_empty() => Self::Refused,
            Some(faults) if !faults.ignore_set.is_empty() => Self::Lying,
            // Slow, or struck once in the middle of a script: it takes a little longer.
            Some(_) => Self::Shown,
        }
    }

    /// What the job says.
    fn status(self) -> i64 {
        if self == Self::Shown { 2 } else { -1 }
    }
}

/// The value asked of a phone: each has its own.
fn value(index: usize) -> String {
    format!("1380{index:07}")
}

#[test]
fn each_job_of_the_largest_update_ends_as_its_phones_fault_decides() {
    // Each phone has a port, and the server a connection to it: two descriptors of this process.
    let needed = 3 * PHONES as u64;
    let limit = rlimit::increase_nofile_limit(needed).expect("the limit of open files is known");
    assert!(limit >= 2 * PHONES as u64 + 500, "`ulimit -n` allows only {limit} open files");

    let watch = Stopwatch::start();
    let site = Site::start(&Start::with_deadline(DEADLINE), Phones::of(PHONES));
    println!("{PHONES} phones met after {:.1} s", watch.elapsed().as_secs_f64());
    let ends: Vec<End> = (0..PHONES)
        .map(|index| {
            let faults = MIX.fault_of(index);
            let end = End::of(faults.as_ref());
            if let Some(faults) = faults {
                site.phones.set_faults(index, faults);
            }
            end
        })
        .collect();
    let faulty = (0..PHONES).filter(|index| MIX.fault_of(*index).is_some()).count();
    assert!(faulty * 6 > PHONES && faulty * 4 < PHONES, "{faulty} faulty phones are no fifth");

    let cph = site.cph();
    let ids: Vec<String> = (0..PHONES).map(|index| site.phones.id(index)).collect();
    let mut entries: Vec<(&str, Value)> =
        ids.iter().enumerate().map(|(i, id)| (id.as_str(), json!({NAME: value(i)}))).collect();

    entries.push((&ids[0], json!({NAME: "1"})));
    cph.try_update(&entries).expect("an answer").refused(400, "CPS.0190");
    entries.pop();

    let watch = Stopwatch::start();
    let answer = cph.try_update(&entries).expect("an answer").ok();
    println!("answered after {:.3} s", watch.elapsed().as_secs_f64());
    let answered = answer["jobs"].as_array().expect("jobs");
    assert_eq!(answered.len(), PHONES);
    for (entry, id) in answered.iter().zip(&ids) {
        assert!(entry["phone_id"] == **id && entry["job_id"].is_string(), "{entry}");
    }

    let request = answer["request_id"].as_str().expect("a request id");
    let bound = 2 * Duration::from_secs(DEADLINE.into()) + PATIENCE;
    let has_ended = |job: &Value| job["status"] != json!(1);
    wait_until("the jobs of all phones that answer to end", bound, || {
        let jobs = cph.jobs_of(request);
        jobs.iter().zip(&ends).all(|(job, end)| *end == End::Away || has_ended(job))
    });
    println!("all that answer have ended after {:.1} s", watch.elapsed().as_secs_f64());
    let jobs = wait_for("all jobs to end", bound, || {
        Some(cph.jobs_of(request)).filter(|jobs| jobs.iter().all(has_ended))
    });
    println!("all have ended after {:.1} s", watch.elapsed().as_secs_f64());
    assert_eq!(jobs.len(), PHONES);

    let mut counts: BTreeMap<End, usize> = BTreeMap::new();
    for (index, (job, end)) in jobs.iter().zip(&ends).enumerate() {
        assert_eq!(job["phone_id"], *ids[index]);
        check(&site.phones, index, job, *end);
        *counts.entry(*end).or_default() += 1;
    }
    println!("{counts:?}");
    assert_eq!(counts.len(), 4, "a kind of end was not met: {counts:?}");
}

/// Compares a job, and what its phone has counted, with the oracle.
fn check(phones: &Phones, index: usize, job: &Value, end: End) {
    let faults = MIX.fault_of(index);
    let case = format!("phone {index} with {faults:?}: {job}");
    assert_eq!(job["status"], json!(end.status()), "{case}");
    assert_eq!(job["error_code"] == "CPS.0054", end == End::Away, "{case}");
    let reboots = faults.as_ref().is_some_and(|faults| faults.reboot_mid_script.is_some());
    let sets = phones.sets_of(index, NAME);
    match end {
        End::Shown => {
            assert_eq!(phones.get(index, NAME), Some(value(index)), "{case}");
            // One effect; another one only where a boot has wiped the first.
            assert_eq!(sets.len(), if reboots { 2 } else { 1 }, "{case}");
        }
        End::Refused | End::Lying => assert_eq!(phones.get(index, NAME), None, "{case}"),
        // One that went off in the middle has taken it before.
        End::Away => assert_eq!(sets.len(), usize::from(reboots), "{case}"),
    }
}

//! A whole fleet told to restart in one call: never more at a time than the bounds allow, and every
//! value that the boots wiped is back at the end.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::phones::Load;
use crate::harness::{PATIENCE, Phones, Site, Start, Stopwatch, wait_for, wait_until};

/// Hosts of phones.
const SERVERS: usize = 60;

/// Phones on each.
const PER_SERVER: usize = 50;

/// A property that a boot wipes.
const NAME: &str = "sys.prop.writephonenum";

/// How long a boot takes: 50 of them one after the other are well within the test's time.
const BOOT: Duration = Duration::from_millis(100);

/// The bounds that the product promises for each server and for the whole project.
const RESTARTS_PER_SERVER: usize = 2;
const BOOTS_PER_SERVER: usize = 1;
const RESTARTS_PER_PROJECT: usize = 100;
const COMMANDS_PER_SERVER: usize = 8;

/// The value asked of a phone: each has its own.
fn value(index: usize) -> String {
    format!("1390{index:07}")
}

#[test]
fn sixty_servers_restart_within_their_bounds_and_lose_nothing() {
    let count = SERVERS * PER_SERVER;
    let limit = rlimit::increase_nofile_limit(4 * count as u64).expect("a limit of open files");
    assert!(limit >= 2 * count as u64 + 500, "`ulimit -n` allows only {limit} open files");
    let plan = Phones::of(count).per_server(PER_SERVER).boot(BOOT);
    let site = Site::start(&Start::default(), plan);
    let cph = site.cph();
    let ids: Vec<String> = (0..count).map(|index| site.phones.id(index)).collect();
    let entries: Vec<(&str, Value)> =
        ids.iter().enumerate().map(|(i, id)| (id.as_str(), json!({NAME: value(i)}))).collect();
    let update = cph.try_update(&entries).expect("an answer").ok();
    all_succeed(&site, &update, Duration::from_secs(60));
    site.phones.reset_peaks();

    let watch = Stopwatch::start();
    let phones: Vec<Value> = ids.iter().map(|id| json!({"phone_id": id})).collect();
    let body = json!({"phones": phones}).to_string();
    let target = "/v1/demo/cloud-phone/phones/batch-restart";
    let restart = cph.call(&Method::POST, target, body.as_bytes()).expect("an answer").ok();
    println!("answered after {:.2} s", watch.elapsed().as_secs_f64());
    all_succeed(&site, &restart, Duration::from_secs(150));
    println!("all are back after {:.1} s", watch.elapsed().as_secs_f64());

    for index in 0..count {
        assert_eq!(site.phones.boots(index), 2, "phone {index} was not restarted once");
        assert_eq!(site.phones.get(index, NAME), Some(value(index)), "phone {index}");
    }
    let loads = site.phones.loads();
    assert_eq!(loads.len(), SERVERS);
    let most = |of: fn(&Load) -> usize| loads.iter().map(of).max().unwrap_or_default();
    let (restarts, boots) = (most(|load| load.restarts_max), most(|load| load.boots_max));
    let (commands, whole) = (most(|load| load.commands_max), site.phones.load().restarts_max);
    println!(
        "at most {restarts} restarts, {boots} boots, {commands} commands a server; {whole} in all"
    );
    assert!((1..=RESTARTS_PER_SERVER).contains(&restarts), "{restarts} restarts on a server");
    assert!((1..=BOOTS_PER_SERVER).contains(&boots), "{boots} boots on a server");
    assert!(commands <= COMMANDS_PER_SERVER, "{commands} commands on a server");
    assert!(whole <= RESTARTS_PER_PROJECT, "{whole} restarts in the project");
    // A bound that is never met proves nothing: one boot after the other on one server would do.
    assert!(whole > SERVERS / 2, "at most {whole} restarts at a time");
}

#[test]
fn a_server_that_restarts_by_itself_loses_nothing() {
    let plan = Phones::of(PER_SERVER).per_server(PER_SERVER).boot(Duration::from_secs(1));
    let site = Site::start(&Start::default(), plan);
    let cph = site.cph();
    let ids: Vec<String> = (0..PER_SERVER).map(|index| site.phones.id(index)).collect();
    let entries: Vec<(&str, Value)> =
        ids.iter().enumerate().map(|(i, id)| (id.as_str(), json!({NAME: value(i)}))).collect();
    let update = cph.try_update(&entries).expect("an answer").ok();
    all_succeed(&site, &update, PATIENCE);

    site.phones.reboot_all();
    assert!((0..PER_SERVER).all(|index| site.phones.get(index, NAME).is_none()), "none was wiped");
    wait_until("all phones to have booted", PATIENCE, || {
        (0..PER_SERVER).all(|i| site.phones.get(i, "sys.boot_completed").as_deref() == Some("1"))
    });
    let watch = Stopwatch::start();
    wait_until("every value to be back", PATIENCE, || {
        (0..PER_SERVER).all(|index| site.phones.get(index, NAME) == Some(value(index)))
    });
    println!("every value is back {:.2} s after the last boot", watch.elapsed().as_secs_f64());
}

/// Waits until all jobs of an answer have ended, and checks that they succeeded.
fn all_succeed(site: &Site, answer: &Value, bound: Duration) {
    let entries = answer["jobs"].as_array().expect("jobs");
    let refused = entries.iter().find(|entry| entry.get("job_id").is_none());
    assert!(refused.is_none(), "{refused:?}");
    let request = answer["request_id"].as_str().expect("a request");
    let cph = site.cph();
    let jobs = wait_for("all jobs to end", bound, || {
        Some(cph.jobs_of(request)).filter(|jobs| jobs.iter().all(|job| job["status"] != json!(1)))
    });
    let failed: Vec<&Value> = jobs.iter().filter(|job| job["status"] != json!(2)).collect();
    assert!(failed.is_empty(), "{} failed, such as {}", failed.len(), failed[0]);
    assert_eq!(jobs.len(), entries.len());
}

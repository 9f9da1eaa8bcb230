use fleet::{
    BootIdentity, Desired, Device, DeviceId, DeviceKey, DeviceState, Door, Kind, ProjectId,
    ProjectKey, RequestId, Values,
};

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A device that accepted these patches, one job and one revision each, a second apart.
fn work(patches: &[&[(&str, &str)]]) -> Work {
    let mut state = DeviceState::new(Timestamp(0));
    state.condition = Condition::Running;
    let mut desired = Desired::default();
    let mut jobs = Vec::new();
    for (index, patch) in (0_u16..).zip(patches) {
        let revision = Revision(i64::from(index) + 1);
        desired.merge(&values(patch), revision);
        jobs.push(Job {
            id: RequestId::from_parts(1, u64::from(index)).job(0).unwrap(),
            device: DeviceKey(1),
            project: ProjectKey(1),
            revision,
            patch: values(patch),
            stored: false,
            door: Door::Cph,
            actor: "AK".to_owned(),
            accepted_at: Timestamp(i64::from(index) * 1_000),
            end: None,
        });
        state.revision = revision;
    }
    state.desired = desired;
    state.open_jobs = jobs.iter().map(|job| job.id).collect();
    let device = Device {
        key: DeviceKey(1),
        project: ProjectKey(1),
        project_id: ProjectId::new("p").unwrap(),
        kind: Kind::Phone,
        id: DeviceId::new("d").unwrap(),
        name: "d".to_owned(),
        server: "s".to_owned(),
        address: "127.0.0.1:1".to_owned(),
        profile: "simulated".to_owned(),
        marker: "m".to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    Work { device, state, jobs }
}

fn reached(shown: &[(&str, &str)]) -> Reached {
    Reached {
        boot: Some(BootIdentity { kernel: "k".to_owned(), init_start: "1".to_owned() }),
        shown: values(shown).into_iter().map(|(name, value)| (name, Some(value))).collect(),
        faults: BTreeMap::new(),
    }
}

fn judged(work: &Work, reached: Reached, attempt: u8) -> Verdict {
    let attempts =
        Attempts { refused: attempt, through: work.state.revision, ..Attempts::default() };
    let action = Action::default();
    judge(work, &action, &Report::Reached(reached), attempts, Rules::default(), NOW)
}

/// Each ended job as `index: end` with its successor's index.
fn ends(work: &Work, verdict: &Verdict) -> Vec<String> {
    let index = |id: JobId| work.jobs.iter().position(|job| job.id == id).unwrap();
    verdict
        .ended
        .iter()
        .map(|ended| {
            let end = match &ended.end {
                End::Succeeded { proof } => format!("{proof:?}"),
                End::Failed { failure } => failure.to_string(),
            };
            let by = ended.superseded_by.map_or(String::new(), |id| format!(" by {}", index(id)));
            format!("{}: {end}{by}", index(ended.job))
        })
        .collect()
}

#[test]
fn a_job_succeeds_when_every_value_was_shown() {
    let work = work(&[&[("a", "1"), ("b", "2")]]);
    let verdict = judged(&work, reached(&[("a", "1"), ("b", "2")]), 0);
    assert_eq!(ends(&work, &verdict), ["0: Verified"]);
    assert_eq!(verdict.settled, Revision(1));
    assert_eq!(verdict.next, Next::Rest);
    assert!(verdict.adopted);
}

#[test]
fn a_value_shown_otherwise_is_tried_again_and_then_fails() {
    let work = work(&[&[("a", "1")]]);
    for attempt in [0, 1] {
        let verdict = judged(&work, reached(&[("a", "0")]), attempt);
        assert_eq!(ends(&work, &verdict), Vec::<String>::new());
        assert_eq!(verdict.settled, Revision(0));
        let Next::Retry(attempts) = verdict.next else { panic!("it is tried again") };
        assert_eq!((attempts.refused, attempts.through), (attempt + 1, Revision(1)));
    }
    let verdict = judged(&work, reached(&[("a", "0")]), 2);
    assert_eq!(ends(&work, &verdict), [r#"0: the device took a and shows "0""#]);
    assert_eq!(verdict.settled, Revision(1));
    assert_eq!(verdict.next, Next::Rest);
}

#[test]
fn a_refusal_is_tried_again_and_an_unsupported_property_is_not() {
    let work = work(&[&[("a", "1")]]);
    let fault =
        |fault| Reached { faults: BTreeMap::from([("a".to_owned(), fault)]), ..reached(&[]) };
    let verdict = judged(&work, fault(Fault::Refused("needs root".to_owned())), 0);
    assert!(verdict.ended.is_empty());
    let verdict = judged(&work, fault(Fault::Refused("needs root".to_owned())), 2);
    assert_eq!(ends(&work, &verdict), ["0: the device refused a: needs root"]);
    let verdict = judged(&work, fault(Fault::Unsupported("no way".to_owned())), 0);
    assert_eq!(ends(&work, &verdict), ["0: a is not supported: no way"]);
}

#[test]
fn one_bad_value_fails_its_own_job_only() {
    let work = work(&[&[("a", "1")], &[("b", "1")]]);
    let verdict = judged(&work, reached(&[("a", "0"), ("b", "1")]), 0);
    assert_eq!(ends(&work, &verdict), ["1: Verified"]);
    assert_eq!(verdict.settled, Revision(0), "the first revision is undecided");
    let verdict = judged(&work, reached(&[("a", "0"), ("b", "1")]), 2);
    assert_eq!(ends(&work, &verdict), [r#"0: the device took a and shows "0""#, "1: Verified"]);
}

#[test]
fn a_superseded_job_ends_as_its_successor_does() {
    let work = work(&[&[("a", "1")], &[("a", "2"), ("b", "2")], &[("c", "3")]]);
    let shown = &[("a", "2"), ("b", "2"), ("c", "3")];
    let verdict = judged(&work, reached(shown), 0);
    assert_eq!(ends(&work, &verdict), ["0: Verified by 1", "1: Verified", "2: Verified"]);

    let shown = &[("a", "2"), ("b", "0"), ("c", "3")];
    let verdict = judged(&work, reached(shown), 0);
    assert_eq!(ends(&work, &verdict), ["2: Verified"], "its successor is undecided");
    let verdict = judged(&work, reached(shown), 2);
    let why = r#"the device took b and shows "0""#;
    assert_eq!(
        ends(&work, &verdict),
        [format!("0: {why} by 1"), format!("1: {why}"), "2: Verified".to_owned()]
    );
}

#[test]
fn a_chain_of_jobs_ends_as_the_last_one_does() {
    let work = work(&[&[("a", "1")], &[("a", "2")], &[("a", "3")]]);
    let verdict = judged(&work, reached(&[("a", "3")]), 0);
    assert_eq!(ends(&work, &verdict), ["0: Verified by 2", "1: Verified by 2", "2: Verified"]);
}

#[test]
fn a_job_replaced_in_part_is_not_superseded() {
    let work = work(&[&[("a", "1"), ("b", "1")], &[("a", "2")]]);
    let verdict = judged(&work, reached(&[("a", "2"), ("b", "1")]), 0);
    assert_eq!(ends(&work, &verdict), ["0: Verified", "1: Verified"]);
}

#[test]
fn a_job_replaced_by_several_ends_by_all_their_values() {
    let work = work(&[&[("a", "1"), ("b", "1")], &[("a", "2")], &[("b", "3")]]);
    let verdict = judged(&work, reached(&[("a", "0"), ("b", "3")]), 2);
    let why = r#"the device took a and shows "0""#;
    assert_eq!(
        ends(&work, &verdict),
        [format!("0: {why} by 2"), format!("1: {why}"), "2: Verified".to_owned()]
    );
}

#[test]
fn an_empty_patch_succeeds_without_a_device() {
    let work = work(&[&[]]);
    assert_eq!(ends(&work, &judge_nothing(&work)), ["0: Verified"]);
}

fn away(work: &Work, now: i64, away: Away) -> Verdict {
    let report = Report::Away(away);
    let action = Action::default();
    judge(work, &action, &report, Attempts::default(), Rules::default(), Timestamp(now))
}

fn unreachable() -> Away {
    Away::Unreachable("connection refused".to_owned())
}

#[test]
fn a_job_waits_for_an_absent_device_until_its_deadline() {
    let mut work = work(&[&[("a", "1")]]);
    let verdict = away(&work, 599_999, unreachable());
    assert!(verdict.ended.is_empty());
    assert_eq!(verdict.condition, Condition::Running);
    assert_eq!(verdict.trouble.as_deref(), Some("unreachable: connection refused"));
    assert_eq!(verdict.since, Timestamp(599_999));
    assert!(verdict.changes);

    let verdict = away(&work, 600_000, unreachable());
    assert_eq!(
        ends(&work, &verdict),
        ["0: not done by its deadline: unreachable: connection refused"]
    );
    assert_eq!(verdict.condition, Condition::Abnormal);
    assert_eq!(verdict.settled, Revision(0), "the desired value stays, and is applied later");
    assert_eq!(next_deadline(&work, Rules::default(), Timestamp(1)).unwrap().as_millis(), 599_999);

    work.jobs[0].stored = true;
    assert!(away(&work, 9_000_000, unreachable()).ended.is_empty(), "stored jobs wait");
    assert_eq!(next_deadline(&work, Rules::default(), NOW), None);
}

#[test]
fn a_device_that_stays_away_is_abnormal_without_any_job() {
    let mut work = work(&[]);
    let first = away(&work, 1_000, unreachable());
    assert_eq!(first.condition, Condition::Running);
    work.state.trouble = first.trouble;
    work.state.since = first.since;
    assert!(!away(&work, 2_000, unreachable()).changes, "nothing new, nothing written");
    assert!(away(&work, 2_000, Away::Booting).changes);
    let last = away(&work, 601_000, unreachable());
    assert_eq!(last.condition, Condition::Abnormal);
    assert_eq!(last.since, Timestamp(601_000));
}

#[test]
fn a_device_that_is_back_has_no_trouble() {
    let mut work = work(&[&[("a", "1")]]);
    work.state.condition = Condition::Abnormal;
    work.state.trouble = Some("unreachable".to_owned());
    let verdict = judged(&work, reached(&[("a", "1")]), 0);
    assert_eq!((verdict.condition, verdict.trouble), (Condition::Running, None));
    assert_eq!(verdict.since, NOW);
}

#[test]
fn a_boot_is_on_record_once_all_that_it_wiped_is_back() {
    let mut work = work(&[&[("a", "1"), ("b", "1")]]);
    work.jobs.clear();
    work.state.settled = Revision(1);
    let action = Action { set_after_boot: values(&[("a", "1"), ("b", "1")]), ..Action::default() };
    let judged_in = |boot, shown, wiped| {
        let report = Report::Reached(reached(shown));
        let attempts = Attempts { wiped, boot, ..Attempts::default() };
        judge(&work, &action, &report, attempts, Rules::default(), NOW)
    };
    let partly = judged_in(0, &[("a", "1")], 7);
    assert_eq!(partly.boot, None, "the attempts in another boot do not count");
    let Next::Retry(Attempts { wiped: 1, boot, .. }) = partly.next else {
        panic!("it is tried again")
    };
    let judged = |shown, wiped| judged_in(boot, shown, wiped);
    let wholly = judged(&[("a", "1"), ("b", "1")], 0);
    assert!(wholly.boot.is_some());
    assert_eq!(wholly.next, Next::Rest);
    assert_eq!(judged(&[("a", "1")], 6).boot, None);
    let given_up = judged(&[("a", "1")], 7);
    assert!(given_up.boot.is_some(), "what it refuses for good is drift");
}

/// Judges one step after the other, each time with what the step before it left, as new jobs come.
#[test]
fn new_values_neither_keep_a_refused_one_open_nor_lose_their_own_attempts() {
    let first: &[&[(&str, &str)]] = &[&[("bad", "1")]];
    let then: &[&[(&str, &str)]] = &[&[("bad", "1")], &[("good", "2")], &[("worse", "3")]];
    let step = |work: &Work, attempts: Attempts| {
        let report = Report::Reached(reached(&[("good", "2")]));
        judge(work, &Action::default(), &report, attempts, Rules::default(), NOW)
    };
    let next = |verdict: &Verdict| match verdict.next {
        Next::Retry(attempts) => attempts,
        _ => panic!("it is tried again"),
    };
    let one = next(&step(&work(first), Attempts::default()));
    let two = next(&step(&work(then), one));
    assert_eq!((two.refused, two.through), (2, Revision(1)));
    let verdict = step(&work(then), two);
    assert_eq!(
        ends(&work(then), &verdict),
        ["0: the device took bad and shows nothing", "1: Verified"]
    );
    let three = next(&verdict);
    assert_eq!((three.refused, three.through), (1, Revision(3)), "the last one goes on");
    let mut rest = work(then);
    rest.jobs.drain(..2);
    rest.state.settled = Revision(2);
    let four = next(&step(&rest, three));
    let verdict = step(&rest, four);
    assert_eq!(ends(&rest, &verdict), ["0: the device took worse and shows nothing"]);
    assert_eq!(verdict.next, Next::Rest);
}

#[test]
fn a_job_with_an_ended_successor_ends_by_all_the_values() {
    let mut work = work(&[&[("x", "1"), ("y", "1")], &[("x", "2")], &[("y", "3")]]);
    work.jobs.remove(1);
    let no_way = Reached {
        faults: BTreeMap::from([("x".to_owned(), Fault::Unsupported("no way".to_owned()))]),
        ..reached(&[("y", "3")])
    };
    let verdict = judged(&work, no_way, 0);
    assert_eq!(ends(&work, &verdict), ["0: x is not supported: no way by 1", "1: Verified"]);
}

#[test]
fn an_empty_patch_waits_for_no_device() {
    let work = work(&[&[]]);
    let verdict = away(&work, 1, unreachable());
    assert_eq!(ends(&work, &verdict), ["0: Verified"]);
    assert_eq!(verdict.condition, Condition::Running);
}

#[test]
fn a_value_that_was_decided_stays_so_for_a_job_that_waits_for_another() {
    let mut work = work(&[&[("bad", "1"), ("slow", "1")], &[("slow", "2")]]);
    work.state.settled = Revision(1);
    let verdict = judged(&work, reached(&[("slow", "2")]), 0);
    assert_eq!(ends(&work, &verdict), ["0: the device took bad and shows nothing", "1: Verified"]);
    assert_eq!(verdict.next, Next::Rest);
}

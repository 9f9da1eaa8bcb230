//! GB devices: what becomes of their jobs while they are not registered, and when they say no.

use super::*;

fn camera(patches: &[&[(&str, &str)]]) -> Work {
    let mut work = work(patches);
    work.device.kind = Kind::Camera;
    work.device.profile = "generic".to_owned();
    work.state.condition = Condition::Awaited;
    work
}

fn not_registered() -> Report {
    Report::Away(Away::NotRegistered("its registration ran out".to_owned()))
}

fn away(work: &Work, now: Timestamp) -> Verdict {
    judged_at(work, &Action::default(), &not_registered(), Attempts::default(), now)
}

#[test]
fn a_job_waits_for_the_registration_until_its_deadline() {
    let mut work = camera(&[&[("Name", "east")]]);
    let verdict = away(&work, Timestamp(5_000));
    assert_eq!(verdict.trouble.as_deref(), Some("not registered: its registration ran out"));
    assert_eq!(verdict.condition, Condition::Awaited);
    assert!(verdict.ended.is_empty() && verdict.changes);
    assert!(matches!(verdict.next, Next::Retry(_)));

    work.state.trouble = verdict.trouble;
    work.state.since = verdict.since;
    let late = Timestamp(0).plus(limits::JOB_DEADLINE);
    let verdict = away(&work, late);
    assert_eq!(
        ends(&work, &verdict),
        ["0: not done by its deadline: not registered: its registration ran out"]
    );
    // The value stays pending; nothing stands in its way but that the device is not there.
    assert_eq!((verdict.settled, verdict.trouble, verdict.next), (Revision(0), None, Next::Rest));
}

#[test]
fn a_stored_job_waits_for_as_long_as_it_takes_and_costs_nothing() {
    let mut work = camera(&[&[("Name", "east")]]);
    work.jobs[0].stored = true;
    let verdict = away(&work, Timestamp(0).plus(100 * limits::JOB_DEADLINE));
    assert!(verdict.ended.is_empty());
    assert_eq!(verdict.next, Next::Rest);
    assert!(verdict.trouble.is_some());
}

#[test]
fn one_with_nothing_to_do_is_left_alone() {
    let work = camera(&[]);
    let verdict = away(&work, NOW);
    assert!(!verdict.changes);
    assert_eq!(verdict.next, Next::Rest);
}

#[test]
fn what_a_device_declined_is_not_asked_again() {
    let work = camera(&[&[("Name", "east")]]);
    let declined = Fault::Declined("ERROR".to_owned());
    let faults = [("Name".to_owned(), declined)].into();
    let shown = [("Name".to_owned(), Some("IPC".to_owned()))].into();
    let answer = Reached { faults, shown, ..Reached::default() };
    let verdict = judged(&work, answer, 0);
    assert_eq!(ends(&work, &verdict), ["0: the device refused Name: ERROR"]);
    assert_eq!((verdict.settled, verdict.next), (Revision(1), Next::Rest));
}

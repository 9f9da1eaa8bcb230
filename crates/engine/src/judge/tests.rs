use fleet::{
    BootIdentity, Catalogue, Desired, Device, DeviceId, DeviceKey, DeviceState, Door, JobId, Kind,
    ProjectId, ProjectKey, ProjectSettings, RequestId,
};

use super::*;
use crate::driver::Fault;

mod awaited;

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
            operation: Operation::Update,
            clear: false,
            patch: values(patch),
            record: Values::new(),
            before: BTreeMap::new(),
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
        container: String::new(),
        profile: "simulated".to_owned(),
        marker: "m".to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    Work { device, state, jobs, settings: ProjectSettings::default(), bound_to: None }
}

fn reached(shown: &[(&str, &str)]) -> Reached {
    Reached {
        boot: Some(BootIdentity { kernel: "k".to_owned(), init_start: "1".to_owned() }),
        shown: values(shown).into_iter().map(|(name, value)| (name, Some(value))).collect(),
        ..Reached::default()
    }
}

fn judged_by(work: &Work, action: &Action, report: &Report, attempts: Attempts) -> Verdict {
    judged_at(work, action, report, attempts, NOW)
}

fn judged_at(
    work: &Work,
    action: &Action,
    report: &Report,
    attempts: Attempts,
    now: Timestamp,
) -> Verdict {
    let catalogue = Catalogue::built_in().unwrap();
    let rules = Rules::default();
    let restarted = None;
    let catalogue = &catalogue;
    judge(Judged { work, catalogue, action, attempts, rules, now, restarted }, report)
}

fn judged(work: &Work, reached: Reached, attempt: u8) -> Verdict {
    let attempts =
        Attempts { refused: attempt, through: work.state.revision, ..Attempts::default() };
    let action = Action::default();
    judged_by(work, &action, &Report::Reached(reached), attempts)
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
    judged_at(work, &action, &report, Attempts::default(), Timestamp(now))
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
        judged_by(&work, &action, &report, attempts)
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
        judged_by(work, &Action::default(), &report, attempts)
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

/// A catalogue in which `com.cph.mainkeys` acts after a restart, `gsm.operator.alpha` at once.
const HELD: &str = "com.cph.mainkeys";

fn android(mut work: Work) -> Work {
    work.device.profile = "android".to_owned();
    work
}

fn in_boot(number: &str, shown: &[(&str, &str)]) -> Reached {
    let boot = BootIdentity { kernel: "k".to_owned(), init_start: number.to_owned() };
    Reached { boot: Some(boot), ..reached(shown) }
}

#[test]
fn a_value_that_acts_after_a_restart_is_marked_until_another_boot_shows_it() {
    let mut work = android(work(&[&[(HELD, "1")]]));
    let verdict = judged(&work, in_boot("1", &[(HELD, "1")]), 0);
    assert_eq!(ends(&work, &verdict), ["0: Verified"], "the phone holds the value");
    let marked = verdict.restart_pending.unwrap();
    assert_eq!(marked[HELD].since, NOW);

    work.jobs.clear();
    work.state.settled = Revision(1);
    work.state.restart_pending = marked.clone();
    let same = judged(&work, in_boot("1", &[(HELD, "1")]), 0);
    assert_eq!(same.restart_pending, Some(marked.clone()));
    let wiped = judged(&work, in_boot("2", &[]), 0);
    assert_eq!(wiped.restart_pending, Some(marked), "it has not been shown since");
    let acting = judged(&work, in_boot("2", &[(HELD, "1")]), 0);
    assert_eq!(acting.restart_pending, Some(BTreeMap::new()));
}

#[test]
fn a_value_that_acts_already_is_not_marked() {
    let mut work = android(work(&[&[(HELD, "1")]]));
    work.state.boot = in_boot("1", &[]).boot;
    work.state.reported.record(&BTreeMap::from([(HELD.to_owned(), Some("1".to_owned()))]), NOW);
    let verdict = judged(&work, in_boot("1", &[(HELD, "1")]), 0);
    assert_eq!(verdict.restart_pending, Some(BTreeMap::new()));
}

#[test]
fn what_a_program_prints_decides_where_there_is_one() {
    let work = android(work(&[&[(HELD, "1")]]));
    let with = |effect: &str, boot| {
        let effects = BTreeMap::from([(HELD.to_owned(), effect.to_owned())]);
        judged(&work, Reached { effects, ..in_boot(boot, &[(HELD, "1")]) }, 0)
    };
    assert!(with("0", "2").restart_pending.unwrap().contains_key(HELD));
    assert!(with("1", "1").restart_pending.unwrap().is_empty());
    assert_eq!(ends(&work, &with("0", "1")), ["0: Verified"], "it acts later, and is held");
}

#[test]
fn a_job_that_asked_for_a_restart_ends_with_it_and_not_before() {
    let mut work = android(work(&[&[(HELD, "1")], &[(HELD, "2")]]));
    work.jobs[1].operation = Operation::Restart;
    let before = judged(&work, in_boot("1", &[(HELD, "2")]), 0);
    assert_eq!(ends(&work, &before), Vec::<String>::new(), "the first waits for its successor");
    assert_eq!(before.next, Next::Power(Attempts::default()));

    let catalogue = Catalogue::built_in().unwrap();
    let (attempts, rules, action) = (Attempts::default(), Rules::default(), Action::default());
    let judged = |restarted, effect: &str| {
        let effects = BTreeMap::from([(HELD.to_owned(), effect.to_owned())]);
        let report = Report::Reached(Reached { effects, ..in_boot("2", &[(HELD, "2")]) });
        let (work, catalogue, action, now) = (&work, &catalogue, &action, NOW);
        judge(Judged { work, catalogue, action, attempts, rules, now, restarted }, &report)
    };
    let verdict = judged(Some(Revision(2)), "2");
    assert_eq!(ends(&work, &verdict), ["0: Verified by 1", "1: Verified"]);
    let verdict = judged(Some(Revision(2)), "1");
    assert_eq!(ends(&work, &verdict), Vec::<String>::new(), "it holds the value and does not act");
    assert_eq!(ends(&work, &judged(Some(Revision(1)), "2")), Vec::<String>::new());
}

/// A reset takes with it what had to be held when the boot came.
#[test]
fn a_value_set_again_after_a_reset_is_back_though_it_acts_later() {
    let mut work = android(work(&[&[(HELD, "1")], &[]]));
    work.jobs.remove(0);
    work.jobs[0].operation = Operation::Reset;
    work.state.settled = Revision(1);
    work.state.boot = in_boot("1", &[]).boot;
    let begun = PowerStep {
        operation: Operation::Reset,
        through: Revision(2),
        from_boot: work.state.boot.clone(),
        blind: false,
        was: Condition::Running,
        begun_at: NOW,
        told: 1,
        told_at: NOW,
        heard: true,
        back: false,
    };
    let catalogue = Catalogue::built_in().unwrap();
    let (attempts, rules) = (Attempts::default(), Rules::default());
    let set_after_boot = BTreeMap::from([(HELD.to_owned(), "1".to_owned())]);
    let action = Action { set_after_boot, ..Action::default() };
    let mut judged = |operation| {
        work.state.power = Some(PowerStep { operation, ..begun.clone() });
        let effects = BTreeMap::from([(HELD.to_owned(), "0".to_owned())]);
        let report = Report::Reached(Reached { effects, ..in_boot("2", &[(HELD, "1")]) });
        let (work, catalogue, action, now) = (&work, &catalogue, &action, NOW);
        let restarted = Some(Revision(2));
        judge(Judged { work, catalogue, action, attempts, rules, now, restarted }, &report)
    };
    let verdict = judged(Operation::Reset);
    assert_eq!(verdict.boot, in_boot("2", &[]).boot, "all that the reset took is back");
    assert_eq!(verdict.next, Next::Rest);
    assert!(verdict.restart_pending.unwrap().contains_key(HELD), "it acts after a restart");
    assert_eq!(judged(Operation::Restart).boot, None, "after a restart it should act");
}

#[test]
fn an_acknowledged_and_a_recorded_value_say_so() {
    let work = android(work(&[&[("a", "1")], &[("b", "1")], &[("a", "1"), ("c", "1")]]));
    let reached = Reached {
        acknowledged: ["a".to_owned()].into(),
        recorded: ["b".to_owned()].into(),
        ..reached(&[("c", "1")])
    };
    let verdict = judged(&work, reached, 0);
    assert_eq!(ends(&work, &verdict), ["0: Acknowledged by 2", "1: Recorded", "2: Acknowledged"]);
}

#[test]
fn a_value_that_is_fixed_at_the_start_fails_at_once_with_its_argument() {
    let work = work(&[&[("a", "1")]]);
    let fault = Fault::NeedsRecreate("androidboot.a=1".to_owned());
    let faults = BTreeMap::from([("a".to_owned(), fault)]);
    let verdict = judged(&work, Reached { faults, ..reached(&[("a", "0")]) }, 0);
    let [ended] = ends(&work, &verdict).try_into().unwrap();
    assert!(ended.contains("needs recreate") && ended.contains("androidboot.a=1"), "{ended}");
}

#[test]
fn an_adoption_takes_over_what_the_phone_shows_and_the_catalogue_allows() {
    let mut work = work(&[&[("gsm.operator.alpha", "CMCC")]]);
    work.state.adoption = Some(AdoptionRequest { from_reported: true, replace_marker: false });
    let shown = [
        ("gsm.operator.alpha", "OTHER"),
        ("sys.prop.writeimsi", "460000000000000"),
        ("sys.prop.writephonenum", "not a number"),
        ("gsm.sim.operator.alpha", ""),
    ];
    let verdict = judged(&work, reached(&shown), 0);
    assert_eq!(verdict.desire, values(&[("sys.prop.writeimsi", "460000000000000")]));
    assert_eq!(verdict.adoption_done, work.state.adoption);
}

#[test]
fn a_stopped_phone_that_does_not_answer_is_stopped_and_not_abnormal() {
    let mut work = work(&[&[("a", "1")]]);
    work.jobs[0].stored = true;
    work.state.condition = Condition::Stopped;
    let verdict = away(&work, 10_000_000, unreachable());
    assert_eq!((verdict.condition, verdict.trouble), (Condition::Stopped, None));
    assert!(verdict.ended.is_empty());
    let verdict = judged(&work, reached(&[("a", "1")]), 0);
    assert_eq!(verdict.condition, Condition::Running);
}

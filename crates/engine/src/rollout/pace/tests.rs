use fleet::rollout::{Source, Stop};
use fleet::{Kind, Operation, ProjectId, ProjectKey, RequestId, Values, Window};

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn rollout(plan: Plan) -> Rollout {
    Rollout {
        id: RequestId::from_parts(1, 1),
        project: ProjectKey(1),
        project_id: ProjectId::new("p").unwrap(),
        kind: Kind::Phone,
        operation: Operation::Update,
        patch: Values::new(),
        plan,
        phase: Phase::Running,
        why: None,
        total: 100,
        next: 10,
        wave: 1,
        next_at: None,
        actor: "admin".to_owned(),
        created_at: NOW,
        ended_at: None,
        version: 3,
        source: Source::Devices,
    }
}

fn plan() -> Plan {
    Plan { canary: 10, wave: 20, pause_seconds: 30, ..Plan::all_at_once() }
}

fn wave(number: u32) -> Wave {
    Wave {
        number,
        request: RequestId::from_parts(2, u64::from(number)),
        first: 0,
        count: 10,
        accepted: 10,
        refused: 0,
        begun_at: NOW,
        ended_at: None,
    }
}

/// Ten jobs of which so many are open, away, lost and failed.
fn counts(open: u64, away: u64, lost: u64, failed: u64) -> WaveCounts {
    WaveCounts { total: 10, succeeded: 10 - open - failed, failed, open, lost, away }
}

fn decide(rollout: &Rollout, open: &[(Wave, WaveCounts)], ended: WaveCounts) -> Next {
    next(Standing { rollout, open, ended, now: NOW })
}

const NONE: WaveCounts =
    WaveCounts { total: 0, succeeded: 0, failed: 0, open: 0, lost: 0, away: 0 };

#[test]
fn a_wave_waits_for_its_open_jobs_but_not_for_those_that_are_away() {
    let rollout = rollout(plan());
    assert_eq!(decide(&rollout, &[(wave(1), counts(3, 2, 0, 0))], NONE), Next::Wait);
    let ends = Next::End { number: 1, pause: None };
    assert_eq!(decide(&rollout, &[(wave(1), counts(2, 2, 0, 0))], NONE), ends);
    assert_eq!(decide(&rollout, &[(wave(1), counts(1, 0, 1, 0))], NONE), Next::Wait, "lost");
}

#[test]
fn the_next_wave_waits_for_its_time_and_its_window() {
    let minute = u16::try_from(NOW.0 / 60_000 % 1_440).unwrap();
    let mut rollout = rollout(plan());
    assert_eq!(decide(&rollout, &[], counts(0, 0, 0, 0)), Next::Begin(20));
    rollout.next = 95;
    assert_eq!(decide(&rollout, &[], counts(0, 0, 0, 0)), Next::Begin(5));
    rollout.next_at = after_wave(&rollout.plan, NOW);
    assert_eq!(decide(&rollout, &[], counts(0, 0, 0, 0)), Next::Wait);
    rollout.next_at = Some(NOW);
    let window = |from_minute, to_minute| Some(Window { from_minute, to_minute });
    rollout.plan.window = window((minute + 1) % 1_440, (minute + 9) % 1_440);
    assert_eq!(decide(&rollout, &[], counts(0, 0, 0, 0)), Next::Wait);
    rollout.plan.window = window(minute, (minute + 9) % 1_440);
    assert_eq!(decide(&rollout, &[], counts(0, 0, 0, 0)), Next::Begin(5));
}

#[test]
fn it_stops_as_soon_as_its_rule_is_reached() {
    let mut rollout = rollout(plan());
    let open = [(wave(2), counts(5, 1, 1, 1))];
    rollout.plan.stop = Stop { failed: Some(3), failed_percent: None };
    assert_eq!(decide(&rollout, &open, NONE), Next::Wait, "two, one of them lost");
    let Next::Stop(why) = decide(&rollout, &open, counts(0, 0, 0, 1)) else { panic!() };
    let lost =
        "3 of 20 devices had failed (1 of them could not be reached any more): it stops at 3";
    assert_eq!(why, lost);
    rollout.plan.stop = Stop { failed: None, failed_percent: Some(15) };
    assert!(matches!(decide(&rollout, &open, counts(0, 0, 0, 1)), Next::Stop(_)), "15 %");
    rollout.plan.stop = Stop { failed: None, failed_percent: Some(16) };
    assert_eq!(decide(&rollout, &open, counts(0, 0, 0, 1)), Next::Wait);
    // Nothing is left to be kept from beginning.
    rollout.plan.stop = Stop { failed: Some(1), failed_percent: None };
    rollout.next = 100;
    assert_eq!(decide(&rollout, &open, NONE), Next::Wait);
    let Next::Finish(Some(why)) = decide(&rollout, &[], counts(0, 0, 0, 1)) else { panic!() };
    assert_eq!(why, "1 of 10 devices had failed: it stops at 1");
}

#[test]
fn what_is_paused_begins_nothing_and_ends_what_is_over() {
    for phase in [Phase::Paused, Phase::Stopped] {
        let mut rollout = Rollout { phase, ..rollout(plan()) };
        rollout.plan.stop = Stop { failed: Some(1), failed_percent: None };
        assert_eq!(decide(&rollout, &[], NONE), Next::Wait);
        let ends = Next::End { number: 1, pause: None };
        assert_eq!(decide(&rollout, &[(wave(1), counts(0, 0, 0, 5))], NONE), ends);
    }
    for phase in [Phase::Collecting, Phase::Aborted, Phase::Done] {
        let rollout = Rollout { phase, ..rollout(plan()) };
        assert_eq!(decide(&rollout, &[], NONE), Next::Wait);
    }
}

#[test]
fn nothing_follows_a_canary_that_proves_nothing() {
    let rollout = rollout(plan());
    let pause = |open: WaveCounts| match decide(&rollout, &[(wave(1), open)], NONE) {
        Next::End { pause, .. } => pause,
        other => panic!("{other:?}"),
    };
    assert_eq!(pause(counts(9, 9, 0, 0)), None, "one has taken it");
    let why = pause(counts(7, 7, 0, 3)).unwrap();
    assert!(why.contains("3 failed, 0 were refused, 7 are away"), "{why}");
    // A wave that is none proves nothing either, and need not.
    let plan = Plan { canary: 0, ..plan() };
    let rollout = Rollout { plan, ..rollout.clone() };
    let ends = Next::End { number: 1, pause: None };
    assert_eq!(decide(&rollout, &[(wave(1), counts(10, 10, 0, 0))], NONE), ends);
}

#[test]
fn all_at_once_waits_for_no_wave() {
    let rollout = rollout(Plan::all_at_once());
    let open = [(wave(1), counts(10, 0, 0, 0))];
    assert_eq!(decide(&rollout, &open, NONE), Next::Begin(90));
    let rollout = Rollout { next: 100, ..rollout };
    assert_eq!(decide(&rollout, &open, NONE), Next::Wait);
    assert_eq!(decide(&rollout, &[], NONE), Next::Finish(None));
}

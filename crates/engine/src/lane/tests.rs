use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds {
    per_server: 2,
    per_node: 3,
    restarts_per_server: 2,
    boots_per_server: 1,
    restarts_per_project: 3,
};

fn device(number: i64) -> DeviceKey {
    DeviceKey(number)
}

fn started(lanes: &mut Lanes, now: u64) -> Vec<i64> {
    std::iter::from_fn(|| lanes.start_next(Moment(now))).map(|turn| turn.device.0).collect()
}

fn finish(lanes: &mut Lanes, number: i64, after: After, attempts: Attempts) {
    let (hold, project) = (Some(Hold::Nothing), None);
    lanes.finished(device(number), Finished { after, attempts, hold, project });
}

fn done(lanes: &mut Lanes, number: i64, after: After) {
    finish(lanes, number, after, Attempts::default());
}

#[test]
fn one_action_a_device_and_so_many_a_server_and_a_node() {
    let mut lanes = Lanes::new(BOUNDS);
    for number in [1, 2, 3, 4] {
        lanes.wake(device(number), "a", Wake::Work);
    }
    lanes.wake(device(5), "b", Wake::Work);
    lanes.wake(device(6), "b", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1, 5, 2], "servers take turns");
    done(&mut lanes, 1, After::Rest);
    assert_eq!(started(&mut lanes, 0), [6]);
    done(&mut lanes, 5, After::Rest);
    assert_eq!(started(&mut lanes, 0), [3]);
    assert_eq!(lanes.running(), 3);
}

#[test]
fn waking_a_running_lane_runs_it_again_once() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    lanes.wake(device(1), "a", Wake::Work);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), Vec::<i64>::new());
    done(&mut lanes, 1, After::Rest);
    assert_eq!(started(&mut lanes, 0), [1]);
    done(&mut lanes, 1, After::Rest);
    assert!(lanes.is_empty());
    assert_eq!(started(&mut lanes, 0), Vec::<i64>::new());
}

#[test]
fn an_absent_device_is_probed_when_due_and_not_for_each_new_job() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    lanes.wake(device(1), "a", Wake::Work);
    finish(
        &mut lanes,
        1,
        After::Wait(Moment(500)),
        Attempts { away: 1, refused: 0, ..Attempts::default() },
    );
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 499), Vec::<i64>::new());
    assert_eq!(lanes.next_due(), Some(Moment(500)));
    assert_eq!(lanes.start_next(Moment(500)).unwrap().attempts.away, 1);
}

#[test]
fn a_device_that_returned_is_worked_at_once() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    finish(
        &mut lanes,
        1,
        After::Wait(Moment(30_000)),
        Attempts { away: 7, refused: 0, ..Attempts::default() },
    );
    lanes.wake(device(1), "a", Wake::Now);
    assert_eq!(started(&mut lanes, 1), [1]);
    lanes.wake(device(1), "a", Wake::Now);
    lanes.wake(device(1), "a", Wake::Work);
    finish(
        &mut lanes,
        1,
        After::Wait(Moment(30_000)),
        Attempts { away: 8, refused: 0, ..Attempts::default() },
    );
    assert_eq!(started(&mut lanes, 2), [1], "it returned while a step was in flight");
}

#[test]
fn new_work_ends_the_wait_of_a_device_that_answers() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    finish(
        &mut lanes,
        1,
        After::Wait(Moment(500)),
        Attempts { away: 0, refused: 1, ..Attempts::default() },
    );
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 1), [1]);
}

#[test]
fn devices_without_a_server_bound_only_themselves() {
    let mut lanes = Lanes::new(Bounds { per_server: 1, per_node: 10, ..BOUNDS });
    for number in 1..=5 {
        lanes.wake(device(number), "", Wake::Work);
    }
    assert_eq!(started(&mut lanes, 0).len(), 5);
}

#[test]
fn a_lane_is_small() {
    // The design bound is 128 bytes a lane, map entry included.
    assert!(size_of::<(DeviceKey, Lane)>() + size_of::<(Moment, DeviceKey)>() <= 128);
}

#[test]
fn a_lane_that_waits_is_not_looked_at_before_its_time() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    let attempts = Attempts { wiped: 3, ..Attempts::default() };
    finish(&mut lanes, 1, After::Wait(Moment(4_000)), attempts);
    lanes.wake(device(1), "a", Wake::Look);
    assert_eq!(started(&mut lanes, 3_999), Vec::<i64>::new());
    assert_eq!(lanes.start_next(Moment(4_000)).unwrap().attempts, attempts);
}

#[test]
fn a_look_is_remembered_until_its_step_and_never_repeats_one_in_flight() {
    let mut lanes = Lanes::new(BOUNDS);
    lanes.wake(device(1), "a", Wake::Look);
    assert!(lanes.start_next(Moment(0)).unwrap().look);
    lanes.wake(device(1), "a", Wake::Look);
    done(&mut lanes, 1, After::Rest);
    assert!(lanes.is_empty());
    lanes.wake(device(1), "a", Wake::Work);
    assert!(!lanes.start_next(Moment(0)).unwrap().look);
    lanes.wake(device(1), "a", Wake::Now);
    done(&mut lanes, 1, After::Rest);
    assert!(lanes.start_next(Moment(0)).unwrap().look, "it changed while a step was in flight");
}

/// Ends the step of a device of the project `project`, which holds `hold` from now on.
fn end(lanes: &mut Lanes, number: i64, after: After, hold: Hold, project: i64) {
    let attempts = Attempts::default();
    let (hold, project) = (Some(hold), Some(ProjectKey(project)));
    lanes.finished(device(number), Finished { after, attempts, hold, project });
}

/// Lanes that know of all restarts that are under way.
fn opened(bounds: Bounds) -> Lanes {
    let mut lanes = Lanes::new(bounds);
    lanes.open_restarts();
    lanes
}

#[test]
fn no_restart_begins_before_those_under_way_are_known() {
    let mut lanes = Lanes::new(Bounds { per_server: 9, per_node: 9, ..BOUNDS });
    lanes.wake(device(1), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1]);
    end(&mut lanes, 1, After::Restart, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), Vec::<i64>::new());
    lanes.is_restarting(device(2), "a", ProjectKey(1));
    lanes.open_restarts();
    assert_eq!(started(&mut lanes, 0), [2]);
    assert_eq!(may_restart(&mut lanes, 0), Vec::<i64>::new(), "the other one boots");
    end(&mut lanes, 2, After::Rest, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [1]);
}

/// Starts all that may start, and gives those that may be told to restart.
fn may_restart(lanes: &mut Lanes, now: u64) -> Vec<i64> {
    std::iter::from_fn(|| lanes.start_next(Moment(now)))
        .filter(|turn| turn.may_restart)
        .map(|turn| turn.device.0)
        .collect()
}

#[test]
fn one_boots_at_a_time_and_two_are_restarted() {
    let mut lanes = opened(Bounds { per_server: 9, per_node: 9, ..BOUNDS });
    for number in [1, 2, 3] {
        lanes.wake(device(number), "a", Wake::Work);
    }
    assert_eq!(may_restart(&mut lanes, 0), Vec::<i64>::new());
    for number in [1, 2, 3] {
        end(&mut lanes, number, After::Restart, Hold::Nothing, 1);
    }
    assert_eq!(may_restart(&mut lanes, 0), [1]);
    end(&mut lanes, 1, After::Wait(Moment(10)), Hold::Boot, 1);
    assert_eq!(may_restart(&mut lanes, 5), Vec::<i64>::new(), "it boots");
    assert_eq!(started(&mut lanes, 10), [1]);
    end(&mut lanes, 1, After::Wait(Moment(20)), Hold::Restart, 1);
    assert_eq!(may_restart(&mut lanes, 11), [2], "it has booted");
    end(&mut lanes, 2, After::Wait(Moment(20)), Hold::Restart, 1);
    assert_eq!(may_restart(&mut lanes, 12), Vec::<i64>::new(), "two are not done");
    assert_eq!(started(&mut lanes, 20), [1, 2]);
    end(&mut lanes, 1, After::Rest, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 21), [3]);
    end(&mut lanes, 3, After::Rest, Hold::Nothing, 1);
    end(&mut lanes, 2, After::Rest, Hold::Nothing, 1);
    assert!(lanes.is_empty());
}

#[test]
fn a_project_has_its_bound_over_all_servers() {
    let mut lanes = opened(Bounds { per_node: 99, ..BOUNDS });
    for number in 1..=5 {
        lanes.wake(device(number), &format!("server {number}"), Wake::Work);
    }
    for number in started(&mut lanes, 0) {
        end(&mut lanes, number, After::Restart, Hold::Nothing, if number == 5 { 2 } else { 1 });
    }
    assert_eq!(may_restart(&mut lanes, 0), [1, 2, 3, 5], "three of one project, one of another");
    end(&mut lanes, 2, After::Rest, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [4]);
}

#[test]
fn work_that_comes_while_in_line_is_done_at_once_and_costs_no_place() {
    let mut lanes = opened(Bounds { per_server: 9, per_node: 9, ..BOUNDS });
    for number in [1, 2, 3] {
        lanes.wake(device(number), "a", Wake::Work);
    }
    for number in started(&mut lanes, 0) {
        end(&mut lanes, number, After::Restart, Hold::Nothing, 1);
    }
    assert_eq!(may_restart(&mut lanes, 0), [1]);
    lanes.wake(device(2), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [2]);
    end(&mut lanes, 2, After::Restart, Hold::Nothing, 1);
    end(&mut lanes, 1, After::Rest, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [2]);
    end(&mut lanes, 2, After::Wait(Moment(5)), Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [3], "who could not be told gives way");
}

#[test]
fn what_is_under_way_after_a_start_is_counted_though_it_is_more_than_may_be() {
    let mut lanes = opened(Bounds { per_server: 9, per_node: 9, ..BOUNDS });
    for number in [1, 2, 3, 4] {
        lanes.wake(device(number), "a", Wake::Work);
    }
    assert_eq!(started(&mut lanes, 0).len(), 4);
    end(&mut lanes, 4, After::Restart, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [4]);
    for number in [1, 2, 3] {
        end(&mut lanes, number, After::Wait(Moment(9)), Hold::Boot, 1);
    }
    end(&mut lanes, 4, After::Restart, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 1), Vec::<i64>::new());
    assert_eq!(started(&mut lanes, 9), [1, 2, 3]);
    for number in [1, 2, 3] {
        end(&mut lanes, number, After::Rest, Hold::Nothing, 1);
    }
    assert_eq!(may_restart(&mut lanes, 10), [4]);
}

#[test]
fn what_is_given_up_is_forgotten_but_for_what_is_in_flight() {
    let mut lanes = opened(BOUNDS);
    for number in [1, 2, 3] {
        lanes.wake(device(number), "a", Wake::Work);
    }
    assert_eq!(started(&mut lanes, 0), [1, 2]);
    finish(&mut lanes, 1, After::Wait(Moment(9)), Attempts { away: 3, ..Attempts::default() });
    lanes.give_up(|given_up| given_up != device(3));
    assert_eq!(started(&mut lanes, 10), [3], "the one that waited is gone");
    assert_eq!((lanes.len(), lanes.running()), (2, 2));
    // It comes back while its step is in flight: no second one, and nothing of the first counts.
    lanes.wake(device(2), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 10), Vec::<i64>::new());
    finish(&mut lanes, 2, After::Wait(Moment(99)), Attempts { away: 3, ..Attempts::default() });
    let turn = lanes.start_next(Moment(10)).unwrap();
    assert_eq!((turn.device, turn.attempts), (device(2), Attempts::default()));
    done(&mut lanes, 2, After::Rest);
    done(&mut lanes, 3, After::Rest);
    assert!(lanes.is_empty());
}

#[test]
fn what_is_given_up_takes_up_no_room_for_restarts() {
    let mut lanes = opened(BOUNDS);
    lanes.wake(device(1), "a", Wake::Work);
    lanes.wake(device(2), "a", Wake::Work);
    assert_eq!(started(&mut lanes, 0), [1, 2]);
    end(&mut lanes, 1, After::Restart, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), [1]);
    end(&mut lanes, 2, After::Restart, Hold::Nothing, 1);
    assert_eq!(may_restart(&mut lanes, 0), Vec::<i64>::new());
    lanes.give_up(|given_up| given_up == device(1));
    assert_eq!(may_restart(&mut lanes, 0), [2]);
}

#[test]
fn nodes_share_what_a_server_and_a_project_bear() {
    let bounds = Bounds { per_server: 8, restarts_per_server: 2, ..BOUNDS };
    let part = bounds.shared_by(3);
    assert_eq!((part.per_server, part.restarts_per_server), (2, 1));
    assert_eq!((part.boots_per_server, part.per_node), (1, BOUNDS.per_node));
    let mut lanes = Lanes::new(bounds.shared_by(8));
    for number in 1..=3 {
        lanes.wake(device(number), "a", Wake::Work);
    }
    assert_eq!(started(&mut lanes, 0), [1]);
    lanes.set_bounds(bounds.shared_by(4));
    assert_eq!(started(&mut lanes, 0), [2], "who is left alone may do more at once");
}

#[derive(Debug, Clone)]
enum Step {
    Wake(i64, bool),
    Start,
    Finish(usize, u8),
    Pass(u64),
    GiveUp(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_i64..12, any::<bool>()).prop_map(|(device, now)| Step::Wake(device, now)),
        Just(Step::Start),
        (0_usize..4, 0_u8..5).prop_map(|(index, after)| Step::Finish(index, after)),
        (1_u64..400).prop_map(Step::Pass),
        (1_i64..12).prop_map(Step::GiveUp),
    ]
}

proptest! {
    /// Whatever happens: the bounds hold, no device runs twice at once, and everything woken is
    /// started in the end.
    #[test]
    fn bounds_hold_and_nothing_is_forgotten(steps in prop::collection::vec(step(), 1..200)) {
        let server = |number: i64| if number % 3 == 0 { "a" } else { "b" };
        let mut lanes = opened(BOUNDS);
        let mut now = 0;
        let mut running: Vec<i64> = Vec::new();
        let mut owed: BTreeSet<i64> = BTreeSet::new();
        let mut may: BTreeSet<i64> = BTreeSet::new();
        let mut booting: BTreeSet<i64> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Wake(number, urgent) => {
                    let wake = if urgent { Wake::Now } else { Wake::Work };
                    lanes.wake(device(number), server(number), wake);
                    owed.insert(number);
                }
                Step::Start => {
                    let turn = lanes.start_next(Moment(now));
                    if let Some(Turn { device: started, may_restart, .. }) = turn {
                        prop_assert!(!running.contains(&started.0));
                        if may_restart {
                            may.insert(started.0);
                        }
                        running.push(started.0);
                        owed.remove(&started.0);
                    }
                }
                Step::Finish(index, after) if index < running.len() => {
                    let number = running.remove(index);
                    let after = match after {
                        0 => After::Rest,
                        1 => After::Again,
                        2 => After::Restart,
                        _ => After::Wait(Moment(now + 100)),
                    };
                    let away = u8::from(matches!(after, After::Wait(_)));
                    let attempts = Attempts { away, ..Attempts::default() };
                    // One that may be told is told now and then, and boots from then on.
                    let tells = may.remove(&number) && after == After::Wait(Moment(now + 100));
                    let hold = Some(if tells { Hold::Boot } else { Hold::Nothing });
                    if tells { booting.insert(number) } else { booting.remove(&number) };
                    let project = Some(ProjectKey(number % 2));
                    lanes.finished(device(number), Finished { after, attempts, hold, project });
                }
                Step::Finish(..) => {}
                Step::Pass(milliseconds) => now += milliseconds,
                Step::GiveUp(number) => {
                    lanes.give_up(|given_up| given_up == device(number));
                    owed.remove(&number);
                    may.remove(&number);
                    booting.remove(&number);
                }
            }
            let mut by_server = BTreeMap::new();
            for number in &running {
                *by_server.entry(server(*number)).or_insert(0) += 1;
            }
            prop_assert!(by_server.values().all(|count| *count <= BOUNDS.per_server));
            prop_assert!(running.len() <= BOUNDS.per_node);
            for name in ["a", "b"] {
                let of_server = |number: &&i64| server(**number) == name;
                let boots = may.union(&booting).filter(of_server).count();
                prop_assert!(boots <= BOUNDS.boots_per_server);
            }
        }
        for _ in 0..100 {
            now += 200;
            while let Some(Turn { device: started, .. }) = lanes.start_next(Moment(now)) {
                owed.remove(&started.0);
                running.push(started.0);
            }
            for number in running.drain(..) {
                done(&mut lanes, number, After::Rest);
            }
        }
        prop_assert!(owed.is_empty(), "never started: {owed:?}");
        prop_assert!(lanes.is_empty());
    }
}

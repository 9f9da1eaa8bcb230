//! What a result says besides values: power steps, what waits for a restart, copies, facts.

use std::collections::BTreeMap;

use fleet::{
    BootIdentity, Condition, DeviceKey, Facts, Operation, PowerStep, RestartPending, Revision,
};

use super::fixture::*;
use crate::Store;

fn boot() -> BootIdentity {
    BootIdentity { kernel: "k-1".to_owned(), init_start: "42".to_owned() }
}

async fn has_work(store: &dyn Store, key: DeviceKey) -> bool {
    let found = store.devices_with_work(DeviceKey(0), 100).await.unwrap();
    let found = found.iter().any(|seed| seed.device == key);
    assert_eq!(found, device(store, key).await.state.has_work());
    found
}

pub(crate) async fn a_step_that_was_begun_is_work_and_is_read_back(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    settle_all(store, keys[0]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    for from_boot in [Some(boot()), None] {
        let step = PowerStep {
            operation: Operation::Reset,
            through: Revision(7),
            from_boot,
            begun_at: AT,
            told: 2,
            told_at: LATER,
            heard: false,
            blind: false,
            was: Condition::Running,
            back: true,
        };
        result.power = Some(step.clone());
        settled(store, result.clone()).await.unwrap();
        assert_eq!(device(store, keys[0]).await.state.power, Some(step));
        assert!(has_work(store, keys[0]).await);
    }
    // The lanes hear of it when they are made anew.
    let seeds = store.devices_with_work(DeviceKey(0), 10).await.unwrap();
    let restarting = seeds.iter().map(|seed| (seed.device, seed.restarting)).collect::<Vec<_>>();
    assert_eq!(restarting, [(keys[0], Some(project)), (keys[1], None)]);
    result.power = None;
    settled(store, result).await.unwrap();
    assert_eq!(device(store, keys[0]).await.state.power, None);
    assert!(!has_work(store, keys[0]).await);
}

pub(crate) async fn what_waits_for_a_restart_stays_unless_it_is_told(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    let pending = BTreeMap::from([
        ("a".to_owned(), RestartPending { boot: Some(boot()), since: AT }),
        ("b".to_owned(), RestartPending { boot: None, since: LATER }),
    ]);
    for (told, expected) in [
        (None, BTreeMap::new()),
        (Some(pending.clone()), pending.clone()),
        (None, pending),
        (Some(BTreeMap::new()), BTreeMap::new()),
        (None, BTreeMap::new()),
    ] {
        result.restart_pending = told;
        settled(store, result.clone()).await.unwrap();
        assert_eq!(device(store, keys[0]).await.state.restart_pending, expected);
        assert!(!has_work(store, keys[0]).await, "it waits for nobody but its operator");
    }
}

pub(crate) async fn a_copy_is_work_until_it_is_none(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    for copy in [Some(keys[1]), None] {
        result.copy = copy;
        settled(store, result.clone()).await.unwrap();
        assert_eq!(device(store, keys[0]).await.state.copy, copy);
        assert_eq!(has_work(store, keys[0]).await, copy.is_some());
    }
}

pub(crate) async fn facts_stay_until_there_are_others(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    let facts = |pairs: &[(&str, &str)]| Some(Facts(values(pairs)));
    let first = facts(&[(Facts::MODEL, "模"), (Facts::USER, "root")]);
    let second = facts(&[(Facts::MODEL, "m2")]);
    for (told, expected) in [
        (None, facts(&[])),
        (first.clone(), first.clone()),
        (None, first),
        (second.clone(), second.clone()),
        (second.clone(), second),
        (facts(&[]), facts(&[])),
    ] {
        result.facts = told;
        settled(store, result.clone()).await.unwrap();
        assert_eq!(Some(device(store, keys[0]).await.state.facts), expected);
        assert_eq!(device(store, keys[1]).await.state.facts, Facts::default());
    }
}

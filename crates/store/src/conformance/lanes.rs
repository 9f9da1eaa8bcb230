//! What the lanes read.

use fleet::{Condition, DeviceKey};

use super::fixture::*;
use crate::Store;

async fn with_work(store: &dyn Store) -> Vec<DeviceKey> {
    let seeds = store.devices_with_work(DeviceKey(0), 1_000).await.unwrap();
    seeds.into_iter().map(|seed| seed.device).collect()
}

async fn at_rest(store: &dyn Store) -> Vec<DeviceKey> {
    let seeds = store.devices_at_rest(DeviceKey(0), 1_000).await.unwrap();
    seeds.into_iter().map(|seed| seed.device).collect()
}

pub(crate) async fn work_is_one_snapshot_of_a_device(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let first = accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    accept_one(store, project, 2, keys[1], &[("a", "1")]).await;
    let second = accept_one(store, project, 3, keys[0], &[("b", "2")]).await;
    let work = store.work(keys[0]).await.unwrap().unwrap();
    assert_eq!(work.device.id, device_id("phone-0"));
    assert_eq!(work.state.open_jobs, [first.job, second.job]);
    assert_eq!(work.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), work.state.open_jobs);
    assert_eq!(work.jobs[1].patch, values(&[("b", "2")]));
    assert_eq!(work.jobs[1].revision, second.revision);
    assert_eq!(store.work(DeviceKey(999)).await.unwrap(), None);
}

pub(crate) async fn devices_have_work_until_they_are_settled(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    assert_eq!(with_work(store).await, keys, "never reached");
    for key in &keys {
        settle_all(store, *key).await;
    }
    assert!(with_work(store).await.is_empty());

    let job = accept_one(store, project, 1, keys[1], &[("a", "1")]).await.job;
    assert_eq!(with_work(store).await, [keys[1]], "accepted");
    let fence = fence(store, keys[1]).await;
    settled(store, settle(keys[1], fence, 1)).await.unwrap();
    assert_eq!(with_work(store).await, [keys[1]], "settled, with a job open");
    let mut result = settle(keys[1], fence, 1);
    result.ended = vec![ended(job, SUCCEEDED)];
    settled(store, result).await.unwrap();
    assert!(with_work(store).await.is_empty());

    let job = accept_one(store, project, 2, keys[1], &[("a", "2")]).await.job;
    let mut result = settle(keys[1], fence, 1);
    result.ended = vec![ended(job, SUCCEEDED)];
    settled(store, result).await.unwrap();
    assert_eq!(with_work(store).await, [keys[1]], "no job open, and not settled");
    settled(store, settle(keys[1], fence, 2)).await.unwrap();
    assert!(with_work(store).await.is_empty());

    let mut result = settle(keys[1], fence, 2);
    result.trouble = Some("nobody answers".to_owned());
    settled(store, result.clone()).await.unwrap();
    assert_eq!(with_work(store).await, [keys[1]], "in trouble");
    result.trouble = None;
    result.condition = Condition::Abnormal;
    settled(store, result).await.unwrap();
    assert_eq!(with_work(store).await, [keys[1]], "abnormal");

    // What the store says is what the domain says.
    for key in &keys {
        let state = device(store, *key).await.state;
        assert_eq!(with_work(store).await.contains(key), state.has_work());
    }
}

pub(crate) async fn devices_at_rest_hold_values_and_have_no_work(store: &dyn Store) {
    let (project, keys) = fleet(store, 4).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    accept_one(store, project, 2, keys[1], &[]).await;
    accept_one(store, project, 3, keys[3], &[("a", "1")]).await;
    assert!(at_rest(store).await.is_empty());
    for key in &keys[..3] {
        settle_all(store, *key).await;
    }
    assert_eq!(at_rest(store).await, [keys[0]]);
    settle_all(store, keys[3]).await;
    assert_eq!(at_rest(store).await, [keys[0], keys[3]]);
    let seeds = store.devices_at_rest(keys[0], 1).await.unwrap();
    assert_eq!(seeds[0].device, keys[3]);
}

pub(crate) async fn lists_of_lanes_are_paged(store: &dyn Store) {
    let (_, keys) = fleet(store, 10).await;
    let mut after = DeviceKey(0);
    let mut found = Vec::new();
    loop {
        let page = store.devices_with_work(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = last.device;
        assert!(page.iter().all(|seed| seed.shard == seed.device.shard()));
        assert!(page.iter().all(|seed| seed.server == "server-1"));
        found.extend(page.into_iter().map(|seed| seed.device));
    }
    assert_eq!(found, keys);
}

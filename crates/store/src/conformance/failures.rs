//! Why jobs of an update failed, and devices of it were refused.

use fleet::limits::{FAILURE_DEVICES_MAX, FAILURE_GROUPS_MAX};
use fleet::{DeviceId, DeviceKey, End, Failure, Principal, ProjectKey, Refusal, RequestId};

use super::fixture::*;
use super::rollouts::begun;
use crate::{FailureGroup, Failures, Store, WhyNot};

/// A call of so many phones, in the order of their keys.
async fn call(store: &dyn Store, project: ProjectKey, number: u64, keys: &[DeviceKey]) {
    let entries: Vec<_> = keys.iter().map(|key| (*key, &[("a", "1")][..])).collect();
    accepted_as(store, &engine(), accept(project, request(number), &entries)).await;
}

/// Ends the job of a device at this position of a call as failed.
async fn fail(store: &dyn Store, (number, position): (u64, u16), key: DeviceKey, failure: Failure) {
    let mut result = settle(key, fence(store, key).await, 0);
    let job = request(number).job(position).unwrap();
    result.ended = vec![ended(job, End::Failed { failure })];
    settled(store, result).await.unwrap();
}

fn refused(detail: &str) -> Failure {
    Failure::Refused { name: "a".to_owned(), detail: detail.to_owned() }
}

fn late(trouble: &str) -> Failure {
    Failure::DeadlinePassed { trouble: trouble.to_owned() }
}

/// A group of phones `phone-N`.
fn group(why: WhyNot, count: u64, phones: &[usize]) -> FailureGroup {
    let devices: Vec<DeviceId> = phones.iter().map(|n| device_id(&format!("phone-{n}"))).collect();
    FailureGroup { why, count, devices }
}

async fn told(store: &dyn Store, principal: &Principal, requests: &[RequestId]) -> Failures {
    store.failures(principal, requests, None).await.unwrap()
}

pub(crate) async fn failures_are_told_by_reason(store: &dyn Store) {
    let (project, keys) = fleet(store, 10).await;
    call(store, project, 1, &keys).await;
    call(store, project, 2, &keys[..2]).await;
    let requests = [request(1), request(9), request(2)];
    assert_eq!(told(store, &engine(), &requests).await, Failures::default());

    for (position, key) in (0_u16..).zip(&keys[..7]) {
        fail(store, (1, position), *key, refused("no: \"汉\" \\ \u{0}")).await;
    }
    fail(store, (1, 7), keys[7], late("not registered: it ended at 07:00")).await;
    fail(store, (1, 8), keys[8], late("not registered: it ended at 08:00")).await;
    fail(store, (2, 0), keys[0], refused("other")).await;
    settle_all(store, keys[9]).await;
    let first = vec![
        group(WhyNot::Failed(refused("no: \"汉\" \\ \u{0}")), 7, &[0, 1, 2, 3, 4]),
        group(WhyNot::Failed(late("not registered")), 2, &[7, 8]),
    ];
    assert_eq!(first[0].devices.len(), FAILURE_DEVICES_MAX as usize);
    let expected = Failures { groups: first.clone(), total: 9, reasons: 2 };
    assert_eq!(told(store, &engine(), &[request(1)]).await, expected);
    let mut groups = first;
    groups.push(group(WhyNot::Failed(refused("other")), 1, &[0]));
    let expected = Failures { groups, total: 10, reasons: 3 };
    assert_eq!(told(store, &engine(), &requests).await, expected);

    let (own, other) = (Principal::client(project, "AK"), create_project(store, "other").await);
    assert_eq!(told(store, &own, &requests).await, expected);
    let foreign = Principal::client(other, "AK2");
    assert_eq!(told(store, &foreign, &requests).await, Failures::default());
    assert_eq!(told(store, &engine(), &[]).await, Failures::default());

    delete_device(store, "phone-7").await;
    assert_eq!(told(store, &engine(), &requests).await, expected, "it has left its id");
}

pub(crate) async fn a_device_that_failed_twice_is_named_once(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    call(store, project, 1, &[keys[0], keys[0]]).await;
    for position in 0..2 {
        fail(store, (1, position), keys[0], refused("no")).await;
    }
    let groups = vec![group(WhyNot::Failed(refused("no")), 2, &[0])];
    let expected = Failures { groups, total: 2, reasons: 1 };
    assert_eq!(told(store, &engine(), &[request(1)]).await, expected);
}

pub(crate) async fn of_many_reasons_those_of_most_are_told(store: &dyn Store) {
    let count = FAILURE_GROUPS_MAX as usize + 3;
    let (project, keys) = fleet(store, count).await;
    call(store, project, 1, &keys).await;
    for (position, key) in (0_u16..).zip(&keys) {
        // The last two have one in common.
        let detail = usize::from(position).min(count - 2).to_string();
        fail(store, (1, position), *key, refused(&detail)).await;
    }
    let found = told(store, &engine(), &[request(1)]).await;
    assert_eq!((found.total, found.reasons), (count as u64, count as u64 - 1));
    assert_eq!(found.groups.len(), FAILURE_GROUPS_MAX as usize);
    let last = group(WhyNot::Failed(refused(&(count - 2).to_string())), 2, &[count - 2, count - 1]);
    assert_eq!(found.groups[0], last);
    assert_eq!(found.groups[1], group(WhyNot::Failed(refused("0")), 1, &[0]));
}

pub(crate) async fn a_rollout_tells_whom_it_refused(store: &dyn Store) {
    // Its wave has a job of the second phone at position 1; the first was frozen, and of the third
    // there is no device any more.
    let (project, keys) = begun(store).await;
    fail(store, (100, 1), keys[1], refused("no")).await;
    let told = async |principal: &Principal, rollout| {
        store.failures(principal, &[request(100)], rollout).await.unwrap()
    };
    let failed = group(WhyNot::Failed(refused("no")), 1, &[1]);
    let frozen = group(WhyNot::Refused(Refusal::Frozen), 1, &[0]);
    let unknown = group(WhyNot::Refused(Refusal::DeviceUnknown), 1, &[2]);
    let groups = vec![frozen, failed.clone(), unknown];
    let expected = Failures { groups, total: 3, reasons: 3 };
    assert_eq!(told(&engine(), Some(request(1))).await, expected);
    assert_eq!(told(&Principal::client(project, "AK"), Some(request(1))).await, expected);
    let expected = Failures { groups: vec![failed], total: 1, reasons: 1 };
    assert_eq!(told(&engine(), None).await, expected);
    assert_eq!(told(&engine(), Some(request(7))).await, expected, "there is no such rollout");
    let foreign = Principal::client(create_project(store, "other").await, "AK2");
    assert_eq!(told(&foreign, Some(request(1))).await, Failures::default());
}

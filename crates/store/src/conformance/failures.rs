//! Why jobs of an update failed, and devices of it were refused.

use fleet::limits::{FAILURE_DEVICES_MAX, FAILURE_GROUPS_MAX};
use fleet::{DeviceId, DeviceKey, End, Failure, Principal, ProjectKey, Refusal, RequestId};

use super::fixture::*;
use super::rollouts::begun;
use crate::{FailureGroup, Failures, JobFilter, Store, WhyNot};

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

/// A group of phones `phone-N`, the first of which has a job at this position of a call.
fn group(failure: Failure, count: u64, phones: &[usize], job: (u64, u16)) -> FailureGroup {
    let job = request(job.0).job(job.1);
    FailureGroup { why: WhyNot::Failed(failure), count, devices: named(phones), job }
}

/// One of those that were refused.
fn refused_group(refusal: Refusal, phone: usize) -> FailureGroup {
    FailureGroup { why: WhyNot::Refused(refusal), count: 1, devices: named(&[phone]), job: None }
}

fn named(phones: &[usize]) -> Vec<DeviceId> {
    phones.iter().map(|n| device_id(&format!("phone-{n}"))).collect()
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
    fail(store, (1, 8), keys[8], late("not registered")).await;
    fail(store, (2, 0), keys[0], refused("other")).await;
    settle_all(store, keys[9]).await;
    let first = vec![
        group(refused("no: \"汉\" \\ \u{0}"), 7, &[0, 1, 2, 3, 4], (1, 0)),
        group(late("not registered"), 2, &[7, 8], (1, 7)),
    ];
    assert_eq!(first[0].devices.len(), FAILURE_DEVICES_MAX as usize);
    let expected = Failures { groups: first.clone(), total: 9, reasons: 2 };
    assert_eq!(told(store, &engine(), &[request(1)]).await, expected);
    let mut groups = first;
    groups.push(group(refused("other"), 1, &[0], (2, 0)));
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

pub(crate) async fn the_jobs_of_a_group_are_its_own(store: &dyn Store) {
    let (project, keys) = fleet(store, 8).await;
    call(store, project, 1, &keys).await;
    call(store, project, 2, &keys[..2]).await;
    let gone = |name: &str| Failure::Refused { name: name.to_owned(), detail: "a: b".to_owned() };
    for (position, failure) in (0..).zip([
        refused("no: \"汉\" \\ \u{0}"),
        refused("no: other"),
        late("not registered: it ended at 07:00"),
        late("not registered"),
        late("not registered: \u{0}\"}: 2"),
        gone("a"),
        gone("b"),
    ]) {
        fail(store, (1, position), keys[usize::from(position)], failure).await;
    }
    fail(store, (2, 1), keys[1], refused("no: other")).await;
    let requests = [request(1), request(2)];
    let like = async |principal: &Principal, job: (u64, u16)| {
        let same_reason_as = request(job.0).job(job.1);
        let filter = JobFilter { same_reason_as, ..JobFilter::default() };
        let found = store.jobs_from(principal, &requests, 0, &filter, 100).await.unwrap();
        found.into_iter().map(|found| found.job.id).collect::<Vec<_>>()
    };
    let id = |(number, position): (u64, u16)| request(number).job(position).unwrap();
    for group in [&[(1, 0)][..], &[(1, 1), (2, 1)], &[(1, 2), (1, 3), (1, 4)], &[(1, 5)], &[(1, 6)]]
    {
        let expected: Vec<_> = group.iter().copied().map(id).collect();
        for job in group {
            assert_eq!(like(&engine(), *job).await, expected, "{job:?}");
            assert_eq!(like(&Principal::client(project, "AK"), *job).await, expected, "{job:?}");
        }
    }
    for group in told(store, &engine(), &requests).await.groups {
        let job = group.job.unwrap();
        let place = if job.request() == request(1) { 1 } else { 2 };
        assert_eq!(like(&engine(), (place, job.position())).await.len() as u64, group.count);
    }
    assert!(like(&engine(), (1, 7)).await.is_empty(), "it has not failed");
    assert!(like(&engine(), (9, 0)).await.is_empty(), "there is none");

    // Whoever may not see the job learns nothing of its reason.
    let other = create_project(store, "other").await;
    let theirs = import_new(store, vec![new_device("other", "phone-9")]).await;
    call(store, other, 3, &theirs).await;
    fail(store, (3, 0), theirs[0], refused("no: other")).await;
    assert!(like(&Principal::client(project, "AK"), (3, 0)).await.is_empty());
    assert_eq!(like(&engine(), (3, 0)).await, [id((1, 1)), id((2, 1))]);
}

pub(crate) async fn a_device_that_failed_twice_is_named_once(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    call(store, project, 1, &[keys[0], keys[0]]).await;
    for position in 0..2 {
        fail(store, (1, position), keys[0], refused("no")).await;
    }
    let groups = vec![group(refused("no"), 2, &[0], (1, 0))];
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
    let last = count - 2;
    let job = (1, u16::try_from(last).unwrap());
    let largest = group(refused(&last.to_string()), 2, &[last, last + 1], job);
    assert_eq!(found.groups[0], largest);
    assert_eq!(found.groups[1], group(refused("0"), 1, &[0], (1, 0)));
}

pub(crate) async fn a_rollout_tells_whom_it_refused(store: &dyn Store) {
    // Its wave has a job of the second phone at position 1; the first was frozen, and of the third
    // there is no device any more.
    let (project, keys) = begun(store).await;
    fail(store, (100, 1), keys[1], refused("no")).await;
    let told = async |principal: &Principal, rollout| {
        store.failures(principal, &[request(100)], rollout).await.unwrap()
    };
    let failed = group(refused("no"), 1, &[1], (100, 1));
    let frozen = refused_group(Refusal::Frozen, 0);
    let unknown = refused_group(Refusal::DeviceUnknown, 2);
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

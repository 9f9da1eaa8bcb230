//! Accepting updates.

use std::collections::BTreeSet;

use fleet::limits::{DESIRED_BYTES_MAX, OPEN_JOBS_PER_DEVICE_MAX, PHONES_PER_UPDATE_MAX};
use fleet::{Condition, DeviceKey, Operation, Principal, Refusal, Revision};

use super::fixture::*;
use crate::write::{AcceptEntry, AcceptedEntry, DeviceChange};
use crate::{Refused, Store, Write};

pub(crate) async fn revisions_are_dense_and_patches_merge(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let patches: [&[(&str, &str)]; 3] = [&[("a", "1"), ("b", "1")], &[("b", "2")], &[("c", "'\"")]];
    for (number, patch) in (1..).zip(patches) {
        let entry = accept_one(store, project, number, keys[0], patch).await;
        assert_eq!(entry.revision, Revision(i64::try_from(number).unwrap()));
        assert_eq!(Some(entry.job), request(number).job(0));
        assert!(!entry.stored);
    }
    let state = device(store, keys[0]).await.state;
    assert_eq!(state.revision, Revision(3));
    assert_eq!(state.desired.values(), values(&[("a", "1"), ("b", "2"), ("c", "'\"")]));
    let revisions = ["a", "b", "c"].map(|name| state.desired.get(name).unwrap().revision.0);
    assert_eq!(revisions, [1, 2, 3]);
    let jobs = (1..=3).map(|number| request(number).job(0).unwrap()).collect::<Vec<_>>();
    assert_eq!(state.open_jobs, jobs);
    assert_eq!(device(store, keys[1]).await.state.revision, Revision(0));
}

pub(crate) async fn the_same_device_twice_gets_two_jobs_in_order(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let call = accept(
        project,
        request(1),
        &[(keys[0], &[("a", "1")]), (keys[1], &[("a", "2")]), (keys[0], &[("a", "3")])],
    );
    let results = accepted_as(store, &engine(), call).await;
    let entries: Vec<AcceptedEntry> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(entries.iter().map(|e| e.revision.0).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(entries.iter().map(|e| e.device).collect::<Vec<_>>(), [keys[0], keys[1], keys[0]]);
    let state = device(store, keys[0]).await.state;
    assert_eq!(state.open_jobs, [entries[0].job, entries[2].job]);
    assert_eq!(state.desired.values(), values(&[("a", "3")]));
}

pub(crate) async fn an_empty_patch_is_a_job(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let entry = accept_one(store, project, 1, keys[0], &[]).await;
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.revision, state.open_jobs), (Revision(1), vec![entry.job]));
    assert!(state.desired.values().is_empty());
}

pub(crate) async fn unknown_and_foreign_devices_are_refused_alone(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let other = create_project(store, "other").await;
    let foreign = import_new(store, vec![new_device("other", "foreign")]).await[0];
    let entries: &[(DeviceKey, &[(&str, &str)])] = &[
        (DeviceKey(999), &[("a", "1")]),
        (keys[0], &[("a", "1")]),
        (foreign, &[("a", "1")]),
        (keys[1], &[("a", "1")]),
    ];
    let results = accepted_as(store, &engine(), accept(project, request(1), entries)).await;
    assert_eq!(results[0], Err(Refusal::DeviceUnknown));
    assert_eq!(results[2], Err(Refusal::DeviceUnknown));
    assert_eq!(results[1].as_ref().unwrap().job, request(1).job(1).unwrap());
    assert_eq!(results[3].as_ref().unwrap().job, request(1).job(3).unwrap());
    assert_eq!(device(store, foreign).await.state.revision, Revision(0));

    let stranger = Principal::client(other, "AK");
    let results = accepted_as(store, &stranger, accept(project, request(2), entries)).await;
    assert!(results.iter().all(|result| *result == Err(Refusal::DeviceUnknown)));
    assert_eq!(device(store, keys[0]).await.state.revision, Revision(1));
}

pub(crate) async fn a_device_takes_64_open_jobs_and_no_more(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    for number in 1..=OPEN_JOBS_PER_DEVICE_MAX as u64 {
        accept_one(store, project, number, keys[0], &[("a", &number.to_string())]).await;
    }
    let full = device(store, keys[0]).await.state;
    let call = accept(project, request(100), &[(keys[0], &[("a", "x")]), (keys[1], &[("a", "x")])]);
    let results = accepted_as(store, &engine(), call).await;
    assert!(matches!(results[0], Err(Refusal::Busy { .. })), "{results:?}");
    assert!(results[1].is_ok());
    assert_eq!(device(store, keys[0]).await.state, full);
    assert_eq!(store.job(&engine(), request(100).job(0).unwrap()).await.unwrap(), None);

    settle_all(store, keys[0]).await;
    let entry = accept_one(store, project, 101, keys[0], &[("a", "x")]).await;
    assert_eq!(entry.revision, Revision(65), "a refused entry takes no revision");
}

pub(crate) async fn desired_state_has_a_bound(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    // One byte of name each, so this is the bound exactly.
    let half = "v".repeat(DESIRED_BYTES_MAX / 2 - 1);
    accept_one(store, project, 1, keys[0], &[("a", &half)]).await;
    accept_one(store, project, 2, keys[0], &[("b", &half)]).await;
    let full = device(store, keys[0]).await.state;
    assert_eq!(full.desired.bytes(), DESIRED_BYTES_MAX);
    let call = accept(project, request(3), &[(keys[0], &[("c", "")])]);
    let results = accepted_as(store, &engine(), call).await;
    assert!(matches!(results[0], Err(Refusal::Busy { .. })), "{results:?}");
    assert_eq!(device(store, keys[0]).await.state, full);
    // What takes no more room is accepted.
    accept_one(store, project, 4, keys[0], &[("a", &half)]).await;
}

pub(crate) async fn a_device_that_does_not_run_is_told_as_stored(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let fence = fence(store, keys[0]).await;
    let conditions = [
        (Condition::New, false),
        (Condition::Running, false),
        (Condition::Restarting, false),
        (Condition::Resetting, false),
        (Condition::Stopping, true),
        (Condition::Stopped, true),
        (Condition::Abnormal, true),
    ];
    for (number, (condition, stores)) in (1..).zip(conditions) {
        let mut result = settle(keys[0], fence, 0);
        result.condition = condition;
        settled(store, result).await.unwrap();
        let mut call = accept(project, request(number), &[(keys[0], &[("a", "1")])]);
        let restart =
            AcceptEntry { position: 1, operation: Operation::Restart, ..call.entries[0].clone() };
        call.entries.push(restart);
        let results = accepted_as(store, &engine(), call).await;
        for (result, stored) in results.into_iter().zip([stores, false]) {
            let entry = result.unwrap();
            assert_eq!(entry.stored, stored, "{condition}");
            let job = store.job(&engine(), entry.job).await.unwrap().unwrap().job;
            assert_eq!((job.stored, job.end), (stored, None), "{condition}");
        }
    }
}

pub(crate) async fn what_is_asked_besides_values_is_in_the_job(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let operations = [Operation::Update, Operation::Restart, Operation::Reset, Operation::Stop];
    let entry: Entry<'_> = (keys[0], &[]);
    let mut call = accept(project, request(1), &[entry; 4]);
    for (entry, operation) in call.entries.iter_mut().zip(operations) {
        entry.operation = operation;
    }
    let results = accepted_as(store, &engine(), call).await;
    for (result, operation) in results.into_iter().zip(operations) {
        let job = store.job(&engine(), result.unwrap().job).await.unwrap().unwrap().job;
        assert_eq!(job.operation, operation);
    }
    let work = store.work(keys[0]).await.unwrap().unwrap();
    assert!(work.jobs.iter().map(|job| job.operation).eq(operations));
}

pub(crate) async fn a_reset_that_is_over_forgets_what_was_desired_before(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1"), ("b", "1")]).await;
    let mut call = accept(project, request(2), &[(keys[0], &[("c", "1")]), (keys[0], &[])]);
    call.entries[0].clear = true;
    call.entries[0].operation = Operation::Reset;
    let results = accepted_as(store, &engine(), call).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let work = store.work(keys[0]).await.unwrap().unwrap();
    let kinds: Vec<_> = work.jobs.iter().map(|job| (job.operation, job.clear)).collect();
    let update = (Operation::Update, false);
    assert_eq!(kinds, [update, (Operation::Reset, true), update]);
    assert_eq!(work.state.desired.0.len(), 3, "a reset may fail");

    let mut result = settle(keys[0], fence(store, keys[0]).await, 3);
    result.forget_below = Some(Revision(2));
    settled(store, result).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!(state.desired.values(), values(&[("c", "1")]));
    assert_eq!(state.desired.get("c").unwrap().revision, Revision(2));
}

pub(crate) async fn a_result_for_what_an_operator_has_changed_is_of_no_account(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    let state = device(store, keys[0]).await.state;
    changed(store, "phone-0", DeviceChange::Stopped(true)).await;
    let stopped = device(store, keys[0]).await.state;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.read = Some((state.condition, state.since));
    assert_eq!(settled(store, result.clone()).await, Err(Refused::Stale));
    assert_eq!(device(store, keys[0]).await.state, stopped);
    result.read = Some((stopped.condition, stopped.since));
    settled(store, result).await.unwrap();
}

pub(crate) async fn a_frozen_device_takes_nothing_until_it_is_not(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    settle_all(store, keys[0]).await;
    changed(store, "phone-0", DeviceChange::Frozen(true)).await;
    let frozen = device(store, keys[0]).await.state;
    assert!(frozen.frozen && !frozen.has_work());
    let entries: &[Entry<'_>] = &[(keys[0], &[("a", "1")]), (keys[1], &[("a", "1")])];
    let results = accepted_as(store, &engine(), accept(project, request(1), entries)).await;
    assert_eq!(results[0], Err(Refusal::Frozen));
    assert!(results[1].is_ok());
    assert_eq!(device(store, keys[0]).await.state, frozen);
    assert_eq!(store.job(&engine(), request(1).job(0).unwrap()).await.unwrap(), None);

    // A result neither freezes nor thaws.
    settled(store, settle(keys[0], fence(store, keys[0]).await, 0)).await.unwrap();
    assert!(device(store, keys[0]).await.state.frozen);
    changed(store, "phone-0", DeviceChange::Frozen(false)).await;
    let entry = accept_one(store, project, 2, keys[0], &[("a", "1")]).await;
    assert_eq!(entry.revision, Revision(1), "a refused entry takes no revision");
}

pub(crate) async fn the_largest_call_is_taken_whole(store: &dyn Store) {
    let (project, keys) = fleet(store, PHONES_PER_UPDATE_MAX).await;
    let patch: &[(&str, &str)] = &[("a", "1"), ("b", "2"), ("c", "3")];
    let entries: Vec<_> = keys.iter().rev().map(|key| (*key, patch)).collect();
    let results = accepted_as(store, &engine(), accept(project, request(1), &entries)).await;
    assert_eq!(results.len(), PHONES_PER_UPDATE_MAX);
    for (result, key) in results.iter().zip(keys.iter().rev()) {
        assert_eq!(result.as_ref().unwrap().device, *key);
    }
    let jobs: BTreeSet<_> = results.iter().map(|result| result.as_ref().unwrap().job).collect();
    assert_eq!(jobs.len(), PHONES_PER_UPDATE_MAX);
    let last = store.jobs(&engine(), &[request(1)], 8_095, 10).await.unwrap();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].job.device, keys[0]);
    let read = store.jobs(&engine(), &[request(1)], 0, 10_000).await.unwrap();
    assert!(read.iter().map(|found| found.job.id).eq(jobs));
}

pub(crate) async fn a_request_id_used_twice_changes_nothing(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    let before = device(store, keys[1]).await.state;
    let mut call = accept(project, request(1), &[(keys[1], &[("a", "2")])]);
    let second = AcceptEntry { position: 1, device: keys[0], ..call.entries[0].clone() };
    call.entries.push(second);
    assert!(store.write(&engine(), Write::Accept(call)).await.is_err());
    assert_eq!(device(store, keys[1]).await.state, before);
    let entry = accept_one(store, project, 2, keys[0], &[("a", "3")]).await;
    assert_eq!(entry.revision, Revision(2));
}

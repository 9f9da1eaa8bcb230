//! Recording results.

use std::collections::BTreeMap;

use fleet::{
    BootIdentity, Condition, DeviceKey, End, Failure, Operation, Principal, Proof, Reported,
    Revision, Timestamp,
};

use super::fixture::*;
use crate::write::Settled;
use crate::{Refused, Store, Write};

pub(crate) async fn ended_jobs_leave_the_list_and_are_told(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let mut jobs = Vec::new();
    for number in 1..=3 {
        jobs.push(accept_one(store, project, number, keys[0], &[("a", "1")]).await.job);
    }
    let mut result = settle(keys[0], fence(store, keys[0]).await, 2);
    result.ended = vec![ended(jobs[1], SUCCEEDED), ended(jobs[0], SUCCEEDED)];
    result.ended[1].superseded_by = Some(jobs[1]);
    let told = settled(store, result).await.unwrap();
    assert_eq!(told, Settled { revision: Revision(3), settled: Revision(2), open_jobs: 1 });
    assert_eq!(device(store, keys[0]).await.state.open_jobs, [jobs[2]]);

    let end = async |job| store.job(&engine(), job).await.unwrap().unwrap().job.end;
    let first = end(jobs[0]).await.unwrap();
    assert_eq!((first.end, first.at), (SUCCEEDED, Timestamp(AT.0 + 5)));
    assert_eq!(first.superseded_by, Some(jobs[1]));
    assert_eq!(end(jobs[1]).await.unwrap().superseded_by, None);
    assert_eq!(end(jobs[2]).await, None);
}

pub(crate) async fn sending_a_result_twice_is_harmless(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let first = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    let fence = fence(store, keys[0]).await;
    let mut result = settle(keys[0], fence, 1);
    result.ended = vec![ended(first, SUCCEEDED)];
    settled(store, result.clone()).await.unwrap();
    let second = accept_one(store, project, 2, keys[0], &[("a", "2")]).await.job;

    let refused = Failure::Refused { name: "a".to_owned(), detail: "no".to_owned() };
    result.ended = vec![ended(first, End::Failed { failure: refused })];
    result.at = Timestamp(AT.0 + 60);
    let told = settled(store, result).await.unwrap();
    assert_eq!(told, Settled { revision: Revision(2), settled: Revision(1), open_jobs: 1 });
    assert_eq!(device(store, keys[0]).await.state.open_jobs, [second]);
    let end = store.job(&engine(), first).await.unwrap().unwrap().job.end.unwrap();
    assert_eq!((end.end, end.at), (SUCCEEDED, Timestamp(AT.0 + 5)));
}

pub(crate) async fn a_stale_fence_changes_nothing(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let job = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    let before = device(store, keys[0]).await;
    let fence = fence(store, keys[0]).await;
    for by in [-1, 1] {
        let wrong = epoch_plus(fence, by);
        let mut result = settle(keys[0], wrong, 1);
        result.ended = vec![ended(job, SUCCEEDED)];
        assert_eq!(settled(store, result).await, Err(Refused::Fenced));
    }
    assert_eq!(device(store, keys[0]).await, before);
    assert_eq!(store.job(&engine(), job).await.unwrap().unwrap().job.end, None);
}

pub(crate) async fn a_fence_of_another_shard_proves_nothing(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    let before = device(store, keys[0]).await;
    let other = fence(store, keys[1]).await;
    assert_ne!(keys[0].shard(), keys[1].shard());
    assert_eq!(settled(store, settle(keys[0], other, 0)).await, Err(Refused::NoSuchDevice));
    assert_eq!(device(store, keys[0]).await, before);

    let gone = DeviceKey(999);
    let refused = settled(store, settle(gone, fence(store, gone).await, 0)).await;
    assert_eq!(refused, Err(Refused::NoSuchDevice));

    let stranger = Principal::client(create_project(store, "other").await, "AK");
    let result = Box::new(settle(keys[0], fence(store, keys[0]).await, 0));
    let refused = write_as(store, &stranger, Write::Settle(result)).await;
    assert_eq!(refused, Err(Refused::NoSuchDevice));
    assert_eq!(device(store, keys[0]).await, before);
}

pub(crate) async fn settled_is_never_lowered_and_never_beyond_the_revision(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    for number in 1..=3 {
        accept_one(store, project, number, keys[0], &[("a", "1")]).await;
    }
    let fence = fence(store, keys[0]).await;
    for (given, expected) in [(2, 2), (1, 2), (9, 3), (0, 3)] {
        let told = settled(store, settle(keys[0], fence, given)).await.unwrap();
        assert_eq!((told.revision, told.settled), (Revision(3), Revision(expected)));
        assert_eq!(device(store, keys[0]).await.state.settled, Revision(expected));
    }
    let entry = accept_one(store, project, 4, keys[0], &[("a", "2")]).await;
    let state = device(store, keys[0]).await.state;
    assert!(state.settled < entry.revision, "what came later is not settled");
}

pub(crate) async fn what_was_not_read_stays(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    let fence = fence(store, keys[0]).await;
    let mut reported = Reported { revision: Revision(0), ..Reported::default() };
    let shown = [("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)];
    reported.record(&BTreeMap::from(shown), Timestamp(7));
    let boot = BootIdentity { kernel: "k-1".to_owned(), init_start: "42".to_owned() };
    let mut result = settle(keys[0], fence, 0);
    result.reported = Some(reported.clone());
    result.boot = Some(boot.clone());
    settled(store, result.clone()).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!((&state.reported, state.boot.as_ref()), (&reported, Some(&boot)));
    assert_eq!((state.condition, state.adopted), (Condition::Running, true));
    assert_eq!((state.since, state.trouble), (Timestamp(AT.0 + 4), None));

    result.reported = None;
    result.boot = None;
    result.adopted = false;
    result.condition = Condition::Abnormal;
    result.trouble = Some("away".to_owned());
    settled(store, result).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!((&state.reported, state.boot.as_ref()), (&reported, Some(&boot)));
    assert_eq!((state.condition, state.adopted), (Condition::Abnormal, true));
    assert_eq!(state.trouble.as_deref(), Some("away"));
}

pub(crate) async fn every_end_is_read_back(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let name = || "sys.prop".to_owned();
    let detail = || "不行".to_owned();
    let failed = |failure| End::Failed { failure };
    let ends = [
        End::Succeeded { proof: Proof::Verified },
        End::Succeeded { proof: Proof::Acknowledged },
        End::Succeeded { proof: Proof::Recorded },
        failed(Failure::DeadlinePassed { trouble: detail() }),
        failed(Failure::Refused { name: name(), detail: detail() }),
        failed(Failure::ReadBackDiffers { name: name(), shown: None }),
        failed(Failure::ReadBackDiffers { name: name(), shown: Some(detail()) }),
        failed(Failure::NeedsRecreate { name: name(), argument: detail() }),
        failed(Failure::PowerFailed { operation: Operation::Reset, detail: detail() }),
        failed(Failure::Unsupported { name: name(), detail: detail() }),
    ];
    let mut result = settle(keys[0], fence(store, keys[0]).await, 99);
    for (number, end) in (1..).zip(&ends) {
        let job = accept_one(store, project, number, keys[0], &[("a", "1")]).await.job;
        result.ended.push(ended(job, end.clone()));
    }
    assert_eq!(settled(store, result).await.unwrap().open_jobs, 0);
    for (number, end) in (1..).zip(ends) {
        let job = request(number).job(0).unwrap();
        let found = store.job(&engine(), job).await.unwrap().unwrap();
        assert_eq!(found.job.end.unwrap().end, end);
    }
}

pub(crate) async fn a_job_of_another_device_is_left_alone(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    let other = accept_one(store, project, 2, keys[1], &[("a", "1")]).await.job;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.ended = vec![ended(other, SUCCEEDED)];
    assert_eq!(settled(store, result).await.unwrap().open_jobs, 1);
    assert_eq!(store.job(&engine(), other).await.unwrap().unwrap().job.end, None);
    assert_eq!(device(store, keys[1]).await.state.open_jobs, [other]);
}

//! Reading jobs.

use fleet::{Door, End, Failure, Principal, Proof, RequestId};

use super::fixture::*;
use crate::{JobFilter, JobStands, Store};

pub(crate) async fn a_job_is_read_back_as_it_was_accepted(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let client = Principal::client(project, "AK1");
    let patch: &[(&str, &str)] = &[("sys.prop", "汉 \" \\ \n"), ("z", "")];
    let mut call = accept(project, request(1), &[(keys[0], patch)]);
    call.door = Door::Native;
    let id = accepted_as(store, &client, call).await[0].as_ref().unwrap().job;
    let found = store.job(&engine(), id).await.unwrap().unwrap();
    assert_eq!((found.job.id, found.job.device, found.job.project), (id, keys[0], project));
    assert_eq!(found.job.patch, values(patch));
    assert_eq!((found.job.door, found.job.actor.as_str()), (Door::Native, "AK1"));
    assert_eq!((found.job.accepted_at, found.job.end), (AT, None));
    assert_eq!(found.device_id, device_id("phone-0"));
    assert_eq!((found.project_id, found.server.as_str()), (project_id("p"), "server-1"));
    assert_eq!(found.trouble, None);

    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.trouble = Some("nobody answers".to_owned());
    settled(store, result).await.unwrap();
    let found = store.job(&engine(), id).await.unwrap().unwrap();
    assert_eq!(found.trouble.as_deref(), Some("nobody answers"));
    assert_eq!(store.job(&engine(), request(2).job(0).unwrap()).await.unwrap(), None);
}

pub(crate) async fn jobs_are_paged_over_several_requests(store: &dyn Store) {
    let (project, keys) = fleet(store, 5).await;
    let patch: &[(&str, &str)] = &[("a", "1")];
    for (number, count) in [(1, 3), (2, 0), (3, 5)] {
        let entries: Vec<_> = keys.iter().take(count).map(|key| (*key, patch)).collect();
        accepted_as(store, &engine(), accept(project, request(number), &entries)).await;
    }
    // As asked, not by time: 3, then one that has none, then one that does not exist, then 1.
    let asked: Vec<RequestId> = [3, 2, 9, 1].map(request).to_vec();
    let job = |number: u64, position: u16| request(number).job(position).unwrap();
    let all: Vec<_> =
        (0..5).map(|position| job(3, position)).chain((0..3).map(|p| job(1, p))).collect();
    for offset in 0..=9 {
        for limit in 0..=9 {
            let found = store.jobs(&engine(), &asked, offset, limit).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|found| found.job.id).collect();
            let (from, count) = (usize::try_from(offset).unwrap(), limit as usize);
            let expected: Vec<_> = all.iter().skip(from).take(count).copied().collect();
            assert_eq!(found, expected, "offset {offset}, limit {limit}");
        }
    }
}

pub(crate) async fn jobs_are_filtered_from_a_position_on(store: &dyn Store) {
    let (project, keys) = fleet(store, 4).await;
    let patch: &[(&str, &str)] = &[("a", "1")];
    for number in [1, 3] {
        let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
        let mut call = accept(project, request(number), &entries);
        // Of the second there is no job.
        call.entries.remove(1);
        accepted_as(store, &engine(), call).await;
    }
    let failed = |failure| End::Failed { failure };
    let (name, detail) = ("a".to_owned(), "\u{0}".to_owned());
    let ends = [
        (0, End::Succeeded { proof: Proof::Acknowledged }),
        (2, failed(Failure::Refused { name, detail })),
        (3, failed(Failure::Deleted)),
    ];
    for (position, end) in ends {
        let key = keys[usize::from(position)];
        let mut result = settle(key, fence(store, key).await, 0);
        result.ended = vec![ended(request(1).job(position).unwrap(), end)];
        settled(store, result).await.unwrap();
    }
    let found = async |principal: &Principal, from, stands: &[JobStands], codes: &[&str], limit| {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let filter = JobFilter { stands: stands.to_vec(), codes, ..JobFilter::default() };
        let asked = [1, 9, 3].map(request);
        let found = store.jobs_from(principal, &asked, from, &filter, limit).await.unwrap();
        let place = |found: crate::JobWithDevice| {
            let number = if found.job.id.request() == request(1) { 1 } else { 3 };
            (number, found.job.id.position())
        };
        found.into_iter().map(place).collect::<Vec<_>>()
    };
    let all = [(1, 0), (1, 2), (1, 3), (3, 0), (3, 2), (3, 3)];
    for (from, skipped) in
        [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (u16::MAX - 1, 3), (u16::MAX, 3)]
    {
        for limit in 0..=7 {
            let expected: Vec<_> = all.iter().skip(skipped).take(limit as usize).copied().collect();
            assert_eq!(found(&engine(), from, &[], &[], limit).await, expected, "{from}, {limit}");
        }
    }
    let [open, succeeded, failed] = [JobStands::Open, JobStands::Succeeded, JobStands::Failed];
    assert_eq!(found(&engine(), 0, &[open], &[], 9).await, [(3, 0), (3, 2), (3, 3)]);
    assert_eq!(found(&engine(), 0, &[succeeded], &[], 9).await, [(1, 0)]);
    assert_eq!(found(&engine(), 0, &[failed], &[], 9).await, [(1, 2), (1, 3)]);
    assert_eq!(found(&engine(), 3, &[failed], &[], 9).await, [(1, 3)]);
    assert_eq!(found(&engine(), 0, &[failed, succeeded], &[], 2).await, [(1, 0), (1, 2)]);
    assert_eq!(found(&engine(), 0, &[], &["refused"], 9).await, [(1, 2)]);
    assert_eq!(found(&engine(), 0, &[failed], &["deleted", "refused"], 9).await, [(1, 2), (1, 3)]);
    assert!(found(&engine(), 0, &[], &["cancelled"], 9).await.is_empty());
    assert!(found(&engine(), 0, &[open], &["deleted"], 9).await.is_empty(), "both have to hold");
    assert_eq!(found(&Principal::client(project, "AK"), 0, &[failed], &[], 9).await.len(), 2);
    let foreign = Principal::client(create_project(store, "other").await, "AK2");
    assert!(found(&foreign, 0, &[], &[], 9).await.is_empty());
}

pub(crate) async fn a_client_sees_its_own_jobs_alone(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let other = create_project(store, "other").await;
    let foreign = import_new(store, vec![new_device("other", "foreign")]).await[0];
    let mine = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    let theirs = accept_one(store, other, 2, foreign, &[("a", "1")]).await.job;
    accept_one(store, project, 3, keys[1], &[("a", "1")]).await;

    let client = Principal::client(other, "AK");
    assert_eq!(store.job(&client, mine).await.unwrap(), None);
    assert!(store.job(&client, theirs).await.unwrap().is_some());
    let asked = [1, 2, 3].map(request);
    let found = store.jobs(&client, &asked, 0, 100).await.unwrap();
    assert_eq!(found.iter().map(|found| found.job.id).collect::<Vec<_>>(), [theirs]);
    assert!(store.jobs(&client, &asked, 1, 100).await.unwrap().is_empty());
}

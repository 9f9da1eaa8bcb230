//! Reading jobs.

use fleet::{Door, Principal, RequestId};

use super::fixture::*;
use crate::Store;

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

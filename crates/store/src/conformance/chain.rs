//! The jobs of one device, of which each names the one before it.

use fleet::{DeviceKey, JobId, Principal, Revision};
use futures_util::future::join_all;

use super::fixture::*;
use crate::write::{CameraPatch, Cancel};
use crate::{HistoryPage, Store, Write};

/// One page of a device's history, for the engine.
async fn page(
    store: &dyn Store,
    device: DeviceKey,
    from: Option<JobId>,
    limit: u32,
) -> (Vec<JobId>, HistoryPage) {
    let page = store.history(&engine(), device, from, limit).await.unwrap();
    assert!(page.jobs.iter().all(|found| found.job.device == device));
    (page.jobs.iter().map(|found| found.job.id).collect(), page)
}

/// All jobs of a device, newest first, in pages of so many. Each is of a lower revision than the
/// one before it.
pub(crate) async fn walk(store: &dyn Store, device: DeviceKey, limit: u32) -> Vec<JobId> {
    let (mut jobs, mut revisions, mut from) = (Vec::new(), Vec::new(), None);
    loop {
        let (ids, page) = page(store, device, from, limit).await;
        jobs.extend(ids);
        revisions.extend(page.jobs.iter().map(|found| found.job.revision));
        from = page.next;
        assert!(!page.is_cut, "every job is kept");
        if from.is_none() {
            break;
        }
        assert_eq!(page.jobs.len(), limit as usize, "only the last page is short");
    }
    assert!(revisions.is_sorted_by(|newer, older| newer > older), "{revisions:?}");
    jobs
}

pub(crate) async fn a_device_has_a_history(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let mut jobs = Vec::new();
    let mut other = None;
    for number in 1..=5 {
        jobs.push(accept_one(store, project, number, keys[0], &[("a", "1")]).await.job);
        other = Some(accept_one(store, project, 10 + number, keys[1], &[("a", "1")]).await.job);
    }
    jobs.reverse();
    assert_eq!(walk(store, keys[0], 100).await, jobs);
    let (ids, found) = page(store, keys[0], None, 2).await;
    assert_eq!((&*ids, found.next, found.is_cut), (&jobs[..2], Some(jobs[2]), false));
    let (ids, found) = page(store, keys[0], Some(jobs[2]), 2).await;
    assert_eq!((&*ids, found.next, found.is_cut), (&jobs[2..4], Some(jobs[4]), false));
    let (ids, found) = page(store, keys[0], Some(jobs[4]), 1).await;
    assert_eq!((&*ids, found.next, found.is_cut), (&jobs[4..], None, false));
    assert!(page(store, keys[0], other, 9).await.0.is_empty(), "a job of another device");
    let none = HistoryPage { jobs: Vec::new(), next: None, is_cut: false };
    assert_eq!(page(store, keys[2], None, 9).await.1, none, "of which nothing was ever asked");
    assert_eq!(page(store, DeviceKey(999), None, 9).await.1, none, "which never was");

    let stranger = create_project(store, "other").await;
    let client = Principal::client(stranger, "AK");
    assert_eq!(store.history(&client, keys[0], None, 10).await.unwrap(), none);
    let from = store.history(&client, keys[0], Some(jobs[1]), 10).await.unwrap();
    assert!(from.jobs.is_empty() && from.next.is_none());
    let both = Principal::user("anna", vec![stranger, project]);
    assert_eq!(store.history(&both, keys[0], None, 10).await.unwrap().jobs.len(), 5);

    delete_device(store, "phone-0").await;
    assert_eq!(walk(store, keys[0], 3).await, jobs, "they are left");
    let (_, left) = page(store, keys[0], Some(jobs[3]), 9).await;
    assert_eq!((left.jobs.len(), &left.jobs[0].device_id), (2, &device_id("phone-0")));
    assert_eq!(store.history(&client, keys[0], None, 10).await.unwrap(), none);
    let again = import_new(store, vec![new_device("p", "phone-0")]).await[0];
    assert_eq!(page(store, again, None, 9).await.1, none, "another device of that id");
    let job = accept_one(store, project, 20, again, &[("a", "1")]).await.job;
    assert_eq!(walk(store, again, 1).await, [job]);
}

pub(crate) async fn a_history_is_the_same_in_pages_of_any_size(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    let one: &[(&str, &str)] = &[("a", "1")];
    let two: &[(&str, &str)] = &[("a", "2"), ("b", "汉")];
    let requests: [&[Entry<'_>]; 4] = [
        &[(keys[0], one), (keys[1], one)],
        // The same device three times in one request.
        &[(keys[0], two), (keys[1], two), (keys[0], one), (DeviceKey(999), one), (keys[0], two)],
        &[(keys[0], one)],
        &[(keys[1], one), (keys[0], &[])],
    ];
    for (number, entries) in (1..).zip(requests) {
        let mut call = accept(project, request(number), entries);
        // What is refused gives no job, and nothing names it.
        if number == 3 {
            call.entries[0].if_revision = Some(Revision(99));
        }
        for result in accepted_as(store, &engine(), call).await.into_iter().flatten() {
            let of = if result.device == keys[0] { &mut of_first } else { &mut of_second };
            of.push(result.job);
        }
        if number == 2 {
            settle_all(store, keys[0]).await;
        }
    }
    let at = LATER;
    let cancel = Cancel { project, jobs: vec![of_second[1]], by: "anna".to_owned(), at };
    write_as(store, &engine(), Write::Cancel(cancel)).await.unwrap();
    of_second.push(accept_one(store, project, 5, keys[1], two).await.job);
    // A result that takes up a value gives a revision, and no job.
    let mut result = settle(keys[1], fence(store, keys[1]).await, 0);
    result.desire = values(&[("c", "1")]);
    settled(store, result).await.unwrap();
    of_second.push(accept_one(store, project, 6, keys[1], one).await.job);

    of_first.reverse();
    of_second.reverse();
    assert_eq!((of_first.len(), of_second.len()), (5, 5));
    for limit in [1, 2, 3, 4, 5, 6, 1_001] {
        assert_eq!(walk(store, keys[0], limit).await, of_first, "pages of {limit}");
        assert_eq!(walk(store, keys[1], limit).await, of_second, "pages of {limit}");
    }
}

pub(crate) async fn jobs_of_records_alone_are_of_the_history(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let mut jobs = Vec::new();
    for (number, patch) in [(1, &[][..]), (2, &[][..]), (3, &[("Name", "x")][..]), (4, &[][..])] {
        let record = on_record(&[("Desc", &format!("{number}"))]);
        let camera = CameraPatch { record, ..CameraPatch::default() };
        jobs.push(patched(store, project, number, keys[0], (patch, camera)).await.unwrap());
    }
    assert_eq!(jobs.iter().filter(|job| job.ended).count(), 3);
    let expected: Vec<JobId> = jobs.iter().rev().map(|job| job.job).collect();
    assert_eq!(walk(store, keys[0], 2).await, expected);
}

pub(crate) async fn updates_that_come_at_once_make_one_chain(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let (engine, patch): (_, &[(&str, &str)]) = (engine(), &[("a", "1")]);
    let results = join_all((1_u64..=20).map(|number| {
        let other = if number % 2 == 0 { keys[1] } else { keys[2] };
        let entries = [(keys[0], patch), (other, patch), (keys[0], patch)];
        accepted_as(store, &engine, accept(project, request(number), &entries))
    }));
    let accepted: Vec<_> = results.await.into_iter().flatten().map(Result::unwrap).collect();
    for key in keys {
        let mut of: Vec<_> = accepted.iter().filter(|entry| entry.device == key).collect();
        of.sort_by_key(|entry| std::cmp::Reverse(entry.revision));
        let expected: Vec<JobId> = of.into_iter().map(|entry| entry.job).collect();
        assert!(expected.len() >= 10);
        assert_eq!(walk(store, key, 7).await, expected);
    }
}

//! Forgetting what is old.

use fleet::{Epoch, JobId, Phase, RequestId, Shard, Timestamp};

use super::fixture::*;
use super::{idempotency, rollouts};
use crate::{ForgottenJobs, ForgottenRollout, Old, Store};

/// When [`settle_all`] ends jobs.
const ENDED: Timestamp = Timestamp(AT.0 + 5);

/// Below all requests.
const FIRST: RequestId = RequestId::from_bytes([0; 16]);

/// What was over at `ended_by`, up to the request of this number.
fn old(up_to: u64, ended_by: Timestamp) -> Old {
    Old { up_to: request(up_to), ended_by, kept: Vec::new() }
}

/// What may forget: the first shard under the epoch that it has.
async fn first_shard(store: &dyn Store) -> (Shard, Epoch) {
    let epochs = store.epochs().await.unwrap();
    *epochs.iter().find(|(shard, _)| *shard == Shard(0)).unwrap()
}

/// Forgets jobs from the first on, about `limit` of them.
async fn forget(store: &dyn Store, old: &Old, limit: u32) -> ForgottenJobs {
    let fence = first_shard(store).await;
    store.forget_jobs(fence, old, FIRST, limit).await.unwrap()
}

/// How many jobs of a request there are.
async fn jobs_of(store: &dyn Store, number: u64) -> usize {
    store.jobs(&engine(), &[request(number)], 0, 100).await.unwrap().len()
}

pub(crate) async fn jobs_are_forgotten_by_whole_requests(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let patch: &[(&str, &str)] = &[("a", "1")];
    for (number, devices) in [(1, [0, 1]), (2, [1, 2])] {
        let call = accept(project, request(number), &devices.map(|at| (keys[at], patch)));
        accepted_as(store, &engine(), call).await;
    }
    accept_one(store, project, 3, keys[0], patch).await;
    settle_all(store, keys[0]).await;
    settle_all(store, keys[1]).await;
    let nothing = ForgottenJobs { jobs: 0, next: None };
    let (all, young) = (old(9, ENDED), old(9, Timestamp(ENDED.0 - 1)));
    assert_eq!(forget(store, &young, 100).await, nothing, "they ended later");
    let (shard, epoch) = first_shard(store).await;
    let stale = (shard, Epoch(epoch.0 - 1));
    let forgotten = store.forget_jobs(stale, &all, FIRST, 100).await.unwrap();
    assert_eq!(forgotten, nothing, "the shard is another's");
    assert_eq!((jobs_of(store, 1).await, jobs_of(store, 2).await), (2, 2));

    assert_eq!(forget(store, &old(2, ENDED), 100).await.jobs, 2, "the third is not asked for");
    assert_eq!(forget(store, &all, 100).await, ForgottenJobs { jobs: 1, next: None });
    assert_eq!(forget(store, &all, 100).await, nothing);
    let first = request(1).job(0).unwrap();
    assert_eq!(store.job(&engine(), first).await.unwrap(), None);
    assert_eq!(jobs_of(store, 1).await, 0);
    assert_eq!(jobs_of(store, 2).await, 2, "one of them is open");
    assert_eq!(device(store, keys[2]).await.state.open_jobs.len(), 1);
    settle_all(store, keys[2]).await;
    assert_eq!(forget(store, &all, 100).await.jobs, 2);
    assert_eq!(device(store, keys[2]).await.state.desired.get("a").unwrap().value, "1");
    let again = accept_one(store, project, 4, keys[2], patch).await;
    assert!(store.job(&engine(), again.job).await.unwrap().is_some(), "and life goes on");
}

pub(crate) async fn a_walk_over_old_jobs_goes_on_where_it_stopped(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let patch: &[(&str, &str)] = &[("a", "1")];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    let fence = first_shard(store).await;
    for (round, limit) in [1, 2, 3, 4, 7, 100].into_iter().enumerate() {
        let numbers = (10 * round as u64)..(10 * round as u64 + 4);
        for number in numbers.clone() {
            accepted_as(store, &engine(), accept(project, request(number), &entries)).await;
        }
        for key in &keys {
            settle_all(store, *key).await;
        }
        let second = request(numbers.start + 1);
        let all = Old { kept: vec![second], ..old(numbers.end, ENDED) };
        let (mut after, mut jobs, mut pages) = (FIRST, 0, 0);
        loop {
            let page = store.forget_jobs(fence, &all, after, limit).await.unwrap();
            (jobs, pages) = (jobs + page.jobs, pages + 1);
            let Some(next) = page.next else { break };
            assert!(next > after, "{limit}");
            after = next;
        }
        assert_eq!(jobs, 9, "{limit}: of four requests one is kept");
        assert_eq!(pages, if limit >= 12 { 1 } else { pages.max(2) }, "{limit}");
        assert_eq!(jobs_of(store, numbers.start + 1).await, 3, "{limit}");
        assert_eq!(forget(store, &old(numbers.end, ENDED), 100).await.jobs, 3, "{limit}");
    }
}

pub(crate) async fn waves_are_forgotten_with_the_update_that_they_are_of(store: &dyn Store) {
    let (_, keys) = rollouts::begun(store).await;
    let (fence, id) = (first_shard(store).await, request(1));
    let forget_rollout = async |limit| store.forget_rollout(fence, id, limit).await.unwrap();
    let old_rollouts = async |old: &Old| store.old_rollouts(old, FIRST, 10).await.unwrap();
    let nothing = ForgottenRollout { jobs: 0, more: false };
    let all = old(200, Timestamp(LATER.0 + 1));
    assert_eq!(forget_rollout(10).await, nothing, "it is not over");
    assert!(old_rollouts(&all).await.is_empty());
    let mut over = rollouts::step(&rollouts::stored(store, id).await);
    (over.next.phase, over.next.ended_at) = (Phase::Aborted, Some(LATER));
    rollouts::stepped(store, &engine(), &over).await.unwrap();
    assert_eq!(forget_rollout(10).await, nothing, "a job of it is open");
    assert_eq!(store.waves(&engine(), id).await.unwrap().len(), 1);

    settle_all(store, keys[1]).await;
    let passed = forget(store, &all, 10).await;
    assert_eq!(passed.jobs, 0, "a wave is not forgotten by itself");
    let key = idempotency::key("anna", 1);
    let reserved = idempotency::reserve(store, idempotency::asked(key.clone(), 1, 1)).await;
    assert!(old_rollouts(&all).await.is_empty(), "the call that made it has no answer");
    idempotency::keep(store, key, idempotency::new(reserved), idempotency::answer(None)).await;
    assert_eq!(old_rollouts(&all).await, [id]);
    assert!(old_rollouts(&old(200, AT)).await.is_empty(), "it was over later");
    assert!(old_rollouts(&old(0, LATER)).await.is_empty());
    assert!(old_rollouts(&Old { kept: vec![id], ..all.clone() }).await.is_empty());
    let found = store.old_rollouts(&all, id, 10).await.unwrap();
    assert!(found.is_empty(), "there is none after it");
    let (shard, epoch) = fence;
    let stale = (shard, Epoch(epoch.0 + 1));
    assert_eq!(store.forget_rollout(stale, id, 10).await.unwrap(), nothing);
    assert_eq!(jobs_of(store, 100).await, 1);

    assert_eq!(forget_rollout(2).await, ForgottenRollout { jobs: 1, more: true });
    assert_eq!(jobs_of(store, 100).await, 0);
    assert!(store.waves(&engine(), id).await.unwrap().is_empty());
    assert_eq!(rollouts::stored(store, id).await.wave, 1, "so that it can be told");
    for left in [3, 1] {
        assert_eq!(forget_rollout(2).await, ForgottenRollout { jobs: 0, more: true });
        let devices = store.rollout_devices(&engine(), id, 0, 10, false).await.unwrap();
        assert_eq!(devices.len(), left);
    }
    assert_eq!(forget_rollout(2).await, nothing);
    assert_eq!(store.rollout(&engine(), id).await.unwrap(), None);
    assert_eq!(forget_rollout(2).await, nothing, "it is gone");
}

pub(crate) async fn what_was_done_under_a_key_without_an_answer_is_kept(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let key = idempotency::key("anna", 1);
    let reserved = idempotency::reserve(store, idempotency::asked(key.clone(), 1, 2)).await;
    for number in 1..=3 {
        accept_one(store, project, number, keys[0], &[("a", "1")]).await;
    }
    settle_all(store, keys[0]).await;
    let all = old(9, ENDED);
    assert_eq!(forget(store, &all, 10).await.jobs, 1, "the one before that call");
    idempotency::keep(store, key, idempotency::new(reserved), idempotency::answer(None)).await;
    assert_eq!(forget(store, &all, 10).await.jobs, 2);
}

pub(crate) async fn jobs_are_counted_in_pages(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let mut after = JobId::from_bytes([0; 16]);
    assert_eq!(store.count_jobs(after, 2).await.unwrap().last, None);
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(accept_one(store, project, number, keys[0], &[("a", "1")]).await.job);
    }
    for (jobs, last) in [(2, Some(ids[1])), (2, Some(ids[3])), (1, Some(ids[4])), (0, None)] {
        let page = store.count_jobs(after, 2).await.unwrap();
        assert_eq!((page.jobs, page.last), (jobs, last));
        after = last.unwrap_or(after);
    }
}

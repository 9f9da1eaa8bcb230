use fleet::ProjectSettings;
use store::{HeldShard, Work};

use super::*;
use crate::operate::stage::Stage;

const LEASE: Duration = Duration::from_secs(10);

fn session(key: i64) -> Session {
    Session { key: SessionKey(key), expires: true }
}

fn shard(number: u8, epoch: i64, quiet_s: u64) -> HeldShard {
    let quiet = Duration::from_secs(quiet_s);
    HeldShard { shard: Shard(number), epoch: Epoch(epoch), quiet }
}

fn held(shards: Vec<HeldShard>, surplus: usize) -> Held {
    Held { shards, surplus, engines: 2, now: fleet::Timestamp::default() }
}

fn owner(shards: Vec<HeldShard>) -> Ownership {
    let ownership = Ownership::new(LEASE);
    ownership.begun(session(7));
    assert!(ownership.take(&held(shards, 0), Instant::now(), Duration::ZERO));
    ownership
}

/// What there is to do for a device in the shard of the same number.
async fn work(number: u8, bound_to: Option<i64>) -> Work {
    let stage = Stage::new().await;
    stage.import("p", "A", "a:1", "simulated").await;
    let found = stage.device("p", "A").await;
    let mut work = stage.handle.shared.store.work(found.key).await.unwrap().unwrap();
    work.device.key = (1..).map(DeviceKey).find(|key| key.shard() == Shard(number)).unwrap();
    work.bound_to = bound_to.map(SessionKey);
    work.settings = ProjectSettings::default();
    work
}

fn claim<'a>(ownership: &'a Ownership, work: &Work) -> Option<Claim<'a>> {
    ownership.claim(work, ownership.glance(work.device.key))
}

#[tokio::test]
async fn a_lease_is_over_before_the_store_says_so_counted_from_before_it_was_sent() {
    let work = work(1, None).await;
    tokio::time::pause();
    let ownership = Ownership::new(LEASE);
    ownership.begun(session(7));
    let sent = Instant::now();
    tokio::time::advance(Duration::from_secs(4)).await;
    ownership.take(&held(vec![shard(1, 3, 0)], 0), sent, Duration::ZERO);
    tokio::time::advance(Duration::from_millis(5_400)).await;
    let claimed = claim(&ownership, &work).unwrap();
    assert!(claimed.holds());
    tokio::time::advance(Duration::from_millis(200)).await;
    assert!(!claimed.holds());
    assert!(claim(&ownership, &work).is_none());
    assert_eq!(ownership.live_session(), None);
    // What was begun under a lease that was lost proves nothing under the next.
    assert!(ownership.take(&held(vec![shard(1, 3, 0)], 0), Instant::now(), Duration::ZERO));
    assert!(!claimed.holds());
    assert!(claim(&ownership, &work).unwrap().holds());
}

#[tokio::test]
async fn nothing_begins_in_a_quiet_shard_until_that_has_passed() {
    let work = work(1, None).await;
    tokio::time::pause();
    let ownership = owner(vec![shard(1, 3, 5)]);
    assert!(claim(&ownership, &work).is_none());
    assert!(!ownership.view().works(work.device.key));
    tokio::time::advance(Duration::from_secs(4)).await;
    assert!(!ownership.end_quiet());
    // A renewal says again how long it lasts: it begins no new one.
    assert!(!ownership.take(&held(vec![shard(1, 3, 5)], 0), Instant::now(), Duration::ZERO));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(ownership.end_quiet());
    assert!(ownership.view().works(work.device.key));
    assert!(claim(&ownership, &work).is_some());
}

#[tokio::test]
async fn a_device_belongs_to_who_it_is_registered_with_whoever_owns_its_shard() {
    let ownership = owner(vec![shard(1, 3, 0)]);
    let fence = |claim: Option<Claim<'_>>| claim.map(|claim| claim.fence());
    let own = Fence::Binding(SessionKey(7));
    assert_eq!(fence(claim(&ownership, &work(1, Some(7)).await)), Some(own));
    assert_eq!(fence(claim(&ownership, &work(2, Some(7)).await)), Some(own));
    assert_eq!(fence(claim(&ownership, &work(1, Some(8)).await)), None);
    assert_eq!(fence(claim(&ownership, &work(2, None).await)), None);
    let shard = Fence::Shard { shard: Shard(1), epoch: Epoch(3) };
    assert_eq!(fence(claim(&ownership, &work(1, None).await)), Some(shard));
}

#[tokio::test]
async fn work_that_was_read_before_a_shard_changed_hands_is_not_claimed() {
    let work = work(1, None).await;
    let ownership = owner(vec![shard(1, 3, 0)]);
    let before = ownership.glance(work.device.key);
    ownership.take(&held(vec![], 0), Instant::now(), Duration::ZERO);
    ownership.take(&held(vec![shard(1, 5, 0)], 0), Instant::now(), Duration::ZERO);
    assert!(ownership.claim(&work, before).is_none());
    assert!(claim(&ownership, &work).is_some());
}

#[tokio::test]
async fn what_is_too_much_leaves_once_nothing_is_in_flight_there() {
    let work = work(1, None).await;
    let ownership = owner(vec![shard(1, 3, 0), shard(2, 3, 0)]);
    let in_flight = claim(&ownership, &work).unwrap();
    let both = vec![shard(1, 3, 0), shard(2, 3, 0)];
    ownership.take(&held(both.clone(), 1), Instant::now(), Duration::ZERO);
    assert_eq!(ownership.give_back(), [Shard(2)], "the one with nothing in flight goes first");
    ownership.take(&held(both.clone(), 2), Instant::now(), Duration::ZERO);
    assert_eq!(ownership.give_back(), [Shard(2)]);
    assert!(claim(&ownership, &work).is_none(), "nothing new begins");
    assert!(in_flight.holds(), "what has begun goes on");
    // The store may do it after all, even if no answer came and nothing is too much any more.
    assert!(ownership.take(&held(both.clone(), 1), Instant::now(), Duration::ZERO));
    ownership.take(&held(both.clone(), 0), Instant::now(), Duration::ZERO);
    assert_eq!(ownership.give_back(), [Shard(2)], "what was given back stays so");
    ownership.take(&held(both.clone(), 2), Instant::now(), Duration::ZERO);
    drop(in_flight);
    assert_eq!(ownership.give_back(), [Shard(1), Shard(2)]);
    ownership.released(&[Shard(1), Shard(2)]);
    assert_eq!(ownership.counts().0, 0);

    // Who has no longer too much keeps what is still there, and works on it again.
    let ownership = owner(both.clone());
    ownership.take(&held(both.clone(), 2), Instant::now(), Duration::ZERO);
    let gains = ownership.gains();
    assert!(ownership.take(&held(both, 0), Instant::now(), Duration::ZERO));
    assert!(ownership.gains() > gains && claim(&ownership, &work).is_some());
}

#[tokio::test]
async fn a_session_that_does_not_run_out_is_never_over() {
    let work = work(1, None).await;
    tokio::time::pause();
    let ownership = Ownership::new(LEASE);
    ownership.begun(Session { key: SessionKey(7), expires: false });
    ownership.take(&held(vec![shard(1, 3, 0)], 0), Instant::now(), Duration::ZERO);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert!(claim(&ownership, &work).is_some_and(|claim| claim.holds()));
}

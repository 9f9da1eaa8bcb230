//! Who may speak for a device: the owner of its shard, or the node that it is registered with.

use fleet::{Binding, DeviceKey, Offline, Push, PushOutcome, Revision, Timestamp};

use super::Nodes;
use super::fixture::*;
use super::leases::{begun, die, renewed};
use crate::write::NotePush;
use crate::{Fence, Refused, SessionKey, Store, Write, Written};

/// A registration that lasts by the store's clock, and one that has run out.
async fn times(store: &dyn Store) -> (Timestamp, Timestamp) {
    let now = store.cluster(true).await.unwrap().now;
    (Timestamp(now.0 + 3_600_000), Timestamp(now.0 - 1))
}

/// A registration until then, after so many of them.
fn until(device: DeviceKey, expires_at: Timestamp, nonce_count: u32) -> Binding {
    Binding { expires_at, nonce_count, ..binding(device) }
}

/// What comes of writing a result and a note under a fence, at that time.
async fn written(
    store: &dyn Store,
    device: DeviceKey,
    fence: Fence,
    at: Timestamp,
) -> Result<(), Refused> {
    let mut result = settle(device, fence, 0);
    result.at = at;
    let result = settled(store, result).await.map(drop);
    let push = Push { revision: Revision(1), at, outcome: PushOutcome::Sent };
    let note = write_as(store, &engine(), Write::NotePush(NotePush { fence, device, push })).await;
    assert_eq!(note, result.clone().map(|()| Written::Done), "both alike");
    result
}

pub(crate) async fn a_shard_that_has_changed_hands_is_fenced(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let (_, keys) = cameras(&*a, 1).await;
    let old = fence(&*a, keys[0]).await;
    assert_eq!(written(&*a, keys[0], old, AT).await, Ok(()));
    // Given back, and taken again by another.
    let two = begun(&*b, &node("two")).await;
    a.end_session(one).await.unwrap();
    renewed(&*b, two).await;
    let new = fence(&*b, keys[0]).await;
    assert_eq!(new, epoch_plus(old, 1));
    assert_eq!(written(&*a, keys[0], old, AT).await, Err(Refused::Fenced));
    assert_eq!(written(&*b, keys[0], new, AT).await, Ok(()));
    // Lost with the lease.
    let one = begun(&*a, &node("node")).await;
    die(nodes, &*b, two).await;
    renewed(&*a, one).await;
    assert_eq!(written(&*b, keys[0], new, AT).await, Err(Refused::Fenced));
    assert_eq!(written(&*a, keys[0], epoch_plus(new, 1), AT).await, Ok(()));
}

pub(crate) async fn a_camera_registered_elsewhere_is_not_the_shards_owners(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    let (_, keys) = cameras(&*a, 1).await;
    let key = keys[0];
    let own = fence(&*a, key).await;
    let (lasting, _) = times(&*a).await;
    // Not the cases' own time, which lies beyond what the clock of a real server shows.
    let at = Timestamp(lasting.0 - 3_600_000);
    assert_eq!(written(&*a, key, own, at).await, Ok(()), "registered with nobody");
    bind_to(&*a, one, vec![until(key, lasting, 1)]).await;
    assert_eq!(written(&*a, key, own, at).await, Ok(()), "with the owner itself");
    bind_to(&*b, two, vec![until(key, lasting, 2)]).await;
    assert_eq!(written(&*a, key, own, at).await, Err(Refused::Fenced));
    // It has run out at the time of the write, whatever the store's clock says.
    assert_eq!(written(&*a, key, own, lasting).await, Ok(()));
    let before = Timestamp(lasting.0 - 1);
    assert_eq!(written(&*a, key, own, before).await, Err(Refused::Fenced));
    let gone = Binding { ended: Some((AT, Offline::Unregistered)), ..until(key, lasting, 3) };
    bind_to(&*b, two, vec![gone]).await;
    assert_eq!(written(&*a, key, own, at).await, Ok(()), "it has gone");
    // A node that dies has nobody registered with it any more.
    bind_to(&*b, two, vec![until(key, lasting, 4)]).await;
    assert_eq!(written(&*a, key, own, at).await, Err(Refused::Fenced));
    die(nodes, &*b, two).await;
    assert_eq!(written(&*a, key, own, at).await, Ok(()));
    // And when it comes back, it speaks for them again.
    assert_eq!(begun(&*b, &node("two")).await, two);
    assert_eq!(written(&*a, key, own, at).await, Err(Refused::Fenced));
    b.end_session(two).await.unwrap();
    assert_eq!(written(&*a, key, own, at).await, Ok(()), "it has ended");
}

pub(crate) async fn whom_a_camera_is_registered_with_speaks_for_it(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    let (project, keys) = cameras(&*a, 2).await;
    let phone = import_new(&*a, vec![new_device("p", "phone")]).await[0];
    let key = keys[0];
    let (lasting, over) = times(&*a).await;
    let (of_one, of_two) = (Fence::Binding(one), Fence::Binding(two));
    for fence in [of_one, of_two] {
        assert_eq!(written(&*b, key, fence, AT).await, Err(Refused::Fenced), "with nobody");
    }
    bind_to(&*b, two, vec![until(key, lasting, 1)]).await;
    assert_eq!(written(&*b, key, of_two, AT).await, Ok(()));
    assert_eq!(written(&*b, key, of_two, Timestamp(lasting.0 + 1)).await, Ok(()));
    assert_eq!(written(&*a, key, of_one, AT).await, Err(Refused::Fenced));
    for other in [keys[1], phone, DeviceKey(999)] {
        assert_eq!(written(&*b, other, of_two, AT).await, Err(Refused::Fenced));
    }
    // A job ends under it.
    let mut call = accept(project, request(1), &[(key, &[("a", "1")])]);
    call.entries[0].camera = Some(crate::write::CameraPatch::default());
    let job = accepted_as(&*a, &engine(), call).await.remove(0).unwrap().job;
    let mut result = settle(key, of_two, 1);
    result.ended = vec![ended(job, SUCCEEDED)];
    assert_eq!(settled(&*b, result).await.unwrap().open_jobs, 0);
    assert!(a.job(&engine(), job).await.unwrap().unwrap().job.end.is_some());
    // It has run out, and nobody else has it: its holder speaks for it still.
    bind_to(&*b, two, vec![until(key, over, 2)]).await;
    assert_eq!(written(&*b, key, of_two, AT).await, Ok(()));
    bind_to(&*a, one, vec![until(key, lasting, 3)]).await;
    assert_eq!(written(&*b, key, of_two, AT).await, Err(Refused::Fenced), "it has moved");
    assert_eq!(written(&*a, key, of_one, AT).await, Ok(()));
}

pub(crate) async fn a_session_that_does_not_last_speaks_for_nobody(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    begin(&*a).await;
    let two = begun(&*b, &node("two")).await;
    let (_, keys) = cameras(&*a, 1).await;
    let (lasting, _) = times(&*a).await;
    bind_to(&*b, two, vec![until(keys[0], lasting, 1)]).await;
    let of_two = Fence::Binding(two);
    die(nodes, &*b, two).await;
    assert_eq!(written(&*b, keys[0], of_two, AT).await, Err(Refused::Fenced));
    begun(&*b, &node("two")).await;
    assert_eq!(written(&*b, keys[0], of_two, AT).await, Ok(()), "it has begun anew");
    b.end_session(two).await.unwrap();
    assert_eq!(written(&*b, keys[0], of_two, AT).await, Err(Refused::Fenced));
    let nobody = Fence::Binding(SessionKey(two.0 + 1_000));
    assert_eq!(written(&*b, keys[0], nobody, AT).await, Err(Refused::Fenced));
}

/// Whom every read says that a device is registered with, if both last; and whom the reads of
/// cameras say, whether they last or not.
async fn bound_to(
    store: &dyn Store,
    device: DeviceKey,
) -> (Option<SessionKey>, Option<SessionKey>) {
    let work = store.work(device).await.unwrap().unwrap().bound_to;
    let seed = store.lane_seeds(&[device]).await.unwrap().remove(0).bound_to;
    assert_eq!(seed, work);
    let with_work = store.devices_with_work(DeviceKey(0), 100).await.unwrap();
    let at_rest = store.devices_at_rest(DeviceKey(0), 100).await.unwrap();
    for seed in with_work.iter().chain(&at_rest).filter(|seed| seed.device == device) {
        assert_eq!(seed.bound_to, work);
    }
    let camera = store.camera(device).await.unwrap().unwrap().bound_to;
    let bindings = store.bindings(DeviceKey(0), 100).await.unwrap();
    for stored in bindings.iter().filter(|stored| stored.binding.device == device) {
        assert_eq!(stored.bound_to, camera);
    }
    (work, camera)
}

pub(crate) async fn nobody_is_bound_to_who_does_not_last(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    begin(&*a).await;
    let two = begun(&*b, &node("two")).await;
    let (project, keys) = cameras(&*a, 3).await;
    let phone = import_new(&*a, vec![new_device("p", "phone")]).await[0];
    // One has work, one holds values, one holds none.
    for (number, key) in (1..).zip(&keys[..2]) {
        let mut call = accept(project, request(number), &[(*key, &[("a", "1")])]);
        call.entries[0].camera = Some(crate::write::CameraPatch::default());
        accepted_as(&*a, &engine(), call).await.remove(0).unwrap();
    }
    settle_all(&*a, keys[1]).await;
    let (lasting, over) = times(&*a).await;
    for key in &keys {
        assert_eq!(bound_to(&*a, *key).await, (None, None));
        bind_to(&*b, two, vec![until(*key, lasting, 1)]).await;
        assert_eq!(bound_to(&*a, *key).await, (Some(two), Some(two)));
        bind_to(&*b, two, vec![until(*key, over, 2)]).await;
        assert_eq!(bound_to(&*a, *key).await, (None, Some(two)), "it has run out");
        let gone = Binding { ended: Some((AT, Offline::Expired)), ..until(*key, lasting, 3) };
        bind_to(&*b, two, vec![gone]).await;
        assert_eq!(bound_to(&*a, *key).await, (None, Some(two)), "it has gone");
        bind_to(&*b, two, vec![until(*key, lasting, 4)]).await;
    }
    die(nodes, &*b, two).await;
    for key in &keys {
        assert_eq!(bound_to(&*a, *key).await, (None, Some(two)), "the node has died");
    }
    begun(&*b, &node("two")).await;
    assert_eq!(bound_to(&*a, keys[0]).await, (Some(two), Some(two)), "it is back");

    let seeds = a.lane_seeds(&[phone, keys[2], DeviceKey(999), phone]).await.unwrap();
    let found: Vec<_> = seeds.iter().map(|seed| (seed.device, seed.bound_to)).collect();
    assert_eq!(found, [(keys[2], Some(two)), (phone, None)], "by key, once each");
    assert!(seeds.iter().all(|seed| seed.shard == seed.device.shard()));
    assert_eq!((seeds[1].server.as_str(), seeds[1].restarting), ("server-1", None));
}

pub(crate) async fn a_camera_moves_with_a_later_nonce_alone(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let one = begin(&*a).await.0;
    let two = begun(&*b, &node("two")).await;
    let (_, keys) = cameras(&*a, 1).await;
    let key = keys[0];
    let at = |nonce_at: i64, nonce_count: u32| Binding { nonce_at, nonce_count, ..binding(key) };
    let stands = async || {
        let camera = a.camera(key).await.unwrap().unwrap();
        let binding = camera.binding.unwrap();
        (camera.bound_to.unwrap(), binding.nonce_at, binding.nonce_count, binding.ended)
    };
    bind_to(&*a, one, vec![at(10, 5)]).await;
    // Replayed at another node.
    for (nonce_at, nonce_count) in [(10, 5), (10, 4), (9, 9)] {
        bind_to(&*b, two, vec![at(nonce_at, nonce_count)]).await;
        assert_eq!(stands().await, (one, 10, 5, None));
    }
    bind_to(&*b, two, vec![at(10, 6)]).await;
    assert_eq!(stands().await, (two, 10, 6, None));
    bind_to(&*b, two, vec![at(11, 1)]).await;
    // The node that it has left says late that it has gone.
    let gone = Binding { ended: Some((AT, Offline::KeepalivesMissed)), ..at(10, 5) };
    bind_to(&*a, one, vec![gone.clone()]).await;
    assert_eq!(stands().await, (two, 11, 1, None));
    // Of the same node whatever it says is taken.
    bind_to(&*b, two, vec![Binding { nonce_at: 11, nonce_count: 1, ..gone.clone() }]).await;
    assert_eq!(stands().await, (two, 11, 1, gone.ended));
    bind_to(&*b, two, vec![at(2, 1)]).await;
    assert_eq!(stands().await, (two, 2, 1, None));
    // Passed over alone.
    bind_to(&*a, one, vec![at(1, 1), at(3, 1), at(3, 1)]).await;
    assert_eq!(stands().await, (one, 3, 1, None));
}

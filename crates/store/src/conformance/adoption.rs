//! Adoption: what was asked for, and what comes of it.

use fleet::limits::DESIRED_BYTES_MAX;
use fleet::{AdoptionRequest, DeviceKey, Revision, Timestamp};

use super::fixture::*;
use crate::Store;
use crate::write::DeviceChange;

const ASKED: AdoptionRequest = AdoptionRequest { replace_marker: true, from_reported: false };
const OTHER: AdoptionRequest = AdoptionRequest { replace_marker: true, from_reported: true };

async fn has_work(store: &dyn Store, key: DeviceKey) -> bool {
    let found = store.devices_with_work(DeviceKey(0), 100).await.unwrap();
    let found = found.iter().any(|seed| seed.device == key);
    assert_eq!(found, device(store, key).await.state.has_work());
    found
}

pub(crate) async fn a_request_is_kept_until_it_is_done(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    settle_all(store, keys[0]).await;
    assert!(!has_work(store, keys[0]).await);
    changed(store, "phone-0", DeviceChange::Adopt(ASKED)).await;
    assert_eq!(device(store, keys[0]).await.state.adoption, Some(ASKED));
    assert!(has_work(store, keys[0]).await);

    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    settled(store, result.clone()).await.unwrap();
    assert_eq!(device(store, keys[0]).await.state.adoption, Some(ASKED), "nothing was done");
    result.adoption_done = Some(OTHER);
    settled(store, result.clone()).await.unwrap();
    assert_eq!(device(store, keys[0]).await.state.adoption, Some(ASKED), "another was done");
    result.adoption_done = Some(ASKED);
    settled(store, result).await.unwrap();
    assert_eq!(device(store, keys[0]).await.state.adoption, None);
    assert!(!has_work(store, keys[0]).await);
}

pub(crate) async fn what_a_device_showed_is_desired_where_nothing_was(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    settle_all(store, keys[0]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 1);
    result.desire = values(&[("a", "shown"), ("b", "shown")]);
    for _ in 0..2 {
        // The second time there is nothing more to desire.
        let told = settled(store, result.clone()).await.unwrap();
        assert_eq!((told.revision, told.settled), (Revision(2), Revision(2)));
        let state = device(store, keys[0]).await.state;
        assert_eq!(state.desired.values(), values(&[("a", "1"), ("b", "shown")]));
        assert_eq!(state.desired.get("a").unwrap().revision, Revision(1));
        assert_eq!(state.desired.get("b").unwrap().revision, Revision(2));
        assert_eq!((state.revision, state.settled), (Revision(2), Revision(2)));
        assert!(!has_work(store, keys[0]).await);
    }
    let at_rest = store.devices_at_rest(DeviceKey(0), 10).await.unwrap();
    assert_eq!(at_rest.len(), 1);
}

pub(crate) async fn what_was_shown_is_settled_if_all_before_it_is(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.desire = values(&[("b", "shown")]);
    let told = settled(store, result.clone()).await.unwrap();
    assert_eq!((told.revision, told.settled), (Revision(2), Revision(0)));
    let next = accept_one(store, project, 2, keys[0], &[("c", "1")]).await;
    assert_eq!(next.revision, Revision(3));
    assert!(has_work(store, keys[0]).await);

    // What settles all before it in the same result counts.
    result.settled = Revision(3);
    result.desire = values(&[("d", "shown")]);
    let told = settled(store, result).await.unwrap();
    assert_eq!((told.revision, told.settled), (Revision(4), Revision(4)));
}

pub(crate) async fn what_another_record_showed_is_not_desired(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    changed(store, "phone-0", DeviceChange::Adopt(OTHER)).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.record_at = Timestamp(AT.0 - 1);
    result.adoption_done = Some(OTHER);
    result.desire = values(&[("a", "of another phone")]);
    settled(store, result.clone()).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.adopted, state.adoption), (false, Some(OTHER)));
    assert_eq!((state.revision, state.desired.0.len()), (Revision(0), 0));
    result.record_at = AT;
    settled(store, result).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.adopted, state.adoption), (true, None));
    assert_eq!((state.revision, state.desired.0.len()), (Revision(1), 1));
}

pub(crate) async fn what_was_shown_is_desired_as_far_as_there_is_room(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let most = "v".repeat(DESIRED_BYTES_MAX - 4);
    accept_one(store, project, 1, keys[0], &[("a", &most)]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.desire = values(&[("b", "too long"), ("c", "ok"), ("d", "")]);
    settled(store, result).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!(state.desired.0.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(state.desired.bytes(), DESIRED_BYTES_MAX);
}

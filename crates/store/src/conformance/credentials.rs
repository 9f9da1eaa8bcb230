//! Who may register as a GB device: what replaces what, and what goes on working for a while.

use fleet::{DeviceKey, Principal, ProjectKey, Timestamp};

use super::fixture::*;
use crate::write::{CameraPatch, CredentialsPatch, ImportedDevice};
use crate::{CredentialsCounts, OldCredentials, SealedRegistrant, Store};

/// Until when what is replaced works.
const UNTIL: Timestamp = Timestamp(LATER.0 + 3_600_000);

pub(crate) fn credentials(
    user: Option<&str>,
    password: Option<&str>,
    overlap_until: Option<Timestamp>,
) -> CredentialsPatch {
    let (user, password) = (user.map(str::to_owned), password.map(sealed));
    CredentialsPatch { user, password, overlap_until }
}

/// An update of nothing but credentials.
pub(crate) async fn change(
    store: &dyn Store,
    (project, key): (ProjectKey, DeviceKey),
    number: u64,
    credentials: CredentialsPatch,
) {
    let camera = CameraPatch { credentials: Some(credentials), ..CameraPatch::default() };
    let entry = patched(store, project, number, key, (&[], camera)).await.unwrap();
    assert!(entry.ended && !entry.stored);
}

/// A camera with these, made at [`AT`].
fn new(user: Option<&str>, password: Option<&str>) -> ImportedDevice {
    let mut camera = new_camera("p", &camera_id(0));
    camera.record.camera.as_mut().unwrap().user = user.map(str::to_owned);
    camera.password = password.map(sealed);
    camera
}

async fn made(
    store: &dyn Store,
    user: Option<&str>,
    password: Option<&str>,
) -> (ProjectKey, DeviceKey) {
    let project = create_project(store, "p").await;
    (project, import_new(store, vec![new(user, password)]).await[0])
}

async fn found(store: &dyn Store) -> SealedRegistrant {
    registrant(store, &camera_id(0)).await.unwrap()
}

/// The present pair and the old one, as the words they were sealed from.
async fn pairs(store: &dyn Store) -> [Option<(Option<String>, String)>; 2] {
    let text = |sealed: Vec<u8>| String::from_utf8(sealed).unwrap().replace("sealed ", "");
    let SealedRegistrant { user, sealed_password, old, .. } = found(store).await;
    let present = sealed_password.map(|sealed| (user, text(sealed)));
    [present, old.map(|old| (old.user, text(old.sealed_password)))]
}

fn pair(user: Option<&str>, password: &str) -> Option<(Option<String>, String)> {
    Some((user.map(str::to_owned), password.to_owned()))
}

/// When they last changed, and until when the old ones work.
async fn times(store: &dyn Store, key: DeviceKey) -> (Option<Timestamp>, Option<Timestamp>) {
    let state = camera_state(store, key).await;
    let work = store.camera(key).await.unwrap().unwrap();
    assert_eq!(work.credentials_at, state.credentials_at);
    assert_eq!(work.registrant, found(store).await);
    (state.credentials_at, state.overlap_until)
}

pub(crate) async fn a_new_password_replaces_the_old_one_at_once(store: &dyn Store) {
    let of = made(store, Some("user"), Some("first")).await;
    assert_eq!(times(store, of.1).await, (None, None), "as it was made");
    change(store, of, 1, credentials(None, Some("second"), None)).await;
    assert_eq!(pairs(store).await, [pair(Some("user"), "second"), None]);
    assert_eq!(times(store, of.1).await, (Some(LATER), None));
    assert_eq!(device(store, of.1).await.device.updated_at, LATER);
}

pub(crate) async fn the_pair_that_is_replaced_works_until_its_time(store: &dyn Store) {
    let of = made(store, Some("user"), Some("first")).await;
    change(store, of, 1, credentials(Some("other"), Some("second"), Some(UNTIL))).await;
    let old = OldCredentials {
        user: Some("user".to_owned()),
        sealed_password: b"sealed first".to_vec(),
        until: UNTIL,
    };
    assert_eq!(found(store).await.old, Some(old));
    assert_eq!(times(store, of.1).await, (Some(LATER), Some(UNTIL)));
    // The one that was replaced before stops, whether the next overlaps or not.
    change(store, of, 2, credentials(None, Some("third"), Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("other"), "third"), pair(Some("other"), "second")]);
    // Back to what was: that is a change too.
    change(store, of, 3, credentials(None, Some("second"), Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("other"), "second"), pair(Some("other"), "third")]);
    change(store, of, 4, credentials(None, Some("fourth"), None)).await;
    assert_eq!(pairs(store).await, [pair(Some("other"), "fourth"), None]);
    assert_eq!(times(store, of.1).await, (Some(LATER), None));
}

pub(crate) async fn the_same_again_changes_nothing(store: &dyn Store) {
    let of = made(store, Some("user"), Some("first")).await;
    let mut again = credentials(Some("user"), Some("first"), Some(UNTIL));
    // Sealed anew, as the same password is each time.
    again.password.as_mut().unwrap().sealed = b"anew".to_vec();
    let before = device(store, of.1).await;
    for (number, same) in (1..).zip([
        again.clone(),
        credentials(Some("user"), None, None),
        credentials(None, Some("first"), None),
        credentials(None, None, Some(UNTIL)),
    ]) {
        change(store, of, number, same).await;
        let after = device(store, of.1).await;
        assert_eq!((after.device, after.camera), (before.device.clone(), before.camera.clone()));
        assert_eq!(pairs(store).await, [pair(Some("user"), "first"), None]);
    }
    // An overlap that runs is not cut off by it, and not made longer.
    change(store, of, 8, credentials(None, Some("second"), Some(UNTIL))).await;
    let before = found(store).await;
    for (number, until) in [(9, None), (10, Some(Timestamp(UNTIL.0 + 1)))] {
        change(store, of, number, credentials(Some("user"), Some("second"), until)).await;
        assert_eq!(found(store).await, before);
    }
}

pub(crate) async fn a_user_name_alone_is_replaced_with_its_password(store: &dyn Store) {
    let of = made(store, Some("user"), Some("first")).await;
    change(store, of, 1, credentials(Some("other"), None, Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("other"), "first"), pair(Some("user"), "first")]);
    // The password is known again under the new name.
    change(store, of, 2, credentials(None, Some("first"), None)).await;
    assert_eq!(pairs(store).await, [pair(Some("other"), "first"), pair(Some("user"), "first")]);
    change(store, of, 3, credentials(Some("user"), None, None)).await;
    assert_eq!(pairs(store).await, [pair(Some("user"), "first"), None]);
}

pub(crate) async fn where_there_was_no_password_nothing_overlaps(store: &dyn Store) {
    let of = made(store, None, None).await;
    change(store, of, 1, credentials(Some("user"), None, Some(UNTIL))).await;
    assert_eq!(times(store, of.1).await, (Some(LATER), None));
    let registrant = found(store).await;
    assert_eq!((registrant.user.as_deref(), registrant.sealed_password), (Some("user"), None));
    change(store, of, 2, credentials(None, Some("first"), Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("user"), "first"), None]);
    assert!(camera_state(store, of.1).await.has_password);
    change(store, of, 3, credentials(None, Some("second"), Some(UNTIL))).await;
    assert_eq!(times(store, of.1).await, (Some(LATER), Some(UNTIL)));
}

pub(crate) async fn an_import_overlaps_nothing(store: &dyn Store) {
    let of = made(store, Some("user"), Some("first")).await;
    change(store, of, 1, credentials(None, Some("second"), Some(UNTIL))).await;
    let overlap = [pair(Some("user"), "second"), pair(Some("user"), "first")];
    for same in [new(None, None), new(Some("user"), Some("second")), new(None, Some("second"))] {
        write_as(store, &engine(), import(vec![same])).await.unwrap();
        assert_eq!(pairs(store).await, overlap);
        assert_eq!(times(store, of.1).await, (Some(LATER), Some(UNTIL)));
    }
    write_as(store, &engine(), import(vec![new(None, Some("third"))])).await.unwrap();
    assert_eq!(pairs(store).await, [pair(Some("user"), "third"), None]);
    assert_eq!(times(store, of.1).await, (Some(AT), None), "an import at that time");
}

pub(crate) async fn the_devices_id_is_its_user_name_until_it_has_another(store: &dyn Store) {
    let of = made(store, None, Some("first")).await;
    let id = camera_id(0);
    // It counted already: it is on record from now on, and nothing else has changed.
    change(store, of, 1, credentials(Some(&id), Some("first"), Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some(&id), "first"), None]);
    assert_eq!(times(store, of.1).await, (None, None));
    change(store, of, 2, credentials(Some("user"), None, Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("user"), "first"), pair(Some(&id), "first")]);
    delete_device(store, &id).await;
    let key = import_new(store, vec![new(None, Some("first"))]).await[0];
    change(store, (of.0, key), 3, credentials(Some("user"), None, Some(UNTIL))).await;
    assert_eq!(pairs(store).await, [pair(Some("user"), "first"), pair(None, "first")]);
}

pub(crate) async fn credentials_in_use_are_counted(store: &dyn Store) {
    let project = create_project(store, "p").await;
    let camera = |number| {
        let mut camera = new_camera("p", &camera_id(number));
        camera.password = Some(sealed("first"));
        camera
    };
    let keys = import_new(store, (0..6).map(camera).collect()).await;
    let mine = project_id("p");
    let count =
        async |principal: &Principal| store.credentials_counts(principal, &mine).await.unwrap();
    let all_offline = CredentialsCounts { offline: 6, ..CredentialsCounts::default() };
    assert_eq!(count(&engine()).await, Some(all_offline));
    let mut bindings: Vec<_> = keys[1..].iter().map(|key| lasting(*key)).collect();
    bindings[0].expires_at = Timestamp(1);
    bindings[2].refreshed_at = LATER;
    bindings[2].old_credentials = true;
    bind(store, bindings).await;
    for (number, key) in (1_u64..).zip(&keys[3..5]) {
        let until = Timestamp(i64::MAX / 4 + number.cast_signed());
        let patch = credentials(None, Some("second"), Some(until));
        change(store, (project, *key), number, patch).await;
    }
    let expected = CredentialsCounts {
        current: 2,
        old: 1,
        not_renewed: 1,
        offline: 2,
        overlap_until: Some(Timestamp(i64::MAX / 4 + 2)),
    };
    assert_eq!(count(&engine()).await, Some(expected));
    assert_eq!(count(&Principal::client(project, "AK")).await, Some(expected));
    let other = create_project(store, "other").await;
    assert_eq!(count(&Principal::client(other, "AK2")).await, None);
    let none = store.credentials_counts(&engine(), &project_id("other")).await.unwrap();
    assert_eq!(none, Some(CredentialsCounts::default()));
    assert_eq!(store.credentials_counts(&engine(), &project_id("nobody")).await.unwrap(), None);
}

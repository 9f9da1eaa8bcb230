//! What is on record of GB devices: import, isolation, who may register, what was sent and asked.

use fleet::{
    Condition, DeviceKey, DeviceState, Facts, Kind, Principal, Push, PushOutcome, Revision, Values,
};

use super::fixture::*;
use crate::write::{DeviceChange, ImportedDevice, NotePush, NoteSurvey, RecordChannels};
use crate::{
    CameraState, CameraWork, DeviceFilter, Fence, Page, PhoneFilter, Refused, SealedRegistrant,
    ServerFilter, Store, Write, Written,
};

/// A GB device with a user and a password.
fn with_password(project: &str, id: &str, user: &str, password: &str) -> ImportedDevice {
    let mut camera = new_camera(project, id);
    camera.record.camera.as_mut().unwrap().user = Some(user.to_owned());
    camera.password = Some(sealed(password));
    camera
}

fn push(revision: i64, outcome: PushOutcome) -> Push {
    Push { revision: Revision(revision), at: LATER, outcome }
}

fn note_push(fence: Fence, device: DeviceKey, push: &Push) -> Write {
    Write::NotePush(NotePush { fence, device, push: push.clone() })
}

fn note_survey(device: DeviceKey, facts: Option<&Facts>) -> Write {
    Write::NoteSurvey(NoteSurvey { device, at: LATER, facts: facts.cloned() })
}

async fn camera(store: &dyn Store, key: DeviceKey) -> CameraWork {
    store.camera(key).await.unwrap().unwrap()
}

pub(crate) async fn an_imported_camera_is_awaited_and_has_no_work(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let found = device(store, keys[0]).await;
    let awaited =
        DeviceState { condition: Condition::Awaited, adopted: true, ..DeviceState::new(AT) };
    assert_eq!(found.state, awaited);
    assert!(!found.state.has_work());
    assert_eq!((found.device.kind, found.device.address.as_str()), (Kind::Camera, ""));
    let blank = CameraState {
        user: None,
        has_password: false,
        binding: None,
        channels: 0,
        record: Values::new(),
        organization: None,
        credentials_at: None,
        overlap_until: None,
    };
    assert_eq!(found.camera, Some(blank));
    assert!(store.devices_with_work(DeviceKey(0), 9).await.unwrap().is_empty());
    assert!(store.devices_at_rest(DeviceKey(0), 9).await.unwrap().is_empty());

    let id = device_id(&camera_id(0));
    let targets = store.accept_targets(&engine(), &project_id("p"), vec![id]).await.unwrap();
    assert_eq!(targets[0].as_ref().unwrap().kind, Kind::Camera);
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    assert_eq!(store.devices_with_work(DeviceKey(0), 9).await.unwrap().len(), 1);
    settle_all(store, keys[0]).await;
    assert_eq!(store.devices_at_rest(DeviceKey(0), 9).await.unwrap().len(), 1);

    let phone = import_new(store, vec![new_device("p", "phone")]).await[0];
    assert_eq!(device(store, phone).await.camera, None);
    let targets =
        store.accept_targets(&engine(), &project_id("p"), vec![device_id("phone")]).await.unwrap();
    assert_eq!(targets[0].as_ref().unwrap().kind, Kind::Phone);
}

pub(crate) async fn a_camera_keeps_what_a_second_import_leaves_out(store: &dyn Store) {
    create_project(store, "p").await;
    let id = camera_id(0);
    let key = import_new(store, vec![with_password("p", &id, "user", "first")]).await[0];
    let sent = push(1, PushOutcome::Sent);
    let noted = note_push(fence(store, key).await, key, &sent);
    write_as(store, &engine(), noted).await.unwrap();
    bind(store, vec![binding(key)]).await;
    let before = device(store, key).await;

    let mut again = new_camera("p", &id);
    again.record.name = "摄像机".to_owned();
    again.record.address = "192.0.2.77:5060".to_owned();
    let mut without = again.clone();
    without.record.camera = None;
    for again in [again, without] {
        let written = write_as(store, &engine(), import(vec![again])).await;
        assert_eq!(written, Ok(Written::Imported { keys: vec![key], new: 0 }));
        let after = device(store, key).await;
        assert_eq!((after.state, &after.camera), (before.state.clone(), &before.camera));
        assert_eq!(after.device.name, "摄像机");
        let registrant = registrant(store, &id).await.unwrap();
        assert_eq!(registrant.user.as_deref(), Some("user"));
        assert_eq!(registrant.sealed_password.as_deref(), Some(&b"sealed first"[..]));
        assert_eq!(camera(store, key).await.push, Some(sent.clone()));
    }

    let changed = with_password("p", &id, "other", "anew");
    write_as(store, &engine(), import(vec![changed])).await.unwrap();
    let registrant = registrant(store, &id).await.unwrap();
    assert_eq!(registrant.user.as_deref(), Some("other"));
    assert_eq!(registrant.sealed_password.as_deref(), Some(&b"sealed anew"[..]));
    assert_eq!(camera(store, key).await.push, Some(sent));
    assert_eq!(device(store, key).await.camera.unwrap().binding, Some(binding(key)));
    assert_eq!(camera(store, key).await.binding, Some(binding(key)));
}

pub(crate) async fn an_import_of_another_name_ends_what_was_asked_for(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let key = keys[0];
    let name = device(store, key).await.device.name;
    let again = |named: &str, profile: &str| {
        let mut again = new_camera("p", &camera_id(0));
        again.record.name = named.to_owned();
        again.record.profile = profile.to_owned();
        import(vec![again])
    };
    accept_one(store, project, 1, key, &[("Name", "east"), ("Expiration", "3600")]).await;
    // On its way: a job waits for it.
    write_as(store, &engine(), again("west", "dahua")).await.unwrap();
    assert_eq!(device(store, key).await.state.desired.get("Name").unwrap().value, "east");
    settle_all(store, key).await;
    write_as(store, &engine(), again("east", "")).await.unwrap();
    let found = device(store, key).await;
    assert_eq!(found.state.desired.get("Name").unwrap().value, "east");
    assert_eq!(found.device.profile, "dahua", "one that is not named stays");
    write_as(store, &engine(), again(&name, "generic")).await.unwrap();
    let found = device(store, key).await;
    assert_eq!(found.state.desired.get("Name"), None);
    assert!(found.state.desired.get("Expiration").is_some());
    assert_eq!((found.device.name, found.device.profile.as_str()), (name, "generic"));
}

pub(crate) async fn a_gb_id_is_taken_once_on_the_whole_server(store: &dyn Store) {
    create_project(store, "secret-project").await;
    create_project(store, "q").await;
    let id = camera_id(0);
    let key = import_new(store, vec![new_camera("secret-project", &id)]).await[0];
    let both = vec![new_camera("q", &camera_id(1)), new_camera("q", &id)];
    let refused = write_as(store, &engine(), import(both)).await.unwrap_err();
    assert_eq!(refused, Refused::Exists { what: "a GB device", id: id.clone() });
    assert!(!refused.to_string().contains("secret"), "{refused}");
    let other = store.device(&engine(), None, &device_id(&camera_id(1))).await.unwrap();
    assert!(other.is_empty(), "all or none");
    let both = vec![new_camera("q", &camera_id(2)), new_camera("secret-project", &camera_id(2))];
    assert!(write_as(store, &engine(), import(both)).await.is_err(), "in one import too");

    // A phone's id is its project's own affair.
    let phone = import_new(store, vec![new_device("q", &id)]).await[0];
    assert_eq!(registrant(store, &id).await.unwrap().device, key);
    for (project, device, is, asked) in [
        ("q", new_camera("q", &id), "phone", "camera"),
        ("secret-project", new_device("secret-project", &id), "camera", "phone"),
    ] {
        let refused = write_as(store, &engine(), import(vec![device])).await;
        assert_eq!(
            refused,
            Err(Refused::KindDiffers { id: device_id(&id), is, asked }),
            "{project}"
        );
    }
    assert_eq!(device(store, phone).await.camera, None);
}

pub(crate) async fn registrants_stand_in_the_order_asked(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    let devices = vec![
        with_password("q", &camera_id(0), "user", "first"),
        new_camera("p", &camera_id(1)),
        new_device("p", "phone"),
    ];
    let keys = import_new(store, devices).await;
    let asked = [camera_id(1), "none".to_owned(), camera_id(0), "phone".to_owned(), camera_id(1)];
    let asked = asked.iter().map(|id| device_id(id)).collect();
    let blank = SealedRegistrant {
        device: keys[1],
        id: device_id(&camera_id(1)),
        project_id: project_id("p"),
        user: None,
        sealed_password: None,
        old: None,
    };
    let known = SealedRegistrant {
        device: keys[0],
        id: device_id(&camera_id(0)),
        project_id: project_id("q"),
        user: Some("user".to_owned()),
        sealed_password: Some(b"sealed first".to_vec()),
        old: None,
    };
    let found = store.registrants(asked).await.unwrap();
    assert_eq!(found, [Some(blank.clone()), None, Some(known.clone()), None, Some(blank)]);
    assert!(store.registrants(Vec::new()).await.unwrap().is_empty());
    let state = device(store, keys[0]).await.camera.unwrap();
    assert_eq!((state.user, state.has_password), (Some("user".to_owned()), true));
    let work = camera(store, keys[0]).await;
    assert_eq!((work.registrant, work.push, work.surveyed_at), (known, None, None));
    assert_eq!(store.camera(keys[2]).await.unwrap(), None, "a phone");
    assert_eq!(store.camera(DeviceKey(999)).await.unwrap(), None);
}

pub(crate) async fn a_push_is_noted_under_the_fence_alone(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    let phone = import_new(store, vec![new_device("p", "phone")]).await[0];
    let own = fence(store, keys[0]).await;
    let first = push(3, PushOutcome::Sent);
    let done = write_as(store, &engine(), note_push(own, keys[0], &first)).await;
    assert_eq!(done, Ok(Written::Done));
    let second = push(4, PushOutcome::Declined("错误 \"1\"".to_owned()));
    for stale in [epoch_plus(own, 1), epoch_plus(own, -1)] {
        let refused = write_as(store, &engine(), note_push(stale, keys[0], &second)).await;
        assert_eq!(refused, Err(Refused::Fenced));
    }
    let of_another = fence(store, keys[1]).await;
    let stranger = Principal::client(create_project(store, "other").await, "AK");
    for (principal, fence, device) in [
        (&engine(), of_another, keys[0]),
        (&engine(), fence(store, phone).await, phone),
        (&engine(), fence(store, DeviceKey(999)).await, DeviceKey(999)),
        (&stranger, own, keys[0]),
    ] {
        let refused = write_as(store, principal, note_push(fence, device, &second)).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice), "{device:?}");
    }
    assert_eq!(camera(store, keys[0]).await.push, Some(first));
    assert_eq!(camera(store, keys[1]).await.push, None);
    for outcome in [second.outcome, PushOutcome::Acknowledged, PushOutcome::Verified] {
        let next = push(4, outcome);
        write_as(store, &engine(), note_push(own, keys[0], &next)).await.unwrap();
        assert_eq!(camera(store, keys[0]).await.push, Some(next));
    }
}

pub(crate) async fn a_survey_is_noted_with_what_was_said(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    let phone = import_new(store, vec![new_device("p", "phone")]).await[0];
    let facts = Facts(values(&[("manufacturer", "Hikvision"), ("channels", "4")]));
    for (told, expected) in
        [(None, Facts::default()), (Some(&facts), facts.clone()), (None, facts.clone())]
    {
        let done = write_as(store, &engine(), note_survey(keys[0], told)).await;
        assert_eq!(done, Ok(Written::Done));
        let work = camera(store, keys[0]).await;
        assert_eq!((work.surveyed_at, &work.facts), (Some(LATER), &expected));
        assert_eq!(device(store, keys[0]).await.state.facts, expected);
    }
    let other = Facts(values(&[("model", "X")]));
    write_as(store, &engine(), note_survey(keys[0], Some(&other))).await.unwrap();
    assert_eq!(camera(store, keys[0]).await.facts, other, "in place of what was there");
    assert_eq!(camera(store, keys[1]).await.surveyed_at, None);

    let stranger = Principal::client(create_project(store, "other").await, "AK");
    for (principal, key) in [(&engine(), phone), (&engine(), DeviceKey(999)), (&stranger, keys[0])]
    {
        let refused = write_as(store, principal, note_survey(key, Some(&facts))).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice));
    }
    assert_eq!(camera(store, keys[0]).await.facts, other);
    assert_eq!(device(store, phone).await.state.facts, Facts::default());
}

pub(crate) async fn a_client_sees_its_own_cameras_alone(store: &dyn Store) {
    let (own, keys) = cameras(store, 1).await;
    bind(store, vec![binding(keys[0])]).await;
    let record = RecordChannels {
        device: keys[0],
        channels: vec![(channel_id(0), fleet::ReportedChannel::default())],
        complete: true,
        at: AT,
    };
    let record = Write::RecordChannels(record);
    let stranger = Principal::client(create_project(store, "other").await, "AK");
    let refused = write_as(store, &stranger, record.clone()).await;
    assert_eq!(refused, Err(Refused::NoSuchDevice));
    assert_eq!(write_as(store, &engine(), record).await, Ok(Written::Done));

    let id = device_id(&camera_id(0));
    let page = Page { after: DeviceKey(0), limit: 9 };
    let filter = DeviceFilter { kind: Some(Kind::Camera), ..DeviceFilter::default() };
    for (principal, sees) in [(Principal::client(own, "AK"), 1), (stranger, 0), (engine(), 1)] {
        let found = store.device(&principal, None, &id).await.unwrap();
        assert_eq!(found.len(), sees);
        assert_eq!(store.devices(&principal, &filter, page).await.unwrap(), found);
        for found in found {
            let camera = found.camera.unwrap();
            assert_eq!((camera.binding, camera.channels), (Some(binding(keys[0])), 1));
        }
        let channels = store.channels(&principal, keys[0], "", 9).await.unwrap();
        assert_eq!(channels.len(), sees);
    }
}

pub(crate) async fn a_camera_is_no_phone(store: &dyn Store) {
    let (_, phones) = fleet(store, 2).await;
    let mut new = new_camera("p", &camera_id(0));
    new.record.server = "server-1".to_owned();
    let camera = import_new(store, vec![new, new_camera("p", &camera_id(1))]).await[0];
    for (key, model) in [(camera, "DS-2CD"), (phones[0], "a phone")] {
        let mut result = settle(key, fence(store, key).await, 0);
        result.facts = Some(Facts(values(&[(Facts::MODEL, model)])));
        settled(store, result).await.unwrap();
    }
    let project = project_id("p");
    let on_server = PhoneFilter { server: Some("server-1".to_owned()), ..PhoneFilter::default() };
    for filter in [PhoneFilter::default(), on_server] {
        let found = store.phones(&engine(), &project, &filter, 0, 9).await.unwrap();
        let keys: Vec<DeviceKey> = found.items.iter().map(|phone| phone.device.key).collect();
        assert_eq!((keys, found.total), (vec![phones[1], phones[0]], 2));
    }
    let makes = store.makes(&engine(), &project).await.unwrap();
    assert_eq!(makes.len(), 1);
    assert_eq!(makes[0].facts.get(Facts::MODEL), Some("a phone"));
    let servers = store.servers(&engine(), &project, &ServerFilter::default(), 0, 9).await.unwrap();
    assert_eq!(servers.items[0].model.as_deref(), Some("a phone"));

    let page = Page { after: DeviceKey(0), limit: 9 };
    for (kind, count) in [(Some(Kind::Camera), 2), (Some(Kind::Phone), 2), (None, 4)] {
        let filter = DeviceFilter { kind, ..DeviceFilter::default() };
        assert_eq!(store.devices(&engine(), &filter, page).await.unwrap().len(), count);
    }
}

pub(crate) async fn a_camera_is_renamed_as_any_device(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    let before = device(store, keys[0]).await;
    changed(store, &camera_id(0), DeviceChange::Name("门口".to_owned())).await;
    let after = device(store, keys[0]).await;
    assert_eq!((after.device.name.as_str(), after.device.updated_at), ("门口", LATER));
    assert_eq!((after.state, after.camera), (before.state, before.camera), "nothing is pushed");
    let taken = change(&camera_id(1), DeviceChange::Name("门口".to_owned()));
    assert!(matches!(write_as(store, &engine(), taken).await, Err(Refused::Exists { .. })));
    // A phone and a camera may share a name: those who name phones know of no cameras.
    import_new(store, vec![new_device("p", "phone")]).await;
    changed(store, "phone", DeviceChange::Name("门口".to_owned())).await;
}

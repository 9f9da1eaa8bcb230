//! What operators change: devices, projects, the server.

use fleet::{
    AdoptionPolicy, AdoptionRequest, Condition, DeviceKey, DeviceState, DriftPolicy, IssProfile,
    IssSettings, Operation, PowerStep, Principal, ProjectSettings, Revision, ServerSettings,
};

use super::fixture::*;
use crate::write::{DeviceChange, FreezeDevices, SetProject};
use crate::{AuditFilter, Refused, Store, Write, Written};

pub(crate) async fn a_device_is_named_once_in_its_project(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    create_project(store, "q").await;
    let elsewhere = import_new(store, vec![new_device("q", "phone-9")]).await[0];
    let before = device(store, keys[0]).await;
    let name = |name: &str| DeviceChange::Name(name.to_owned());

    let refused = write_as(store, &engine(), change("phone-0", name("name of phone-1"))).await;
    let taken = Refused::Exists { what: "a device named", id: "name of phone-1".to_owned() };
    assert_eq!(refused, Err(taken));
    assert_eq!(device(store, keys[0]).await, before);

    for new in ["name of phone-0", "手机", "name of phone-9"] {
        changed(store, "phone-0", name(new)).await;
        let after = device(store, keys[0]).await;
        assert_eq!((after.device.name.as_str(), after.device.updated_at), (new, LATER));
        assert_eq!((after.state, after.device.created_at), (before.state.clone(), AT));
    }
    changed(store, "phone-1", name("name of phone-0")).await;
    assert_eq!(device(store, elsewhere).await.device.name, "name of phone-9");
}

/// A device in trouble and in the middle of a power step.
async fn in_trouble(store: &dyn Store, condition: Condition) -> DeviceKey {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    settle_all(store, keys[0]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 1);
    result.condition = condition;
    result.trouble = Some("nobody answers".to_owned());
    result.power = Some(PowerStep {
        operation: Operation::Stop,
        through: Revision(1),
        from_boot: None,
        begun_at: AT,
        told: 1,
        told_at: AT,
        heard: false,
        blind: false,
        was: Condition::Running,
        back: false,
    });
    settled(store, result).await.unwrap();
    keys[0]
}

pub(crate) async fn many_devices_are_frozen_at_once(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let foreign = create_project(store, "q").await;
    let other = import_new(store, vec![new_device("q", "phone-9")]).await[0];
    settle_all(store, keys[1]).await;
    let named = |key: DeviceKey, id: &str| (key, device_id(id));
    let all = [
        named(keys[0], "phone-0"),
        named(keys[1], "phone-1"),
        named(other, "phone-9"),
        named(DeviceKey(9_999), "gone"),
    ];
    let freeze = |frozen| {
        let (project, devices) = (project_id("p"), all.to_vec());
        Write::FreezeDevices(FreezeDevices { project, devices, frozen })
    };
    let stranger = Principal::client(foreign, "AK");
    let refused = write_as(store, &stranger, freeze(true)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));

    changed(store, "phone-0", DeviceChange::Frozen(true)).await;
    let before = device(store, keys[1]).await.state;
    let own = Principal::client(project, "AK");
    let done = |devices: &[DeviceKey]| Ok(Written::Frozen(devices.to_vec()));
    assert_eq!(write_as(store, &own, freeze(true)).await, done(&keys[1..2]));
    let after = device(store, keys[1]).await.state;
    assert_eq!(after, DeviceState { frozen: true, ..before.clone() }, "nothing else has changed");
    assert_eq!(write_as(store, &own, freeze(true)).await, done(&[]));
    let is_frozen = async |key| device(store, key).await.state.frozen;
    assert!(is_frozen(keys[0]).await && !is_frozen(keys[2]).await && !is_frozen(other).await);
    assert_eq!(write_as(store, &own, freeze(false)).await, done(&keys[..2]));
    assert_eq!(device(store, keys[1]).await.state, before);

    // On record is what was done: freezing both, of which one was so, and unfreezing both.
    let acts = store.audit(&own, &AuditFilter::default(), None, 9).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|act| (act.action.as_str(), act.target.as_str())).collect();
    let [unfrozen, frozen, first, ..] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(*unfrozen, ("device.unfreeze", "2 devices"));
    assert_eq!((*frozen, *first), (("device.freeze", "phone-1"), ("device.freeze", "phone-0")));
}

pub(crate) async fn a_device_that_was_stopped_is_in_no_trouble(store: &dyn Store) {
    let key = in_trouble(store, Condition::Stopping).await;
    let record = device(store, key).await.device;
    changed(store, "phone-0", DeviceChange::Stopped(true)).await;
    let after = device(store, key).await;
    assert_eq!(after.device, record, "the record has not changed");
    let state = after.state;
    assert_eq!((state.condition, state.since), (Condition::Stopped, LATER));
    assert_eq!((state.trouble.clone(), state.power.clone()), (None, None));
    assert!(state.has_work(), "it is looked whether it answers again");
    let found = store.devices_with_work(DeviceKey(0), 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((state.revision, state.settled), (Revision(1), Revision(1)));
}

pub(crate) async fn a_device_that_was_started_is_looked_for(store: &dyn Store) {
    let key = in_trouble(store, Condition::Abnormal).await;
    changed(store, "phone-0", DeviceChange::Stopped(false)).await;
    let state = device(store, key).await.state;
    assert_eq!((state.condition, state.since), (Condition::New, LATER));
    assert_eq!((state.trouble.clone(), state.power.clone()), (None, None));
    assert!(state.has_work());

    settle_all(store, key).await;
    let running = device(store, key).await;
    changed(store, "phone-0", DeviceChange::Stopped(false)).await;
    assert_eq!(device(store, key).await, running, "it runs, so nothing is new");
}

pub(crate) async fn a_device_of_another_project_can_not_be_changed(store: &dyn Store) {
    let (own, keys) = fleet(store, 1).await;
    let stranger = Principal::client(create_project(store, "other").await, "AK");
    let before = device(store, keys[0]).await;
    let changes = [
        DeviceChange::Name("another".to_owned()),
        DeviceChange::Frozen(true),
        DeviceChange::Stopped(true),
        DeviceChange::Adopt(AdoptionRequest::default()),
    ];
    for to in changes {
        let refused = write_as(store, &stranger, change("phone-0", to.clone())).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice));
        let refused = write_as(store, &engine(), change("none", to)).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice));
    }
    assert_eq!(device(store, keys[0]).await, before);
    let client = Principal::client(own, "AK");
    let done = write_as(store, &client, change("phone-0", DeviceChange::Frozen(true))).await;
    assert_eq!(done, Ok(Written::Changed(keys[0])));
    assert!(device(store, keys[0]).await.state.frozen);
}

pub(crate) async fn settings_of_a_project_are_in_all_that_is_read(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    let stranger = Principal::client(create_project(store, "other").await, "AK");
    let settings = ProjectSettings {
        paused: true,
        drift: DriftPolicy::Repair,
        adoption: AdoptionPolicy::Explicit,
        identity: true,
        password_overlap_seconds: 3_600,
        iss: IssSettings {
            profile: IssProfile::Product1344,
            private_ip: false,
            mask_passwords: true,
        },
    };
    let set = |settings| Write::SetProject(SetProject { id: project_id("p"), settings, at: LATER });
    let refused = write_as(store, &stranger, set(settings)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("p"))));
    for settings in [ProjectSettings::default(), settings, ProjectSettings::default()] {
        assert_eq!(write_as(store, &engine(), set(settings)).await, Ok(Written::Done));
        let project = store.project(&engine(), &project_id("p")).await.unwrap().unwrap();
        assert_eq!((project.settings, project.updated_at), (settings, LATER));
        assert_eq!(store.projects(&engine()).await.unwrap()[1].settings, settings);
        assert_eq!(store.work(keys[0]).await.unwrap().unwrap().settings, settings);
        let ids = vec![device_id("phone-0")];
        let targets = store.accept_targets(&engine(), &project_id("p"), ids).await.unwrap();
        let target = targets[0].as_ref().unwrap();
        assert_eq!(
            (target.identity, target.password_overlap_seconds),
            (settings.identity, settings.password_overlap_seconds)
        );
    }
    let other = store.project(&engine(), &project_id("other")).await.unwrap().unwrap();
    assert_eq!((other.settings, other.updated_at), (ProjectSettings::default(), AT));
}

pub(crate) async fn settings_of_the_server_are_not_for_clients(store: &dyn Store) {
    let client = Principal::client(create_project(store, "p").await, "AK");
    assert_eq!(store.server_settings().await.unwrap(), ServerSettings::default());
    let paused = ServerSettings { paused: true };
    let refused = write_as(store, &client, Write::SetServer(paused)).await;
    assert!(matches!(refused, Err(Refused::NoSuchServer(_))), "{refused:?}");
    assert_eq!(store.server_settings().await.unwrap(), ServerSettings::default());
    for settings in [paused, ServerSettings::default()] {
        let done = write_as(store, &Principal::admin(), Write::SetServer(settings)).await;
        assert_eq!(done, Ok(Written::Done));
        assert_eq!(store.server_settings().await.unwrap(), settings);
    }
}

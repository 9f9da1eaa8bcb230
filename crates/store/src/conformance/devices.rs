//! Devices: import, lists, isolation.

use fleet::{Condition, DeviceKey, DeviceState, Kind, Principal, Timestamp};

use super::fixture::*;
use crate::write::{ImportDevices, ImportedDevice};
use crate::{DeviceFilter, Page, Refused, Store, Write, Written};

pub(crate) async fn an_import_twice_changes_nothing(store: &dyn Store) {
    create_project(store, "p").await;
    let devices = vec![new_device("p", "a"), new_device("p", "b")];
    let keys = import_new(store, devices.clone()).await;
    let before = device(store, keys[0]).await;
    assert_eq!(before.state, DeviceState::new(AT));
    let again = write_as(store, &engine(), import(devices)).await;
    assert_eq!(again, Ok(Written::Imported { keys: keys.clone(), new: 0 }));
    assert_eq!(device(store, keys[0]).await, before);

    let mixed = vec![new_device("p", "c"), new_device("p", "a"), new_device("p", "c")];
    match write_as(store, &engine(), import(mixed)).await {
        Ok(Written::Imported { keys: mixed, new: 1 }) => {
            assert_eq!((mixed[1], mixed[2]), (keys[0], mixed[0]));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn an_import_changes_records_and_keeps_marker_and_state(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    let before = device(store, keys[0]).await;

    let mut changed = new_device("p", "phone-0");
    changed.record.name = "手机".to_owned();
    changed.record.server = String::new();
    changed.record.address = "[::1]:6000".to_owned();
    changed.record.container = String::new();
    changed.record.profile = "android".to_owned();
    changed.marker = "another".to_owned();
    write_as(store, &engine(), import(vec![changed])).await.unwrap();

    let after = device(store, keys[0]).await;
    assert_eq!(after.state, before.state);
    assert_eq!(after.device.marker, "marker of phone-0");
    assert_eq!((after.device.name.as_str(), after.device.server.as_str()), ("手机", ""));
    assert_eq!(after.device.address, "[::1]:6000");
    assert_eq!(before.device.container, "container-phone-0");
    assert_eq!((after.device.container.as_str(), after.device.profile.as_str()), ("", "android"));
}

pub(crate) async fn an_import_is_whole_or_not_at_all(store: &dyn Store) {
    create_project(store, "p").await;
    let devices = vec![new_device("p", "a"), new_device("none", "b")];
    let refused = write_as(store, &engine(), import(devices)).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("none"))));
    assert!(store.device(&engine(), None, &device_id("a")).await.unwrap().is_empty());
    import_new(store, vec![new_device("p", "a")]).await;
}

pub(crate) async fn a_large_import_is_taken_in_its_order(store: &dyn Store) {
    const DEVICES: usize = 1_000;
    create_project(store, "p").await;
    create_project(store, "q").await;
    let channel = fleet::NewChannel { id: channel_id(1), name: "door".to_owned() };
    let devices: Vec<ImportedDevice> = (0..DEVICES)
        .map(|n| {
            let project = if n % 2 == 0 { "p" } else { "q" };
            if n % 5 < 2 {
                // Against the order of keys.
                return new_device(project, &format!("phone-{}", DEVICES - n));
            }
            let mut camera = new_camera(project, &camera_id(n));
            camera.password = Some(sealed("password"));
            let new = camera.record.camera.get_or_insert_default();
            new.record.organization = Some(join(&format!("floor {}", n % 7), &format!("o-{n}")));
            new.channels = vec![channel.clone()];
            camera
        })
        .collect();
    let keys = import_new(store, devices.clone()).await;
    assert_eq!(keys.len(), DEVICES);
    assert!(keys.is_sorted());
    let records = store.records(&keys).await.unwrap();
    let ids = |devices: &[ImportedDevice]| -> Vec<String> {
        devices.iter().map(|device| device.record.id.to_string()).collect()
    };
    let found: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(found, ids(&devices));
    for project in ["p", "q"] {
        let project = project_id(project);
        let made = store.organizations(&engine(), &project, None, 0, 99).await.unwrap();
        assert_eq!(made.total, 7, "one for all that name it");
    }
    let floor = camera_state(store, keys[9]).await.organization.map(|of| of.path.to_string());
    assert_eq!(floor.as_deref(), Some("floor 2"));

    // All of them again: phones have moved, cameras have another password and another floor.
    let again = devices.iter().map(|device| {
        let mut device = device.clone();
        device.record.name = "again".to_owned();
        match &mut device.record.camera {
            None => device.record.address = "192.0.2.9:5555".to_owned(),
            Some(camera) => {
                camera.record.organization = Some(join("roof", "o-roof"));
                device.password = Some(sealed("another"));
            }
        }
        device
    });
    let again = write_as(store, &engine(), import(again.collect())).await;
    assert_eq!(again, Ok(Written::Imported { keys: keys.clone(), new: 0 }));
    let records = store.records(&keys).await.unwrap();
    assert!(records.iter().all(|record| record.name == "again"));
    let phone = device(store, keys[0]).await;
    assert_eq!(phone.device.address, "192.0.2.9:5555");
    let camera = device(store, keys[9]).await;
    let state = camera.camera.unwrap();
    assert_eq!(state.organization.map(|of| of.path.to_string()).as_deref(), Some("roof"));
    assert_eq!(state.channels, 1);
    let registrant = store.registrants(vec![camera.device.id]).await.unwrap().remove(0).unwrap();
    assert_eq!(registrant.sealed_password, Some(sealed("another").sealed));
}

pub(crate) async fn an_import_to_a_foreign_project_is_refused(store: &dyn Store) {
    let own = create_project(store, "own").await;
    create_project(store, "other").await;
    let client = Principal::client(own, "AK");
    let refused = write_as(store, &client, import(vec![new_device("other", "a")])).await;
    assert_eq!(refused, Err(Refused::NoSuchProject(project_id("other"))));
    assert!(write_as(store, &client, import(vec![new_device("own", "a")])).await.is_ok());
    assert_eq!(store.device(&engine(), None, &device_id("a")).await.unwrap().len(), 1);
}

pub(crate) async fn a_device_at_another_address_has_to_be_adopted_anew(store: &dyn Store) {
    let (_, keys) = fleet(store, 1).await;
    settle_all(store, keys[0]).await;
    let mut changed = new_device("p", "phone-0");
    changed.record.name = "renamed".to_owned();
    write_as(store, &engine(), import(vec![changed.clone()])).await.unwrap();
    assert!(device(store, keys[0]).await.state.adopted, "it is where it was");

    changed.record.address = "10.0.0.9:5555".to_owned();
    let later = Timestamp(AT.0 + 60);
    let moved = ImportDevices { devices: vec![changed], only_new: false, at: later };
    write_as(store, &engine(), Write::ImportDevices(moved)).await.unwrap();
    assert!(!device(store, keys[0]).await.state.adopted);

    // A step that began at the old address adopts nothing; one at the new address does.
    let fence = fence(store, keys[0]).await;
    let mut result = settle(keys[0], fence, 0);
    settled(store, result.clone()).await.unwrap();
    assert!(!device(store, keys[0]).await.state.adopted);
    result.record_at = later;
    settled(store, result).await.unwrap();
    assert!(device(store, keys[0]).await.state.adopted);
}

pub(crate) async fn lists_are_filtered_and_paged_by_key(store: &dyn Store) {
    let (_, keys) = fleet(store, 7).await;
    create_project(store, "q").await;
    let mut far = new_device("q", "far");
    far.record.server = "server-2".to_owned();
    let far = import_new(store, vec![far]).await[0];
    settle_all(store, keys[3]).await;

    let list = async |filter: DeviceFilter, after: i64, limit: u32| {
        let page = Page { after: DeviceKey(after), limit };
        let found = store.devices(&engine(), &filter, page).await.unwrap();
        found.into_iter().map(|found| found.device.key).collect::<Vec<_>>()
    };
    let all = DeviceFilter::default();
    assert_eq!(list(all.clone(), 0, 100).await.len(), 8);
    assert_eq!(list(all.clone(), 0, 3).await, keys[..3]);
    assert_eq!(list(all.clone(), keys[2].0, 3).await, keys[3..6]);
    assert_eq!(list(all.clone(), far.0, 3).await, []);
    let filter = |change: fn(&mut DeviceFilter)| {
        let mut filter = DeviceFilter::default();
        change(&mut filter);
        filter
    };
    assert_eq!(list(filter(|f| f.project = Some(project_id("q"))), 0, 9).await, [far]);
    assert_eq!(list(filter(|f| f.project = Some(project_id("p"))), keys[4].0, 9).await, keys[5..]);
    assert_eq!(list(filter(|f| f.project = Some(project_id("none"))), 0, 9).await, []);
    assert_eq!(list(filter(|f| f.server = Some("server-2".to_owned())), 0, 9).await, [far]);
    assert_eq!(list(filter(|f| f.server = Some(String::new())), 0, 9).await, []);
    assert_eq!(list(filter(|f| f.condition = Some(Condition::Running)), 0, 9).await, [keys[3]]);
    assert_eq!(list(filter(|f| f.kind = Some(Kind::Phone)), 0, 9).await.len(), 8);
    let both = filter(|f| {
        f.project = Some(project_id("p"));
        f.server = Some("server-2".to_owned());
    });
    assert_eq!(list(both, 0, 9).await, []);
}

pub(crate) async fn the_same_id_in_several_projects_is_several_devices(store: &dyn Store) {
    for project in ["p", "q"] {
        create_project(store, project).await;
    }
    let keys = import_new(store, vec![new_device("p", "same"), new_device("q", "same")]).await;
    let id = device_id("same");
    let found = async |project: Option<&str>| {
        let project = project.map(project_id);
        let found = store.device(&engine(), project.as_ref(), &id).await.unwrap();
        found.into_iter().map(|found| found.device.key).collect::<Vec<_>>()
    };
    assert_eq!(found(None).await, keys);
    assert_eq!(found(Some("p")).await, keys[..1]);
    assert_eq!(found(Some("q")).await, keys[1..]);
    assert_eq!(found(Some("none")).await, []);
}

pub(crate) async fn a_client_sees_its_own_devices_alone(store: &dyn Store) {
    let own = create_project(store, "own").await;
    create_project(store, "other").await;
    let mine = import_new(store, vec![new_device("own", "same")]).await;
    import_new(store, vec![new_device("other", "same"), new_device("other", "else")]).await;
    let client = Principal::client(own, "AK");

    let found = store.device(&client, None, &device_id("same")).await.unwrap();
    assert_eq!(found.iter().map(|f| f.device.key).collect::<Vec<_>>(), mine);
    let other = project_id("other");
    assert!(store.device(&client, Some(&other), &device_id("same")).await.unwrap().is_empty());
    assert!(store.device(&client, None, &device_id("else")).await.unwrap().is_empty());

    let page = Page { after: DeviceKey(0), limit: 10 };
    let listed = store.devices(&client, &DeviceFilter::default(), page).await.unwrap();
    assert_eq!(listed.iter().map(|f| f.device.key).collect::<Vec<_>>(), mine);
    let filter = DeviceFilter { project: Some(other.clone()), ..DeviceFilter::default() };
    assert!(store.devices(&client, &filter, page).await.unwrap().is_empty());

    let ids = vec![device_id("same")];
    assert_eq!(store.accept_targets(&client, &other, ids.clone()).await.unwrap(), [None]);
    let targets = store.accept_targets(&client, &project_id("own"), ids).await.unwrap();
    assert_eq!(targets[0].as_ref().unwrap().device, mine[0]);
}

pub(crate) async fn accept_targets_stand_in_the_order_asked(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    create_project(store, "q").await;
    import_new(store, vec![new_device("q", "foreign")]).await;
    let ids = ["phone-2", "none", "phone-0", "foreign", "phone-2"].map(device_id).to_vec();
    let targets = store.accept_targets(&engine(), &project_id("p"), ids).await.unwrap();
    let found: Vec<_> = targets.iter().map(|t| t.as_ref().map(|t| t.device)).collect();
    assert_eq!(found, [Some(keys[2]), None, Some(keys[0]), None, Some(keys[2])]);
    let target = targets[0].as_ref().unwrap();
    assert_eq!(target.project, project);
    assert_eq!((target.profile.as_str(), target.server.as_str()), ("simulated", "server-1"));
    let ids = vec![device_id("phone-0")];
    let none = store.accept_targets(&engine(), &project_id("none"), ids).await.unwrap();
    assert_eq!(none, [None]);
}

pub(crate) async fn records_are_given_by_key_once_each(store: &dyn Store) {
    let (_, keys) = fleet(store, 3).await;
    let asked = [keys[2], DeviceKey(999), keys[0], keys[2]];
    let records = store.records(&asked).await.unwrap();
    assert_eq!(records.iter().map(|d| d.key).collect::<Vec<_>>(), [keys[0], keys[2]]);
    assert_eq!(records[0], device(store, keys[0]).await.device);
    assert_eq!(records[0].id, device_id("phone-0"));
    assert_eq!((records[0].created_at, records[0].updated_at), (AT, AT));
}

pub(crate) async fn devices_are_found_by_marker_and_by_address(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let other = create_project(store, "other").await;
    let mut moved = new_device("p", "phone-1");
    moved.record.address = "10.0.0.9:5555".to_owned();
    write_as(store, &engine(), import(vec![moved])).await.unwrap();
    import_new(store, vec![new_device("other", "foreign")]).await;

    let found = store.device_by_marker("marker of phone-1").await.unwrap().unwrap();
    assert_eq!(found, device(store, keys[1]).await.device);
    assert_eq!(store.device_by_marker("marker of nobody").await.unwrap(), None);

    let at = async |principal: &Principal, addresses: &[&str]| {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        let found = store.devices_at(principal, &project_id("p"), addresses).await.unwrap();
        found.into_iter().map(|device| device.key).collect::<Vec<_>>()
    };
    assert_eq!(at(&engine(), &["127.0.0.1:5555"]).await, [keys[0]]);
    let both = ["10.0.0.9:5555", "none:1", "127.0.0.1:5555", "10.0.0.9:5555"];
    assert_eq!(at(&engine(), &both).await, [keys[1], keys[0]]);
    assert_eq!(at(&Principal::client(project, "AK"), &both).await, [keys[1], keys[0]]);
    assert_eq!(at(&Principal::client(other, "AK"), &both).await, []);
}

pub(crate) async fn a_device_at_another_address_is_a_copy_of_none(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.copy = Some(keys[1]);
    settled(store, result).await.unwrap();
    let mut same = new_device("p", "phone-0");
    same.record.name = "renamed".to_owned();
    write_as(store, &engine(), import(vec![same.clone()])).await.unwrap();
    assert_eq!(device(store, keys[0]).await.state.copy, Some(keys[1]), "it is where it was");

    same.record.address = "10.0.0.9:5555".to_owned();
    write_as(store, &engine(), import(vec![same])).await.unwrap();
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.copy, state.adopted), (None, false));
    let with_work = store.devices_with_work(DeviceKey(0), 10).await.unwrap();
    assert!(!state.has_work() && with_work.iter().all(|seed| seed.device != keys[0]));
}

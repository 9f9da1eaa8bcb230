//! What is on record from before a rule was made: the rule is not the store's, which takes it and
//! gives it back.

use std::collections::BTreeMap;

use fleet::rollout::Source;
use fleet::{DeviceKey, Kind, PresetName, Selector};

use super::fixture::*;
use crate::write::{DeleteDevice, DeletePreset, SetPreset};
use crate::{DeviceFilter, Page, Store, Write};

pub(crate) async fn ids_that_no_address_can_hold_are_read_and_deleted(store: &dyn Store) {
    let project = create_project(store, "p").await;
    let keys = import_new(store, ["x", ".", ".."].map(|id| new_device("p", id)).to_vec()).await;
    let job = accept_one(store, project, 1, keys[1], &[("a", "1")]).await.job;

    // A list is whole with them.
    let page = Page { after: DeviceKey(0), limit: 99 };
    let listed = store.devices(&engine(), &DeviceFilter::default(), page).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|listed| listed.device.id.as_str()).collect();
    assert_eq!(ids, ["x", ".", ".."]);
    let all = Selector { kind: Some(Kind::Phone), ..Selector::default() };
    let selected =
        store.select_keys(&engine(), Some(&project_id("p")), &all, DeviceKey(0), 99).await;
    assert_eq!(selected.unwrap().devices.len(), 3);
    let found = store.device(&engine(), Some(&project_id("p")), &device_id(".")).await.unwrap();
    assert_eq!(found[0].device.key, keys[1]);
    let found = store.job(&engine(), job).await.unwrap().unwrap();
    assert_eq!(found.device_id, device_id("."));
    // So is what names them in JSON.
    let source = Source::Selector(Selector { ids: vec![device_id("..")], ..all });
    let text = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<Source>(&text).unwrap(), source);

    for (id, key) in [(".", keys[1]), ("..", keys[2])] {
        assert_eq!(delete_device(store, id).await, key);
    }
    let found = store.job(&engine(), job).await.unwrap().unwrap();
    assert_eq!(found.device_id, device_id("."), "its job is kept under its id");
}

pub(crate) async fn a_project_and_a_preset_of_such_a_name_are_too(store: &dyn Store) {
    create_project(store, ".").await;
    import_new(store, vec![new_device(".", "x")]).await;
    let (project, name) = (project_id("."), PresetName::new("..").unwrap());
    let set = SetPreset {
        project: project.clone(),
        name: name.clone(),
        kind: Kind::Phone,
        description: String::new(),
        values: BTreeMap::new(),
        expected: None,
        at: AT,
    };
    write_as(store, &engine(), Write::SetPreset(Box::new(set))).await.unwrap();
    assert_eq!(store.projects(&engine()).await.unwrap()[0].id, project);
    assert_eq!(store.preset(&engine(), &project, &name).await.unwrap().unwrap().name, name);
    let found = store.device(&engine(), None, &device_id("x")).await.unwrap();
    assert_eq!(found[0].device.project_id, project);

    let delete = DeletePreset { project: project.clone(), name, expected: None };
    write_as(store, &engine(), Write::DeletePreset(delete)).await.unwrap();
    let delete = DeleteDevice { project: project.clone(), id: device_id("x"), at: LATER };
    write_as(store, &engine(), Write::DeleteDevice(delete)).await.unwrap();
    write_as(store, &engine(), Write::DeleteProject(project)).await.unwrap();
    assert!(store.projects(&engine()).await.unwrap().is_empty());
}

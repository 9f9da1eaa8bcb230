//! Devices that are deleted.

use fleet::{
    DeviceKey, End, Facts, Failure, Principal, Push, PushOutcome, ReportedChannel, Revision,
};

use super::fixture::*;
use crate::write::{CameraPatch, ChangeTags, DeviceChange, NotePush, NoteSurvey, RecordChannels};
use crate::{DeviceFilter, Page, PhoneFilter, Refused, Store, Tag, Tagged, Write, Written};

/// The project's devices of both kinds, by key.
async fn listed(store: &dyn Store) -> Vec<DeviceKey> {
    let page = Page { after: DeviceKey(0), limit: 99 };
    let found = store.devices(&engine(), &DeviceFilter::default(), page).await.unwrap();
    found.into_iter().map(|found| found.device.key).collect()
}

/// Everything that a device can have, of a phone and of a GB device.
async fn furnish(store: &dyn Store, key: DeviceKey, id: &str) {
    let put = vec![Tag { key: "k".to_owned(), value: "v".to_owned() }];
    let tagged = Tagged::Device(device_id(id));
    let tags = ChangeTags { project: project_id("p"), tagged, put, take: Vec::new() };
    write_as(store, &engine(), Write::ChangeTags(tags)).await.unwrap();
    let mut result = settle(key, fence(store, key).await, 0);
    result.facts = Some(Facts(values(&[(Facts::MODEL, "M")])));
    settled(store, result).await.unwrap();
}

/// A catalog of two channels.
fn catalog(device: DeviceKey) -> Write {
    let channels = [1, 2].map(|n| (channel_id(n), ReportedChannel::default())).to_vec();
    Write::RecordChannels(RecordChannels { device, channels, complete: true, at: AT })
}

pub(crate) async fn a_device_is_gone_with_all_that_was_its_own(store: &dyn Store) {
    let (_, phones) = fleet(store, 2).await;
    let id = camera_id(0);
    let cameras =
        import_new(store, vec![new_camera("p", &id), new_camera("p", &camera_id(1))]).await;
    furnish(store, phones[0], "phone-0").await;
    furnish(store, cameras[0], &id).await;
    write_as(store, &engine(), catalog(cameras[0])).await.unwrap();
    bind(store, vec![binding(cameras[0]), binding(cameras[1])]).await;

    let stranger = Principal::client(create_project(store, "q").await, "AK");
    for (principal, id) in [(&stranger, "phone-0"), (&engine(), "none")] {
        assert_eq!(write_as(store, principal, delete(id)).await, Err(Refused::NoSuchDevice));
    }
    assert_eq!(delete_device(store, "phone-0").await, phones[0]);
    assert_eq!(delete_device(store, &id).await, cameras[0]);
    for id in ["phone-0", &id] {
        assert_eq!(write_as(store, &engine(), delete(id)).await, Err(Refused::NoSuchDevice));
        assert!(store.device(&engine(), None, &device_id(id)).await.unwrap().is_empty());
        let tagged = Tagged::Device(device_id(id));
        assert_eq!(store.tags(&engine(), &project_id("p"), &tagged).await.unwrap(), None);
        let targets = vec![device_id(id)];
        let targets = store.accept_targets(&engine(), &project_id("p"), targets).await.unwrap();
        assert_eq!(targets, [None]);
    }
    assert_eq!(listed(store).await, [phones[1], cameras[1]]);
    let filter = PhoneFilter::default();
    let found = store.phones(&engine(), &project_id("p"), &filter, 0, 9).await.unwrap();
    assert_eq!((found.items.len(), found.total), (1, 1));
    for key in [phones[0], cameras[0]] {
        assert_eq!(store.work(key).await.unwrap(), None);
        assert_eq!(store.camera(key).await.unwrap(), None);
        assert!(store.records(&[key]).await.unwrap().is_empty());
        assert!(store.channels(&engine(), key, "", 9).await.unwrap().is_empty());
    }
    assert_eq!(registrant(store, &id).await, None);
    let bound = store.bindings(DeviceKey(0), 9).await.unwrap();
    assert_eq!(bound.iter().map(|found| found.binding.device).collect::<Vec<_>>(), [cameras[1]]);
    assert!(store.makes(&engine(), &project_id("p")).await.unwrap().is_empty());
    let seeds = store.devices_with_work(DeviceKey(0), 9).await.unwrap();
    assert_eq!(seeds.iter().map(|seed| seed.device).collect::<Vec<_>>(), [phones[1]]);
}

pub(crate) async fn jobs_of_a_deleted_device_end_and_stay(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    let done = accept_one(store, project, 1, keys[0], &[("Name", "x")]).await.job;
    settle_all(store, keys[0]).await;
    let before = store.job(&engine(), done).await.unwrap().unwrap();
    let open = [2, 3].map(|number| (number, [("Name", "y")]));
    for (number, patch) in &open {
        accept_one(store, project, *number, keys[0], patch).await;
    }
    let other = accept_one(store, project, 4, keys[1], &[("Name", "x")]).await.job;
    delete_device(store, &camera_id(0)).await;

    let client = Principal::client(project, "AK");
    let found = store.jobs(&client, &[1, 2, 3, 4].map(request), 0, 99).await.unwrap();
    let ids: Vec<_> = found.iter().map(|found| found.device_id.to_string()).collect();
    assert_eq!(ids, [0, 0, 0, 1].map(camera_id));
    assert_eq!(found[0].job, before.job, "it had ended");
    for found in &found[1..3] {
        let end = found.job.end.as_ref().unwrap();
        assert_eq!(end.end, End::Failed { failure: Failure::Deleted });
        assert_eq!((end.at, end.superseded_by), (LATER, None));
        assert_eq!(found.job.patch, values(&[("Name", "y")]));
        assert_eq!((found.server.as_str(), &found.trouble), ("", &None));
        assert_eq!(found.project_id, project_id("p"));
        assert_eq!(store.job(&client, found.job.id).await.unwrap().as_ref(), Some(found));
    }
    assert_eq!((found[3].job.id, &found[3].job.end), (other, &None));
    let stranger = Principal::client(create_project(store, "q").await, "AK");
    assert_eq!(store.job(&stranger, done).await.unwrap(), None);
}

pub(crate) async fn a_deleted_device_comes_again_under_another_key(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let id = camera_id(0);
    let job = accept_one(store, project, 1, keys[0], &[("Name", "x")]).await.job;
    write_as(store, &engine(), catalog(keys[0])).await.unwrap();
    let blank = device(store, keys[0]).await.device;
    delete_device(store, &id).await;
    // It was the newest: its key is not the next one's all the same.
    let again = import_new(store, vec![new_camera("p", &id)]).await[0];
    assert!(again.0 > keys[0].0);
    let found = device(store, again).await;
    assert_eq!((found.state.revision, found.state.open_jobs.len()), (Revision(0), 0));
    assert_eq!(found.device, fleet::Device { key: again, ..blank });
    assert_eq!(found.camera.unwrap().channels, 0);
    let old = store.job(&engine(), job).await.unwrap().unwrap();
    assert_eq!((old.job.device, old.device_id), (keys[0], device_id(&id)));
    // Now a project and kind of its own may have the id.
    delete_device(store, &id).await;
    create_project(store, "q").await;
    import_new(store, vec![new_device("p", &id), new_camera("q", &id)]).await;
}

pub(crate) async fn a_frozen_device_is_deleted_by_operators_alone(store: &dyn Store) {
    let (project, _) = cameras(store, 1).await;
    let id = camera_id(0);
    changed(store, &id, DeviceChange::Frozen(true)).await;
    let client = Principal::client(project, "AK");
    assert_eq!(write_as(store, &client, delete(&id)).await, Err(Refused::Frozen));
    assert_eq!(listed(store).await.len(), 1);
    let done = write_as(store, &Principal::admin(), delete(&id)).await;
    assert!(matches!(done, Ok(Written::Deleted(_))), "{done:?}");
}

pub(crate) async fn what_was_begun_on_a_deleted_device_is_of_no_account(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let key = keys[0];
    accept_one(store, project, 1, key, &[("Name", "x")]).await;
    let fence = fence(store, key).await;
    delete_device(store, &camera_id(0)).await;

    assert_eq!(settled(store, settle(key, fence, 1)).await, Err(Refused::NoSuchDevice));
    let push = Push { revision: Revision(1), at: AT, outcome: PushOutcome::Sent };
    for write in [
        Write::NotePush(NotePush { fence, device: key, push }),
        Write::NoteSurvey(NoteSurvey { device: key, at: AT, facts: None }),
        catalog(key),
    ] {
        assert_eq!(write_as(store, &engine(), write).await, Err(Refused::NoSuchDevice));
    }
    // A registration that was on its way is written, and nobody's.
    bind(store, vec![binding(key)]).await;
    assert!(store.bindings(DeviceKey(0), 9).await.unwrap().is_empty());
    let patch = CameraPatch { record: on_record(&[("Desc", "x")]), ..CameraPatch::default() };
    let refused = patched(store, project, 2, key, (&[], patch)).await;
    assert_eq!(refused, Err(fleet::Refusal::DeviceUnknown));
    let again = import_new(store, vec![new_camera("p", &camera_id(0))]).await[0];
    assert_eq!(camera_state(store, again).await.binding, None);
    let deleted = write_as(store, &engine(), delete(&camera_id(0))).await;
    assert_eq!(deleted, Ok(Written::Deleted(again)));
}

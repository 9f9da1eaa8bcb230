//! Taking jobs back.

use fleet::{
    Condition, DeviceKey, End, Failure, JobId, Operation, PowerStep, Principal, ProjectKey,
    Revision,
};

use super::before::{before, was};
use super::fixture::*;
use crate::write::{CameraPatch, Cancel, RecordChannels};
use crate::{Change, Store, Write, Written};

/// Takes jobs back, and gives those that ended and their devices.
async fn cancelled(
    store: &dyn Store,
    principal: &Principal,
    project: ProjectKey,
    jobs: &[JobId],
) -> (Vec<JobId>, Vec<DeviceKey>) {
    let cancel = Cancel { project, jobs: jobs.to_vec(), by: "anna".to_owned(), at: LATER };
    match write_as(store, principal, Write::Cancel(cancel)).await {
        Ok(Written::Cancelled { ended, devices }) => (ended, devices),
        other => panic!("not cancelled: {other:?}"),
    }
}

/// What is desired of a device, with its revisions.
async fn desired(store: &dyn Store, key: DeviceKey) -> Vec<(String, String, i64)> {
    let found = device(store, key).await.state.desired.0.into_iter();
    found.map(|(name, desired)| (name, desired.value, desired.revision.0)).collect()
}

/// The same as it is expected.
fn stands(values: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    values.iter().map(|(name, value, at)| ((*name).to_owned(), (*value).to_owned(), *at)).collect()
}

pub(crate) async fn a_job_taken_back_leaves_what_was_before(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let first = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    settle_all(store, keys[0]).await;
    let second = accept_one(store, project, 2, keys[0], &[("a", "2"), ("b", "1")]).await.job;
    let other = accept_one(store, project, 3, keys[1], &[("a", "2")]).await.job;
    let none = request(9).job(0).unwrap();

    let stranger = create_project(store, "other").await;
    let client = Principal::client(stranger, "AK");
    assert_eq!(cancelled(store, &client, project, &[second]).await, (vec![], vec![]));
    assert_eq!(cancelled(store, &client, stranger, &[second]).await, (vec![], vec![]));

    let asked = [other, none, first, second];
    let (mut ended, devices) = cancelled(store, &engine(), project, &asked).await;
    ended.sort_unstable();
    assert_eq!((ended, devices), (vec![second, other], keys.clone()));
    assert_eq!(desired(store, keys[0]).await, stands(&[("a", "1", 3)]));
    assert_eq!(desired(store, keys[1]).await, stands(&[]));
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.revision, state.settled), (Revision(3), Revision(1)));
    assert!(state.open_jobs.is_empty());
    let work = store.devices_with_work(DeviceKey(0), 10).await.unwrap();
    assert_eq!(work.iter().map(|seed| seed.device).collect::<Vec<_>>(), keys);
    let end = store.job(&engine(), second).await.unwrap().unwrap().job.end.unwrap();
    let failure = Failure::Cancelled { by: "anna".to_owned() };
    assert_eq!((end.end, end.at), (End::Failed { failure }, LATER));
    let end = store.job(&engine(), first).await.unwrap().unwrap().job.end.unwrap();
    assert_eq!(end.end, SUCCEEDED);
    assert_eq!(cancelled(store, &engine(), project, &asked).await, (vec![], vec![]));
}

pub(crate) async fn of_two_jobs_the_later_one_stands(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let device = keys[0];
    accept_one(store, project, 1, device, &[("a", "1")]).await;
    settle_all(store, device).await;
    let second = accept_one(store, project, 2, device, &[("a", "2"), ("b", "2")]).await.job;
    let third = accept_one(store, project, 3, device, &[("a", "3")]).await.job;

    assert_eq!(cancelled(store, &engine(), project, &[second]).await.0, [second]);
    assert_eq!(desired(store, device).await, stands(&[("a", "3", 3)]));
    assert_eq!(before(store, third).await, [was("a", Some("1"), None)], "nobody wants the 2");
    assert_eq!(cancelled(store, &engine(), project, &[third]).await.0, [third]);
    assert_eq!(desired(store, device).await, stands(&[("a", "1", 5)]));

    let fourth = accept_one(store, project, 4, device, &[("a", "4")]).await.job;
    let fifth = accept_one(store, project, 5, device, &[("a", "5")]).await.job;
    let both = cancelled(store, &engine(), project, &[fifth, fourth]).await.0;
    assert_eq!(both, [fourth, fifth]);
    assert_eq!(desired(store, device).await, stands(&[("a", "1", 8)]));

    // The later one alone: the earlier one's value stands again.
    let sixth = accept_one(store, project, 6, device, &[("a", "6")]).await.job;
    let seventh = accept_one(store, project, 7, device, &[("a", "7")]).await.job;
    assert_eq!(cancelled(store, &engine(), project, &[seventh]).await.0, [seventh]);
    assert_eq!(desired(store, device).await, stands(&[("a", "6", 11)]));
    assert_eq!(super::fixture::device(store, device).await.state.open_jobs, [sixth]);
    assert_eq!(cancelled(store, &engine(), project, &[sixth]).await.0, [sixth]);
    assert_eq!(desired(store, device).await, stands(&[("a", "1", 12)]));
}

pub(crate) async fn a_restart_that_has_begun_is_not_taken_back(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let restart = async |number, patch| {
        let mut call = accept(project, request(number), &[(keys[0], patch)]);
        call.entries[0].operation = Operation::Restart;
        accepted_as(store, &engine(), call).await.remove(0).unwrap().job
    };
    let first = restart(1, &[]).await;
    let mut result = settle(keys[0], fence(store, keys[0]).await, 0);
    result.power = Some(PowerStep {
        operation: Operation::Restart,
        through: Revision(1),
        from_boot: None,
        blind: false,
        was: Condition::Running,
        begun_at: AT,
        told: 0,
        told_at: AT,
        heard: false,
        back: false,
    });
    settled(store, result).await.unwrap();
    let second = restart(2, &[("a", "1")]).await;
    let (ended, devices) = cancelled(store, &engine(), project, &[first, second]).await;
    assert_eq!((ended, devices), (vec![second], keys.clone()));
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.open_jobs, state.revision), (vec![first], Revision(3)));
    assert!(state.desired.0.is_empty() && state.power.is_some());
}

pub(crate) async fn our_names_go_back_with_a_cancelled_job(store: &dyn Store) {
    let (project, cameras) = cameras(store, 1).await;
    let (camera, channel) = (cameras[0], channel_id(0));
    let property = format!("Channel.{channel}.Name");
    let catalog = RecordChannels {
        device: camera,
        channels: vec![(channel.clone(), fleet::ReportedChannel::default())],
        complete: true,
        at: AT,
    };
    write_as(store, &engine(), Write::RecordChannels(catalog)).await.unwrap();
    let names = async || {
        let channels = store.channels(&engine(), camera, "", 10).await.unwrap();
        (device(store, camera).await.device.name, channels[0].name.clone())
    };
    let name = async |number, text: &str| {
        let named = CameraPatch {
            name: Some(text.to_owned()),
            channels: vec![(channel.clone(), text.to_owned(), property.clone())],
            ..CameraPatch::default()
        };
        let patch: &[(&str, &str)] = &[("Name", text), (&property, text)];
        patched(store, project, number, camera, (patch, named)).await.unwrap().job
    };
    let at_first = names().await;
    assert_eq!(at_first.1, None);
    let both = |text: &str| (text.to_owned(), Some(text.to_owned()));

    let first = name(1, "one").await;
    assert_eq!(names().await, both("one"));
    cancelled(store, &engine(), project, &[first]).await;
    assert_eq!(names().await, at_first);
    assert_eq!(device(store, camera).await.device.updated_at, LATER);

    // The later of two goes back to the earlier one's, or to what was before both.
    let second = name(2, "two").await;
    let third = name(3, "three").await;
    cancelled(store, &engine(), project, &[third]).await;
    assert_eq!(names().await, both("two"));
    let fourth = name(4, "four").await;
    cancelled(store, &engine(), project, &[second]).await;
    assert_eq!(names().await, both("four"), "the later one stands");
    cancelled(store, &engine(), project, &[fourth]).await;
    assert_eq!(names().await, at_first);
}

pub(crate) async fn a_name_that_no_device_got_goes_back_too(store: &dyn Store) {
    let (project, cameras) = cameras(store, 1).await;
    let (camera, channel) = (cameras[0], channel_id(0));
    let property = format!("Channel.{channel}.Name");
    let catalog = RecordChannels {
        device: camera,
        channels: vec![(channel.clone(), fleet::ReportedChannel::default())],
        complete: true,
        at: AT,
    };
    write_as(store, &engine(), Write::RecordChannels(catalog)).await.unwrap();
    let names = async || {
        let channels = store.channels(&engine(), camera, "", 10).await.unwrap();
        (device(store, camera).await.device.name, channels[0].name.clone())
    };
    // What the devices get, and what goes on record.
    let name = async |number, value: &str, ours: &str| {
        let named = CameraPatch {
            name: Some(ours.to_owned()),
            channels: vec![(channel.clone(), ours.to_owned(), property.clone())],
            ..CameraPatch::default()
        };
        let patch: &[(&str, &str)] = &[("Name", value), (&property, value)];
        patched(store, project, number, camera, (patch, named)).await.unwrap().job
    };
    let both = |text: &str| (text.to_owned(), Some(text.to_owned()));
    name(1, "x", "x").await;

    let reverting = name(2, "cam", "东门").await;
    assert_eq!(names().await, both("东门"));
    let given = before(store, reverting).await.into_iter().map(|(_, before)| before.given);
    assert_eq!(given.collect::<Vec<_>>(), vec![Some("东门".to_owned()); 2]);
    cancelled(store, &engine(), project, &[reverting]).await;
    assert_eq!(names().await, both("x"));

    // It stands again once a later one is taken back, and goes back then.
    let reverting = name(3, "cam", "东门").await;
    let later = name(4, "y", "y").await;
    cancelled(store, &engine(), project, &[later]).await;
    assert_eq!(names().await, both("东门"));
    cancelled(store, &engine(), project, &[reverting]).await;
    assert_eq!(names().await, both("x"));

    // What somebody has called it since stays, even if that is what the devices were to get.
    let reverting = name(5, "cam", "东门").await;
    let called = |name: &str| CameraPatch { name: Some(name.to_owned()), ..CameraPatch::default() };
    patched(store, project, 6, camera, (&[], called("cam"))).await.unwrap();
    cancelled(store, &engine(), project, &[reverting]).await;
    assert_eq!(names().await, ("cam".to_owned(), Some("x".to_owned())));
}

pub(crate) async fn what_is_taken_back_is_told(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let job = accept_one(store, project, 1, keys[0], &[("a", "1")]).await.job;
    super::feed::told(store, 3).await;
    cancelled(store, &engine(), project, &[job]).await;
    let commits = super::feed::told(store, 4).await;
    assert_eq!(commits[3].changes, [Change::Cancelled { ended: vec![job], devices: keys }]);
    cancelled(store, &engine(), project, &[job]).await;
    let page = store.changes(commits[3].position, 10).await.unwrap();
    assert!(page.commits.is_empty(), "nothing was");
}

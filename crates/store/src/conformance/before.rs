//! What was before a job.

use std::collections::BTreeMap;

use fleet::{Before, JobId, Reported};

use super::fixture::*;
use crate::write::{CameraPatch, RecordChannels};
use crate::{Store, Write};

/// What there was before a job, by property: what was desired and what was shown.
pub(crate) async fn before(store: &dyn Store, job: JobId) -> Vec<(String, Before)> {
    let found = store.job(&engine(), job).await.unwrap().unwrap();
    found.job.before.into_iter().collect()
}

/// One property of it.
pub(crate) fn was(name: &str, desired: Option<&str>, shown: Option<&str>) -> (String, Before) {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let before = Before { desired: text(desired), shown: text(shown), ..Before::default() };
    (name.to_owned(), before)
}

/// Records that a device has shown these values.
pub(crate) async fn show(store: &dyn Store, key: fleet::DeviceKey, shown: &[(&str, Option<&str>)]) {
    let shown: BTreeMap<String, Option<String>> =
        shown.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect();
    let mut reported = Reported::default();
    reported.record(&shown, AT);
    let mut result = settle(key, fence(store, key).await, 0);
    result.reported = Some(reported);
    settled(store, result).await.unwrap();
}

pub(crate) async fn a_job_tells_what_was_desired_and_shown(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let first = accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    assert_eq!(before(store, first.job).await, [was("a", None, None)]);
    show(store, keys[0], &[("a", Some("0")), ("b", Some("汉 \" \\")), ("c", None)]).await;

    let patch: &[(&str, &str)] = &[("a", "2"), ("b", "3"), ("c", "4")];
    let entries = [(keys[0], patch), (keys[1], patch), (keys[0], &[("a", "5")][..])];
    let results = accepted_as(store, &engine(), accept(project, request(2), &entries)).await;
    let job = |index: usize| results[index].as_ref().unwrap().job;
    let expected =
        [was("a", Some("1"), Some("0")), was("b", None, Some("汉 \" \\")), was("c", None, None)];
    assert_eq!(before(store, job(0)).await, expected);
    let expected = [was("a", None, None), was("b", None, None), was("c", None, None)];
    assert_eq!(before(store, job(1)).await, expected, "another device");
    let expected = [was("a", Some("2"), Some("0"))];
    assert_eq!(before(store, job(2)).await, expected, "the same one again in the same call");

    let empty = accept_one(store, project, 3, keys[0], &[]).await;
    assert!(before(store, empty.job).await.is_empty());
}

pub(crate) async fn a_job_tells_what_was_on_record_and_no_password(store: &dyn Store) {
    let (project, cameras) = cameras(store, 1).await;
    let channel = channel_id(0);
    let property = format!("Channel.{channel}.Desc");
    let catalog = RecordChannels {
        device: cameras[0],
        channels: vec![(channel.clone(), fleet::ReportedChannel::default())],
        complete: true,
        at: AT,
    };
    write_as(store, &engine(), Write::RecordChannels(catalog)).await.unwrap();
    let mut jobs = Vec::new();
    for (number, text, path) in [(1, "one", "a"), (2, "two", "b/c")] {
        let mut record = on_record(&[("Desc", text)]);
        record.organization = Some(join(path, &format!("o{number}")));
        let channel_records =
            vec![(channel.clone(), on_record(&[("Desc", text)]), property.clone())];
        let camera = CameraPatch { record, channel_records, ..CameraPatch::default() };
        let mut call = accept(project, request(number), &[(cameras[0], &[("Name", text)])]);
        call.entries[0].record = values(&[
            ("Desc", text),
            ("Organization", path),
            (property.as_str(), text),
            ("Password", fleet::job::PASSWORD_CHANGED),
        ]);
        call.entries[0].camera = Some(camera);
        jobs.push(accepted_as(store, &engine(), call).await.remove(0).unwrap().job);
    }
    let expected = [
        was(&property, None, None),
        was("Desc", None, None),
        was("Name", None, None),
        was("Organization", None, None),
    ];
    assert_eq!(before(store, jobs[0]).await, expected);
    let expected = [
        was(&property, Some("one"), None),
        was("Desc", Some("one"), None),
        was("Name", Some("one"), None),
        was("Organization", Some("a"), None),
    ];
    assert_eq!(before(store, jobs[1]).await, expected);
}

pub(crate) async fn a_job_tells_the_names_that_were_on_record(store: &dyn Store) {
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
    let name = device(store, camera).await.device.name;
    let mut jobs = Vec::new();
    for (number, text) in [(1, "one"), (2, "two")] {
        let named = CameraPatch {
            name: Some(text.to_owned()),
            channels: vec![(channel.clone(), text.to_owned(), property.clone())],
            ..CameraPatch::default()
        };
        let patch: &[(&str, &str)] = &[("Name", text), (&property, text)];
        jobs.push(patched(store, project, number, camera, (patch, named)).await.unwrap().job);
    }
    let named = |(property, before): (String, Before), name: &str| {
        (property, Before { name: Some(name.to_owned()), ..before })
    };
    let expected = [named(was(&property, None, None), ""), named(was("Name", None, None), &name)];
    assert_eq!(before(store, jobs[0]).await, expected);
    let of_one = |property| named(was(property, Some("one"), None), "one");
    assert_eq!(before(store, jobs[1]).await, [of_one(&property), of_one("Name")]);
}

pub(crate) async fn a_reset_that_clears_tells_all_that_was_desired(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    accept_one(store, project, 1, keys[0], &[("a", "1"), ("b", "1")]).await;
    let mut call = accept(project, request(2), &[(keys[0], &[("b", "2")]), (keys[0], &[])]);
    for (entry, clear) in call.entries.iter_mut().zip([false, true]) {
        (entry.operation, entry.clear) = (fleet::Operation::Reset, clear);
    }
    let results = accepted_as(store, &engine(), call).await;
    let job = |index: usize| results[index].as_ref().unwrap().job;
    assert_eq!(before(store, job(0)).await, [was("b", Some("1"), None)]);
    let all = [was("a", Some("1"), None), was("b", Some("2"), None)];
    assert_eq!(before(store, job(1)).await, all, "it has no values of its own");
    let found = store.job(&engine(), job(1)).await.unwrap().unwrap().job;
    assert_eq!(found.forgotten().count(), 0, "it is not over");
    settle_all(store, keys[0]).await;
    let found = store.job(&engine(), job(1)).await.unwrap().unwrap().job;
    assert_eq!(found.forgotten().collect::<Vec<_>>(), ["a", "b"]);
}

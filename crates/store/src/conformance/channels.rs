//! Channels of GB devices: what catalogs say of them, and our names for them.

use fleet::limits::CHANNELS_PER_DEVICE_MAX;
use fleet::{Channel, DeviceKey, NewChannel, Refusal, ReportedChannel, Revision, Values};

use super::fixture::*;
use crate::write::{Accept, CameraPatch, ImportedDevice, RecordChannels};
use crate::{Refused, Store, Write, Written};

/// What a catalog says of a channel.
fn shown(name: &str) -> ReportedChannel {
    ReportedChannel { name: name.to_owned(), status: "ON".to_owned(), ..Default::default() }
}

/// A catalog that names these channels, each as `shown`.
async fn catalog(store: &dyn Store, device: DeviceKey, numbers: &[usize], complete: bool) {
    let channels = numbers.iter().map(|n| (channel_id(*n), shown(&format!("C{n}")))).collect();
    let record = RecordChannels { device, channels, complete, at: LATER };
    let written = write_as(store, &engine(), Write::RecordChannels(record)).await;
    assert_eq!(written, Ok(Written::Done));
}

async fn channels(store: &dyn Store, device: DeviceKey) -> Vec<Channel> {
    let found = store.channels(&engine(), device, "", u32::MAX).await.unwrap();
    let camera = super::fixture::device(store, device).await.camera.unwrap();
    assert_eq!(found.len(), camera.channels as usize);
    found
}

/// The channels as their numbers, and how often each was missed.
async fn missed(store: &dyn Store, device: DeviceKey) -> Vec<(usize, u32)> {
    let number = |channel: &Channel| channel.id.as_str()[13..].parse().unwrap();
    channels(store, device).await.iter().map(|c| (number(c), c.missed)).collect()
}

/// The GB device with our names for channels.
fn with_channels(id: &str, names: &[(usize, &str)]) -> ImportedDevice {
    let mut camera = new_camera("p", id);
    let channel = |(number, name): &(usize, &str)| NewChannel {
        id: channel_id(*number),
        name: (*name).to_owned(),
    };
    camera.record.camera.as_mut().unwrap().channels = names.iter().map(channel).collect();
    camera
}

/// An update that names a device and its channels.
fn names(mut call: Accept, name: Option<&str>, channels: &[(usize, &str)]) -> Accept {
    let channel = |(number, name): &(usize, &str)| {
        let id = channel_id(*number);
        let property = format!("Channel.{id}.Name");
        (id, (*name).to_owned(), property)
    };
    let channels = channels.iter().map(channel).collect();
    let name = name.map(str::to_owned);
    call.entries[0].camera = Some(CameraPatch { name, channels, ..CameraPatch::default() });
    call
}

pub(crate) async fn a_catalog_changes_what_is_reported_and_not_our_name(store: &dyn Store) {
    create_project(store, "p").await;
    let ours = with_channels(&camera_id(0), &[(2, "后门")]);
    let keys = import_new(store, vec![ours, new_camera("p", &camera_id(1))]).await;
    catalog(store, keys[0], &[3, 2, 1], true).await;
    // The same ids at another device are other channels.
    catalog(store, keys[1], &[1], true).await;
    let found = channels(store, keys[0]).await;
    let expected = |number: usize, name: Option<&str>| Channel {
        device: keys[0],
        id: channel_id(number),
        name: name.map(str::to_owned),
        reported: Some(shown(&format!("C{number}"))),
        seen_at: Some(LATER),
        missed: 0,
        record: Values::new(),
        organization: None,
    };
    assert_eq!(found, [expected(1, None), expected(2, Some("后门")), expected(3, None)]);

    // Of two entries with one id the later one counts.
    let full = ReportedChannel {
        name: "改名 \"x\"".to_owned(),
        manufacturer: "Dahua".to_owned(),
        model: "M".to_owned(),
        status: "OFF".to_owned(),
        parent: camera_id(0),
        civil_code: "340200".to_owned(),
        address: "North".to_owned(),
    };
    let told = vec![(channel_id(2), shown("not this")), (channel_id(2), full.clone())];
    let record = RecordChannels { device: keys[0], channels: told, complete: false, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
    let found = channels(store, keys[0]).await;
    let second = Channel { reported: Some(full), seen_at: Some(AT), ..expected(2, Some("后门")) };
    assert_eq!(found, [expected(1, None), second, expected(3, None)]);
    assert_eq!(channels(store, keys[1]).await.len(), 1);
}

pub(crate) async fn a_channel_missed_twice_is_forgotten_unless_it_has_our_name(store: &dyn Store) {
    create_project(store, "p").await;
    let key = import_new(store, vec![with_channels(&camera_id(0), &[(4, "ours")])]).await[0];
    catalog(store, key, &[1, 2, 3, 4], true).await;
    catalog(store, key, &[1], false).await;
    assert_eq!(missed(store, key).await, [(1, 0), (2, 0), (3, 0), (4, 0)], "not the whole catalog");
    catalog(store, key, &[1], true).await;
    assert_eq!(missed(store, key).await, [(1, 0), (2, 1), (3, 1), (4, 1)]);
    // One that is named again has not been missed, in whatever catalog.
    catalog(store, key, &[2], false).await;
    assert_eq!(missed(store, key).await, [(1, 0), (2, 0), (3, 1), (4, 1)]);
    catalog(store, key, &[1], true).await;
    assert_eq!(missed(store, key).await, [(1, 0), (2, 1), (4, 2)]);
    // A recorder that is starting names none.
    catalog(store, key, &[], true).await;
    assert_eq!(missed(store, key).await, [(1, 0), (2, 1), (4, 2)]);
    catalog(store, key, &[5], true).await;
    catalog(store, key, &[5], true).await;
    assert_eq!(missed(store, key).await, [(4, 4), (5, 0)]);
    catalog(store, key, &[4], true).await;
    assert_eq!(missed(store, key).await, [(4, 0), (5, 1)]);
}

pub(crate) async fn a_device_has_so_many_channels_and_no_more(store: &dyn Store) {
    let (_, keys) = cameras(store, 1).await;
    let all: Vec<usize> = (0..CHANNELS_PER_DEVICE_MAX + 5).collect();
    catalog(store, keys[0], &all, true).await;
    let found = missed(store, keys[0]).await;
    assert_eq!(found.len(), CHANNELS_PER_DEVICE_MAX);
    assert_eq!(found.last(), Some(&(CHANNELS_PER_DEVICE_MAX - 1, 0)), "the first by id are kept");

    let over = with_channels(&camera_id(0), &[(0, "there already"), (20_000, "one too many")]);
    let mut renamed = over.clone();
    renamed.record.name = "renamed".to_owned();
    let refused = write_as(store, &engine(), import(vec![renamed])).await;
    assert_eq!(refused, Err(Refused::TooManyChannels(device_id(&camera_id(0)))));
    assert_eq!(channels(store, keys[0]).await[0].name, None, "nothing of it");
    assert_ne!(device(store, keys[0]).await.device.name, "renamed");

    // Those that are gone make room in the same catalog.
    let kept: Vec<usize> = (10..CHANNELS_PER_DEVICE_MAX).collect();
    catalog(store, keys[0], &kept, true).await;
    let new: Vec<usize> = kept.iter().copied().chain(20_000..20_020).collect();
    catalog(store, keys[0], &new, true).await;
    let found = missed(store, keys[0]).await;
    assert_eq!(found.len(), CHANNELS_PER_DEVICE_MAX);
    assert_eq!((found[0], found.last().unwrap()), ((10, 0), &(20_009, 0)));
}

pub(crate) async fn an_import_names_channels_and_pushes_nothing(store: &dyn Store) {
    create_project(store, "p").await;
    let id = camera_id(0);
    let key = import_new(store, vec![with_channels(&id, &[(1, "one"), (2, "two")])]).await[0];
    let found = channels(store, key).await;
    let blank = Channel {
        device: key,
        id: channel_id(1),
        name: Some("one".to_owned()),
        reported: None,
        seen_at: None,
        missed: 0,
        record: Values::new(),
        organization: None,
    };
    assert_eq!(found[0], blank);
    catalog(store, key, &[1], false).await;
    let again = with_channels(&id, &[(2, "zwei"), (3, "drei")]);
    write_as(store, &engine(), import(vec![again])).await.unwrap();
    let found = channels(store, key).await;
    let names: Vec<_> = found.iter().map(|channel| channel.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["one", "zwei", "drei"], "one that it leaves out keeps its name");
    assert_eq!(found[0].reported, Some(shown("C1")));
    let state = device(store, key).await.state;
    assert_eq!((state.revision, state.has_work()), (Revision(0), false));
}

pub(crate) async fn an_update_names_a_device_and_its_channels_at_once(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    catalog(store, keys[0], &[1, 2, 3], true).await;
    catalog(store, keys[1], &[4], true).await;
    let update = async |number: u64, name: Option<&str>, channels: &[(usize, &str)]| {
        let patch: &[(&str, &str)] = &[("Name", "x")];
        let call = accept(project, request(number), &[(keys[0], patch), (keys[1], patch)]);
        accepted_as(store, &engine(), names(call, name, channels)).await
    };
    let results = update(1, Some("门口"), &[(2, "左"), (3, "右")]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let named = async || {
        let names = channels(store, keys[0]).await.into_iter().map(|channel| channel.name);
        let device = device(store, keys[0]).await;
        (device.device.name, names.collect::<Vec<_>>(), device.state.revision.0)
    };
    let both = [None, Some("左".to_owned()), Some("右".to_owned())];
    assert_eq!(named().await, ("门口".to_owned(), both.to_vec(), 1));
    assert_eq!(device(store, keys[0]).await.device.updated_at, AT);

    // A channel that it does not have, though another has: the entry is refused alone and whole.
    let results = update(2, Some("other"), &[(1, "other"), (4, "other")]).await;
    let property = format!("Channel.{}.Name", channel_id(4));
    assert!(
        matches!(&results[0], Err(Refusal::PropertyUnsupported { name, .. }) if *name == property),
        "{results:?}"
    );
    assert_eq!(results[1].as_ref().unwrap().revision, Revision(2));
    assert_eq!(named().await, ("门口".to_owned(), both.to_vec(), 1));
    assert_eq!(store.job(&engine(), request(2).job(0).unwrap()).await.unwrap(), None);

    // What is not named stays.
    update(3, None, &[(1, "前")]).await.remove(0).unwrap();
    let all = [Some("前".to_owned()), both[1].clone(), both[2].clone()];
    assert_eq!(named().await, ("门口".to_owned(), all.to_vec(), 2));
}

pub(crate) async fn channels_are_paged_by_id(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    let phone = import_new(store, vec![new_device("p", "phone")]).await[0];
    catalog(store, keys[0], &[1, 2, 3, 4, 5], true).await;
    catalog(store, keys[1], &[2], true).await;
    let page = async |device: DeviceKey, after: &str, limit: u32| {
        let found = store.channels(&engine(), device, after, limit).await.unwrap();
        found.into_iter().map(|channel| channel.id).collect::<Vec<_>>()
    };
    let ids = |numbers: &[usize]| numbers.iter().map(|n| channel_id(*n)).collect::<Vec<_>>();
    assert_eq!(page(keys[0], "", 2).await, ids(&[1, 2]));
    assert_eq!(page(keys[0], channel_id(2).as_str(), 2).await, ids(&[3, 4]));
    assert_eq!(page(keys[0], channel_id(5).as_str(), 2).await, []);
    assert_eq!(page(keys[1], "", 9).await, ids(&[2]));
    for none in [phone, DeviceKey(999)] {
        assert_eq!(page(none, "", 9).await, []);
    }
    for key in [phone, DeviceKey(999)] {
        let record = RecordChannels {
            device: key,
            channels: vec![(channel_id(1), shown("C"))],
            complete: true,
            at: AT,
        };
        let refused = write_as(store, &engine(), Write::RecordChannels(record)).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice));
    }
}

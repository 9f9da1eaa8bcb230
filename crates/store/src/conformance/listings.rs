//! GB devices and channels as answers show them, and ids that are free.

use fleet::{
    Binding, DeviceId, DeviceKey, Kind, Principal, ProjectKey, RecordPatch, ReportedChannel,
};

use super::fixture::*;
use crate::write::{CameraPatch, CredentialsPatch, ImportDevices, RecordChannels};
use crate::{CameraListing, Refused, SealedRegistrant, Store, Write, Written};

/// A GB device of which nothing was ever said.
fn blank(device: DeviceKey, number: usize) -> CameraListing {
    let id = camera_id(number);
    CameraListing {
        name: format!("name of {id}"),
        registrant: SealedRegistrant {
            device,
            id: device_id(&id),
            project_id: project_id("p"),
            user: None,
            sealed_password: None,
            old: None,
        },
        record: fleet::Values::new(),
        organization: None,
        binding: None,
        channels: 0,
    }
}

/// These channels, as its catalog names them.
async fn catalog(store: &dyn Store, device: DeviceKey, numbers: &[usize]) {
    let channels = numbers.iter().map(|n| (channel_id(*n), ReportedChannel::default())).collect();
    let record = RecordChannels { device, channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
}

/// The project `p` with two phones among three GB devices, of which the second has all there is.
async fn furnished(store: &dyn Store) -> (ProjectKey, Vec<CameraListing>) {
    let project = create_project(store, "p").await;
    let devices = vec![
        new_camera("p", &camera_id(2)),
        new_device("p", "phone-0"),
        new_camera("p", &camera_id(0)),
        new_device("p", &camera_id(9)),
        new_camera("p", &camera_id(1)),
    ];
    let keys = import_new(store, devices).await;
    let mut listed = vec![blank(keys[0], 2), blank(keys[2], 0), blank(keys[4], 1)];
    for (number, password) in [(1, "first"), (2, "second")] {
        let user = Some("user".to_owned());
        let password = Some(sealed(password));
        let credentials = CredentialsPatch { user, password, overlap_until: Some(LATER) };
        let mut record = on_record(&[("Desc", "x")]);
        record.organization = Some(join("a/b", "o"));
        let patch = CameraPatch {
            name: Some("门口".to_owned()),
            record,
            credentials: Some(credentials),
            ..CameraPatch::default()
        };
        patched(store, project, number, keys[2], (&[], patch)).await.unwrap();
    }
    catalog(store, keys[2], &[1, 2]).await;
    let bound = Binding { old_credentials: true, ..binding(keys[2]) };
    bind(store, vec![bound.clone()]).await;
    listed[1] = CameraListing {
        name: "门口".to_owned(),
        registrant: SealedRegistrant {
            user: Some("user".to_owned()),
            sealed_password: Some(b"sealed second".to_vec()),
            old: Some(crate::OldCredentials {
                user: Some("user".to_owned()),
                sealed_password: b"sealed first".to_vec(),
                until: LATER,
            }),
            ..listed[1].registrant.clone()
        },
        record: values(&[("Desc", "x")]),
        organization: Some(fleet::Organization {
            created_at: LATER,
            updated_at: LATER,
            ..organization("o", "a/b")
        }),
        binding: Some(bound),
        channels: 2,
    };
    (project, listed)
}

pub(crate) async fn cameras_are_paged_oldest_first_and_counted(store: &dyn Store) {
    let (own, listed) = furnished(store).await;
    let other = create_project(store, "q").await;
    import_new(store, vec![new_camera("q", &camera_id(5))]).await;
    let client = Principal::client(own, "AK");
    for offset in 0..5 {
        for limit in 0..5 {
            let found = store.cameras(&client, &project_id("p"), offset, limit).await.unwrap();
            let page = listed.iter().skip(offset as usize).take(limit as usize).cloned();
            assert_eq!((found.items, found.total), (page.collect(), 3), "{offset}, {limit}");
        }
    }
    let stranger = Principal::client(other, "AK");
    let found = store.cameras(&stranger, &project_id("p"), 0, 9).await.unwrap();
    assert_eq!((found.items, found.total), (Vec::new(), 0));
    let found = store.cameras(&engine(), &project_id("none"), 0, 9).await.unwrap();
    assert_eq!(found.total, 0);
}

pub(crate) async fn cameras_are_found_by_id_in_the_order_asked(store: &dyn Store) {
    let (own, listed) = furnished(store).await;
    let other = create_project(store, "q").await;
    let elsewhere = import_new(store, vec![new_camera("q", &camera_id(5))]).await[0];
    let asked = || -> Vec<DeviceId> {
        let ids = [camera_id(1), camera_id(5), "phone-0".to_owned(), camera_id(0), camera_id(9)];
        let ids = ids.into_iter().chain([camera_id(2), camera_id(1), "none".to_owned()]);
        ids.map(|id| device_id(&id)).collect()
    };
    let client = Principal::client(own, "AK");
    let found = store.cameras_named(&client, &project_id("p"), asked()).await.unwrap();
    let [first, second, third] = &listed[..] else { panic!("{listed:?}") };
    let expected = [
        Some(third.clone()),
        None,
        None,
        Some(second.clone()),
        None,
        Some(first.clone()),
        Some(third.clone()),
        None,
    ];
    assert_eq!(found, expected);
    let stranger = Principal::client(other, "AK");
    let found = store.cameras_named(&stranger, &project_id("p"), asked()).await.unwrap();
    assert_eq!(found, vec![None; 8]);
    let found = store.cameras_named(&stranger, &project_id("q"), asked()).await.unwrap();
    assert_eq!(found[1].as_ref().unwrap().registrant.device, elsewhere);
    assert_eq!(found.iter().flatten().count(), 1);
    let none = store.cameras_named(&engine(), &project_id("p"), Vec::new()).await.unwrap();
    assert!(none.is_empty());
}

pub(crate) async fn a_channel_is_found_where_one_device_has_it(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    let other = create_project(store, "q").await;
    let elsewhere = import_new(store, vec![new_camera("q", &camera_id(5))]).await[0];
    catalog(store, keys[0], &[1, 2]).await;
    catalog(store, keys[1], &[2, 3]).await;
    // One of another project makes no difference.
    catalog(store, elsewhere, &[1, 4]).await;
    let mut filed = on_record(&[("Desc", "x")]);
    filed.organization = Some(join("a", "o"));
    let named = vec![(channel_id(3), "后门".to_owned(), String::new())];
    let channel_records: Vec<(DeviceId, RecordPatch, String)> =
        vec![(channel_id(3), filed, String::new())];
    let patch = CameraPatch { channels: named, channel_records, ..CameraPatch::default() };
    patched(store, project, 1, keys[1], (&[], patch)).await.unwrap();

    let asked = || [3, 2, 1, 4, 9, 3].map(channel_id).to_vec();
    let found = store.channels_named(&engine(), &project_id("p"), asked()).await.unwrap();
    let of_first = store.channels(&engine(), keys[0], "", 9).await.unwrap();
    let of_second = store.channels(&engine(), keys[1], "", 9).await.unwrap();
    let third = of_second[1].clone();
    let (both, first) = (Some(third.clone()), Some(of_first[0].clone()));
    assert_eq!(found, [both.clone(), None, first, None, None, both]);
    assert_eq!((third.name.as_deref(), third.record), (Some("后门"), values(&[("Desc", "x")])));
    assert_eq!(third.organization.unwrap().path.to_string(), "a");

    let stranger = Principal::client(other, "AK");
    let found = store.channels_named(&stranger, &project_id("p"), asked()).await.unwrap();
    assert_eq!(found, vec![None; 6]);
    let found = store.channels_named(&stranger, &project_id("q"), asked()).await.unwrap();
    let theirs: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(theirs, [false, false, true, true, false, false]);
}

pub(crate) async fn an_id_of_a_channel_names_its_device(store: &dyn Store) {
    let (own, keys) = cameras(store, 2).await;
    let other = create_project(store, "q").await;
    // A device's own id comes first, whatever has it as a channel.
    let phone = import_new(store, vec![new_device("p", channel_id(4).as_str())]).await[0];
    catalog(store, keys[0], &[1, 2, 4]).await;
    catalog(store, keys[1], &[2, 3]).await;
    let asked = || {
        let ids = [3, 2, 1, 4, 9].map(channel_id);
        ids.into_iter().chain([device_id(&camera_id(0)), device_id("none")]).collect::<Vec<_>>()
    };
    let client = Principal::client(own, "AK");
    let found = store.accept_targets(&client, &project_id("p"), asked()).await.unwrap();
    let seen = found.iter().map(|target| {
        let target = target.as_ref()?;
        assert_eq!((target.project, target.password_overlap_seconds), (own, 0));
        Some((target.device, target.kind, target.channel.clone()))
    });
    let expected = [
        Some((keys[1], Kind::Camera, Some(channel_id(3)))),
        None,
        Some((keys[0], Kind::Camera, Some(channel_id(1)))),
        Some((phone, Kind::Phone, None)),
        None,
        Some((keys[0], Kind::Camera, None)),
        None,
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    for (principal, project) in [(Principal::client(other, "AK"), "p"), (engine(), "q")] {
        let found = store.accept_targets(&principal, &project_id(project), asked()).await.unwrap();
        assert_eq!(found, vec![None; 7]);
    }
}

/// The prefix of ids of which there are a thousand.
const PREFIX: &str = "34020000001320000";

/// One of them.
fn free(number: u32) -> String {
    format!("{PREFIX}{number:03}")
}

async fn free_ids(store: &dyn Store, prefix: &str, count: u32) -> Vec<String> {
    let found = store.free_camera_ids(prefix, count).await.unwrap();
    found.into_iter().map(|id| id.to_string()).collect()
}

/// GB devices of these ids.
async fn taken(store: &dyn Store, project: &str, numbers: &[u32]) -> Vec<DeviceKey> {
    import_new(store, numbers.iter().map(|n| new_camera(project, &free(*n))).collect()).await
}

pub(crate) async fn free_ids_follow_the_highest_that_is_taken(store: &dyn Store) {
    create_project(store, "p").await;
    create_project(store, "q").await;
    assert_eq!(free_ids(store, PREFIX, 3).await, [0, 1, 2].map(free));
    assert_eq!(free_ids(store, PREFIX, 0).await, [] as [&str; 0]);
    let keys = taken(store, "p", &[0, 4]).await;
    taken(store, "q", &[7]).await;
    // Of other prefixes, and of other forms: longer, and not of digits.
    let others = ["34020000001320001999", "340200000013200005000", "3402000000132000099x"];
    import_new(store, others.map(|id| new_camera("p", id)).to_vec()).await;
    import_new(store, vec![new_device("p", &free(900))]).await;
    assert_eq!(free_ids(store, PREFIX, 2).await, [8, 9].map(free));
    let channels = vec![(device_id(&free(11)), ReportedChannel::default())];
    let record = RecordChannels { device: keys[0], channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
    assert_eq!(free_ids(store, PREFIX, 2).await, [12, 13].map(free));
    for no_prefix in ["3402000000132000x", "340200000013200000000", "-1"] {
        assert_eq!(free_ids(store, no_prefix, 3).await, [] as [&str; 0], "{no_prefix}");
    }
    assert_eq!(free_ids(store, &free(12), 3).await, [free(12)], "a whole id");
    assert_eq!(free_ids(store, &free(11), 3).await, [] as [&str; 0]);
}

pub(crate) async fn free_ids_fill_the_gaps_when_there_are_none_above(store: &dyn Store) {
    create_project(store, "p").await;
    taken(store, "p", &[0, 2, 3, 997]).await;
    assert_eq!(free_ids(store, PREFIX, 2).await, [998, 999].map(free));
    assert_eq!(free_ids(store, PREFIX, 5).await, [998, 999, 1, 4, 5].map(free));
    taken(store, "p", &[999]).await;
    assert_eq!(free_ids(store, PREFIX, 2).await, [1, 4].map(free));
    let all = free_ids(store, PREFIX, 2_000).await;
    assert_eq!((all.len(), all.last()), (995, Some(&free(998))));
    let rest: Vec<_> = all.iter().map(|id| new_camera("p", id)).collect();
    import_new(store, rest).await;
    assert_eq!(free_ids(store, PREFIX, 1).await, [] as [&str; 0]);
}

pub(crate) async fn only_new_devices_are_made(store: &dyn Store) {
    create_project(store, "p").await;
    let only_new = |ids: &[&str]| {
        let devices = ids.iter().map(|id| new_camera("p", id)).collect();
        Write::ImportDevices(ImportDevices { devices, only_new: true, at: AT })
    };
    let made = match write_as(store, &engine(), only_new(&[&free(1), &free(2)])).await {
        Ok(Written::Imported { keys, new: 2 }) => keys,
        other => panic!("not made: {other:?}"),
    };
    import_new(store, vec![new_device("p", "phone")]).await;
    let before = device(store, made[0]).await;
    for (ids, taken) in [
        ([free(3), free(1)], free(1)),
        ([free(3), "phone".to_owned()], "phone".to_owned()),
        ([free(3), free(3)], free(3)),
    ] {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let refused = write_as(store, &engine(), only_new(&ids)).await;
        assert!(matches!(&refused, Err(Refused::Exists { id, .. }) if *id == taken), "{refused:?}");
        assert_eq!(registrant(store, &free(3)).await, None, "all or none");
    }
    assert_eq!(device(store, made[0]).await, before);
}

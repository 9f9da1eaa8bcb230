//! What goes on record of GB devices and channels, ours alone: it holds with the commit.

use fleet::limits::OPEN_JOBS_PER_DEVICE_MAX;
use fleet::{
    Channel, DeviceKey, End, NewCamera, OrganizationChange, Proof, RecordPatch, Refusal,
    ReportedChannel, Revision,
};

use super::fixture::*;
use crate::write::{CameraPatch, ImportedDevice, RecordChannels};
use crate::{Refused, Store, Write};

/// An update that puts this on record of the device.
fn of_device(record: RecordPatch) -> CameraPatch {
    CameraPatch { record, ..CameraPatch::default() }
}

/// An update that puts this on record of a channel.
fn of_channel(number: usize, record: RecordPatch) -> CameraPatch {
    let id = channel_id(number);
    let property = format!("Channel.{id}.Desc");
    let channel_records = vec![(id, record, property)];
    CameraPatch { channel_records, ..CameraPatch::default() }
}

/// A whole catalog.
async fn catalog(store: &dyn Store, device: DeviceKey, numbers: &[usize]) {
    let channels = numbers.iter().map(|n| (channel_id(*n), ReportedChannel::default())).collect();
    let record = RecordChannels { device, channels, complete: true, at: AT };
    write_as(store, &engine(), Write::RecordChannels(record)).await.unwrap();
}

async fn channel(store: &dyn Store, device: DeviceKey, number: usize) -> Option<Channel> {
    let found = store.channels(&engine(), device, "", 99).await.unwrap();
    found.into_iter().find(|channel| channel.id == channel_id(number))
}

pub(crate) async fn what_goes_on_record_stays_until_it_is_taken_off(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    catalog(store, keys[0], &[1, 2]).await;
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Pairs<'_>, Pairs<'_>); 5] = [
        (&[("Desc", "门口 \"1\""), ("Port", "5060")], &[("Desc", "门口 \"1\""), ("Port", "5060")]),
        (&[("Ip", "192.0.2.1"), ("Desc", "")], &[("Ip", "192.0.2.1"), ("Port", "5060")]),
        (&[("Desc", ""), ("Transport", "")], &[("Ip", "192.0.2.1"), ("Port", "5060")]),
        (&[("Ip", "192.0.2.2")], &[("Ip", "192.0.2.2"), ("Port", "5060")]),
        (&[("Ip", ""), ("Port", "")], &[]),
    ];
    for (number, (patch, expected)) in (1..).zip(cases) {
        let camera = CameraPatch { record: on_record(patch), ..of_channel(2, on_record(patch)) };
        let before = device(store, keys[0]).await.state;
        patched(store, project, number, keys[0], (&[], camera)).await.unwrap();
        let after = device(store, keys[0]).await;
        assert_eq!(after.camera.unwrap().record, values(expected));
        assert_eq!(channel(store, keys[0], 2).await.unwrap().record, values(expected));
        assert_eq!((after.state.desired, after.state.reported), (before.desired, before.reported));
    }
    assert_eq!(device(store, keys[0]).await.device.updated_at, LATER);
    assert!(channel(store, keys[0], 1).await.unwrap().record.is_empty());
    assert!(camera_state(store, keys[1]).await.record.is_empty());
    assert_eq!(device(store, keys[1]).await.device.updated_at, AT);
}

pub(crate) async fn an_update_of_records_alone_has_ended(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let mut call = accept(project, request(1), &[(keys[0], &[])]);
    call.entries[0].camera = Some(of_device(on_record(&[("Desc", "x")])));
    call.entries[0].record = values(&[("Desc", "x"), ("Pwd", "changed")]);
    let entry = accepted_as(store, &engine(), call).await.remove(0).unwrap();
    assert_eq!((entry.revision, entry.stored, entry.ended), (Revision(1), false, true));
    let job = store.job(&engine(), entry.job).await.unwrap().unwrap().job;
    let end = job.end.unwrap();
    assert_eq!(end.end, End::Succeeded { proof: Proof::Recorded });
    assert_eq!((end.at, end.superseded_by), (AT, None));
    assert_eq!(job.record, values(&[("Desc", "x"), ("Pwd", "changed")]));
    assert!(job.patch.is_empty());
    let state = device(store, keys[0]).await.state;
    assert_eq!((state.revision, state.settled), (Revision(1), Revision(1)));
    assert!(state.open_jobs.is_empty() && !state.has_work());
    assert!(store.devices_with_work(DeviceKey(0), 9).await.unwrap().is_empty());

    // What is on record already is a job like another.
    let again = of_device(on_record(&[("Desc", "x")]));
    let entry = patched(store, project, 2, keys[0], (&[], again)).await.unwrap();
    assert_eq!((entry.revision, entry.ended), (Revision(2), true));
    assert_eq!(device(store, keys[0]).await.device.updated_at, AT, "no change");

    // Nothing at all is waited for as ever.
    let empty = CameraPatch::default();
    let entry = patched(store, project, 3, keys[0], (&[], empty)).await.unwrap();
    assert!(!entry.ended);
    assert_eq!(device(store, keys[0]).await.state.open_jobs, [entry.job]);
}

pub(crate) async fn an_update_with_values_is_open_and_remembers_its_records(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let mut call = accept(project, request(1), &[(keys[0], &[("Name", "门")])]);
    let record = on_record(&[("Desc", "x")]);
    call.entries[0].camera =
        Some(CameraPatch { name: Some("门".to_owned()), ..of_device(record) });
    call.entries[0].record = values(&[("Desc", "x")]);
    let entry = accepted_as(store, &engine(), call).await.remove(0).unwrap();
    assert_eq!((entry.stored, entry.ended), (true, false));
    let work = store.work(keys[0]).await.unwrap().unwrap();
    assert_eq!(work.jobs.len(), 1);
    assert_eq!((&work.jobs[0].record, &work.jobs[0].end), (&values(&[("Desc", "x")]), &None));
    assert_eq!(work.jobs[0].patch, values(&[("Name", "门")]));
    assert_eq!((work.state.settled, work.state.revision), (Revision(0), Revision(1)));
    assert_eq!(camera_state(store, keys[0]).await.record, values(&[("Desc", "x")]));
    let plain = accept_one(store, project, 2, keys[0], &[("Name", "窗")]).await;
    assert!(store.job(&engine(), plain.job).await.unwrap().unwrap().job.record.is_empty());
}

pub(crate) async fn records_settle_with_what_was_settled(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let key = keys[0];
    accept_one(store, project, 1, key, &[("Name", "x")]).await;
    let record = || of_device(on_record(&[("Desc", "x")]));
    let entry = patched(store, project, 2, key, (&[], record())).await.unwrap();
    assert_eq!((entry.revision, entry.ended), (Revision(2), true));
    let state = device(store, key).await.state;
    assert_eq!((state.revision, state.settled), (Revision(2), Revision(0)), "1 is not done");
    assert_eq!(state.open_jobs.len(), 1);
    assert_eq!(store.devices_with_work(DeviceKey(0), 9).await.unwrap().len(), 1);
    settle_all(store, key).await;
    let entry = patched(store, project, 3, key, (&[], record())).await.unwrap();
    let state = device(store, key).await.state;
    assert_eq!((state.revision, state.settled), (entry.revision, Revision(3)));
    assert!(!state.has_work());
    assert_eq!(store.devices_at_rest(DeviceKey(0), 9).await.unwrap().len(), 1);
}

pub(crate) async fn records_need_no_room_among_open_jobs(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    for number in 1..=OPEN_JOBS_PER_DEVICE_MAX as u64 {
        accept_one(store, project, number, keys[0], &[("Name", "x")]).await;
    }
    let full = device(store, keys[0]).await.state.open_jobs;
    let record = of_device(on_record(&[("Desc", "x")]));
    let entry = patched(store, project, 100, keys[0], (&[], record.clone())).await.unwrap();
    assert!(entry.ended);
    let refused = patched(store, project, 101, keys[0], (&[("Name", "y")], record)).await;
    assert!(matches!(refused, Err(Refusal::Busy { .. })), "{refused:?}");
    assert_eq!(device(store, keys[0]).await.state.open_jobs, full);
}

pub(crate) async fn a_channel_on_record_is_not_forgotten(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let key = keys[0];
    catalog(store, key, &[1, 2, 3]).await;
    let described = of_channel(2, on_record(&[("Desc", "x")]));
    patched(store, project, 1, key, (&[], described)).await.unwrap();
    let filed = RecordPatch { organization: Some(join("a/b", "o")), ..RecordPatch::default() };
    patched(store, project, 2, key, (&[], of_channel(3, filed))).await.unwrap();
    for _ in 0..3 {
        catalog(store, key, &[9]).await;
    }
    assert_eq!(channel(store, key, 1).await, None);
    let missed = channel(store, key, 2).await.unwrap();
    assert_eq!((missed.missed, missed.record), (3, values(&[("Desc", "x")])));
    let filed = channel(store, key, 3).await.unwrap();
    assert_eq!((filed.missed, filed.organization), (3, Some(organization_at_later("o", "a/b"))));
    // Taken off the record, it is gone with the next one.
    let nothing = of_channel(2, on_record(&[("Desc", "")]));
    patched(store, project, 3, key, (&[], nothing)).await.unwrap();
    let detach = Some(OrganizationChange::Detach);
    let nowhere = RecordPatch { organization: detach, ..RecordPatch::default() };
    patched(store, project, 4, key, (&[], of_channel(3, nowhere))).await.unwrap();
    catalog(store, key, &[9]).await;
    assert_eq!((channel(store, key, 2).await, channel(store, key, 3).await), (None, None));
}

/// The organization of this id with this path, made at [`LATER`].
fn organization_at_later(id: &str, path: &str) -> fleet::Organization {
    fleet::Organization { created_at: LATER, updated_at: LATER, ..organization(id, path) }
}

pub(crate) async fn records_of_no_channel_are_refused_whole(store: &dyn Store) {
    let (project, keys) = cameras(store, 2).await;
    catalog(store, keys[0], &[1]).await;
    catalog(store, keys[1], &[2]).await;
    let mut camera = of_channel(2, on_record(&[("Desc", "x")]));
    camera.name = Some("renamed".to_owned());
    camera.record = on_record(&[("Desc", "x")]);
    camera.record.organization = Some(join("a", "o"));
    let before = device(store, keys[0]).await;
    let refused = patched(store, project, 1, keys[0], (&[], camera)).await.unwrap_err();
    let property = format!("Channel.{}.Desc", channel_id(2));
    assert!(
        matches!(&refused, Refusal::PropertyUnsupported { name, .. } if *name == property),
        "{refused:?}"
    );
    assert_eq!(device(store, keys[0]).await, before);
    assert!(channel(store, keys[1], 2).await.unwrap().record.is_empty());
    assert_eq!(store.job(&engine(), request(1).job(0).unwrap()).await.unwrap(), None);
    let organizations = store.organizations(&engine(), &project_id("p"), None, 0, 9).await.unwrap();
    assert_eq!(organizations.total, 0);
}

pub(crate) async fn an_import_puts_on_record(store: &dyn Store) {
    create_project(store, "p").await;
    let new = |id: usize, record: RecordPatch| -> ImportedDevice {
        let mut camera = new_camera("p", &camera_id(id));
        camera.record.camera = Some(NewCamera { record, ..NewCamera::default() });
        camera
    };
    let mut record = on_record(&[("Desc", "x"), ("Port", "5060"), ("Ip", "")]);
    record.organization = Some(join("a/b", "o-1"));
    let both = vec![new(0, record.clone()), new(1, record)];
    let keys = import_new(store, both).await;
    for key in &keys {
        let state = camera_state(store, *key).await;
        assert_eq!(state.record, values(&[("Desc", "x"), ("Port", "5060")]));
        assert_eq!(state.organization, Some(organization("o-1", "a/b")), "one for both");
    }
    write_as(store, &engine(), import(vec![new(0, on_record(&[("Desc", "y"), ("Port", "")]))]))
        .await
        .unwrap();
    let state = camera_state(store, keys[0]).await;
    assert_eq!((state.record, state.organization.is_some()), (values(&[("Desc", "y")]), true));
    write_as(store, &engine(), import(vec![new(0, RecordPatch::default())])).await.unwrap();
    assert_eq!(camera_state(store, keys[0]).await.record, values(&[("Desc", "y")]));

    let expecting = |path: &str, id: &str| {
        let mut change = join(path, "o-2");
        if let OrganizationChange::Join { expected, .. } = &mut change {
            *expected = Some(fleet::OrganizationId::new(id).unwrap());
        }
        RecordPatch { organization: Some(change), ..RecordPatch::default() }
    };
    for (number, path, refused) in [
        (
            2,
            "a/b",
            Refused::OrganizationExists {
                id: organization("o-1", "a/b").id,
                path: organization("o-1", "a/b").path,
            },
        ),
        (3, "c", Refused::NoSuchOrganization(organization("o-9", "c").id)),
    ] {
        let both = vec![new(9, on_record(&[])), new(number, expecting(path, "o-9"))];
        assert_eq!(write_as(store, &engine(), import(both)).await, Err(refused));
        assert_eq!(registrant(store, &camera_id(9)).await, None, "all or none");
    }
    let known = import_new(store, vec![new(4, expecting("a/b", "o-1"))]).await[0];
    assert_eq!(camera_state(store, known).await.organization, Some(organization("o-1", "a/b")));
}

//! The bounds: the deadline of a read, the low-water mark of the disk, the length of the log.

use std::fs;
use std::time::Duration;

use fleet::RequestId;
use fleet::limits::{ORGANIZATIONS_PER_PROJECT_MAX, WAL_BYTES_MAX};
use rusqlite::Connection;

use super::opened::{Opened, execute};
use crate::conformance::fixture::*;
use crate::sqlite::asking::Asking;
use crate::sqlite::rows::During;
use crate::write::{
    CameraPatch, ChangeTags, DeleteDevice, NotePush, NoteSurvey, OrganizationEdit, RecordChannels,
    SetProject,
};
use crate::{Error, History, Old, Reads, Refused, Writes, Written};

#[tokio::test]
async fn a_read_ends_at_its_deadline_and_the_reader_goes_on() {
    let deadline = Duration::from_secs(1);
    let opened = Opened::with(tempfile::tempdir().unwrap(), |options| {
        options.read_deadline = deadline;
        options.readers = 1;
    });
    let error = opened
        .ask(|connection| {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                 SELECT count(*) FROM n";
            connection.query_row(sql, [], |row| row.get::<_, i64>(0)).during("count for ever")
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ReadDeadline(passed) if passed == deadline), "{error:?}");
    assert_eq!(opened.projects(&engine()).await.unwrap(), []);
}

#[tokio::test]
async fn a_panic_in_a_read_is_an_error_and_the_reader_goes_on() {
    let opened = Opened::with(tempfile::tempdir().unwrap(), |options| options.readers = 1);
    let error = opened.ask(|_| -> Result<(), Error> { panic!("planted") }).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert_eq!(opened.projects(&engine()).await.unwrap(), []);
}

#[tokio::test]
async fn a_reader_can_not_write() {
    let opened = Opened::fresh();
    let delete =
        |connection: &Connection| connection.execute_batch("DELETE FROM shard").during("delete");
    assert!(opened.ask(delete).await.is_err());
    assert_eq!(opened.epochs().await.unwrap().len(), 256);
}

#[tokio::test]
async fn a_low_disk_refuses_what_adds_and_takes_results() {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 1).await;
    let camera = import_new(&*opened, vec![new_camera("p", &camera_id(0))]).await[0];
    let job = accept_one(&*opened, project, 1, keys[0], &[("a", "1")]).await.job;
    write_as(&*opened, &engine(), create_key("A", "p")).await.unwrap();
    write_as(&*opened, &engine(), tags(&["a"], &[])).await.unwrap();
    let opened = Opened::with(opened.drop_store(), |options| {
        options.disk_free_min_bytes = u64::MAX;
    });
    let call = accept(project, request(2), &[(keys[0], &[("a", "2")])]);
    let project = crate::write::CreateProject {
        id: project_id("q"),
        name: String::new(),
        description: String::new(),
        at: AT,
    };
    for write in [
        crate::Write::Accept(call),
        crate::Write::CreateProject(project),
        create_key("B", "p"),
        organize("o", OrganizationEdit::Create("a".parse().unwrap())),
        import(vec![new_device("p", "new")]),
        catalog(camera),
        tags(&["b"], &[]),
    ] {
        let error = opened.write(&engine(), write).await.unwrap_err();
        let Error::DiskLow { free_bytes, needed_bytes } = error else { panic!("{error:?}") };
        assert!(free_bytes > 0 && needed_bytes == u64::MAX);
    }
    let mut result = settle(keys[0], fence(&*opened, keys[0]).await, 1);
    result.ended = vec![ended(job, SUCCEEDED)];
    assert_eq!(settled(&*opened, result).await.unwrap().open_jobs, 0);
    let paused = fleet::ProjectSettings { paused: true, ..Default::default() };
    for write in [
        revoke_key("A", AT),
        tags(&[], &["a"]),
        crate::Write::SetProject(SetProject { id: project_id("p"), settings: paused, at: AT }),
        crate::Write::Bind(own(&*opened).await, vec![binding(camera)]),
        pushed(fence(&*opened, camera).await, camera),
        crate::Write::NoteSurvey(NoteSurvey { device: camera, at: AT, facts: None }),
    ] {
        assert_eq!(write_as(&*opened, &engine(), write).await, Ok(Written::Done));
    }
    changed(&*opened, "phone-0", crate::write::DeviceChange::Frozen(true)).await;
    for (id, key) in [("phone-0", keys[0]), (&*camera_id(0), camera)] {
        let (project, id) = (project_id("p"), device_id(id));
        let delete = crate::Write::DeleteDevice(DeleteDevice { project, id, at: AT });
        assert_eq!(write_as(&*opened, &engine(), delete).await, Ok(Written::Deleted(key)));
    }
    let delete = crate::Write::DeleteProject(project_id("p"));
    assert_eq!(write_as(&*opened, &engine(), delete).await, Ok(Written::Done));
}

/// What the camera says of its one channel.
fn catalog(device: fleet::DeviceKey) -> crate::Write {
    let channels = vec![(channel_id(0), fleet::ReportedChannel::default())];
    crate::Write::RecordChannels(RecordChannels { device, channels, complete: true, at: AT })
}

/// A note of what is sent to the camera.
fn pushed(fence: crate::Fence, device: fleet::DeviceKey) -> crate::Write {
    let push =
        fleet::Push { revision: fleet::Revision(1), at: AT, outcome: fleet::PushOutcome::Sent };
    crate::Write::NotePush(NotePush { fence, device, push })
}

/// Tags put on the phone `phone-0`, and taken from it.
fn tags(put: &[&str], take: &[&str]) -> crate::Write {
    let tag = |key: &&str| crate::Tag { key: (*key).to_owned(), value: String::new() };
    crate::Write::ChangeTags(ChangeTags {
        project: project_id("p"),
        tagged: crate::Tagged::Device(device_id("phone-0")),
        put: put.iter().map(tag).collect(),
        take: take.iter().map(|key| ((*key).to_owned(), None)).collect(),
    })
}

#[tokio::test]
async fn the_log_starts_over_under_load() {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 500).await;
    let log = opened.file().with_extension("db-wal");
    let value = "v".repeat(7_500);
    let patch: &[(&str, &str)] = &[("a", &value)];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    // Each call writes 500 jobs and 500 states of two pages and more: together more than the bound.
    let mut written = 0;
    for number in 1..=60 {
        let call = accept(project, request(number), &entries);
        assert!(accepted_as(&*opened, &engine(), call).await.iter().all(Result::is_ok));
        written += 500 * 2 * 2 * 4096;
        let bytes = fs::metadata(&log).unwrap().len();
        assert!(bytes <= WAL_BYTES_MAX + 32 * 1024 * 1024, "{bytes} bytes after {number} calls");
    }
    let bytes = fs::metadata(&log).unwrap().len();
    assert!(written > WAL_BYTES_MAX * 3 / 2, "the bound was put to the test");
    assert!(bytes < written, "{bytes} of at least {written} bytes: it has started over");
}

#[tokio::test]
async fn a_project_has_so_many_organizations_and_no_more() {
    let opened = Opened::fresh();
    let (project, keys) = cameras(&*opened, 3).await;
    let directory = opened.drop_store();
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
         INSERT INTO organization (project, id, path, created_at, updated_at)
         SELECT (SELECT key FROM project), 'o-' || i, 'path-' || i, 0, 0 FROM n",
        ORGANIZATIONS_PER_PROJECT_MAX - 2
    );
    execute(directory.path(), &sql);
    let opened = Opened::with(directory, |_| {});
    let file = |number, key, paths: [&str; 2]| {
        let of = |path: &str| fleet::RecordPatch {
            organization: Some(join(path, path)),
            ..fleet::RecordPatch::default()
        };
        let channel_records = vec![(channel_id(0), of(paths[1]), String::new())];
        let patch = CameraPatch { record: of(paths[0]), channel_records, ..CameraPatch::default() };
        patched(&*opened, project, number, key, (&[], patch))
    };
    for key in &keys {
        write_as(&*opened, &engine(), catalog(*key)).await.unwrap();
    }
    let create = |path: &str| organize(path, OrganizationEdit::Create(path.parse().unwrap()));
    assert!(write_as(&*opened, &engine(), create("a")).await.is_ok());
    // One more may be made, and not two; none of those that there are is one more.
    let refused = file(1, keys[0], ["b", "c"]).await;
    assert!(matches!(refused, Err(fleet::Refusal::Busy { .. })), "{refused:?}");
    assert!(file(2, keys[0], ["b", "b"]).await.unwrap().ended);
    assert!(file(3, keys[1], ["a", "path-7"]).await.unwrap().ended);
    let refused = file(4, keys[2], ["a", "c"]).await;
    assert!(matches!(refused, Err(fleet::Refusal::Busy { .. })), "{refused:?}");
    let refused = write_as(&*opened, &engine(), create("c")).await;
    assert_eq!(refused, Err(Refused::TooManyOrganizations));
    let filed = |project: &str| {
        let mut camera = new_camera(project, &camera_id(9));
        let organization = Some(join("c", "c"));
        let record = fleet::RecordPatch { organization, ..fleet::RecordPatch::default() };
        camera.record.camera.as_mut().unwrap().record = record;
        import(vec![camera])
    };
    let refused = write_as(&*opened, &engine(), filed("p")).await;
    assert_eq!(refused, Err(Refused::TooManyOrganizations));
    // Another project has room.
    create_project(&*opened, "q").await;
    assert!(write_as(&*opened, &engine(), filed("q")).await.is_ok());
}

#[tokio::test]
async fn the_room_is_told_and_where_nothing_is_old_nothing_is_written() {
    let opened = Opened::fresh();
    begin(&*opened).await;
    let (project, keys) = fleet(&*opened, 1).await;
    accept_one(&*opened, project, 1, keys[0], &[("a", "1")]).await;
    let other = Connection::open(opened.file()).unwrap();
    // Changes with each commit of another connection (sqlite.org/pragma.html#pragma_data_version).
    let version = || other.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
    let before = version().unwrap();
    let (shard, epoch) = opened.epochs().await.unwrap()[0];
    let first = RequestId::from_bytes([0; 16]);
    let old = Old { up_to: request(9), ended_by: LATER, kept: Vec::new() };
    let forget = async || opened.forget_jobs((shard, epoch), &old, first, 10).await.unwrap();
    assert_eq!(forget().await.jobs, 0, "it is open");
    assert!(opened.old_rollouts(&old, first, 10).await.unwrap().is_empty());
    let room = opened.room().await.unwrap().unwrap();
    assert!(room.total_bytes > 0 && room.free_bytes > 0, "{room:?}");
    assert_eq!(version().unwrap(), before);
    settle_all(&*opened, keys[0]).await;
    let before = version().unwrap();
    assert_eq!(forget().await.jobs, 1);
    assert_ne!(version().unwrap(), before);
}

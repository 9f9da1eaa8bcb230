//! A database from before there were records of cameras, opened by this version: nothing of it has
//! changed, what is new is empty, and is used from then on.

use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, options};
use super::upgrade::dump;
use super::upgrade_to_cameras::{tables, version_2};
use crate::Reads;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::sqlite::migrate::MIGRATIONS;
use crate::write::{CameraPatch, CredentialsPatch};

/// What a server of version 3 has left besides what version 2 had: two cameras, of which one has a
/// value in every column.
const DATA: &str = r#"
INSERT INTO device (key, project, kind, id, name, server, address, profile, marker, created_at,
    updated_at) VALUES
    (11, 1, 'camera', '34020000001180000000', 'one', '', '', 'generic', 'm 1', 1, 2),
    (12, 2, 'camera', '34020000001180000001', 'two', '', '', 'generic', 'm 2', 3, 4);
INSERT INTO device_state (device, project, has_work, revision, settled, condition, adopted, since,
    open_jobs, desired, reported) VALUES
    (11, 1, 0, 1, 1, 'awaited', 1, 1, x'', '{}', '{"revision":0,"values":{}}'),
    (12, 2, 0, 0, 0, 'awaited', 1, 3, x'', '{}', '{"revision":0,"values":{}}');
INSERT INTO camera VALUES
    (11, 1, 'user', x'0102', 5,
     '{"revision":1,"at":6,"outcome":"verified"}'), (12, 2, NULL, NULL, NULL, NULL);
INSERT INTO binding VALUES
    (11, 'udp', x'c000020a13c4', 1, 2, 3, 4, 5, '3.0', 6, 'expired'),
    (12, 'tcp', x'c000020a13c4', 1, 2, 3, 4, 5, NULL, NULL, NULL);
INSERT INTO channel VALUES
    (11, '34020000001310000001', 'ours', 1, 7, '{"name":"theirs"}'),
    (11, '34020000001310000002', NULL, 0, NULL, NULL);
"#;

/// The directory of a database that was used by versions 1 to 3.
pub(super) fn version_3() -> TempDir {
    let directory = version_2();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..3]).unwrap());
    execute(directory.path(), DATA);
    directory
}

#[tokio::test]
async fn nothing_that_was_there_has_changed() {
    let opened = Opened::with(version_3(), |_| {});
    let file = opened.file();
    let backup = file.with_file_name("backup-before-0004-20270115T080000Z.db");
    let tables = tables(&Connection::open(&backup).unwrap());
    assert_eq!(tables.len(), 14, "{tables:?}");
    for (table, columns) in tables {
        let before = dump(&backup, &table, &columns);
        assert!(!before.is_empty(), "{table}");
        assert_eq!(dump(&file, &table, &columns), before, "{table}");
    }
    assert_eq!(dump(&backup, "schema_migration", "max(version)"), ["[3]"]);
    let problems = dump(&file, "pragma_foreign_key_check", "1");
    assert!(problems.is_empty(), "{problems:?}");
    for table in ["organization", "deleted_device", "deleted_project"] {
        assert!(dump(&file, table, "key").is_empty(), "{table}");
    }
}

#[tokio::test]
async fn what_was_there_is_read_and_what_is_new_has_its_defaults() {
    let opened = Opened::with(version_3(), |_| {});
    for project in opened.projects(&engine()).await.unwrap() {
        assert_eq!((&*project.description, project.updated_at), ("", project.created_at));
    }
    for (ak, project) in [("AK1", "p"), ("AK2", "q")] {
        let key = opened.access_key(ak).await.unwrap().unwrap();
        assert_eq!((key.project.unwrap().1, key.strict), (project_id(project), false));
    }
    let found = opened.cameras(&engine(), &project_id("p"), 0, 9).await.unwrap();
    assert_eq!((found.items.len(), found.total), (1, 1));
    let listing = &found.items[0];
    assert_eq!((listing.name.as_str(), listing.channels), ("one", 2));
    assert_eq!(listing.registrant.user.as_deref(), Some("user"));
    assert_eq!(listing.registrant.sealed_password.as_deref(), Some(&[1, 2][..]));
    assert_eq!((&listing.registrant.old, &listing.organization), (&None, &None));
    assert!(listing.record.is_empty());
    assert!(!listing.binding.as_ref().unwrap().old_credentials);
    let work = opened.camera(listing.registrant.device).await.unwrap().unwrap();
    assert_eq!((work.push.is_some(), work.credentials_at), (true, None));
    let channels = opened.channels(&engine(), listing.registrant.device, "", 9).await.unwrap();
    assert_eq!((channels[0].name.as_deref(), channels[0].missed), (Some("ours"), 1));
    assert!(channels.iter().all(|c| c.record.is_empty() && c.organization.is_none()));
    let work = opened.work(fleet::DeviceKey(3)).await.unwrap().unwrap();
    assert_eq!((work.jobs.len(), work.jobs[0].record.len()), (1, 0));
}

#[tokio::test]
async fn a_password_without_a_tag_is_the_same_as_none() {
    let opened = Opened::with(version_3(), |_| {});
    let project = opened.project(&engine(), &project_id("p")).await.unwrap().unwrap();
    let key = fleet::DeviceKey(11);
    let credentials = |number| {
        let credentials = CredentialsPatch {
            user: Some("user".to_owned()),
            password: Some(sealed("first")),
            overlap_until: Some(LATER),
        };
        let patch = CameraPatch { credentials: Some(credentials), ..CameraPatch::default() };
        patched(&*opened, project.key, number, key, (&[], patch))
    };
    credentials(1).await.unwrap();
    let before = registrant(&*opened, &camera_id(0)).await.unwrap();
    assert_eq!(before.old.as_ref().unwrap().sealed_password, [1, 2]);
    credentials(2).await.unwrap();
    assert_eq!(registrant(&*opened, &camera_id(0)).await, Some(before), "it has one now");
}

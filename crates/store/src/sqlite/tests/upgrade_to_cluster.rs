//! A database from before there were several nodes, opened by this version: nothing of it has
//! changed, fencing tokens go on from where they were, and who was registered still is.

use fleet::{DeviceKey, Epoch};
use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, options};
use super::upgrade::dump;
use super::upgrade_to_cameras::tables;
use super::upgrade_to_iss::version_3;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::sqlite::migrate::MIGRATIONS;
use crate::{Cluster, FeedPosition, Reads};

/// What a server of version 4 has left besides what version 3 had: a row in every table that it has
/// added, and the shards as its last start took them, one of which is ahead.
const DATA: &str = r#"
INSERT INTO organization VALUES (1, 1, 'o', 'a/b', 1, 2);
INSERT INTO deleted_device VALUES (13, 1, 'gone', 5);
INSERT INTO deleted_project VALUES (3, 'gone');
UPDATE camera SET organization = 1, record = '{"Desc":"x"}' WHERE device = 11;
UPDATE binding SET old_credentials = 1 WHERE device = 12;
INSERT INTO session VALUES (6, 'local', 1000, NULL);
WITH RECURSIVE number (shard) AS (
    SELECT 0 UNION ALL SELECT shard + 1 FROM number WHERE shard < 255
)
INSERT INTO shard SELECT shard, iif(shard = 11, 9, 6), 6 FROM number;
"#;

/// The directory of a database that was used by versions 1 to 4.
fn version_4() -> TempDir {
    let directory = version_3();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..4]).unwrap());
    execute(directory.path(), DATA);
    directory
}

#[tokio::test]
async fn nothing_that_was_there_has_changed() {
    let opened = Opened::with(version_4(), |_| {});
    let file = opened.file();
    let backup = file.with_file_name("backup-before-0005-20270115T080000Z.db");
    let tables = tables(&Connection::open(&backup).unwrap());
    assert_eq!(tables.len(), 17, "{tables:?}");
    for (table, columns) in tables {
        let before = dump(&backup, &table, &columns);
        assert!(!before.is_empty(), "{table}");
        assert_eq!(dump(&file, &table, &columns), before, "{table}");
    }
    assert_eq!(dump(&backup, "schema_migration", "max(version)"), ["[4]"]);
    let problems = dump(&file, "pragma_foreign_key_check", "1");
    assert!(problems.is_empty(), "{problems:?}");
    for table in ["session", "event"] {
        assert!(dump(&file, table, "1").is_empty(), "{table}");
    }
}

#[tokio::test]
async fn fencing_tokens_go_on() {
    let opened = Opened::with(version_4(), |_| {});
    let epoch = |shard: u8, by: i64| Epoch(if shard == 11 { 9 } else { 6 } + by);
    let before = opened.epochs().await.unwrap();
    assert_eq!(before.len(), 256);
    assert!(before.iter().all(|(shard, found)| *found == epoch(shard.0, 0)), "{before:?}");
    let held = begin(&*opened).await.1;
    assert!(held.shards.iter().all(|held| held.epoch == epoch(held.shard.0, 1)), "{held:?}");
}

#[tokio::test]
async fn who_was_registered_is_registered_with_the_one_node() {
    let opened = Opened::with(version_4(), |_| {});
    let before = opened.bindings(DeviceKey(0), 9).await.unwrap();
    assert_eq!(before.iter().map(|found| found.bound_to).collect::<Vec<_>>(), [None]);
    let session = begin(&*opened).await.0;
    let after = opened.bindings(DeviceKey(0), 9).await.unwrap();
    assert_eq!(after[0].bound_to, Some(session));
    assert_eq!(after[0].binding, before[0].binding);
    for key in [11, 12] {
        let work = opened.camera(DeviceKey(key)).await.unwrap().unwrap();
        assert_eq!(work.bound_to, Some(session));
    }
}

#[tokio::test]
async fn the_feed_begins() {
    let opened = Opened::with(version_4(), |_| {});
    assert_eq!(opened.feed_end().await.unwrap(), FeedPosition::default());
    let page = opened.changes(FeedPosition::default(), 9).await.unwrap();
    assert!(page.commits.is_empty() && !page.gap);
    create_project(&*opened, "new").await;
    let page = opened.changes(FeedPosition::default(), 9).await.unwrap();
    assert_eq!((page.commits.len(), page.gap), (1, false));
    let id = opened.store_id().await.unwrap();
    let opened = Opened::with(opened.drop_store(), |_| {});
    assert_eq!(opened.store_id().await.unwrap(), id);
}

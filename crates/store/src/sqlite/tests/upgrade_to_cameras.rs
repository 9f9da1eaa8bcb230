//! A database from before there were cameras, opened by this version: nothing of it has changed,
//! and cameras can be recorded in it.

use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, options};
use super::upgrade::{dump, version_1};
use crate::Reads;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::sqlite::migrate::MIGRATIONS;

/// What a server of version 2 has left besides what version 1 had: a value in every column and a
/// row in every table that it has added.
const DATA: &str = r#"
UPDATE project SET settings = '{"paused":true}' WHERE key = 2;
UPDATE device SET container = 'c-1' WHERE key = 3;
UPDATE device_state SET frozen = 1, copy = 4, adoption = '{"replace_marker":true}',
    restart_pending = '{"x":{"boot":null,"since":1}}' WHERE device = 9;
UPDATE job SET operation = 1 WHERE device = 3 AND revision = 3;
INSERT INTO device_facts VALUES (3, '{"model":"M"}');
INSERT INTO tag VALUES (1, 0, 'a', 'k', 'v');
INSERT INTO user_account VALUES ('anna', 1, '$argon2id$', 1, NULL);
INSERT INTO token VALUES (x'aa', 'anna', 1, 2);
INSERT INTO setting VALUES ('paused', 'true');
"#;

/// The directory of a database that was made by version 1 and used by version 2.
pub(super) fn version_2() -> TempDir {
    let directory = version_1();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..2]).unwrap());
    execute(directory.path(), DATA);
    directory
}

/// The tables of a database and their columns, the record of steps and of starts left out.
pub(super) fn tables(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT t.name, (SELECT group_concat(iif(c.type = 'BLOB', 'hex(' || c.name || ')',
             c.name), ', ') FROM pragma_table_info(t.name) AS c)
         FROM sqlite_schema AS t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'
             AND t.name NOT IN ('schema_migration', 'session', 'shard')";
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn nothing_that_was_there_has_changed() {
    let opened = Opened::with(version_2(), |_| {});
    let file = opened.file();
    let backup = file.with_file_name("backup-before-0003-20270115T080000Z.db");
    let tables = tables(&Connection::open(&backup).unwrap());
    assert_eq!(tables.len(), 11, "{tables:?}");
    for (table, columns) in tables {
        let before = dump(&backup, &table, &columns);
        assert!(!before.is_empty(), "{table}");
        assert_eq!(dump(&file, &table, &columns), before, "{table}");
    }
    assert_eq!(dump(&backup, "schema_migration", "max(version)"), ["[2]"]);
    for table in ["camera", "binding", "channel"] {
        assert!(dump(&file, table, "device").is_empty(), "{table}");
    }
}

#[tokio::test]
async fn cameras_are_recorded_beside_the_phones() {
    let opened = Opened::with(version_2(), |_| {});
    // The id of a phone, in both of its projects.
    let phones = opened.device(&engine(), None, &device_id("a")).await.unwrap();
    assert_eq!(phones.len(), 2);
    assert!(phones.iter().all(|phone| phone.camera.is_none()));
    let key = import_new(&*opened, vec![new_camera("p", &camera_id(0))]).await[0];
    bind(&*opened, vec![binding(key)]).await;
    let opened = Opened::with(opened.drop_store(), |_| {});
    let found = opened.bindings(fleet::DeviceKey(0), 9).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), &found[0].binding), (&*camera_id(0), &binding(key)));
    let asked = vec![device_id("a"), device_id(&camera_id(0))];
    let registrants = opened.registrants(asked).await.unwrap();
    assert_eq!(registrants.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

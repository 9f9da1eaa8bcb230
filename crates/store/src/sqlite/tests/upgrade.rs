//! A database of an earlier version, opened by this one: everything is there afterwards.

use std::path::Path;

use fleet::{
    BootIdentity, Condition, DeviceKey, End, Facts, Operation, ProjectSettings, Proof, Revision,
    Timestamp,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, file, options};
use crate::conformance::fixture::*;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{Sqlite, restore, verify_backup};
use crate::{BackupCounts, Reads, ServerFilter};

/// What a server of version 1 has left: two projects, three devices on two servers, a job that is
/// open and two that have ended.
const DATA: &str = r#"
INSERT INTO project VALUES (1, 'p', 'first', 1000), (2, 'q', 'second', 2000);
INSERT INTO access_key VALUES ('AK1', 1, x'00ff', 1001, NULL), ('AK2', 2, x'01', 1002, 1003);
INSERT INTO device VALUES
    (3, 1, 'phone', 'a', 'name a', 's-1', '10.0.0.1:5555', 'redroid', 'marker a', 4000, 4001),
    (4, 1, 'phone', 'b', 'name b', 's-1', '10.0.0.2:5555', 'redroid', 'marker b', 3000, 4002),
    (9, 2, 'phone', 'a', 'name a', '', '10.0.0.1:5555', 'kbox', 'marker c', 5000, 5001),
    (10, 2, 'phone', 'd', 'name d', 's-1', '10.0.0.4:5555', 'kbox', 'marker d', 6000, 6001);
INSERT INTO device_state VALUES
    (3, 1, 1, 3, 2, 'abnormal', 1, 7000, x'00000000000000000000000000010003', 'gone', 'k/42',
     '{"x":["1",1],"y":["2",3]}', '{"revision":2,"values":{"x":["1",7001]}}'),
    (4, 1, 1, 0, 0, 'new', 0, 3000, x'', NULL, NULL, '{}', '{"revision":0,"values":{}}'),
    (9, 2, 0, 1, 1, 'running', 1, 8000, x'', NULL, NULL, '{"x":["1",1]}',
     '{"revision":0,"values":{}}'),
    (10, 2, 1, 0, 0, 'new', 0, 6000, x'', NULL, NULL, '{}', '{"revision":0,"values":{}}');
INSERT INTO job VALUES
    (x'00000000000000000000000000010001', 3, 1, 1, 1, 0, 'cph', 'AK1', 1, 2, 1, NULL, NULL,
     '{"x":"1"}'),
    (x'00000000000000000000000000010002', 3, 1, 2, 3, 0, 'native', 'admin', 3, 4, 1,
     x'00000000000000000000000000010003', '{"why":"refused","name":"y","detail":"no"}', '{}'),
    (x'00000000000000000000000000010003', 3, 1, 3, 0, 1, 'cph', 'AK1', 5, NULL, NULL, NULL, NULL,
     '{"y":"2"}');
"#;

/// The directory of a database that was made and used by version 1.
pub(super) fn version_1() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..1]).unwrap());
    execute(directory.path(), DATA);
    directory
}

/// What a table of the database in `file` holds, in the columns named.
pub(super) fn dump(file: &Path, table: &str, columns: &str) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let sql = format!("SELECT json_array({columns}) FROM {table} ORDER BY 1");
    let mut select = connection.prepare(&sql).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The columns that version 1 has.
const COLUMNS: [(&str, &str); 5] = [
    ("project", "key, id, name, created_at"),
    ("access_key", "ak, project, hex(sealed_secret), created_at, revoked_at"),
    (
        "device",
        "key, project, kind, id, name, server, address, profile, marker, created_at, updated_at",
    ),
    (
        "device_state",
        "device, project, has_work, revision, settled, condition, adopted, since, hex(open_jobs),
         trouble, boot, desired, reported",
    ),
    (
        "job",
        "hex(id), device, project, revision, state, stored, door, actor, accepted_at, ended_at,
         finisher_epoch, hex(superseded_by), failure, patch",
    ),
];

#[tokio::test]
async fn every_row_is_there_and_a_backup_of_what_was_before() {
    let directory = version_1();
    let opened = Opened::with(directory, |_| {});
    let file = opened.file();
    let backup = file.with_file_name("backup-before-0002-20270115T080000Z.db");
    for (table, columns) in COLUMNS {
        let before = dump(&backup, table, columns);
        assert!(before.len() > 1, "{table}: {before:?}");
        assert_eq!(dump(&file, table, columns), before, "{table}");
    }
    let version = dump(&backup, "schema_migration", "max(version)");
    assert_eq!(version, ["[1]"]);
    let problems = dump(&file, "pragma_foreign_key_check", "1");
    assert!(problems.is_empty(), "{problems:?}");
}

#[tokio::test]
async fn what_was_there_is_read_and_what_is_new_has_its_defaults() {
    let store = Opened::with(version_1(), |_| {});
    let projects = store.projects(&engine()).await.unwrap();
    assert!(projects.iter().all(|project| project.settings == ProjectSettings::default()));
    let work = store.work(DeviceKey(3)).await.unwrap().unwrap();
    assert_eq!((work.device.container.as_str(), work.device.name.as_str()), ("", "name a"));
    let state = &work.state;
    assert_eq!((state.revision, state.settled), (Revision(3), Revision(2)));
    assert_eq!((state.condition, state.trouble.as_deref()), (Condition::Abnormal, Some("gone")));
    let boot = BootIdentity { kernel: "k".to_owned(), init_start: "42".to_owned() };
    assert_eq!((state.boot.as_ref(), state.adopted, state.frozen), (Some(&boot), true, false));
    assert_eq!((state.adoption, state.copy, &state.power), (None, None, &None));
    assert_eq!((state.restart_pending.len(), &state.facts), (0, &Facts::default()));
    assert_eq!(work.jobs.len(), 1);
    assert_eq!((work.jobs[0].operation, work.jobs[0].stored), (Operation::Update, true));
    let ended = store.job(&engine(), fleet::JobId::from_bytes(job(1))).await.unwrap().unwrap();
    assert_eq!(ended.job.end.unwrap().end, End::Succeeded { proof: Proof::Verified });

    // The servers that the records name.
    for (project, devices, created) in [("p", 2, 3000), ("q", 1, 6000)] {
        let filter = ServerFilter::default();
        let found = store.servers(&engine(), &project_id(project), &filter, 0, 9).await.unwrap();
        assert_eq!((found.items.len(), found.total), (1, 1));
        let server = &found.items[0];
        assert_eq!(
            (server.id.as_str(), server.name.as_str(), server.devices),
            ("s-1", "s-1", devices)
        );
        assert_eq!(
            (server.created_at, server.updated_at),
            (Timestamp(created), Timestamp(created))
        );
    }
    let with_work = store.devices_with_work(DeviceKey(0), 9).await.unwrap();
    assert_eq!(with_work.iter().map(|seed| seed.device.0).collect::<Vec<_>>(), [3, 4, 10]);
}

#[tokio::test]
async fn what_was_begun_goes_on() {
    let store = Opened::with(version_1(), |_| {});
    let project = store.project(&engine(), &project_id("p")).await.unwrap().unwrap();
    let entry = accept_one(&*store, project.key, 1, DeviceKey(3), &[("z", "1")]).await;
    assert_eq!((entry.revision, entry.stored), (Revision(4), true));
    settle_all(&*store, DeviceKey(3)).await;
    let key = import_new(&*store, vec![new_device("p", "new")]).await[0];
    assert!(key.0 > 10, "a key is never given twice: {key:?}");
    let again = Opened::with(store.drop_store(), |_| {});
    assert!(device(&*again, DeviceKey(3)).await.state.open_jobs.is_empty());
}

#[tokio::test]
async fn the_backup_of_what_was_before_can_be_restored() {
    let opened = Opened::with(version_1(), |_| {});
    let backup = opened.file().with_file_name("backup-before-0002-20270115T080000Z.db");
    let counts = BackupCounts { projects: 2, devices: 4, jobs: 3 };
    assert_eq!(verify_backup(&backup).unwrap().counts, counts);
    let data = tempfile::tempdir().unwrap();
    assert_eq!(restore(&backup, &file(data.path())).unwrap().counts, counts);
    assert_eq!(dump(&file(data.path()), "schema_migration", "max(version)"), ["[1]"]);
    let store = Opened::with(data, |_| {});
    let found = store.device(&engine(), None, &device_id("a")).await.unwrap();
    assert_eq!(found.len(), 2);
}

/// The bytes of a job's id in [`DATA`].
fn job(number: u8) -> [u8; 16] {
    let mut bytes = [0; 16];
    (bytes[13], bytes[15]) = (1, number);
    bytes
}

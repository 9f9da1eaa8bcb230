//! A database from before jobs named the one before them, opened by this version: the history of
//! each device is what it was, and what is accepted goes on from there. And what a history is where
//! jobs are not kept any more.

use fleet::{DeviceKey, JobId};
use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, options};
use super::upgrade::dump;
use super::upgrade_to_cameras::tables;
use crate::Reads;
use crate::conformance::chain::walk;
use crate::conformance::fixture::*;
use crate::sqlite::Sqlite;
use crate::sqlite::migrate::MIGRATIONS;

/// What a server of version 13 has left: a device with jobs whose ids have another order than their
/// revisions, which have gaps; one without jobs; one with one; and two that are gone, of which one
/// has left jobs.
const DATA: &str = r#"
INSERT INTO project (key, id, name, created_at) VALUES (1, 'p', 'first', 1);
INSERT INTO device (key, project, kind, id, name, server, address, profile, marker, created_at,
    updated_at)
VALUES (3, 1, 'phone', 'a', '', '', '', 'redroid', 'm-3', 1, 1),
    (4, 1, 'phone', 'b', '', '', '', 'redroid', 'm-4', 1, 1),
    (9, 1, 'phone', 'c', '', '', '', 'redroid', 'm-9', 1, 1);
INSERT INTO device_state (device, project, has_work, revision, settled, condition, adopted, frozen,
    since, open_jobs, copy, trouble, boot, adoption, power, restart_pending, desired, reported)
VALUES (3, 1, 1, 9, 5, 'running', 1, 1, 2, x'00000000000000000000000000050001', 4, 't', 'k/42',
        '{"replace_marker":true}', NULL, '{"x":{"boot":null,"since":1}}', '{"x":["1",9]}',
        '{"revision":0,"values":{}}'),
    (4, 1, 1, 0, 0, 'new', 0, 0, 3, x'', NULL, NULL, NULL, NULL, NULL, NULL, '{}',
        '{"revision":0,"values":{}}'),
    (9, 1, 0, 1, 1, 'running', 1, 0, 4, x'', NULL, NULL, NULL, NULL, NULL, NULL, '{}',
        '{"revision":0,"values":{}}');
INSERT INTO deleted_device (key, project, id, deleted_at) VALUES (11, 1, 'd', 5), (12, 1, 'e', 6);
INSERT INTO job (id, device, project, revision, state, stored, door, actor, accepted_at, ended_at,
    finisher_epoch, superseded_by, failure, patch, operation, record, before)
VALUES
    (x'00000000000000000000000000010001', 3, 1, 1, 1, 0, 'cph', 'AK', 1, 2, 1,
        x'00000000000000000000000000020002', NULL, '{"x":"1"}', NULL, NULL, NULL),
    (x'00000000000000000000000000010002', 9, 1, 1, 1, 0, 'cph', 'AK', 1, 2, 1, NULL, NULL, '{}', 1,
        NULL, '{}'),
    (x'00000000000000000000000000020001', 3, 1, 5, 3, 1, 'iss', 'anna', 2, 3, 1, NULL,
        '{"why":"refused","name":"x","detail":"d"}', '{"x":"2"}', NULL, '{"r":"1"}',
        '{"x":["1",null]}'),
    (x'00000000000000000000000000020002', 3, 1, 2, 1, 0, 'cph', 'AK', 2, 3, 1, NULL, NULL, '{}',
        NULL, NULL, NULL),
    (x'00000000000000000000000000030001', 11, 1, 2, 1, 0, 'cph', 'AK', 3, 4, 1, NULL, NULL, '{}',
        NULL, NULL, NULL),
    (x'00000000000000000000000000040001', 11, 1, 1, 3, 0, 'cph', 'AK', 3, 4, NULL, NULL,
        '{"why":"deleted"}', '{}', NULL, NULL, NULL),
    (x'00000000000000000000000000050001', 3, 1, 9, 0, 0, 'native', 'anna', 5, NULL, NULL, NULL,
        NULL, '{"x":"1"}', NULL, NULL, NULL);
"#;

/// The directory of a database that was used by version 13.
fn version_13() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(Sqlite::open_with(options(directory.path()), &MIGRATIONS[..13]).unwrap());
    execute(directory.path(), DATA);
    directory
}

/// The job of [`DATA`] with this number of its request.
fn job(of: u64, number: u16) -> JobId {
    JobId::from_bytes((u128::from(of) << 16 | u128::from(number)).to_be_bytes())
}

/// The histories in [`DATA`], newest first.
fn histories() -> [(DeviceKey, Vec<JobId>); 5] {
    [
        (3, vec![job(5, 1), job(2, 1), job(2, 2), job(1, 1)]),
        (4, vec![]),
        (9, vec![job(1, 2)]),
        (11, vec![job(3, 1), job(4, 1)]),
        (12, vec![]),
    ]
    .map(|(key, jobs)| (DeviceKey(key), jobs))
}

#[tokio::test]
async fn nothing_that_was_there_has_changed() {
    let opened = Opened::with(version_13(), |_| {});
    let file = opened.file();
    let backup = file.with_file_name("backup-before-0014-20270115T080000Z.db");
    let tables = tables(&Connection::open(&backup).unwrap());
    for table in ["job", "device_state", "deleted_device"] {
        let (_, columns) = tables.iter().find(|(name, _)| name == table).unwrap();
        let before = dump(&backup, table, columns);
        assert!(before.len() > 1, "{table}");
        assert_eq!(dump(&file, table, columns), before, "{table}");
    }
    let problems = dump(&file, "pragma_foreign_key_check", "1");
    assert!(problems.is_empty(), "{problems:?}");
    let indexes = "(SELECT name FROM sqlite_schema WHERE type = 'index'
         AND tbl_name IN ('job', 'device_state') AND name NOT LIKE 'sqlite%')";
    assert_eq!(
        dump(&file, indexes, "name"),
        [r#"["device_state_with_work"]"#, r#"["job_failed"]"#, r#"["job_failed_newest"]"#]
    );
}

#[tokio::test]
async fn histories_are_what_they_were_and_go_on() {
    let opened = Opened::with(version_13(), |_| {});
    for (key, jobs) in histories() {
        for limit in [1, 2, 9] {
            assert_eq!(walk(&*opened, key, limit).await, jobs, "{key:?}");
        }
    }
    let project = opened.project(&engine(), &project_id("p")).await.unwrap().unwrap().key;
    for key in [4, 9].map(DeviceKey) {
        let (_, before) = histories().into_iter().find(|(other, _)| *other == key).unwrap();
        let number = 100 + key.0.unsigned_abs();
        let new = accept_one(&*opened, project, number, key, &[("y", "1")]).await.job;
        assert_eq!(walk(&*opened, key, 9).await, [vec![new], before].concat());
    }
}

#[tokio::test]
async fn a_history_ends_where_a_job_is_not_kept() {
    let opened = Opened::with(version_13(), |_| {});
    let directory = opened.drop_store();
    execute(directory.path(), "DELETE FROM job WHERE revision = 2 AND device = 3");
    execute(directory.path(), "DELETE FROM job WHERE device = 9");
    let opened = Opened::with(directory, |_| {});
    let page = async |key, from, limit| {
        let page = opened.history(&engine(), DeviceKey(key), from, limit).await.unwrap();
        let jobs: Vec<JobId> = page.jobs.iter().map(|found| found.job.id).collect();
        (jobs, page.next, page.is_cut)
    };
    assert_eq!(page(3, None, 9).await, (vec![job(5, 1), job(2, 1)], None, true));
    let full = (vec![job(5, 1), job(2, 1)], Some(job(2, 2)), false);
    assert_eq!(page(3, None, 2).await, full, "what comes next is not looked at");
    assert_eq!(page(3, Some(job(2, 2)), 9).await, (vec![], None, true));
    assert_eq!(page(3, Some(job(1, 1)), 9).await, (vec![job(1, 1)], None, false));
    assert_eq!(page(9, None, 9).await, (vec![], None, true), "the newest");
    assert_eq!(page(4, None, 9).await, (vec![], None, false), "there was none");
}

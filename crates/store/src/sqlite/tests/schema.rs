//! The schema: steps, their checksums, the backup before them; and that the queries find their
//! indexes.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::opened::{Opened, execute, file, options, refusal};
use crate::Reads;
use crate::conformance::fixture::*;
use crate::sqlite::apply::STANDING;
use crate::sqlite::feed;
use crate::sqlite::migrate::{MIGRATIONS, Migration};
use crate::sqlite::queries::cameras::registrant_sql;
use crate::sqlite::queries::lanes::{AT_REST, SEED, WITH_WORK};
use crate::sqlite::queries::{access, camera_ids, channels, jobs, listings, organizations};
use crate::sqlite::{MigrateError, OpenError, Sqlite};

/// The version of what is known, and of a step more.
const KNOWN: u32 = MIGRATIONS.len() as u32;
const NEXT: Migration = Migration {
    version: KNOWN + 1,
    name: "colour",
    sql: "ALTER TABLE project ADD COLUMN colour TEXT",
};

/// The name of the backup before that step, by the clock of these tests.
fn backup() -> String {
    format!("backup-before-{:04}-20270115T080000Z.db", NEXT.version)
}

/// The directory of a database that has been in use.
async fn used() -> TempDir {
    let opened = Opened::fresh();
    create_project(&*opened, "p").await;
    opened.drop_store()
}

fn backups(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("backup")).collect()
}

#[tokio::test]
async fn a_step_is_applied_once_and_after_a_backup() {
    let directory = used().await;
    let steps = [MIGRATIONS, &[NEXT]].concat();
    for _ in 0..2 {
        let store = Sqlite::open_with(options(directory.path()), &steps).unwrap();
        assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
    }
    let backups = backups(directory.path());
    let expected = directory.path().join(backup());
    assert_eq!(backups, std::slice::from_ref(&expected));
    let backup = Connection::open(expected).unwrap();
    let projects: i64 =
        backup.query_row("SELECT count(*) FROM project", [], |row| row.get(0)).unwrap();
    assert_eq!(projects, 1);
    assert!(backup.prepare("SELECT colour FROM project").is_err(), "from before the step");
    let versions: i64 = backup
        .query_row("SELECT max(version) FROM schema_migration", [], |row| row.get(0))
        .unwrap();
    assert_eq!(versions, i64::from(KNOWN));

    let (error, text) = refusal(directory.path());
    let newer = OpenError::Migrate(MigrateError::Newer { found: KNOWN + 1, known: KNOWN });
    assert_eq!(format!("{error:?}"), format!("{newer:?}"), "{text}");
}

#[tokio::test]
async fn a_new_database_needs_no_backup() {
    let directory = used().await;
    assert_eq!(backups(directory.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_database_as_it_was() {
    let directory = used().await;
    let sql = "CREATE TABLE half (a INTEGER) STRICT; SELECT nothing FROM nowhere";
    let steps = [MIGRATIONS, &[Migration { version: KNOWN + 1, name: "broken", sql }]].concat();
    let error = Sqlite::open_with(options(directory.path()), &steps).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Migrate(MigrateError::Apply { version, .. }) if version == NEXT.version
        ),
        "{error:?}"
    );
    let store = Sqlite::open(options(directory.path())).unwrap();
    assert_eq!(store.projects(&engine()).await.unwrap().len(), 1);
    let connection = Connection::open(file(directory.path())).unwrap();
    assert!(connection.prepare("SELECT * FROM half").is_err());
}

#[tokio::test]
async fn without_a_backup_there_is_no_change() {
    let directory = used().await;
    // A directory where the copy should go.
    let taken = directory.path().join(format!("{}.partial", backup()));
    fs::create_dir(&taken).unwrap();
    let steps = [MIGRATIONS, &[NEXT]].concat();
    let error = Sqlite::open_with(options(directory.path()), &steps).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Migrate(MigrateError::Backup { version, .. }) if version == NEXT.version
        ),
        "{error:?}"
    );
    fs::remove_dir(&taken).unwrap();
    assert!(Sqlite::open(options(directory.path())).is_ok(), "still at the known version");
}

#[tokio::test]
async fn a_step_that_was_changed_is_refused() {
    let directory = used().await;
    execute(directory.path(), "UPDATE schema_migration SET checksum = 'another'");
    let (error, text) = refusal(directory.path());
    assert!(
        matches!(error, OpenError::Migrate(MigrateError::Changed { version: 1, .. })),
        "{text}"
    );
    assert!(text.contains("initial"), "{text}");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    execute(directory.path(), "CREATE TABLE theirs (a)");
    let (error, text) = refusal(directory.path());
    assert!(matches!(error, OpenError::Migrate(MigrateError::NotOurs { .. })), "{text}");
    let connection = Connection::open(file(directory.path())).unwrap();
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = "not a database, and long enough to be taken for the head of one".repeat(10);
    fs::write(file(directory.path()), &text).unwrap();
    let (error, words) = refusal(directory.path());
    assert!(matches!(error, OpenError::Database { .. }), "{words}");
    assert_eq!(fs::read_to_string(file(directory.path())).unwrap(), text);
}

#[tokio::test]
async fn queries_find_their_indexes() {
    let directory = used().await;
    let connection = Connection::open(file(directory.path())).unwrap();
    let check = |sql: &str, expected: &[&str]| check_plan(&connection, sql, expected);
    let device = "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)";
    let with_work = "SEARCH s USING INDEX device_state_with_work (device>?)";
    let bound_to = [
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH b USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH n USING INTEGER PRIMARY KEY (rowid=?)",
    ];
    check(WITH_WORK, &[&[with_work, device], &bound_to[..]].concat());
    let at_rest = "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)";
    check(AT_REST, &[&[at_rest, device], &bound_to[..]].concat());
    check(SEED, &[&[device], &bound_to[..]].concat());
    let by_id = "SEARCH device USING COVERING INDEX sqlite_autoindex_device_1 (id=? AND project=?)";
    check("SELECT key FROM device WHERE id = ? AND project = ?", &[by_id]);
    let by_project = "SEARCH device USING INDEX device_by_project (project=? AND rowid>?)";
    check("SELECT * FROM device WHERE key > ? AND project = ? ORDER BY key LIMIT ?", &[by_project]);
    let sql = "SELECT * FROM device WHERE project = ? AND server = ? ORDER BY key DESC LIMIT ?";
    check(sql, &["SEARCH device USING INDEX device_by_place (project=? AND server=?)"]);
    let on_it = "SEARCH device USING COVERING INDEX device_by_place (project=? AND server=?)";
    check("SELECT count(*) FROM device WHERE project = ? AND server = ?", &[on_it]);
    let by_name = "SEARCH device USING COVERING INDEX device_by_name (project=? AND name=?)";
    check("SELECT 1 FROM device WHERE project = ? AND name = ? AND key <> ?", &[by_name]);
    let by_marker = "SEARCH device USING INDEX device_by_marker (marker=?)";
    check("SELECT * FROM device WHERE marker = ? ORDER BY key LIMIT 1", &[by_marker]);
    let at = "SEARCH device USING INDEX device_by_address (address=? AND project=?)";
    check("SELECT * FROM device WHERE address = ? AND project = ? ORDER BY key", &[at]);
    let sql = "SELECT id FROM server AS t WHERE t.project = ? AND EXISTS (
         SELECT 1 FROM device AS d WHERE d.project = t.project AND d.server = t.id)";
    let named = "SEARCH d USING COVERING INDEX device_by_place (project=? AND server=?)";
    let of_project = "SEARCH t USING PRIMARY KEY (project=?)";
    check(sql, &[of_project, &named.replace("SEARCH d", "SEARCH d EXISTS")]);
    let sql = "SELECT facts ->> 'model' FROM device AS d
         CROSS JOIN device_facts AS f ON f.device = d.key WHERE d.project = ? AND d.server = ?";
    let facts = "SEARCH f USING INTEGER PRIMARY KEY (rowid=?)";
    check(sql, &[named, facts]);
    let expired = "SEARCH token USING COVERING INDEX token_by_expiry (expires_at<?)";
    let sql = "SELECT hash FROM token WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
    check(sql, &[expired]);
    let by_name = "SEARCH user_account USING INDEX user_account_by_folded_name (<expr>=?)";
    check("SELECT password_hash FROM user_account WHERE lower(name) = ?", &[by_name]);
    let by_gb_id = "SEARCH d USING COVERING INDEX device_camera_by_id (id=?)";
    let camera = "SEARCH k USING INTEGER PRIMARY KEY (rowid=?)";
    let project = "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)";
    check(&registrant_sql(), &[by_gb_id, camera, project]);
    let phones = "SEARCH d USING COVERING INDEX device_phone_by_project (project=?)";
    let state = "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)";
    let sql = "SELECT count(*) FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
         WHERE d.project = ? AND d.kind = 'phone'";
    check(sql, &[phones, state]);
    let newest = phones.replace("COVERING ", "");
    let sql = "SELECT * FROM device AS d WHERE d.project = ? AND d.kind = 'phone'
         ORDER BY d.key DESC LIMIT ? OFFSET ?";
    check(sql, &[&newest]);
    let sql = "SELECT * FROM device AS d WHERE d.project = ? AND d.kind = 'phone'
         AND d.server = ? ORDER BY d.key DESC LIMIT ?";
    check(sql, &["SEARCH d USING INDEX device_by_place (project=? AND server=?)"]);
    let by_channel = "SEARCH channel USING COVERING INDEX channel_by_id (id=?)";
    check("SELECT device FROM channel WHERE id = ?", &[by_channel]);
    let jobs = "SEARCH job USING PRIMARY KEY (id>? AND id<?)";
    check("SELECT * FROM job WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", &[jobs]);
}

/// The plan of a statement, step by step.
fn check_plan(connection: &Connection, sql: &str, expected: &[&str]) {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for index in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(index, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut plan: Vec<String> = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get("detail").unwrap());
    }
    assert_eq!(plan, expected, "{sql}");
}

#[tokio::test]
async fn queries_of_cameras_and_organizations_find_their_indexes() {
    let directory = used().await;
    let connection = Connection::open(file(directory.path())).unwrap();
    let check = |sql: &str, expected: &[&str]| check_plan(&connection, sql, expected);
    let by_key = |table: &str| format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
    let joined = |table: &str| format!("{} LEFT-JOIN", by_key(table));
    let (d, k, p, b, o) = (by_key("d"), by_key("k"), by_key("p"), joined("b"), joined("o"));

    let cameras = "SEARCH device USING COVERING INDEX device_camera_by_project (project=?)";
    check(listings::COUNT, &[cameras]);
    let channel_count = "SEARCH channel USING PRIMARY KEY (device=?)";
    let counted = ["CORRELATED SCALAR SUBQUERY 1", channel_count];
    let page = ["CO-ROUTINE page", cameras, "SCAN page", &d, &k, &p, &b, &o];
    check(&listings::page_sql(), &[&page[..], &counted].concat());
    let by_id = "SEARCH d USING INDEX sqlite_autoindex_device_1 (id=? AND project=?)";
    check(&listings::named_sql(), &[&[by_id, &k, &p, &b, &o], &counted[..]].concat());
    let by_channel = "SEARCH c USING INDEX channel_by_id (id=?)";
    check(&channels::named_sql(), &[by_channel, &k, &o]);
    check(channels::OWNER, &[&by_channel.replace("INDEX", "COVERING INDEX"), &k]);
    let taken = [
        "MERGE (UNION)",
        "LEFT",
        "SEARCH device USING COVERING INDEX device_camera_by_id (id>? AND id<?)",
        "RIGHT",
        "SEARCH channel USING COVERING INDEX channel_by_id (id>? AND id<?)",
    ];
    check(camera_ids::TAKEN, &taken);
    check(camera_ids::TAKEN_DOWN, &taken);

    let by_path = "SEARCH o USING INDEX sqlite_autoindex_organization_2 (project=?)";
    check(&organizations::page_sql(), &[by_path]);
    let counted =
        "SEARCH organization USING COVERING INDEX sqlite_autoindex_organization_2 (project=?)";
    check(organizations::COUNT, &[counted]);
    for table in ["camera", "channel"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE organization = ?");
        let index = format!("COVERING INDEX {table}_by_organization (organization=?)");
        check(&sql, &[&format!("SEARCH {table} USING {index}")]);
    }

    let deleted = |table: &str| format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
    let job = [
        "SEARCH j USING PRIMARY KEY (id>? AND id<?)",
        &joined("d"),
        &joined("s"),
        &joined("p"),
        "CORRELATED SCALAR SUBQUERY 1",
        &deleted("deleted_device"),
        "CORRELATED SCALAR SUBQUERY 2",
        &deleted("deleted_project"),
    ];
    check(&format!("{} WHERE j.id BETWEEN ? AND ? ORDER BY j.id", jobs::select()), &job);
    let keys = "SEARCH access_key USING INDEX access_key_by_project (project=?)";
    check("SELECT * FROM access_key WHERE project IS NULL", &[keys]);
}

#[tokio::test]
async fn the_audit_is_found_by_each_of_its_filters() {
    let directory = used().await;
    let connection = Connection::open(file(directory.path())).unwrap();
    let by_key = |table: &str| format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
    let (project, deleted) = (format!("{} LEFT-JOIN", by_key("p")), by_key("deleted_project"));
    let rest = [project.as_str(), "CORRELATED SCALAR SUBQUERY 1", &deleted];
    for (terms, first) in [
        (&[][..], "SCAN a"),
        (&["a.seq < ?"], "SEARCH a USING INTEGER PRIMARY KEY (rowid<?)"),
        (
            &["a.project = ?", "a.seq < ?"],
            "SEARCH a USING INDEX audit_by_project (project=? AND rowid<?)",
        ),
        (&["a.actor = ?"], "SEARCH a USING INDEX audit_by_actor (actor=?)"),
        (
            &["a.action = ?", "a.seq < ?"],
            "SEARCH a USING INDEX audit_by_action (action=? AND rowid<?)",
        ),
    ] {
        let expected = [&[first], &rest[..]].concat();
        check_plan(&connection, &access::audit_sql(terms), &expected);
    }
}

#[tokio::test]
async fn queries_of_the_cluster_find_their_rows() {
    let directory = used().await;
    let connection = Connection::open(file(directory.path())).unwrap();
    let by_key = |table: &str| format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
    let joined = |table: &str| format!("{} LEFT-JOIN", by_key(table));
    check_plan(&connection, STANDING, &[&by_key("h"), &joined("b"), &joined("n")]);
    let page = "SEARCH event USING INTEGER PRIMARY KEY (rowid>?)";
    check_plan(&connection, feed::PAGE, &[page]);
    let end = "SEARCH event";
    let ends = ["SCAN CONSTANT ROW", "SCALAR SUBQUERY 1", end, "SCALAR SUBQUERY 2", end];
    check_plan(&connection, feed::ENDS, &ends);
}

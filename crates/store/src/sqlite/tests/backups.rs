//! Backups of a database in use, and what is made of them when no server runs.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::opened::{Opened, execute, file, options};
use crate::conformance::fixture::*;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{Sqlite, restore, verify_backup};
use crate::{Backup, Error, Reads, Writes};

/// A directory with a backup, and what was told of it.
async fn backed_up() -> (tempfile::TempDir, Backup) {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 20).await;
    accept_one(&*opened, project, 1, keys[0], &[("a", "1")]).await;
    let directory = tempfile::tempdir().unwrap();
    let backup = opened.back_up(&directory.path().join("backup.db")).await.unwrap();
    (directory, backup)
}

/// An error with all its causes.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: Result<fs::DirEntry, _>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_of_one_moment_while_writes_go_on() {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 200).await;
    let value = "v".repeat(7_000);
    let patch: &[(&str, &str)] = &[("a", &value)];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    for number in 1..=20 {
        accepted_as(&*opened, &engine(), accept(project, request(number), &entries)).await;
    }
    // So short a deadline that a backup under it would end. Nothing is read from here on.
    let opened = Arc::new(Opened::with(opened.drop_store(), |options| {
        options.read_deadline = Duration::from_millis(20);
    }));
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("backup.db");
    let copying = {
        let (opened, to) = (Arc::clone(&opened), to.clone());
        tokio::spawn(async move { opened.back_up(&to).await })
    };
    // Each call changes all states and adds as many jobs, whole or not at all.
    let mut calls = 20;
    while !copying.is_finished() && calls < 64 {
        calls += 1;
        accepted_as(&**opened, &engine(), accept(project, request(calls), &entries)).await;
    }
    let backup = copying.await.unwrap().unwrap();
    assert_eq!(backup.counts.jobs % 200, 0, "{:?}", backup.counts);
    assert!((20 * 200..=calls * 200).contains(&backup.counts.jobs));
    let copy = rusqlite::Connection::open(&to).unwrap();
    let sql = "SELECT count(*) FROM device_state WHERE revision * 200 = ?1";
    let states: i64 = copy
        .query_row(sql, [i64::try_from(backup.counts.jobs).unwrap()], |row| row.get(0))
        .unwrap();
    assert_eq!(states, 200, "states and jobs of the same moment");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_at_a_time_and_none_after_closing() {
    let opened = Arc::new(Opened::fresh());
    let (project, keys) = fleet(&**opened, 500).await;
    let value = "v".repeat(7_000);
    let patch: &[(&str, &str)] = &[("a", &value)];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    for number in 1..=10 {
        accepted_as(&**opened, &engine(), accept(project, request(number), &entries)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let first = directory.path().join("first.db");
    let second = directory.path().join("second.db");
    let (one, two) = tokio::join!(opened.back_up(&first), opened.back_up(&second));
    assert!(one.is_ok(), "{one:?}");
    assert!(matches!(two, Err(Error::Busy)), "{two:?}");

    // Closing breaks one off, unless it was done just before.
    let broken = {
        let (opened, second) = (Arc::clone(&opened), second.clone());
        tokio::spawn(async move { opened.back_up(&second).await })
    };
    while !broken.is_finished() && !directory.path().join("second.db.partial").exists() {
        tokio::task::yield_now().await;
    }
    opened.close();
    match broken.await.unwrap() {
        Ok(_) => fs::remove_file(&second).unwrap(),
        Err(error) => assert!(matches!(error, Error::Closed), "{error:?}"),
    }
    assert_eq!(names(directory.path()), ["first.db"]);
    assert!(matches!(opened.back_up(&second).await, Err(Error::Closed)));
}

#[tokio::test]
async fn a_backup_that_would_fill_the_disk_is_refused() {
    let opened = Opened::with(tempfile::tempdir().unwrap(), |options| {
        options.disk_free_min_bytes = u64::MAX;
    });
    let directory = tempfile::tempdir().unwrap();
    let refused = opened.back_up(&directory.path().join("backup.db")).await;
    assert!(matches!(refused, Err(Error::DiskLow { .. })), "{refused:?}");
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn a_damaged_database_leaves_no_backup() {
    let opened = Opened::fresh();
    let (_, _) = fleet(&*opened, 5).await;
    let directory = opened.drop_store();
    // An index that lacks what its table has.
    execute(
        directory.path(),
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX device_by_name ON device (project, marker)'
         WHERE name = 'device_by_name';",
    );
    let opened = Opened::with(directory, |_| {});
    let directory = tempfile::tempdir().unwrap();
    let error = opened.back_up(&directory.path().join("backup.db")).await.unwrap_err();
    assert!(words(&error).contains("is damaged"), "{}", words(&error));
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn a_restored_database_is_what_was_backed_up() {
    let (directory, backup) = backed_up().await;
    let data = directory.path().join("data");
    let restored = restore(&backup.path, &file(&data)).unwrap();
    assert_eq!(restored, Backup { path: file(&data), ..backup.clone() });
    assert_eq!(names(&data), ["fleetwright.db", "lock"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&file(&data))), (0o700, 0o600));
    assert_eq!(mode(&backup.path), 0o600);

    let store = Sqlite::open(options(&data)).unwrap();
    let found = store.device(&engine(), None, &device_id("phone-0")).await.unwrap();
    assert_eq!(found[0].state.desired.values(), values(&[("a", "1")]));
    assert!(store.write(&engine(), import(vec![new_device("p", "new")])).await.unwrap().is_ok());
    assert_eq!(verify_backup(&backup.path).unwrap(), backup, "it is left as it was");
}

#[tokio::test]
async fn nothing_that_exists_is_restored_over() {
    let (directory, backup) = backed_up().await;
    for taken in ["fleetwright.db", "fleetwright.db-wal"] {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(taken), "").unwrap();
        let error = restore(&backup.path, &file(data.path())).unwrap_err();
        let text = words(&error);
        assert!(text.contains(taken) && text.contains("exists already"), "{text}");
        assert_eq!(fs::metadata(data.path().join(taken)).unwrap().len(), 0);
        assert!(!names(data.path()).iter().any(|name| name.contains("partial")));
    }
    let running = Opened::with(directory, |options| {
        options.database = options.database.with_file_name("other.db");
    });
    let error = restore(&backup.path, &running.file()).unwrap_err();
    assert!(words(&error).contains("in use by another server"), "{}", words(&error));
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused_in_words() {
    let (directory, backup) = backed_up().await;
    let check = |damage: &dyn Fn(&Path), expected: &str| {
        let copy = directory.path().join("copy.db");
        fs::copy(&backup.path, &copy).unwrap();
        damage(&copy);
        let data = tempfile::tempdir().unwrap();
        let found = [verify_backup(&copy), restore(&copy, &file(data.path()))];
        for error in found.map(Result::unwrap_err) {
            let text = words(&error);
            assert!(text.contains(expected) && text.contains("copy.db"), "{text}");
        }
        assert_eq!(names(data.path()), ["lock"]);
    };
    let run = |sql: &str| {
        let sql = sql.to_owned();
        move |file: &Path| rusqlite::Connection::open(file).unwrap().execute_batch(&sql).unwrap()
    };
    let (known, next) = (MIGRATIONS.len(), MIGRATIONS.len() + 1);
    let newer = format!("INSERT INTO schema_migration VALUES ({next}, 'next', 'abc', 1)");
    let why = format!("schema version {next} and this program knows versions up to {known}");
    check(&run(&newer), &why);
    let other = "UPDATE schema_migration SET checksum = 'abc' WHERE version = 1";
    check(&run(other), "in another form");
    check(&run("DROP TABLE schema_migration"), "another program's database");
    check(&|file| fs::write(file, "no database at all".repeat(100)).unwrap(), "can't be used");
    check(&|file| fs::write(file, "").unwrap(), "another program's database");
    check(
        &|file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() - 8_192]).unwrap();
        },
        "copy.db",
    );
    check(
        &|file| fs::write(file.with_extension("db-wal"), "x").unwrap(),
        "it is a database in use, not a backup",
    );
    fs::remove_file(directory.path().join("copy.db-wal")).unwrap();
    let missing = verify_backup(&directory.path().join("none.db")).unwrap_err();
    assert!(words(&missing).contains("none.db"), "{}", words(&missing));
}

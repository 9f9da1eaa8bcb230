//! The files: reopening, crashes, the lock, who may read them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fleet::Revision;

use super::opened::{Opened, file, options, refusal};
use crate::conformance::fixture::*;
use crate::sqlite::{OpenError, Sqlite};
use crate::{Error, Reads, Refused, Writes};

#[tokio::test]
async fn what_was_answered_is_there_after_a_drop_and_the_epoch_goes_up() {
    let opened = Opened::fresh();
    let (session, _) = begin(&*opened).await;
    let (project, keys) = fleet(&*opened, 2).await;
    let job = accept_one(&*opened, project, 1, keys[0], &[("a", "1")]).await.job;
    let old = fence(&*opened, keys[0]).await;
    let before = device(&*opened, keys[0]).await;

    let opened = Opened::with(opened.drop_store(), |_| {});
    assert_eq!(device(&*opened, keys[0]).await, before);
    assert!(opened.job(&engine(), job).await.unwrap().is_some());
    assert_eq!(fence(&*opened, keys[0]).await, old, "opening takes nothing");
    assert_eq!(begin(&*opened).await.0, session);
    let new = fence(&*opened, keys[0]).await;
    assert_eq!(new, epoch_plus(old, 1));
    let refused = settled(&*opened, settle(keys[0], old, 1)).await;
    assert_eq!(refused, Err(Refused::Fenced));
    assert!(settled(&*opened, settle(keys[0], new, 1)).await.is_ok());
}

#[tokio::test]
async fn the_files_as_a_crash_leaves_them_hold_what_was_answered() {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 1).await;
    for number in 1..=20 {
        let value = number.to_string();
        accept_one(&*opened, project, number, keys[0], &[("a", &value)]).await;
        let copy = tempfile::tempdir().unwrap();
        for extension in ["db", "db-wal"] {
            let from = opened.file().with_extension(extension);
            fs::copy(from, file(copy.path()).with_extension(extension)).unwrap();
        }
        let copy = Opened::with(copy, |_| {});
        let state = device(&*copy, keys[0]).await.state;
        assert_eq!(state.revision, Revision(i64::try_from(number).unwrap()));
        assert_eq!(state.desired.get("a").unwrap().value, value);
        assert_eq!(state.open_jobs.len(), usize::try_from(number).unwrap());
    }
}

#[tokio::test]
async fn a_second_server_is_refused_by_name_until_the_first_is_closed() {
    let opened = Opened::fresh();
    let directory = opened.file().parent().unwrap().to_owned();
    let (error, text) = refusal(&directory);
    assert!(matches!(error, OpenError::Lock(_)), "{text}");
    assert!(text.contains(&directory.display().to_string()), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");

    opened.close();
    let second = Sqlite::open(options(&directory)).unwrap();
    second.projects(&engine()).await.unwrap();
}

#[tokio::test]
async fn closing_finishes_what_waits_copies_the_log_and_takes_no_more() {
    let opened = Opened::fresh();
    let (project, keys) = fleet(&*opened, 1).await;
    accept_one(&*opened, project, 1, keys[0], &[("a", "1")]).await;
    opened.close();
    opened.close();
    assert!(matches!(opened.projects(&engine()).await, Err(Error::Closed)));
    let write = opened.write(&engine(), create_key("A", "p")).await;
    assert!(matches!(write, Err(Error::Closed)));
    assert!(!opened.file().with_extension("db-wal").exists());
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let base = tempfile::tempdir().unwrap();
    let directory = base.path().join("data/here");
    let _store = Sqlite::open(options(&directory)).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(names.len() >= 4, "database, log, index of the log, lock: {names:?}");
    for entry in names {
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_directory_that_is_a_file_is_named() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("file");
    fs::write(&path, "").unwrap();
    let (error, text) = refusal(&path);
    assert!(matches!(error, OpenError::Lock(_)), "{text}");
    assert!(text.contains(&path.display().to_string()), "{text}");
}

//! Backups.

use std::fs;

use super::fixture::*;
use crate::sqlite::verify_backup;
use crate::{BackupCounts, Store};

pub(crate) async fn a_backup_is_told_with_what_it_holds(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    create_project(store, "q").await;
    for (number, key) in (1..).zip(&keys[1..]) {
        accept_one(store, project, number, *key, &[("a", "1")]).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backups/now.db");
    let backup = store.back_up(&file).await.unwrap();
    assert_eq!(backup.counts, BackupCounts { projects: 2, devices: 3, jobs: 2 });
    assert_eq!(backup.path, file);
    assert_eq!(backup.bytes, fs::metadata(&file).unwrap().len());
    assert!(backup.sha256.len() == 64, "{}", backup.sha256);
    assert_eq!(verify_backup(&file).unwrap(), backup);
    let beside = fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "the one file and nothing else");

    // What comes later is not in it, and the store goes on.
    accept_one(store, project, 9, keys[0], &[("a", "1")]).await;
    let later = store.back_up(&directory.path().join("later.db")).await.unwrap();
    assert_eq!(later.counts.jobs, 3);
    assert_ne!(later.sha256, backup.sha256);
    assert_eq!(verify_backup(&file).unwrap(), backup);
}

pub(crate) async fn nothing_is_written_over(store: &dyn Store) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("taken.db");
    fs::write(&file, "something else").unwrap();
    assert!(store.back_up(&file).await.is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "something else");
    let nowhere = directory.path().join("no/such/directory/file.db");
    assert!(store.back_up(&nowhere).await.is_err());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(store.back_up(&directory.path().join("free.db")).await.is_ok());
}

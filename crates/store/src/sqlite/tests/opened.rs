//! A database in a directory of its own.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::conformance::fixture::AT;
use crate::sqlite::{OpenError, Options, Sqlite};

/// An open database; its directory goes with it.
pub(super) struct Opened {
    store: Sqlite,
    directory: TempDir,
}

impl Opened {
    /// An empty database.
    pub(super) fn fresh() -> Self {
        Self::with(tempfile::tempdir().unwrap(), |_| {})
    }

    /// The database in `directory`, opened with changed options.
    pub(super) fn with(directory: TempDir, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options(directory.path());
        change(&mut options);
        Self { store: Sqlite::open(options).unwrap(), directory }
    }

    /// The database's file.
    pub(super) fn file(&self) -> PathBuf {
        file(self.directory.path())
    }

    /// Drops the store, without closing it, and gives its directory.
    pub(super) fn drop_store(self) -> TempDir {
        let Self { store, directory } = self;
        drop(store);
        directory
    }
}

impl Deref for Opened {
    type Target = Sqlite;

    fn deref(&self) -> &Sqlite {
        &self.store
    }
}

/// The database's file in `directory`.
pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join("fleetwright.db")
}

/// Options for the database in `directory`. The machine's disk is not what these tests are about.
pub(super) fn options(directory: &Path) -> Options {
    Options { disk_free_min_bytes: 0, ..Options::new(file(directory), AT) }
}

/// Why the database in `directory` does not open, with all its causes.
pub(super) fn refusal(directory: &Path) -> (OpenError, String) {
    let error = Sqlite::open(options(directory)).unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    (error, text)
}

/// Runs SQL on the database in `directory`, past the store.
pub(super) fn execute(directory: &Path, sql: &str) {
    rusqlite::Connection::open(file(directory)).unwrap().execute_batch(sql).unwrap();
}

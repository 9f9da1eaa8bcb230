//! Copies between two files, and what both kinds of copy are tested with. Those with a PostgreSQL
//! database on one side or both are in `crate::postgres::tests`.

pub(crate) mod rows;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::tables::{Column, Kind, TABLES};
use super::*;
use crate::Cluster;
use crate::conformance::fixture::{AT, LONG, begin, node};
use crate::sqlite::{DirectoryLock, MigrateError, OpenError, Options, Sqlite};
use rows::{ROWS, fill};

/// A batch so small that each table takes several.
pub(crate) const SMALL: Batch = Batch { rows: 2, bytes: usize::MAX };

/// Watches and never breaks off.
pub(crate) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Copies in small batches from one place to another and breaks off after each batch, again and
/// again, until it is whole. Gives how often it was broken off.
pub(crate) async fn copy_with_breaks(from: &Place, to: &Place) -> (usize, Vec<CopiedTable>) {
    for breaks in 0..1_000 {
        let mut before: Option<Progress> = None;
        let mut watch = |now: Progress| {
            let batch = before.is_some_and(|before| {
                now.step == Step::Copying && before.table == now.table && before.rows < now.rows
            });
            before = Some(now);
            if batch { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let source = open(from, Role::Source, AT).await.unwrap();
        let target = open(to, Role::Target, AT).await.unwrap();
        let result = copy_between(&*source, &*target, SMALL, &mut watch).await;
        source.let_go().await;
        target.let_go().await;
        drop((source, target));
        match result {
            Err(CopyError::Stopped) => {}
            Ok(copied) => {
                // Once more, for what a file is called in the end.
                assert_eq!(copy(from, to, AT, &mut go_on).await.unwrap(), copied);
                return (breaks, copied);
            }
            Err(error) => panic!("{error:?} after {breaks} breaks"),
        }
    }
    panic!("it never ends");
}

/// A store in a directory of its own.
pub(crate) struct Stored {
    pub(crate) directory: TempDir,
}

impl Stored {
    /// One that is not there yet.
    pub(crate) fn nowhere() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// One that a node has run on and that has rows in every table, some deleted.
    pub(crate) async fn filled() -> Self {
        let stored = Self::nowhere();
        let store = Sqlite::open(Options::new(stored.file(), AT)).unwrap();
        let (session, _) = begin(&store).await;
        store.end_session(session).await.unwrap();
        store.close();
        let side = File::open(&stored.file(), Role::Target, AT).await.unwrap();
        fill(&side).await;
        drop(side);
        stored.execute(
            "INSERT INTO device SELECT 900, project, kind, 'gone', name, server, address, profile,
                 marker, created_at, updated_at, container FROM device WHERE key = 1;
             DELETE FROM device WHERE key = 900;
             UPDATE binding SET session = 1",
        );
        stored
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("fleetwright.db")
    }

    pub(crate) fn place(&self) -> Place {
        Place::Sqlite(self.file())
    }

    /// Runs SQL on it, past the store.
    pub(crate) fn execute(&self, sql: &str) {
        Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }

    /// The number that a statement gives.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        let connection = Connection::open(self.file()).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// What was copied must be as [`Stored::filled`] made it.
pub(crate) fn check_copied(copied: &[CopiedTable]) {
    assert_eq!(copied.len(), TABLES.len());
    for (copied, table) in copied.iter().zip(TABLES) {
        assert_eq!((copied.table, copied.rows), (table.name, ROWS));
        assert_eq!(copied.sha256.len(), 64);
    }
}

/// Why a copy is refused, with all causes.
pub(crate) async fn refused(from: &Place, to: &Place) -> (CopyError, String) {
    let error = copy(from, to, AT, &mut go_on).await.unwrap_err();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        words = format!("{words}: {source}");
        cause = source.source();
    }
    (error, words)
}

#[tokio::test]
async fn every_table_and_column_of_the_schema_is_copied_or_left_out_knowingly() {
    let stored = Stored::nowhere();
    Sqlite::open(Options::new(stored.file(), AT)).unwrap().close();
    let connection = Connection::open(stored.file()).unwrap();
    let mut select = connection
        .prepare(
            "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t
             JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table' ORDER BY t.name, c.cid",
        )
        .unwrap();
    let found = select.query_map([], |row| {
        Ok(rows::SchemaColumn {
            table: row.get(0)?,
            column: row.get(1)?,
            kind: row.get(2)?,
            key: row.get(3)?,
        })
    });
    let found: Vec<_> = found.unwrap().map(Result::unwrap).collect();
    let kind = |column: &Column| match column.kind {
        Kind::Integer | Kind::Flag => "INTEGER",
        Kind::Text => "TEXT",
        Kind::Bytes => "BLOB",
    };
    let apart = ["schema_migration", "session", "shard", "event", "idempotency", "sqlite_sequence"];
    rows::check_schema(&found, kind, &apart);
}

#[tokio::test]
async fn a_copy_has_every_row_and_gives_no_key_twice() {
    let (from, to) = (Stored::filled().await, Stored::nowhere());
    let mut last = None;
    let mut watch = |progress| {
        last = Some(progress);
        ControlFlow::Continue(())
    };
    let copied = copy(&from.place(), &to.place(), AT, &mut watch).await.unwrap();
    check_copied(&copied);
    let done = Progress { step: Step::Checking, table: "fleet_sample", rows: ROWS, of: ROWS };
    assert_eq!(last, Some(done));

    assert_eq!(to.number("SELECT count(*) FROM session"), 0);
    assert_eq!(to.number("SELECT count(*) FROM binding WHERE session IS NULL"), ROWS as i64);
    assert_eq!(to.number("SELECT count(*) FROM shard"), 256);
    let epochs = from.number("SELECT max(epoch) FROM shard");
    assert!(epochs > 0);
    assert_eq!(to.number("SELECT min(epoch) FROM shard"), epochs + 1);
    let given = "SELECT seq FROM sqlite_sequence WHERE name = 'device'";
    assert_eq!(to.number(given), 900);
    assert_eq!(to.number(&given.replace("device", "session")), 1);
    assert!(!to.directory.path().join("fleetwright.db.copying").exists());

    // Asked for again it is checked alone.
    let again = copy(&from.place(), &to.place(), AT, &mut go_on).await.unwrap();
    assert_eq!(again, copied);
    assert_eq!(to.number("SELECT min(epoch) FROM shard"), epochs + 1);

    // It is a store like any other, with an id of its own.
    let store = Sqlite::open(Options::new(to.file(), AT)).unwrap();
    let (_, held) = begin(&store).await;
    assert!(held.shards.iter().all(|shard| shard.epoch.0 > epochs));
    let id = store.store_id().await.unwrap();
    store.close();
    let source = Sqlite::open(Options::new(from.file(), AT)).unwrap();
    assert_ne!(source.store_id().await.unwrap(), id);
    source.close();
    let (error, words) = refused(&from.place(), &to.place()).await;
    assert!(matches!(error, CopyError::UsedSince), "{words}");
}

#[tokio::test]
async fn a_copy_that_is_broken_off_after_any_batch_goes_on() {
    let (from, to, at_once) = (Stored::filled().await, Stored::nowhere(), Stored::nowhere());
    let (breaks, copied) = copy_with_breaks(&from.place(), &to.place()).await;
    assert!(breaks >= 3 * TABLES.len(), "{breaks} breaks");
    check_copied(&copied);
    let expected = copy(&from.place(), &at_once.place(), AT, &mut go_on).await.unwrap();
    assert_eq!(copied, expected);
}

#[tokio::test]
async fn what_is_not_whole_has_another_name() {
    let (from, to) = (Stored::filled().await, Stored::nowhere());
    let stop = copy(&from.place(), &to.place(), AT, &mut |_| ControlFlow::Break(())).await;
    assert!(matches!(stop, Err(CopyError::Stopped)), "{stop:?}");
    assert!(!to.file().exists());
    assert!(to.directory.path().join("fleetwright.db.copying").exists());
}

#[tokio::test]
async fn a_source_that_is_none_is_refused() {
    let (from, to) = (Stored::nowhere(), Stored::nowhere());
    let (error, words) = refused(&from.place(), &to.place()).await;
    assert!(matches!(error, CopyError::NoDatabase { .. }), "{words}");
    assert_eq!(std::fs::read_dir(from.directory.path()).unwrap().count(), 0, "nothing is made");

    from.execute("CREATE TABLE theirs (a)");
    let (error, words) = refused(&from.place(), &to.place()).await;
    let CopyError::OpenFile { role: Role::Source, source, .. } = error else { panic!("{words}") };
    assert!(matches!(*source, OpenError::Migrate(MigrateError::NotOurs { .. })), "{words}");
}

#[tokio::test]
async fn a_store_in_use_is_refused_on_either_side() {
    let (from, to) = (Stored::filled().await, Stored::nowhere());
    for (directory, side) in [(&from.directory, "the source"), (&to.directory, "the target")] {
        let lock = DirectoryLock::take(directory.path()).unwrap();
        let (_, words) = refused(&from.place(), &to.place()).await;
        assert!(words.contains(side) && words.contains("in use by another server"), "{words}");
        drop(lock);
    }
    assert!(copy(&from.place(), &to.place(), AT, &mut go_on).await.is_ok());
}

#[tokio::test]
async fn a_target_with_something_else_in_it_is_refused_and_left_alone() {
    let (from, other, to) = (Stored::filled().await, Stored::filled().await, Stored::nowhere());
    let (error, words) = refused(&from.place(), &other.place()).await;
    assert!(matches!(error, CopyError::NotEmpty { .. }), "{words}");

    let stop = copy(&other.place(), &to.place(), AT, &mut |_| ControlFlow::Break(())).await;
    assert!(matches!(stop, Err(CopyError::Stopped)), "{stop:?}");
    let (error, words) = refused(&from.place(), &to.place()).await;
    assert!(matches!(error, CopyError::AnotherSource { .. }), "{words}");

    let empty = Stored::nowhere();
    let store = Sqlite::open(Options::new(empty.file(), AT)).unwrap();
    store.begin_session(&node("node"), LONG).await.unwrap().unwrap();
    store.close();
    let (_, words) = refused(&from.place(), &empty.place()).await;
    assert!(words.contains("nodes have run on it"), "{words}");

    let left = Stored::nowhere();
    let log = left.directory.path().join("fleetwright.db-wal");
    std::fs::write(&log, "a log").unwrap();
    let (error, words) = refused(&from.place(), &left.place()).await;
    assert!(matches!(error, CopyError::LeftBehind { file } if file == log), "{words}");
}

#[tokio::test]
async fn a_source_that_was_changed_meanwhile_is_noticed() {
    let (from, to) = (Stored::filled().await, Stored::nowhere());
    let mut told = 0;
    let mut watch = |progress: Progress| {
        told += u64::from(progress.table == "device");
        if told > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stop = copy(&from.place(), &to.place(), AT, &mut watch).await;
    assert!(matches!(stop, Err(CopyError::Stopped)), "{stop:?}");
    from.execute("UPDATE device SET name = 'another' WHERE key = 1");
    let (error, words) = refused(&from.place(), &to.place()).await;
    assert!(matches!(error, CopyError::Differs { table: "device", .. }), "{words}");
    assert!(!to.file().exists(), "it never becomes a store");
}

#[tokio::test]
async fn a_value_that_can_t_be_read_is_named() {
    let (from, to) = (Stored::filled().await, Stored::nowhere());
    from.execute("UPDATE device SET name = CAST(x'ff' AS TEXT) WHERE key = 3");
    let (error, words) = refused(&from.place(), &to.place()).await;
    let CopyError::Damaged { table, key, column, .. } = error else { panic!("{words}") };
    assert_eq!((table, &*key, column), ("device", "3", "name"));
}

#[test]
fn places_in_the_current_directory_are_places() {
    assert_eq!(file::directory_of(Path::new("fleetwright.db")), Path::new("."));
    assert_eq!(file::directory_of(Path::new("/a/b.db")), Path::new("/a"));
}

//! The store on SQLite: one thread writes, a few read, one keeps the log short.
//!
//! Start with [`Sqlite`]; then `writer` for the group commit, `apply` for what each change does to
//! the rows, `queries` for what each read asks, `schema` for the tables. [`Inline`] is the same
//! without threads, for simulations. [`restore`] and [`verify_backup`] work on files, without a
//! server.
//!
//! Metrics: `fleetwright_store_wal_bytes`, `fleetwright_store_disk_free_bytes` (gauges);
//! `fleetwright_store_commit_seconds`, `fleetwright_store_group_operations`,
//! `fleetwright_store_group_rows` (histograms, one sample a commit);
//! `fleetwright_store_groups_split_total`, `fleetwright_store_read_deadlines_total`,
//! `fleetwright_store_busy_total` by `queue` (counters).

mod apply;
mod asking;
pub mod backup;
mod checkpoint;
mod connection;
mod copying;
mod disk;
mod inline;
pub mod lock;
pub mod migrate;
mod ownership;
mod queries;
mod queue;
mod reader;
mod restore;
mod rows;
mod threads;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleet::fault_point::FaultPoints;
use fleet::limits::READ_DEADLINE;
use fleet::{Principal, Timestamp};
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use inline::Inline;
pub use lock::{DirectoryLock, LockError};
pub use migrate::MigrateError;
pub use restore::{restore, verify_backup};

use asking::Asking;
use copying::Copying;
use disk::Disk;
use migrate::{MIGRATIONS, Migration, Place};
use queue::{Queue, Rejected};
use reader::Question;
use threads::Threads;
use writer::Waiting;

use crate::{Backup, Error, Refused, Write, Writes, Written};

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database's file. Its directory is made if it does not exist, and locked: the lock, the
    /// log and the backups lie there too.
    pub database: PathBuf,
    /// Now: the time of this start.
    pub now: Timestamp,
    /// What is passed around each commit.
    pub faults: FaultPoints,
    /// Threads that read, at least 1.
    pub readers: usize,
    /// How long one read may take.
    pub read_deadline: Duration,
    /// Bytes of the disk that must be free before anything is added.
    pub disk_free_min_bytes: u64,
}

impl Options {
    /// Bytes that must be free, unless said otherwise: room for the log at its bound, for its copy
    /// into the database, and for the ends of all open jobs.
    pub const DISK_FREE_MIN_BYTES: u64 = 1024 * 1024 * 1024;

    /// The defaults for a database at `database`, started at `now`.
    pub fn new(database: impl Into<PathBuf>, now: Timestamp) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            database: database.into(),
            now,
            faults: FaultPoints::none(),
            // Reads come from memory, so that more threads than cores only take turns.
            readers: cores.clamp(2, 8),
            read_deadline: READ_DEADLINE,
            disk_free_min_bytes: Self::DISK_FREE_MIN_BYTES,
        }
    }
}

/// Why a database could not be opened. Nothing runs, and nothing but the schema steps that came
/// before the failing one has changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The SQLite library is one that can corrupt a database.
    #[error("SQLite {version} is too old: at least 3.51.3 is needed")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// The path has no directory to lock.
    #[error("{} is no path of a database file", database.display())]
    NoFile {
        /// The path.
        database: PathBuf,
    },
    /// The data directory could not be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database failed at the named operation.
    #[error("can't {operation}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("a thread can't be started")]
    Thread(#[source] std::io::Error),
}

/// A database that is open and ours alone. Dropping it does what [`Sqlite::close`] does.
#[derive(Debug)]
pub struct Sqlite {
    writes: Arc<Queue<Waiting>>,
    reads: Arc<Queue<Question>>,
    disk: Arc<Disk>,
    /// Before the threads: a backup ends before the directory is let go.
    copying: Copying,
    threads: Mutex<Option<Threads>>,
}

impl Sqlite {
    /// Opens the database: locks its directory, brings the schema up to date, takes all shards
    /// under a new epoch and starts the threads. Blocks while it does.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, MIGRATIONS)
    }

    /// The same with a given list of schema steps.
    fn open_with(options: Options, migrations: &[Migration]) -> Result<Self, OpenError> {
        connection::check_version(rusqlite::version_number())
            .map_err(|version| OpenError::TooOld { version })?;
        let directory = match options.database.parent() {
            Some(directory) if directory == Path::new("") => Path::new("."),
            Some(directory) => directory,
            None => return Err(OpenError::NoFile { database: options.database }),
        };
        let lock = DirectoryLock::take(directory)?;
        let failed = |operation| move |source| OpenError::Database { operation, source };
        let log = Arc::default();
        let connection = threads::open_writer(&options.database, &log)
            .map_err(failed("open the database for writing"))?;
        let place = Place { database: &options.database, directory };
        migrate::migrate(&connection, Some(place), migrations, options.now)?;
        ownership::take_shards(&connection, options.now).map_err(failed("take the shards"))?;
        let disk = Arc::new(Disk::new(directory.to_owned(), options.disk_free_min_bytes));
        let threads = Threads::start(&options, lock, connection, &log, &disk)?;
        let (writes, reads) = threads.queues();
        let copying = Copying::new(options.database, Arc::clone(&disk));
        Ok(Self { writes, reads, disk, copying, threads: Mutex::new(Some(threads)) })
    }

    /// Takes nothing more, finishes what waits, copies the log into the database and lets go of the
    /// directory. Blocks while it does: up to some seconds under load. Calls after it give
    /// [`Error::Closed`]. A backup that is being made is broken off.
    pub fn close(&self) {
        self.copying.end();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(threads);
    }
}

#[async_trait]
impl Asking for Sqlite {
    async fn ask<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        reader::ask(&self.reads, query).await
    }

    async fn copy(&self, to: PathBuf) -> Result<Backup, Error> {
        self.copying.back_up(to).await
    }
}

#[async_trait]
impl Writes for Sqlite {
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error> {
        if apply::needs_disk(&write) {
            self.disk.check()?;
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { principal: principal.clone(), write, answer };
        self.writes.push(waiting).map_err(|rejected| match rejected {
            Rejected::Full => {
                metrics::counter!("fleetwright_store_busy_total", "queue" => "writes").increment(1);
                Error::Busy
            }
            Rejected::Closed => Error::Closed,
        })?;
        answered.await.unwrap_or_else(|gone| Err(Error::Unknown { source: Box::new(gone) }))
    }
}

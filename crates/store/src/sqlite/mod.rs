//! The store on SQLite: one thread writes, a few read, one keeps the log short.
//!
//! Start with [`Sqlite`]; then `writer` for the group commit, `apply` for what each change does to
//! the rows, `queries` for what each read asks, `schema` for the tables, `feed` for what each
//! commit tells. [`Inline`] is the same without threads, for simulations, and several nodes may
//! share it: there `leases` says whose the shards are, and for a file `ownership` does. [`restore`]
//! and [`verify_backup`] work on files, without a server.
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
mod clock;
mod cluster;
mod connection;
mod copying;
mod disk;
mod feed;
mod history;
mod inline;
mod leases;
pub mod lock;
pub mod migrate;
mod ownership;
mod queries;
mod queue;
mod reader;
mod restore;
mod rows;
mod terms;
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
use fleet::{Principal, Shard, Timestamp};
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use clock::SetClock;
pub use inline::{Inline, InlineNode};
pub use lock::{DirectoryLock, LockError};
pub use migrate::MigrateError;
pub use restore::{restore, verify_backup};

use asking::Asking;
use clock::{Now, StoreClock};
use copying::Copying;
use disk::Disk;
use migrate::{MIGRATIONS, Migration, Place};
use ownership::Ownership;
use queue::{Queue, Rejected};
use reader::Question;
use terms::{OwnSession, Terms};
use threads::Threads;
use writer::{Task, Waiting};

use crate::feed::Change;
use crate::{
    Backup, Cluster, ClusterState, Error, FeedPage, FeedPosition, Held, NameTaken, NewSession,
    Refused, Renewal, Session, SessionEnded, SessionKey, Write, Writes, Written,
};

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
    writes: Arc<Queue<Task>>,
    reads: Arc<Queue<Question>>,
    disk: Arc<Disk>,
    faults: FaultPoints,
    session: Arc<OwnSession>,
    ownership: Ownership,
    /// Before the threads: a backup ends before the directory is let go.
    copying: Copying,
    threads: Mutex<Option<Threads>>,
}

impl Sqlite {
    /// Opens the database: locks its directory, brings the schema up to date and starts the
    /// threads. Blocks while it does.
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
        let disk = Arc::new(Disk::new(directory.to_owned(), options.disk_free_min_bytes));
        let session = Arc::default();
        let threads = Threads::start(&options, lock, connection, &log, &disk, &session)?;
        let (writes, reads) = threads.queues();
        let copying = Copying::new(options.database, Arc::clone(&disk));
        Ok(Self {
            writes,
            reads,
            disk,
            faults: options.faults,
            session,
            ownership: Ownership::default(),
            copying,
            threads: Mutex::new(Some(threads)),
        })
    }

    /// Puts something before the writer.
    fn push(&self, task: Task) -> Result<(), Error> {
        self.writes.push(task).map_err(|rejected| match rejected {
            Rejected::Full => {
                metrics::counter!("fleetwright_store_busy_total", "queue" => "writes").increment(1);
                Error::Busy
            }
            Rejected::Closed => Error::Closed,
        })
    }

    /// Has the writer run `change` in a transaction of its own.
    async fn alone<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let faults = self.faults.clone();
        self.push(Task::Alone(Box::new(move |connection| {
            // A receiver that is gone is no error: its caller was dropped.
            let _ = answer.send(writer::alone(connection, &faults, change));
        })))?;
        answered.await.unwrap_or_else(|gone| Err(Error::Unknown { source: Box::new(gone) }))
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

    fn now(&self) -> Now {
        StoreClock::Machine.now()
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
        self.push(Task::Change(waiting))?;
        answered.await.unwrap_or_else(|gone| Err(Error::Unknown { source: Box::new(gone) }))
    }
}

#[async_trait]
impl Cluster for Sqlite {
    async fn begin_session(
        &self,
        node: &NewSession,
        _lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error> {
        let (now, is_engine, node) = (self.now(), node.roles.engine, node.clone());
        let begin = move |c: &Connection| {
            let begun = ownership::begin(c, now, &node)?;
            feed::append(c, &Terms::new(now, Some(begun.0)), &[Change::Cluster])?;
            Ok(begun)
        };
        let (key, shards) = self.alone(begin).await?;
        self.session.set(key);
        self.ownership.began(key, shards, is_engine);
        Ok(Ok(Session { key, expires: false }))
    }

    async fn renew(&self, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error> {
        let now = self.now();
        let now = self.ask(move |c| now.read(c)).await?;
        Ok(self.ownership.renew(renewal, now))
    }

    async fn release(&self, _session: SessionKey, _shards: &[Shard]) -> Result<(), Error> {
        // There is nobody else who could take them.
        Ok(())
    }

    async fn end_session(&self, session: SessionKey) -> Result<(), Error> {
        self.ownership.end(session);
        Ok(())
    }

    async fn cluster(&self, counted: bool) -> Result<ClusterState, Error> {
        let now = self.now();
        let mut state = self.ask(move |c| cluster::state(c, now, counted)).await?;
        self.ownership.tell(&mut state);
        Ok(state)
    }

    async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error> {
        self.ask(move |c| feed::changes(c, after, limit)).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, Error> {
        self.ask(feed::feed_end).await
    }

    async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error> {
        let now = self.now();
        self.alone(move |c| feed::prune(c, now, keep, limit)).await
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, Error> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.alone(move |c| cluster::remember(c, &name, &value)).await
    }

    async fn remembered(&self, name: &str) -> Result<Option<String>, Error> {
        let name = name.to_owned();
        self.ask(move |c| cluster::remembered(c, &name)).await
    }
}

//! Keeping the log (the WAL) short without keeping the writer waiting.
//!
//! A thread of its own copies the log into the database with passive checkpoints, which disturb
//! nobody. They never let the log start over while writes go on, so when it nears its bound the
//! writer does that itself, at an instant when next to nothing is left to copy.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use fleet::limits::WAL_BYTES_MAX;
use rusqlite::Connection;

use super::connection::PAGE_BYTES;
use super::disk::Disk;

/// Bytes of a page in the log: the page and the frame's header (sqlite.org/fileformat2.html, 4.1).
const FRAME_BYTES: u64 = PAGE_BYTES as u64 + 24;

/// Pages past which the log must start over.
#[expect(clippy::cast_possible_truncation, reason = "65,154 fits")]
const PAGES_MAX: u32 = (WAL_BYTES_MAX / FRAME_BYTES) as u32;

/// Pages past which it starts over as soon as that is cheap: a quarter of the bound. A log that is
/// written over again stays in memory, and its file is not extended at every commit.
const PAGES_MANY: u32 = PAGES_MAX / 4;

/// Pages left to copy that make it cheap: four megabytes.
const REST_PAGES_MAX: u32 = 1_024;

/// Pages by which the log grows before the thread copies them: pages that change often are copied
/// once for many changes.
const PASSIVE_PAGES: u32 = 4_096;

/// Pages by which the log grows between two tries to start it over, when a reader is in the way.
const RETRY_PAGES: u32 = 4_096;

/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks between two looks at the disk, and the longest time that anything stays uncopied.
const LOOKS_PER_SECOND: u32 = 10;

/// How long the log is, as both threads know it.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Pages in it, as of the last commit.
    pages: AtomicU32,
    /// Pages of it that are in the database too, as of the last checkpoint.
    copied: AtomicU32,
    /// Held during a checkpoint: SQLite refuses a second one at the same time.
    checkpointing: Mutex<()>,
}

impl Log {
    /// Notes the length after a commit. A log that has become shorter has started over.
    pub(super) fn committed(&self, pages: u32) {
        if self.pages.swap(pages, Ordering::Relaxed) > pages {
            self.copied.store(0, Ordering::Relaxed);
        }
    }

    /// Notes how much a checkpoint copied. A log that has started over since is shorter than that,
    /// and nothing of what it holds now is copied.
    fn checkpointed(&self, copied: u32) {
        let current = if copied <= self.pages.load(Ordering::Relaxed) { copied } else { 0 };
        self.copied.store(current, Ordering::Relaxed);
    }

    /// Its length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.pages.load(Ordering::Relaxed)) * FRAME_BYTES
    }

    /// Pages in it, and pages that are not in the database yet.
    fn pages_and_rest(&self) -> (u32, u32) {
        let pages = self.pages.load(Ordering::Relaxed);
        (pages, pages.saturating_sub(self.copied.load(Ordering::Relaxed)))
    }
}

/// The writer's part: starting the log over.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// Pages at which it is tried again after a reader was in the way.
    again_at: u32,
}

impl Restarts {
    /// After a commit: starts the log over if it is long and little is left to copy, or if it is
    /// too long.
    pub(super) fn after_commit(&mut self, connection: &Connection, log: &Log) {
        let (pages, rest) = log.pages_and_rest();
        if pages < PAGES_MANY {
            self.again_at = 0;
        } else if pages >= self.again_at && (rest <= REST_PAGES_MAX || pages >= PAGES_MAX) {
            self.restart(connection, log, pages);
        }
    }

    /// While nothing waits: copies what is left and lets the log start over, at nobody's cost.
    pub(super) fn when_idle(&mut self, connection: &Connection, log: &Log) {
        self.restart(connection, log, log.pages_and_rest().0);
    }

    /// Whether there is anything to do while idle.
    pub(super) fn has_rest(log: &Log) -> bool {
        log.pages.load(Ordering::Relaxed) > 0
    }

    /// Copies what is left and lets the next commit write at the start of the log.
    fn restart(&mut self, connection: &Connection, log: &Log, pages: u32) {
        // Past the bound it waits for the other thread's checkpoint, else it comes again.
        let _guard = match log.checkpointing.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if pages < PAGES_MAX => return,
            Err(TryLockError::WouldBlock) => {
                log.checkpointing.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        match checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)") {
            Ok(done) if !done.busy => {
                log.committed(0);
                self.again_at = 0;
            }
            Ok(_) => self.again_at = pages.saturating_add(RETRY_PAGES),
            Err(error) => {
                tracing::warn!(%error, "the log of the database can't be started over");
                self.again_at = pages.saturating_add(RETRY_PAGES);
            }
        }
    }
}

/// What a checkpoint says it did.
struct Done {
    /// Somebody was in the way.
    busy: bool,
    /// Pages of the log that are in the database.
    copied: u32,
}

/// Runs one checkpoint (sqlite.org/pragma.html#pragma_wal_checkpoint).
fn checkpoint(connection: &Connection, sql: &'static str) -> Result<Done, rusqlite::Error> {
    connection.prepare_cached(sql)?.query_row([], |row| {
        let copied: i64 = row.get(2)?;
        Ok(Done { busy: row.get(0)?, copied: u32::try_from(copied).unwrap_or(0) })
    })
}

/// Tells the thread to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Ends the thread.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits for the next look; says whether the thread is to end.
    fn wait(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(stopped, LOOK_EVERY, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The thread: copies the log when it has grown, and watches the disk.
pub(super) fn run(connection: &Connection, log: &Log, disk: &Disk, stop: &Stop) {
    let mut looks = 0_u32;
    while !stop.wait() {
        looks = looks.wrapping_add(1);
        let each_second = looks.is_multiple_of(LOOKS_PER_SECOND);
        if each_second {
            disk.look();
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("fleetwright_store_wal_bytes").set(log.bytes() as f64);
        }
        let (pages, rest) = log.pages_and_rest();
        if rest >= PASSIVE_PAGES || (rest > 0 && (each_second || pages >= PAGES_MANY)) {
            let _guard = log.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
            match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
                Ok(done) => log.checkpointed(done.copied),
                Err(error) => tracing::warn!(%error, "the log of the database can't be copied"),
            }
        }
    }
}

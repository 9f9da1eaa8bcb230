//! Backups while the server runs: a thread for each, one at a time, apart from the readers, whose
//! reads have a deadline.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

use super::backup::{self, beside, directory_of};
use super::connection;
use super::disk::Disk;
use super::rows::During;
use crate::{Backup, Error};

/// The backups of an open database. Dropping this breaks off the one that runs.
#[derive(Debug)]
pub(super) struct Copying {
    database: PathBuf,
    disk: Arc<Disk>,
    stopped: Arc<AtomicBool>,
    running: Mutex<Running>,
}

/// The thread, if there was one.
#[derive(Debug, Default)]
struct Running {
    /// Set while it copies.
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Copying {
    /// No backup of `database` yet.
    pub(super) fn new(database: PathBuf, disk: Arc<Disk>) -> Self {
        Self { database, disk, stopped: Arc::default(), running: Mutex::default() }
    }

    /// Makes a backup. [`Error::Busy`] while another is made.
    pub(super) async fn back_up(&self, to: PathBuf) -> Result<Backup, Error> {
        self.start(to)?.await.unwrap_or(Err(Error::Closed))
    }

    /// Starts the thread, which answers when it is done.
    fn start(&self, to: PathBuf) -> Result<oneshot::Receiver<Result<Backup, Error>>, Error> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        if running.busy.swap(true, Ordering::Acquire) {
            metrics::counter!("fleetwright_store_busy_total", "queue" => "backups").increment(1);
            return Err(Error::Busy);
        }
        let busy = Busy(Arc::clone(&running.busy));
        let (database, disk) = (self.database.clone(), Arc::clone(&self.disk));
        let stopped = Arc::clone(&self.stopped);
        let (answer, answered) = oneshot::channel();
        let run = move || {
            let result = copy(&database, &disk, &to, &stopped);
            drop(busy);
            // A caller that is gone leaves the backup where it asked for it.
            let _ = answer.send(result);
        };
        let thread = Builder::new().name("store-backup".to_owned()).spawn(run);
        running.thread = Some(thread.during("start a thread for a backup")?);
        Ok(answered)
    }

    /// Breaks off the backup that runs, and makes no more.
    pub(super) fn end(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        let thread = self.running.lock().unwrap_or_else(PoisonError::into_inner).thread.take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a backup has panicked");
        }
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says that a backup is being made, until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Makes a backup, on its own connection and as of one moment. While it reads, the log can't start
/// over, so nothing is between the pages but the copying.
fn copy(
    database: &Path,
    disk: &Disk,
    to: &Path,
    stopped: &Arc<AtomicBool>,
) -> Result<Backup, Error> {
    let length = |file: &Path| fs::metadata(file).map_or(0, |found| found.len());
    let bytes = length(database) + length(&beside(database, "-wal"));
    disk.check_room(directory_of(to), bytes)?;
    let source = connection::open_reader(database).during("open the database for a backup")?;
    source.execute_batch("BEGIN").during("begin a backup")?;
    // The first read is what fixes the moment.
    source
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .during("begin a backup")?;
    backup::back_up(&source, to, stopped).map_err(|error| error.during("the backup"))
}

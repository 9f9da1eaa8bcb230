//! The threads of an open database: started together, ended together.

use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use fleet::limits::{READS_WAITING_MAX, WRITES_WAITING_MAX};
use rusqlite::Connection;

use super::checkpoint::{self, Log, Stop};
use super::disk::Disk;
use super::lock::DirectoryLock;
use super::queue::Queue;
use super::reader::{Question, Reader};
use super::terms::OwnSession;
use super::writer::{Task, Writer};
use super::{OpenError, Options, connection};

/// The running threads. Dropping this ends them in order and waits for them: first the reads, so
/// that none keeps the log from being copied, then the checkpointer, then, with everything that
/// waits written, the writer. The lock goes last.
#[derive(Debug)]
pub(super) struct Threads {
    writes: Arc<Queue<Task>>,
    reads: Arc<Queue<Question>>,
    stop: Arc<Stop>,
    readers: Vec<JoinHandle<()>>,
    checkpointer: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    _lock: DirectoryLock,
}

/// Opens the writer's connection, whose commits tell `log` how long it is.
pub(super) fn open_writer(database: &Path, log: &Arc<Log>) -> Result<Connection, rusqlite::Error> {
    let mut connection = connection::open_writer(database)?;
    let log = Arc::clone(log);
    let hook = move |_: &mut rusqlite::hooks::Wal, pages| {
        log.committed(u32::try_from(pages).unwrap_or(0));
        Ok(())
    };
    connection.wal_hook(Some(hook))?;
    Ok(connection)
}

impl Threads {
    /// Opens the other connections and starts all threads; on an error those that run already end.
    pub(super) fn start(
        options: &Options,
        lock: DirectoryLock,
        connection: Connection,
        log: &Arc<Log>,
        disk: &Arc<Disk>,
        session: &Arc<OwnSession>,
    ) -> Result<Self, OpenError> {
        let mut threads = Self {
            writes: Arc::new(Queue::new(WRITES_WAITING_MAX)),
            reads: Arc::new(Queue::new(READS_WAITING_MAX)),
            stop: Arc::default(),
            readers: Vec::new(),
            checkpointer: None,
            writer: None,
            _lock: lock,
        };
        let writer =
            Writer::new(connection, Arc::clone(log), options.faults.clone(), Arc::clone(session));
        let queue = Arc::clone(&threads.writes);
        threads.writer = Some(spawn("store-writer".to_owned(), move || writer.run(&queue))?);

        let failed = |operation| move |source| OpenError::Database { operation, source };
        for number in 1..=options.readers.max(1) {
            let reader = connection::open_reader(&options.database)
                .and_then(|connection| Reader::new(connection, options.read_deadline))
                .map_err(failed("open the database for reading"))?;
            let queue = Arc::clone(&threads.reads);
            let name = format!("store-reader-{number}");
            threads.readers.push(spawn(name, move || reader.run(&queue))?);
        }

        let connection = connection::open_checkpointer(&options.database)
            .map_err(failed("open the database for checkpoints"))?;
        let (log, disk) = (Arc::clone(log), Arc::clone(disk));
        let stop = Arc::clone(&threads.stop);
        let run = move || checkpoint::run(&connection, &log, &disk, &stop);
        threads.checkpointer = Some(spawn("store-checkpoint".to_owned(), run)?);
        Ok(threads)
    }

    /// Where changes and reads are put.
    pub(super) fn queues(&self) -> (Arc<Queue<Task>>, Arc<Queue<Question>>) {
        (Arc::clone(&self.writes), Arc::clone(&self.reads))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        self.stop.stop();
        let ends = self.readers.drain(..).chain(self.checkpointer.take()).chain(self.writer.take());
        for thread in ends {
            if thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

/// Starts a thread.
fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    Builder::new().name(name).spawn(run).map_err(OpenError::Thread)
}

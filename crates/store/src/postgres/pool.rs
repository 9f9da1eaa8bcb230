//! The connections that read: each is taken for one transaction and put back.

use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::connect::{Connector, Purpose};
use super::connection::{Connection, During as _};
use super::failure::{Failure, away, failure_of};
use super::link::Link;
use crate::Error;

/// How much longer than a statement's own deadline its answer is waited for: the server is to say
/// itself that it has ended it.
const GRACE: Duration = Duration::from_millis(500);

/// Something took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
pub(super) struct NoAnswer(pub(super) Duration);

/// How a pool is set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Connections.
    pub(super) size: usize,
    /// Callers that may wait for one.
    pub(super) waiting_max: usize,
    /// How long a read may take, the wait for a connection included.
    pub(super) deadline: Duration,
}

/// Connections that read.
pub(super) struct Pool {
    connector: Arc<Connector>,
    bounds: Bounds,
    idle: Mutex<Vec<Arc<Link>>>,
    room: Semaphore,
    waiting: AtomicUsize,
    /// Connections that have failed and were not replaced yet.
    lost: AtomicUsize,
}

impl Pool {
    /// An empty pool: connections are made when they are first needed.
    pub(super) fn new(connector: Arc<Connector>, bounds: Bounds) -> Self {
        Self {
            connector,
            bounds,
            idle: Mutex::default(),
            room: Semaphore::new(bounds.size),
            waiting: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
        }
    }

    /// A connection, waiting for one that is free. [`Error::Busy`] if too many wait already, or if
    /// none has become free in time.
    pub(super) async fn take(&self) -> Result<Taken<'_>, Error> {
        let until = Instant::now() + self.bounds.deadline + GRACE;
        let permit = self.permit(until).await?;
        let link = match self.live() {
            Some(link) => link,
            None => Arc::new(self.connect(until).await?),
        };
        Ok(Taken { link, clean: AtomicBool::new(true), until, pool: self, _permit: permit })
    }

    /// Gives no more connections and closes those that are free.
    pub(super) fn close(&self) {
        self.room.close();
        self.idle().clear();
    }

    /// The right to one of the connections.
    async fn permit(&self, until: Instant) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.room.try_acquire() {
            return Ok(permit);
        }
        let waits = Waits::new(&self.waiting);
        let busy = || {
            metrics::counter!("fleetwright_store_busy_total", "queue" => "reads").increment(1);
            Error::Busy
        };
        if waits.before >= self.bounds.waiting_max {
            return Err(busy());
        }
        match timeout_at(until, self.room.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(busy()),
        }
    }

    /// A free connection that has not failed and is to the server that takes changes.
    fn live(&self) -> Option<Arc<Link>> {
        let mut idle = self.idle();
        while let Some(link) = idle.pop() {
            if self.connector.is_current(&link) {
                return Some(link);
            }
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    /// A new connection.
    async fn connect(&self, until: Instant) -> Result<Link, Error> {
        let failed = |source| Error::Away { operation: "read", source };
        let purpose = Purpose::Read(self.bounds.deadline);
        let link = match timeout_at(until, self.connector.connect(purpose)).await {
            Ok(link) => link.map_err(|error| failed(Box::new(error)))?,
            Err(_) => return Err(failed(Box::new(NoAnswer(self.bounds.deadline)))),
        };
        let less = |lost: usize| lost.checked_sub(1);
        if self.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            metrics::counter!("fleetwright_store_reconnects_total").increment(1);
        }
        Ok(link)
    }

    /// Takes back a connection that can be used again.
    fn take_back(&self, link: Arc<Link>) {
        if !self.room.is_closed() {
            self.idle().push(link);
        }
    }

    /// A connection has failed or does not answer: the free ones, most likely, don't either.
    fn has_lost_one(&self) {
        let idle = std::mem::take(&mut *self.idle());
        self.lost.fetch_add(idle.len(), Ordering::Relaxed);
    }

    /// The free connections. Nothing that runs under the lock can leave them half changed.
    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, counted for as long as it lives.
struct Waits<'a> {
    waiting: &'a AtomicUsize,
    /// How many waited before.
    before: usize,
}

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        Self { waiting, before }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that was taken. Goes back when it is dropped; one that is dropped in the middle of
/// a transaction is closed instead.
pub(super) struct Taken<'a> {
    link: Arc<Link>,
    /// Whether no transaction is open, or one whose end is on its way.
    clean: AtomicBool,
    until: Instant,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// Runs `work`, which asks this connection, in a transaction that sees one snapshot and changes
    /// nothing.
    pub(super) async fn read<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.clean.store(false, Ordering::Relaxed);
        let over = || {
            metrics::counter!("fleetwright_store_read_deadlines_total").increment(1);
            Error::ReadDeadline(self.pool.bounds.deadline)
        };
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let begin = self.link.client().batch_execute(begin);
        let Ok((begun, done)) = timeout_at(self.until, join(begin, work)).await else {
            self.pool.has_lost_one();
            return Err(over());
        };
        // What comes of it is of no account, so that nobody waits for it.
        self.clean.store(self.send("ROLLBACK"), Ordering::Relaxed);
        let result = begun.during("begin a read").and(done);
        result.map_err(|error| match failure_of(&error) {
            Failure::Deadline => over(),
            Failure::Lost | Failure::NoRoom => away(error),
            // Reads meet nobody. One statement of several that were sent together was ended, and
            // another is told first.
            Failure::Conflict => over(),
            Failure::Statement => error,
        })
    }

    /// Sends a statement without waiting for its answer; whether the connection can be used on.
    fn send(&self, sql: &str) -> bool {
        // The first poll sends it; what comes of it is thrown away.
        let sent = self.link.client().batch_execute(sql).now_or_never();
        !matches!(sent, Some(Err(_)))
    }
}

impl Deref for Taken<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.link
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let clean = *self.clean.get_mut();
        match clean && self.pool.connector.is_current(&self.link) {
            true => self.pool.take_back(Arc::clone(&self.link)),
            // Its server may have gone, or what was asked is still under way.
            false => drop(self.pool.lost.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

//! The same store without threads or files, for a simulation that decides itself when what happens.

use std::path::PathBuf;
#[cfg(feature = "planted-bugs")]
use std::sync::atomic::AtomicBool;
#[cfg(any(feature = "planted-bugs", test))]
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleet::fault_point::FaultPoints;
use fleet::{Principal, Shard};
use rusqlite::Connection;

use super::asking::Asking;
use super::clock::{Now, SetClock, StoreClock};
use super::migrate::{MIGRATIONS, migrate};
use super::reader::snapshot;
use super::terms::{OwnSession, Terms};
use super::writer::{alone, write_alone};
use super::{OpenError, backup, cluster, connection, feed, leases};
use crate::feed::Change;
use crate::{
    Backup, Cluster, ClusterState, Error, FeedPage, FeedPosition, Held, NameTaken, NewSession,
    Refused, Renewal, Session, SessionEnded, SessionKey, Write, Writes, Written,
};

/// A store in memory, shared by the nodes of a simulated cluster. It holds what was committed for
/// as long as it lives: whoever simulates a crash keeps it and drops everything else.
#[derive(Debug)]
pub struct Inline {
    connection: Mutex<Connection>,
    clock: StoreClock,
    faults: FaultPoints,
    #[cfg(feature = "planted-bugs")]
    unfenced: AtomicBool,
}

impl Inline {
    /// An empty store whose time is what `clock` says, and that passes `faults` around each commit.
    /// A panic from there before the commit undoes the change; the call gives an error.
    pub fn new(clock: SetClock, faults: FaultPoints) -> Result<Arc<Self>, OpenError> {
        let failed = |operation| move |source| OpenError::Database { operation, source };
        let connection = connection::open_in_memory().map_err(failed("make a database"))?;
        migrate(&connection, None, MIGRATIONS, clock())?;
        Ok(Arc::new(Self {
            connection: Mutex::new(connection),
            clock: StoreClock::Set(clock),
            faults,
            #[cfg(feature = "planted-bugs")]
            unfenced: AtomicBool::new(false),
        }))
    }

    /// The store as one more node holds it.
    pub fn node(self: &Arc<Self>) -> InlineNode {
        InlineNode { store: Arc::clone(self), session: OwnSession::default() }
    }

    /// Lets a test look at the database itself.
    #[cfg(test)]
    pub(super) fn with_connection<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> T {
        look(&mut self.lock())
    }

    /// From now on what is written under a stale fence is written all the same.
    #[cfg(feature = "planted-bugs")]
    pub fn let_stale_fences_through(&self) {
        self.unfenced.store(true, Ordering::SeqCst);
    }

    /// The connection. A panic under the lock has left no transaction open.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node's own hold on a store in memory. Every call is done when it returns, on the caller's
/// thread: no call ever waits. Each change is a transaction of its own.
#[derive(Debug)]
pub struct InlineNode {
    store: Arc<Inline>,
    session: OwnSession,
}

impl InlineNode {
    /// The store that it shares with the other nodes.
    pub fn store(&self) -> &Arc<Inline> {
        &self.store
    }

    /// What a transaction of this node goes by.
    fn terms(&self) -> Terms {
        #[cfg_attr(not(feature = "planted-bugs"), expect(unused_mut, reason = "for that feature"))]
        let mut terms = Terms::new(self.now(), self.session.get());
        #[cfg(feature = "planted-bugs")]
        {
            terms.unfenced = self.store.unfenced.load(Ordering::SeqCst);
        }
        terms
    }

    /// Runs `change` in a transaction of its own.
    pub(super) fn alone<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        alone(&self.store.lock(), &self.store.faults, change)
    }

    /// Tells that nodes or shards have come or gone, as a commit of `session`.
    fn tell(&self, connection: &Connection, session: SessionKey) -> Result<(), Error> {
        let terms = Terms { session: Some(session), ..self.terms() };
        feed::append(connection, &terms, &[Change::Cluster])
    }
}

#[async_trait]
impl Asking for InlineNode {
    async fn ask<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        snapshot(&self.store.lock(), query)
    }

    async fn copy(&self, to: PathBuf) -> Result<Backup, Error> {
        backup::back_up(&self.store.lock(), &to, &Arc::default())
            .map_err(|error| error.during("the backup"))
    }

    fn now(&self) -> Now {
        self.store.clock.now()
    }
}

#[async_trait]
impl Writes for InlineNode {
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error> {
        write_alone(&self.store.lock(), &self.terms(), principal, write, &self.store.faults)
    }
}

#[async_trait]
impl Cluster for InlineNode {
    async fn begin_session(
        &self,
        node: &NewSession,
        lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error> {
        let now = self.now();
        let begun = self.alone(|c| {
            let begun = leases::begin(c, now, node, lease)?;
            begun.as_ref().map_or(Ok(()), |key| self.tell(c, *key))?;
            Ok(begun)
        })?;
        Ok(begun.map(|key| {
            self.session.set(key);
            Session { key, expires: true }
        }))
    }

    async fn renew(&self, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error> {
        let now = self.now();
        self.alone(|c| {
            let renewed = leases::renew(c, now, renewal)?;
            if let Ok((_, true)) = renewed {
                self.tell(c, renewal.session)?;
            }
            Ok(renewed.map(|(held, _)| held))
        })
    }

    async fn release(&self, session: SessionKey, shards: &[Shard]) -> Result<(), Error> {
        self.alone(|c| match leases::release(c, session, shards)? {
            0 => Ok(()),
            _ => self.tell(c, session),
        })
    }

    async fn end_session(&self, session: SessionKey) -> Result<(), Error> {
        let now = self.now();
        self.alone(|c| {
            leases::end(c, now, session)?;
            self.tell(c, session)
        })
    }

    async fn cluster(&self, counted: bool) -> Result<ClusterState, Error> {
        let now = self.now();
        self.ask(move |c| cluster::state(c, now, counted)).await
    }

    async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error> {
        self.ask(move |c| feed::changes(c, after, limit)).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, Error> {
        self.ask(feed::feed_end).await
    }

    async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error> {
        let now = self.now();
        self.alone(|c| feed::prune(c, now, keep, limit))
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, Error> {
        self.alone(|c| cluster::remember(c, name, value))
    }

    async fn remembered(&self, name: &str) -> Result<Option<String>, Error> {
        let name = name.to_owned();
        self.ask(move |c| cluster::remembered(c, &name)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use fleet::Timestamp;

    use super::*;
    use crate::Store;
    use crate::conformance::Nodes;
    use crate::conformance::fixture::AT;

    /// A store, and its time.
    struct Simulated {
        store: Arc<Inline>,
        now: Arc<AtomicI64>,
    }

    impl Simulated {
        fn new() -> Self {
            let now = Arc::new(AtomicI64::new(AT.0));
            let own = Arc::clone(&now);
            let clock = Arc::new(move || Timestamp(own.load(Ordering::SeqCst)));
            Self { store: Inline::new(clock, FaultPoints::none()).unwrap(), now }
        }
    }

    #[async_trait]
    impl Nodes for Simulated {
        async fn node(&self) -> Arc<dyn Store> {
            Arc::new(self.store.node())
        }

        async fn pass(&self, time: Duration) {
            let ms = i64::try_from(time.as_millis()).unwrap();
            self.now.fetch_add(ms, Ordering::SeqCst);
        }
    }

    crate::conformance::tests!(Box::new(Simulated::new().store.node()));
    crate::conformance::node_tests!(Simulated::new());
}

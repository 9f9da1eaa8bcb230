//! The store on PostgreSQL, for more than one machine: tasks that write in groups, a pool of
//! connections that read, and one for what nodes do to live beside each other.
//!
//! Start with [`Postgres`]; then `writer` for the group commit and what becomes of it when the
//! server goes away, `apply` for what each change does to the rows, `queries` for what each read
//! asks, `cluster` and `feed` for leases and events, `schema` for the tables.
//!
//! Nothing here is kept between two transactions but prepared statements and settings of the
//! session, so that a pooler between us and the server has to pool sessions, not transactions.
//!
//! Metrics: those of [`crate::sqlite`] but for its log and disk, and `fleetwright_store_connected`
//! (gauge: 1 unless the last try at a connection failed), `fleetwright_store_reconnects_total`
//! (counter: connections made in place of lost ones).

mod apply;
mod asking;
mod checks;
mod cluster;
mod connect;
mod connection;
pub(crate) mod copying;
mod failure;
mod feed;
mod history;
mod leasing;
mod link;
mod migrate;
mod nodes;
mod pool;
mod queries;
mod queue;
mod rows;
mod tls;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, iter};

use async_trait::async_trait;
use fleet::fault_point::FaultPoints;
use fleet::limits::{READ_DEADLINE, READS_WAITING_MAX, WRITES_WAITING_MAX};
use fleet::{Principal, Timestamp};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use checks::{DatabaseError, ServerError};
pub use connect::{ConnectError, ConnectFailure, UrlError, check_url};
pub use migrate::MigrateError;
pub use tls::{NoTlsMode, Tls, TlsError};

use apply::is_frequent;
use connect::{Connector, Purpose};
use migrate::{MIGRATIONS, Migration};
use nodes::Nodes;
use pool::{Bounds, Pool};
use queue::{Queue, Rejected};
use writer::{Waiting, Writer};

use crate::{Error, Refused, SessionKey, Write, Writes, Written};

/// How a database is opened. Its debug form leaves the URL out, for that has the password.
#[derive(Clone)]
pub struct Options {
    /// Where the database is: `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE`. Of several
    /// hosts the one is used that takes changes.
    pub url: String,
    /// Whether connections are encrypted and what of the server is checked.
    pub tls: Tls,
    /// The file with the certificates, in PEM, of those who may have signed the server's.
    pub tls_ca: Option<PathBuf>,
    /// Whether it is refused to start unless commits wait for a standby that is there.
    pub synchronous_standby: bool,
    /// Now: the time of this start.
    pub now: Timestamp,
    /// What is passed around each commit.
    pub faults: FaultPoints,
    /// Connections that read, at least 1.
    pub readers: usize,
    /// Connections that write what is frequent, at least 1. What is rare has one more.
    pub writers: usize,
    /// How long one read may take.
    pub read_deadline: Duration,
    /// How long a change may wait and be tried, while the database can't be reached, say. A commit
    /// that was begun by then is waited for a little longer.
    pub write_deadline: Duration,
}

impl Options {
    /// The defaults for a database at `url`, started at `now`.
    pub fn new(url: impl Into<String>, now: Timestamp) -> Self {
        Self {
            url: url.into(),
            tls: Tls::default(),
            tls_ca: None,
            synchronous_standby: false,
            now,
            faults: FaultPoints::none(),
            readers: 8,
            writers: 2,
            read_deadline: READ_DEADLINE,
            write_deadline: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tls", &self.tls)
            .field("tls_ca", &self.tls_ca)
            .field("synchronous_standby", &self.synchronous_standby)
            .finish_non_exhaustive()
    }
}

/// Why a database could not be opened. Nothing runs, and nothing but the schema steps that came
/// before the failing one has changed. No password is in it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL can't be used.
    #[error("the URL of the database can't be used")]
    Url(#[source] UrlError),
    /// TLS can't be used as asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No server can be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server can't be asked about itself.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The database can't be used as it is.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

/// The session of this node, once one has begun: whose commits this store's are told to be.
#[derive(Debug, Default)]
struct OwnSession(AtomicI64);

impl OwnSession {
    /// It. Keys are numbered from 1.
    fn get(&self) -> Option<SessionKey> {
        let key = self.0.load(Ordering::Acquire);
        (key > 0).then_some(SessionKey(key))
    }

    /// It has begun.
    fn set(&self, key: SessionKey) {
        self.0.store(key.0, Ordering::Release);
    }
}

/// A database that is open, for this node and others. Dropping it ends everything at once, and what
/// waits to be written is lost, its callers being told [`Error::Unknown`]: see [`Postgres::close`].
pub struct Postgres {
    writes: Arc<Queue<Waiting>>,
    /// Changes that hold the guard of the whole cluster, and may wait for it: what is frequent does
    /// not wait behind them.
    rare: Arc<Queue<Waiting>>,
    reads: Pool,
    nodes: Nodes,
    session: Arc<OwnSession>,
    write_deadline: Duration,
    writers: Mutex<JoinSet<()>>,
}

impl Postgres {
    /// Opens the database: finds the server that takes changes, checks it, brings the schema up to
    /// date and starts the tasks that write, on the runtime that this is called on.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, MIGRATIONS).await
    }

    /// The same with a given list of schema steps.
    async fn open_with(options: Options, migrations: &[Migration]) -> Result<Self, OpenError> {
        let connector = Arc::new(Connector::new(&options)?);
        let link = connector.connect(Purpose::Write).await?;
        checks::warn(&link).await?;
        migrate::migrate(&link, migrations, options.now).await?;
        if options.synchronous_standby {
            checks::synchronous_standby(&link).await?;
        }
        let reads = Bounds {
            size: options.readers.max(1),
            waiting_max: READS_WAITING_MAX,
            deadline: options.read_deadline,
        };
        let reads = Pool::new(Arc::clone(&connector), reads);
        drop(link);
        let nodes = Nodes::new(&connector);
        let [writes, rare] = [(); 2].map(|()| Arc::new(Queue::new(WRITES_WAITING_MAX)));
        let session = Arc::default();
        let mut writers = JoinSet::new();
        for queue in iter::repeat_n(&writes, options.writers.max(1)).chain([&rare]) {
            let writer = Writer::new(
                Arc::clone(&connector),
                Arc::clone(&session),
                options.faults.clone(),
                options.write_deadline,
            );
            writers.spawn(writer.run(Arc::clone(queue)));
        }
        let (writers, write_deadline) = (Mutex::new(writers), options.write_deadline);
        Ok(Self { writes, rare, reads, nodes, session, write_deadline, writers })
    }

    /// Takes nothing more, finishes what waits, as far as the database can be reached, and closes
    /// the connections. Calls after it give [`Error::Closed`].
    pub async fn close(&self) {
        self.writes.close();
        self.rare.close();
        let writers = {
            let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *writers)
        };
        // What waits is given up by its own deadline; a commit may take somewhat longer.
        let most = self.write_deadline * 2;
        if tokio::time::timeout(most, writers.join_all()).await.is_err() {
            tracing::warn!("the database did not answer: what was being written is given up");
        }
        self.reads.close();
        self.nodes.close().await;
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("session", &self.session).finish_non_exhaustive()
    }
}

#[async_trait]
impl Writes for Postgres {
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error> {
        let (answer, answered) = oneshot::channel();
        let since = Instant::now();
        let waiting = Waiting { principal: principal.clone(), write, since, answer };
        let queue = if is_frequent(&waiting.write) { &self.writes } else { &self.rare };
        queue.push(waiting).map_err(|rejected| match rejected {
            Rejected::Full => {
                metrics::counter!("fleetwright_store_busy_total", "queue" => "writes").increment(1);
                Error::Busy
            }
            Rejected::Closed => Error::Closed,
        })?;
        answered.await.unwrap_or_else(|gone| Err(Error::Unknown { source: Box::new(gone) }))
    }
}

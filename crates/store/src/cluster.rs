//! What the nodes of one store share besides the record: sessions, the leases of shards, and the
//! feed of what was committed.
//!
//! A node has one session, which it renews. A shard points to the session that owns it and has an
//! epoch, its fencing token, which goes up whenever the shard changes hands. Leases are taken by
//! the store's own clock; the node gives them up by its own monotonic clock, counted from before
//! the renewal was sent, so that it stops before anybody else begins.

use std::time::Duration;

use async_trait::async_trait;
use fleet::{Epoch, Shard, Timestamp};

use crate::Error;
use crate::feed::{FeedPage, FeedPosition, StoreId};

pub(crate) mod share;

/// How long after its end a session is gone for good: it is left out of [`ClusterState`], and its
/// row may be deleted.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(60 * 60);

/// Under which name the [`StoreId`] is kept. A copy of a store, and what is restored from a backup
/// of it, is another store: its feed goes on in another way. So that is never copied.
pub const STORE_ID: &str = "store-id";

/// A session, and so the node that has it: a node that comes back on the same data directory has
/// the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub i64);

/// What a node does. At least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// It answers the APIs.
    pub api: bool,
    /// It owns shards and works on their devices.
    pub engine: bool,
    /// GB devices register with it.
    pub sip: bool,
}

impl Roles {
    /// All of them.
    pub const ALL: Self = Self { api: true, engine: true, sip: true };

    /// As words with blanks between, which is how a session's row holds them.
    pub fn words(self) -> String {
        let words = [(self.api, "api"), (self.engine, "engine"), (self.sip, "sip")];
        let words: Vec<&str> =
            words.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
        words.join(" ")
    }

    /// What [`Self::words`] has written; words that are none are passed over.
    pub fn from_words(words: &str) -> Self {
        let has = |role| words.split(' ').any(|word| word == role);
        Self { api: has("api"), engine: has("engine"), sip: has("sip") }
    }
}

/// What a node says of itself when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its name, unique among the nodes that run.
    pub node: String,
    /// What its data directory is known by: 32 hexadecimal digits. A node holds a lock on the
    /// directory, so that of two sessions with the same one the earlier has ended, unless the
    /// directory was copied.
    pub directory: String,
    /// What tells this start of the process from all others: 32 hexadecimal digits, by chance.
    pub instance: String,
    /// What it does.
    pub roles: Roles,
    /// Its version.
    pub version: String,
    /// Where it answers HTTP.
    pub http: String,
    /// Where GB devices register with it; empty if nowhere.
    pub sip: String,
}

/// A session that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its key.
    pub key: SessionKey,
    /// Whether it ends unless it is renewed. That of a store that one process alone can open does
    /// not.
    pub expires: bool,
}

/// Another node runs under that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node named {node} is running already, at {http}; its lease lasts {} s yet unless it is \
    renewed", .left.as_secs())]
pub struct NameTaken {
    /// The name.
    pub node: String,
    /// Where that node answers.
    pub http: String,
    /// How long its lease lasts.
    pub left: Duration,
}

/// A session's renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The session.
    pub session: SessionKey,
    /// Which start of the process renews it: see [`NewSession::instance`].
    pub instance: String,
    /// How long it lasts from now on, by the store's clock.
    pub lease: Duration,
    /// How long nobody works on the devices of a shard whose owner has died: what that owner had
    /// begun has ended by then.
    pub quiet: Duration,
    /// Whether it takes shards, as many as are its share of those that nobody has.
    pub takes: bool,
    /// What the node says of itself.
    pub report: NodeReport,
}

/// What a node says of itself with each renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct NodeReport {
    /// Devices that have a lane on it.
    pub lanes: u64,
    /// Actions in flight.
    pub actions: u64,
    /// How far behind the feed it is, in milliseconds.
    pub feed_lag_ms: u64,
}

/// What a session holds after a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// All shards that it owns.
    pub shards: Vec<HeldShard>,
    /// How many of them are more than its share: others lack them.
    pub surplus: usize,
    /// How many nodes with the role `engine` have a session that lasts, this one among them.
    pub engines: usize,
    /// The store's time of the renewal.
    pub now: Timestamp,
}

/// A shard that a session owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldShard {
    /// The shard.
    pub shard: Shard,
    /// Its fencing token.
    pub epoch: Epoch,
    /// How long nothing may be done on its devices yet: the owner before has died, and what it had
    /// begun may still be going on.
    pub quiet: Duration,
}

/// Why a session can't be renewed. Its node owns nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnded {
    /// It has run out or was ended, and another may have taken its name: the node has to begin
    /// anew.
    #[error("the node's session has ended")]
    RanOut,
    /// A process that was started later has it. Since a data directory is locked while a node runs
    /// on it, that one runs on a copy of this node's: beginning anew would be to fight for it.
    #[error(
        "another process has taken this node's session: it runs on a copy of this node's data \
         directory and answers HTTP at {by}"
    )]
    Taken {
        /// Where that process answers HTTP.
        by: String,
    },
}

/// A node as all others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Its session.
    pub session: SessionKey,
    /// What it said when it began.
    pub node: NewSession,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last renewed its session, by the store's clock.
    pub renewed_at: Timestamp,
    /// How long its session lasts yet; zero if it has run out, `None` if it does not run out.
    pub left: Option<Duration>,
    /// How many shards it owns.
    pub shards: u32,
    /// How many registrations that last it holds; zero unless they were to be counted.
    pub bindings: u64,
    /// What it last said of itself.
    pub report: NodeReport,
}

/// The store and its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// What the store is, with its version: `SQLite 3.51.3`, `PostgreSQL 15.18`.
    pub engine: String,
    /// Its time.
    pub now: Timestamp,
    /// The nodes, by name. Those whose session ended more than an hour ago are left out.
    pub nodes: Vec<NodeState>,
    /// How many shards nobody owns who lives.
    pub orphaned_shards: u32,
    /// The standbys that commits wait for, by name; `None` where there is no such thing.
    pub synchronous_standbys: Option<Vec<String>>,
}

/// What nodes do to live beside each other. For the engine alone: nothing here takes a principal.
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    /// Begins a node's session, for `lease`. What the node's earlier session on the same data
    /// directory owned is the new one's, under higher epochs and with no quiet time: that process
    /// has ended. If it has not, for it runs on a copy of the directory, it learns so by its next
    /// renewal. From now on this store's commits are told to be of this session.
    async fn begin_session(
        &self,
        node: &NewSession,
        lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error>;

    /// Renews a session and, in the same transaction, takes what shards it lacks: those of nobody
    /// and those of sessions that have run out, which then are quiet for a while. A shard that was
    /// given back is free at once, but not before the quiet time that it was in has passed.
    async fn renew(&self, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error>;

    /// Gives shards back that the session owns. Nothing may be in flight on their devices.
    async fn release(&self, session: SessionKey, shards: &[Shard]) -> Result<(), Error>;

    /// Ends a session: its shards are free at once, and so are the GB devices bound to it. Nothing
    /// may be in flight.
    async fn end_session(&self, session: SessionKey) -> Result<(), Error>;

    /// The nodes and what they do. With `counted`, the registrations of each are counted, for which
    /// all of them are read: for an operator who asks, not for what is asked again and again.
    async fn cluster(&self, counted: bool) -> Result<ClusterState, Error>;

    /// What was committed after `after` by anybody, in an order that never changes: what is once
    /// passed is passed for good. At most `limit` commits.
    async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error>;

    /// Where the feed stands: whoever goes on from here misses nothing that is committed later.
    async fn feed_end(&self) -> Result<FeedPosition, Error>;

    /// Forgets at most `limit` commits of the feed that are older than `keep`, and gives how many.
    async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error>;

    /// What all nodes keep under this name, in the table `setting` as JSON text; the value given is
    /// kept if there is nothing yet. Such are the check of the master key that secrets are sealed
    /// with (`master-key-check`) and the sealed key by which phones know the servers
    /// (`adb-host-key`).
    async fn remember(&self, name: &str, value: &str) -> Result<String, Error>;

    /// What is kept under this name, if anything is.
    async fn remembered(&self, name: &str) -> Result<Option<String>, Error>;

    /// What tells this store from all others: made by chance when first asked for.
    async fn store_id(&self) -> Result<StoreId, Error> {
        let known = match self.remembered(STORE_ID).await? {
            Some(known) => known,
            None => self.remember(STORE_ID, &StoreId::new()?.to_string()).await?,
        };
        known.parse().map_err(|error| Error::Damaged {
            what: format!("setting {STORE_ID}"),
            detail: format!("{error}"),
        })
    }
}

//! The connections that a node lives by. They are its own: no queue of changes and no crowd of
//! readers is before them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fleet::{Epoch, JobId, RequestId, Shard};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::connect::{Connector, Purpose};
use super::connection::{Connection, During as _};
use super::failure::{Failure, away, failure_of};
use super::link::Link;
use super::pool::NoAnswer;
use super::{cluster, feed, history};
use crate::{
    Error, FeedPage, FeedPosition, ForgottenRollout, Held, NameTaken, NewSession, Renewal, Session,
    SessionEnded, SessionKey,
};

/// How long one operation may take on a connection that is open: less than a renewal has until the
/// next one is due ([`fleet::limits::LEASE_RENEW_EVERY`]).
const DEADLINE: Duration = Duration::from_secs(2);

/// How long it waits for a row that another holds, and how long something may take that is read:
/// less than that, so that the server says what happened.
const LOCK_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How often an operation is done that loses its connection or meets another.
const ATTEMPTS: u32 = 2;

/// The server gave up waiting for its standby and called the commit done, which only it will
/// remember.
#[derive(Debug, thiserror::Error)]
#[error("the database has committed without its standby")]
struct OnOneServerAlone;

/// What nodes do to live beside each other, over connections of their own.
pub(super) struct Nodes {
    /// For leases alone.
    leases: Own,
    /// For the feed alone, which is read many times a second.
    feed: Own,
    /// For what is rarely written.
    rare: Own,
}

/// A connection that one at a time uses.
struct Own {
    connector: Arc<Connector>,
    purpose: Purpose,
    link: Mutex<Option<Link>>,
    closed: AtomicBool,
}

/// Does an operation, on a new connection if there is none, and again if it may help. It is one
/// transaction, and done twice it is as if it was done once.
macro_rules! operate {
    ($own:expr, $operation:literal, |$c:ident| $work:expr) => {{
        let mut attempt = 1;
        loop {
            // Ours until it is put back: whatever breaks off here closes it.
            let mut place = $own.link.lock().await;
            let link = $own.ready(place.take(), $operation).await?;
            let result = {
                let $c: &Connection = &link;
                within($operation, &link, $work).await
            };
            match result {
                Ok(done) => {
                    *place = Some(link);
                    break Ok(done);
                }
                Err(error) if attempt == ATTEMPTS || !may_help(&error) => {
                    break Err(match failure_of(&error) {
                        Failure::Lost | Failure::NoRoom | Failure::Deadline => away(error),
                        Failure::Conflict | Failure::Statement => error,
                    });
                }
                Err(error) => tracing::debug!(%error, attempt, "{} again", $operation),
            }
            attempt += 1;
        }
    }};
}

impl Nodes {
    /// Connects to nothing yet.
    pub(super) fn new(connector: &Arc<Connector>) -> Self {
        let own = |purpose| Own {
            connector: Arc::clone(connector),
            purpose,
            link: Mutex::default(),
            closed: AtomicBool::default(),
        };
        // What is read has a time limit on the server too: a question whose asker has given it up
        // is not to go on there.
        let feed = own(Purpose::Read(LOCK_TIMEOUT));
        Self { leases: own(Purpose::Write), feed, rare: own(Purpose::Write) }
    }

    /// Closes the connections, each after what is under way on it.
    pub(super) async fn close(&self) {
        for own in [&self.leases, &self.feed, &self.rare] {
            own.closed.store(true, Ordering::Relaxed);
            drop(own.link.lock().await.take());
        }
    }

    /// See [`crate::Cluster::begin_session`].
    pub(super) async fn begin_session(
        &self,
        node: &NewSession,
        lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error> {
        operate!(self.leases, "begin a session", |c| cluster::begin_session(c, node, lease))
    }

    /// See [`crate::Cluster::renew`].
    pub(super) async fn renew(
        &self,
        renewal: &Renewal,
    ) -> Result<Result<Held, SessionEnded>, Error> {
        operate!(self.leases, "renew a session", |c| cluster::renew(c, renewal))
    }

    /// See [`crate::Cluster::release`].
    pub(super) async fn release(&self, session: SessionKey, shards: &[Shard]) -> Result<(), Error> {
        operate!(self.leases, "give shards back", |c| cluster::release(c, session, shards))
    }

    /// See [`crate::Cluster::end_session`].
    pub(super) async fn end_session(&self, session: SessionKey) -> Result<(), Error> {
        operate!(self.leases, "end a session", |c| cluster::end_session(c, session))
    }

    /// See [`crate::Cluster::changes`].
    pub(super) async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error> {
        operate!(self.feed, "read the feed", |c| feed::changes(c, after, limit))
    }

    /// See [`crate::Cluster::feed_end`].
    pub(super) async fn feed_end(&self) -> Result<FeedPosition, Error> {
        operate!(self.feed, "find the end of the feed", |c| feed::feed_end(c))
    }

    /// See [`crate::Cluster::prune_feed`].
    pub(super) async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error> {
        operate!(self.rare, "forget old commits", |c| feed::prune_feed(c, keep, limit))
    }

    /// See [`crate::History::forget_jobs`].
    pub(super) async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        jobs: &[JobId],
    ) -> Result<u64, Error> {
        operate!(self.rare, "forget old jobs", |c| history::delete(c, fence, jobs))
    }

    /// See [`crate::History::forget_rollout`].
    pub(super) async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error> {
        operate!(self.rare, "forget an old update", |c| history::forget_rollout(
            c, fence, id, limit
        ))
    }

    /// See [`crate::Cluster::remember`].
    pub(super) async fn remember(&self, name: &str, value: &str) -> Result<String, Error> {
        operate!(self.rare, "remember something", |c| cluster::remember(c, name, value))
    }
}

impl Own {
    /// The connection there was, or a new one if it is gone. Connecting has its own deadline, for
    /// each server that there may be.
    async fn ready(&self, link: Option<Link>, operation: &'static str) -> Result<Link, Error> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        if let Some(link) = link.filter(|link| self.connector.is_current(link)) {
            return Ok(link);
        }
        let failed = |source| Error::Away { operation, source: Box::new(source) };
        let link = self.connector.connect(self.purpose).await.map_err(failed)?;
        let sql = format!(
            "SET lock_timeout = {}; SET plan_cache_mode = force_custom_plan",
            LOCK_TIMEOUT.as_millis()
        );
        let set = async { link.client().batch_execute(&sql).await.during(operation) };
        within(operation, &link, set).await.map_err(away)?;
        Ok(link)
    }
}

/// What `work` gives, if it does so in time and without a warning of the server's.
async fn within<T>(
    operation: &'static str,
    link: &Link,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let warnings = link.warnings();
    let done = timeout(DEADLINE, work)
        .await
        .map_err(|_| Error::Failed { operation, source: Box::new(NoAnswer(DEADLINE)) })??;
    if link.warnings() != warnings {
        return Err(Error::Unknown { source: Box::new(OnOneServerAlone) });
    }
    Ok(done)
}

/// Whether to try once more.
fn may_help(error: &Error) -> bool {
    matches!(failure_of(error), Failure::Lost | Failure::Conflict)
}

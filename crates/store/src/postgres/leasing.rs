//! [`Cluster`]: see [`super::cluster`].

use std::time::Duration;

use async_trait::async_trait;
use fleet::Shard;
use tokio::time::Instant;

use super::failure::{Failure, failure_of};
use super::{Postgres, cluster};
use crate::{
    Cluster, ClusterState, Error, FeedPage, FeedPosition, Held, NameTaken, NewSession, Renewal,
    Session, SessionEnded, SessionKey,
};

/// How long a session that begins waits for rare changes that hold the guard: an import, say.
const BEGIN_DEADLINE: Duration = Duration::from_secs(30);

#[async_trait]
impl Cluster for Postgres {
    async fn begin_session(
        &self,
        node: &NewSession,
        lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error> {
        let until = Instant::now() + BEGIN_DEADLINE;
        loop {
            match self.nodes.begin_session(node, lease).await {
                Err(error) if failure_of(&error) == Failure::Conflict && Instant::now() < until => {
                    tracing::info!(%error, "a session can't begin yet");
                }
                Ok(Ok(session)) => {
                    self.session.set(session.key);
                    return Ok(Ok(session));
                }
                other => return other,
            }
        }
    }

    async fn renew(&self, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error> {
        self.nodes.renew(renewal).await
    }

    async fn release(&self, session: SessionKey, shards: &[Shard]) -> Result<(), Error> {
        self.nodes.release(session, shards).await
    }

    async fn end_session(&self, session: SessionKey) -> Result<(), Error> {
        self.nodes.end_session(session).await
    }

    async fn cluster(&self, counted: bool) -> Result<ClusterState, Error> {
        let c = self.reads.take().await?;
        c.read(cluster::cluster(&c, counted)).await
    }

    async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error> {
        self.nodes.changes(after, limit).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, Error> {
        self.nodes.feed_end().await
    }

    async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error> {
        self.nodes.prune_feed(keep, limit).await
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, Error> {
        self.nodes.remember(name, value).await
    }

    async fn remembered(&self, name: &str) -> Result<Option<String>, Error> {
        let c = self.reads.take().await?;
        c.read(cluster::remembered(&c, name)).await
    }
}

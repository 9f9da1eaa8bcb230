//! Webhooks: what happens, delivered to receivers by HTTP, in order and at least once.
//!
//! Of several nodes the one delivers that owns the shard which a webhook's id falls in, from the
//! place in the feed that is on record. That is written soon after each delivery that was taken, so
//! that whoever goes on after a crash repeats what had not been written yet and leaves nothing out.
//!
//! Start with `course`, which decides what is sent when and does no I/O; `follow` is one webhook's
//! task, `drive` has one for each webhook that is this node's, `ledger` writes where they stand,
//! and `manage` is what the doors ask for. What goes over the wire is a [`Deliver`]'s.

mod course;
mod drive;
mod follow;
mod ledger;
mod manage;
mod url;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use async_trait::async_trait;
use fleet::{ProjectKey, Secret, Shard, Timestamp, limits};
use sha2::{Digest as _, Sha256};
use store::rekey::WEBHOOK_SECRET;
use tokio::sync::{Notify, Semaphore};

use crate::events::Event;

pub(crate) use drive::drive;
pub(crate) use ledger::{keep, write};
pub use manage::{NewWebhook, Tried, WebhookChange};
pub use url::without_query;

use ledger::Ledger;

/// Who is told.
#[derive(Debug)]
pub struct Receiver {
    /// The webhook's id.
    pub webhook: String,
    /// Where deliveries go.
    pub url: String,
    /// What they are signed with.
    pub secret: Secret<String>,
}

/// What a receiver is told at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id: the same when it is tried again.
    pub id: String,
    /// What happened, in order, with when it was committed: at most
    /// [`limits::DELIVERY_EVENTS_MAX`]. None only if it is a person's trial.
    pub events: Vec<(Timestamp, Event)>,
    /// Whether events were left out before these: the feed does not hold them any more.
    pub dropped: bool,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What it said, as far as that is kept: at most [`limits::DELIVERY_FAILURE_BYTES_MAX`].
    pub detail: String,
}

impl Answer {
    /// Whether the delivery was taken: any status of success (RFC 9110, section 15.3).
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the receiver wants no more: 410 Gone (RFC 9110, section 15.5.11).
    fn is_gone(&self) -> bool {
        self.status == 410
    }

    /// The answer in words.
    fn words(&self) -> String {
        match self.detail.as_str() {
            "" => format!("HTTP status {}", self.status),
            detail => format!("HTTP status {}: {detail}", self.status),
        }
    }
}

/// A receiver did not answer. Says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// Sends deliveries.
#[async_trait]
pub trait Deliver: Send + Sync + 'static {
    /// Sends one, and gives the answer, whatever it says, within [`limits::DELIVERY_TIMEOUT`].
    /// `at` is now. Redirects are not followed.
    async fn deliver(
        &self,
        receiver: &Receiver,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<Answer, NoAnswer>;
}

/// What all parts of the engine know of webhooks.
pub(crate) struct Webhooks {
    /// How deliveries stand, as far as it is not written yet.
    ledger: Ledger,
    /// Asks for another look at which webhooks there are.
    pub(crate) changed: Notify,
    /// What sends; nothing does until there is one.
    pub(crate) deliver: OnceLock<Arc<dyn Deliver>>,
    /// One for each delivery that may be under way.
    slots: Arc<Semaphore>,
    /// Of these, how many a project's webhooks may have, by project; `None`: those of the whole
    /// server. Kept as long as one of its webhooks is delivered here.
    shares: Mutex<HashMap<Option<ProjectKey>, Weak<Semaphore>>>,
    /// One for each trial that may be under way.
    trials: Arc<Semaphore>,
}

impl Webhooks {
    pub(crate) fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            changed: Notify::new(),
            deliver: OnceLock::new(),
            slots: Arc::new(Semaphore::new(limits::DELIVERIES_AT_A_TIME)),
            shares: Mutex::default(),
            trials: Arc::new(Semaphore::new(limits::TRIALS_AT_A_TIME)),
        }
    }

    /// What bounds the deliveries of one project's webhooks; with `None`, of the whole server's.
    fn share(&self, project: Option<ProjectKey>) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&project).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(limits::DELIVERIES_PER_PROJECT));
        shares.insert(project, Arc::downgrade(&share));
        share
    }
}

/// The shard whose owner delivers for the webhook.
fn shard(id: &str) -> Shard {
    let [first, ..]: [u8; 32] = Sha256::digest(id).into();
    Shard(first)
}

/// What ties a webhook's sealed secret to its place, so that it opens nowhere else. No project has
/// an empty id: that place is of webhooks of the whole server.
fn sealed_with<'a>(project: Option<&'a fleet::ProjectId>, id: &'a str) -> [&'a str; 3] {
    [project.map_or("", fleet::ProjectId::as_str), id, WEBHOOK_SECRET]
}

#[cfg(test)]
mod tests;

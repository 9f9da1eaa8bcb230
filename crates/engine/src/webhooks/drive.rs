//! Has a task for each webhook that is this node's to deliver.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::{Principal, Secret};
use store::StoredWebhook;
use store::write::DeliveryNote;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::follow::Follow;
use super::{Deliver, Receiver, ledger, sealed_with, shard};
use crate::events::Events;
use crate::shared::Shared;

/// How often it is looked which webhooks are this node's.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the webhooks are read, where nothing tells of a change.
const READ_EVERY: Duration = Duration::from_secs(10);

/// What is delivered here.
struct Drive {
    shared: Arc<Shared>,
    events: Events,
    deliver: Arc<dyn Deliver>,
    /// The webhooks as they were read last.
    known: Vec<StoredWebhook>,
    /// When that was; `None` if they have to be read.
    read_at: Option<Instant>,
    /// Whether they could not be read: of many times in a row the first is told.
    fails: bool,
    /// Those that have a task: as they were when it began, and what stops it.
    followed: HashMap<String, (StoredWebhook, CancellationToken)>,
    tasks: JoinSet<String>,
    /// Those whose secrets can't be opened, which is noted once.
    sealed: HashMap<String, Vec<u8>>,
}

/// Delivers for all webhooks that are this node's, until it is to stop; what is under way then is
/// waited for.
pub(crate) async fn drive(
    shared: Arc<Shared>,
    events: Events,
    deliver: Arc<dyn Deliver>,
    stop: CancellationToken,
) {
    let mut drive = Drive {
        shared: shared.clone(),
        events,
        deliver,
        known: Vec::new(),
        read_at: None,
        fails: false,
        followed: HashMap::new(),
        tasks: JoinSet::new(),
        sealed: HashMap::new(),
    };
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = shared.webhooks.changed.notified() => drive.read_at = None,
            Some(ended) = drive.tasks.join_next() => drive.take_end(ended),
            _ = ticks.tick() => {}
        }
        drive.look().await;
    }
    drive.followed.values().for_each(|(_, stop)| stop.cancel());
    while drive.tasks.join_next().await.is_some() {}
}

impl Drive {
    /// A task has ended; where its webhook is to be delivered still, it begins anew.
    fn take_end(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(id) => drop(self.followed.remove(&id)),
            // The product aborts on a panic, so this is one that was aborted with the runtime.
            Err(error) => tracing::error!(%error, "a webhook's task did not end"),
        }
        self.read_at = None;
    }

    /// Stops the tasks of webhooks that have changed or are not this node's any more, and begins
    /// those of its own that have none.
    async fn look(&mut self) {
        let lacks = self.known.iter().any(|webhook| self.is_lacking(webhook));
        if lacks || self.read_at.is_none_or(|at| at.elapsed() >= READ_EVERY) {
            self.read().await;
        }
        for (webhook, stop) in self.followed.values() {
            let as_known = self.known.iter().find(|known| known.id == webhook.id);
            if as_known.is_none_or(|known| !self.is_ours(known) || is_another(known, webhook)) {
                stop.cancel();
            }
        }
        // What is begun goes on from the place that was read just now.
        let is_fresh = self.read_at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        let lacking = self.known.iter().filter(|webhook| is_fresh && self.is_lacking(webhook));
        for webhook in lacking.cloned().collect::<Vec<_>>() {
            self.begin(webhook);
        }
    }

    /// Whether the webhook is to be delivered here.
    fn is_ours(&self, webhook: &StoredWebhook) -> bool {
        webhook.enabled && self.shared.ownership.owns(shard(&webhook.id))
    }

    /// Whether it is to be delivered here and is not.
    fn is_lacking(&self, webhook: &StoredWebhook) -> bool {
        let can_open = self.sealed.get(&webhook.id) != Some(&webhook.sealed_secret);
        can_open && self.is_ours(webhook) && !self.followed.contains_key(&webhook.id)
    }

    /// Reads the webhooks, once all that is known of their deliveries here is written.
    async fn read(&mut self) {
        ledger::write(&self.shared).await;
        match self.shared.store.webhooks(&Principal::engine(), None).await {
            Ok(known) => {
                self.fails = false;
                self.sealed.retain(|id, _| known.iter().any(|webhook| webhook.id == *id));
                self.known = known;
                self.read_at = Some(Instant::now());
            }
            Err(error) => {
                if !std::mem::replace(&mut self.fails, true) {
                    tracing::warn!(%error, "webhooks can't be read");
                }
            }
        }
    }

    /// Begins to deliver for a webhook.
    fn begin(&mut self, webhook: StoredWebhook) {
        let (shared, id) = (&self.shared, webhook.id.clone());
        let place = sealed_with(webhook.project.as_ref().map(|(_, id)| id), &id);
        let opened = shared.master_key.open(&place, &webhook.sealed_secret).ok();
        let Some(secret) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            let why = "its secret can't be opened with this server's master key";
            tracing::warn!(webhook = id, "a webhook is not delivered: {why}");
            let failed = Some((shared.clock.now(), why.to_owned()));
            let failures = webhook.failures.saturating_add(1);
            shared.webhooks.ledger.note(DeliveryNote {
                id: id.clone(),
                position: None,
                succeeded_at: None,
                failed,
                failures,
                next_attempt_at: None,
                disable: false,
                changed_at: webhook.updated_at,
            });
            self.sealed.insert(id, webhook.sealed_secret);
            return;
        };
        let url = webhook.url.clone();
        let project = webhook.project.as_ref().map(|(key, _)| *key);
        let stop = CancellationToken::new();
        let follow = Follow {
            shared: shared.clone(),
            events: self.events.clone(),
            deliver: self.deliver.clone(),
            receiver: Receiver { webhook: id.clone(), url, secret: Secret::new(secret) },
            share: shared.webhooks.share(project),
            stop: stop.clone(),
        };
        self.followed.insert(id.clone(), (webhook.clone(), stop));
        self.tasks.spawn(async move {
            follow.run(webhook).await;
            id
        });
    }
}

/// Whether a person has changed it since.
fn is_another(known: &StoredWebhook, followed: &StoredWebhook) -> bool {
    let of = |webhook: &StoredWebhook| {
        let StoredWebhook { url, types, sealed_secret, updated_at, .. } = webhook.clone();
        (url, types, sealed_secret, updated_at)
    };
    of(known) != of(followed)
}

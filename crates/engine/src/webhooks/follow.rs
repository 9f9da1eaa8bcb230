//! The task of one webhook: hears what happens, and sends.

use std::sync::Arc;
use std::time::Duration;

use store::StoredWebhook;
use store::write::DeliveryNote;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::course::{Course, Next};
use super::{Deliver, Delivery, Receiver, shard, without_query};
use crate::events::{Events, Watch};
use crate::shared::Shared;

/// How often it is looked whether a place has to be noted while nothing happens.
const REST_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// How long after the store has failed it is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the task is made from.
pub(super) struct Follow {
    pub(super) shared: Arc<Shared>,
    pub(super) events: Events,
    pub(super) deliver: Arc<dyn Deliver>,
    pub(super) receiver: Receiver,
    /// What its project may have under way.
    pub(super) share: Arc<Semaphore>,
    /// From then on it sends nothing more; what it has sent is waited for.
    pub(super) stop: CancellationToken,
}

impl Follow {
    /// Tells the receiver what happens after the webhook's place, until it is stopped, the
    /// webhook's shard is another node's, or the receiver wants no more.
    pub(super) async fn run(self, webhook: StoredWebhook) {
        let mut course = Course::new(&webhook, self.shared.clock.now());
        let mut watch = None;
        let mut fails = webhook.failures > 0;
        while !self.stop.is_cancelled() {
            let now = self.shared.clock.now();
            match course.next(now, || random_id(&self.shared)) {
                Next::Hear => {
                    let stop = self.stop.clone();
                    let hear = self.hear(&mut course, &mut watch);
                    stop.run_until_cancelled(hear).await;
                }
                Next::Wait(wait) => {
                    self.stop.run_until_cancelled(sleep(wait)).await;
                }
                Next::Send(delivery) => {
                    if !self.send(&mut course, &delivery, &mut fails).await {
                        return;
                    }
                    if fails && course.shed() {
                        watch = None;
                    }
                }
            }
        }
    }

    /// Hears what happens, as much as is there and one delivery takes; waits until there is some.
    async fn hear(&self, course: &mut Course, watch: &mut Option<Watch>) {
        let watch = match watch {
            Some(watch) => watch,
            None => match self.events.follow(course.hears_from()).await {
                Ok(begun) => watch.insert(begun),
                Err(error) => {
                    tracing::warn!(%error, "the events for a webhook can't be read");
                    sleep(AGAIN_AFTER).await;
                    return;
                }
            },
        };
        let Ok(told) = timeout(REST_LOOKED_AT_EVERY, watch.next()).await else {
            let note = course.rests_at(watch.token(), self.shared.clock.now());
            self.note(note);
            return;
        };
        course.hear(&told, |position| watch.token_of(position));
        while course.has_room() {
            let Ok(told) = timeout(Duration::ZERO, watch.next()).await else { break };
            course.hear(&told, |position| watch.token_of(position));
        }
        let note = course.passes(self.shared.clock.now());
        self.note(note);
    }

    /// Has the place noted, if it is to be.
    fn note(&self, note: Option<DeliveryNote>) {
        if let Some(note) = note {
            self.shared.webhooks.ledger.note(note);
        }
    }

    /// Sends a delivery, and notes what came of it. Gives whether there may be more to send.
    async fn send(&self, course: &mut Course, delivery: &Delivery, fails: &mut bool) -> bool {
        let shared = &self.shared;
        // Its project's turn first: who waits for that takes no other project's room.
        let turn = self.share.acquire();
        let Some(Ok(_turn)) = self.stop.run_until_cancelled(turn).await else { return false };
        let slot = shared.webhooks.slots.acquire();
        let Some(Ok(_slot)) = self.stop.run_until_cancelled(slot).await else { return false };
        if !shared.ownership.owns(shard(&self.receiver.webhook)) {
            return false;
        }
        let answer = self.deliver.deliver(&self.receiver, delivery, shared.clock.now()).await;
        let now = shared.clock.now();
        let (note, result) = match &answer {
            Ok(answer) if answer.is_taken() => (course.succeeded(now), "delivered"),
            Ok(answer) if answer.is_gone() => (course.gone(now, &answer.words()), "gone"),
            Ok(answer) => (course.failed(now, &answer.words(), &*shared.entropy), "failed"),
            Err(error) => (course.failed(now, &error.to_string(), &*shared.entropy), "failed"),
        };
        metrics::counter!("fleetwright_webhook_deliveries_total", "result" => result).increment(1);
        self.tell(&note, fails);
        let goes_on = !note.disable;
        shared.webhooks.ledger.note(note);
        goes_on
    }

    /// Says how it goes where that has changed: of many failures in a row the first is told.
    fn tell(&self, note: &DeliveryNote, fails: &mut bool) {
        let Receiver { webhook, url, .. } = &self.receiver;
        let url = without_query(url);
        let failed = std::mem::replace(fails, note.failed.is_some());
        match &note.failed {
            Some((_, why)) if note.disable => {
                tracing::warn!(webhook, url, why, "a webhook's receiver is gone: it is disabled");
            }
            Some((_, why)) if !failed => {
                tracing::warn!(webhook, url, why, "a webhook's delivery failed: it is tried again");
            }
            None if failed => {
                tracing::info!(webhook, url, "a webhook's deliveries are taken again");
            }
            _ => {}
        }
    }
}

/// The id of a delivery.
pub(super) fn random_id(shared: &Shared) -> String {
    let mut bytes = [0_u8; 16];
    shared.entropy.fill(&mut bytes);
    hex::encode(bytes)
}

//! What one webhook is told when. No I/O and no time of its own: it is told what happened, what the
//! time is and what came of a delivery.

use std::collections::VecDeque;
use std::time::Duration;

use fleet::limits::{DELIVERY_EVENTS_MAX, DELIVERY_FAILURE_BYTES_MAX, DELIVERY_RETRY, FEED_KEPT};
use fleet::{EventTypes, ProjectKey, Timestamp};
use store::write::DeliveryNote;
use store::{FeedPosition, ResumeToken, StoredWebhook};

use super::Delivery;
use crate::clock::Entropy;
use crate::events::{Event, Told};

/// How long the place may stay as it was on record while nothing happens that is told: far less
/// than the feed is kept, or it would be lost.
const PLACE_NOTED_EVERY: Duration = Duration::from_secs(600);

/// One webhook's way through the feed.
#[derive(Debug)]
pub(super) struct Course {
    id: String,
    /// When the webhook was last changed, as it is followed.
    changed_at: Timestamp,
    /// The project whose events it is told of; `None`: all.
    project: Option<ProjectKey>,
    types: EventTypes,
    /// Up to here all was taken that is told; `None`: from now on.
    place: Option<ResumeToken>,
    /// What was heard and is in no delivery yet.
    waiting: VecDeque<Waiting>,
    /// Whether events were left out that the receiver does not know of.
    dropped: bool,
    /// What is to be sent, until it is taken.
    batch: Option<Batch>,
    failures: u32,
    /// Nothing is sent before.
    next_at: Option<Timestamp>,
    /// The place that is on record, or will be, and when it was last noted.
    noted: (Option<ResumeToken>, Timestamp),
}

/// Something heard.
#[derive(Debug)]
enum Waiting {
    /// It happened then.
    Event(Timestamp, Event),
    /// All before is whole up to here.
    Place(ResumeToken),
    /// Something was left out here.
    Dropped,
}

/// What goes out together.
#[derive(Debug)]
struct Batch {
    delivery: Delivery,
    /// When the first of it happened.
    oldest: Timestamp,
    /// Where one goes on who has taken it; `None` in the middle of a commit.
    place: Option<ResumeToken>,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Hear more.
    Hear,
    /// Wait so long.
    Wait(Duration),
    /// Send this.
    Send(Delivery),
}

impl Course {
    /// That of a webhook as it is on record.
    pub(super) fn new(webhook: &StoredWebhook, now: Timestamp) -> Self {
        let wait_max = now.plus(DELIVERY_RETRY.1);
        let place = webhook.position.parse().ok();
        Self {
            id: webhook.id.clone(),
            changed_at: webhook.updated_at,
            project: webhook.project.as_ref().map(|(key, _)| *key),
            types: webhook.types,
            place,
            waiting: VecDeque::new(),
            dropped: false,
            batch: None,
            failures: webhook.failures,
            // Another node's clock may be ahead.
            next_at: webhook.next_attempt_at.map(|at| at.min(wait_max)),
            noted: (place, now),
        }
    }

    /// Where to hear on from, where nothing is heard at the moment.
    pub(super) fn hears_from(&self) -> Option<ResumeToken> {
        self.batch.as_ref().and_then(|batch| batch.place).or(self.place)
    }

    /// Whether more may be heard: as much as one delivery takes.
    pub(super) fn has_room(&self) -> bool {
        self.batch.is_none() && self.waiting.len() < DELIVERY_EVENTS_MAX
    }

    /// Takes what it hears, with what makes a token of a place.
    pub(super) fn hear(&mut self, told: &Told, token_of: impl Fn(FeedPosition) -> ResumeToken) {
        match told {
            Told::Dropped(dropped) => {
                self.waiting.push_back(Waiting::Dropped);
                self.waiting.extend(dropped.to.map(Waiting::Place));
            }
            Told::Happened(parts) => {
                for part in parts.iter() {
                    let passing = part.events.iter().filter(|event| self.wants(event));
                    let passing = passing.map(|event| Waiting::Event(part.at, event.clone()));
                    let passing: Vec<_> = passing.collect();
                    self.waiting.extend(passing);
                    if part.is_last {
                        self.reach(token_of(part.position));
                    }
                }
            }
        }
    }

    /// All was heard up to here.
    fn reach(&mut self, place: ResumeToken) {
        match self.waiting.back_mut() {
            Some(Waiting::Place(last)) => *last = place,
            _ => self.waiting.push_back(Waiting::Place(place)),
        }
    }

    /// Whether its receiver is told of this.
    fn wants(&self, event: &Event) -> bool {
        let is_seen = self.project.is_none_or(|project| event.project == Some(project));
        is_seen && self.types.holds(event.what.event_type())
    }

    /// What is to be done now. `id` makes the id of a delivery.
    pub(super) fn next(&mut self, now: Timestamp, id: impl FnOnce() -> String) -> Next {
        if self.batch.as_ref().is_some_and(|batch| now.since(batch.oldest) > FEED_KEPT) {
            self.give_up();
        }
        if self.batch.is_none() {
            self.gather(id);
        }
        let Some(batch) = &self.batch else { return Next::Hear };
        match self.next_at {
            Some(next) if next > now => Next::Wait(next.since(now)),
            _ => Next::Send(batch.delivery.clone()),
        }
    }

    /// Leaves out what could not be delivered for so long that the feed has forgotten it: one who
    /// went on from the place on record would not find it either.
    fn give_up(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.dropped = true;
            self.place = batch.place.or(self.place);
        }
    }

    /// Makes a delivery of what waits, if anything does that is told.
    fn gather(&mut self, id: impl FnOnce() -> String) {
        let mut events: Vec<(Timestamp, Event)> = Vec::new();
        let mut place = None;
        while let Some(next) = self.waiting.pop_front() {
            match next {
                Waiting::Event(..) if events.len() == DELIVERY_EVENTS_MAX => {
                    self.waiting.push_front(next);
                    break;
                }
                Waiting::Event(at, event) => {
                    events.push((at, event));
                    place = None;
                }
                Waiting::Place(reached) if events.is_empty() => self.place = Some(reached),
                Waiting::Place(reached) => place = Some(reached),
                Waiting::Dropped if events.is_empty() => self.dropped = true,
                // What comes before it is told as whole.
                Waiting::Dropped => {
                    self.waiting.push_front(next);
                    break;
                }
            }
        }
        if let Some((oldest, _)) = events.first() {
            let (oldest, dropped) = (*oldest, self.dropped);
            let delivery = Delivery { id: id(), events, dropped };
            self.batch = Some(Batch { delivery, oldest, place });
        }
    }

    /// The delivery was taken.
    pub(super) fn succeeded(&mut self, now: Timestamp) -> DeliveryNote {
        let reached = self.batch.take().and_then(|batch| batch.place);
        self.place = reached.or(self.place);
        (self.dropped, self.failures, self.next_at) = (false, 0, None);
        if reached.is_some() {
            self.noted = (reached, now);
        }
        DeliveryNote { position: reached, succeeded_at: Some(now), ..self.note() }
    }

    /// The delivery failed. It is tried again, each time after about twice as long.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        why: &str,
        entropy: &dyn Entropy,
    ) -> DeliveryNote {
        self.failures = self.failures.saturating_add(1);
        self.next_at = Some(now.plus(wait_after(self.failures, entropy)));
        DeliveryNote { failed: Some((now, clipped(why))), ..self.note() }
    }

    /// The receiver wants no more.
    pub(super) fn gone(&mut self, now: Timestamp, why: &str) -> DeliveryNote {
        self.failures = self.failures.saturating_add(1);
        self.next_at = None;
        DeliveryNote { failed: Some((now, clipped(why))), disable: true, ..self.note() }
    }

    /// Forgets what was heard after the delivery that waits, if that can be heard again: a receiver
    /// that is away takes no memory. Gives whether it did.
    pub(super) fn shed(&mut self) -> bool {
        let can_shed = self.batch.as_ref().is_some_and(|batch| batch.place.is_some());
        if can_shed {
            self.waiting.clear();
        }
        can_shed
    }

    /// Nothing was heard for a while, and all was up to here. Gives what is to be noted, where what
    /// is on record has become old.
    pub(super) fn rests_at(&mut self, place: ResumeToken, now: Timestamp) -> Option<DeliveryNote> {
        // While it is not told that something was left out, the place on record shows it.
        if self.batch.is_some() || !self.waiting.is_empty() || self.dropped {
            return None;
        }
        self.place = Some(place);
        self.passes(now)
    }

    /// What is to be noted of the place while nothing happens that is told, where what is on record
    /// has become old.
    pub(super) fn passes(&mut self, now: Timestamp) -> Option<DeliveryNote> {
        let (place, noted_at) = self.noted;
        let is_old = self.place != place && now.since(noted_at) >= PLACE_NOTED_EVERY;
        if !is_old || self.batch.is_some() || self.dropped {
            return None;
        }
        self.noted = (self.place, now);
        Some(DeliveryNote { position: self.place, ..self.note() })
    }

    /// How it stands.
    fn note(&self) -> DeliveryNote {
        DeliveryNote {
            id: self.id.clone(),
            position: None,
            succeeded_at: None,
            failed: None,
            failures: self.failures,
            next_attempt_at: self.next_at,
            disable: false,
            changed_at: self.changed_at,
        }
    }
}

/// How long to wait after so many failures in a row: twice as long each time, up to a bound, and of
/// that between half and all, so that many receivers that came back together are not all told at
/// once.
fn wait_after(failures: u32, entropy: &dyn Entropy) -> Duration {
    let (first, longest) = DELIVERY_RETRY;
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = first.saturating_mul(doubled).min(longest);
    let mut random = [0_u8; 2];
    entropy.fill(&mut random);
    let share = f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX);
    (wait / 2 + (wait / 2).mul_f64(share)).max(first)
}

/// A reason as it is kept: on one line and not too long.
fn clipped(why: &str) -> String {
    let mut text: String =
        why.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    text.truncate(text.floor_char_boundary(DELIVERY_FAILURE_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests;

//! What happens, for clients that watch: the feed's commits turned into events.
//!
//! One reader a node follows the feed, as long as anybody watches, and hands what it finds to all
//! through one queue that they share. What came before a client began to watch it reads by itself,
//! a page at a time. Whoever falls behind by more than the queue holds is told what was left out,
//! and by that place in the feed can ask for it again.
//!
//! Start with [`Events::watch`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fleet::limits::FEED_EVERY;
use fleet::{DeviceId, EventType, JobId, ProjectId, ProjectKey, RequestId, Timestamp};
use store::{Commit, FeedPosition, ResumeToken, StoreId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::handle::Handle;

mod describe;
mod hub;

use hub::{Hub, Item};

/// Clients that watch at one node.
pub const WATCHES_MAX: usize = 256;

/// Clients that read what came before they began to watch, at one time.
const CATCH_UPS_MAX: usize = 4;

/// Commits read at a time, and of those how many changes are looked at together. A commit whose
/// changes are more is looked at alone.
const PAGE: u32 = 200;
const CHANGES_AT_A_TIME: usize = 10_000;

/// How often in a row a client may fall behind on its way from what came before to what comes,
/// before something is left out.
const FALLS_IN_A_ROW_MAX: u32 = 3;

/// How long after the store has failed it is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The project that it concerns: only those who may see that may be told. `None` if it is all
    /// projects' or nobody's any more: for those alone who may see all.
    pub project: Option<ProjectKey>,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// An update was accepted, or a wave of one.
    UpdateAccepted {
        /// Its id.
        id: RequestId,
        /// Its project; `None` if that is gone.
        project: Option<ProjectId>,
        /// How many jobs it has.
        jobs: usize,
    },
    /// A job has ended.
    JobEnded {
        /// Its id.
        id: JobId,
        /// Its device.
        device: DeviceId,
        /// Its project.
        project: ProjectId,
        /// Whether it succeeded.
        succeeded: bool,
    },
    /// Something of a device may be another.
    DeviceChanged {
        /// The device; `None` if it is gone and its id with it.
        id: Option<DeviceId>,
        /// Its project; `None` alike.
        project: Option<ProjectId>,
        /// What.
        what: Aspect,
    },
    /// Projects have come, changed or gone.
    ProjectsChanged,
}

impl Happened {
    /// Its type.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::UpdateAccepted { .. } => EventType::UpdateAccepted,
            Self::JobEnded { .. } => EventType::JobEnded,
            Self::DeviceChanged { .. } => EventType::DeviceChanged,
            Self::ProjectsChanged => EventType::ProjectsChanged,
        }
    }
}

/// Of what of a device there may be something else to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Its record, or what operators ask of it; or it is new.
    Record,
    /// A camera has registered, moved or gone.
    Registration,
    /// A camera's channels.
    Channels,
    /// What it shows, or how it is doing: the result of a step was written.
    Settled,
    /// It is gone.
    Deleted,
}

impl Aspect {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Registration => "registration",
            Self::Channels => "channels",
            Self::Settled => "settled",
            Self::Deleted => "deleted",
        }
    }
}

/// What one commit did, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The commit's place in the feed.
    pub position: FeedPosition,
    /// When it was made, by the store's clock.
    pub at: Timestamp,
    /// What it did; never nothing.
    pub events: Vec<Event>,
    /// Whether this is the last part of the commit: one who goes on from its place has all of it.
    pub is_last: bool,
}

/// Parts of commits that follow each other.
pub type Parts = Arc<[Part]>;

/// Why events are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The client took them too slowly.
    Behind,
    /// The feed does not hold what followed: it is too old, or the store was put back to an earlier
    /// state, or another server of the store has taken over.
    Gap,
    /// The place to go on from is of another store.
    OtherStore,
}

impl Why {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Gap => "gap",
            Self::OtherStore => "other_store",
        }
    }
}

/// Events that are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Why not.
    pub why: Why,
    /// After which place in the feed.
    pub from: ResumeToken,
    /// Up to which place, where it goes on; `None` if the feed does not say.
    pub to: Option<ResumeToken>,
}

/// What a client that watches is to be told next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened.
    Happened(Parts),
    /// Something happened that is not told.
    Dropped(Dropped),
}

/// Why nobody can watch now.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// As many watch as may.
    #[error("{WATCHES_MAX} clients watch at this node, and no more may")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What clients watch at one node. Cheap to clone; one node makes one.
#[derive(Clone)]
pub struct Events {
    hub: Arc<Hub>,
    places: Arc<Semaphore>,
    catch_ups: Arc<Semaphore>,
    store: Arc<OnceCell<StoreId>>,
}

impl Events {
    /// What happens on the store of `handle`. Nothing is read until somebody watches.
    pub fn new(handle: &Handle) -> Self {
        Self {
            hub: Arc::new(Hub::new(handle.shared.clone())),
            places: Arc::new(Semaphore::new(WATCHES_MAX)),
            catch_ups: Arc::new(Semaphore::new(CATCH_UPS_MAX)),
            store: Arc::default(),
        }
    }

    /// Begins to watch: after the place `after`, or from now on.
    ///
    /// Errors: as many watch as may, or the store failed.
    pub async fn watch(&self, after: Option<ResumeToken>) -> Result<Watch, WatchError> {
        let places = self.places.clone();
        let place = places.try_acquire_owned().map_err(|_| WatchError::TooMany)?;
        Ok(self.begin(after, Some(place)).await?)
    }

    /// The same for who must be told everything, however long it takes: what it was too slow for
    /// is read from the feed again. It takes none of the clients' places.
    pub(crate) async fn follow(&self, after: Option<ResumeToken>) -> Result<Watch, store::Error> {
        self.begin(after, None).await
    }

    async fn begin(
        &self,
        after: Option<ResumeToken>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Watch, store::Error> {
        let shared = &self.hub.shared;
        let store = *self.store.get_or_try_init(|| shared.store.store_id()).await?;
        let end = shared.store.feed_end().await?;
        let (after, other) = match after {
            Some(token) if token.store == store => (Some(token.position), None),
            Some(token) => {
                let to = Some(ResumeToken { store, position: end });
                (None, Some(Dropped { why: Why::OtherStore, from: token, to }))
            }
            None => (None, None),
        };
        Ok(Watch {
            events: self.clone(),
            store,
            position: after.unwrap_or(end),
            dropped: other,
            page: VecDeque::new(),
            reach: None,
            parts: VecDeque::new(),
            ahead: None,
            live: None,
            is_settled: false,
            falls: 0,
            again: None,
            place,
        })
    }
}

/// A client's way into the queue that all share.
type Live = Receiver<Arc<Item>>;

/// One that watches. A client holds one of the node's places until it is dropped.
pub struct Watch {
    events: Events,
    store: StoreId,
    /// All up to here was told.
    position: FeedPosition,
    /// What is told before anything else.
    dropped: Option<Dropped>,
    /// Commits of a page that were not looked at yet.
    page: VecDeque<Commit>,
    /// Where that page ends.
    reach: Option<FeedPosition>,
    /// What was found in those that were.
    parts: VecDeque<Parts>,
    /// The queue, which holds what comes after this place, while what comes before it is read.
    ahead: Option<(Live, FeedPosition)>,
    /// The queue, once all before was told.
    live: Option<Live>,
    /// Whether it has kept up with the queue at least once.
    is_settled: bool,
    /// How often it has not, one after the other.
    falls: u32,
    /// When the store, which has failed or was not ready, is asked again.
    again: Option<Instant>,
    /// One of those that clients have; `None` for who must be told everything.
    place: Option<OwnedSemaphorePermit>,
}

impl Watch {
    /// The place that all has been told up to: where one who begins anew goes on.
    pub fn token(&mut self) -> ResumeToken {
        let nothing_left = self.live.as_ref().and_then(|live| self.events.hub.end(live));
        if let Some(end) = nothing_left {
            self.is_settled = true;
            self.position = self.position.max(end);
        }
        self.token_of(self.position)
    }

    /// The token of a place.
    pub fn token_of(&self, position: FeedPosition) -> ResumeToken {
        ResumeToken { store: self.store, position }
    }

    /// What is to be told next. May be dropped while it waits and asked again: nothing is lost by
    /// that. The store's failures are logged and waited out.
    pub async fn next(&mut self) -> Told {
        loop {
            if let Some(again) = self.again {
                sleep_until(again).await;
                self.again = None;
            }
            if let Some(dropped) = self.dropped.take() {
                return Told::Dropped(dropped);
            }
            if let Some(parts) = self.parts.pop_front() {
                self.note(&parts);
                return Told::Happened(parts);
            }
            let read = if !self.page.is_empty() {
                self.look().await
            } else if let Some(reach) = self.reach.take() {
                self.position = reach;
                self.go_live();
                Ok(())
            } else if self.live.is_some() {
                if let Some(told) = self.hear().await {
                    return told;
                }
                Ok(())
            } else {
                self.read().await
            };
            if let Err(error) = read {
                tracing::warn!(%error, "the events that a client asks for can't be read");
                self.again = Some(Instant::now() + AGAIN_AFTER);
            }
        }
    }

    /// Goes on to where these parts end.
    fn note(&mut self, parts: &Parts) {
        if let Some(part) = parts.iter().rev().find(|part| part.is_last) {
            self.position = part.position;
        }
    }

    /// Reads a page of what came before. With the last one it begins to hold what comes.
    async fn read(&mut self) -> Result<(), store::Error> {
        let hub = self.events.hub.clone();
        let page = {
            let _turn = self.events.catch_ups.acquire().await;
            hub.shared.store.changes(self.position, PAGE).await?
        };
        if page.gap {
            let to = page.commits.is_empty().then_some(page.next);
            self.dropped = Some(self.leave_out(Why::Gap, to));
        }
        let is_full = page.commits.len() >= PAGE as usize;
        match self.ahead {
            None if !is_full => self.ahead = Some(hub.join(page.next)),
            // The queue's reader has seen more than this read has.
            Some(_) if page.commits.is_empty() => self.again = Some(Instant::now() + FEED_EVERY),
            _ => {}
        }
        self.page = page.commits.into();
        self.reach = Some(page.next);
        Ok(())
    }

    /// Looks at the next commits of the page.
    async fn look(&mut self) -> Result<(), store::Error> {
        let group = describe::group(self.page.make_contiguous());
        let parts = {
            let _turn = self.events.catch_ups.acquire().await;
            self.events.hub.describe(group).await?
        };
        let count = group.len();
        self.page.drain(..count);
        self.parts = parts.into();
        Ok(())
    }

    /// Goes on with the queue, if all before it was told.
    fn go_live(&mut self) {
        self.live = match self.ahead.take() {
            Some((live, begins)) if begins <= self.position => Some(live),
            ahead => {
                self.ahead = ahead;
                return;
            }
        };
        self.is_settled = false;
    }

    /// Waits for what comes.
    async fn hear(&mut self) -> Option<Told> {
        match self.live.as_mut()?.recv().await {
            Ok(item) => {
                (self.is_settled, self.falls) = (true, 0);
                match &*item {
                    Item::Happened(parts) => self.unless_told(parts),
                    Item::Gap(to) => Some(Told::Dropped(self.leave_out(Why::Gap, *to))),
                }
            }
            // What it was too slow for is read as what came before is.
            Err(RecvError::Lagged(_)) if self.may_fall_behind() => {
                self.live = None;
                self.falls = self.falls.saturating_add(1);
                None
            }
            Err(RecvError::Lagged(_)) => {
                let (live, begins) = self.events.hub.join(self.position);
                self.live = Some(live);
                Some(Told::Dropped(self.leave_out(Why::Behind, Some(begins))))
            }
            Err(RecvError::Closed) => {
                self.live = None;
                None
            }
        }
    }

    /// Whether what it is too slow for is read again.
    fn may_fall_behind(&self) -> bool {
        self.place.is_none() || !self.is_settled && self.falls < FALLS_IN_A_ROW_MAX
    }

    /// These parts without those that were told: what was read before may reach into the queue.
    fn unless_told(&mut self, parts: &Parts) -> Option<Told> {
        let is_new = |part: &&Part| part.position > self.position;
        let parts = if parts.iter().all(|part| is_new(&part)) {
            parts.clone()
        } else {
            parts.iter().filter(is_new).cloned().collect()
        };
        self.note(&parts);
        (!parts.is_empty()).then_some(Told::Happened(parts))
    }

    /// Goes on at another place, if it is known.
    fn leave_out(&mut self, why: Why, to: Option<FeedPosition>) -> Dropped {
        metrics::counter!("fleetwright_events_dropped_total", "why" => why.name()).increment(1);
        let from = self.token_of(self.position);
        if let Some(to) = to {
            self.position = to;
        }
        Dropped { why, from, to: to.map(|to| self.token_of(to)) }
    }
}

#[cfg(test)]
mod tests;

//! The one reader of the feed, and the queue from which all clients take what it finds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleet::{DeviceKey, ProjectId, ProjectKey, limits};
use quick_cache::sync::Cache;
use store::FeedPosition;
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::time::MissedTickBehavior;

use super::describe::{Named, group};
use super::{PAGE, Parts};
use crate::shared::Shared;

/// What the queue holds at most; a client that has more before it is behind. With what one holds at
/// most, some 10 MB.
const QUEUE_MAX: usize = 256;

/// Devices whose names are kept, for when they are gone.
const NAMES_MAX: usize = 20_000;

/// What is in the queue.
#[derive(Debug)]
pub(super) enum Item {
    /// Something happened.
    Happened(Parts),
    /// The feed did not hold what followed; it goes on there, if that is known.
    Gap(Option<FeedPosition>),
}

/// What the reader and the clients share.
pub(super) struct Hub {
    pub(super) shared: Arc<Shared>,
    queue: Mutex<Queue>,
    /// What devices that were told of are called.
    pub(super) names: Cache<DeviceKey, Named>,
    /// The ids of projects.
    pub(super) projects: Mutex<HashMap<ProjectKey, ProjectId>>,
}

struct Queue {
    sender: Sender<Arc<Item>>,
    /// All up to here is in the queue, or was.
    position: FeedPosition,
    /// Whether there is a reader.
    is_read: bool,
}

impl Hub {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let position = FeedPosition::default();
        let queue = Queue { sender: channel(QUEUE_MAX).0, position, is_read: false };
        let (names, projects) = (Cache::new(NAMES_MAX), Mutex::default());
        Self { shared, queue: Mutex::new(queue), names, projects }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more take from the queue, from now on, and gives the place after which that begins.
    /// If nobody reads the feed, reading it begins at `position`.
    pub(super) fn join(
        self: &Arc<Self>,
        position: FeedPosition,
    ) -> (Receiver<Arc<Item>>, FeedPosition) {
        let mut queue = self.queue();
        let live = queue.sender.subscribe();
        if !queue.is_read {
            (queue.is_read, queue.position) = (true, position);
            let reader = Reader { hub: self.clone(), has_ended: false };
            tokio::spawn(reader.run(position));
        }
        (live, queue.position)
    }

    /// Up to where one has taken all, if it has.
    pub(super) fn end(&self, live: &Receiver<Arc<Item>>) -> Option<FeedPosition> {
        let queue = self.queue();
        live.is_empty().then_some(queue.position)
    }

    /// Whether the feed is being read.
    #[cfg(test)]
    pub(super) fn has_reader(&self) -> bool {
        self.queue().is_read
    }

    /// Puts into the queue what the commits up to `position` did. A commit is there whole or not.
    pub(super) fn put(&self, items: Vec<Item>, position: FeedPosition) {
        let mut queue = self.queue();
        for item in items {
            // Nobody may be there any more; the reader will see that.
            let _ = queue.sender.send(Arc::new(item));
        }
        queue.position = position;
    }
}

/// Reads the feed.
struct Reader {
    hub: Arc<Hub>,
    /// Whether the queue knows that this one reads no more.
    has_ended: bool,
}

impl Reader {
    /// Reads on from `position` until nobody watches.
    async fn run(mut self, mut position: FeedPosition) {
        let mut fails = false;
        let mut ticks = tokio::time::interval(limits::FEED_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.ends() {
            ticks.tick().await;
            loop {
                match self.read(&mut position).await {
                    Ok(is_full) => {
                        fails = false;
                        if !is_full {
                            break;
                        }
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut fails, true) {
                            tracing::warn!(%error, "the events for clients can't be read");
                        }
                        break;
                    }
                }
            }
        }
    }

    /// Reads a page from `position` on, and moves that. Gives whether there was more than a page.
    async fn read(&self, position: &mut FeedPosition) -> Result<bool, store::Error> {
        let page = self.hub.shared.store.changes(*position, PAGE).await?;
        let is_full = page.commits.len() >= PAGE as usize;
        if page.gap {
            let to = page.commits.is_empty().then_some(page.next);
            self.hub.put(vec![Item::Gap(to)], page.next);
        }
        let mut commits = page.commits.as_slice();
        while let (group, Some(last)) = (group(commits), group(commits).last()) {
            let parts = self.hub.describe(group).await?;
            *position = last.position;
            self.hub.put(parts.into_iter().map(Item::Happened).collect(), *position);
            commits = commits.get(group.len()..).unwrap_or_default();
            // What was put there is to be taken before more is.
            tokio::task::yield_now().await;
        }
        *position = page.next;
        self.hub.put(Vec::new(), *position);
        Ok(is_full)
    }

    /// Ends if nobody watches.
    fn ends(&mut self) -> bool {
        let mut queue = self.hub.queue();
        if queue.sender.receiver_count() == 0 {
            queue.is_read = false;
            self.has_ended = true;
        }
        self.has_ended
    }
}

impl Drop for Reader {
    /// One that ends by a fault, or with the runtime, leaves nobody waiting: who takes from the
    /// queue sees it closed, and begins anew.
    fn drop(&mut self) {
        if !self.has_ended {
            let mut queue = self.hub.queue();
            queue.is_read = false;
            queue.sender = channel(QUEUE_MAX).0;
        }
    }
}

//! The one task that owns the lanes: takes messages, starts steps within the bounds, and hears how
//! they ended.

use std::sync::Arc;
use std::time::Duration;

use fleet::DeviceKey;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::lane::{After, Bounds, Finished, Lanes, Moment, Turn};
use crate::ownership::View;
use crate::shared::{Message, Shared};
use crate::step::{self, Outcome, Then};

/// Messages taken at a time before steps are started again.
const MESSAGES_AT_A_TIME: usize = 256;

/// The owner of the lanes.
pub(crate) struct Runner {
    shared: Arc<Shared>,
    lanes: Lanes,
    inbox: mpsc::Receiver<Message>,
    steps: JoinSet<(Turn, Outcome)>,
    started: Instant,
    /// Of the whole cluster.
    bounds: Bounds,
    /// What this node owned when the lanes last followed it.
    owned: View,
}

impl Runner {
    pub(crate) fn new(shared: Arc<Shared>, bounds: Bounds, inbox: mpsc::Receiver<Message>) -> Self {
        let owned = shared.ownership.view();
        Self {
            lanes: Lanes::new(bounds.shared_by(owned.engines)),
            inbox,
            steps: JoinSet::new(),
            started: Instant::now(),
            bounds,
            owned,
            shared,
        }
    }

    /// Works until `stop` is cancelled, then until the steps in flight have ended.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut messages = Vec::with_capacity(MESSAGES_AT_A_TIME);
        loop {
            self.start_steps();
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.shared.ownership.changed() => self.follow_ownership(),
                Some(joined) = self.steps.join_next() => self.take_end(joined),
                count = self.inbox.recv_many(&mut messages, MESSAGES_AT_A_TIME) => {
                    if count == 0 {
                        break;
                    }
                    for message in messages.drain(..) {
                        self.take(message);
                    }
                }
                () = tokio::time::sleep_until(due) => {}
            }
        }
        while let Some(joined) = self.steps.join_next().await {
            self.take_end(joined);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Wake { device, server, restarting: Some(project), .. } => {
                self.lanes.is_restarting(device, &server, project);
            }
            Message::Wake { device, server, wake, .. } => self.lanes.wake(device, &server, wake),
            // One that began before the last devices came to us has not seen all of theirs.
            Message::Scanned { gains } if gains >= self.owned.gains => self.lanes.open_restarts(),
            Message::Scanned { .. } => {}
        }
    }

    /// Gives up the lanes of what is ours no more, with all that is known of their devices.
    fn follow_ownership(&mut self) {
        let owned = self.shared.ownership.view();
        let before = std::mem::replace(&mut self.owned, owned);
        let owned = &self.owned;
        if owned.gains != before.gains {
            self.lanes.close_restarts();
        }
        if owned.engines != before.engines {
            self.lanes.set_bounds(self.bounds.shared_by(owned.engines));
        }
        // With many lanes it takes a while to look at all of them.
        if !owned.has_lost(&before) {
            return;
        }
        let all = owned.generation != before.generation;
        let is_given_up = |device: DeviceKey| all || before.works(device) && !owned.works(device);
        self.lanes.give_up(is_given_up);
        self.shared.copies.keep(|device| !is_given_up(device));
        if self.shared.node.new.roles.sip {
            // Their lanes went with their shards, yet GB devices registered here are ours all the
            // same.
            self.shared.rescan.notify_one();
        }
    }

    fn start_steps(&mut self) {
        let now = self.now();
        while let Some(turn) = self.lanes.start_next(now) {
            let shared = self.shared.clone();
            self.steps.spawn(async move { (turn, step::run(shared, turn).await) });
        }
        self.shared.node.note_work(self.lanes.len(), self.lanes.running());
        metrics::gauge!("fleetwright_lanes").set(count(self.lanes.len()));
        metrics::gauge!("fleetwright_actions_in_flight").set(count(self.lanes.running()));
    }

    fn take_end(&mut self, joined: Result<(Turn, Outcome), tokio::task::JoinError>) {
        match joined {
            Ok((turn, outcome)) => {
                let now = self.now();
                let after = match outcome.then {
                    Then::Rest => After::Rest,
                    Then::Again => After::Again,
                    Then::Wait(wait) => After::Wait(now.plus(wait)),
                    Then::Restart => After::Restart,
                };
                let Outcome { attempts, hold, project, .. } = outcome;
                self.lanes.finished(turn.device, Finished { after, attempts, hold, project });
            }
            // The product aborts on a panic, so this is a step that was aborted with the runtime.
            Err(error) => tracing::error!(%error, "a step did not end"),
        }
    }

    fn now(&self) -> Moment {
        Moment::default().plus(self.started.elapsed())
    }

    /// When to wake for a waiting lane. An hour off if none waits: messages wake us before.
    fn next_due(&self) -> Instant {
        const NEVER: Duration = Duration::from_secs(3_600);
        let wait = self.lanes.next_due().map_or(NEVER, |due| {
            // One millisecond more, since moments are whole milliseconds rounded down.
            Duration::from_millis(due.0.saturating_add(1)).saturating_sub(self.started.elapsed())
        });
        self.started + self.started.elapsed() + wait
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; counts stay far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

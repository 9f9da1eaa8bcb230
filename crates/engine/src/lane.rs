//! Lanes: the one line of work of each device that has any, and the order in which they get their
//! turn.
//!
//! Pure: time comes in as a [`Moment`], and what may start comes out. At most one action a device
//! is in flight, at most so many a server and so many a node; servers take turns, so that one with
//! many devices holds up no other.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use fleet::{DeviceKey, Revision};

/// Milliseconds on a clock that never goes back, counted from the engine's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// This moment plus `duration`.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// How much may be in flight.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Actions at a time on the devices of one server.
    pub per_server: usize,
    /// Actions at a time in all.
    pub per_node: usize,
}

/// Why a lane is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// There is work. A device that is away keeps its wait: more work for it costs no further
    /// probe.
    Work,
    /// Look at it when there is room, even if there is no work. A lane that waits keeps its wait.
    Look,
    /// The device itself may have changed: look at it at once.
    Now,
}

/// What becomes of a lane after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing is left to do.
    Rest,
    /// There is more to do already.
    Again,
    /// Try again at this moment, unless the device returns before.
    Wait(Moment),
}

/// What a step needs to remember from the steps before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Steps in a row in which the device could not be worked on.
    pub away: u8,
    /// Attempts at the values up to [`Self::through`] that it did not show.
    pub refused: u8,
    /// The revision up to which values have had [`Self::refused`] attempts. Later ones have had
    /// fewer, and their attempts are counted when those are decided: so neither does a new value
    /// cost an old one its end, nor the other way round.
    pub through: Revision,
    /// Attempts at what the boot [`Self::boot`] has wiped and it did not take back.
    pub wiped: u8,
    /// A hash of the boot identity that [`Self::wiped`] counts for: each boot begins anew.
    pub boot: u64,
}

/// A step that may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The device.
    pub device: DeviceKey,
    /// What the steps before have left.
    pub attempts: Attempts,
    /// Whether to look at the device even if there is no work.
    pub look: bool,
}

/// One device's line of work. No values: those are read when its turn comes.
#[derive(Debug, Clone, Copy)]
struct Lane {
    server: u32,
    attempts: Attempts,
    look: bool,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In its server's queue.
    Ready,
    /// In flight; `again` if it was woken meanwhile.
    Running { again: Option<Wake> },
    /// Not before this moment.
    Waiting(Moment),
}

/// The number under which devices without a server stand: nothing but the node bounds them.
const NO_SERVER: u32 = 0;

/// The devices of one server.
#[derive(Debug, Default)]
struct Server {
    ready: VecDeque<DeviceKey>,
    running: usize,
    /// Whether it stands in the queue of servers whose turn comes.
    queued: bool,
}

/// All lanes of a node.
#[derive(Debug)]
pub struct Lanes {
    bounds: Bounds,
    lanes: HashMap<DeviceKey, Lane>,
    servers: Vec<Server>,
    server_numbers: HashMap<String, u32>,
    /// Servers that have something ready and room for it.
    turns: VecDeque<u32>,
    /// When waiting lanes are due. An entry whose lane is not waiting for just that moment any more
    /// is passed over.
    due: BinaryHeap<Reverse<(Moment, DeviceKey)>>,
    running: usize,
}

impl Lanes {
    /// No lanes yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            lanes: HashMap::new(),
            servers: vec![Server::default()],
            server_numbers: HashMap::new(),
            turns: VecDeque::new(),
            due: BinaryHeap::new(),
            running: 0,
        }
    }

    /// How many devices have a lane.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Whether no device has a lane.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// How many actions are in flight.
    pub fn running(&self) -> usize {
        self.running
    }

    /// There is, or may be, something to do for `device`, which lives on `server` (empty: none).
    pub fn wake(&mut self, device: DeviceKey, server: &str, wake: Wake) {
        match self.lanes.get_mut(&device) {
            None => {
                let server = self.server_number(server);
                let lane = Lane {
                    server,
                    attempts: Attempts::default(),
                    look: wake != Wake::Work,
                    phase: Phase::Ready,
                };
                self.lanes.insert(device, lane);
                self.make_ready(device, server);
            }
            Some(lane) => match lane.phase {
                Phase::Ready => lane.look |= wake != Wake::Work,
                // A step in flight is a look already.
                Phase::Running { .. } if wake == Wake::Look => {}
                Phase::Running { again } => {
                    let stronger = if again == Some(Wake::Now) { Wake::Now } else { wake };
                    lane.phase = Phase::Running { again: Some(stronger) };
                }
                // It will be looked at anyway.
                Phase::Waiting(_) if wake == Wake::Look => {}
                Phase::Waiting(_) if wake == Wake::Work && lane.attempts.away > 0 => {}
                Phase::Waiting(_) => {
                    lane.phase = Phase::Ready;
                    lane.look |= wake != Wake::Work;
                    let server = lane.server;
                    self.make_ready(device, server);
                }
            },
        }
    }

    /// The next step that may start now. The caller starts it and calls [`Self::finished`] when it
    /// ended.
    pub fn start_next(&mut self, now: Moment) -> Option<Turn> {
        self.release_due(now);
        if self.running >= self.bounds.per_node {
            return None;
        }
        while let Some(number) = self.turns.pop_front() {
            let Some(server) = self.server_mut(number) else { continue };
            server.queued = false;
            let Some(device) = server.ready.pop_front() else { continue };
            server.running += 1;
            self.running += 1;
            self.queue_turn(number);
            if let Some(lane) = self.lanes.get_mut(&device) {
                lane.phase = Phase::Running { again: None };
                let look = std::mem::take(&mut lane.look);
                return Some(Turn { device, attempts: lane.attempts, look });
            }
        }
        None
    }

    /// The step of `device` ended.
    pub fn finished(&mut self, device: DeviceKey, after: After, attempts: Attempts) {
        let Some(lane) = self.lanes.get_mut(&device) else { return };
        let Phase::Running { again } = lane.phase else { return };
        let number = lane.server;
        lane.attempts = attempts;
        lane.look = again == Some(Wake::Now);
        let after = match (after, again) {
            (After::Rest, Some(_)) => After::Again,
            (After::Wait(_), Some(Wake::Now)) => After::Again,
            (After::Wait(_), Some(Wake::Work)) if attempts.away == 0 => After::Again,
            (after, _) => after,
        };
        match after {
            After::Rest => {
                self.lanes.remove(&device);
            }
            After::Again => lane.phase = Phase::Ready,
            After::Wait(moment) => {
                lane.phase = Phase::Waiting(moment);
                self.due.push(Reverse((moment, device)));
            }
        }
        self.running = self.running.saturating_sub(1);
        if let Some(server) = self.server_mut(number) {
            server.running = server.running.saturating_sub(1);
        }
        if after == After::Again {
            self.make_ready(device, number);
        } else {
            self.queue_turn(number);
        }
    }

    /// When the next waiting lane is due; `None` if none waits. May be earlier than true, never
    /// later.
    pub fn next_due(&self) -> Option<Moment> {
        self.due.peek().map(|Reverse((moment, _))| *moment)
    }

    fn release_due(&mut self, now: Moment) {
        while let Some(Reverse((moment, device))) = self.due.peek().copied() {
            if moment > now {
                break;
            }
            self.due.pop();
            let Some(lane) = self.lanes.get_mut(&device) else { continue };
            if lane.phase == Phase::Waiting(moment) {
                lane.phase = Phase::Ready;
                let server = lane.server;
                self.make_ready(device, server);
            }
        }
    }

    fn make_ready(&mut self, device: DeviceKey, number: u32) {
        if let Some(server) = self.server_mut(number) {
            server.ready.push_back(device);
        }
        self.queue_turn(number);
    }

    /// Gives the server a turn if it has something ready and room for it.
    fn queue_turn(&mut self, number: u32) {
        let per_server =
            if number == NO_SERVER { self.bounds.per_node } else { self.bounds.per_server };
        let Some(server) = self.server_mut(number) else { return };
        if !server.queued && !server.ready.is_empty() && server.running < per_server {
            server.queued = true;
            self.turns.push_back(number);
        }
    }

    fn server_mut(&mut self, number: u32) -> Option<&mut Server> {
        self.servers.get_mut(usize::try_from(number).ok()?)
    }

    /// The number of a server's name.
    fn server_number(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return NO_SERVER;
        }
        if let Some(number) = self.server_numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        self.servers.push(Server::default());
        self.server_numbers.insert(name.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests;

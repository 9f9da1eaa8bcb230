//! Lanes: the one line of work of each device that has any, and the order in which they get their
//! turn.
//!
//! Pure: time comes in as a [`Moment`], and what may start comes out. At most one action a device
//! is in flight, at most so many a server and so many a node; servers take turns, so that one with
//! many devices holds up no other. A device that is to restart stands in its server's line for that
//! besides: see [`restarts`].

mod restarts;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use fleet::{DeviceKey, ProjectKey, Revision};

pub use restarts::Hold;
use restarts::Restarts;

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
    /// Devices of one server that are being restarted at a time.
    pub restarts_per_server: usize,
    /// Devices of one server that boot at a time because they were told to.
    pub boots_per_server: usize,
    /// Devices of one project that are being restarted at a time.
    pub restarts_per_project: usize,
}

impl Bounds {
    /// This node's part of what holds for servers and projects, where so many nodes work on the
    /// devices of each: at least one. What is in flight on the node itself is its own affair.
    #[must_use]
    pub fn shared_by(self, nodes: usize) -> Self {
        let part = |bound: usize| (bound / nodes.max(1)).max(1).min(bound);
        Self {
            per_server: part(self.per_server),
            per_node: self.per_node,
            restarts_per_server: part(self.restarts_per_server),
            boots_per_server: part(self.boots_per_server),
            restarts_per_project: part(self.restarts_per_project),
        }
    }
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
    /// Get a turn in which the device may be told to restart, when there is room for that.
    Restart,
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
    /// Whether the device may be told to restart.
    pub may_restart: bool,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// What becomes of the lane.
    pub after: After,
    /// What the next step needs to remember.
    pub attempts: Attempts,
    /// The room for restarts that the device takes up from now on; `None`: as much as before.
    pub hold: Option<Hold>,
    /// The device's project, where the step has learned it.
    pub project: Option<ProjectKey>,
}

/// One device's line of work. No values: those are read when its turn comes.
#[derive(Debug, Clone, Copy)]
struct Lane {
    server: u32,
    attempts: Attempts,
    look: bool,
    phase: Phase,
    hold: Hold,
    project: ProjectKey,
    /// Whether it stands in its server's line for restarts.
    in_line: bool,
    /// Whether its next turn is one in which it may be told to restart.
    may_restart: bool,
    /// Its device was given up while a step is in flight: what that step leaves is of no account.
    gone: bool,
}

impl Lane {
    fn new(server: u32) -> Self {
        Self {
            server,
            attempts: Attempts::default(),
            look: false,
            phase: Phase::Ready,
            hold: Hold::Nothing,
            project: ProjectKey(0),
            in_line: false,
            may_restart: false,
            gone: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In its server's queue.
    Ready,
    /// In flight; `again` if it was woken meanwhile.
    Running { again: Option<Wake> },
    /// Not before this moment.
    Waiting(Moment),
    /// Not before it is its turn to restart, unless it is woken.
    InLine,
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
    restarts: Restarts,
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
            restarts: Restarts::new(bounds),
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

    /// All restarts that are under way are known: others may begin.
    pub fn open_restarts(&mut self) {
        if !self.restarts.open() {
            return;
        }
        for number in self.restarts.servers_in_line() {
            self.give_restarts(number, false);
        }
    }

    /// There may be restarts under way that are not known yet: no others begin before
    /// [`Self::open_restarts`].
    pub fn close_restarts(&mut self) {
        self.restarts.close();
    }

    /// Other bounds hold from now on. What is in flight beyond them ends in its own time.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.restarts.set_bounds(bounds);
        for number in 0..self.servers.len() {
            self.queue_turn(u32::try_from(number).unwrap_or(u32::MAX));
        }
        for number in self.restarts.servers_in_line() {
            self.give_restarts(number, false);
        }
    }

    /// Gives the lanes of these devices up, with all that is known of them. Steps in flight are
    /// waited for, so that no second one begins on their devices meanwhile.
    pub fn give_up(&mut self, is_given_up: impl Fn(DeviceKey) -> bool) {
        let restarts = &mut self.restarts;
        self.lanes.retain(|device, lane| {
            if !is_given_up(*device) {
                return true;
            }
            restarts.change((lane.server, lane.project), lane.hold, Hold::Nothing);
            let Phase::Running { .. } = lane.phase else { return false };
            let (server, phase) = (lane.server, Phase::Running { again: None });
            *lane = Lane { phase, gone: true, ..Lane::new(server) };
            true
        });
        let lanes = &self.lanes;
        for server in &mut self.servers {
            server.ready.retain(|device| lanes.contains_key(device));
        }
        // Room for restarts may have been freed.
        for number in self.restarts.servers_in_line() {
            self.give_restarts(number, false);
        }
    }

    /// The device, which lives on `server` (empty: none), takes up room for a boot: a restart of it
    /// was under way when the server started.
    pub fn is_restarting(&mut self, device: DeviceKey, server: &str, project: ProjectKey) {
        self.wake(device, server, Wake::Now);
        let Some(lane) = self.lanes.get_mut(&device) else { return };
        // A lane that has had a step knows better.
        if lane.hold == Hold::Nothing && lane.project == ProjectKey(0) {
            lane.project = project;
            lane.hold = Hold::Boot;
            self.restarts.change((lane.server, project), Hold::Nothing, Hold::Boot);
        }
    }

    /// There is, or may be, something to do for `device`, which lives on `server` (empty: none).
    pub fn wake(&mut self, device: DeviceKey, server: &str, wake: Wake) {
        match self.lanes.get_mut(&device) {
            None => {
                let server = self.server_number(server);
                let lane = Lane { look: wake != Wake::Work, ..Lane::new(server) };
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
                Phase::Waiting(_) | Phase::InLine if wake == Wake::Look => {}
                Phase::Waiting(_) if wake == Wake::Work && lane.attempts.away > 0 => {}
                Phase::Waiting(_) | Phase::InLine => {
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
                let may_restart = std::mem::take(&mut lane.may_restart);
                return Some(Turn { device, attempts: lane.attempts, look, may_restart });
            }
        }
        None
    }

    /// The step of `device` ended.
    pub fn finished(&mut self, device: DeviceKey, finished: Finished) {
        let Some(lane) = self.lanes.get_mut(&device) else { return };
        let Phase::Running { again } = lane.phase else { return };
        let finished = if std::mem::take(&mut lane.gone) {
            // It begins as if there had been no step.
            let (after, attempts) = (After::Rest, Attempts::default());
            Finished { after, attempts, hold: Some(lane.hold), project: None }
        } else {
            finished
        };
        let Finished { after, attempts, hold, project } = finished;
        let number = lane.server;
        lane.attempts = attempts;
        lane.look = again == Some(Wake::Now);
        let after = match (after, again) {
            (After::Rest, Some(_)) => After::Again,
            (After::Wait(_), Some(Wake::Now)) => After::Again,
            (After::Wait(_), Some(Wake::Work)) if attempts.away == 0 => After::Again,
            // It keeps its place in the line meanwhile.
            (After::Restart, Some(_)) => After::Again,
            (after, _) => after,
        };
        let wants_restart = finished.after == After::Restart;
        if let Some(project) = project {
            // Who holds room has its project already.
            lane.project = project;
        }
        let hold = hold.unwrap_or(lane.hold);
        let freed = self.restarts.change((number, lane.project), lane.hold, hold);
        lane.hold = hold;
        if wants_restart && !lane.in_line {
            self.restarts.line_up(number, device);
        }
        lane.in_line = wants_restart;
        match after {
            After::Rest => {
                self.lanes.remove(&device);
            }
            After::Again => lane.phase = Phase::Ready,
            After::Restart => lane.phase = Phase::InLine,
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
        if wants_restart || freed {
            self.give_restarts(number, freed);
        }
    }

    /// Gives the room for restarts to those who stand in line: on one server, and on all if a
    /// project's room was freed.
    fn give_restarts(&mut self, number: u32, freed: bool) {
        let servers = if freed { self.restarts.servers_in_line() } else { vec![number] };
        for number in servers {
            loop {
                let lanes = &self.lanes;
                let may = |device: DeviceKey| match lanes.get(&device) {
                    Some(lane) if lane.in_line => Some((lane.project, lane.phase == Phase::InLine)),
                    _ => None,
                };
                let Some(device) = self.restarts.next(number, may) else { break };
                let Some(lane) = self.lanes.get_mut(&device) else { continue };
                lane.in_line = false;
                lane.may_restart = true;
                lane.look = true;
                lane.phase = Phase::Ready;
                lane.hold = Hold::Boot;
                self.restarts.change((number, lane.project), Hold::Nothing, Hold::Boot);
                self.make_ready(device, number);
            }
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

//! The one task that moves bytes, work and time between a [`Wire`], the [`Station`] and the engine.
//!
//! Each turn takes what has come, as much as there is up to a bound; lets the station have it;
//! does or starts what the station can't do; and sends what there is to send in one batch. It never
//! waits for the store: look-ups and writes run beside it, and their outcome is one more thing that
//! comes in. Where many messages come, they are let gather for a moment.

mod gather;
mod nodes;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use engine::{Clock, EventSender, Handle, OpenEnrolment, Registrant};
use fleet::{DeviceId, DeviceKey, Timestamp, limits};
use gb28181::sip::{Flow, Transmit};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::line::Command;
use crate::station::{Binds, Claim, Counts, Station, Tally, Work};
use gather::Gather;
use nodes::{Asked, Nodes};

/// Look-ups in one call of the store.
const LOOKUPS_PER_CALL_MAX: usize = 512;
/// Calls for look-ups at a time.
const LOOKUP_CALLS_MAX: usize = 4;
/// Messages of the driver's that one turn takes.
const COMMANDS_PER_TURN_MAX: usize = 64;
/// The time between two publications of metrics.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How long the store may take for the last bindings when SIP stops.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What carries messages: sockets, or a simulation's network.
pub trait Wire: Send + 'static {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Waits until something has come, and appends it, and what else is there already, up to a
    /// bound of the wire's own. Cancelling it loses nothing.
    fn receive(&mut self, into: &mut Vec<Received>) -> impl Future<Output = ()> + Send;

    /// A TCP connection carries a registered device from now on, or none any more: one that never
    /// did, or does not any more, need not be kept for long.
    fn carries(&mut self, _connection: u64, _live: bool) {}

    /// Sends the messages in this order as far as they can be sent now, and leaves none: what can't
    /// be sent is lost, as it would be on the network.
    fn send(&mut self, batch: &mut Vec<Transmit>) -> impl Future<Output = ()> + Send;
}

/// What came over a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A datagram, or one message of a stream.
    Message {
        /// Where it came from.
        from: Flow,
        /// All of it.
        bytes: Bytes,
    },
    /// A TCP connection is no more. Comes after its last message.
    Closed {
        /// Its number.
        connection: u64,
    },
}

/// What the runner is made from.
pub(crate) struct Parts<W> {
    pub(crate) wire: W,
    pub(crate) station: Station,
    pub(crate) handle: Handle,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: EventSender,
    /// Whether devices may register with other nodes too.
    pub(crate) compares: bool,
    /// Called when the runner has ended, however it did.
    pub(crate) end: Box<dyn Fn() + Send>,
}

/// Running SIP. Dropping it ends it at once, as a crash would; [`Sip::stop`] lets what is proved be
/// written and answered.
#[derive(Debug)]
pub struct Sip {
    address: SocketAddr,
    /// Asks for, and tells of, the registrar's end.
    closing: CancellationToken,
    closed: CancellationToken,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    seen: Arc<Mutex<(Counts, Tally)>>,
}

impl Sip {
    /// Starts the runner.
    pub(crate) fn start<W: Wire>(parts: Parts<W>) -> Self {
        let stop = CancellationToken::new();
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        let seen = Arc::new(Mutex::new((Counts::default(), Tally::default())));
        let address = parts.wire.address();
        let runner = Runner {
            now: Instant::now(),
            wall: parts.clock.now(),
            wire: parts.wire,
            station: parts.station,
            handle: parts.handle,
            commands: parts.commands,
            clock: parts.clock,
            events: parts.events,
            inbox: Vec::new(),
            gather: Gather::new(Instant::now()),
            outbox: Vec::new(),
            missed: VecDeque::new(),
            lookup_calls: 0,
            nodes: Nodes::new(parts.compares, Instant::now()),
            tasks: JoinSet::new(),
            published: Tally::default(),
            published_at: Instant::now(),
            seen: seen.clone(),
            closing: closing.clone(),
            closed: closed.clone(),
            is_closing: false,
            bind_failed: false,
            _end: OnEnd(parts.end),
        };
        let task = tokio::spawn(runner.run(stop.clone()));
        Self { address, closing, closed, stop, task: Some(task), seen }
    }

    /// Where devices reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How much was under way at the end of the last turn.
    pub fn counts(&self) -> Counts {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// What was done until the end of the last turn.
    pub fn tally(&self) -> Tally {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Lets nobody register any more, and returns when what was proved is written and answered:
    /// within 5 s. What is asked of devices goes on: this comes before the engine's end, after
    /// which nothing can be written, and [`Self::stop`] after that.
    pub async fn close_registrar(&self) {
        self.closing.cancel();
        if tokio::time::timeout(STOP_PATIENCE, self.closed.cancelled()).await.is_err() {
            tracing::warn!("not all registrations could be written");
        }
    }

    /// Takes nothing more in, and returns when what was proved is written and answered: within 5 s.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // An error says that it ended in another way, and ended it has.
            let _ = task.await;
        }
    }
}

impl Drop for Sip {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Calls what it holds when it is dropped.
struct OnEnd(Box<dyn Fn() + Send>);

impl Drop for OnEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Loads the bindings that the store has.
///
/// Errors: the store can't be read.
pub(crate) async fn load(
    station: &mut Station,
    handle: &Handle,
    now: Timestamp,
) -> Result<(), engine::Error> {
    let mut after = DeviceKey(0);
    loop {
        let page = handle.bindings(after, limits::SCAN_PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.binding.device;
        station.load(now, &page);
    }
}

/// What a look-up finds of one id: who may register under it, and in which projects a camera of
/// that id may enrol.
type LookedUp = (Arc<Registrant>, Vec<Arc<OpenEnrolment>>);

/// Looks ids up.
///
/// Errors: the store failed.
async fn look_up(handle: &Handle, ids: Vec<DeviceId>) -> Result<Vec<LookedUp>, engine::Error> {
    let enrolments = handle.enrolments_for(&ids).await?;
    let registrants = handle.registrants(ids).await?;
    Ok(registrants.into_iter().zip(enrolments).collect())
}

/// What ran beside the runner.
enum Done {
    Looked(Vec<Claim>, Result<Vec<LookedUp>, engine::Error>),
    Bound(Binds, Result<(), engine::Error>),
    Read(nodes::Read),
}

struct Runner<W> {
    wire: W,
    station: Station,
    handle: Handle,
    commands: mpsc::Receiver<Command>,
    clock: Arc<dyn Clock>,
    events: EventSender,
    inbox: Vec<Received>,
    gather: Gather,
    outbox: Vec<Transmit>,
    /// Claims that memory does not prove; the station bounds how many there are.
    missed: VecDeque<Claim>,
    lookup_calls: usize,
    /// What is asked of the store because there are other nodes.
    nodes: Nodes,
    tasks: JoinSet<Done>,
    published: Tally,
    published_at: Instant,
    seen: Arc<Mutex<(Counts, Tally)>>,
    closing: CancellationToken,
    closed: CancellationToken,
    is_closing: bool,
    /// The last bindings could not be written.
    bind_failed: bool,
    now: Instant,
    wall: Timestamp,
    _end: OnEnd,
}

/// What woke the runner.
enum Woken {
    Stopped,
    Closing,
    Done(Done),
    /// A task failed, which none does unless the process is going down.
    Nothing,
    Command(Command),
    Received,
    Time,
}

impl<W: Wire> Runner<W> {
    async fn run(mut self, stop: CancellationToken) {
        self.finish_turn().await;
        loop {
            let woken = self.wake(&stop).await;
            self.now = Instant::now();
            self.wall = self.clock.now();
            match woken {
                Woken::Stopped => break,
                Woken::Closing => {
                    self.is_closing = true;
                    self.station.close_registrar();
                    self.station.write_now();
                }
                Woken::Done(done) => self.done(done),
                Woken::Command(command) => self.take_commands(command),
                Woken::Received => self.take_received(),
                Woken::Nothing | Woken::Time => {}
            }
            let now = self.now.into_std();
            if self.station.poll_timeout().is_some_and(|due| due <= now) {
                self.station.handle_timeout(now, self.wall);
            }
            self.finish_turn().await;
        }
        self.end().await;
    }

    /// Waits for something to do.
    async fn wake(&mut self, stop: &CancellationToken) -> Woken {
        let due = self.station.poll_timeout().map(Instant::from_std);
        let publish =
            (self.station.tally() != self.published).then(|| self.published_at + PUBLISH_EVERY);
        let due = due.into_iter().chain(publish).chain(self.nodes.due()).min();
        let gathered = self.gather.until(Instant::now());
        tokio::select! {
            biased;
            () = stop.cancelled() => Woken::Stopped,
            () = self.closing.cancelled(), if !self.is_closing => Woken::Closing,
            Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                done.map_or(Woken::Nothing, Woken::Done)
            }
            Some(command) = self.commands.recv() => Woken::Command(command),
            () = receive(&mut self.wire, &mut self.inbox, gathered) => Woken::Received,
            () = sleep_until(due) => Woken::Time,
        }
    }

    fn take_received(&mut self) {
        self.gather.took(self.now, self.inbox.len());
        let now = self.now.into_std();
        for received in self.inbox.drain(..) {
            match received {
                Received::Message { from, bytes } => {
                    self.station.receive(now, self.wall, from, bytes);
                }
                Received::Closed { connection } => {
                    self.station.connection_closed(now, self.wall, connection);
                }
            }
        }
    }

    fn take_commands(&mut self, first: Command) {
        self.take_command(first);
        for _ in 1..COMMANDS_PER_TURN_MAX {
            let Ok(command) = self.commands.try_recv() else { break };
            self.take_command(command);
        }
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Send(command) => self.station.send(self.now.into_std(), self.wall, command),
            // The station does so whenever its work is taken.
            Command::Look => {}
        }
    }

    fn done(&mut self, done: Done) {
        let now = self.now.into_std();
        match done {
            Done::Looked(claims, found) => {
                self.lookup_calls -= 1;
                if let Err(error) = &found {
                    tracing::warn!(%error, "who may register can't be looked up");
                }
                let mut found = found.unwrap_or_default().into_iter();
                for claim in claims {
                    let found = found.next();
                    let found = found.as_ref().map(|(found, open)| (&**found, open.as_slice()));
                    self.station.looked_up(now, self.wall, claim, found);
                }
            }
            Done::Bound(binds, written) => {
                if let Err(error) = &written {
                    tracing::warn!(%error, "registrations can't be written");
                }
                self.bind_failed = written.is_err();
                self.station.bound(now, self.wall, binds, written.is_ok());
                if self.is_closing && !self.bind_failed {
                    self.station.write_now();
                }
            }
            Done::Read(read) => self.nodes.done(&mut self.station, now, self.wall, read),
        }
    }

    /// Does what the station can't, and sends what there is to send.
    async fn finish_turn(&mut self) {
        self.work();
        while let Some(transmit) = self.station.poll_transmit() {
            self.outbox.push(transmit);
        }
        if !self.outbox.is_empty() {
            self.wire.send(&mut self.outbox).await;
            self.outbox.clear();
        }
        if self.is_closing && self.station.is_written() {
            self.closed.cancel();
        }
        let tally = self.station.tally();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (self.station.counts(), tally);
        if tally != self.published && self.now >= self.published_at + PUBLISH_EVERY {
            self.publish(tally);
        }
    }

    fn publish(&mut self, tally: Tally) {
        tally.publish(&self.published);
        let counts = self.station.counts();
        crate::station::publish_counts(&counts);
        self.published = tally;
        self.published_at = self.now;
    }

    fn work(&mut self) {
        let now = self.now.into_std();
        while let Some(work) = self.station.poll_work() {
            match work {
                Work::Lookup(claim) => {
                    let refused = match self.handle.registrant(claim.id()) {
                        Some(known) => self.station.recalled(now, self.wall, claim, &known),
                        None => Some(claim),
                    };
                    self.missed.extend(refused);
                }
                Work::Remember(proved) => self.nodes.ask(Asked::Proved(Box::new(proved))),
                Work::Compare(device) => self.nodes.ask(Asked::Doubted(device)),
                Work::Bind(mut binds) => {
                    let handle = self.handle.clone();
                    let rows = binds.take_rows();
                    self.tasks.spawn(async move {
                        let written = handle.bind(rows).await;
                        Done::Bound(binds, written)
                    });
                }
                Work::Event(event) => self.events.send(event),
                Work::Refused(refused) => self.handle.refuse_registration(refused),
                Work::Pending(project, seen) => self.handle.note_pending(project, seen),
                Work::Carries { connection, live } => self.wire.carries(connection, live),
            }
        }
        while let Some(read) = self.nodes.next(self.now) {
            let handle = self.handle.clone();
            self.tasks.spawn(async move { Done::Read(read.run(&handle).await) });
        }
        while self.lookup_calls < LOOKUP_CALLS_MAX && !self.missed.is_empty() {
            let count = self.missed.len().min(LOOKUPS_PER_CALL_MAX);
            let claims: Vec<_> = self.missed.drain(..count).collect();
            let ids = claims.iter().map(|claim| claim.id().clone()).collect();
            let handle = self.handle.clone();
            self.lookup_calls += 1;
            self.tasks.spawn(async move {
                let found = look_up(&handle, ids).await;
                Done::Looked(claims, found)
            });
        }
    }

    /// Lets what is proved be written and answered, and what waits be written.
    async fn end(mut self) {
        self.station.write_now();
        let patience = Instant::now() + STOP_PATIENCE;
        loop {
            self.finish_turn().await;
            let done = tokio::time::timeout_at(patience, self.tasks.join_next()).await;
            let Ok(Some(done)) = done else { break };
            self.now = Instant::now();
            self.wall = self.clock.now();
            if let Ok(done) = done {
                self.done(done);
            }
            if self.bind_failed {
                // The engine has ended, or the store has: it would not go otherwise now.
                break;
            }
            self.station.write_now();
        }
        self.publish(self.station.tally());
    }
}

/// Waits until something has come, and lets more come until then. What wakes the runner otherwise
/// does not wait: the time that this begins at does not move with it.
async fn receive<W: Wire>(wire: &mut W, into: &mut Vec<Received>, gathered: Option<Instant>) {
    if let Some(gathered) = gathered {
        tokio::time::sleep_until(gathered).await;
    }
    wire.receive(into).await;
}

/// Waits until then; for ever if there is no such time.
async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

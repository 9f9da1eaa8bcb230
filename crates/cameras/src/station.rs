//! What happens to a message, without any IO: the registrar, the transactions, and the exchanges
//! with devices in one.
//!
//! Bytes and times are handed in; bytes to send and [`Work`] are taken out, and the work's outcome
//! is handed in again. After each call take all of both. Nothing here waits, and nothing hangs on
//! chance but what the seed brings in.

mod answers;
mod change;
mod date;
mod enrolment;
mod messages;
mod nodes;
mod refusals;
mod register;
mod rounds;
mod tally;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use engine::{DeviceEvent, RefusedRegistration};
use fleet::{DeviceKey, PendingDevice, ProjectKey, Timestamp};
use gb28181::endpoint::{Config, Endpoint, Event, Failure, Keep, OutgoingResponse};
use gb28181::sip::{Flow, Method, Name, Transmit};
use store::{SessionKey, StoredBinding};

use crate::Settings;
use crate::exchanges::Exchanges;
use crate::identity::Identity;
use crate::line::Undelivered;
use crate::registrar::bindings::{Bindings, Slot};
use crate::registrar::nonce::Nonces;
use crate::registrar::offline::Keepalives;
use answers::Challenges;
use change::Pending;
use date::Dates;
use refusals::Refusals;
pub use register::{Binds, Claim, Proved};
use rounds::Rounds;
pub use tally::Tally;

/// Requests that may be under way: those that wait for a look-up or for the store (at most
/// [`WAITING_MAX`]), and ours.
const TRANSACTIONS_MAX: usize = 32_768;
/// Answers that are kept for repetitions, some 700 bytes each.
const ANSWERS_KEPT_MAX: usize = 65_536;
/// REGISTERs that may wait for a look-up or for the store, some 1.5 KB each. Over it 503: a herd of
/// 20,000 that comes within one commit still fits.
const WAITING_MAX: usize = 24_576;
/// A difference between both clocks, in milliseconds, that is no drift.
const CLOCK_JUMP_MIN_MS: i64 = 5_000;
/// What OPTIONS is answered with.
const ALLOW: &str = "REGISTER, MESSAGE, NOTIFY, SUBSCRIBE, OPTIONS";

/// What a station is made from.
pub struct Options {
    /// How cameras are served.
    pub settings: Settings,
    /// Who we are.
    pub identity: Arc<Identity>,
    /// Where devices are; shared with whoever only looks.
    pub bindings: Arc<Mutex<Bindings>>,
    /// What nonces are made with.
    pub nonce_key: [u8; 32],
    /// What branches, tags and spreads are made with.
    pub seed: [u8; 32],
    /// Now, by the clock that does not jump.
    pub now: Instant,
    /// Now. Where the node is the only one, no nonce from before is taken.
    pub started_at: Timestamp,
    /// The session that this node's bindings bear, where devices may register with other nodes of
    /// the same store as well; `None`: all bindings are this node's.
    pub session: Option<SessionKey>,
}

/// What the station can't do itself.
#[derive(Debug)]
pub enum Work {
    /// Find out who may register under the claim's id: hand both to [`Station::recalled`] if it is
    /// known from before, and to [`Station::looked_up`] if it was looked up.
    Lookup(Claim),
    /// Read what the store has of the registration that this REGISTER is for, which has proved that
    /// it is the device's, and hand both to [`Station::remembered`]. Only where there are other
    /// nodes: one of them may have accepted this very REGISTER.
    Remember(Proved),
    /// Read what the store has of this device's registration and hand it to [`Station::compare`]:
    /// it seems to have registered with another node.
    Compare(DeviceKey),
    /// Put these bindings on disk and hand them back to [`Station::bound`]. There is never more
    /// than one of these out.
    Bind(Binds),
    /// Tell the engine.
    Event(DeviceEvent),
    /// Remember why.
    Refused(RefusedRegistration),
    /// Put this device on the project's list of those that wait to be accepted.
    Pending(ProjectKey, PendingDevice),
    /// Tell the wire that a TCP connection carries a registered device from now on, or none.
    Carries {
        /// Its number.
        connection: u64,
        /// Whether it does.
        live: bool,
    },
}

/// How much is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// SIP transactions, kept answers included.
    pub transactions: usize,
    /// REGISTERs that wait for a look-up or the store.
    pub registrations: usize,
    /// Bindings that wait to be written with no request waiting for them.
    pub unwritten: usize,
    /// Answers of devices that somebody awaits.
    pub exchanges: usize,
}

impl Counts {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The registrar, the transactions and the exchanges.
pub struct Station {
    endpoint: Endpoint,
    settings: Settings,
    identity: Arc<Identity>,
    bindings: Arc<Mutex<Bindings>>,
    nonces: Nonces,
    challenges: Challenges,
    dates: Dates,
    exchanges: Exchanges,
    refusals: Refusals,
    rounds: Rounds,
    tally: Tally,
    /// See [`Options::session`].
    session: Option<SessionKey>,
    /// Claims that wait to be taken.
    claims: VecDeque<Claim>,
    /// Claims that have been proved and wait to be taken.
    proved: VecDeque<Proved>,
    /// Proved registrations that wait to be taken to the store.
    pending: VecDeque<Pending>,
    /// Rows that wait to be written with no request waiting.
    unwritten: VecDeque<Slot>,
    /// Whether the store has bindings of ours.
    binding: bool,
    /// Whether nobody may register any more.
    is_closed: bool,
    /// Claims, proved ones and pending registrations, here and with whoever took them.
    waiting: usize,
    /// Devices with an enrolment password that wait to be taken.
    enrolling: VecDeque<(ProjectKey, PendingDevice)>,
    /// TCP connections that a REGISTER came over and that are open.
    open: BTreeSet<u64>,
    events: VecDeque<DeviceEvent>,
    /// What Retry-After is spread by.
    spread: u64,
    /// Both clocks when they were last seen.
    seen: (Instant, Timestamp),
    /// How far the wall clock has jumped in all, in milliseconds.
    jumped: i64,
}

impl Station {
    /// A station without bindings: [`Self::load`] them.
    pub fn new(options: Options) -> Self {
        let Options { settings, identity, bindings, nonce_key, seed, now, started_at, session } =
            options;
        let mut config = Config::new(seed);
        config.transactions_max = TRANSACTIONS_MAX;
        config.cached_responses_max = ANSWERS_KEPT_MAX;
        config.retry_after_seconds = 10;
        let sum = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
        let spread = seed.iter().fold(1, sum);
        Self {
            endpoint: Endpoint::new(config),
            nonces: match session {
                None => Nonces::new(&nonce_key, now, started_at),
                Some(_) => Nonces::of_several_nodes(&nonce_key, now, started_at),
            },
            challenges: Challenges::new(identity.realm(), settings.sha256),
            dates: Dates::new(settings.time_zone.clone()),
            exchanges: Exchanges::default(),
            refusals: Refusals::new(),
            rounds: Rounds::new(now, settings.survey_per_second),
            tally: Tally::default(),
            session,
            claims: VecDeque::new(),
            proved: VecDeque::new(),
            pending: VecDeque::new(),
            unwritten: VecDeque::new(),
            binding: false,
            is_closed: false,
            waiting: 0,
            enrolling: VecDeque::new(),
            open: BTreeSet::new(),
            events: VecDeque::new(),
            spread,
            seen: (now, started_at),
            jumped: 0,
            settings,
            identity,
            bindings,
        }
    }

    /// Takes over bindings that the store has, before anything else: those of this node. Each
    /// device has its whole patience from now on to send a keepalive: those of the time when nobody
    /// listened can't count as missed.
    pub fn load(&mut self, now: Timestamp, stored: &[StoredBinding]) {
        let mut bindings = lock(&self.bindings);
        for stored in stored {
            if self.session.is_none_or(|session| stored.bound_to == Some(session)) {
                bindings.load(stored, now);
            }
            self.nonces.begin_after(self.seen.0, stored.binding.nonce_at);
        }
    }

    /// Takes a datagram, or one message of a stream.
    pub fn receive(&mut self, now: Instant, wall: Timestamp, from: Flow, bytes: Bytes) {
        self.watch_clock(now, wall);
        self.tally.received += 1;
        self.endpoint.receive(now, from, bytes);
        self.handle_events(now, wall);
    }

    /// A TCP connection is no more: its devices are offline (GB/T 28181-2022; in 2016 nothing else
    /// could reach them either).
    pub fn connection_closed(&mut self, now: Instant, wall: Timestamp, connection: u64) {
        self.watch_clock(now, wall);
        self.open.remove(&connection);
        let slots = lock(&self.bindings).of_connection(connection);
        for slot in slots {
            self.end(slot, wall, fleet::Offline::ConnectionClosed);
        }
        self.endpoint.connection_closed(now, connection);
        self.handle_events(now, wall);
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.endpoint.poll_transmit()
    }

    /// The next thing that the station can't do itself.
    pub fn poll_work(&mut self) -> Option<Work> {
        if let Some(claim) = self.claims.pop_front() {
            return Some(Work::Lookup(claim));
        }
        if let Some(proved) = self.proved.pop_front() {
            return Some(Work::Remember(proved));
        }
        if let Some(binds) = self.take_binds() {
            return Some(Work::Bind(binds));
        }
        if let Some(event) = self.events.pop_front() {
            return Some(Work::Event(event));
        }
        self.end_removed();
        if let Some(device) = lock(&self.bindings).take_doubted() {
            return Some(Work::Compare(device));
        }
        if let Some((connection, live)) = lock(&self.bindings).take_changed() {
            return Some(Work::Carries { connection, live });
        }
        if let Some((project, seen)) = self.enrolling.pop_front() {
            return Some(Work::Pending(project, seen));
        }
        self.refusals.take().map(Work::Refused)
    }

    /// When [`Self::handle_timeout`] has to be called next; `None` while there is nothing to watch.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = lock(&self.bindings).slots() == 0
            && self.exchanges.is_empty()
            && self.unwritten.is_empty();
        let round = if idle { None } else { Some(self.rounds.next()) };
        round.into_iter().chain(self.endpoint.poll_timeout()).min()
    }

    /// Does all that is due.
    pub fn handle_timeout(&mut self, now: Instant, wall: Timestamp) {
        self.watch_clock(now, wall);
        self.endpoint.handle_timeout(now);
        self.handle_events(now, wall);
        if self.rounds.is_due(now) {
            self.go_round(now, wall);
        }
    }

    /// Has what waits to be written taken at the next [`Self::poll_work`]: the process ends.
    pub fn write_now(&mut self) {
        self.rounds.write_now();
    }

    /// Whoever registers from now on is turned away with 503: the process ends.
    pub fn close_registrar(&mut self) {
        self.is_closed = true;
    }

    /// Whether all that was proved and all that has changed is on disk.
    pub fn is_written(&self) -> bool {
        self.waiting == 0 && self.unwritten.is_empty() && !self.binding
    }

    /// How much is under way.
    pub fn counts(&self) -> Counts {
        Counts {
            transactions: self.endpoint.counts().client + self.endpoint.counts().server,
            registrations: self.waiting,
            unwritten: self.unwritten.len(),
            exchanges: self.exchanges.len(),
        }
    }

    /// Whether nothing is under way, nothing is kept but bindings, and nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.counts().is_empty() && self.endpoint.is_empty() && self.events.is_empty()
    }

    /// What was done so far.
    pub fn tally(&self) -> Tally {
        Tally {
            dropped: self.endpoint.counts().dropped,
            registered: lock(&self.bindings).live_count(),
            ..self.tally
        }
    }

    /// Registrations last by the clock that does not jump: if the wall clock did, their times go
    /// with it.
    fn watch_clock(&mut self, now: Instant, wall: Timestamp) {
        let (seen_now, seen_wall) = std::mem::replace(&mut self.seen, (now, wall));
        let passed = now.saturating_duration_since(seen_now).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let jump = wall.0.saturating_sub(seen_wall.0).saturating_sub(passed);
        if jump.saturating_abs() < CLOCK_JUMP_MIN_MS {
            return;
        }
        tracing::warn!(milliseconds = jump, "the wall clock jumped");
        self.jumped = self.jumped.saturating_add(jump);
        lock(&self.bindings).shift(jump, &mut self.unwritten);
    }

    fn handle_events(&mut self, now: Instant, wall: Timestamp) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request(request) => match request.method {
                    Method::Register => self.register(now, wall, request),
                    Method::Message => self.message(now, wall, &request),
                    Method::Notify => self.notify(now, wall, &request),
                    Method::Subscribe => self.subscribe(now, &request),
                    Method::Options => {
                        let response = OutgoingResponse::new(200).with(Name::Allow, ALLOW);
                        self.endpoint.respond(now, &request, response, Keep::Nothing);
                    }
                    // There are no dialogs here that an INFO or a BYE could belong to.
                    _ => self.refuse(now, &request, 481),
                },
                Event::Response { id, status, .. } => self.exchanges.delivered(id, Ok(status)),
                Event::Failed { id, why } => {
                    let why = match why {
                        Failure::TimedOut => Undelivered::TimedOut,
                        Failure::ConnectionClosed => Undelivered::ConnectionClosed,
                    };
                    self.exchanges.delivered(id, Err(why));
                }
                // Over TCP whoever holds the connection has answered it (RFC 5626, 4.4.1).
                Event::Ping { .. } => {}
            }
        }
    }

    /// What was sent to a device and is not answered will not be, and is not sent again: what would
    /// reach it later, it was not told in this order.
    fn end_exchanges(&mut self, device: DeviceKey, why: Undelivered) {
        for id in self.exchanges.end(device, why) {
            self.endpoint.cancel(id);
        }
    }

    /// The same of what nobody waits for any more.
    fn end_unwaited(&mut self) {
        for id in self.exchanges.prune() {
            self.endpoint.cancel(id);
        }
    }

    /// The device is not registered any more.
    fn end(&mut self, slot: Slot, at: Timestamp, why: fleet::Offline) {
        let device = {
            let mut bindings = lock(&self.bindings);
            let Some(device) = rounds::end(&mut bindings, &mut self.unwritten, slot, at, why)
            else {
                return;
            };
            device
        };
        self.tally.gone += 1;
        if let Some(why) = undelivered(why) {
            self.end_exchanges(device, why);
        }
    }

    /// Devices whose records are gone: nobody is to speak to them any more.
    fn end_removed(&mut self) {
        loop {
            let removed = lock(&self.bindings).take_removed();
            let Some((device, was_live)) = removed else { return };
            self.tally.gone += u64::from(was_live);
            self.end_exchanges(device, Undelivered::Removed);
            tracing::debug!(device = device.0, "a camera's record is gone");
        }
    }

    /// The engine is to look at the device.
    fn tell_returned(&mut self, device: DeviceKey) {
        self.events.push_back(DeviceEvent::Returned(device));
    }

    fn keepalives(&self) -> Keepalives {
        Keepalives {
            seconds: self.settings.keepalive_seconds,
            misses: self.settings.keepalive_misses,
        }
    }

    /// 1 to 10 seconds: whoever was turned away must not come back all at once.
    fn retry_after(&mut self) -> Vec<u8> {
        // Marsaglia's xorshift: all that is wanted is a spread.
        self.spread ^= self.spread << 13;
        self.spread ^= self.spread >> 7;
        self.spread ^= self.spread << 17;
        (1 + self.spread % 10).to_string().into_bytes()
    }
}

/// Publishes how much is under way.
pub(crate) fn publish_counts(counts: &Counts) {
    tally::set("fleetwright_sip_transactions", counts.transactions);
    tally::set("fleetwright_sip_registrations_waiting", counts.registrations);
    tally::set("fleetwright_sip_bindings_waiting", counts.unwritten);
    tally::set("fleetwright_sip_exchanges", counts.exchanges);
}

/// Publishes how many TCP connections there are.
pub(crate) fn publish_connections(count: usize) {
    tally::set("fleetwright_sip_tcp_connections", count);
}

/// What a device's end means to whoever awaits an answer; `None` if it may still come.
fn undelivered(why: fleet::Offline) -> Option<Undelivered> {
    match why {
        fleet::Offline::Unregistered => Some(Undelivered::Unregistered),
        fleet::Offline::ConnectionClosed => Some(Undelivered::ConnectionClosed),
        fleet::Offline::CredentialsChanged => Some(Undelivered::Removed),
        fleet::Offline::Expired | fleet::Offline::KeepalivesMissed => None,
    }
}

/// The bindings: nobody who holds them can leave them half changed.
fn lock(bindings: &Mutex<Bindings>) -> MutexGuard<'_, Bindings> {
    bindings.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

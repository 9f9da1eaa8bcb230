//! Requests of ours (RFC 3261 17.1.2).

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::via::Via;
use crate::sip::{Flow, Message, Method, Name, Transmit, Transport, field};

use super::config::Timers;
use super::events::RequestId;

/// All client transactions.
pub(super) struct Clients {
    timers: Timers,
    live: HashMap<u64, Client>,
    /// When each has something to do. A time that its transaction no longer has means nothing.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Those over TCP, by connection.
    by_connection: BTreeSet<(u64, u64)>,
    bytes: usize,
}

/// One transaction.
struct Client {
    to: Flow,
    method: Method,
    /// The branch and the sent-by that its answers must have.
    branch: String,
    sent_by: String,
    /// The request, for repetitions; empty once there is an answer.
    bytes: Bytes,
    phase: Phase,
    /// When it has something to do next.
    next: Instant,
    /// Timer F.
    gives_up: Instant,
    /// Between repetitions, timer E.
    interval: Duration,
}

/// Where a transaction is (RFC 3261 figure 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Trying,
    Proceeding,
    Completed,
}

/// A request that goes out.
pub(super) struct Sent {
    pub(super) id: u64,
    pub(super) to: Flow,
    pub(super) method: Method,
    pub(super) branch: String,
    pub(super) sent_by: String,
    pub(super) bytes: Bytes,
}

/// What a due transaction wants.
pub(super) enum Due {
    /// The request once more.
    Repeat(Transmit),
    /// It has failed.
    TimedOut(RequestId),
}

impl Clients {
    /// None yet.
    pub(super) fn new(timers: Timers) -> Self {
        Self {
            timers,
            live: HashMap::new(),
            due: BinaryHeap::new(),
            by_connection: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Begins a transaction whose request goes out now.
    pub(super) fn begin(&mut self, now: Instant, sent: Sent) {
        let gives_up = now + self.timers.transaction();
        let next = match sent.to.transport {
            Transport::Udp => gives_up.min(now + self.timers.t1),
            Transport::Tcp => gives_up,
        };
        if sent.to.transport == Transport::Tcp {
            self.by_connection.insert((sent.to.connection, sent.id));
        }
        self.bytes += sent.bytes.len();
        self.due.push(Reverse((next, sent.id)));
        let client = Client {
            to: sent.to,
            method: sent.method,
            branch: sent.branch,
            sent_by: sent.sent_by,
            bytes: sent.bytes,
            phase: Phase::Trying,
            next,
            gives_up,
            interval: self.timers.t1,
        };
        self.live.insert(sent.id, client);
    }

    /// Takes a response, and gives the request that it is the first final answer to. All others,
    /// and those to nothing, give none (RFC 3261 17.1.3, 18.1.2).
    pub(super) fn receive(&mut self, now: Instant, response: &Message) -> Option<RequestId> {
        let id = self.find(response)?;
        let status = response.status()?;
        let client = self.live.get_mut(&id)?;
        match client.phase {
            Phase::Completed => None,
            Phase::Trying | Phase::Proceeding if status < 200 => {
                // Timer E is set to T2 from its next firing on (17.1.2.2).
                client.phase = Phase::Proceeding;
                None
            }
            Phase::Trying | Phase::Proceeding => {
                self.bytes -= std::mem::take(&mut client.bytes).len();
                if client.to.transport.is_reliable() {
                    self.remove(id);
                } else {
                    client.phase = Phase::Completed;
                    client.next = now + self.timers.t4;
                    self.due.push(Reverse((client.next, id)));
                }
                self.tidy();
                Some(RequestId(id))
            }
        }
    }

    /// The transaction that a response belongs to: by the branch of its only Via, which was made
    /// here, by the sent-by, and by the method of its CSeq.
    fn find(&self, response: &Message) -> Option<u64> {
        let mut lines = response.headers(Name::Via);
        let line = lines.next()?;
        let (via, rest) = Via::parse(&line).ok()?;
        if rest.is_some() || lines.next().is_some() {
            return None;
        }
        let id = id_of(via.branch()?)?;
        let client = self.live.get(&id)?;
        let cseq = response.header(Name::CSeq)?;
        let (_, method) = field::cseq(&cseq)?;
        let (host, port) = crate::sip::via::host_and_port(client.sent_by.as_bytes())?;
        let ours = via.branch()? == client.branch.as_bytes()
            && via.host.eq_ignore_ascii_case(host)
            && via.port.unwrap_or(5060) == port.unwrap_or(5060)
            && method == client.method.text().as_bytes();
        ours.then_some(id)
    }

    /// What is due, one at a time; transactions that merely end do so on the way.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        loop {
            let Reverse((at, id)) =
                self.due.peek().filter(|Reverse((at, _))| *at <= now).copied()?;
            self.due.pop();
            let Some(client) = self.live.get_mut(&id).filter(|client| client.next == at) else {
                continue;
            };
            if client.phase == Phase::Completed {
                self.remove(id);
            } else if client.gives_up <= now {
                self.remove(id);
                self.tidy();
                return Some(Due::TimedOut(RequestId(id)));
            } else {
                let doubled = client.interval.saturating_mul(2).min(self.timers.t2);
                client.interval =
                    if client.phase == Phase::Proceeding { self.timers.t2 } else { doubled };
                client.next = (now + client.interval).min(client.gives_up);
                let again = Transmit { to: client.to, bytes: client.bytes.clone() };
                self.due.push(Reverse((client.next, id)));
                return Some(Due::Repeat(again));
            }
            self.tidy();
        }
    }

    /// Ends all transactions over a connection, and gives those without an answer in the order in
    /// which they began.
    pub(super) fn close(&mut self, connection: u64) -> Vec<RequestId> {
        let of_connection = (connection, 0)..=(connection, u64::MAX);
        let ended: Vec<u64> = self.by_connection.range(of_connection).map(|(_, id)| *id).collect();
        for id in &ended {
            self.remove(*id);
        }
        self.tidy();
        ended.into_iter().map(RequestId).collect()
    }

    /// Ends a transaction that has no answer yet.
    pub(super) fn cancel(&mut self, RequestId(id): RequestId) {
        if self.live.get(&id).is_some_and(|client| client.phase != Phase::Completed) {
            self.remove(id);
            self.tidy();
        }
    }

    /// When [`Clients::due`] has something to give.
    pub(super) fn first_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// All transactions.
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// Bytes of requests that may be repeated.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Removes a transaction.
    fn remove(&mut self, id: u64) {
        if let Some(client) = self.live.remove(&id) {
            self.bytes -= client.bytes.len();
            self.by_connection.remove(&(client.to.connection, id));
        }
    }

    /// Removes times that mean nothing: at the top always, so that the first is one that counts,
    /// and all of them once they are more than half. Gives the memory of a herd back.
    fn tidy(&mut self) {
        let counts =
            |at: Instant, id: u64| self.live.get(&id).is_some_and(|client| client.next == at);
        while self.due.peek().is_some_and(|Reverse((at, id))| !counts(*at, *id)) {
            self.due.pop();
        }
        if self.due.len() > 2 * self.live.len() + 64 {
            self.due.retain(|Reverse((at, id))| counts(*at, *id));
        }
        if self.live.is_empty() && self.live.capacity() > 1024 {
            self.live = HashMap::new();
            self.due = BinaryHeap::new();
        }
    }
}

/// The branch of a request of ours: its number can be read back, and the token can't be guessed.
pub(super) fn branch(id: u64, token: &[u8]) -> String {
    format!("z9hG4bK{id:x}.{}", String::from_utf8_lossy(token))
}

/// The number in a branch of ours.
fn id_of(branch: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(branch).ok()?.strip_prefix("z9hG4bK")?;
    u64::from_str_radix(text.split_once('.')?.0, 16).ok()
}

//! Requests of others: those that are being worked on, and those that were answered (RFC 3261
//! 17.2.2).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::{Flow, Transport};

use super::config::Config;

/// The most bytes of a kept response and its key together. The answer to a REGISTER or a MESSAGE
/// and its key have less than a quarter of this. One of more is not kept: keys and answers repeat
/// what the sender chose, and a retransmission of such a request can be worked on again.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// What is known of a request.
pub(super) enum Seen {
    /// Nothing.
    Never,
    /// It is being worked on.
    Held,
    /// It was answered with this.
    Answered(Bytes),
}

/// All server transactions.
pub(super) struct Servers {
    entries: HashMap<Arc<[u8]>, Entry>,
    /// Each queue is in the order of its times, since all wait equally long. An entry that is gone,
    /// or there anew, leaves its old place behind; [`Queue::tidy`] sees that those stay few.
    held: Queue,
    answered: Queue,
    /// What is held for each TCP connection.
    by_connection: HashMap<u64, HashSet<Arc<[u8]>>>,
    /// Keys of what is held.
    held_bytes: usize,
    /// Keys and responses of what is answered.
    answered_bytes: usize,
    serial: u64,
    lasts: Duration,
    answered_max: usize,
    answered_bytes_max: usize,
}

/// One transaction.
struct Entry {
    /// Tells it from an earlier one of the same key.
    serial: u64,
    /// None while it is held.
    response: Option<Bytes>,
    flow: Flow,
}

/// Transactions in the order in which they end.
#[derive(Default)]
struct Queue {
    places: VecDeque<(Instant, u64, Arc<[u8]>)>,
    /// Places whose transaction is still there.
    live: usize,
}

impl Queue {
    /// Adds a transaction.
    fn push(&mut self, ends: Instant, serial: u64, key: Arc<[u8]>) {
        self.places.push_back((ends, serial, key));
        self.live += 1;
    }

    /// Removes places that mean nothing: at the front always, so that the first is one that counts,
    /// and all of them once they are more than half.
    fn tidy(&mut self, entries: &HashMap<Arc<[u8]>, Entry>) {
        let counts = |serial: u64, key: &Arc<[u8]>| {
            entries.get(key).is_some_and(|entry| entry.serial == serial)
        };
        while self.places.front().is_some_and(|(_, serial, key)| !counts(*serial, key)) {
            self.places.pop_front();
        }
        if self.places.len() > 2 * self.live + 64 {
            self.places.retain(|(_, serial, key)| counts(*serial, key));
        }
        if self.places.is_empty() {
            self.places = VecDeque::new();
        }
    }

    /// When the first ends.
    fn first_end(&self) -> Option<Instant> {
        self.places.front().map(|(ends, ..)| *ends)
    }
}

impl Servers {
    /// None yet.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            entries: HashMap::new(),
            held: Queue::default(),
            answered: Queue::default(),
            by_connection: HashMap::new(),
            held_bytes: 0,
            answered_bytes: 0,
            serial: 0,
            lasts: config.timers().transaction(),
            answered_max: config.cached_responses_max,
            answered_bytes_max: config.cached_bytes_max,
        }
    }

    /// What is known of the request of this key.
    pub(super) fn seen(&self, key: &[u8]) -> Seen {
        match self.entries.get(key) {
            None => Seen::Never,
            Some(Entry { response: None, .. }) => Seen::Held,
            Some(Entry { response: Some(response), .. }) => Seen::Answered(response.clone()),
        }
    }

    /// Holds a request until it is answered, or until its sender has given up (its timer F).
    pub(super) fn hold(&mut self, now: Instant, key: &[u8], flow: Flow) {
        if self.entries.contains_key(key) {
            return;
        }
        let key: Arc<[u8]> = Arc::from(key);
        self.insert(Arc::clone(&key), None, flow);
        if flow.transport == Transport::Tcp {
            self.by_connection.entry(flow.connection).or_default().insert(Arc::clone(&key));
        }
        self.held.push(now + self.lasts, self.serial, key);
    }

    /// A request is answered: it is no longer held. Over UDP the response, if given, is kept until
    /// timer J unless it is too long; over TCP that is none at all. The oldest make room for it.
    pub(super) fn answer(&mut self, now: Instant, key: &[u8], flow: Flow, keep: Option<Bytes>) {
        self.remove(key);
        let bytes_max = self.answered_bytes_max.min(ANSWER_BYTES_MAX);
        let keep = keep.filter(|response| {
            !flow.transport.is_reliable()
                && self.answered_max > 0
                && key.len() + response.len() <= bytes_max
        });
        if let Some(response) = keep {
            let bytes = key.len() + response.len();
            while self.answered.live >= self.answered_max
                || self.answered_bytes + bytes > self.answered_bytes_max
            {
                self.forget_oldest_answer();
            }
            let key: Arc<[u8]> = Arc::from(key);
            self.insert(Arc::clone(&key), Some(response), flow);
            self.answered.push(now + self.lasts, self.serial, key);
        }
        self.tidy();
    }

    /// Forgets what is held for a connection that is no more.
    pub(super) fn close(&mut self, connection: u64) {
        for key in self.by_connection.remove(&connection).unwrap_or_default() {
            self.remove(&key);
        }
        self.tidy();
    }

    /// Forgets what has ended.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((_, _, key)) =
            self.held.places.front().filter(|(ends, ..)| *ends <= now).cloned()
        {
            self.remove(&key);
            self.tidy();
        }
        while let Some((_, _, key)) =
            self.answered.places.front().filter(|(ends, ..)| *ends <= now).cloned()
        {
            self.remove(&key);
            self.tidy();
        }
    }

    /// When [`Servers::expire`] has something to do.
    pub(super) fn first_end(&self) -> Option<Instant> {
        self.held.first_end().into_iter().chain(self.answered.first_end()).min()
    }

    /// All transactions.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Those that are held.
    pub(super) fn held(&self) -> usize {
        self.held.live
    }

    /// Bytes of keys and responses.
    pub(super) fn bytes(&self) -> usize {
        self.held_bytes + self.answered_bytes
    }

    /// Adds an entry of which there is none.
    fn insert(&mut self, key: Arc<[u8]>, response: Option<Bytes>, flow: Flow) {
        self.serial += 1;
        match &response {
            None => self.held_bytes += key.len(),
            Some(response) => self.answered_bytes += key.len() + response.len(),
        }
        self.entries.insert(key, Entry { serial: self.serial, response, flow });
    }

    /// Removes an entry, wherever it is.
    fn remove(&mut self, key: &[u8]) {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return };
        if let Some(response) = entry.response {
            self.answered_bytes -= key.len() + response.len();
            self.answered.live -= 1;
            return;
        }
        self.held_bytes -= key.len();
        self.held.live -= 1;
        let connection = entry.flow.connection;
        if let Some(held) = self.by_connection.get_mut(&connection) {
            held.remove(&key);
            if held.is_empty() {
                self.by_connection.remove(&connection);
            }
        }
    }

    /// Makes room for a newer answer.
    fn forget_oldest_answer(&mut self) {
        self.answered.tidy(&self.entries);
        if let Some((_, _, key)) = self.answered.places.pop_front() {
            self.remove(&key);
        }
    }

    /// Keeps the queues short, and gives the memory of a herd back once it has gone.
    fn tidy(&mut self) {
        self.held.tidy(&self.entries);
        self.answered.tidy(&self.entries);
        if self.entries.is_empty() && self.entries.capacity() > 1024 {
            self.entries = HashMap::new();
        }
    }
}

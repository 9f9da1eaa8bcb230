//! Transactions: requests in, responses out, and the other way round (RFC 3261, 8 and 17).
//!
//! [`Endpoint`] does no IO and reads no clock: bytes and times are handed in, bytes to send and
//! events are taken out. After each call that takes the time, take all of both: they are queued
//! without a bound of their own, since each call adds only what follows from it.

mod checks;
mod client;
mod config;
mod events;
mod key;
mod outgoing;
mod server;
mod tokens;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::sip::{Flow, Message, MessageBuilder, Method, Name, Transmit};

use checks::Verdict;
use client::{Clients, Due, Sent};
use outgoing::Made;
use server::{Seen, Servers};
use tokens::Tokens;

pub use config::Config;
pub use events::{Busy, Counts, Event, Failure, IncomingRequest, Keep, RequestError, RequestId};
pub use outgoing::{OutgoingRequest, OutgoingResponse};

/// The transactions of one SIP element, over UDP and any number of TCP connections.
///
/// It keeps nothing but transactions under way. Requests of ours are forgotten after timer F or K,
/// responses that are kept for retransmissions ([`Keep::Response`]) after timer J: a quiet endpoint
/// is an empty one.
pub struct Endpoint {
    config: Config,
    tokens: Tokens,
    clients: Clients,
    servers: Servers,
    /// The number of the next request of ours.
    next_id: u64,
    /// The CSeq of the next request of ours that brings none.
    next_cseq: u32,
    /// A server key in the making; kept for its memory.
    key: Vec<u8>,
    events: VecDeque<Event>,
    transmits: VecDeque<Transmit>,
    dropped: u64,
}

impl fmt::Debug for Endpoint {
    /// How much is under way, and none of it: messages may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("config", &self.config)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An endpoint with nothing under way.
    pub fn new(config: Config) -> Self {
        Self {
            tokens: Tokens::new(config.seed),
            clients: Clients::new(config.timers()),
            servers: Servers::new(&config),
            config,
            next_id: 1,
            next_cseq: 1,
            key: Vec::new(),
            events: VecDeque::new(),
            transmits: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Takes a datagram, or one message of a stream.
    ///
    /// What comes of it is at most one event or one transmit: a sound request that is no
    /// retransmission is an [`Event::Request`]; a faulty one is answered here (400, 405, 416, 420,
    /// 481, 501 or 505, see RFC 3261 8.2) and nothing is kept of it; a response goes to its
    /// request. Dropped, and counted, are responses to nothing, ACKs, and what can't be answered:
    /// bytes that are no SIP, requests without a Via or a CSeq.
    pub fn receive(&mut self, now: Instant, from: Flow, bytes: Bytes) {
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            if !bytes.is_empty() {
                self.events.push_back(Event::Ping { from });
            }
            return;
        }
        let Ok((message, fault)) = Message::parse_leniently(bytes) else {
            self.dropped += 1;
            return;
        };
        match message.method() {
            Some(Method::Ack) => self.dropped += 1,
            Some(method) => match checks::check(&message, fault, &self.config.allow) {
                Verdict::Sound => self.receive_sound(from, message, method),
                Verdict::Refuse(status, header) => self.refuse(from, &message, status, header),
                Verdict::Drop => self.dropped += 1,
            },
            None if fault.is_none() => self.receive_response(now, message),
            None => self.dropped += 1,
        }
    }

    /// A TCP connection is no more: requests of ours over it fail, those of others are forgotten.
    pub fn connection_closed(&mut self, _now: Instant, connection: u64) {
        for id in self.clients.close(connection) {
            self.events.push_back(Event::Failed { id, why: Failure::ConnectionClosed });
        }
        self.servers.close(connection);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// When [`Endpoint::handle_timeout`] has to be called next; none while nothing is under way.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.clients.first_due().into_iter().chain(self.servers.first_end()).min()
    }

    /// Does all that is due: repeats requests (timer E), fails them (F), forgets (J, K).
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.clients.due(now) {
            match due {
                Due::Repeat(transmit) => self.transmits.push_back(transmit),
                Due::TimedOut(id) => {
                    self.events.push_back(Event::Failed { id, why: Failure::TimedOut });
                }
            }
        }
        self.servers.expire(now);
    }

    /// Sends a request of ours. Its end is one [`Event::Response`] or one [`Event::Failed`]: after
    /// 64 times T1 at the latest.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: nothing was sent then.
    pub fn request(
        &mut self,
        now: Instant,
        to: Flow,
        request: OutgoingRequest,
    ) -> Result<RequestId, RequestError> {
        let method = request.method;
        if matches!(method, Method::Invite | Method::Ack | Method::Cancel | Method::Other) {
            return Err(RequestError::Method(method));
        }
        self.room()?;
        let id = self.next_id;
        self.next_id += 1;
        let branch = client::branch(id, &self.tokens.fresh());
        let cseq = request.cseq.unwrap_or(self.next_cseq);
        if request.cseq.is_none() {
            self.next_cseq = (self.next_cseq + 1) & (u32::MAX >> 1);
        }
        let (from_tag, call_id) = (self.tokens.fresh(), self.tokens.fresh());
        let bytes = request.print(&Made {
            transport: to.transport,
            branch: &branch,
            from_tag: request.from_tag.as_deref().unwrap_or(&from_tag),
            call_id: request.call_id.as_deref().unwrap_or(&call_id),
            cseq,
            user_agent: self.config.user_agent.as_deref(),
        });
        self.transmits.push_back(Transmit { to, bytes: bytes.clone() });
        let sent_by = request.via_sent_by;
        self.clients.begin(now, Sent { id, to, method, branch, sent_by, bytes });
        Ok(RequestId(id))
    }

    /// Ends a request of ours that nobody waits for any more: it is not repeated, an answer to it
    /// is dropped, and no event tells of it. Nothing happens if it has ended.
    pub fn cancel(&mut self, id: RequestId) {
        self.clients.cancel(id);
    }

    /// Says that a request is being worked on: retransmissions are absorbed until
    /// [`Endpoint::respond`], or until its sender has given up (64 times T1).
    ///
    /// Only for requests that have proved whose they are: what is held takes memory.
    ///
    /// # Errors
    ///
    /// [`Busy`] if too much is under way. The request was answered 503 with Retry-After then, and
    /// is done with.
    pub fn hold(&mut self, now: Instant, request: &IncomingRequest) -> Result<(), Busy> {
        if let Err(busy) = self.room() {
            let seconds = self.config.retry_after_seconds.to_string().into_bytes();
            let header = (Name::RetryAfter, seconds);
            self.refuse(request.from, &request.message, 503, Some(header));
            return Err(busy);
        }
        key::write_server_key(&mut self.key, &request.message, &request.from);
        self.servers.hold(now, &self.key, request.from);
        Ok(())
    }

    /// Answers a request, over the flow that it came from.
    pub fn respond(
        &mut self,
        now: Instant,
        request: &IncomingRequest,
        response: OutgoingResponse,
        keep: Keep,
    ) {
        let status = response.status;
        let begun = self.begin_response(request.from, &request.message, status, response.reason);
        let bytes = response.print(begun);
        self.transmits.push_back(Transmit { to: request.from, bytes: bytes.clone() });
        // A provisional response ends nothing.
        if status < 200 || (keep == Keep::Nothing && self.servers.held() == 0) {
            return;
        }
        key::write_server_key(&mut self.key, &request.message, &request.from);
        let kept = (keep == Keep::Response).then_some(bytes);
        self.servers.answer(now, &self.key, request.from, kept);
    }

    /// Whether nothing is under way, nothing is kept, and nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.clients.len() == 0
            && self.servers.len() == 0
            && self.events.is_empty()
            && self.transmits.is_empty()
    }

    /// How much is under way.
    pub fn counts(&self) -> Counts {
        Counts {
            client: self.clients.len(),
            server: self.servers.len(),
            held: self.servers.held(),
            bytes: self.clients.bytes() + self.servers.bytes(),
            dropped: self.dropped,
        }
    }

    /// Whether another transaction may begin.
    fn room(&self) -> Result<(), Busy> {
        let under_way = self.clients.len() + self.servers.held();
        if under_way < self.config.transactions_max { Ok(()) } else { Err(Busy) }
    }

    /// A request that passed the checks: new, or a retransmission.
    fn receive_sound(&mut self, from: Flow, message: Message, method: Method) {
        key::write_server_key(&mut self.key, &message, &from);
        match self.servers.seen(&self.key) {
            Seen::Never => {
                self.events.push_back(Event::Request(IncomingRequest { from, message, method }));
            }
            Seen::Held => {}
            Seen::Answered(bytes) => self.transmits.push_back(Transmit { to: from, bytes }),
        }
    }

    /// A response: to its request, if it is the first final one.
    fn receive_response(&mut self, now: Instant, message: Message) {
        match (self.clients.receive(now, &message), message.status()) {
            (Some(id), Some(status)) => {
                self.events.push_back(Event::Response { id, status, message });
            }
            _ => self.dropped += 1,
        }
    }

    /// Answers a request without keeping anything (RFC 3261 8.2.7).
    fn refuse(
        &mut self,
        to: Flow,
        request: &Message,
        status: u16,
        header: Option<(Name, Vec<u8>)>,
    ) {
        let reason = crate::sip::reason_phrase(status);
        let mut printed = self.begin_response(to, request, status, reason);
        if let Some((name, value)) = header {
            printed = printed.header(name, &value);
        }
        self.transmits.push_back(Transmit { to, bytes: printed.finish() });
    }

    /// Begins a response. The tag of To is made from the Call-ID and the From, so that a request
    /// that is answered anew gets the same one (RFC 3261 8.2.7).
    fn begin_response(
        &self,
        to: Flow,
        request: &Message,
        status: u16,
        reason: &str,
    ) -> MessageBuilder {
        let call_id = request.header(Name::CallId).unwrap_or_default();
        let from = request.header(Name::From).unwrap_or_default();
        let tag = self.tokens.of(b"tag", &[&call_id, &from]);
        let tag: &[u8] = if status == 100 { b"" } else { &tag };
        let printed = MessageBuilder::response(request, &to, status, reason, tag);
        match &self.config.server {
            Some(server) => printed.header(Name::Server, server.as_bytes()),
            None => printed,
        }
    }
}

//! What a camera sends and awaits a SIP response to: RFC 3261's client transactions in small.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gb28181::manscdp::CONTENT_TYPE;
use gb28181::sip::via::{MAGIC_COOKIE, Via};
use gb28181::sip::{Message, MessageBuilder, Name};
use rand::Rng;
use rand::rngs::SmallRng;

use super::registration::Attempt;
use super::{Options, Transport};

/// How often a request is repeated at the least (RFC 3261 17.1.2.2: T2, in units of T1).
const T2: u32 = 8;
/// When it is given up (RFC 3261 17.1.2.2: timer F, in units of T1).
const TIMER_F: u32 = 64;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// To register, refresh or un-register.
    Register(Attempt),
    /// To say that it is there.
    Keepalive,
    /// To answer a command.
    Answer,
}

/// A request that was given up.
pub(super) use What as Ended;

/// A request without a final response yet.
#[derive(Debug)]
struct Request {
    branch: u64,
    what: What,
    bytes: Bytes,
    resend_at: Option<Instant>,
    interval: Duration,
    /// The longest time between two repetitions.
    interval_max: Duration,
    ends_at: Instant,
}

/// Requests under way: few, so they are looked for one by one.
#[derive(Debug, Default)]
pub(super) struct Requests(Vec<Request>);

impl Requests {
    /// Notes a request that is being sent.
    pub(super) fn add(
        &mut self,
        now: Instant,
        options: &Options,
        branch: u64,
        what: What,
        bytes: Bytes,
    ) {
        // Timer E: not on TCP.
        let resend_at = (!options.transport.is_reliable()).then(|| now + options.t1);
        self.0.push(Request {
            branch,
            what,
            bytes,
            resend_at,
            interval: options.t1,
            interval_max: options.t1 * T2,
            ends_at: now + options.t1 * TIMER_F,
        });
    }

    /// When something is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let next = |request: &Request| {
            request.resend_at.map_or(request.ends_at, |resend| resend.min(request.ends_at))
        };
        self.0.iter().map(next).min()
    }

    /// A request to be repeated now; call it again until there is none.
    pub(super) fn resend(&mut self, now: Instant) -> Option<Bytes> {
        let due = |request: &&mut Request| {
            request.ends_at > now && request.resend_at.is_some_and(|at| at <= now)
        };
        let request = self.0.iter_mut().find(due)?;
        request.interval = (request.interval * 2).min(request.interval_max);
        request.resend_at = Some(now + request.interval);
        Some(request.bytes.clone())
    }

    /// Takes out what is given up.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<Ended> {
        self.0
            .extract_if(.., |request| request.ends_at <= now)
            .map(|request| request.what)
            .collect()
    }

    /// Takes out what a final response is to.
    pub(super) fn take(&mut self, response: &Message) -> Option<What> {
        let branch = branch(response)?;
        let at = self.0.iter().position(|request| request.branch == branch)?;
        Some(self.0.swap_remove(at).what)
    }

    /// A provisional response: from now on it is repeated as seldom as can be (RFC 3261 17.1.2.2).
    pub(super) fn slow_down(&mut self, response: &Message) {
        let branch = branch(response);
        if let Some(request) = self.0.iter_mut().find(|request| Some(request.branch) == branch) {
            request.interval = request.interval_max;
        }
    }

    /// How many answers to commands are under way.
    pub(super) fn answers(&self) -> usize {
        self.0.iter().filter(|request| request.what == What::Answer).count()
    }

    /// Forgets a registration that is under way.
    pub(super) fn forget_registers(&mut self) {
        self.0.retain(|request| !matches!(request.what, What::Register(_)));
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The branch of a response's first Via, if it can be one of ours.
fn branch(response: &Message) -> Option<u64> {
    let via = response.header(Name::Via)?;
    let (via, _) = Via::parse(&via).ok()?;
    let digits = via.branch()?.strip_prefix(MAGIC_COOKIE)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The value of a request's Via.
pub(super) fn via(transport: Transport, local: SocketAddr, branch: u64) -> Vec<u8> {
    let cookie = String::from_utf8_lossy(MAGIC_COOKIE);
    format!("SIP/2.0/{transport} {local};rport;branch={cookie}{branch:016x}").into_bytes()
}

/// Prints a MESSAGE to the server, outside any dialog: each has a Call-ID of its own.
pub(super) fn message(
    options: &Options,
    local: SocketAddr,
    branch: u64,
    random: &mut SmallRng,
    body: &[u8],
) -> Bytes {
    let Options { id, server_id, domain, transport, .. } = options;
    let (tag, call): (u32, u64) = (random.random(), random.random());
    let server = format!("sip:{server_id}@{domain}");
    MessageBuilder::request("MESSAGE", server.as_bytes())
        .header(Name::Via, &via(*transport, local, branch))
        .header(Name::From, format!("<sip:{id}@{domain}>;tag={tag:08x}").as_bytes())
        .header(Name::To, format!("<{server}>").as_bytes())
        .header(Name::CallId, format!("{call:016x}@{}", local.ip()).as_bytes())
        .header(Name::CSeq, b"20 MESSAGE")
        .header(Name::MaxForwards, b"70")
        .finish_with_body(CONTENT_TYPE, body)
}

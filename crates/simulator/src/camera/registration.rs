//! How a camera registers, refreshes and takes itself off (RFC 3261 10.2, GB/T 28181-2016 9.1).

use std::time::{Duration, Instant};

use gb28181::digest::{Algorithm, Challenge, Credentials, Form};
use gb28181::sip::field::{list, number};
use gb28181::sip::uri::{Address, Uri};
use gb28181::sip::{Message, MessageBuilder, Name};
use rand::Rng;
use rand::rngs::SmallRng;

use super::requests::{self, What};
use super::{Camera, DigestForm, Options, Output, Stage};

/// The longest Retry-After and the longest granted time that a camera believes.
const DAYS_MAX: u32 = 30 * 86_400;

/// What a camera does when it has taken itself off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It stays off.
    StayOff,
    /// It restarts.
    Boot,
}

/// What one REGISTER is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The time that it asks for, in seconds; 0 to take itself off.
    pub(super) expires: u32,
    /// How many challenges it has answered.
    pub(super) challenges: u8,
    /// Whether its time was too short once already.
    pub(super) raised: bool,
}

/// What all REGISTERs of a camera since its start have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialog {
    call: u64,
    tag: u32,
    sequence: u32,
}

impl Dialog {
    /// Another Call-ID.
    pub(super) fn new(random: &mut SmallRng) -> Self {
        Dialog { call: random.random(), tag: random.random(), sequence: 0 }
    }
}

impl Camera {
    /// Registers, or refreshes: without credentials at first, as the standard has it.
    pub(super) fn begin_registration(&mut self, now: Instant) {
        self.register_at = None;
        let attempt =
            Attempt { expires: self.memory.expiration.max(1), challenges: 0, raised: false };
        self.send_register(now, attempt, None);
    }

    /// Takes itself off, and then does what `after` says.
    pub(super) fn leave(&mut self, now: Instant, after: After) {
        self.stage = Stage::Leaving(after);
        self.register_at = None;
        self.keepalive_at = None;
        self.replies.clear();
        self.requests.forget_registers();
        let attempt = Attempt { expires: 0, challenges: 0, raised: false };
        self.send_register(now, attempt, None);
    }

    /// It has taken itself off, or nobody wanted to hear of it.
    pub(super) fn left(&mut self, now: Instant, after: After) {
        match after {
            After::StayOff => self.stop(),
            After::Boot => {
                self.counts.restarts += 1;
                self.restart(now);
            }
        }
    }

    /// A registration failed: it waits, and by how much is random (GB/T 28181-2016 9.1.1).
    pub(super) fn fail(&mut self, now: Instant, retry_after: Option<Duration>) {
        let retry = self.options.retry.max(retry_after.unwrap_or_default());
        let spread = self.random.random_range(0.0..0.25);
        self.stage = Stage::Waiting;
        self.keepalive_at = None;
        self.missed = 0;
        self.requests.clear();
        self.replies.clear();
        self.register_at = Some(now + retry + self.options.retry.mul_f64(spread));
        if self.local.take().is_some() {
            self.outputs.push_back(Output::Close);
        }
    }

    /// Takes the final response to a REGISTER.
    pub(super) fn register_answered(
        &mut self,
        now: Instant,
        attempt: Attempt,
        status: u16,
        message: &Message,
    ) {
        self.counts.last_status = Some(status);
        match status {
            200..300 if attempt.expires == 0 => {
                self.counts.unregistrations += 1;
                if let Stage::Leaving(after) = self.stage {
                    self.left(now, after);
                }
            }
            200..300 => self.registered(now, granted(message).unwrap_or(attempt.expires)),
            401 => self.challenged(now, attempt, message),
            423 if !attempt.raised && attempt.expires > 0 => {
                let least = message.header(Name::MinExpires).and_then(|value| number(&value));
                let expires = least.unwrap_or(3600).max(attempt.expires);
                self.send_register(now, Attempt { expires, challenges: 0, raised: true }, None);
            }
            _ => self.refused(now, retry_after(message)),
        }
    }

    /// A registration was refused; if it was to take itself off, it goes all the same.
    fn refused(&mut self, now: Instant, retry_after: Option<Duration>) {
        match self.stage {
            Stage::Leaving(after) => self.left(now, after),
            _ => {
                self.counts.refusals += 1;
                self.fail(now, retry_after);
            }
        }
    }

    /// Answers a challenge: the first one, and the next only if the nonce was all that was wrong.
    fn challenged(&mut self, now: Instant, attempt: Attempt, message: &Message) {
        let headers: Vec<_> = message.headers(Name::WwwAuthenticate).collect();
        let challenges: Vec<_> =
            headers.iter().filter_map(|header| Challenge::parse(header).ok()).collect();
        let wanted = match self.options.digest {
            DigestForm::Sha256 => Algorithm::Sha256,
            DigestForm::Md5 | DigestForm::Md5NoQop => Algorithm::Md5,
        };
        let chosen = challenges.iter().find(|challenge| challenge.algorithm == wanted);
        let md5 = || challenges.iter().find(|challenge| challenge.algorithm == Algorithm::Md5);
        let may = |challenge: &&Challenge<'_>| {
            attempt.challenges == 0 || (attempt.challenges < 3 && challenge.stale)
        };
        match chosen.or_else(md5).filter(may) {
            Some(challenge) => {
                let credentials = self.credentials(challenge);
                let next = Attempt { challenges: attempt.challenges + 1, ..attempt };
                self.send_register(now, next, Some(&credentials));
            }
            None => self.refused(now, None),
        }
    }

    /// The value of an Authorization that answers `challenge`.
    fn credentials(&mut self, challenge: &Challenge<'_>) -> Vec<u8> {
        let password = self.memory.password_used(&self.faults);
        let Options { id, user, digest, server_id, domain, .. } = &self.options;
        let form = match digest {
            DigestForm::Md5NoQop => Form::Rfc2069,
            _ if challenge.qop_auth => Form::QopAuth,
            _ => Form::Rfc2069,
        };
        let cnonce = format!("{:08x}", self.random.random::<u32>());
        let credentials = Credentials::create(
            challenge,
            user.as_ref().unwrap_or(id).as_bytes(),
            password.expose().as_bytes(),
            b"REGISTER",
            format!("sip:{server_id}@{domain}").as_bytes(),
            cnonce.as_bytes(),
            1,
            form,
        );
        credentials.to_header()
    }

    /// The server has it for that many seconds: it refreshes when most of them are over, at a
    /// random time, so that many cameras do not come at once.
    fn registered(&mut self, now: Instant, seconds: u32) {
        self.counts.registrations += 1;
        let first = self.stage != Stage::Registered;
        self.stage = Stage::Registered;
        self.missed = 0;
        let seconds = f64::from(seconds.clamp(1, DAYS_MAX));
        let part = self.random.random_range(0.8..0.9);
        self.register_at = Some(now + Duration::from_secs_f64(seconds * part));
        if first {
            let part = self.random.random_range(0.1..1.0);
            self.keepalive_at = Some(now + self.keepalive_interval().mul_f64(part));
        }
    }

    /// Sends a REGISTER.
    fn send_register(&mut self, now: Instant, attempt: Attempt, authorization: Option<&[u8]>) {
        let Some(local) = self.local else { return };
        let branch = self.random.random();
        self.dialog.sequence += 1;
        let Dialog { call, tag, sequence } = self.dialog;
        let Options { id, server_id, domain, transport, edition, .. } = &self.options;
        let to = format!("<sip:{id}@{domain}>");
        let uri = format!("sip:{server_id}@{domain}");
        let mut request = MessageBuilder::request("REGISTER", uri.as_bytes())
            .header(Name::Via, &requests::via(*transport, local, branch))
            .header(Name::From, format!("{to};tag={tag:08x}").as_bytes())
            .header(Name::To, to.as_bytes())
            .header(Name::CallId, format!("{call:016x}@{}", local.ip()).as_bytes())
            .header(Name::CSeq, format!("{sequence} REGISTER").as_bytes())
            .header(Name::Contact, format!("<sip:{id}@{local}>").as_bytes());
        if let Some(authorization) = authorization {
            request = request.header(Name::Authorization, authorization);
        }
        request = request.header(Name::MaxForwards, b"70");
        if let Some(version) = edition.header() {
            request = request.header(Name::XGbVer, version.as_bytes());
        }
        let bytes = request.header(Name::Expires, attempt.expires.to_string().as_bytes()).finish();
        self.counts.registers += 1;
        self.requests.add(now, &self.options, branch, What::Register(attempt), bytes.clone());
        self.send(bytes);
    }
}

/// For how many seconds a server registered the camera: what stands at its Contact, else in Expires
/// (RFC 3261 10.2.4).
fn granted(message: &Message) -> Option<u32> {
    let at_contact = message.headers(Name::Contact).find_map(|line| {
        list(&line).find_map(|value| number(Address::parse(value).ok()?.params.get("expires")?))
    });
    at_contact.or_else(|| number(&message.header(Name::Expires)?))
}

/// How long a server wants it to wait (RFC 3261 20.33): the seconds before any comment.
fn retry_after(message: &Message) -> Option<Duration> {
    let value = message.header(Name::RetryAfter)?;
    let seconds = value.split(|byte| b" (;".contains(byte)).next().and_then(number)?;
    Some(Duration::from_secs(u64::from(seconds.min(DAYS_MAX))))
}

/// The user of the camera that a message of its server's is for, whichever way it goes; none for a
/// message that says nothing of the kind.
pub fn camera_of(message: &Message) -> Option<String> {
    let header = match message.status() {
        Some(_) => Name::From,
        None => Name::To,
    };
    let value = message.header(header)?;
    let address = Address::parse(&value).ok()?;
    user_of(&address.uri)
}

/// A URI's user as text.
fn user_of(uri: &Uri<'_>) -> Option<String> {
    String::from_utf8(uri.user_unescaped()?.into_owned()).ok()
}

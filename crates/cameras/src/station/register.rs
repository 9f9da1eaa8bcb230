//! A REGISTER, step by step: nonce, look-up, digest, mark, and only then what it asks for.
//!
//! Until the digest is checked, every id goes the same way: same work, same bytes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use engine::{OpenEnrolment, Registrant, RegistrationFault};
use fleet::{Binding, DeviceId, DeviceKey, Offline, Timestamp, limits};
use gb28181::digest::Credentials;
use gb28181::endpoint::{IncomingRequest, Keep, OutgoingResponse};
use gb28181::sip::uri::Address;
use gb28181::sip::{Message, Name, Transport};

use super::answers::{Asked, asked, contact};
use super::change::{Change, Pending, bind, changed, expiry, version};
use super::{Station, WAITING_MAX, lock, undelivered};
use crate::line::Undelivered;
use crate::registrar::bindings::{Phase, Row, Slot};
use crate::registrar::verdict::{self, Accepted};

/// Bytes of a REGISTER: over it 413. One with every header that devices send has less than 2 KB,
/// and thousands of them may wait.
const REGISTER_BYTES_MAX: usize = 8 * 1024;
/// Registrations of one device that may wait for the store.
const WAITING_PER_DEVICE_MAX: u8 = 8;

/// Bindings that nobody waits for which go with every write, however many are waited for.
const UNWRITTEN_PER_WRITE_MIN: usize = 64;

/// A REGISTER that answers a good nonce, and whose digest is still to be checked.
#[derive(Debug)]
pub struct Claim {
    pub(super) request: IncomingRequest,
    pub(super) id: DeviceId,
    credentials: Credentials,
    issued_at: i64,
}

impl Claim {
    /// The id that it claims.
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    /// Its answer to the nonce.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

/// A REGISTER that has proved that it is the device's.
#[derive(Debug)]
pub struct Proved {
    pub(super) claim: Claim,
    pub(super) accepted: Accepted,
}

impl Proved {
    /// The device.
    pub fn device(&self) -> DeviceKey {
        self.accepted.device
    }
}

/// Bindings on their way to the store. Whoever takes them hands them back.
#[derive(Debug)]
pub struct Binds {
    rows: Vec<Binding>,
    pending: Vec<Pending>,
    unwritten: Vec<Slot>,
}

impl Binds {
    /// What is to be written, in this order.
    pub fn take_rows(&mut self) -> Vec<Binding> {
        std::mem::take(&mut self.rows)
    }
}

impl Station {
    /// A REGISTER came in.
    pub(super) fn register(&mut self, now: Instant, wall: Timestamp, request: IncomingRequest) {
        if request.message.bytes().len() > REGISTER_BYTES_MAX {
            return self.refuse(now, &request, 413);
        }
        if self.is_closed {
            return self.turn_away(now, &request);
        }
        let Some(id) = registered_id(&request.message) else {
            let response = OutgoingResponse::new(400);
            self.endpoint.respond(now, &request, response, Keep::Nothing);
            return;
        };
        let credentials = match self.credentials(&request.message) {
            Ok(credentials) => credentials,
            Err(None) => return self.challenge(now, &request, &id, false),
            Err(Some(why)) => {
                self.note_refusal(wall, &request, &id, why, String::new());
                return self.challenge(now, &request, &id, false);
            }
        };
        if credentials.realm != self.identity.realm().as_bytes() {
            let detail = verdict::detail(&credentials);
            let why = RegistrationFault::WrongRealm;
            self.note_refusal(wall, &request, &id, why, detail);
            return self.challenge(now, &request, &id, false);
        }
        let peer = request.from.remote.ip();
        let Ok(issued_at) = self.nonces.check(&credentials.nonce, now, peer, &id) else {
            return self.refuse_stale(now, wall, &request, &id, &credentials);
        };
        let Some(id) = device_id(&id) else {
            // No device can have such an id, and whoever sent it knows that.
            let detail = verdict::detail(&credentials);
            self.note_refusal(wall, &request, b"", RegistrationFault::UnknownId, detail);
            return self.challenge(now, &request, &id, false);
        };
        if self.waiting >= WAITING_MAX {
            return self.turn_away(now, &request);
        }
        if self.endpoint.hold(now, &request).is_err() {
            // It was answered 503.
            self.tally.overloaded += 1;
            return;
        }
        if request.from.transport == Transport::Tcp {
            self.open.insert(request.from.connection);
        }
        self.waiting += 1;
        self.claims.push_back(Claim { request, id, credentials, issued_at });
    }

    /// Whoever may register under the claim's id is known from before. If that refuses the claim
    /// it is given back, to be looked up: a refusal always costs a look-up, whatever memory knows,
    /// and a password that another node changed counts.
    pub fn recalled(
        &mut self,
        now: Instant,
        wall: Timestamp,
        claim: Claim,
        registrant: &Registrant,
    ) -> Option<Claim> {
        self.watch_clock(now, wall);
        let verdict = verdict::check(&claim.credentials, registrant, wall);
        self.tally.digests += verdict.digests;
        let Ok(accepted) = verdict.outcome else { return Some(claim) };
        self.waiting = self.waiting.saturating_sub(1);
        self.accept(now, wall, claim, accepted);
        None
    }

    /// Whoever may register under the claim's id was looked up, and in which projects a camera of
    /// that id may enrol; `None` if the store failed.
    pub fn looked_up(
        &mut self,
        now: Instant,
        wall: Timestamp,
        claim: Claim,
        found: Option<(&Registrant, &[Arc<OpenEnrolment>])>,
    ) {
        self.watch_clock(now, wall);
        self.waiting = self.waiting.saturating_sub(1);
        let Some((registrant, enrolments)) = found else {
            return self.turn_away(now, &claim.request);
        };
        let verdict = verdict::check(&claim.credentials, registrant, wall);
        self.tally.digests += verdict.digests;
        match verdict.outcome {
            Ok(accepted) => self.accept(now, wall, claim, accepted),
            Err(refused) => {
                let enrols = verdict::enrols(&claim.credentials, &claim.id, enrolments);
                self.tally.digests += enrols.digests;
                if let Some(project) = enrols.project
                    && refused.why == RegistrationFault::UnknownId
                {
                    return self.put_off(now, wall, &claim, project);
                }
                let mut detail = verdict::detail(&claim.credentials);
                if refused.outdated {
                    detail.push_str("; it fits those that were replaced");
                } else if enrols.project.is_some() {
                    detail.push_str("; it fits an enrolment password");
                }
                let id = claim.id.as_str().as_bytes();
                self.note_refusal(wall, &claim.request, id, refused.why, detail);
                self.challenge(now, &claim.request, id, false);
            }
        }
    }

    /// A REGISTER has proved that it is the device's. What is known here of one that is registered
    /// here is all there is to know.
    fn accept(&mut self, now: Instant, wall: Timestamp, claim: Claim, accepted: Accepted) {
        let is_here = self.session.is_none() || {
            let bindings = lock(&self.bindings);
            let slot = bindings.find_device(accepted.device);
            slot.and_then(|slot| bindings.get(slot)).is_some_and(|row| row.is_live(wall))
        };
        if is_here {
            return self.admit(now, wall, claim, accepted);
        }
        self.waiting += 1;
        self.proved.push_back(Proved { claim, accepted });
    }

    /// A REGISTER has proved that it is the device's, and all is known that was accepted before: it
    /// has to be newer.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        wall: Timestamp,
        claim: Claim,
        accepted: Accepted,
    ) {
        let Accepted { device, old: old_credentials } = accepted;
        let Claim { request, id, credentials, issued_at } = claim;
        // Without qop a nonce is good for one answer.
        let count = credentials.nc_number.unwrap_or(1);
        let id = id.as_str().as_bytes();
        let mut bindings = lock(&self.bindings);
        if bindings.is_removed(device) {
            // It was looked up before its record went.
            drop(bindings);
            let detail = verdict::detail(&credentials);
            self.note_refusal(wall, &request, id, RegistrationFault::UnknownId, detail);
            return self.challenge(now, &request, id, false);
        }
        let slot = bindings.enter(id, device, request.from);
        let Some((slot, row)) = slot.and_then(|slot| Some((slot, bindings.get_mut(slot)?))) else {
            drop(bindings);
            return self.turn_away(now, &request);
        };
        if !row.is_newer(issued_at, count) {
            drop(bindings);
            return self.refuse_stale(now, wall, &request, id, &credentials);
        }
        row.mark(issued_at, count);
        row.heard_at = wall;
        let asked = match asked(&request.message) {
            Some(Asked::Bind(seconds)) if seconds < self.settings.expires_min_seconds => {
                drop(bindings);
                return self.refuse_brief(now, &request);
            }
            Some(asked) => asked,
            None => {
                drop(bindings);
                return self.respond(now, &request, OutgoingResponse::new(400));
            }
        };
        let change = match asked {
            Asked::Bind(seconds) => Change::Bind(seconds.min(self.settings.expires_max_seconds)),
            Asked::Remove => Change::Remove,
            Asked::Query => {
                let known = row.is_registered(wall).then(|| known_contact(row, wall));
                // Other nodes are to know what was accepted.
                let is_told = self.session.is_some() && row.phase == Phase::Live;
                if is_told && !std::mem::replace(&mut row.dirty, true) {
                    self.unwritten.push_back(slot);
                }
                drop(bindings);
                return self.grant(now, wall, &request, known, None);
            }
        };
        drop(bindings);
        let (at, jumped) = (wall, self.jumped);
        let pending = Pending { request, device, at, jumped, change, old_credentials };
        self.change(now, slot, pending);
    }

    /// A REGISTER of the device in `slot`, proved now, changes its binding: what only renews it
    /// holds at once, unless another node could then accept it too, and all else when it is on
    /// disk.
    fn change(&mut self, now: Instant, slot: Slot, pending: Pending) {
        let Pending { request, device, at, change, old_credentials, .. } = &pending;
        let mut bindings = lock(&self.bindings);
        let call_id = request.message.header(Name::CallId).unwrap_or_default();
        let begins_call = matches!(change, Change::Bind(_))
            && bindings.get_mut(slot).is_some_and(|row| row.begins_call(&call_id));
        if begins_call {
            // It has restarted: what it was told before, it is not to be told after.
            drop(bindings);
            self.end_exchanges(*device, Undelivered::Unregistered);
            bindings = lock(&self.bindings);
        }
        let Some(row) = bindings.get_mut(slot).filter(|row| row.waiting < WAITING_PER_DEVICE_MAX)
        else {
            drop(bindings);
            return self.turn_away(now, request);
        };
        let is_alone = self.session.is_none();
        match *change {
            Change::Bind(seconds)
                if is_alone && row.waiting == 0 && row.is_live(*at) && row.is_at(&request.from) =>
            {
                row.refreshed_at = *at;
                row.expires_at = expiry(*at, seconds);
                row.set_version(version(&request.message).as_deref());
                row.old_credentials = *old_credentials;
                (row.strayed, row.moved) = (false, false);
                if !std::mem::replace(&mut row.dirty, true) {
                    self.unwritten.push_back(slot);
                }
                drop(bindings);
                self.tally.refreshed += 1;
                self.grant_for(now, *at, request, seconds);
            }
            Change::Remove if row.waiting == 0 && !row.is_registered(*at) => {
                drop(bindings);
                self.grant_for(now, *at, request, 0);
            }
            _ => {
                row.waiting += 1;
                drop(bindings);
                self.waiting += 1;
                self.pending.push_back(pending);
            }
        }
    }

    /// The next bindings for the store: none while it has some, so that they are written in the
    /// order in which they were proved, and as many at a time as have come meanwhile.
    pub(super) fn take_binds(&mut self) -> Option<Binds> {
        if self.binding || (self.pending.is_empty() && !self.rounds.writes_now(&self.unwritten)) {
            return None;
        }
        let mut bindings = lock(&self.bindings);
        let mut binds = Binds { rows: Vec::new(), pending: Vec::new(), unwritten: Vec::new() };
        let mut twice = Vec::new();
        let mut taken = BTreeSet::new();
        // Under a herd what nobody waits for is written all the same.
        let kept_free = self.unwritten.len().min(UNWRITTEN_PER_WRITE_MIN);
        while binds.pending.len() < limits::BINDINGS_PER_WRITE_MAX - kept_free {
            let Some(mut pending) = self.pending.pop_front() else { break };
            pending.go_with(self.jumped);
            let slot = bindings.find_device(pending.device);
            let row = slot.and_then(|slot| bindings.get(slot));
            // A second change of one device builds on the first.
            if row.is_some_and(|row| row.waiting > 1) && !taken.insert(pending.device) {
                twice.push(pending);
                continue;
            }
            // Of one whose record is gone nothing is written: it would stay in the store for good.
            if let Some(row) = row.filter(|row| !row.removed) {
                binds.rows.push(changed(row, &pending));
            }
            binds.pending.push(pending);
        }
        for pending in twice.into_iter().rev() {
            self.pending.push_front(pending);
        }
        for _ in 0..self.unwritten.len() {
            if binds.rows.len() >= limits::BINDINGS_PER_WRITE_MAX {
                break;
            }
            let Some(slot) = self.unwritten.pop_front() else { break };
            let row = bindings.get_mut(slot).filter(|row| row.dirty && !row.removed);
            let Some(row) = row else { continue };
            if row.waiting > 0 {
                self.unwritten.push_back(slot);
                continue;
            }
            row.dirty = false;
            binds.rows.push(row.to_binding());
            binds.unwritten.push(slot);
        }
        drop(bindings);
        self.rounds.wrote();
        if binds.pending.is_empty() && binds.rows.is_empty() {
            return None;
        }
        self.binding = true;
        Some(binds)
    }

    /// Bindings are on disk, or the store failed.
    pub fn bound(&mut self, now: Instant, wall: Timestamp, binds: Binds, durable: bool) {
        self.watch_clock(now, wall);
        self.binding = false;
        self.waiting = self.waiting.saturating_sub(binds.pending.len());
        for pending in binds.pending {
            if durable {
                self.apply(now, wall, pending);
            } else {
                let mut bindings = lock(&self.bindings);
                let slot = bindings.find_device(pending.device);
                if let Some(row) = slot.and_then(|slot| bindings.get_mut(slot)) {
                    row.waiting = row.waiting.saturating_sub(1);
                }
                drop(bindings);
                self.turn_away(now, &pending.request);
            }
        }
        if !durable {
            let mut bindings = lock(&self.bindings);
            for slot in binds.unwritten {
                let row = bindings.get_mut(slot);
                if row.is_some_and(|row| !std::mem::replace(&mut row.dirty, true)) {
                    self.unwritten.push_back(slot);
                }
            }
        }
        self.tell_of_returned(now, wall);
    }

    /// A change is on disk: it holds from now on, and its REGISTER is answered.
    fn apply(&mut self, now: Instant, wall: Timestamp, mut pending: Pending) {
        let differs = pending.go_with(self.jumped);
        let Pending { request, device, at, change, old_credentials, .. } = pending;
        let mut bindings = lock(&self.bindings);
        let slot = bindings.find_device(device);
        let Some((slot, row)) = slot.and_then(|slot| Some((slot, bindings.get_mut(slot)?))) else {
            // Its id has become another device's meanwhile.
            drop(bindings);
            return self.turn_away(now, &request);
        };
        row.waiting = row.waiting.saturating_sub(1);
        if row.removed {
            drop(bindings);
            return self.turn_away(now, &request);
        }
        row.old_credentials = old_credentials;
        if differs && !std::mem::replace(&mut row.dirty, true) {
            // What is on disk is by the clock as it was.
            self.unwritten.push_back(slot);
        }
        let (was_live, was_there) = (row.is_live(at), row.is_at(&request.from));
        match change {
            Change::Bind(seconds) => {
                bind(&mut bindings, slot, &request, at, seconds);
                if was_live && was_there {
                    self.tally.refreshed += 1;
                } else if was_live {
                    self.tally.moved += 1;
                } else {
                    self.tally.new += 1;
                    self.rounds.returned(&mut bindings, slot);
                }
                drop(bindings);
                let from = request.from;
                if from.transport == Transport::Tcp && !self.open.contains(&from.connection) {
                    self.end(slot, wall, Offline::ConnectionClosed);
                }
                self.grant_for(now, wall, &request, seconds);
            }
            Change::Remove => {
                row.set_unregistered(at);
                row.ended_at = at;
                bindings.set_phase(slot, Phase::Ended(Offline::Unregistered));
                drop(bindings);
                self.tally.gone += u64::from(was_live);
                if let Some(why) = undelivered(Offline::Unregistered) {
                    self.end_exchanges(device, why);
                }
                self.grant_for(now, wall, &request, 0);
            }
        }
    }

    /// The credentials of our realm, or else the first that there are.
    fn credentials(&self, message: &Message) -> Result<Credentials, Option<RegistrationFault>> {
        let mut first = None;
        for header in message.headers(Name::Authorization) {
            match Credentials::parse(&header) {
                Ok(found) if found.realm == self.identity.realm().as_bytes() => return Ok(found),
                Ok(found) => first = Some(first.and_then(Result::ok).map_or(Ok(found), Ok)),
                Err(_) => first = first.or(Some(Err(Some(RegistrationFault::Malformed)))),
            }
        }
        first.unwrap_or(Err(None))
    }

    /// 401: nothing is kept of the request.
    fn challenge(&mut self, now: Instant, request: &IncomingRequest, id: &[u8], stale: bool) {
        self.tally.challenges += 1;
        let nonce = self.nonces.issue(now, request.from.remote.ip(), id);
        let response = self.challenges.response(&nonce, stale);
        self.endpoint.respond(now, request, response, Keep::Nothing);
    }

    /// 401 with `stale=true`: the answer may be right, its nonce is not.
    fn refuse_stale(
        &mut self,
        now: Instant,
        wall: Timestamp,
        request: &IncomingRequest,
        id: &[u8],
        credentials: &Credentials,
    ) {
        let detail = verdict::detail(credentials);
        self.note_refusal(wall, request, id, RegistrationFault::StaleNonce, detail);
        self.challenge(now, request, id, true);
    }

    /// Remembers why a REGISTER is refused.
    pub(super) fn note_refusal(
        &mut self,
        wall: Timestamp,
        request: &IncomingRequest,
        id: &[u8],
        why: RegistrationFault,
        detail: String,
    ) {
        self.tally.refused += 1;
        self.refusals.note(wall, request.from, id, why, detail);
    }

    /// 503: the device is to come again.
    pub(super) fn turn_away(&mut self, now: Instant, request: &IncomingRequest) {
        self.tally.overloaded += 1;
        let response = OutgoingResponse::new(503).with(Name::RetryAfter, self.retry_after());
        self.endpoint.respond(now, request, response, Keep::Nothing);
    }

    /// 423 (RFC 3261, 10.3, step 7).
    fn refuse_brief(&mut self, now: Instant, request: &IncomingRequest) {
        let seconds = self.settings.expires_min_seconds.to_string();
        let response = OutgoingResponse::new(423).with(Name::MinExpires, seconds);
        self.respond(now, request, response);
    }

    /// Answers a request that has proved whose it is; repetitions get the same answer.
    fn respond(&mut self, now: Instant, request: &IncomingRequest, response: OutgoingResponse) {
        self.endpoint.respond(now, request, response, Keep::Response);
    }

    /// 200 to a device that is registered for so many seconds.
    fn grant_for(
        &mut self,
        now: Instant,
        wall: Timestamp,
        request: &IncomingRequest,
        seconds: u32,
    ) {
        let contact = if seconds == 0 { None } else { contact(&request.message, seconds) };
        self.grant(now, wall, request, contact, Some(seconds));
    }

    /// 200.
    fn grant(
        &mut self,
        now: Instant,
        wall: Timestamp,
        request: &IncomingRequest,
        contact: Option<Vec<u8>>,
        seconds: Option<u32>,
    ) {
        let mut response = OutgoingResponse::new(200);
        if let Some(contact) = contact {
            response = response.with(Name::Contact, contact);
        }
        if self.settings.date_header {
            response = response.with(Name::Date, self.dates.at(wall));
        }
        if let Some(seconds) = seconds {
            response = response.with(Name::Expires, seconds.to_string());
        }
        if let Some(version) = version(&request.message) {
            response = response.with(Name::XGbVer, version);
        }
        self.respond(now, request, response);
    }
}

/// The id that a REGISTER is for: the user of To (RFC 3261, 10.3, step 3).
fn registered_id(message: &Message) -> Option<Vec<u8>> {
    let to = message.header(Name::To)?;
    Some(Address::parse(&to).ok()?.uri.user_unescaped()?.into_owned())
}

/// An id as the store knows them, if it can be one.
fn device_id(id: &[u8]) -> Option<DeviceId> {
    DeviceId::new(std::str::from_utf8(id).ok()?).ok()
}

/// The Contact that answers a query.
fn known_contact(row: &Row, wall: Timestamp) -> Vec<u8> {
    let id = String::from_utf8_lossy(row.id());
    let left = row.expires_at.since(wall).as_secs();
    format!("<sip:{id}@{}>;expires={left}", row.flow().remote).into_bytes()
}

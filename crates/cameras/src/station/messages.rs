//! Messages of devices that are registered: keepalives, answers, notifications. Who is not
//! registered, or elsewhere, gets 403, whatever it says.

use std::time::Instant;

use fleet::{DeviceKey, Timestamp};
use gb28181::endpoint::{IncomingRequest, Keep, OutgoingRequest, OutgoingResponse, RequestError};
use gb28181::manscdp::{CONTENT_TYPE, Incoming, Keepalive};
use gb28181::sip::uri::Address;
use gb28181::sip::{Flow, Method, Name};

use super::{Station, lock};
use crate::exchanges::{Awaited, Delivery, Taken};
use crate::line::{LineError, SendCommand, flow_text};
use crate::registrar::bindings::{Phase, Slot};

/// Whoever sent a message, as far as its From and its flow tell.
enum Sender {
    /// A registered device, from where it registered.
    Bound(DeviceKey, Slot),
    /// It says that it is a registered device, and comes from elsewhere.
    Elsewhere(DeviceKey, Slot, Flow),
    /// Anybody else.
    Stranger,
}

impl Station {
    /// A MESSAGE came in.
    pub(super) fn message(&mut self, now: Instant, wall: Timestamp, request: &IncomingRequest) {
        let sender = self.sender(request, wall);
        let body = request.message.body();
        match sender {
            Sender::Stranger => self.refuse_stranger(now, request),
            Sender::Bound(device, slot) => match Incoming::parse(body) {
                Ok(Incoming::Keepalive(keepalive)) => {
                    self.keepalive(wall, slot, &keepalive);
                    // To take one twice does no harm, so nothing is kept.
                    self.endpoint.respond(now, request, OutgoingResponse::new(200), Keep::Nothing);
                }
                Ok(incoming) => {
                    self.heard(wall, slot);
                    if self.exchanges.answered(device, incoming) != Taken::Yes {
                        self.tally.unawaited += 1;
                    }
                    self.endpoint.respond(now, request, OutgoingResponse::new(200), Keep::Response);
                }
                Err(error) => {
                    tracing::debug!(device = device.0, %error, "a message can't be read");
                    self.refuse(now, request, 400);
                }
            },
            Sender::Elsewhere(device, slot, bound) => {
                // First of all: a stranger must not have us read what it says, and learn from the
                // time that takes which ids are registered.
                if !self.settings.follow.moves(&bound, &request.from) {
                    self.strayed(wall, device, slot, &bound, &request.from);
                    return self.refuse_stranger(now, request);
                }
                let keepalive = match Incoming::parse(body) {
                    Ok(Incoming::Keepalive(keepalive)) => keepalive,
                    _ => return self.refuse_stranger(now, request),
                };
                self.follow(slot, request.from);
                self.keepalive(wall, slot, &keepalive);
                self.endpoint.respond(now, request, OutgoingResponse::new(200), Keep::Nothing);
            }
        }
    }

    /// A NOTIFY came in: nothing was subscribed to, and devices send them all the same.
    pub(super) fn notify(&mut self, now: Instant, wall: Timestamp, request: &IncomingRequest) {
        match self.sender(request, wall) {
            Sender::Bound(_, slot) => {
                self.heard(wall, slot);
                self.endpoint.respond(now, request, OutgoingResponse::new(200), Keep::Nothing);
            }
            _ => self.refuse_stranger(now, request),
        }
    }

    /// A SUBSCRIBE came in: there is nothing to subscribe to (RFC 6665, 4.2.1.4).
    pub(super) fn subscribe(&mut self, now: Instant, request: &IncomingRequest) {
        self.refuse(now, request, 489);
    }

    /// Refuses a request and keeps nothing of it.
    pub(super) fn refuse(&mut self, now: Instant, request: &IncomingRequest, status: u16) {
        self.endpoint.respond(now, request, OutgoingResponse::new(status), Keep::Nothing);
    }

    /// 403: the same for ids that exist and ids that don't.
    fn refuse_stranger(&mut self, now: Instant, request: &IncomingRequest) {
        self.tally.strangers += 1;
        self.refuse(now, request, 403);
    }

    /// Who sent a message.
    fn sender(&self, request: &IncomingRequest, wall: Timestamp) -> Sender {
        let from = request.message.header(Name::From).unwrap_or_default();
        let address = Address::parse(&from).ok();
        let Some(id) = address.and_then(|address| address.uri.user_unescaped()) else {
            return Sender::Stranger;
        };
        let bindings = lock(&self.bindings);
        let Some(slot) = bindings.find(&id) else { return Sender::Stranger };
        let Some(row) = bindings.get(slot).filter(|row| row.is_live(wall)) else {
            return Sender::Stranger;
        };
        if row.has_flow && row.flow() == request.from {
            Sender::Bound(row.device, slot)
        } else {
            Sender::Elsewhere(row.device, slot, row.flow())
        }
    }

    /// The device is still there.
    fn heard(&self, wall: Timestamp, slot: Slot) {
        if let Some(row) = lock(&self.bindings).get_mut(slot) {
            row.heard_at = wall;
        }
    }

    /// A device that is where it is known to be says that it is there, and how it is.
    fn keepalive(&mut self, wall: Timestamp, slot: Slot, keepalive: &Keepalive) {
        self.tally.keepalives += 1;
        let mut bindings = lock(&self.bindings);
        let Some(row) = bindings.get_mut(slot) else { return };
        row.heard_at = wall;
        row.strayed = false;
        let ailing = !keepalive.status.is_ok();
        if std::mem::replace(&mut row.ailing, ailing) != ailing
            && let Some(left_out) = self.refusals.log(wall)
        {
            let (device, status) = (row.device.0, keepalive.status.as_str());
            tracing::info!(device, status, left_out, "a camera's own state of health changed");
        }
    }

    /// A keepalive moves the device, and neither its expiry nor anything else.
    fn follow(&mut self, slot: Slot, to: Flow) {
        self.tally.followed += 1;
        let mut bindings = lock(&self.bindings);
        bindings.set_flow(slot, to);
        let Some(row) = bindings.get_mut(slot) else { return };
        row.moved = true;
        tracing::debug!(device = row.device.0, to = flow_text(&to), "followed a keepalive");
        if !std::mem::replace(&mut row.dirty, true) {
            self.unwritten.push_back(slot);
        }
    }

    /// A message came from where the device is not to be followed to.
    fn strayed(
        &mut self,
        wall: Timestamp,
        device: DeviceKey,
        slot: Slot,
        bound: &Flow,
        from: &Flow,
    ) {
        let mut bindings = lock(&self.bindings);
        let Some(row) = bindings.get_mut(slot) else { return };
        if !std::mem::replace(&mut row.strayed, true)
            && let Some(left_out) = self.refusals.log(wall)
        {
            let (bound, from) = (flow_text(bound), flow_text(from));
            let device = device.0;
            tracing::warn!(device, bound, from, left_out, "address changed, waiting for REGISTER");
        }
    }

    /// Sends a message of the driver's to a device.
    pub(crate) fn send(&mut self, now: Instant, wall: Timestamp, command: SendCommand) {
        self.watch_clock(now, wall);
        let SendCommand { device, body, expect, delivered, answers, accepted } = command;
        // Nothing that was given up may reach the device after what is sent now.
        self.end_unwaited();
        let sent = self.try_send(now, wall, device, body, expect.map(|(_, sn)| sn));
        let told = sent.map(|id| {
            self.exchanges.await_delivery(id, Delivery { device, sender: delivered });
            if let Some((cmd_type, sn)) = expect {
                self.exchanges.await_answer(device, sn, Awaited { cmd_type, answers });
            }
        });
        // Whoever has gone meanwhile does not want to know.
        let _ = accepted.send(told);
    }

    fn try_send(
        &mut self,
        now: Instant,
        wall: Timestamp,
        device: DeviceKey,
        body: Vec<u8>,
        sn: Option<u32>,
    ) -> Result<gb28181::endpoint::RequestId, LineError> {
        let (id, to) = self.reachable(wall, device)?;
        if sn.is_some_and(|sn| !self.exchanges.has_room(device, sn)) {
            return Err(LineError::Busy);
        }
        let (host, port) = self.identity.advertised(to.remote.ip()).ok_or_else(|| {
            let why = "no address of ours is known that it could answer to: set sip.advertise";
            LineError::NoFlow(why.to_owned())
        })?;
        let (ours, domain) = (self.identity.id(), self.identity.domain());
        let request = OutgoingRequest::new(
            Method::Message,
            format!("sip:{id}@{}", to.remote),
            format!("sip:{ours}@{domain}"),
            format!("sip:{id}@{domain}"),
            format!("{host}:{port}"),
        );
        let request = request.with_body(CONTENT_TYPE, body);
        self.endpoint.request(now, to, request).map_err(|error| match error {
            RequestError::Busy(_) | RequestError::Method(_) => LineError::Busy,
        })
    }

    /// The id of a registered device, and where it is.
    fn reachable(&self, wall: Timestamp, device: DeviceKey) -> Result<(String, Flow), LineError> {
        let bindings = lock(&self.bindings);
        let unknown = || LineError::NotRegistered("it has not registered".to_owned());
        let slot = bindings.find_device(device).ok_or_else(unknown)?;
        let row = bindings.get(slot).ok_or_else(unknown)?;
        match row.phase {
            Phase::Marked => return Err(unknown()),
            Phase::Ended(why) => {
                let since = format!("since {}: {why}", row.ended_at);
                return Err(LineError::NotRegistered(since));
            }
            Phase::Live if !row.is_live(wall) => {
                let since = format!("since {}: {}", row.expires_at, fleet::Offline::Expired);
                return Err(LineError::NotRegistered(since));
            }
            Phase::Live => {}
        }
        if !row.has_flow {
            let why = "it registered over TCP before the server's restart and has not connected \
                       again";
            return Err(LineError::NoFlow(why.to_owned()));
        }
        Ok((String::from_utf8_lossy(row.id()).into_owned(), row.flow()))
    }
}

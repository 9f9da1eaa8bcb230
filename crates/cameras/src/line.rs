//! What the driver holds of the SIP side: where a device is, and how to send it something.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{DeviceKey, Offline, Timestamp};
use gb28181::manscdp::{Encoding, Incoming, Outgoing};
use gb28181::sip::Flow;
use tokio::sync::{mpsc, oneshot};

use crate::identity::Identity;
use crate::registrar::bindings::Bindings;

/// Messages that may wait for the runner: the engine has at most 1,024 actions in flight, each of
/// which sends one at a time.
pub(crate) const COMMANDS_MAX: usize = 2_048;
/// Application answers of one exchange that may wait for the driver. A catalog of one item a
/// message brings many; one beyond this is dropped, and the catalog is incomplete.
const ANSWERS_MAX: usize = 1_024;
/// The highest SN that is given before they start at 1 again: platforms in use give six digits, and
/// devices were built against those (GB/T 28181-2016, A.2.1: an integer from 1).
const SN_MAX: u32 = 999_999;

/// Speaks to registered devices. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    shared: Arc<Shared>,
}

struct Shared {
    bindings: Arc<Mutex<Bindings>>,
    commands: mpsc::Sender<Command>,
    identity: Arc<Identity>,
    sn: AtomicU32,
}

/// A device's registration as the registrar has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBinding {
    /// Where its last authenticated REGISTER, or a keepalive that was followed, came from.
    pub flow: Flow,
    /// When this registration began: the first REGISTER after it was not bound.
    pub registered_at: Timestamp,
    /// When it was last renewed by an authenticated REGISTER.
    pub refreshed_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// When it was last heard of: a REGISTER, a keepalive, any other message.
    pub heard_at: Timestamp,
    /// When and why the registration ended, if it did.
    pub ended: Option<(Timestamp, Offline)>,
    /// When the device last took itself off, if it did since the registrar started; kept when it
    /// registers again.
    pub unregistered_at: Option<Timestamp>,
    /// Whether a message can be sent to it: false for a TCP device whose connection is gone, as
    /// all are after a restart of ours until they connect again.
    pub has_flow: bool,
    /// A keepalive moved it since its last authenticated REGISTER: where it is now is not proved,
    /// and no secret is to be sent there. Forgotten when the server restarts.
    pub moved: bool,
    /// What claims to be it comes from another address than the registration's, which is not
    /// followed: address changed, waiting for REGISTER.
    pub strayed: bool,
    /// Its last keepalive said another Status than OK.
    pub ailing: bool,
    /// The `X-GB-Ver` that it registered with, if any.
    pub version: Option<String>,
}

impl LiveBinding {
    /// Whether the device is registered at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.expires_at > now
    }
}

/// Whether a message is followed by an application answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The SIP answer is all (GB/T 28181-2016, 9.3.1: TeleBoot and other controls).
    Nothing,
    /// One or many MESSAGEs of the device with the same CmdType and SN.
    Answer,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The device is not registered; since when and why, in words.
    #[error("not registered: {0}")]
    NotRegistered(String),
    /// The device is registered and can't be reached from here; why, in words.
    #[error("no way to it: {0}")]
    NoFlow(String),
    /// Too much is in flight.
    #[error("too many messages are in flight")]
    Busy,
    /// SIP has not started or has stopped.
    #[error("SIP is not running")]
    Closed,
    /// The message can't be printed; why, in words.
    #[error("the message can't be printed: {0}")]
    Unprintable(String),
}

/// Why what was sent was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// No SIP answer within 64 times T1, 32 s (RFC 3261, timer F).
    #[error("no SIP answer within 32 seconds")]
    TimedOut,
    /// The TCP connection closed.
    #[error("its TCP connection closed")]
    ConnectionClosed,
    /// The device took itself off meanwhile.
    #[error("it took itself off (REGISTER with Expires 0)")]
    Unregistered,
    /// The device's record was removed meanwhile.
    #[error("it is on record no more")]
    Removed,
    /// The device has registered with another node meanwhile.
    #[error("it has registered with another node")]
    Moved,
    /// SIP has stopped.
    #[error("SIP has stopped")]
    Closed,
}

/// Who we are to a device, for what is written into its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Our 20-digit id.
    pub id: String,
    /// Our domain.
    pub domain: String,
    /// The host that the device is to reach us at.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What the runner is to do.
pub(crate) enum Command {
    /// Send a message.
    Send(SendCommand),
    /// See to the devices that were removed, and to those that seem to have moved.
    Look,
}

/// A message that the runner is to send.
pub(crate) struct SendCommand {
    pub device: DeviceKey,
    pub body: Vec<u8>,
    /// The CmdType and SN of the answer, if one is expected.
    pub expect: Option<(&'static str, u32)>,
    pub delivered: oneshot::Sender<Result<u16, Undelivered>>,
    pub answers: mpsc::Sender<Result<Incoming, Undelivered>>,
    pub accepted: oneshot::Sender<Result<(), LineError>>,
}

impl Line {
    /// A line over these bindings, and what it asks of the runner.
    pub(crate) fn new(
        bindings: Arc<Mutex<Bindings>>,
        identity: Arc<Identity>,
        first_sn: u32,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let sn = AtomicU32::new(first_sn % SN_MAX);
        (Self { shared: Arc::new(Shared { bindings, commands, identity, sn }) }, receiver)
    }

    /// The device's registration as the registrar has it now, ended ones of the last hour
    /// included; `None` if it knows none.
    pub fn binding(&self, device: DeviceKey) -> Option<LiveBinding> {
        self.shared.bindings.lock().unwrap_or_else(PoisonError::into_inner).live(device)
    }

    /// Who we are to the device at this address. Never a wildcard address, and no loopback address
    /// for another host: `None` if nothing better is known.
    pub fn server(&self, remote: IpAddr) -> Option<ServerAddress> {
        let identity = &self.shared.identity;
        let (host, port) = identity.advertised(remote)?;
        Some(ServerAddress {
            id: identity.id().to_owned(),
            domain: identity.domain().to_owned(),
            host,
            port,
        })
    }

    /// Sends one MANSCDP message to the device and gives what comes of it. Returns when the
    /// message is on its way; dropping the exchange forgets it.
    ///
    /// Errors: the device is not registered or can't be reached, too much is in flight, SIP does
    /// not run, or the message can't be printed.
    pub async fn send(
        &self,
        device: DeviceKey,
        outgoing: Outgoing,
        expect: Expect,
    ) -> Result<Exchange, LineError> {
        let body = outgoing
            .to_body(Encoding::Gb2312Label)
            .map_err(|error| LineError::Unprintable(error.to_string()))?;
        let expect = match expect {
            Expect::Nothing => None,
            Expect::Answer => answered_by(&outgoing),
        };
        let (delivered_sender, delivered) = oneshot::channel();
        let (answers_sender, answers) = mpsc::channel(ANSWERS_MAX);
        let (accepted_sender, accepted) = oneshot::channel();
        let command = SendCommand {
            device,
            body,
            expect,
            delivered: delivered_sender,
            answers: answers_sender,
            accepted: accepted_sender,
        };
        self.shared.commands.try_send(Command::Send(command)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LineError::Busy,
            mpsc::error::TrySendError::Closed(_) => LineError::Closed,
        })?;
        accepted.await.unwrap_or(Err(LineError::Closed))?;
        Ok(Exchange { delivered: Delivery::Awaited(delivered), answers })
    }

    /// The device's record is gone: it is not registered any more when this returns, and whatever
    /// waits for an answer of it is told so. What claims to be it from now on is a stranger.
    pub(crate) fn end(&self, device: DeviceKey, at: Timestamp) {
        let mut bindings = self.shared.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        if bindings.remove_device(device, at) {
            // Only to wake the runner, which sees to the removed ones in each of its turns. If
            // there is no room it has much else to wake for.
            let _ = self.shared.commands.try_send(Command::Look);
        }
    }

    /// The device seems to have registered with another node: the runner finds out, and lets go of
    /// it if that is so.
    pub(crate) fn doubt(&self, device: DeviceKey) {
        let mut bindings = self.shared.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        if bindings.doubt(device) {
            // As above.
            let _ = self.shared.commands.try_send(Command::Look);
        }
    }

    /// A number for the next message: 1 to 999,999 in turn, from a random one on.
    pub fn next_sn(&self) -> u32 {
        let next = |sn: u32| if sn >= SN_MAX { 1 } else { sn + 1 };
        let last =
            self.shared.sn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sn| Some(next(sn)));
        next(last.unwrap_or_else(|sn| sn))
    }

    /// Tells the registrar how often the device sends keepalives, in seconds, and after how many
    /// missed ones it counts as gone, as its configuration shows. 0 stands for the server's own
    /// setting. Kept until the device's registration is forgotten or the server restarts.
    pub fn expect_keepalives(&self, device: DeviceKey, seconds: u32, misses: u32) {
        let mut bindings = self.shared.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        bindings.expect_keepalives(device, seconds, misses);
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// A message that was sent, and what comes of it. Dropping it forgets it.
#[derive(Debug)]
pub struct Exchange {
    delivered: Delivery,
    answers: mpsc::Receiver<Result<Incoming, Undelivered>>,
}

#[derive(Debug)]
enum Delivery {
    Awaited(oneshot::Receiver<Result<u16, Undelivered>>),
    Known(Result<u16, Undelivered>),
}

impl Exchange {
    /// The SIP final status of our message: 200 says that the device has it. May be asked more
    /// than once, and cancelled.
    ///
    /// Errors: there was none, and why.
    pub async fn delivered(&mut self) -> Result<u16, Undelivered> {
        if let Delivery::Awaited(receiver) = &mut self.delivered {
            let known = receiver.await.unwrap_or(Err(Undelivered::Closed));
            self.delivered = Delivery::Known(known);
        }
        match &self.delivered {
            Delivery::Known(known) => *known,
            Delivery::Awaited(_) => Err(Undelivered::Closed),
        }
    }

    /// The next application answer. Waits without end: give it a time-out. May be cancelled.
    ///
    /// Errors: the device took itself off, its connection closed, or SIP stopped. That no SIP
    /// answer came does not end it: the application answer may still.
    pub async fn answer(&mut self) -> Result<Incoming, Undelivered> {
        self.answers.recv().await.unwrap_or(Err(Undelivered::Closed))
    }
}

/// The CmdType and SN of the answer to a command of ours; `None` for what only devices send, and
/// for TeleBoot, which nobody answers (GB/T 28181-2016, 9.3.1).
fn answered_by(outgoing: &Outgoing) -> Option<(&'static str, u32)> {
    match outgoing {
        Outgoing::Query { cmd, sn, .. } => Some((cmd.cmd_type(), *sn)),
        Outgoing::Config { sn, .. } => Some(("DeviceConfig", *sn)),
        _ => None,
    }
}

/// Where a device is, in words for a person: `udp 192.0.2.10:5060`.
pub fn flow_text(flow: &Flow) -> String {
    format!("{} {}", flow.transport.to_string().to_lowercase(), flow.remote)
}

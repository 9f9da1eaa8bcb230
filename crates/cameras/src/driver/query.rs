//! One message to a device and what comes of it, in bounded time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::Away;
use fleet::{DeviceId, DeviceKey};
use gb28181::manscdp::{Incoming, Outgoing, QueryKind};
use tokio::time::{Instant, timeout_at};

use crate::line::{Exchange, Expect, Line, LineError, Undelivered};

/// How long an answer may take before something else is done. Devices answer within a second; 5 s
/// leave room for four transmissions over UDP (RFC 3261, timer E: after 0, 0.5, 1.5 and 3.5 s).
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// What came of a message by some time.
#[derive(Debug)]
pub(super) enum Heard {
    /// The application answer, which is a message of the device's own.
    Answer(Incoming),
    /// The device has the message, and no more is known.
    Delivered,
    /// Nothing at all.
    Nothing,
    /// The device did not take the message; the SIP status.
    Refused(u16),
}

/// The exchanges of one action with one device.
#[derive(Debug)]
pub(super) struct Talk<'a> {
    /// What carries them.
    pub(super) line: &'a Line,
    /// The device.
    pub(super) device: DeviceKey,
    /// When the action has to have ended.
    pub(super) until: Instant,
    /// Whether anything was sent.
    has_asked: AtomicBool,
}

impl<'a> Talk<'a> {
    /// For an action that begins now and takes at most so long.
    pub(super) fn new(line: &'a Line, device: DeviceKey, at_most: Duration) -> Self {
        let until = Instant::now() + at_most;
        Self { line, device, until, has_asked: AtomicBool::new(false) }
    }

    /// Whether anything was sent, so that it is known whether somebody is there.
    pub(super) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Asks about the device or channel `id`. `None` if the device has the question and does not
    /// answer it, or does not take it.
    ///
    /// Errors: nobody answers.
    pub(super) async fn ask(
        &self,
        cmd: QueryKind,
        id: &DeviceId,
    ) -> Result<Option<Incoming>, Away> {
        let sn = self.line.next_sn();
        let device_id = id.as_str().to_owned();
        let mut exchange = self.send(Outgoing::Query { cmd, sn, device_id }).await?;
        match self.hear(&mut exchange, Instant::now() + ANSWER_WAIT).await {
            Ok(Heard::Answer(answer)) => Ok(Some(answer)),
            Ok(Heard::Delivered | Heard::Refused(_)) => Ok(None),
            Ok(Heard::Nothing) => Err(self.nobody(cmd.cmd_type())),
            Err(why) => Err(lost(why)),
        }
    }

    /// Sends a message that is to be answered.
    ///
    /// Errors: it can't be sent.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Exchange, Away> {
        self.has_asked.store(true, Ordering::Relaxed);
        self.line.send(self.device, outgoing, Expect::Answer).await.map_err(unsent)
    }

    /// What comes of a message by `until`, or by the end of the action. What has come already
    /// counts even if that time is past.
    ///
    /// Errors: the device is gone.
    pub(super) async fn hear(
        &self,
        exchange: &mut Exchange,
        until: Instant,
    ) -> Result<Heard, Undelivered> {
        let until = until.min(self.until);
        let delivered = match timeout_at(until, exchange.delivered()).await {
            Ok(Ok(status)) if (200..300).contains(&status) => true,
            Ok(Ok(status)) => return Ok(Heard::Refused(status)),
            // The answer may come all the same: it is a message of its own.
            Ok(Err(Undelivered::TimedOut)) | Err(_) => false,
            Ok(Err(why)) => return Err(why),
        };
        match timeout_at(until, exchange.answer()).await {
            Ok(Ok(answer)) => Ok(Heard::Answer(answer)),
            Ok(Err(Undelivered::TimedOut)) | Err(_) if delivered => Ok(Heard::Delivered),
            Ok(Err(Undelivered::TimedOut)) | Err(_) => Ok(Heard::Nothing),
            Ok(Err(why)) => Err(why),
        }
    }

    /// Nobody has answered `what`.
    pub(super) fn nobody(&self, what: &str) -> Away {
        let seconds = ANSWER_WAIT.as_secs();
        let strayed = self.line.binding(self.device).is_some_and(|binding| binding.strayed);
        let moved = if strayed {
            "; its keepalives come from another address, and it is answered there once it \
             registers from it"
        } else {
            ""
        };
        Away::Unreachable(format!("no answer to {what} within {seconds} s{moved}"))
    }
}

/// Why a device that was sent something can't be worked on.
pub(super) fn lost(why: Undelivered) -> Away {
    match why {
        Undelivered::Unregistered
        | Undelivered::Removed
        | Undelivered::Moved
        | Undelivered::Closed => Away::NotRegistered(why.to_string()),
        Undelivered::TimedOut | Undelivered::ConnectionClosed => Away::Unreachable(why.to_string()),
    }
}

/// Why a device can't be sent anything.
pub(super) fn unsent(error: LineError) -> Away {
    match error {
        LineError::NotRegistered(why) => Away::NotRegistered(why),
        LineError::Closed => Away::NotRegistered(error.to_string()),
        LineError::NoFlow(_) | LineError::Busy | LineError::Unprintable(_) => {
            Away::Unreachable(error.to_string())
        }
    }
}

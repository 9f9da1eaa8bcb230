//! What the engine asks of a driver, and what a driver tells the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use fleet::{BootIdentity, Device, DeviceKey, Facts, Kind, Operation, Revision, Values};
use tokio::sync::mpsc;

/// Speaks to devices of one kind. Sending may repeat; the effect may not: a driver compares, sets
/// what differs, and reads back.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// The kind of device it speaks to.
    fn kind(&self) -> Kind;

    /// Does one action on one device and says what it saw. The engine never has two in flight for
    /// one device and gives up waiting after [`Self::action_timeout`]; the driver
    /// then drops what it holds of the device.
    async fn run(&self, device: &Device, action: Action) -> Report;

    /// Tells the device to restart, go back to how it left the factory, or stop, in the way of its
    /// profile, and returns when it has been told: not when it is back. Where that way goes over
    /// the device itself, it proves first that it is the right one and in the boot that it answered
    /// in, and nothing is done if it is in another.
    async fn power(&self, device: &Device, operation: Operation, target: Target<'_>)
    -> PowerReport;

    /// How long one action on a device of this kind may take, where `default` is what the engine
    /// gives.
    fn action_timeout(&self, default: Duration) -> Duration {
        default
    }

    /// Looks at whoever answers at `device`'s address, changes nothing, and says what it saw, step
    /// by step.
    async fn examine(&self, device: &Device) -> Examination;

    /// Asks the driver to keep an eye on a device at rest and to tell the engine, by the
    /// [`EventSender`] that it was made with, when the device goes away. It may decline for want of
    /// connections; the sweep finds what it missed.
    fn watch(&self, device: &Device);

    /// The device's record is gone: whatever the driver holds of it ends.
    fn forget(&self, _device: DeviceKey) {}

    /// The device, which comes to us, has gone to another node, or that node has ended its
    /// registration: whatever the driver holds of it ends, and nothing of that is recorded.
    fn moved(&self, _device: DeviceKey) {}
}

/// What is known of a device that is to be told to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// It has just answered, in this boot; `None` if it tells no boots apart.
    Answers(Option<&'a BootIdentity>),
    /// It has been stopped, and is to be started.
    Stopped,
    /// It does not answer and should.
    Away,
}

/// What to do, all of it in one exchange with the device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Action {
    /// Whether a device may be given the record's marker.
    pub adopt: Adopt,
    /// The desired revision that it was planned at.
    pub revision: Revision,
    /// The boot in which the device was last seen; `None` if it never was.
    pub known_boot: Option<BootIdentity>,
    /// Values to set where the device shows another.
    pub set: Values,
    /// The desired revision of each value in `set`: which of them were asked for since something
    /// was sent.
    pub set_revisions: BTreeMap<String, Revision>,
    /// Values to set where the device shows another, and only if it is in another boot than
    /// `known_boot`: what a boot wipes and nobody has asked anew for.
    pub set_after_boot: Values,
    /// Values to read only, besides all of those above.
    pub read: Vec<String>,
}

/// Whether a device may be given the record's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopt {
    /// No: it has to bear it already.
    #[default]
    No,
    /// If it bears none.
    Unmarked,
    /// Even if it bears another.
    Any,
}

/// What came of telling a device to restart, reset or stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PowerReport {
    /// It was told, or the operator's command has ended well.
    Told,
    /// It is in another boot than the known one: it was told before, or restarted by itself.
    OtherBoot,
    /// It can't be told at the moment.
    Away(Away),
    /// It, or the operator's command, refused; in its own words.
    Refused(String),
    /// Its profile knows no way; why not, and what would help, in a sentence.
    Unsupported(String),
}

/// What a look at a device found. What could not be learned because an earlier step failed is
/// `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examination {
    /// Why it can't be worked on, if it can't; but for [`Away::WrongDevice`], which
    /// [`Self::marker`] tells.
    pub away: Option<Away>,
    /// The marker it bears; empty if none.
    pub marker: Option<String>,
    /// The boot it is in.
    pub boot: Option<BootIdentity>,
    /// What it said of itself.
    pub facts: Facts,
    /// What it takes its clock to be, in seconds since 1970.
    pub clock_seconds: Option<i64>,
}

/// What a driver saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The device answered and proved to be the right one.
    Reached(Reached),
    /// It can't be worked on at the moment. Nothing was set, as far as the driver knows.
    Away(Away),
}

/// What a device that proved to be the right one showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// The boot it is in.
    pub boot: Option<BootIdentity>,
    /// What each property of the action showed at the end; `None` for a property it does not have.
    pub shown: BTreeMap<String, Option<String>>,
    /// What the program that shows a property's effect printed, for those that have one.
    pub effects: BTreeMap<String, String>,
    /// Properties that can't be read back: the device said yes when they were set, and that is all
    /// that is known.
    pub acknowledged: BTreeSet<String>,
    /// Properties that are records of ours: nothing on the device reads them.
    pub recorded: BTreeSet<String>,
    /// What it said of itself, if it is in another boot than the known one.
    pub facts: Option<Facts>,
    /// Properties that could not be set or read, and why.
    pub faults: BTreeMap<String, Fault>,
}

/// Why a property could not be set or read on a device that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The device refused; in its own words.
    Refused(String),
    /// The device refused for good, so that it is not asked again; in its own words.
    Declined(String),
    /// There was no time for it in this action: it counts as no attempt.
    Later,
    /// The profile knows no way.
    Unsupported(String),
    /// It is fixed when the device's container starts: the argument that gives it the value.
    NeedsRecreate(String),
}

/// Why a device can't be worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Away {
    /// It comes to us and is not registered, since when and why: there is nothing to do until it
    /// registers.
    #[error("not registered: {0}")]
    NotRegistered(String),
    /// No answer: refused, dropped, timed out.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It answered and does not let us in.
    #[error("not authorised: {0}")]
    Unauthorised(String),
    /// It answered and is still starting.
    #[error("still booting")]
    Booting,
    /// It answered and is not the device on record. Nothing was set.
    #[error("another device answers at this address ({})", words(.marker))]
    WrongDevice {
        /// The marker it bears; empty if none.
        marker: String,
        /// The boot it is in.
        boot: Option<BootIdentity>,
    },
    /// It can't be given a marker; why, in its own words.
    #[error("it takes no marker: {0}")]
    Unmarkable(String),
    /// Another phone bears the same marker. Nothing was set.
    #[error("{0}")]
    Copied(String),
    /// It answered and what it said makes no sense.
    #[error("unexpected answer: {0}")]
    Garbled(String),
}

/// A marker in words.
fn words(marker: &str) -> String {
    if marker.is_empty() {
        "it bears no marker and may not be given one: adopt it".to_owned()
    } else {
        format!("it bears the marker {marker}")
    }
}

/// What a driver tells the engine without having been asked. Losing one delays, never loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceEvent {
    /// A watched device went away.
    Lost(DeviceKey),
    /// A device may be back.
    Returned(DeviceKey),
}

/// Where a driver sends its events. Bounded: when it is full, the event is dropped, since the sweep
/// finds what it would have told.
#[derive(Debug, Clone)]
pub struct EventSender(mpsc::Sender<DeviceEvent>);

/// The engine's end of an [`EventSender`].
#[derive(Debug)]
pub struct EventReceiver(pub(crate) mpsc::Receiver<DeviceEvent>);

/// Events that may wait for the engine.
const EVENTS_MAX: usize = 4_096;

/// A channel for drivers' events.
pub fn events() -> (EventSender, EventReceiver) {
    let (sender, receiver) = mpsc::channel(EVENTS_MAX);
    (EventSender(sender), EventReceiver(receiver))
}

impl EventSender {
    /// Tells the engine, or drops the event if the engine is behind.
    pub fn send(&self, event: DeviceEvent) {
        if self.0.try_send(event).is_err() {
            metrics::counter!("fleetwright_device_events_dropped_total").increment(1);
        }
    }
}

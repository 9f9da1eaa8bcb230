//! What the doors ask of the engine. Doors never write to the store.

use std::time::Duration;

use fleet::limits;
use fleet::{
    DeviceId, Door, JobId, Kind, Operation, OrganizationId, Phase, ProjectId, Refusal, RequestId,
    Revision, Secret, Timestamp, Values,
};

use crate::idempotency::CallId;

/// One call that changes the desired state of devices.
#[derive(Debug, Clone)]
pub struct Update {
    /// The call's id, which the door answers with.
    pub call: CallId,
    /// The API through which it came.
    pub door: Door,
    /// The project.
    pub project: ProjectId,
    /// The kind of device that the API speaks of: to it, others don't exist. `None`: all.
    pub kind: Option<Kind>,
    /// What is asked of every device of the call besides the values.
    pub operation: Operation,
    /// One entry a device, in the order of the call; the same device may stand there twice.
    pub entries: Vec<UpdateEntry>,
}

/// One device's part of an [`Update`]. What the door could not read is carried along as a refusal,
/// so that the engine can name the first fault in the documented order: id, device, properties.
#[derive(Debug, Clone)]
pub struct UpdateEntry {
    /// The device.
    pub device: Result<DeviceId, Refusal>,
    /// Whether all that was desired of it before is forgotten.
    pub clear: bool,
    /// The values, unchecked.
    pub patch: Result<Patch, Refusal>,
    /// What is asked of a GB device besides. To a phone, and to a channel, it is refused.
    pub camera: CameraAsked,
    /// The revision that the device has to be at; `None`: any.
    pub if_revision: Option<Revision>,
}

/// What is asked of a GB device besides values.
#[derive(Debug, Clone, Default)]
pub struct CameraAsked {
    /// Who may register as it from now on.
    pub credentials: Credentials,
    /// The id that the organization of the values is said to have: with another, or with none of
    /// that path yet, the entry is refused.
    pub organization: Option<OrganizationId>,
    /// Our names for it and its channels, by the property that is the name, where they are to be
    /// others than what the devices get. Those of no value are not looked at.
    pub names: Values,
}

/// Who may register as a GB device from now on. What is given and is so already changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The digest user name; `None` leaves it.
    pub user: Option<String>,
    /// The password; `None` leaves it.
    pub password: Option<Secret<String>>,
    /// How long those that are replaced work besides, at most [`limits::PASSWORD_OVERLAP_MAX`];
    /// `None`: as long as its project says.
    pub overlap: Option<Duration>,
}

impl Credentials {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.user.is_none() && self.password.is_none()
    }
}

/// A GB device to make, whose id the server gives.
#[derive(Debug, Clone)]
pub struct NewRegistrant {
    /// Our name for it: at most 256 bytes; empty: its id.
    pub name: String,
    /// Who may register as it.
    pub credentials: Credentials,
    /// What goes on record of it, by property (`Desc`, `Organization`, ...), unchecked.
    pub record: Values,
}

/// The values that one entry asks for, by the names that the caller used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Of properties that the catalogue lists.
    pub properties: Values,
    /// Of properties that the caller made up: those that the catalogue lists obey its rules.
    pub custom: Values,
}

impl From<Values> for Patch {
    fn from(properties: Values) -> Self {
        Self { properties, custom: Values::new() }
    }
}

/// What came of an [`Update`]: one result an entry, in order. Durable when the caller sees it.
pub type UpdateResult = Vec<Result<JobId, Refusal>>;

/// Why a whole call was refused. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such project, or none that the principal may see.
    #[error("no such project: {0}")]
    NoSuchProject(ProjectId),
    /// More entries than one call may have.
    #[error("{entries} devices in one call; at most {} are allowed", limits::PHONES_PER_UPDATE_MAX)]
    TooManyEntries {
        /// How many there were.
        entries: usize,
    },
    /// No such update, or none that the principal may see.
    #[error("no such update: {0}")]
    NoSuchUpdate(RequestId),
    /// The update was made at once, so that there is nothing of it to pause, resume or abort.
    #[error("update {0} does not go out in waves: all of it has begun")]
    NotARollout(RequestId),
    /// No device is what was asked for.
    #[error("no device fits")]
    NoneFound,
    /// More devices are what was asked for than one update may have.
    #[error(
        "{found} devices fit; at most {} are allowed in one update",
        limits::UPDATE_DEVICES_MAX
    )]
    TooManyDevices {
        /// How many there are.
        found: u64,
    },
    /// It can't be done with an update that stands there.
    #[error("the update is {}: it can't be {asked}", .phase.name())]
    WrongPhase {
        /// Where it stands.
        phase: Phase,
        /// What was to be done with it: `paused`, `resumed`, `aborted`, `reverted`.
        asked: &'static str,
    },
    /// It is a wave of an update that is not over, which alone can be brought back.
    #[error("it is a wave of update {0}, which is not over: revert that one")]
    WaveOfOpen(RequestId),
    /// The call has begun to write the update down before, and nobody has ended that in time.
    #[error(
        "update {0} was aborted before all of its devices were written down: nothing of it has \
         begun; make it with an idempotency key of its own"
    )]
    NotWhole(RequestId),
    /// It is not the time of day in which the update begins anything.
    #[error("its window is shut until {opens}: resume it then, or abort it")]
    WindowShut {
        /// When it opens.
        opens: Timestamp,
    },
    /// Nothing would be brought back.
    #[error("there is nothing to bring back: {0}")]
    NothingToRevert(String),
    /// Some of its jobs are not kept any more, so that what they have changed is not known.
    #[error("a part of update {0} is older than what is kept: it can't be brought back")]
    NotKept(RequestId),
    /// More is waiting than may; try again after a second.
    #[error("the server is busy")]
    Busy,
    /// A rule of the record forbade it.
    #[error(transparent)]
    Refused(#[from] store::Refused),
    /// A value that an operator gave is not acceptable.
    #[error("{what}: {detail}")]
    Invalid {
        /// Which value, and in which entry.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] store::Error),
    /// The engine is shutting down.
    #[error("the server is shutting down")]
    Closed,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy => Self::Busy,
            store::Error::Closed => Self::Closed,
            error => Self::Store(error),
        }
    }
}

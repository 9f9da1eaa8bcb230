//! Devices: what is on record of each, and what is known of its state.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::camera::NewCamera;
use crate::desired::{Desired, Reported};
use crate::id::{DeviceId, DeviceKey, JobId, ProjectId, ProjectKey, Revision};
use crate::operation::PowerStep;
use crate::time::Timestamp;

/// What a device is, and so which driver speaks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An Android phone, reached over ADB.
    Phone,
    /// A GB device: a camera or a recorder that registers by GB/T 28181 and is reached over SIP.
    Camera,
}

impl Kind {
    /// The word that stands for it in the store, the API and import files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Camera => "camera",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "phone" => Ok(Self::Phone),
            "camera" => Ok(Self::Camera),
            _ => Err(UnknownWord { what: "device kind", word: text.to_owned() }),
        }
    }
}

/// A word that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}: {word:?}")]
pub struct UnknownWord {
    /// What was looked for.
    pub what: &'static str,
    /// What was given.
    pub word: String,
}

/// What is on record of a device. Changed by operators only, never by the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Our key.
    pub key: DeviceKey,
    /// The project it belongs to.
    pub project: ProjectKey,
    /// The project's public id.
    pub project_id: ProjectId,
    /// What it is.
    pub kind: Kind,
    /// Its id within the project.
    pub id: DeviceId,
    /// The operator's name for it.
    pub name: String,
    /// The host it lives on, as the operator names it; empty if none was given.
    pub server: String,
    /// Where it answers: `host:port`; empty for a GB device, which comes to us.
    pub address: String,
    /// What its server calls it, for the commands of its profile: a container's name; empty if none
    /// was given.
    pub container: String,
    /// The profile by which it is spoken to.
    pub profile: String,
    /// The mark that proves that the device at the address is this one.
    pub marker: String,
    /// When it was first imported.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

/// What an operator puts on record of a device: what [`Device`] has besides what we add.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// The project it belongs to.
    pub project: ProjectId,
    /// What it is.
    pub kind: Kind,
    /// Its id within the project.
    pub id: DeviceId,
    /// The operator's name for it.
    pub name: String,
    /// The host it lives on; empty if none is given.
    pub server: String,
    /// Where it answers: `host:port`; empty for a GB device.
    pub address: String,
    /// What its server calls it; empty if none is given.
    pub container: String,
    /// The profile by which it is spoken to. Empty for a GB device leaves what is on record; where
    /// nothing is, it is [`crate::catalogue::GENERIC_PROFILE`].
    pub profile: String,
    /// What a GB device has besides; `None` for a phone.
    pub camera: Option<NewCamera>,
}

/// How a device is doing, as the engine last saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Imported, and never reached yet.
    New,
    /// A GB device that nothing was asked of yet: it comes to us, and its binding tells whether it
    /// is there.
    Awaited,
    /// Reached, proved to be the right one, and running.
    Running,
    /// It was told to restart and is not back yet.
    Restarting,
    /// It was told to go back to how it left the factory and is not back yet.
    Resetting,
    /// It was told to stop and still answers.
    Stopping,
    /// An operator or a job has stopped it. It counts as running again once it answers.
    Stopped,
    /// Could not be reached, or could not be proved to be the right one, for as long as a job may
    /// wait.
    Abnormal,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Awaited,
        Self::Running,
        Self::Restarting,
        Self::Resetting,
        Self::Stopping,
        Self::Stopped,
        Self::Abnormal,
    ];

    /// Whether the engine has nothing to find out about such a device.
    pub fn is_met(self) -> bool {
        matches!(self, Self::Running | Self::Awaited)
    }

    /// Whether values for such a device are stored until it runs again, and the door says so.
    pub fn stores(self) -> bool {
        matches!(self, Self::Abnormal | Self::Stopped | Self::Stopping)
    }

    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Awaited => "awaited",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Resetting => "resetting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Abnormal => "abnormal",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Condition {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|condition| condition.name() == text);
        found.ok_or_else(|| UnknownWord { what: "condition", word: text.to_owned() })
    }
}

/// Which boot of a device a value was seen in.
///
/// It takes both halves: a container's restart changes only the start of its first process (it
/// shares its host's kernel), a physical phone's restart only the kernel's boot id for certain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BootIdentity {
    /// `/proc/sys/kernel/random/boot_id`.
    pub kernel: String,
    /// Field 22 of `/proc/1/stat`: the start time of process 1 in clock ticks after the boot.
    pub init_start: String,
}

impl fmt::Display for BootIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kernel, self.init_start)
    }
}

impl FromStr for BootIdentity {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let error = || UnknownWord { what: "boot identity", word: text.to_owned() };
        let (kernel, init_start) = text.split_once('/').ok_or_else(error)?;
        Ok(Self { kernel: kernel.to_owned(), init_start: init_start.to_owned() })
    }
}

/// What a device said of itself when it was last asked (a phone: seen in a new boot), by the words
/// of [`Facts::MODEL`] and its neighbours. What it did not say is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(pub BTreeMap<String, String>);

impl Facts {
    /// The model: a phone's `ro.product.model`, a GB device's `Model`.
    pub const MODEL: &'static str = "model";
    /// The Android release: `ro.build.version.release`.
    pub const RELEASE: &'static str = "release";
    /// The build as shown to people: `ro.build.display.id`.
    pub const BUILD: &'static str = "build";
    /// The build's fingerprint: `ro.build.fingerprint`.
    pub const FINGERPRINT: &'static str = "fingerprint";
    /// Who made it: a GB device's `Manufacturer` (GB/T 28181-2016, A.2.6.5 DeviceInfo).
    pub const MANUFACTURER: &'static str = "manufacturer";
    /// What runs on it: a GB device's `Firmware`.
    pub const FIRMWARE: &'static str = "firmware";
    /// How many channels a GB device says it has: `Channel`.
    pub const CHANNELS: &'static str = "channels";
    /// What a GB device says it is called: `DeviceName`.
    pub const NAME: &'static str = "name";
    /// The user that commands run as: what `id -u` says.
    pub const USER: &'static str = "user";
    /// The rights that its profile's way to them was seen to give: `root` or `shell`.
    pub const RIGHTS: &'static str = "rights";

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A value that the device holds and that acts only after a restart: the mark that stays until one
/// has made it act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPending {
    /// The boot in which the value was first shown; any other has made it act. `None` if the device
    /// tells no boots apart.
    pub boot: Option<BootIdentity>,
    /// Since when.
    pub since: Timestamp,
}

/// What an operator asked for when adopting a device. Kept until it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AdoptionRequest {
    /// Whether a phone that bears another marker is given the record's all the same.
    pub replace_marker: bool,
    /// Whether what the phone shows becomes what is desired, where nothing is desired yet.
    pub from_reported: bool,
}

/// What is known of a device's state. One row, changed with every accepted update and every result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// The last revision given.
    pub revision: Revision,
    /// What was asked for.
    pub desired: Desired,
    /// Every desired value up to this revision has been shown by the device or finally refused by
    /// it. Below [`Self::revision`] there is work to do.
    pub settled: Revision,
    /// What the device last showed.
    pub reported: Reported,
    /// How it is doing.
    pub condition: Condition,
    /// Since when the condition, or the trouble in [`Self::trouble`], has lasted.
    pub since: Timestamp,
    /// Why the device can't be worked on at the moment, in a sentence; `None` if it can.
    pub trouble: Option<String>,
    /// The boot in which it was last seen.
    pub boot: Option<BootIdentity>,
    /// Whether the device has once shown the record's marker.
    pub adopted: bool,
    /// Whether an operator has frozen it: it takes no updates until unfrozen.
    pub frozen: bool,
    /// An adoption that was asked for and is not done.
    pub adoption: Option<AdoptionRequest>,
    /// Another device whose address answers with this device's marker: a copy of this phone. Until
    /// that ends, nothing is set on either.
    pub copy: Option<DeviceKey>,
    /// A restart, reset or stop that was begun and is not over.
    pub power: Option<PowerStep>,
    /// The values that the device holds and that wait for a restart to act, by property.
    pub restart_pending: BTreeMap<String, RestartPending>,
    /// What the device said of itself.
    pub facts: Facts,
    /// Its open jobs, oldest first.
    pub open_jobs: Vec<JobId>,
}

impl DeviceState {
    /// The state of a device that was imported at `now` and never reached.
    pub fn new(now: Timestamp) -> Self {
        Self {
            revision: Revision(0),
            desired: Desired::default(),
            settled: Revision(0),
            reported: Reported::default(),
            condition: Condition::New,
            since: now,
            trouble: None,
            boot: None,
            adopted: false,
            frozen: false,
            adoption: None,
            copy: None,
            power: None,
            restart_pending: BTreeMap::new(),
            facts: Facts::default(),
            open_jobs: Vec::new(),
        }
    }

    /// Whether the engine has something to do for this device: to apply, to end a job, to meet it
    /// for the first time, or to find it again.
    pub fn has_work(&self) -> bool {
        self.settled < self.revision
            || !self.open_jobs.is_empty()
            || !self.condition.is_met()
            || self.trouble.is_some()
            || self.adoption.is_some()
            || self.copy.is_some()
            || self.power.is_some()
    }
}

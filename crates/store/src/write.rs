//! What can be changed: a closed list.

use fleet::{
    BootIdentity, Condition, DeviceId, DeviceKey, Door, End, Epoch, JobId, NewDevice, ProjectId,
    ProjectKey, Refusal, Reported, RequestId, Revision, Shard, Timestamp, Values,
};

/// One change. Applied whole or not at all.
#[derive(Debug, Clone)]
pub enum Write {
    /// A project is made.
    CreateProject(CreateProject),
    /// An access key is made.
    CreateKey(CreateKey),
    /// An access key stops working.
    RevokeKey(RevokeKey),
    /// Devices are recorded, or their records changed.
    ImportDevices(ImportDevices),
    /// An update is accepted: desired state changes and each device gets its job.
    Accept(Accept),
    /// What a step of a device's lane has found is recorded, and jobs end.
    Settle(Box<Settle>),
}

/// Makes a project. Refused with [`Refused::Exists`] if the id is taken.
#[derive(Debug, Clone)]
pub struct CreateProject {
    /// Its public id.
    pub id: ProjectId,
    /// The operator's name for it.
    pub name: String,
    /// Now.
    pub at: Timestamp,
}

/// Makes an access key. Refused with [`Refused::Exists`] if the id is taken (in any project) and
/// with [`Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct CreateKey {
    /// Its id, unique on this server.
    pub ak: String,
    /// The project it opens.
    pub project: ProjectId,
    /// The secret, sealed.
    pub sealed_secret: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}

/// Revokes an access key. Refused with [`Refused::NoSuchKey`]; revoking twice is harmless.
#[derive(Debug, Clone)]
pub struct RevokeKey {
    /// The key.
    pub ak: String,
    /// Now.
    pub at: Timestamp,
}

/// Records devices. A device that exists already takes the new name, server, address and profile
/// and keeps its marker and its state; at another address it has to be adopted anew. Refused whole
/// with [`Refused::NoSuchProject`] and with [`Refused::KindDiffers`].
#[derive(Debug, Clone)]
pub struct ImportDevices {
    /// The devices.
    pub devices: Vec<ImportedDevice>,
    /// Now.
    pub at: Timestamp,
}

/// One device to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedDevice {
    /// What the operator says of it.
    pub record: NewDevice,
    /// The marker to give it if it is new.
    pub marker: String,
}

/// Accepts an update. Per entry, in order and under the row lock: the device's revision goes up by
/// one, its desired state takes the patch, and a job is recorded. An entry is refused alone, with
/// [`Refusal::Busy`], if its device has [`fleet::limits::OPEN_JOBS_PER_DEVICE_MAX`] open jobs or
/// its desired state would exceed [`fleet::limits::DESIRED_BYTES_MAX`], and with
/// [`Refusal::DeviceUnknown`] if the device is gone. An empty patch is accepted like any other.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The project that all the devices belong to.
    pub project: ProjectKey,
    /// The call's id: the jobs' ids follow from it.
    pub request: RequestId,
    /// The API through which it came.
    pub door: Door,
    /// Now.
    pub at: Timestamp,
    /// The entries that passed the checks, with their positions in the call.
    pub entries: Vec<AcceptEntry>,
}

/// One device's part of an update.
#[derive(Debug, Clone)]
pub struct AcceptEntry {
    /// Its position in the call, from 0: gives the job's id.
    pub position: u16,
    /// The device.
    pub device: DeviceKey,
    /// The values asked for, by canonical name.
    pub patch: Values,
}

/// Proof that the writer owns the device's shard. Compared with the store's own epoch in the same
/// transaction; an older one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The shard.
    pub shard: Shard,
    /// The epoch under which the writer took it.
    pub epoch: Epoch,
}

/// Records what a step of a lane has found. Refused with [`Refused::Fenced`] if the fence is stale
/// and with [`Refused::NoSuchDevice`]. A job that is not open any more is left as it is, so that
/// sending this twice is harmless.
#[derive(Debug, Clone)]
pub struct Settle {
    /// Proof of ownership.
    pub fence: Fence,
    /// The device.
    pub device: DeviceKey,
    /// Now.
    pub at: Timestamp,
    /// The new reported state, if the device was read.
    pub reported: Option<Reported>,
    /// The boot in which it was read, if it was.
    pub boot: Option<BootIdentity>,
    /// Every desired value up to this revision has been shown or finally refused. Never lowers what
    /// the store has.
    pub settled: Revision,
    /// How the device is doing.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Why it can't be worked on, if it can't.
    pub trouble: Option<String>,
    /// Whether it has shown the record's marker. Never unset by this, and of no effect if the
    /// record has changed since [`Self::record_at`]: it may have been another address that did.
    pub adopted: bool,
    /// When the record that was worked on had last changed.
    pub record_at: Timestamp,
    /// The jobs that end now.
    pub ended: Vec<EndedJob>,
}

/// A job that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// The job.
    pub job: JobId,
    /// How.
    pub end: End,
    /// The job whose values took the place of this one's, if all were replaced.
    pub superseded_by: Option<JobId>,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is made, and there is no more to say.
    Done,
    /// The devices are recorded: the key of each, in the order given, and how many are new.
    Imported {
        /// The keys.
        keys: Vec<DeviceKey>,
        /// How many did not exist before.
        new: usize,
    },
    /// The update is accepted: one result an entry, in the order of the entries.
    Accepted(Vec<Result<AcceptedEntry, Refusal>>),
    /// The result is recorded.
    Settled(Settled),
}

/// An entry that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedEntry {
    /// The device.
    pub device: DeviceKey,
    /// The job.
    pub job: JobId,
    /// The revision that the desired state got.
    pub revision: Revision,
    /// Whether the device is abnormal, so that the values are stored until it runs again.
    pub stored: bool,
}

/// Where a device stands after a result was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The last revision given: above the planned one, there is newer work.
    pub revision: Revision,
    /// What is settled.
    pub settled: Revision,
    /// How many jobs are open.
    pub open_jobs: usize,
}

/// Why a rule of the record forbade a change. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such project, or none that the principal may see.
    #[error("no such project: {0}")]
    NoSuchProject(ProjectId),
    /// No such device.
    #[error("no such device")]
    NoSuchDevice,
    /// No such access key, or none that the principal may see.
    #[error("no such access key: {0}")]
    NoSuchKey(String),
    /// The id is taken.
    #[error("{what} {id} exists already")]
    Exists {
        /// What was to be made.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// The device exists as something else.
    #[error("device {id} is a {is}, not a {asked}")]
    KindDiffers {
        /// The device.
        id: DeviceId,
        /// What it is.
        is: &'static str,
        /// What the import says it is.
        asked: &'static str,
    },
    /// The fence is stale: another owner has taken the shard since.
    #[error("the shard has a newer owner (epoch {store:?}, not {given:?})")]
    Fenced {
        /// The store's epoch.
        store: Epoch,
        /// The writer's.
        given: Epoch,
    },
}

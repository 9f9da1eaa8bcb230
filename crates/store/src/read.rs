//! What reads give.

use fleet::{
    Condition, Device, DeviceId, DeviceKey, DeviceState, Job, Kind, ProjectId, ProjectKey, Shard,
    Timestamp,
};

/// An access key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Its id.
    pub ak: String,
    /// The project it opens.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// The secret, sealed: opened only with the master key.
    pub sealed_secret: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// What accepting an update needs to know of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptTarget {
    /// The device.
    pub device: DeviceKey,
    /// Its project.
    pub project: ProjectKey,
    /// Its profile: decides which properties it can take.
    pub profile: String,
    /// The host it lives on: the lane it wakes is bounded by it.
    pub server: String,
}

/// A device with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceWithState {
    /// The record.
    pub device: Device,
    /// The state.
    pub state: DeviceState,
}

/// A job with the public names that an answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWithDevice {
    /// The job.
    pub job: Job,
    /// The device's id.
    pub device_id: DeviceId,
    /// The project's id.
    pub project_id: ProjectId,
    /// The host that the device lives on.
    pub server: String,
    /// How the device is doing now, and why it can't be worked on, if it can't: an open job waits
    /// for that.
    pub trouble: Option<String>,
}

/// Which devices to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Of this project only.
    pub project: Option<ProjectId>,
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// Of this server only.
    pub server: Option<String>,
    /// In this condition only.
    pub condition: Option<Condition>,
}

/// One page of a list that is ordered by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this key; 0 for the first page.
    pub after: DeviceKey,
    /// At most so many.
    pub limit: u32,
}

/// Everything one step of a lane needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The record.
    pub device: Device,
    /// The state.
    pub state: DeviceState,
    /// The open jobs, oldest first.
    pub jobs: Vec<Job>,
}

/// What a lane is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneSeed {
    /// The device.
    pub device: DeviceKey,
    /// Its shard.
    pub shard: Shard,
    /// The host it lives on.
    pub server: String,
}

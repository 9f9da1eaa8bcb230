//! What an overview of a fleet is made of.

use fleet::{
    Alike, DeviceCounts, DeviceId, DeviceKey, Failure, FleetCounts, JobId, ProjectId, ProjectKey,
    Timestamp,
};

/// Some devices, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPage {
    /// How many of each project are alike.
    pub counts: Vec<(ProjectKey, Alike, u64)>,
    /// After which key to go on; `None` if there are no more.
    pub next: Option<DeviceKey>,
}

/// What was counted of the projects that were asked for, all together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedFleet {
    /// When it was counted last; `None` if it never was.
    pub at: Option<Timestamp>,
    /// What was found then.
    pub counts: FleetCounts,
    /// What had been found before, oldest first.
    pub history: Vec<(Timestamp, DeviceCounts)>,
}

/// The newest jobs that failed, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentFailures {
    /// How many there are among those that were looked at.
    pub counted: u64,
    /// Whether there may be more: only the newest were looked at.
    pub more: bool,
    /// The reasons, that of most jobs first: at most [`fleet::limits::FAILURE_REASONS_MAX`].
    pub reasons: Vec<FailureReason>,
}

/// The jobs that failed for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason {
    /// The reason. Of a deadline that passed, what stood in the way up to the first colon.
    pub failure: Failure,
    /// How many.
    pub jobs: u64,
    /// When the last of them ended.
    pub last_at: Timestamp,
    /// The newest job of each of the devices on which one ended last, that first: at most
    /// [`fleet::limits::FAILURE_REASON_DEVICES_MAX`].
    pub newest: Vec<FailedJob>,
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    /// Its id.
    pub job: JobId,
    /// Its project.
    pub project: ProjectId,
    /// Its device.
    pub device: DeviceId,
    /// When the last job of the device failed for this reason.
    pub at: Timestamp,
}

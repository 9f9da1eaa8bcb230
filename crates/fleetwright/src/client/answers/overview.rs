//! What the native API says of a whole fleet.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `GET /overview`.
#[derive(Debug, Deserialize)]
pub struct FleetOverview {
    /// When the devices were counted; `None` before the first time.
    pub as_of: Option<String>,
    /// How many there are.
    pub devices: FleetDevices,
    /// How it was, oldest first.
    pub history: Vec<FleetSample>,
    /// The jobs that failed of late.
    pub failures: Reasons,
    /// The updates that go out in waves and are not over.
    pub rollouts: Vec<OpenRollout>,
}

/// How many devices there are.
#[derive(Debug, Deserialize)]
pub struct FleetDevices {
    /// In all.
    pub total: u64,
    /// Of each kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Of each kind in each condition.
    pub by_condition: BTreeMap<String, BTreeMap<String, u64>>,
    /// Cameras by how they stand.
    pub cameras: BTreeMap<String, u64>,
    /// Frozen ones.
    pub frozen: u64,
    /// Those that are not as they should be, each under one reason.
    pub attention: AttentionCounts,
}

/// How many devices are not as they should be, by reason.
#[derive(Debug, Deserialize)]
pub struct AttentionCounts {
    /// They can't be worked on.
    pub trouble: u64,
    /// They show something other than is asked.
    pub drift: u64,
    /// A value waits for a restart.
    pub restart_pending: u64,
    /// Something is not settled.
    pub pending: u64,
}

/// How many devices there were at one time.
#[derive(Debug, Deserialize)]
pub struct FleetSample {
    /// When.
    pub at: String,
    /// In all.
    pub total: u64,
    /// Those that were not as they should be.
    #[serde(flatten)]
    pub attention: AttentionCounts,
}

/// The jobs that failed of late.
#[derive(Debug, Deserialize)]
pub struct Reasons {
    /// Since when.
    pub since: String,
    /// How many.
    pub counted: u64,
    /// Whether there may be more.
    pub more: bool,
    /// Why.
    pub reasons: Vec<FailureReason>,
    /// How many failed for reasons that are not listed.
    pub other: u64,
}

/// Why jobs failed.
#[derive(Debug, Deserialize)]
pub struct FailureReason {
    /// The reason, for programs.
    pub code: String,
    /// The reason, for people.
    pub message: String,
    /// How many.
    pub count: u64,
    /// Some of their devices.
    pub devices: Vec<FailedDevice>,
    /// When the last of them ended.
    pub last_at: String,
}

/// A device.
#[derive(Debug, Deserialize)]
pub struct FailedDevice {
    /// Its id.
    pub id: String,
}

/// An update that goes out in waves.
#[derive(Debug, Deserialize)]
pub struct OpenRollout {
    /// Its id.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Where it stands.
    pub phase: String,
    /// How many devices it has.
    pub devices: u64,
    /// How many of them it has come to.
    pub begun: u64,
    /// How many jobs had succeeded when they were counted, if they were.
    pub succeeded: Option<u64>,
    /// How many had failed.
    pub failed: Option<u64>,
}

//! What the native API says of updates.

use std::collections::BTreeMap;

use fleet::JobId;
use serde::Deserialize;

use super::Job;

/// `POST /updates`.
#[derive(Debug, Deserialize)]
pub struct AcceptedUpdate {
    /// The update's id.
    pub id: String,
    /// What came of each device, in the order of the call.
    pub jobs: Vec<DeviceOutcome>,
}

/// What came of one device: it has a job, or an error says why not.
#[derive(Debug, Deserialize)]
pub struct DeviceOutcome {
    /// The device.
    pub device: String,
    /// Its job.
    pub job: Option<JobId>,
    /// Why it was refused.
    pub error: Option<DeviceError>,
}

/// Why a device's part of an update was refused.
#[derive(Debug, Deserialize)]
pub struct DeviceError {
    /// The reason, for programs.
    pub code: String,
    /// The property that it is about.
    pub property: Option<String>,
    /// The reason, for people.
    pub detail: String,
}

/// `GET /updates/{id}`.
#[derive(Debug, Deserialize)]
pub struct Update {
    /// Its id.
    pub id: String,
    /// The same as ISS prints it, if it came by ISS.
    pub iss_request_id: Option<String>,
    /// Its project's id.
    pub project: String,
    /// The API through which it came.
    pub door: String,
    /// Who asked.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: String,
    /// When its last job ended.
    pub ended_at: Option<String>,
    /// How many of its jobs stand where.
    pub jobs: JobCounts,
    /// How it goes through its devices, if it does so in waves.
    pub rollout: Option<Rollout>,
    /// Of a wave, the update that it is of.
    pub rollout_id: Option<String>,
    /// Of a wave, its number.
    pub wave: Option<u32>,
}

/// `GET /updates/{id}/failures`.
#[derive(Debug, Deserialize)]
pub struct UpdateFailures {
    /// The reasons, that of most first.
    pub groups: Vec<FailureGroup>,
    /// What is not told by reason.
    pub other: Option<OtherFailures>,
}

/// Jobs that failed, or devices that were refused, for the same reason.
#[derive(Debug, Deserialize)]
pub struct FailureGroup {
    /// The reason, for programs.
    pub code: String,
    /// Whether it is devices that were refused.
    pub refused: bool,
    /// The reason, for people.
    pub message: String,
    /// What to do about it.
    pub what_to_do: Option<String>,
    /// How many there are.
    pub count: u64,
    /// The first of the devices.
    pub devices: Vec<String>,
    /// Its job; `None` where devices were refused.
    pub job: Option<String>,
}

/// Failures that are not told by reason.
#[derive(Debug, Deserialize)]
pub struct OtherFailures {
    /// For how many reasons.
    pub reasons: u64,
    /// How many there are.
    pub count: u64,
}

/// How an update goes through its devices.
#[derive(Debug, Deserialize)]
pub struct Rollout {
    /// `collecting`, `running`, `paused`, `stopped`, `aborted` or `done`.
    pub phase: String,
    /// Why it is in that phase, if there is something to say.
    pub why: Option<String>,
    /// Its devices.
    pub devices: u64,
    /// Those that it has come to.
    pub begun: u64,
    /// Those of them that it refused.
    pub refused: u64,
    /// The waves that have begun.
    pub wave: u32,
    /// When the next wave begins at the earliest.
    pub next_at: Option<String>,
    /// The jobs that are open because their devices were away.
    pub away: u64,
    /// How it is to go.
    pub plan: Plan,
    /// The update that it takes back.
    pub revert_of: Option<String>,
    /// The latest waves, oldest first.
    pub waves: Vec<Wave>,
}

impl Rollout {
    /// Whether it begins nothing new any more, or not before somebody has looked at it.
    pub fn is_over(&self) -> bool {
        self.waits_for_people() || matches!(self.phase.as_str(), "aborted" | "done")
    }

    /// Whether it begins nothing new before somebody has looked at it.
    pub fn waits_for_people(&self) -> bool {
        matches!(self.phase.as_str(), "paused" | "stopped")
    }
}

/// How an update goes through its devices, as far as it is shown.
#[derive(Debug, Deserialize)]
pub struct Plan {
    /// The hours of the day in which it begins waves; any if there are none.
    pub window: Option<Window>,
}

/// Hours of each day, in UTC.
#[derive(Debug, Deserialize)]
pub struct Window {
    /// Their begin, `HH:MM`.
    pub from: String,
    /// Their end, `HH:MM`.
    pub to: String,
}

/// A wave of an update.
#[derive(Debug, Deserialize)]
pub struct Wave {
    /// From 1.
    pub number: u32,
    /// Its devices.
    pub devices: u64,
    /// Those of them that were refused.
    pub refused: u64,
    /// The jobs that succeeded.
    pub succeeded: u64,
    /// The jobs that failed.
    pub failed: u64,
    /// The jobs that have not ended.
    pub open: u64,
    /// When it began.
    pub begun_at: String,
    /// When it was over.
    pub ended_at: Option<String>,
}

/// `POST /updates` of devices in waves, and `POST /updates/{id}/revert`.
#[derive(Debug, Deserialize)]
pub struct BegunUpdate {
    /// The update's id.
    pub id: String,
    /// How many devices it has.
    pub devices: u64,
    /// What a revert leaves as it is.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
}

/// What a revert leaves as it is.
#[derive(Debug, Deserialize)]
pub struct LeftOut {
    /// The device.
    pub device: String,
    /// The property; `None`: all of the device.
    pub property: Option<String>,
    /// Why.
    pub why: String,
}

/// `POST /devices/{id}/revert`.
#[derive(Debug, Deserialize)]
pub struct RevertedDevice {
    /// The update.
    pub id: String,
    /// Its job.
    pub job: JobId,
    /// The values that are asked for again.
    pub set: BTreeMap<String, String>,
    /// What stays as it is.
    pub left_out: Vec<LeftOut>,
}

/// One page of `POST /updates` with `dry_run`.
#[derive(Debug, Deserialize)]
pub struct Predicted {
    /// The devices.
    pub devices: Vec<Prediction>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// What the first such page of a revert has besides the devices.
#[derive(Debug, Deserialize)]
pub struct PredictedRevert {
    /// What would stay as it is.
    pub left_out: Vec<LeftOut>,
}

/// What would become of a device.
#[derive(Debug, Deserialize)]
pub struct Prediction {
    /// The device.
    pub id: String,
    /// What would change.
    pub changes: Vec<PredictedChange>,
    /// Why it would be refused.
    pub refused: Option<DeviceError>,
    /// Whether it can't be worked on at the moment.
    pub away: bool,
    /// Whether it would be restarted.
    pub restart: bool,
}

/// A value that would change.
#[derive(Debug, Deserialize)]
pub struct PredictedChange {
    /// The property.
    pub name: String,
    /// What is asked of the device now.
    pub desired: Option<String>,
    /// What it last showed.
    pub shown: Option<String>,
    /// What it would be asked for.
    pub to: String,
    /// `at_once`, `after_restart`, `recreate` or `record`.
    pub acts: String,
}

/// One page of `GET /updates/{id}/refused`.
#[derive(Debug, Deserialize)]
pub struct RefusedDevices {
    /// The devices.
    pub devices: Vec<RefusedDevice>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A device that was refused.
#[derive(Debug, Deserialize)]
pub struct RefusedDevice {
    /// The device.
    pub device: String,
    /// Why.
    pub error: DeviceError,
}

/// One page of `GET /updates`.
#[derive(Debug, Deserialize)]
pub struct Updates {
    /// Newest first.
    pub updates: Vec<UpdateHead>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// An update in a list.
#[derive(Debug, Deserialize)]
pub struct UpdateHead {
    /// Its id.
    pub id: String,
    /// Its project's id.
    pub project: String,
    /// The API through which it came.
    pub door: String,
    /// Who asked.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: String,
    /// Whether it goes through its devices in waves.
    pub rollout: bool,
}

/// One page of `GET /devices/{id}/history`.
#[derive(Debug, Deserialize)]
pub struct History {
    /// Newest first.
    pub changes: Vec<HistoryEntry>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// What an update asked of a device.
#[derive(Debug, Deserialize)]
pub struct HistoryEntry {
    /// The revision that what is asked of the device got from it.
    pub revision: i64,
    /// The update.
    pub update: String,
    /// What it asked for besides values.
    pub operation: String,
    /// Where its job stands.
    pub state: String,
    /// The API through which it came.
    pub door: String,
    /// Who asked.
    pub actor: String,
    /// When.
    pub accepted_at: String,
    /// The values, each with what was there before.
    pub values: Vec<HistoryValue>,
}

/// A value that was asked for.
#[derive(Debug, Deserialize)]
pub struct HistoryValue {
    /// The property.
    pub name: String,
    /// The value; `None` for one that a factory reset made forgotten.
    pub to: Option<String>,
    /// What was asked of the device before.
    pub desired_before: Option<String>,
    /// What it showed before.
    pub shown_before: Option<String>,
    /// Of a name, what it was on record before, where that is known.
    pub name_before: Option<String>,
}

/// How many jobs stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct JobCounts {
    /// In all.
    pub total: u64,
    /// Worked on when their turn comes.
    pub pending: u64,
    /// Waiting for their device, or for a restart to be over.
    pub waiting: u64,
    /// In flight.
    pub running: u64,
    /// The device holds the values.
    pub succeeded: u64,
    /// Ended otherwise.
    pub failed: u64,
}

/// One page of `GET /updates/{id}/jobs`.
#[derive(Debug, Deserialize)]
pub struct UpdateJobs {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

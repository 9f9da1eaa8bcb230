//! What reads give of selections and of updates.

use std::str::FromStr;

use fleet::device::UnknownWord;
use fleet::{
    DeviceId, DeviceKey, Door, Failure, JobId, Phase, ProjectId, Refusal, RequestId, Timestamp,
};

use super::{DeviceWithState, JobWithDevice};

/// A page of the devices that a selector means, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The devices. There may be few of them, or none, and more to come.
    pub devices: Vec<DeviceWithState>,
    /// After which key to go on; `None`: these were the last.
    pub next: Option<DeviceKey>,
}

/// The same with their keys and ids alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedKeys {
    /// The devices.
    pub devices: Vec<(DeviceKey, DeviceId)>,
    /// After which key to go on; `None`: these were the last.
    pub next: Option<DeviceKey>,
}

/// An update, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateHead {
    /// Its id.
    pub id: RequestId,
    /// Its project.
    pub project_id: ProjectId,
    /// The API through which it came.
    pub door: Door,
    /// Who asked for it.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Where it stands, if it goes out in waves.
    pub phase: Option<Phase>,
}

/// A page of updates, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatePage {
    /// The updates. There may be few of them, or none, and more to come.
    pub updates: Vec<UpdateHead>,
    /// Before which id to go on; `None`: these were the last.
    pub next: Option<RequestId>,
}

/// A page of a device's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The jobs, newest first.
    pub jobs: Vec<JobWithDevice>,
    /// The job to go on from, which may be one that is not kept any more: then the page from there
    /// is empty. `None`: these were the last.
    pub next: Option<JobId>,
    /// Whether they were the last only because the one before them is not kept any more.
    pub is_cut: bool,
}

/// How far a job has come, as far as the store can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStands {
    /// It has not ended.
    Open,
    /// It has succeeded.
    Succeeded,
    /// It has failed.
    Failed,
}

impl FromStr for JobStands {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "open" => Ok(Self::Open),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            _ => Err(UnknownWord { what: "state of jobs", word: text.to_owned() }),
        }
    }
}

/// Which jobs of an update to list: those for which all of it holds. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// That stand so: one of these.
    pub stands: Vec<JobStands>,
    /// That failed by one of these: words of [`Failure::code`].
    pub codes: Vec<String>,
    /// That failed for the reason for which this job did, as [`WhyNot::Failed`] tells reasons
    /// apart: none if it has not failed, or may not be seen.
    pub same_reason_as: Option<JobId>,
}

/// Of which update a wave is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveOf {
    /// The wave's request.
    pub request: RequestId,
    /// The update that goes out in waves.
    pub rollout: RequestId,
    /// The wave's number, from 1.
    pub number: u32,
}

/// Why jobs failed, or devices got none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// Their jobs failed. Of a deadline that passed, what stood in the way up to the first colon:
    /// behind it devices tell of times of their own.
    Failed(Failure),
    /// They were refused.
    Refused(Refusal),
}

/// Jobs that failed, or devices that were refused, for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureGroup {
    /// The reason.
    pub why: WhyNot,
    /// How many there are.
    pub count: u64,
    /// The first [`fleet::limits::FAILURE_DEVICES_MAX`] of their devices, as they were imported.
    pub devices: Vec<DeviceId>,
    /// The job of the first of them; `None` of devices that were refused. What
    /// [`JobFilter::same_reason_as`] takes.
    pub job: Option<JobId>,
}

/// Why jobs of an update failed and devices of it were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// By reason, those of most first: at most [`fleet::limits::FAILURE_GROUPS_MAX`].
    pub groups: Vec<FailureGroup>,
    /// How many there are in all.
    pub total: u64,
    /// For how many reasons, in all.
    pub reasons: u64,
}

//! What the native API says of updates.

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

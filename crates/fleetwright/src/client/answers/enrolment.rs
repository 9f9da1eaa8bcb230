//! Who may enrol, and who waits to be accepted.

use serde::Deserialize;
use serde_json::Value;

/// `GET /projects/{project}/enrolment`.
#[derive(Debug, Deserialize)]
pub struct Enrolment {
    /// Whether cameras may enrol now.
    pub open: bool,
    /// What their ids begin with, one of these.
    pub prefixes: Vec<String>,
    /// Until when they may.
    pub ends_at: String,
    /// Who set it last.
    pub set_by: String,
    /// When that was.
    pub set_at: String,
}

/// `GET /projects/{project}/pending`.
#[derive(Debug, Deserialize)]
pub struct PendingDevices {
    /// By id.
    pub devices: Vec<PendingDevice>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A camera that waits to be accepted.
#[derive(Debug, Deserialize)]
pub struct PendingDevice {
    /// Its id.
    pub id: String,
    /// When it came for the first time.
    pub first_seen: String,
    /// When it last came.
    pub last_seen: String,
    /// Where it last came from.
    pub remote: String,
    /// `udp` or `tcp`.
    pub transport: String,
    /// What it says of its make.
    pub user_agent: Option<String>,
}

/// What came of cameras that were to be accepted.
#[derive(Deserialize)]
pub struct AcceptedPending {
    /// Each, as it came.
    pub devices: Vec<Value>,
    /// How many are accepted.
    pub accepted: usize,
    /// Whether there are more.
    pub more: bool,
}

/// What came of one of them. Holds a password: not to be shown but as data.
#[derive(Deserialize)]
pub struct AcceptedDevice {
    /// Its id.
    pub id: String,
    /// The password that was made for it.
    pub password: Option<String>,
    /// Why it is not accepted.
    pub error: Option<NotAccepted>,
}

/// Why a camera is not accepted.
#[derive(Debug, Deserialize)]
pub struct NotAccepted {
    /// For people.
    pub detail: String,
}

/// What came of cameras that were to be rejected.
#[derive(Debug, Deserialize)]
pub struct RejectedPending {
    /// How many are rejected.
    pub rejected: u64,
    /// Whether there are more.
    pub more: bool,
}

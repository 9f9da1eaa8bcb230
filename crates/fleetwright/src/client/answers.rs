//! The native API's answers, as far as the commands print them. What they do not print they do not
//! name, so that a newer server's additions do no harm; `--json` prints answers whole.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `GET /projects`.
#[derive(Debug, Deserialize)]
pub struct Projects {
    /// By id.
    pub projects: Vec<Project>,
}

/// A project.
#[derive(Debug, Deserialize)]
pub struct Project {
    /// Its public id.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// When it was made.
    pub created_at: String,
}

/// `GET /projects/{project}/keys`.
#[derive(Debug, Deserialize)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<Key>,
}

/// An access key, without its secret.
#[derive(Debug, Deserialize)]
pub struct Key {
    /// Its id.
    pub ak: String,
    /// When it was made.
    pub created_at: String,
    /// When it was revoked, if it was.
    pub revoked_at: Option<String>,
}

/// A key that was just made: the one answer with a secret in it.
#[derive(Deserialize)]
pub struct NewKey {
    /// Its id.
    pub ak: String,
    /// Its secret.
    pub sk: String,
}

/// What an import did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Imported {
    /// Devices that are new.
    pub new: usize,
    /// Devices that existed and took the new record.
    pub updated: usize,
}

/// One page of `GET /devices`.
#[derive(Debug, Deserialize)]
pub struct Devices {
    /// The devices.
    pub devices: Vec<Device>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A device, with what is asked of it and what it shows.
#[derive(Debug, Deserialize)]
pub struct Device {
    /// Its project.
    pub project: String,
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// The operator's name for it.
    pub name: String,
    /// The host it lives on; empty if none was named.
    pub server: String,
    /// `host:port`.
    pub address: String,
    /// How it is spoken to.
    pub profile: String,
    /// How it is doing.
    pub condition: String,
    /// Since when the condition or the trouble has lasted.
    pub since: String,
    /// Why it can't be worked on, if it can't.
    pub trouble: Option<String>,
    /// Whether it has shown that it is the one on record.
    pub adopted: bool,
    /// What is asked of it.
    pub desired: BTreeMap<String, String>,
    /// What it has shown.
    pub reported: BTreeMap<String, Reported>,
    /// The names of what differs.
    pub drift: Vec<String>,
    /// Its jobs that have not ended.
    pub open_jobs: Vec<String>,
}

/// A value that a device showed.
#[derive(Debug, Deserialize)]
pub struct Reported {
    /// The value; `None` where it has none.
    pub value: Option<String>,
    /// How long ago it was read.
    pub age_seconds: u64,
}

/// A job.
#[derive(Debug, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Where it stands: `pending`, `waiting_for_device`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// Its device's id.
    pub device: String,
    /// Its project's id.
    pub project: String,
    /// The values asked for.
    pub patch: BTreeMap<String, String>,
    /// The API through which it came.
    pub door: String,
    /// Who asked.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// How it is known that it succeeded.
    pub proof: Option<String>,
    /// Why it failed, or why it waits.
    pub detail: Option<String>,
    /// The later job that took its place.
    pub superseded_by: Option<String>,
}

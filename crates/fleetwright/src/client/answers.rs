//! The native API's answers, as far as the commands print them. What they do not print they do not
//! name, so that a newer server's additions do no harm; `--json` prints answers whole.

mod access;
mod camera;
mod cluster;
mod enrolment;
mod explain;
mod import;
mod overview;
mod preset;
mod update;
mod webhooks;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use access::{Act, Audit, Grants, NewToken, ProjectGrants, Tokens};
pub use camera::{Camera, Channel, Channels, Credentials, Record, RefusedRegistrations};
pub use cluster::{Cluster, Node};
pub use enrolment::{
    AcceptedDevice, AcceptedPending, Enrolment, PendingDevice, PendingDevices, RejectedPending,
};
pub use explain::{Asker, ExplainedValue, Explanation, Reason, ValueBefore};
pub use import::{ImportReport, LineError, NothingImported};
pub use overview::{
    AttentionCounts, FailureReason, FleetOverview, FleetSample, OpenRollout, Reasons,
};
pub use preset::{Preset, Presets};
pub use update::{
    AcceptedUpdate, BegunUpdate, DeviceOutcome, History, HistoryEntry, HistoryValue, JobCounts,
    LeftOut, OtherFailures, Predicted, PredictedRevert, Prediction, RefusedDevice, RefusedDevices,
    RevertedDevice, Rollout, Update, UpdateFailures, UpdateHead, UpdateJobs, Updates,
};
pub use webhooks::{Trial, Webhook, Webhooks};

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
    /// What the operator says of it; empty if nothing.
    pub description: String,
    /// What holds for all of its devices.
    pub settings: Settings,
    /// How its phones are doing, in the answer to `GET /projects/{project}`.
    #[serde(default)]
    pub devices: BTreeMap<String, u64>,
    /// How many cameras it has, in the same answer.
    pub cameras: Option<u64>,
    /// When it was made.
    pub created_at: String,
}

/// What holds for all devices of a project.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// Whether nothing is done on them for now.
    pub paused: bool,
    /// `report` or `repair`.
    pub drift: String,
    /// `unmarked` or `explicit`.
    pub adoption: String,
    /// Whether identity properties may be changed.
    pub identity: bool,
    /// How long a camera's replaced user name and password go on working.
    pub password_overlap_seconds: u64,
    /// How the ISS door treats it.
    pub iss: IssSettings,
}

/// How the ISS door treats a project.
#[derive(Debug, Deserialize)]
pub struct IssSettings {
    /// `460` or `1344`.
    pub profile: String,
    /// Whether `Ip` may be a private address.
    pub private_ip: bool,
    /// Whether answers show passwords as asterisks.
    pub mask_passwords: bool,
}

/// One page of `GET /projects/{project}/organizations`.
#[derive(Debug, Deserialize)]
pub struct Organizations {
    /// By path.
    pub organizations: Vec<Organization>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// An organization.
#[derive(Debug, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its path, its names joined by `/`.
    pub path: String,
    /// When it was made.
    pub created_at: String,
}

/// `GET /settings`.
#[derive(Debug, Deserialize)]
pub struct ServerSettings {
    /// Whether nothing is done on any device for now.
    pub paused: bool,
}

/// `GET /projects/{project}/users`.
#[derive(Debug, Deserialize)]
pub struct Users {
    /// By name.
    pub users: Vec<User>,
}

/// A user.
#[derive(Debug, Deserialize)]
pub struct User {
    /// The name.
    pub name: String,
    /// The project.
    pub project: String,
    /// When the user was made.
    pub created_at: String,
    /// When the user was disabled, if so.
    pub disabled_at: Option<String>,
    /// Whether another user has the same name but for the case of its letters.
    #[serde(default)]
    pub has_namesake: bool,
}

/// `GET /projects/{project}/keys` and `GET /keys`.
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
    /// Whether ISS's signatures by it have to cover the whole request.
    pub strict: bool,
    /// When it was made.
    pub created_at: String,
    /// When it was revoked, if it was.
    pub revoked_at: Option<String>,
    /// When a request was last signed with it, if one was.
    #[serde(default)]
    pub last_used_at: Option<String>,
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

/// A device, with what is asked of it and what it shows. What only a phone has is absent from a
/// camera.
#[derive(Debug, Deserialize)]
pub struct Device {
    /// Its project.
    pub project: String,
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// How many changes of what is asked of it were accepted.
    pub revision: i64,
    /// The operator's name for it.
    pub name: String,
    /// The host it lives on; empty if none was named.
    #[serde(default)]
    pub server: String,
    /// `host:port`.
    #[serde(default)]
    pub address: String,
    /// What its server calls it; empty if none was named.
    #[serde(default)]
    pub container: String,
    /// How it is spoken to.
    pub profile: String,
    /// How it is doing.
    pub condition: String,
    /// Since when the condition or the trouble has lasted.
    pub since: String,
    /// Why it can't be worked on, if it can't.
    pub trouble: Option<String>,
    /// Whether an operator has frozen it.
    pub frozen: bool,
    /// Whether a phone has shown that it is the one on record.
    pub adopted: Option<bool>,
    /// An adoption that was asked for and is not done.
    pub adoption: Option<Adoption>,
    /// The device whose address answers with this one's marker.
    pub copy: Option<Copy>,
    /// A restart, reset or stop that is going on.
    pub power: Option<Power>,
    /// What a camera has and phones have not.
    pub camera: Option<Camera>,
    /// What it said of itself.
    pub facts: BTreeMap<String, String>,
    /// What is asked of it.
    pub desired: BTreeMap<String, String>,
    /// Where each value stands that is asked of it.
    pub states: BTreeMap<String, String>,
    /// The values that wait for a restart to act.
    #[serde(default)]
    pub restart_pending: BTreeMap<String, Pending>,
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
    pub age_milliseconds: u64,
}

/// An adoption that was asked for.
#[derive(Debug, Deserialize)]
pub struct Adoption {
    /// Whether another marker is replaced.
    pub replace_marker: bool,
    /// Whether what the phone shows becomes what is asked of it.
    pub from_reported: bool,
}

/// A device whose address answers with another's marker.
#[derive(Debug, Deserialize)]
pub struct Copy {
    /// Its id.
    pub id: String,
    /// Where it answers.
    pub address: String,
}

/// A restart, reset or stop that is going on.
#[derive(Debug, Deserialize)]
pub struct Power {
    /// `restart`, `reset` or `stop`.
    pub operation: String,
    /// When it was begun.
    pub begun_at: String,
}

/// A value that waits for a restart.
#[derive(Debug, Deserialize)]
pub struct Pending {
    /// Since when.
    pub since: String,
}

/// What was accepted for a device.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    /// The job.
    pub job: fleet::JobId,
}

/// `GET /devices/{id}/check`.
#[derive(Debug, Deserialize)]
pub struct Check {
    /// Whether nothing failed.
    pub holds: bool,
    /// What was looked at.
    pub items: Vec<CheckItem>,
}

/// One thing that was looked at.
#[derive(Debug, Deserialize)]
pub struct CheckItem {
    /// What.
    pub name: String,
    /// `passed`, `failed`, `not_reached` or `unsupported`.
    pub result: String,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// `GET /devices/{id}/start-args`.
#[derive(Debug, Deserialize)]
pub struct StartArguments {
    /// The arguments.
    pub arguments: Vec<String>,
}

/// `POST /devices/discover`.
#[derive(Debug, Deserialize)]
pub struct Discovered {
    /// One an address.
    pub found: Vec<FoundPhone>,
}

/// What was found at an address.
#[derive(Debug, Deserialize)]
pub struct FoundPhone {
    /// The address.
    pub address: String,
    /// `new`, `known`, `moved`, `copy`, `foreign`, `unreachable` or `unauthorised`.
    pub what: String,
    /// The device's id.
    pub id: Option<String>,
    /// Where it was before.
    pub from: Option<String>,
    /// Where phones answer with one marker.
    pub copies: Vec<String>,
    /// Why there is no phone to speak to, or whose it is.
    pub why: Option<String>,
    /// The container's name that the record of a known device gets.
    #[serde(default)]
    pub container: Option<String>,
    /// The model.
    pub model: Option<String>,
}

/// `GET /catalogue`.
#[derive(Debug, Deserialize)]
pub struct Catalogue {
    /// The operator's own files.
    pub operator_files: Vec<String>,
    /// The properties.
    pub properties: Vec<Property>,
    /// The profiles.
    pub profiles: Vec<Profile>,
}

/// A property of the catalogue.
#[derive(Debug, Deserialize)]
pub struct Property {
    /// `phone` or `camera`.
    pub device_kind: String,
    /// Its name.
    pub name: String,
    /// What is allowed.
    pub allows: String,
    /// `at_once` or `after_restart`.
    pub timing: String,
    /// Whether callers may change it.
    pub updatable: bool,
    /// Whether a project's policy says who may change it.
    pub identity: bool,
    /// How a profile takes it.
    pub route: Option<Route>,
}

/// How a profile takes a property.
#[derive(Debug, Deserialize)]
pub struct Route {
    /// In a word.
    pub how: String,
    /// What is run or written.
    pub detail: String,
    /// How long a value holds.
    pub retention: String,
    /// When a value acts.
    pub timing: String,
}

/// A profile of the catalogue.
#[derive(Debug, Deserialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// How a device is restarted.
    pub restart: String,
    /// How it is reset.
    pub factory_reset: String,
    /// The rights that setting takes.
    pub privilege: String,
    /// Which devices it is for.
    pub meaning: String,
    /// How a GB device is spoken to, if it is for such.
    pub gb: Option<GbProfile>,
}

/// How a profile speaks to a GB device.
#[derive(Debug, Deserialize)]
pub struct GbProfile {
    /// `2016` or `2014`.
    pub shape: String,
    /// Whether it takes names for channels.
    pub channel_names: bool,
    /// What the manufacturers have that it is for.
    pub manufacturers: Vec<String>,
}

/// `POST /catalogue/reload`.
#[derive(Debug, Deserialize)]
pub struct Reloaded {
    /// How many properties.
    pub properties: usize,
    /// How many profiles.
    pub profiles: usize,
    /// The operator's own files.
    pub operator_files: Vec<String>,
}

/// `GET /backups`.
#[derive(Debug, Deserialize)]
pub struct Backups {
    /// The newest, newest first.
    pub backups: Vec<KeptBackup>,
    /// How many there are.
    pub total: u64,
}

/// A backup that lies on the server.
#[derive(Debug, Deserialize)]
pub struct KeptBackup {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made.
    pub made_at: String,
}

/// `POST /backup`.
#[derive(Debug, Deserialize)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// Where it is on the server.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// What it holds.
    pub counts: BTreeMap<String, u64>,
}

/// A job.
#[derive(Debug, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it asks for besides values: `update`, `restart`, `reset` or `stop`.
    pub operation: String,
    /// Where it stands: `pending`, `waiting_for_device`, `running`, `waiting_for_restart`,
    /// `succeeded` or `failed`.
    pub state: String,
    /// Its device's id.
    pub device: String,
    /// Its project's id.
    pub project: String,
    /// The values asked for.
    pub patch: BTreeMap<String, String>,
    /// What went on record with it.
    pub record: BTreeMap<String, String>,
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

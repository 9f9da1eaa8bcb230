//! What reads give.

use std::path::PathBuf;

mod access;
mod enrolment;
mod overview;
mod updates;
mod webhooks;

pub use access::{AuditEntry, AuditFilter, GrantHolder, TokenRecord, UserGrant};
pub use enrolment::StoredEnrolment;
pub use overview::{CountedFleet, CountedPage, FailedJob, FailureReason, RecentFailures};
pub use updates::{
    FailureGroup, Failures, HistoryPage, JobFilter, JobStands, Selected, SelectedKeys, UpdateHead,
    UpdatePage, WaveOf, WhyNot,
};
pub use webhooks::StoredWebhook;

use crate::cluster::SessionKey;
use fleet::{
    Binding, Condition, CredentialsInUse, Device, DeviceId, DeviceKey, DeviceState, Facts, Job,
    Kind, Organization, ProjectId, ProjectKey, ProjectSettings, Push, Shard, Timestamp, Values,
};

/// An access key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Its id.
    pub ak: String,
    /// The project it opens, and that project's public id; `None` opens all.
    pub project: Option<(ProjectKey, ProjectId)>,
    /// Whether ISS's signatures by it have to cover the whole request.
    pub strict: bool,
    /// The secret, sealed: opened only with the master key.
    pub sealed_secret: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When a request was last signed with it, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

/// What accepting an update needs to know of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptTarget {
    /// The device.
    pub device: DeviceKey,
    /// Its project.
    pub project: ProjectKey,
    /// What it is.
    pub kind: Kind,
    /// Its profile: decides which properties it can take.
    pub profile: String,
    /// Whether its project lets the properties be changed by which a phone is told from others.
    pub identity: bool,
    /// The host it lives on: the lane it wakes is bounded by it.
    pub server: String,
    /// The channel of it that the id names; `None` if it names the device itself.
    pub channel: Option<DeviceId>,
    /// How long, in seconds, its project lets credentials that are replaced go on working.
    pub password_overlap_seconds: u32,
}

/// What is known of a GB device besides its record and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraState {
    /// The digest user name that it must register with; `None`: its id.
    pub user: Option<String>,
    /// Whether there is a password for it to register with.
    pub has_password: bool,
    /// Its registration, the last one if it is not registered; `None` if it never was.
    pub binding: Option<Binding>,
    /// How many channels it has.
    pub channels: u32,
    /// What is on record of it, by property.
    pub record: Values,
    /// Where it is filed.
    pub organization: Option<Organization>,
    /// When its user name or password last changed; `None` if they never did.
    pub credentials_at: Option<Timestamp>,
    /// Until when the ones before work too; `None` if they don't, whatever the time.
    pub overlap_until: Option<Timestamp>,
}

impl CameraState {
    /// Which credentials this device's registration `binding` was made with.
    pub fn credentials_in_use(&self, binding: &Binding) -> CredentialsInUse {
        match self.credentials_at {
            // What it was made with before a change says nothing of what that change replaced.
            Some(changed_at) if binding.refreshed_at < changed_at => CredentialsInUse::NotRenewed,
            Some(_) if binding.old_credentials => CredentialsInUse::Old,
            _ => CredentialsInUse::Current,
        }
    }
}

/// With which user names and passwords the GB devices of a project are registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CredentialsCounts {
    /// With those on record.
    pub current: u64,
    /// With those that were replaced at the last change.
    pub old: u64,
    /// They have not registered since the last change.
    pub not_renewed: u64,
    /// They are not registered, those that never were among them.
    pub offline: u64,
    /// The latest time until which some that were replaced work; `None` if none do.
    pub overlap_until: Option<Timestamp>,
}

/// A GB device as ISS's answers show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraListing {
    /// Our name for it.
    pub name: String,
    /// Who may register as it, and its id.
    pub registrant: SealedRegistrant,
    /// What is on record of it, by property.
    pub record: Values,
    /// Where it is filed.
    pub organization: Option<Organization>,
    /// Its registration, the last one if it is not registered; `None` if it never was.
    pub binding: Option<Binding>,
    /// How many channels it has.
    pub channels: u32,
}

/// Who may register under a GB device's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRegistrant {
    /// The device.
    pub device: DeviceKey,
    /// Its id.
    pub id: DeviceId,
    /// Its project's public id.
    pub project_id: ProjectId,
    /// The digest user name; `None`: the id.
    pub user: Option<String>,
    /// The password, sealed; `None` if there is none.
    pub sealed_password: Option<Vec<u8>>,
    /// The user name and password that were replaced and work for a while yet.
    pub old: Option<OldCredentials>,
}

/// A user name and password that were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldCredentials {
    /// The digest user name; `None`: the id.
    pub user: Option<String>,
    /// The password, sealed.
    pub sealed_password: Vec<u8>,
    /// Until when they work.
    pub until: Timestamp,
}

/// What a driver needs to know of a GB device before it speaks to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraWork {
    /// The session that it is registered with, whether it lasts or not.
    pub bound_to: Option<SessionKey>,
    /// Who may register as it.
    pub registrant: SealedRegistrant,
    /// Its registration, the last one if it is not registered; `None` if it never was.
    pub binding: Option<Binding>,
    /// What was last sent to it.
    pub push: Option<Push>,
    /// When it was last asked what it is.
    pub surveyed_at: Option<Timestamp>,
    /// What it said of itself.
    pub facts: Facts,
    /// When its user name or password last changed; `None` if they never did.
    pub credentials_at: Option<Timestamp>,
}

/// A binding as it is loaded at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBinding {
    /// The device's id.
    pub id: DeviceId,
    /// The binding.
    pub binding: Binding,
    /// When the device was last asked what it is.
    pub surveyed_at: Option<Timestamp>,
    /// The session that it is registered with, whether it lasts or not.
    pub bound_to: Option<SessionKey>,
}

/// A device with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceWithState {
    /// The record.
    pub device: Device,
    /// The state.
    pub state: DeviceState,
    /// What a GB device has besides; `None` for a phone.
    pub camera: Option<CameraState>,
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
    /// What holds for all devices of its project.
    pub settings: ProjectSettings,
    /// The session that a GB device is registered with, if that registration and that session last.
    pub bound_to: Option<SessionKey>,
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
    /// Its project, if a restart, reset or stop of it was under way when it was read; read by
    /// [`crate::Reads::devices_with_work`] alone.
    pub restarting: Option<ProjectKey>,
    /// The session that a GB device is registered with, if that registration and that session last.
    pub bound_to: Option<SessionKey>,
}

/// A user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The name, unique on this server.
    pub name: String,
    /// Whether another user has the same name but for the case of ASCII letters, which was allowed
    /// once: each has to be written exactly.
    pub has_namesake: bool,
    /// An id for it, 32 hexadecimal digits, as IAM answers carry one.
    pub id: String,
    /// The project that the user may sign in for.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// That project's name.
    pub project_name: String,
    /// The password's hash, in the PHC string form.
    pub password_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Timestamp>,
}

/// A token as stored, of a user who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// What the token is spoken of by.
    pub id: String,
    /// What it is called; `None` if it was got by signing in.
    pub name: Option<String>,
    /// The user's name.
    pub user: String,
    /// What the user may do, by project.
    pub grants: Vec<UserGrant>,
    /// The project that the user is of.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Which phones of a project to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneFilter {
    /// Whose name contains this, whatever the case of ASCII letters.
    pub name: Option<String>,
    /// On this server only.
    pub server: Option<String>,
    /// In one of these conditions only, if there are any.
    pub conditions: Vec<Condition>,
    /// Frozen ones only, or those that are not.
    pub frozen: Option<bool>,
}

/// A page of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// The page.
    pub items: Vec<T>,
    /// The length of the whole list.
    pub total: u64,
}

/// The host that phones live on: known because records of devices name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its id: what the records name.
    pub id: String,
    /// Its name: the id until it is given another.
    pub name: String,
    /// The project.
    pub project_id: ProjectId,
    /// How many devices live on it.
    pub devices: u64,
    /// The model that most of its phones say they are; `None` if none has said.
    pub model: Option<String>,
    /// When a record first named it.
    pub created_at: Timestamp,
    /// When its name last changed.
    pub updated_at: Timestamp,
}

/// Which servers of a project to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFilter {
    /// Whose name contains this, whatever the case of ASCII letters.
    pub name: Option<String>,
    /// This one only.
    pub id: Option<String>,
    /// First named at this time or later.
    pub created_since: Option<Timestamp>,
    /// First named at this time or earlier.
    pub created_until: Option<Timestamp>,
}

/// A make of phone that a project's phones said they are: the facts that they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Make {
    /// What they share: [`fleet::Facts::MODEL`], `RELEASE`, `BUILD` and `FINGERPRINT`.
    pub facts: Facts,
    /// How many there are.
    pub devices: u64,
}

/// A copy of the store that was made while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, as 64 hexadecimal digits.
    pub sha256: String,
    /// How many projects, devices and jobs it holds.
    pub counts: BackupCounts,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackupCounts {
    /// Projects.
    pub projects: u64,
    /// Devices.
    pub devices: u64,
    /// Jobs.
    pub jobs: u64,
}

//! What is durable: projects, access keys, devices, their desired and reported state, and jobs.
//!
//! Four traits shaped by use, [`Reads`], [`Writes`], [`Cluster`] and [`History`], stand between the
//! engine and a database.
//! This crate must never decide anything about devices: it keeps what it is given, in the order it
//! was given, and refuses what would break a rule of the record (an unknown project, a stale fence,
//! too many open jobs). Refusals are result values; errors mean that the store itself failed.
//!
//! Start with [`write`](mod@write) for what can be changed and [`Reads`] for what can be asked. The
//! engines are [`sqlite`] and [`postgres`]; `conformance` is the suite of tests that both pass.

pub mod cluster;
mod columns;
#[cfg(test)]
mod conformance;
pub mod copy;
mod during;
pub mod feed;
mod gb_ids;
mod group;
pub mod history;
pub mod postgres;
pub mod read;
pub mod rekey;
mod rows;
mod rules;
pub mod seal;
pub mod sqlite;
pub mod tag;
mod words;
pub mod write;

use std::path::Path;

use async_trait::async_trait;
use fleet::{
    Channel, Device, DeviceId, DeviceKey, Epoch, JobId, Organization, OrganizationId,
    PendingDevice, Preset, PresetName, Principal, Project, ProjectId, RequestId, Rollout,
    RolloutDevice, Selector, ServerSettings, Shard, Timestamp, Wave, WaveCounts,
};

pub use cluster::{
    Cluster, ClusterState, Held, HeldShard, NameTaken, NewSession, NodeReport, NodeState, Renewal,
    Roles, Session, SessionEnded, SessionKey,
};
pub use feed::{
    Change, Commit, FeedPage, FeedPosition, ResumeToken, Sighting, StoreId, UnknownToken,
};
pub use history::{CountedJobs, ForgottenJobs, ForgottenRollout, History, Old, Room};
pub use read::{
    AcceptTarget, AuditEntry, AuditFilter, Backup, BackupCounts, CameraListing, CameraState,
    CameraWork, Counted, CountedFleet, CountedPage, CredentialsCounts, DeviceFilter,
    DeviceWithState, FailedJob, FailureGroup, FailureReason, Failures, GrantHolder, HistoryPage,
    JobFilter, JobStands, JobWithDevice, LaneSeed, Make, OldCredentials, Page, PhoneFilter,
    RecentFailures, SealedKey, SealedRegistrant, Selected, SelectedKeys, Server, ServerFilter,
    StoredBinding, StoredEnrolment, StoredToken, StoredUser, StoredWebhook, TokenRecord,
    UpdateHead, UpdatePage, UserGrant, WaveOf, WhyNot, Work,
};
pub use rules::cameras::no_such_channel;
pub use rules::refusal_of;
pub use tag::{Tag, TagFilter, Tagged, TaggedKind, TaggedThing};
pub use write::{Fence, Refused, Write, Written};

/// Why the store could not do what it was asked. Nothing has changed, except after
/// [`Error::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More operations wait than may; try again after the time given.
    #[error("the store is busy")]
    Busy,
    /// The disk has less space than the low-water mark: updates are refused, results still taken.
    #[error("the disk is low: {free_bytes} bytes are free and {needed_bytes} must be")]
    DiskLow {
        /// Bytes that are free.
        free_bytes: u64,
        /// Bytes that must be free before an update is accepted.
        needed_bytes: u64,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// A read took longer than its deadline.
    #[error("the read took longer than {0:?}")]
    ReadDeadline(std::time::Duration),
    /// The database can't be reached, or went away in the middle of the named operation; nothing
    /// has changed. Try again soon: it may be failing over.
    #[error("the database can't be reached to {operation}")]
    Away {
        /// What was being done.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database failed at the named operation; nothing has changed.
    #[error("{operation} failed")]
    Failed {
        /// What was being done.
        operation: &'static str,
        /// The database's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The commit itself failed: whether the change is there can be learned only by reading.
    #[error("the outcome of the commit is unknown")]
    Unknown {
        /// The database's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds something that can't be read back: damage, or a newer version's data.
    #[error("{what} in the store can't be read: {detail}")]
    Damaged {
        /// Which row.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// What can be asked of the store. Every call checks the principal: what belongs to a project that
/// the principal may not see looks as if it did not exist.
#[async_trait]
pub trait Reads: Send + Sync + 'static {
    /// All projects that the principal may see, by id.
    async fn projects(&self, principal: &Principal) -> Result<Vec<Project>, Error>;

    /// One project.
    async fn project(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<Option<Project>, Error>;

    /// The access keys of a project, secrets left out by the caller's choice of not opening them;
    /// `None`: those that open all projects, of which one who is bound to a project sees none.
    async fn access_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<SealedKey>, Error>;

    /// One access key by its id, revoked ones included. Asked before there is a principal: the
    /// caller of this proves who it is with what it gets.
    async fn access_key(&self, ak: &str) -> Result<Option<SealedKey>, Error>;

    /// For each id, in order, what accepting an update for it needs to know; `None` for an id that
    /// the principal's project does not have. An id that no device has names the channel of that id
    /// if exactly one GB device of the project has it.
    async fn accept_targets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<AcceptTarget>>, Error>;

    /// All devices with this id that the principal may see, at most one a project; in `project`
    /// alone if it is given. At most 16.
    async fn device(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        id: &DeviceId,
    ) -> Result<Vec<DeviceWithState>, Error>;

    /// One page of devices, ordered by key.
    async fn devices(
        &self,
        principal: &Principal,
        filter: &DeviceFilter,
        page: Page,
    ) -> Result<Vec<DeviceWithState>, Error>;

    /// One job.
    async fn job(&self, principal: &Principal, id: JobId) -> Result<Option<JobWithDevice>, Error>;

    /// The jobs of these requests that the principal may see, in the order of the requests as given
    /// and of their positions; `offset` are skipped and at most `limit` given.
    async fn jobs(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        offset: u64,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error>;

    /// The jobs of these requests that the principal may see and the filter lets through, in the
    /// order of the requests as given and of their positions, from the position `from` of the first
    /// request on: at most `limit`.
    async fn jobs_from(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        from: u16,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error>;

    /// Why the jobs of these requests failed that the principal may see and, where `rollout` is one
    /// that it may see, why devices of it were refused.
    async fn failures(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        rollout: Option<RequestId>,
    ) -> Result<Failures, Error>;

    /// Everything one step of a device's lane needs, read in one snapshot; `None` if the device is
    /// gone.
    async fn work(&self, device: DeviceKey) -> Result<Option<Work>, Error>;

    /// Devices with work (see [`fleet::DeviceState::has_work`]) and a key above `after`, by key.
    async fn devices_with_work(&self, after: DeviceKey, limit: u32)
    -> Result<Vec<LaneSeed>, Error>;

    /// Devices that hold desired values and have no work, with a key above `after`, by key: what
    /// the sweep reads back and the watch keeps an eye on.
    async fn devices_at_rest(&self, after: DeviceKey, limit: u32) -> Result<Vec<LaneSeed>, Error>;

    /// What the lanes of these devices are made from, those that exist, by key.
    async fn lane_seeds(&self, keys: &[DeviceKey]) -> Result<Vec<LaneSeed>, Error>;

    /// The records of these devices, those that exist, by key.
    async fn records(&self, keys: &[DeviceKey]) -> Result<Vec<Device>, Error>;

    /// For each id, in order, who may register as the GB device of that id; `None` where there is
    /// none. Asked before there is a principal: a REGISTER names no project.
    async fn registrants(&self, ids: Vec<DeviceId>)
    -> Result<Vec<Option<SealedRegistrant>>, Error>;

    /// The bindings that have not ended before their time, whether they have run out or not, of
    /// devices with a key above `after`, by key.
    async fn bindings(&self, after: DeviceKey, limit: u32) -> Result<Vec<StoredBinding>, Error>;

    /// With which credentials the GB devices of a project are registered now; `None` if there is no
    /// such project.
    async fn credentials_counts(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<CredentialsCounts>, Error>;

    /// What a driver needs to know of a GB device; `None` if there is none.
    async fn camera(&self, device: DeviceKey) -> Result<Option<CameraWork>, Error>;

    /// The channels of a GB device with an id above `after` (empty: from the first), by id; none if
    /// the principal may not see the device.
    async fn channels(
        &self,
        principal: &Principal,
        device: DeviceKey,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Channel>, Error>;

    /// For each id, in order, the GB device of that id in the project; `None` where there is none.
    async fn cameras_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<CameraListing>>, Error>;

    /// The GB devices of a project, oldest first; `offset` are skipped and at most `limit` given.
    async fn cameras(
        &self,
        principal: &Principal,
        project: &ProjectId,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<CameraListing>, Error>;

    /// For each id, in order, the channel of that id, if exactly one GB device of the project has
    /// it.
    async fn channels_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Channel>>, Error>;

    /// The lowest ids of 20 digits that begin with `prefix`, are above all of that prefix that are
    /// taken on this server, by a GB device or a channel, and, once there are none above, the
    /// lowest that are free: at most `count`.
    async fn free_camera_ids(&self, prefix: &str, count: u32) -> Result<Vec<DeviceId>, Error>;

    /// The organizations of a project, by path; those of `ids` alone, if it is given, in that
    /// order and without those that don't exist. `offset` are skipped and at most `limit` given.
    async fn organizations(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Option<Vec<OrganizationId>>,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Organization>, Error>;

    /// The users of a project, by name.
    async fn users(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Vec<StoredUser>, Error>;

    /// One user by name, disabled ones included. Asked before there is a principal: the caller of
    /// this proves who it is with what it gets.
    async fn user(&self, name: &str) -> Result<Option<StoredUser>, Error>;

    /// The one user that a name means, disabled ones included: the one of exactly this name, else
    /// the only one whose name differs from it in the case of ASCII letters alone. `None` where
    /// there are several of those and none is exactly it. Asked as [`Self::user`] is.
    async fn user_meant(&self, name: &str) -> Result<Option<StoredUser>, Error>;

    /// The names that differ from another's in the case of ASCII letters alone, those of one kind
    /// together: at most `limit`. For the server's administrator.
    async fn namesakes(&self, limit: u32) -> Result<Vec<String>, Error>;

    /// One token by its SHA-256, expired ones included, as long as its user may sign in. Asked
    /// before there is a principal.
    async fn token(&self, hash: [u8; 32]) -> Result<Option<StoredToken>, Error>;

    /// What a user may do, by project: of the projects that the principal may see.
    async fn grants(&self, principal: &Principal, user: &str) -> Result<Vec<UserGrant>, Error>;

    /// Who may do something in a project, by name: of the users after `after`, at most `limit`.
    /// Nobody, of a project that the principal may not see.
    async fn grants_in(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GrantHolder>, Error>;

    /// The tokens of a user that have not been deleted, oldest first. Asked for those who have
    /// proved to be this user or to be above it.
    async fn tokens(&self, user: &str) -> Result<Vec<TokenRecord>, Error>;

    /// The token that is spoken of by this id.
    async fn token_record(&self, id: &str) -> Result<Option<TokenRecord>, Error>;

    /// What was done, newest first: with a number below `before`, if it is given, at most `limit`.
    /// To one who is bound to projects, what belongs to these.
    async fn audit(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error>;

    /// The phones of a project that the filter lets through, newest first; `offset` are skipped and
    /// at most `limit` given.
    async fn phones(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &PhoneFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<DeviceWithState>, Error>;

    /// The servers of a project that the filter lets through, newest first; `offset` are skipped
    /// and at most `limit` given.
    async fn servers(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &ServerFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Server>, Error>;

    /// The makes of phone that a project's phones said they are, the most frequent first, at most
    /// [`fleet::limits::MAKES_MAX`].
    async fn makes(&self, principal: &Principal, project: &ProjectId) -> Result<Vec<Make>, Error>;

    /// The tags of one thing, by key; `None` if there is no such thing.
    async fn tags(
        &self,
        principal: &Principal,
        project: &ProjectId,
        tagged: &Tagged,
    ) -> Result<Option<Vec<Tag>>, Error>;

    /// All keys that things of this kind have in the project, by key, each with its values.
    async fn tag_keys(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<(String, Vec<String>)>, Error>;

    /// The things of this kind that the filter lets through, by id.
    async fn tagged(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        filter: &TagFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<TaggedThing>, Error>;

    /// The device that was given this marker.
    async fn device_by_marker(&self, marker: &str) -> Result<Option<Device>, Error>;

    /// The devices of a project at these addresses, those that exist.
    async fn devices_at(
        &self,
        principal: &Principal,
        project: &ProjectId,
        addresses: Vec<String>,
    ) -> Result<Vec<Device>, Error>;

    /// The webhooks that the principal may see, oldest first, those of one project alone if it is
    /// given.
    async fn webhooks(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<StoredWebhook>, Error>;

    /// One webhook.
    async fn webhook(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<StoredWebhook>, Error>;

    /// The devices that a selector means, of one project if it is given, with a key above `after`,
    /// by key: at most `limit`. A page walks past at most [`fleet::limits::SELECT_WALK_MAX`]
    /// devices and then gives what it has.
    async fn select(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Selected, Error>;

    /// The same with the devices' keys and ids alone.
    async fn select_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<SelectedKeys, Error>;

    /// The presets of a project with a name after `after` (empty: from the first), by name: at most
    /// `limit`.
    async fn presets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Preset>, Error>;

    /// One preset.
    async fn preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        name: &PresetName,
    ) -> Result<Option<Preset>, Error>;

    /// For each id, in order, the tags of the device of that id, by key; none where there is none.
    async fn tags_of_devices(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Vec<Tag>>, Error>;

    /// The jobs of a device, deleted ones included, newest first, those from `from` on if it is
    /// given: at most `limit`. None if the principal may not see them, or `from` is no job of the
    /// device.
    async fn history(
        &self,
        principal: &Principal,
        device: DeviceKey,
        from: Option<JobId>,
        limit: u32,
    ) -> Result<HistoryPage, Error>;

    /// The updates with an id below `before`, if it is given, newest first, of one project if it is
    /// given: at most `limit`. One that goes out in waves is told once, by its own id. A page walks
    /// past at most [`fleet::limits::UPDATES_WALK_MAX`] requests and then gives what it has.
    async fn updates(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<UpdatePage, Error>;

    /// The rollouts that are not over, those that are collecting among them, oldest first.
    async fn rollouts_open(&self) -> Result<Vec<Rollout>, Error>;

    /// One rollout.
    async fn rollout(&self, principal: &Principal, id: RequestId)
    -> Result<Option<Rollout>, Error>;

    /// The waves of a rollout that have begun, in order: at most
    /// [`fleet::limits::ROLLOUT_WAVES_MAX`]; none if the principal may not see it.
    async fn waves(&self, principal: &Principal, id: RequestId) -> Result<Vec<Wave>, Error>;

    /// The devices of a rollout from a position on, in order, those alone that were refused if
    /// `refused_only`; none if the principal may not see it.
    async fn rollout_devices(
        &self,
        principal: &Principal,
        id: RequestId,
        from: u32,
        limit: u32,
        refused_only: bool,
    ) -> Result<Vec<RolloutDevice>, Error>;

    /// Of these requests, those that are waves, with what they are of. Asked for those who may see
    /// their jobs, which are of the same project.
    async fn waves_of(&self, requests: &[RequestId]) -> Result<Vec<WaveOf>, Error>;

    /// How the jobs of each of these requests stand, in their order.
    async fn wave_counts(&self, requests: &[RequestId]) -> Result<Vec<WaveCounts>, Error>;

    /// The next devices with a key above `after`, at most `limit`, counted by project.
    async fn count_devices(&self, after: DeviceKey, limit: u32) -> Result<CountedPage, Error>;

    /// What was counted of one project, if it is given, or of all that the principal may see, and
    /// what is kept of it since a time.
    async fn counted_fleet(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<CountedFleet, Error>;

    /// The jobs that ended as failed since a time, by reason, of one project if it is given: of
    /// each project the [`fleet::limits::FAILURES_COUNTED_MAX`] newest that failed are looked at,
    /// for one who may see all projects those of all together.
    async fn recent_failures(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<RecentFailures, Error>;

    /// On what terms cameras may enrol in a project, those whose time is over among them; `None`
    /// where they may not.
    async fn enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<StoredEnrolment>, Error>;

    /// The enrolments that end after `at`, by project: at most
    /// [`fleet::limits::ENROLMENTS_MAX`]. Asked before there is a principal: a REGISTER names no
    /// project.
    async fn enrolments_open(&self, at: Timestamp) -> Result<Vec<StoredEnrolment>, Error>;

    /// The GB devices that wait in a project to be accepted, with an id above `after` (empty: from
    /// the first), by id: at most `limit`. One whose id a device has is none of them.
    async fn pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PendingDevice>, Error>;

    /// What holds for the whole server.
    async fn server_settings(&self) -> Result<ServerSettings, Error>;

    /// Writes a copy of the store, as it stands at one moment, to `to`, which must not exist, while
    /// it goes on working; checks the copy.
    ///
    /// Errors: the copy can't be written, or is not sound; then there is no file.
    async fn back_up(&self, to: &Path) -> Result<Backup, Error>;

    /// The fencing token of each shard, as it is in the store.
    async fn epochs(&self) -> Result<Vec<(Shard, Epoch)>, Error>;
}

/// What can be changed. Answers after the change is durable.
#[async_trait]
pub trait Writes: Send + Sync + 'static {
    /// Makes one change, whole or not at all, and answers after it is durable. `Ok(Err(refused))`
    /// means that a rule of the record forbade it and nothing has changed.
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error>;
}

/// A store as the engine holds it.
pub trait Store: Reads + Writes + Cluster + History {}

impl<T: Reads + Writes + Cluster + History> Store for T {}

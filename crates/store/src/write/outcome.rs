//! What came of a change, or why a rule of the record forbade it.

use fleet::{
    DeviceId, DeviceKey, JobId, OrganizationId, OrganizationPath, PresetName, ProjectId,
    ProjectKey, Refusal, RequestId, Revision,
};

use super::enrolment::NotAccepted;

use super::idempotency::Reservation;

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is made, and there is no more to say.
    Done,
    /// The devices are recorded: the key of each, in the order given, and how many are new.
    Imported {
        /// The keys.
        keys: Vec<DeviceKey>,
        /// How many did not exist before.
        new: usize,
    },
    /// The project as it is from now on.
    Project(Box<fleet::Project>),
    /// The organization as it is from now on, or as it was until it was deleted.
    Organization(fleet::Organization),
    /// The webhook, which is of this project or of the whole server, is changed or deleted.
    Webhook(Option<ProjectKey>),
    /// The preset as it is from now on.
    Preset(Box<fleet::Preset>),
    /// The device of this key is changed.
    Changed(DeviceKey),
    /// The devices of these keys are frozen now and were not, or the other way round.
    Frozen(Vec<DeviceKey>),
    /// The device of this key is deleted.
    Deleted(DeviceKey),
    /// The update is accepted: one result an entry, in the order of the entries.
    Accepted(Vec<Result<AcceptedEntry, Refusal>>),
    /// The result is recorded.
    Settled(Settled),
    /// What became of the key of a call.
    Reserved(Reservation),
    /// The rollout has gone on: one result for each entry of the wave that began, in their order.
    Stepped(Vec<Result<AcceptedEntry, Refusal>>),
    /// Pending devices are noted.
    PendingNoted {
        /// How many were left out because their projects have as many as one may have.
        left_out: usize,
    },
    /// Pending devices are accepted: one result a device, in the order given.
    PendingAccepted(Vec<Result<DeviceKey, NotAccepted>>),
    /// So many pending devices are rejected.
    PendingRejected(usize),
    /// Jobs are taken back.
    Cancelled {
        /// Those that ended with it.
        ended: Vec<JobId>,
        /// Their devices, each once, by key.
        devices: Vec<DeviceKey>,
    },
}

/// An entry that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedEntry {
    /// The device.
    pub device: DeviceKey,
    /// The job.
    pub job: JobId,
    /// The revision that the desired state got.
    pub revision: Revision,
    /// Whether the device is abnormal or stopped, so that the values are stored until it runs
    /// again. Never for an entry that asks for more than values.
    pub stored: bool,
    /// Whether the job has ended already: it asked for nothing but records.
    pub ended: bool,
}

/// Where a device stands after a result was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The last revision given: above the planned one, there is newer work.
    pub revision: Revision,
    /// What is settled.
    pub settled: Revision,
    /// How many jobs are open.
    pub open_jobs: usize,
}

/// Why a rule of the record forbade a change. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such project, or none that the principal may see.
    #[error("no such project: {0}")]
    NoSuchProject(ProjectId),
    /// No such device.
    #[error("no such device")]
    NoSuchDevice,
    /// An operator has frozen the device, and only an operator may do this to it then.
    #[error("the device is frozen")]
    Frozen,
    /// No such organization.
    #[error("no such organization: {0}")]
    NoSuchOrganization(OrganizationId),
    /// Another organization has this path.
    #[error("organization {id} has the path {path} already")]
    OrganizationExists {
        /// Which.
        id: OrganizationId,
        /// The path.
        path: OrganizationPath,
    },
    /// It can't be deleted: devices or channels are filed in it.
    #[error("organization {id} is in use: {filed} devices and channels are filed in it")]
    OrganizationInUse {
        /// Which.
        id: OrganizationId,
        /// How many.
        filed: u64,
    },
    /// The project would have more organizations than one may have.
    #[error("more than {} organizations", fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX)]
    TooManyOrganizations,
    /// The project can't be deleted: it has devices.
    #[error("project {id} is in use: it has {devices} devices")]
    ProjectInUse {
        /// Which.
        id: ProjectId,
        /// How many.
        devices: u64,
    },
    /// No such user, or one that may not sign in, or none that the principal may see.
    #[error("no such user: {0}")]
    NoSuchUser(String),
    /// No such server, or none that the principal may see.
    #[error("no such server: {0}")]
    NoSuchServer(String),
    /// It would have more tags than a thing may have.
    #[error("more than {} tags", fleet::limits::TAGS_PER_RESOURCE_MAX)]
    TooManyTags,
    /// The GB device would have more channels than one may have.
    #[error("device {0} would have more than {max} channels",
        max = fleet::limits::CHANNELS_PER_DEVICE_MAX)]
    TooManyChannels(DeviceId),
    /// No such access key, or none that the principal may see.
    #[error("no such access key: {0}")]
    NoSuchKey(String),
    /// No such token, or none of that user.
    #[error("no such token: {0}")]
    NoSuchToken(String),
    /// No such webhook, or none that the principal may see.
    #[error("no such webhook: {0}")]
    NoSuchWebhook(String),
    /// The project, or the server, would have more webhooks than it may have.
    #[error(
        "more than {} webhooks of one project or of the whole server, or {} in all",
        fleet::limits::WEBHOOKS_PER_PROJECT_MAX,
        fleet::limits::WEBHOOKS_MAX
    )]
    TooManyWebhooks,
    /// The user has as many tokens with names as one may have.
    #[error("more than {} tokens of one user", fleet::limits::TOKENS_PER_USER_MAX)]
    TooManyTokens,
    /// The id is taken.
    #[error("{what} {id} exists already")]
    Exists {
        /// What was to be made.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// The device exists as something else.
    #[error("device {id} is a {is}, not a {asked}")]
    KindDiffers {
        /// The device.
        id: DeviceId,
        /// What it is.
        is: &'static str,
        /// What the import says it is.
        asked: &'static str,
    },
    /// No such preset.
    #[error("no such preset: {0}")]
    NoSuchPreset(PresetName),
    /// The preset has another version than the one that was named.
    #[error("preset {name} is at version {version}, which is 0 of one that does not exist")]
    PresetMoved {
        /// Which.
        name: PresetName,
        /// The version that it has.
        version: i64,
    },
    /// The project has as many presets as one may have.
    #[error("more than {} presets of one project", fleet::limits::PRESETS_PER_PROJECT_MAX)]
    TooManyPresets,
    /// The device was changed by an operator since it was read.
    #[error("an operator has changed the device meanwhile")]
    Stale,
    /// No such update that goes out in waves, or none that the principal may see.
    #[error("no such update: {0}")]
    NoSuchUpdate(RequestId),
    /// The rollout has changed since it was read.
    #[error("the update has changed meanwhile")]
    RolloutMoved,
    /// The project has as many updates under way as one may have.
    #[error(
        "{} updates of the project that go out in waves are not over: it may have no more",
        fleet::limits::ROLLOUTS_OPEN_MAX
    )]
    TooManyRollouts,
    /// The project is not open for enrolment, so that there is no password to keep.
    #[error("project {0} has no enrolment password: give one")]
    NoEnrolment(ProjectId),
    /// As many projects of the server are open for enrolment as may be.
    #[error("more than {} projects are open for enrolment", fleet::limits::ENROLMENTS_MAX)]
    TooManyEnrolments,
    /// The fence is stale: another owner has taken the device since.
    #[error("the device has another owner now")]
    Fenced,
}

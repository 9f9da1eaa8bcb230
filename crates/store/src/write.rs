//! What can be changed: a closed list.

use std::collections::BTreeMap;

use fleet::{
    AdoptionRequest, Binding, BootIdentity, Condition, DeviceId, DeviceKey, Door, End, Epoch,
    Facts, Grant, JobId, NewDevice, Operation, OrganizationId, OrganizationPath, PowerStep,
    ProjectId, ProjectKey, ProjectSettings, Push, RecordPatch, Reported, ReportedChannel,
    RequestId, RestartPending, Revision, ServerSettings, Shard, Timestamp, Values,
};

use crate::cluster::SessionKey;
use crate::feed::Sighting;
use crate::tag::{Tag, Tagged};

mod access;
mod enrolment;
mod freezing;
mod idempotency;
mod outcome;
mod overview;
mod presets;
mod rollouts;
mod webhooks;

pub use access::{CreateToken, NoteUse, RevokeToken, SetGrant};
pub use enrolment::{
    AcceptPending, AcceptedPending, EnrolledWith, EnrolmentTerms, NotAccepted, NotePending,
    RejectPending, SetEnrolment,
};
pub use freezing::FreezeDevices;
pub use idempotency::{
    CallKey, FreeKeys, KeepAnswer, KeptAnswer, RenewKey, Reservation, ReserveKey,
};
pub use outcome::{AcceptedEntry, Refused, Settled, Written};
pub use overview::NoteCounts;
pub use presets::{DeletePreset, SetPreset};
pub use rollouts::{
    AddRolloutDevices, Cancel, CreateRollout, NewRolloutDevice, RolloutStep, StepRollout, WaveStep,
};
pub use webhooks::{ChangeWebhook, CreateWebhook, DeleteWebhook, DeliveryNote};

/// One change. Applied whole or not at all.
#[derive(Debug, Clone)]
pub enum Write {
    /// A project is made.
    CreateProject(CreateProject),
    /// An access key is made.
    CreateKey(CreateKey),
    /// An access key stops working.
    RevokeKey(RevokeKey),
    /// What holds for all devices of a project is changed.
    SetProject(SetProject),
    /// A project gets another name or description.
    ChangeProject(ChangeProject),
    /// A project is deleted. Its access keys, users and organizations go with it; its jobs stay,
    /// under its id. Refused with [`Refused::NoSuchProject`], to one who is bound to it too, and
    /// with [`Refused::ProjectInUse`] while it has devices.
    DeleteProject(ProjectId),
    /// An organization is made, gets another path, or is deleted.
    ChangeOrganization(ChangeOrganization),
    /// What holds for the whole server is changed.
    SetServer(ServerSettings),
    /// A user is made.
    CreateUser(CreateUser),
    /// A user gets another password, may no longer sign in, or may again.
    ChangeUser(ChangeUser),
    /// A user has signed in.
    IssueToken(IssueToken),
    /// What a user may do in a project is changed.
    SetGrant(SetGrant),
    /// A user gets a token with a name.
    CreateToken(CreateToken),
    /// A token stops working.
    RevokeToken(RevokeToken),
    /// Access keys and tokens were used.
    NoteUse(NoteUse),
    /// An operator changes one device's record or state.
    ChangeDevice(ChangeDevice),
    /// Devices are frozen, or that ends.
    FreezeDevices(FreezeDevices),
    /// The host that phones live on gets another name.
    RenameServer(RenameServer),
    /// Tags are put on a thing, or taken from it.
    ChangeTags(ChangeTags),
    /// Devices are recorded, or their records changed.
    ImportDevices(ImportDevices),
    /// A device and all that is on record of it is deleted.
    DeleteDevice(DeleteDevice),
    /// A project is opened for enrolment, or closed.
    SetEnrolment(SetEnrolment),
    /// GB devices that nobody knows have shown an enrolment password.
    NotePending(NotePending),
    /// Some of them are accepted.
    AcceptPending(AcceptPending),
    /// Some of them are rejected.
    RejectPending(RejectPending),
    /// GB devices have registered, moved, or gone; in their order, at most
    /// [`fleet::limits::BINDINGS_PER_WRITE_MAX`]. Refused with [`Refused::NoSuchDevice`] to one who
    /// is bound to a project. Whether the devices exist is not looked at: a binding of none is
    /// never read. From then on they are bound to the session given. A binding is passed over if
    /// one of another session is there with a later nonce, or with the same one used as often or
    /// more: it is replayed, or tells what that one has overtaken.
    Bind(SessionKey, Vec<Binding>),
    /// A configuration is about to be sent to a GB device, or something has come of it.
    NotePush(NotePush),
    /// A GB device was asked what it is.
    NoteSurvey(NoteSurvey),
    /// A GB device has told of its channels.
    RecordChannels(RecordChannels),
    /// An update is accepted: desired state changes and each device gets its job.
    Accept(Accept),
    /// What a step of a device's lane has found is recorded, and jobs end.
    Settle(Box<Settle>),
    /// A preset is made or changed.
    SetPreset(Box<SetPreset>),
    /// A preset is deleted.
    DeletePreset(DeletePreset),
    /// An update is made that goes out in waves.
    CreateRollout(Box<CreateRollout>),
    /// Devices are added to one that is being made.
    AddRolloutDevices(AddRolloutDevices),
    /// One goes on, is paused, resumed or given up.
    StepRollout(Box<StepRollout>),
    /// Jobs are taken back.
    Cancel(Cancel),
    /// A webhook is made.
    CreateWebhook(Box<CreateWebhook>),
    /// A webhook is changed.
    ChangeWebhook(ChangeWebhook),
    /// A webhook is deleted.
    DeleteWebhook(DeleteWebhook),
    /// How the deliveries of some webhooks stand.
    NoteDeliveries(Vec<DeliveryNote>),
    /// How many devices there are and how they do was counted.
    NoteCounts(Box<NoteCounts>),
    /// The node that works on another device is told of what was seen. It is on record in the feed
    /// alone, and there are no rows for the devices to be looked up in. Refused with
    /// [`Refused::NoSuchServer`] to one who is bound to a project.
    Tell(Sighting),
    /// A key is reserved for a call.
    ReserveKey(Box<ReserveKey>),
    /// The call of a key is still being made.
    RenewKey(Box<RenewKey>),
    /// The answer to a call with a key is kept.
    KeepAnswer(Box<KeepAnswer>),
    /// Keys are let go. All of a node's, and those whose time is over: refused with
    /// [`Refused::NoSuchServer`] to one who is not the server itself.
    FreeKeys(FreeKeys),
}

/// Makes a project. Refused with [`Refused::Exists`] if the id is taken.
#[derive(Debug, Clone)]
pub struct CreateProject {
    /// Its public id.
    pub id: ProjectId,
    /// The operator's name for it.
    pub name: String,
    /// What the operator says of it.
    pub description: String,
    /// Now.
    pub at: Timestamp,
}

/// Changes what a project is called and whether it is paused; of its other settings nothing.
/// Refused with [`Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct ChangeProject {
    /// The project.
    pub id: ProjectId,
    /// Its name from now on; `None` leaves it.
    pub name: Option<String>,
    /// What is said of it from now on; `None` leaves it.
    pub description: Option<String>,
    /// Whether it is paused from now on; `None` leaves it.
    pub paused: Option<bool>,
    /// Now.
    pub at: Timestamp,
}

/// Makes, moves or deletes an organization. Refused with [`Refused::NoSuchProject`],
/// [`Refused::NoSuchOrganization`], with [`Refused::OrganizationExists`] if another of the project
/// has that path, with [`Refused::TooManyOrganizations`], and with [`Refused::OrganizationInUse`]
/// if one is to be deleted in which devices or channels are filed.
#[derive(Debug, Clone)]
pub struct ChangeOrganization {
    /// The project.
    pub project: ProjectId,
    /// The organization.
    pub id: OrganizationId,
    /// What becomes of it.
    pub change: OrganizationEdit,
    /// Now.
    pub at: Timestamp,
}

/// What becomes of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationEdit {
    /// It is made, with this path.
    Create(OrganizationPath),
    /// It has this path from now on; what is filed in it stays so.
    Move(OrganizationPath),
    /// It is deleted.
    Delete,
}

/// Makes an access key. Refused with [`Refused::Exists`] if the id is taken (in any project) and
/// with [`Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct CreateKey {
    /// Its id, unique on this server.
    pub ak: String,
    /// The project it opens; `None` opens all.
    pub project: Option<ProjectId>,
    /// Whether ISS's signatures by it have to cover the whole request.
    pub strict: bool,
    /// The secret, sealed.
    pub sealed_secret: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}

/// Revokes an access key. Refused with [`Refused::NoSuchKey`]; revoking twice is harmless.
#[derive(Debug, Clone)]
pub struct RevokeKey {
    /// The key.
    pub ak: String,
    /// Now.
    pub at: Timestamp,
}

/// Changes what holds for all devices of a project. Refused with [`Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct SetProject {
    /// The project.
    pub id: ProjectId,
    /// What holds from now on.
    pub settings: ProjectSettings,
    /// Now.
    pub at: Timestamp,
}

/// Makes a user of a project, who may sign in for it. Refused with [`Refused::Exists`] if the name
/// is taken (in any project), be it with other cases of ASCII letters, and with
/// [`Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// The user's name, unique on this server whatever the case of ASCII letters.
    pub name: String,
    /// The project.
    pub project: ProjectId,
    /// What the user may do in it.
    pub grant: Grant,
    /// The password's hash, in the PHC string form.
    pub password_hash: String,
    /// Now.
    pub at: Timestamp,
}

/// Changes a user. All tokens of the user stop working, unless it is enabled. Refused with
/// [`Refused::NoSuchUser`].
#[derive(Debug, Clone)]
pub struct ChangeUser {
    /// The user.
    pub name: String,
    /// What changes.
    pub change: UserChange,
    /// Now.
    pub at: Timestamp,
}

/// What changes of a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Another password: its hash, in the PHC string form.
    Password(String),
    /// The user may no longer sign in.
    Disable,
    /// The user may sign in again, with the password from before. Harmless to one who may.
    Enable,
}

/// Records a token. Tokens that have expired are deleted, some at a time, in the same transaction.
/// Refused with [`Refused::NoSuchUser`] if the user is gone or disabled, or the password is not the
/// one that was checked any more.
#[derive(Debug, Clone)]
pub struct IssueToken {
    /// The user.
    pub user: String,
    /// What the token is spoken of by.
    pub id: String,
    /// The hash of the password that was checked, as [`crate::StoredUser`] had it.
    pub password_hash: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Now.
    pub at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Changes one device's record or state. Refused with [`Refused::NoSuchDevice`].
#[derive(Debug, Clone)]
pub struct ChangeDevice {
    /// The project.
    pub project: ProjectId,
    /// The device.
    pub id: DeviceId,
    /// What changes.
    pub change: DeviceChange,
    /// Now.
    pub at: Timestamp,
}

/// What an operator changes of one device.
#[derive(Debug, Clone)]
pub enum DeviceChange {
    /// The operator's name for it. Refused with [`Refused::Exists`] if another device of the
    /// project has it.
    Name(String),
    /// Whether it is frozen.
    Frozen(bool),
    /// It has been stopped, or started, by other means than ours.
    Stopped(bool),
    /// It is to be adopted.
    Adopt(AdoptionRequest),
}

/// Gives the host that phones live on another name. Refused with [`Refused::NoSuchServer`].
#[derive(Debug, Clone)]
pub struct RenameServer {
    /// The project.
    pub project: ProjectId,
    /// The server's id: what the devices' records name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Now.
    pub at: Timestamp,
}

/// Puts tags on a thing, in place of those with the same keys, or takes them from it. Refused with
/// [`Refused::NoSuchDevice`] or [`Refused::NoSuchServer`] if the thing does not exist, with
/// [`Refused::TooManyTags`] if it would have more than [`fleet::limits::TAGS_PER_RESOURCE_MAX`].
#[derive(Debug, Clone)]
pub struct ChangeTags {
    /// The project.
    pub project: ProjectId,
    /// The thing.
    pub tagged: Tagged,
    /// Tags to put on it.
    pub put: Vec<Tag>,
    /// Keys, or keys with values, to take from it; those that it lacks are passed over.
    pub take: Vec<(String, Option<String>)>,
}

/// Notes what was sent to a GB device. Refused with [`Refused::Fenced`] and
/// [`Refused::NoSuchDevice`].
#[derive(Debug, Clone)]
pub struct NotePush {
    /// Proof of ownership.
    pub fence: Fence,
    /// The device.
    pub device: DeviceKey,
    /// What was sent, and what came of it as far as is known.
    pub push: Push,
}

/// Notes that a GB device was asked what it is, whether it has answered or not. Refused with
/// [`Refused::NoSuchDevice`].
#[derive(Debug, Clone)]
pub struct NoteSurvey {
    /// The device.
    pub device: DeviceKey,
    /// Now.
    pub at: Timestamp,
    /// What it said of itself; `None` leaves what is there.
    pub facts: Option<Facts>,
}

/// Records what a catalog said. A channel takes what is reported of it and keeps our name. If the
/// catalog was `complete` and named any, a channel that it does not name has been missed once more;
/// one missed twice in a row is forgotten unless it bears a name of ours. At most
/// [`fleet::limits::CHANNELS_PER_DEVICE_MAX`] channels are kept of a device; what is beyond is left
/// out. Refused with [`Refused::NoSuchDevice`].
#[derive(Debug, Clone)]
pub struct RecordChannels {
    /// The device.
    pub device: DeviceKey,
    /// The channels that the catalog named.
    pub channels: Vec<(DeviceId, ReportedChannel)>,
    /// Whether it was the whole catalog.
    pub complete: bool,
    /// Now.
    pub at: Timestamp,
}

/// Deletes a device: its record and state, its channels, its binding, its tags. Its open jobs end
/// as [`fleet::Failure::Deleted`]; all its jobs stay, under its id. Its id is free from then on.
/// Refused with [`Refused::NoSuchDevice`], and to a client with [`Refused::Frozen`] if it is
/// frozen.
#[derive(Debug, Clone)]
pub struct DeleteDevice {
    /// The project.
    pub project: ProjectId,
    /// The device.
    pub id: DeviceId,
    /// Now.
    pub at: Timestamp,
}

/// Records devices. A device that exists already takes the new name, server, address, container
/// and profile and keeps its marker and its state; at another address a phone has to be adopted
/// anew and is no copy of another any more. A GB device keeps what [`fleet::NewCamera`] leaves
/// out. A server that no record has named before is there from now on. Refused whole with
/// [`Refused::NoSuchProject`], with [`Refused::KindDiffers`], with [`Refused::TooManyChannels`],
/// and with [`Refused::Exists`] if another project of this server has a GB device of that id: a
/// REGISTER names no project.
#[derive(Debug, Clone)]
pub struct ImportDevices {
    /// The devices.
    pub devices: Vec<ImportedDevice>,
    /// Whether none of them may exist: then [`Refused::Exists`].
    pub only_new: bool,
    /// Now.
    pub at: Timestamp,
}

/// One device to record.
#[derive(Debug, Clone)]
pub struct ImportedDevice {
    /// What the operator says of it.
    pub record: NewDevice,
    /// The marker to give it if it is new.
    pub marker: String,
    /// The password that a GB device must register with; `None` leaves what is there. The one in
    /// `record` is not looked at.
    pub password: Option<SealedPassword>,
}

/// A registration password as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPassword {
    /// Sealed: opened only with the master key.
    pub sealed: Vec<u8>,
    /// Keyed hash of device and password: tells whether two are the same and nothing else.
    pub tag: [u8; 16],
}

/// Accepts an update. Per entry, in order and under the row lock: the device's revision goes up by
/// one, its desired state takes the patch, and a job is recorded. An entry is refused alone, with
/// [`fleet::Refusal::Busy`], if its device has [`fleet::limits::OPEN_JOBS_PER_DEVICE_MAX`] open
/// jobs (unless its own is never open: see [`CameraPatch`]) or its desired state would exceed
/// [`fleet::limits::DESIRED_BYTES_MAX`], with [`fleet::Refusal::Frozen`] if it is frozen, and with
/// [`fleet::Refusal::DeviceUnknown`] if it is gone. An empty patch is accepted like any other.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The project that all the devices belong to.
    pub project: ProjectKey,
    /// The call's id: the jobs' ids follow from it.
    pub request: RequestId,
    /// Whether it may have been accepted under this id before. Then it is looked for: an entry
    /// whose job is there is answered with that, and changes nothing; it is refused alone, with
    /// [`fleet::Refusal::PropertiesInvalid`], if that job is another device's.
    pub may_repeat: bool,
    /// The API through which it came.
    pub door: Door,
    /// Now.
    pub at: Timestamp,
    /// The entries that passed the checks, with their positions in the call.
    pub entries: Vec<AcceptEntry>,
}

/// One device's part of an update.
#[derive(Debug, Clone)]
pub struct AcceptEntry {
    /// Its position in the call, from 0: gives the job's id.
    pub position: u16,
    /// The device.
    pub device: DeviceKey,
    /// What is asked of it besides the values.
    pub operation: Operation,
    /// Whether all that was desired before is forgotten once the job succeeds. Of a reset only.
    pub clear: bool,
    /// The values asked for, by canonical name.
    pub patch: Values,
    /// What the job remembers of what goes on record with it, by property.
    pub record: Values,
    /// What becomes of a GB device's records with it; `None` for a phone.
    pub camera: Option<CameraPatch>,
    /// The revision that the device has to be at; `None`: any. With another the entry is refused
    /// alone, with [`fleet::Refusal::RevisionDiffers`].
    pub if_revision: Option<Revision>,
}

/// What an update changes of a GB device's records besides its desired state, with the commit
/// itself. The entry is refused alone with [`fleet::Refusal::PropertyUnsupported`] if the device
/// has no such channel, with [`fleet::Refusal::PropertyInvalid`] naming `Organization` if that has
/// another id than expected, and with [`fleet::Refusal::Busy`] if the project would have too many.
/// Its values are stored if it is not registered. Where the entry asks for no values and for
/// something on record, there is nothing to wait for: its job has ended, as
/// [`fleet::Proof::Recorded`], with the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameraPatch {
    /// Our name for the device from now on.
    pub name: Option<String>,
    /// Our names for channels from now on, each with the property that asks for it.
    pub channels: Vec<(DeviceId, String, String)>,
    /// What goes on record of the device.
    pub record: RecordPatch,
    /// What goes on record of channels, each with a property that asks for it.
    pub channel_records: Vec<(DeviceId, RecordPatch, String)>,
    /// Who may register as the device from now on.
    pub credentials: Option<CredentialsPatch>,
}

/// Who may register as a GB device from now on. What is given and is there already changes nothing.
/// Otherwise the pair that is replaced goes on working until `overlap_until`, and the one that was
/// replaced before it stops at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsPatch {
    /// The digest user name; `None` leaves it.
    pub user: Option<String>,
    /// The password; `None` leaves it.
    pub password: Option<SealedPassword>,
    /// Until when the old ones work besides; `None`: no longer.
    pub overlap_until: Option<Timestamp>,
}

/// Proof that the writer may speak for a device. Compared with what the store says in the same
/// transaction; a stale one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// It owns the device's shard. Proves nothing about a GB device while that is registered with
    /// a node that lives and is not the shard's owner.
    Shard {
        /// The shard.
        shard: Shard,
        /// The epoch under which the writer took it.
        epoch: Epoch,
    },
    /// The GB device is registered with it: the session of its binding is this one, and lasts. The
    /// binding itself may have run out: who holds it speaks for it until another session takes it.
    Binding(SessionKey),
}

/// Records what a step of a lane has found. Refused with [`Refused::Fenced`] if the fence is stale
/// and with [`Refused::NoSuchDevice`]. A job that is not open any more is left as it is, so that
/// sending this twice is harmless.
#[derive(Debug, Clone)]
pub struct Settle {
    /// Proof of ownership.
    pub fence: Fence,
    /// The device.
    pub device: DeviceKey,
    /// Now.
    pub at: Timestamp,
    /// The new reported state, if the device was read.
    pub reported: Option<Reported>,
    /// The boot in which it was read, if it was.
    pub boot: Option<BootIdentity>,
    /// Every desired value up to this revision has been shown or finally refused. Never lowers what
    /// the store has.
    pub settled: Revision,
    /// How the device is doing.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Why it can't be worked on, if it can't.
    pub trouble: Option<String>,
    /// Whether it has shown the record's marker. Never unset by this, and of no effect if the
    /// record has changed since [`Self::record_at`]: it may have been another address that did.
    pub adopted: bool,
    /// When the record that was worked on had last changed.
    pub record_at: Timestamp,
    /// The condition that was read, and since when it had lasted. If an operator has said otherwise
    /// since, or moved the device, the result is of no account: [`Refused::Stale`]. `None` takes
    /// whatever is there.
    pub read: Option<(Condition, Timestamp)>,
    /// The adoption that was asked for and is done, if it is: the request is forgotten if it still
    /// is this one.
    pub adoption_done: Option<AdoptionRequest>,
    /// Values to desire from now on, where nothing is desired yet: those that an adopted device
    /// showed. They take a revision of their own, which is settled if all before it is.
    pub desire: Values,
    /// What was desired below this revision is forgotten: a reset is over.
    pub forget_below: Option<Revision>,
    /// What the record says from now on of the other device that bears this one's marker.
    pub copy: Option<DeviceKey>,
    /// The restart, reset or stop that was begun and is not over, as it stands from now on.
    pub power: Option<PowerStep>,
    /// The values that wait for a restart to act, as they stand from now on; `None` leaves them.
    pub restart_pending: Option<BTreeMap<String, RestartPending>>,
    /// What the device said of itself; `None` leaves what is there.
    pub facts: Option<Facts>,
    /// The jobs that end now.
    pub ended: Vec<EndedJob>,
}

/// A job that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// The job.
    pub job: JobId,
    /// How.
    pub end: End,
    /// The job whose values took the place of this one's, if all were replaced.
    pub superseded_by: Option<JobId>,
}

//! The domain of Fleetwright: devices, properties, the catalogue, what is desired and what is
//! reported, and how a job ends.
//!
//! This crate must never do I/O: no clock, no sockets, no files, no async runtime. Time comes in as
//! a [`Timestamp`], bytes come in as text, and every function gives the same answer for the same
//! arguments. It depends on nothing else of ours, and everything else of ours depends on it.
//!
//! Start with [`device`] and [`job`] for the nouns, then [`desired`] for the rule by which a job
//! ends, then [`catalogue`] for what is known of each property.

pub mod attention;
pub mod camera;
pub mod catalogue;
pub mod counts;
pub mod desired;
pub mod device;
pub mod enrolment;
pub mod event;
pub mod fault_point;
pub mod id;
pub mod job;
pub mod limits;
pub mod operation;
pub mod organization;
pub mod preset;
pub mod principal;
pub mod project;
pub mod refusal;
pub mod rollout;
pub mod secret;
pub mod selector;
pub mod template;
pub mod time;

pub use attention::Attention;
pub use camera::{
    Binding, CameraStatus, Channel, CredentialsInUse, NewCamera, NewChannel, Offline,
    OrganizationChange, Push, PushOutcome, RecordPatch, ReportedChannel, SipTransport,
};
pub use catalogue::Catalogue;
pub use counts::{Alike, DeviceCounts, FleetCounts, RolloutCounts};
pub use desired::{Desired, Reported, Values};
pub use device::{
    AdoptionRequest, BootIdentity, Condition, Device, DeviceState, Facts, Kind, NewDevice,
    RestartPending,
};
pub use enrolment::{IdPrefix, NotAPrefix, PendingDevice};
pub use event::{EventType, EventTypes, UnknownEventType};
pub use id::{
    DeviceId, DeviceKey, Epoch, JobId, OrganizationId, PresetName, ProjectId, ProjectKey,
    RequestId, Revision, Shard,
};
pub use job::{Before, Door, End, Ended, Failure, Job, JobState, Proof};
pub use operation::{Operation, PowerStep};
pub use organization::{Organization, OrganizationPath};
pub use preset::{Preset, Templates};
pub use principal::{Grant, Principal, Role};
pub use project::{
    AdoptionPolicy, DriftPolicy, IssProfile, IssSettings, Project, ProjectSettings, ServerSettings,
};
pub use refusal::Refusal;
pub use rollout::{Phase, Plan, Rollout, RolloutDevice, Wave, WaveCounts, Window};
pub use secret::Secret;
pub use selector::{Selector, ValueIs, ValueOf};
pub use template::Template;
pub use time::Timestamp;

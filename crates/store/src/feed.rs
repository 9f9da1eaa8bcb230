//! The feed: one row a commit that says what it changed. Other nodes wake lanes and forget what
//! they had cached by it; clients that watch resume from a [`FeedPosition`]. What it says is never
//! the truth itself, only that there may be a new one: losing a row delays.

use fleet::{BootIdentity, DeviceKey, JobId, ProjectKey, Refusal, RequestId, Timestamp};

use crate::cluster::SessionKey;
use crate::write::{Accept, AcceptedEntry, CameraPatch, Write, Written};

mod token;

pub use token::{ResumeToken, StoreId, UnknownToken};

/// A place in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FeedPosition {
    /// The history that the store is in: another one once a standby has taken over from the server
    /// or the store was restored, where what followed before is not what follows now. 0 at the
    /// beginning of the feed, which is the same in all, and where there is but one.
    pub timeline: i64,
    /// The transaction, where the store's commits overtake each other; otherwise 0.
    pub transaction: i64,
    /// The row.
    pub row: i64,
}

/// Part of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The commits, in order.
    pub commits: Vec<Commit>,
    /// Where to go on: after the last commit; if there is none, where the page began, or, after a
    /// gap, where the feed goes on.
    pub next: FeedPosition,
    /// Commits after the position asked for are not told: they are too old and forgotten, or the
    /// store was put back to an earlier state and has never come to that position, or another
    /// server has taken over, which may not have had all that the one before had told.
    pub gap: bool,
    /// How long, in milliseconds, the oldest commit has been there that can't be told yet, because
    /// an earlier transaction is still open; 0 if there is none.
    pub held_back_ms: u64,
}

/// What one commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Where it stands.
    pub position: FeedPosition,
    /// When it was made, by the store's clock.
    pub at: Timestamp,
    /// The session whose commit it is; `None` if it was made before one began.
    pub session: Option<SessionKey>,
    /// What it changed.
    pub changes: Vec<Change>,
}

/// One change, as far as others need to know of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An update was accepted for these devices, in the order of its jobs.
    Accepted {
        /// The project.
        project: ProjectKey,
        /// The update.
        request: RequestId,
        /// Per accepted entry its position and its device.
        entries: Vec<(u16, DeviceKey)>,
        /// Those of the devices whose name, user name, password, record or channels changed with
        /// it, or may have. Organizations may have come too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Vec<DeviceKey>,
        /// Whether one of the devices is to be restarted, reset or stopped: that can be begun on
        /// one that is away as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        power: bool,
    },
    /// The result of a step: these jobs have ended.
    Settled {
        /// The device.
        device: DeviceKey,
        /// The jobs.
        ended: Vec<JobId>,
    },
    /// These jobs were taken back.
    Cancelled {
        /// The jobs.
        ended: Vec<JobId>,
        /// Their devices: what is desired of them may be something else now.
        devices: Vec<DeviceKey>,
    },
    /// GB devices have registered, moved or gone.
    Bound(Vec<DeviceKey>),
    /// Records of devices were made or changed, or what operators ask of them. Servers and
    /// organizations may have come with them.
    Devices(Vec<DeviceKey>),
    /// A device is gone.
    Deleted(DeviceKey),
    /// A GB device's channels have changed.
    Channels(DeviceKey),
    /// Projects have come, changed or gone, or who may enrol in them; with one that goes go its
    /// keys, users and organizations.
    Projects,
    /// Organizations have.
    Organizations,
    /// Access keys have.
    Keys,
    /// Users have, or what they may do.
    Users,
    /// Tags have.
    Tags,
    /// Webhooks have come, changed or gone.
    Webhooks,
    /// Servers have other names.
    Servers,
    /// What holds for the whole server has changed.
    Server,
    /// Shards are free, or a node has come or gone.
    Cluster,
    /// A node has seen something that concerns a device which another may work on.
    Sighted(Sighting),
}

/// What was seen, or is to be looked for, at the address of one phone (`at`) and concerns another
/// (`of`) that a different node may work on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// At the address of `at` a phone in `boot` bears the marker of `of`.
    MarkerSeen {
        /// At whose address.
        at: DeviceKey,
        /// Whose marker.
        of: DeviceKey,
        /// The boot that the phone there is in; `None` if it tells none apart.
        boot: Option<BootIdentity>,
    },
    /// At the address of `at` there is no phone any more that bears the marker of `of`.
    MarkerGone {
        /// At whose address.
        at: DeviceKey,
        /// Whose marker.
        of: DeviceKey,
    },
    /// Whether there is one is asked: `at` is to be looked at.
    MarkerAsked {
        /// At whose address.
        at: DeviceKey,
        /// Whose marker.
        of: DeviceKey,
    },
}

/// What others need to know of a change that was made; `None` if nothing.
pub(crate) fn change(write: &Write, written: &Written) -> Option<Change> {
    Some(match write {
        Write::CreateProject(_)
        | Write::SetProject(_)
        | Write::ChangeProject(_)
        | Write::SetEnrolment(_)
        | Write::DeleteProject(_) => Change::Projects,
        Write::CreateKey(_) | Write::RevokeKey(_) => Change::Keys,
        Write::ChangeOrganization(_) => Change::Organizations,
        Write::SetServer(_) => Change::Server,
        Write::CreateUser(_)
        | Write::ChangeUser(_)
        | Write::SetGrant(_)
        | Write::RevokeToken(_) => Change::Users,
        Write::RenameServer(_) => Change::Servers,
        Write::ChangeTags(_) => Change::Tags,
        Write::CreateWebhook(_) | Write::ChangeWebhook(_) | Write::DeleteWebhook(_) => {
            Change::Webhooks
        }
        Write::Tell(sighting) => Change::Sighted(sighting.clone()),
        Write::ImportDevices(_) => match written {
            Written::Imported { keys, .. } => Change::Devices(keys.clone()),
            _ => return None,
        },
        Write::AcceptPending(_) => match written {
            Written::PendingAccepted(results) => {
                let keys: Vec<DeviceKey> =
                    results.iter().filter_map(|result| result.ok()).collect();
                return (!keys.is_empty()).then_some(Change::Devices(keys));
            }
            _ => return None,
        },
        Write::ChangeDevice(_) => match written {
            Written::Changed(device) => Change::Devices(vec![*device]),
            _ => return None,
        },
        Write::FreezeDevices(_) => match written {
            Written::Frozen(devices) if !devices.is_empty() => Change::Devices(devices.clone()),
            _ => return None,
        },
        Write::DeleteDevice(_) => match written {
            Written::Deleted(device) => Change::Deleted(*device),
            _ => return None,
        },
        Write::Bind(_, bindings) if bindings.is_empty() => return None,
        Write::Bind(_, bindings) => {
            Change::Bound(bindings.iter().map(|binding| binding.device).collect())
        }
        Write::RecordChannels(record) => Change::Channels(record.device),
        Write::Accept(accept) => match written {
            Written::Accepted(results) => return accepted(accept, results),
            _ => return None,
        },
        Write::StepRollout(step) => match (&step.accept, written) {
            (Some(accept), Written::Stepped(results)) => return accepted(accept, results),
            _ => return None,
        },
        Write::Cancel(_) => match written {
            Written::Cancelled { ended, devices } if !ended.is_empty() => {
                Change::Cancelled { ended: ended.clone(), devices: devices.clone() }
            }
            _ => return None,
        },
        // Whoever drives them looks for them.
        Write::CreateRollout(_) | Write::AddRolloutDevices(_) => return None,
        // They are read each time one is used.
        Write::SetPreset(_) | Write::DeletePreset(_) => return None,
        Write::Settle(settle) => Change::Settled {
            device: settle.device,
            ended: settle.ended.iter().map(|ended| ended.job).collect(),
        },
        // Nobody but who works on the device asks for what these note, and a token that nobody has
        // looked for yet is in nobody's memory. When something was last used is not kept there,
        // nor are the keys of calls.
        Write::NotePush(_)
        | Write::NoteSurvey(_)
        | Write::IssueToken(_)
        | Write::CreateToken(_)
        | Write::ReserveKey(_)
        | Write::RenewKey(_)
        | Write::KeepAnswer(_)
        | Write::FreeKeys(_)
        | Write::NotePending(_)
        | Write::RejectPending(_)
        | Write::NoteUse(_)
        // A webhook that was told of its own deliveries would have no end.
        | Write::NoteDeliveries(_)
        // Who wants to know asks.
        | Write::NoteCounts(_) => return None,
    })
}

/// What was accepted of an update; `None` if nothing was.
fn accepted(accept: &Accept, results: &[Result<AcceptedEntry, Refusal>]) -> Option<Change> {
    let accepted = accept.entries.iter().zip(results).filter(|(_, result)| result.is_ok());
    let (mut entries, mut records) = (Vec::with_capacity(results.len()), Vec::new());
    let mut power = false;
    for (entry, _) in accepted {
        entries.push((entry.position, entry.device));
        power |= entry.operation.is_power();
        if entry.camera.as_ref().is_some_and(|camera| *camera != CameraPatch::default()) {
            records.push(entry.device);
        }
    }
    let (project, request) = (accept.project, accept.request);
    (!entries.is_empty()).then_some(Change::Accepted { project, request, entries, records, power })
}

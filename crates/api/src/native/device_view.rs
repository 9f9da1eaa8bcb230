//! A device as the native door shows it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use engine::{Handle, ValueStands, spoken_to_by};
use fleet::desired::DesiredValue;
use fleet::{
    AdoptionRequest, Attention, BootIdentity, Catalogue, Condition, DeviceId, DeviceKey,
    DeviceState, JobId, Kind, Operation, PowerStep, ProjectId, PushOutcome, Revision, Timestamp,
    Values,
};
use serde::Serialize;
use store::{DeviceWithState, Reads, Tag};
use utoipa::ToSchema;

use super::camera_view::Camera;

/// A device. What only a phone can have is absent from a camera.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its id, unique in its project: CPH's phone_id, or the 20 digits by which a camera registers.
    #[schema(value_type = String, max_length = 32)]
    id: DeviceId,
    /// What it is: `phone` or `camera`.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// The operator's name for it.
    name: String,
    /// The host that a phone lives on; empty if none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    server: Option<String>,
    /// Where a phone answers: host:port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    address: Option<String>,
    /// What a phone's server calls it: a container's name; empty if none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    container: Option<String>,
    /// How it is spoken to.
    profile: String,
    /// How it is doing: `new` (never reached yet), `running`, `restarting`, `resetting`,
    /// `stopping`, `stopped` or `abnormal`; of a camera, `awaited` until something is asked of it.
    /// Whether a camera is there says `camera.status`.
    #[schema(value_type = String, example = "running")]
    condition: Condition,
    /// Since when the condition or the trouble has lasted.
    #[schema(format = DateTime)]
    since: String,
    /// Why it can't be worked on at the moment; null if it can.
    trouble: Option<String>,
    /// Why it is not as it should be, in one word, the first of these that holds: `trouble` (it
    /// can't be worked on, or a camera was registered once and is not now), `drift` (nothing is
    /// under way, and it last showed another value than is asked), `restart_pending` (a value waits
    /// for a restart) or `pending` (something that was asked is not settled); null if it is.
    #[schema(value_type = Option<String>, example = "drift")]
    attention: Option<Attention>,
    /// Whether an operator has frozen it, so that it takes no updates.
    frozen: bool,
    /// Whether a phone has shown that it is the device on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    adopted: Option<bool>,
    /// An adoption that was asked for and is not done; null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Adoption>)]
    adoption: Option<Option<Adoption>>,
    /// Another device whose address answers with this device's marker, so that nothing is set on
    /// either; null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Copy>)]
    copy: Option<Option<Copy>>,
    /// A restart, reset or stop that was begun and is not over; null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Power>)]
    power: Option<Option<Power>>,
    /// What a camera has and phones have not; null for a phone.
    camera: Option<Camera>,
    /// What it said of itself: `model` and more; a phone `release`, `build`, `fingerprint`, `user`
    /// and `rights`, a camera `manufacturer`, `firmware`, `channels` and `name`.
    facts: BTreeMap<String, String>,
    /// The boot in which a phone was last seen; null if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Boot>)]
    boot: Option<Option<Boot>>,
    /// Goes up with each accepted change of what is asked of it.
    #[schema(value_type = i64)]
    revision: Revision,
    /// Up to which revision all is shown or finally refused.
    #[schema(value_type = i64)]
    settled: Revision,
    /// What is asked of it, by property.
    #[schema(value_type = BTreeMap<String, String>)]
    desired: Values,
    /// Where each value that is asked of it stands.
    states: BTreeMap<String, ValueState>,
    /// What it last showed, by property.
    reported: BTreeMap<String, Reported>,
    /// The properties whose values a phone holds and that wait for a restart to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, Pending>, required = false)]
    restart_pending: Option<BTreeMap<String, Pending>>,
    /// The properties at which it shows something other than is asked, while it runs and nothing is
    /// pending.
    drift: Vec<String>,
    /// Its jobs that have not ended, oldest first.
    #[schema(value_type = Vec<String>)]
    open_jobs: Vec<JobId>,
    /// When it was first imported.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its record last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its tags, each with its value. Absent where it is not shown alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<BTreeMap<String, String>>,
}

impl Device {
    /// The same with its tags.
    pub(super) fn with_tags(self, tags: Vec<Tag>) -> Self {
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        Self { tags: Some(tags), ..self }
    }
}

/// An adoption that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Adoption {
    /// Whether a phone that bears another marker is given this one all the same.
    replace_marker: bool,
    /// Whether what it shows becomes what is asked of it, where nothing is asked yet.
    from_reported: bool,
}

impl From<AdoptionRequest> for Adoption {
    fn from(request: AdoptionRequest) -> Self {
        let AdoptionRequest { replace_marker, from_reported } = request;
        Self { replace_marker, from_reported }
    }
}

/// The device whose address answers with another device's marker.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Copy {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its id.
    #[schema(value_type = String)]
    id: DeviceId,
    /// Where it answers.
    address: String,
}

/// A restart, reset or stop that is going on.
#[derive(Debug, Serialize, ToSchema)]
struct Power {
    /// `restart`, `reset` or `stop`.
    #[schema(value_type = String, example = "restart")]
    operation: Operation,
    /// When it was begun.
    #[schema(format = DateTime)]
    begun_at: String,
    /// How often the device was told.
    told: u8,
}

impl From<PowerStep> for Power {
    fn from(step: PowerStep) -> Self {
        Self { operation: step.operation, begun_at: step.begun_at.to_string(), told: step.told }
    }
}

/// Which boot a device is in. It takes both halves: a container's restart changes only the second.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Boot {
    /// The kernel's boot id.
    kernel: String,
    /// When the first process started, in clock ticks after the kernel.
    init_start: String,
}

impl From<BootIdentity> for Boot {
    fn from(boot: BootIdentity) -> Self {
        Self { kernel: boot.kernel, init_start: boot.init_start }
    }
}

/// A value that waits for a restart to act.
#[derive(Debug, Serialize, ToSchema)]
struct Pending {
    /// Since when the device has held it.
    #[schema(format = DateTime)]
    since: String,
}

/// A value that a device showed.
#[derive(Debug, Serialize, ToSchema)]
struct Reported {
    /// The value; null where it has none.
    value: Option<String>,
    /// When it was read.
    #[schema(format = DateTime)]
    at: String,
    /// How long ago that was.
    age_milliseconds: u64,
}

/// Where a value that is asked of a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ValueState {
    /// The device showed it when it was last read.
    Shown,
    /// The device holds it, and it acts after a restart.
    RestartPending,
    /// It is a record: nothing on this make of device reads it.
    Recorded,
    /// The device took it and can't be asked for it.
    Acknowledged,
    /// It is fixed when the device's container starts, which has to be made anew with it: see the
    /// device's start arguments.
    NeedsRecreate,
    /// It is to be set, or the device can't be worked on at the moment.
    Pending,
    /// The device runs and shows something else: it has changed there, or was refused.
    Drift,
}

impl From<ValueStands> for ValueState {
    fn from(stands: ValueStands) -> Self {
        match stands {
            ValueStands::Shown => Self::Shown,
            ValueStands::RestartPending => Self::RestartPending,
            ValueStands::Recorded => Self::Recorded,
            ValueStands::Acknowledged => Self::Acknowledged,
            ValueStands::NeedsRecreate => Self::NeedsRecreate,
            ValueStands::Pending => Self::Pending,
            ValueStands::Drift => Self::Drift,
        }
    }
}

/// Makes the view of devices at one moment.
pub(super) struct View {
    /// The moment.
    now: Timestamp,
    /// How each profile takes each property.
    catalogue: Arc<Catalogue>,
    /// The devices that others are copies of.
    copies: HashMap<DeviceKey, Copy>,
    /// The cameras that took what they were last sent and may not be able to show it.
    acknowledged: HashSet<DeviceKey>,
}

/// The devices that these have as their copies.
async fn copies(
    reads: &dyn Reads,
    found: &[DeviceWithState],
) -> Result<HashMap<DeviceKey, Copy>, store::Error> {
    let keys: Vec<DeviceKey> = found.iter().filter_map(|found| found.state.copy).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let named = reads.records(&keys).await?.into_iter().map(|device| {
        let copy = Copy { project: device.project_id, id: device.id, address: device.address };
        (device.key, copy)
    });
    Ok(named.collect())
}

/// Those of the cameras that have never shown a value which was dealt with and that have said yes
/// to what they were last sent.
async fn acknowledged(
    reads: &dyn Reads,
    found: &[DeviceWithState],
) -> Result<HashSet<DeviceKey>, store::Error> {
    let mut acknowledged = HashSet::new();
    for DeviceWithState { device, state, camera } in found {
        let is_hidden = |(name, wanted): (&String, &DesiredValue)| {
            wanted.revision <= state.settled && !state.reported.values.contains_key(name)
        };
        if camera.is_none() || !state.desired.0.iter().any(is_hidden) {
            continue;
        }
        let push = reads.camera(device.key).await?.and_then(|work| work.push);
        let outcome = push.map(|push| push.outcome);
        if matches!(outcome, Some(PushOutcome::Acknowledged | PushOutcome::Verified)) {
            acknowledged.insert(device.key);
        }
    }
    Ok(acknowledged)
}

impl View {
    /// The view of these devices now.
    pub(super) async fn of(
        handle: &Handle,
        found: &[DeviceWithState],
    ) -> Result<Self, store::Error> {
        let reads = handle.reads();
        Ok(Self {
            now: handle.now(),
            catalogue: handle.catalogue(),
            copies: copies(reads, found).await?,
            acknowledged: acknowledged(reads, found).await?,
        })
    }

    /// A device as it is shown. Its marker is not: it proves the device.
    pub(super) fn device(&self, found: DeviceWithState) -> Device {
        let DeviceWithState { device, state, camera } = found;
        let is_phone = device.kind == Kind::Phone;
        let binding = camera.as_ref().and_then(|camera| camera.binding.as_ref());
        let attention = Attention::of(&state, binding, self.now);
        let camera = camera.map(|camera| Camera::of(camera, &state, self.now));
        let states = self.states(&device, &state);
        let drift = states.iter().filter(|(_, state)| **state == ValueState::Drift);
        let drift = drift.map(|(name, _)| name.clone()).collect();
        let reported = state.reported.values.into_iter().map(|(name, shown)| {
            let age = self.now.since(shown.at).as_millis();
            let age_milliseconds = u64::try_from(age).unwrap_or(u64::MAX);
            (name, Reported { value: shown.value, at: shown.at.to_string(), age_milliseconds })
        });
        let restart_pending = state.restart_pending.into_iter().map(|(name, pending)| {
            let since = pending.since.to_string();
            (name, Pending { since })
        });
        Device {
            project: device.project_id,
            id: device.id,
            kind: device.kind,
            name: device.name,
            server: is_phone.then_some(device.server),
            address: is_phone.then_some(device.address),
            container: is_phone.then_some(device.container),
            profile: device.profile,
            condition: state.condition,
            since: state.since.to_string(),
            trouble: state.trouble,
            attention,
            frozen: state.frozen,
            adopted: is_phone.then_some(state.adopted),
            adoption: is_phone.then(|| state.adoption.map(Adoption::from)),
            copy: is_phone.then(|| state.copy.and_then(|key| self.copies.get(&key).cloned())),
            power: is_phone.then(|| state.power.map(Power::from)),
            camera,
            facts: state.facts.0,
            boot: is_phone.then(|| state.boot.map(Boot::from)),
            revision: state.revision,
            settled: state.settled,
            desired: state.desired.values(),
            states,
            reported: reported.collect(),
            restart_pending: is_phone.then(|| restart_pending.collect()),
            drift,
            open_jobs: state.open_jobs,
            created_at: device.created_at.to_string(),
            updated_at: device.updated_at.to_string(),
            tags: None,
        }
    }

    /// Where each value stands that is asked of a device.
    fn states(&self, device: &fleet::Device, state: &DeviceState) -> BTreeMap<String, ValueState> {
        let profile = spoken_to_by(&self.catalogue, device, state);
        let took = self.acknowledged.contains(&device.key);
        let stands = state.desired.0.iter().map(|(name, wanted)| {
            let of = (name.as_str(), wanted);
            let stands = ValueStands::of(&self.catalogue, profile, state, of, took);
            (name.clone(), ValueState::from(stands))
        });
        stands.collect()
    }
}

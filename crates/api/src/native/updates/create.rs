//! Asking for an update: of devices that are named, or of those that a selector means.

use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{
    Ask, AskTarget, AskedDevice, CallId, CameraAsked, Error, Patch, PresetAsk, Update, UpdateEntry,
};
use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::{
    DeviceId, Door, JobId, Kind, Operation, Plan, PresetName, Principal, ProjectId, Refusal,
    RequestId, Revision, Values,
};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::plan::PlanBody;
use super::predict::{self, PredictedUpdate};
use super::revert::{self, LeftOut};
use super::selector::SelectorBody;
use crate::native::entries::Entries;
use crate::native::keyed::Call;
use crate::native::token::Caller;
use crate::native::{Native, Problem, exchange, objects, openapi, problem};

/// What is asked of devices: of those in `devices`, or of those that `selector` means.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewUpdate {
    /// The project that the devices belong to.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    project: ProjectId,
    /// The kind of device that is meant, `phone` or `camera`: no other is found. With `selector` it
    /// is needed, unless a preset says it; without, both are meant unless it is given, or, in
    /// waves, that of the devices, all of one kind.
    #[schema(value_type = Option<String>, pattern = "^(phone|camera)$")]
    kind: Option<Kind>,
    /// Whether the devices are restarted too, once they hold the values. Of phones only: no other
    /// device is found then.
    #[serde(default)]
    restart: bool,
    /// What is asked of each: 1 to 8,096 devices. One that stands here twice gets two jobs.
    #[serde(default)]
    #[schema(value_type = Option<Vec<DeviceValues>>, min_items = 1, max_items = 8096)]
    devices: Option<Entries<DeviceValues, PHONES_PER_UPDATE_MAX>>,
    /// Which devices are meant instead of named ones: at most 100,000.
    #[serde(default, deserialize_with = "objects::object_or_null")]
    selector: Option<SelectorBody>,
    /// The name of a preset of the project, whose values are asked of each device, made of what
    /// it has of its own. A device that lacks something of that is refused alone.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    preset: Option<PresetName>,
    /// Variables for the preset, by name: what stands there for `${var:NAME}`. Of named devices,
    /// what their own do not name.
    #[serde(default, deserialize_with = "variables")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    variables: Values,
    /// What is asked of each of them, by property, each value as text, before what the preset says
    /// of it; of named devices, what their own values do not name.
    #[serde(default, deserialize_with = "values")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    set: Values,
    /// How it goes through the devices. With `selector`, all at once unless given.
    #[serde(default, deserialize_with = "objects::object_or_null")]
    rollout: Option<PlanBody>,
    /// Whether nothing is written, and the answer says what would come of each device.
    #[serde(default)]
    dry_run: bool,
    /// Of a dry run, the page after this one: `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Of a dry run, at most so many devices: 1 to 1,000, which it is unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What is asked of one device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceValues {
    /// The device's id.
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    id: DeviceId,
    /// The values, by property, each as text. What is not named stays as it is. Needed unless there
    /// is a preset.
    #[serde(default, deserialize_with = "some_values")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    set: Option<Values>,
    /// Variables of its own for the preset, by name.
    #[serde(default, deserialize_with = "variables")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    variables: Values,
    /// The revision that the device has to be at: with another, it is refused alone. Not in waves.
    #[serde(default)]
    if_revision: Option<u64>,
}

/// Reads values by property.
pub(in crate::native) fn values<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Values, D::Error> {
    texts(deserializer, "set")
}

/// The same of a field that may be left out.
fn some_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Values>, D::Error> {
    values(deserializer).map(Some)
}

/// Reads variables by name.
fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    texts(deserializer, "variables")
}

/// Reads texts by name. Its error says in which `field`, and names the one that stands there twice
/// or is no text.
fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
    field: &'static str,
) -> Result<Values, D::Error> {
    struct Reader(&'static str);

    impl<'de> Visitor<'de> for Reader {
        type Value = Values;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of values by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
            let mut values = Values::new();
            while let Some(name) = map.next_key::<String>()? {
                let field = self.0;
                let value = map
                    .next_value::<String>()
                    .map_err(|error| A::Error::custom(format!("{field}, {name}: {error}")))?;
                match values.entry(name) {
                    btree_map::Entry::Vacant(place) => place.insert(value),
                    btree_map::Entry::Occupied(place) => {
                        let why = format!("{field}, {}: stands there twice", place.key());
                        return Err(A::Error::custom(why));
                    }
                };
            }
            Ok(values)
        }
    }

    deserializer.deserialize_map(Reader(field))
}

/// What came of a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::native) enum Asked {
    /// Of named devices, at once: what came of each.
    Accepted(AcceptedUpdate),
    /// Of a selector, or in waves: it has begun.
    Begun(BegunUpdate),
    /// Of a dry run: what would come of each device.
    Predicted(PredictedUpdate),
}

/// What came of a call: durable, and worked on from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct AcceptedUpdate {
    /// The update's id. Of an update all of whose devices were refused nothing is kept.
    #[schema(value_type = String)]
    id: RequestId,
    /// What came of each device, in the order of the call.
    jobs: Vec<DeviceOutcome>,
}

/// What came of one device: its job, or why it got none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum DeviceOutcome {
    /// It was accepted.
    Accepted {
        /// The device.
        #[schema(value_type = String)]
        device: DeviceId,
        /// Its job.
        #[schema(value_type = String)]
        job: JobId,
    },
    /// It was refused, and nothing has changed for it.
    Refused {
        /// The device.
        #[schema(value_type = String)]
        device: DeviceId,
        /// Why.
        error: DeviceRefusal,
    },
}

/// Why a device's part of an update was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceRefusal {
    /// The reason, for programs: `no_such_device`, `property_unsupported`, `property_invalid`,
    /// `variable_missing`, `revision_differs`, `frozen` or `busy`.
    #[schema(example = "property_invalid")]
    pub(super) code: &'static str,
    /// The property that it is about; absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    /// The reason, for people.
    pub(super) detail: String,
    /// Of `revision_differs`: the revision that the call said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    expected: Option<Revision>,
    /// Of `revision_differs`: the revision that the device is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    current: Option<Revision>,
}

impl DeviceRefusal {
    /// The refusal of a device. To an update that `restarts`, cameras do not exist.
    pub(super) fn of(refusal: Refusal, restarts: bool) -> Self {
        let (_, code) = problem::refusal_code(&refusal);
        let mut detail = refusal.to_string();
        if restarts && refusal == Refusal::DeviceUnknown {
            "no such phone, and no camera can be restarted".clone_into(&mut detail);
        }
        let (expected, current) = match refusal {
            Refusal::RevisionDiffers { expected, current } => (Some(expected), Some(current)),
            _ => (None, None),
        };
        let property = match refusal {
            Refusal::PropertyUnsupported { name, .. }
            | Refusal::PropertyInvalid { name, .. }
            | Refusal::VariableMissing { name, .. } => Some(name),
            Refusal::DeviceIdInvalid
            | Refusal::DeviceUnknown
            | Refusal::PropertiesInvalid { .. }
            | Refusal::RevisionDiffers { .. }
            | Refusal::Frozen
            | Refusal::Busy { .. } => None,
        };
        Self { code, property, detail, expected, current }
    }
}

/// An update that goes through its devices from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct BegunUpdate {
    /// The update's id.
    #[schema(value_type = String)]
    pub(in crate::native) id: RequestId,
    /// How many devices it has.
    pub(in crate::native) devices: u32,
    /// Of a revert, what stays as it is: at most the first 1,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::native) left_out: Vec<LeftOut>,
    /// Of a revert, how many values stay as they are.
    #[serde(skip_serializing_if = "revert::is_none")]
    pub(in crate::native) left_out_total: u64,
}

/// Asks something of many devices of a project: of each what is written for it, or the same of all
/// that a selector means; at once, or in waves. Each device is accepted or refused by itself, the
/// others go on.
#[utoipa::path(
    post,
    path = "/updates",
    tag = "updates",
    security(("token" = ["operator"])),
    request_body = NewUpdate,
    responses(
        (status = 200, description = "What came of it", body = Asked),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn create_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    exchange::Json(new): exchange::Json<NewUpdate>,
) -> Result<Json<Asked>, Problem> {
    let NewUpdate { project, kind, restart, devices, selector, set, rollout, .. } = new;
    let preset = match new.preset {
        Some(name) => Some(PresetAsk { name, variables: new.variables }),
        None if new.variables.is_empty() => None,
        None => return Err(Problem::invalid("variables: are of a preset alone; see preset")),
    };
    let (kind, operation) = match (kind, restart) {
        (Some(Kind::Camera), true) => {
            return Err(Problem::invalid("restart: no camera can be restarted"));
        }
        (_, true) => (Some(Kind::Phone), Operation::Restart),
        (kind, false) => (kind, Operation::Update),
    };
    let has_plan = rollout.is_some();
    let plan = rollout.map_or_else(|| Ok(Plan::all_at_once()), PlanBody::plan)?;
    let page = (new.after.as_deref(), new.limit);
    if !new.dry_run {
        predict::no_page(page)?;
    }
    let target = match (devices, selector) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("selector: can't be given together with devices"));
        }
        (None, None) => {
            return Err(Problem::invalid("devices: is missing, and so is selector"));
        }
        (Some(Entries(devices)), None) if devices.is_empty() => {
            return Err(Problem::invalid("devices: is empty"));
        }
        (Some(Entries(devices)), None) => {
            AskTarget::Devices(named(devices, preset.is_some(), has_plan)?)
        }
        (None, Some(selector)) => {
            if kind.is_none() && preset.is_none() {
                let why = "kind: is missing: with selector it must be phone or camera";
                return Err(Problem::invalid(why));
            }
            if set.is_empty() && preset.is_none() && operation == Operation::Update {
                return Err(Problem::invalid("set: is empty, so that nothing is asked for"));
            }
            AskTarget::Selector(selector.selector(kind, &native.handle.catalogue())?)
        }
    };
    let is_named = matches!(target, AskTarget::Devices(_));
    let ask = Ask { target, kind, operation, preset, patch: set, plan };
    if is_named && !has_plan && !new.dry_run {
        return at_once(&native, (&principal, call), project, ask).await;
    }
    if new.dry_run {
        let predicted = predict::predict(&native, &principal, &project, &ask, page).await?;
        return Ok(Json(Asked::Predicted(predicted)));
    }
    let rollout = native.handle.create_update(&principal, call, &project, ask).await?;
    let (id, devices) = (rollout.id, rollout.total);
    Ok(Json(Asked::Begun(BegunUpdate { id, devices, left_out: Vec::new(), left_out_total: 0 })))
}

/// The devices that are named. Without a preset, each has to say what is asked of it. Nobody knows
/// at which revision a device is when its wave begins.
fn named(
    devices: Vec<DeviceValues>,
    has_preset: bool,
    has_plan: bool,
) -> Result<Vec<AskedDevice>, Problem> {
    let numbered = devices.into_iter().zip(1..);
    let device = |(device, number): (DeviceValues, usize)| {
        let DeviceValues { id, set, variables, if_revision } = device;
        if set.is_none() && !has_preset {
            return Err(Problem::invalid(format!("device {number}: missing field `set`")));
        }
        let values = set.unwrap_or_default();
        // No device comes to more than fits.
        let if_revision = if_revision.map(|it| Revision(i64::try_from(it).unwrap_or(i64::MAX)));
        if if_revision.is_some() && has_plan {
            let why = format!("device {number}, if_revision: is not for updates in waves");
            return Err(Problem::invalid(why));
        }
        Ok(AskedDevice { id, values, variables, if_revision })
    };
    numbered.map(device).collect()
}

/// Asks it of named devices, all of it at once.
async fn at_once(
    native: &Native,
    (principal, call): (&Principal, CallId),
    project: ProjectId,
    ask: Ask,
) -> Result<Json<Asked>, Problem> {
    let operation = ask.operation;
    let devices: Vec<(DeviceId, Option<Revision>)> = match &ask.target {
        AskTarget::Devices(devices) => {
            devices.iter().map(|device| (device.id.clone(), device.if_revision)).collect()
        }
        AskTarget::Selector(_) => Vec::new(),
    };
    let asked_kind = ask.kind;
    let (kind, values) = match native.handle.values_of(principal, &project, ask).await {
        // What was accepted before stands, though its preset may be gone by now.
        Err(error @ (Error::Refused(_) | Error::Invalid { .. }))
            if native.handle.first_job(principal, call).await?.is_some() =>
        {
            let detail = error.to_string();
            let refused = |_: &_| Err(Refusal::PropertiesInvalid { detail: detail.clone() });
            (asked_kind, devices.iter().map(refused).collect())
        }
        made => made?,
    };
    let entries = devices.iter().zip(values).map(|((id, if_revision), values)| UpdateEntry {
        device: Ok(id.clone()),
        clear: false,
        patch: values.map(Patch::from),
        camera: CameraAsked::default(),
        if_revision: *if_revision,
    });
    let id = call.request;
    let update =
        Update { call, door: Door::Native, project, kind, operation, entries: entries.collect() };
    let restarts = operation == Operation::Restart;
    let results = native.handle.update(principal, update).await?;
    let outcome = |(device, result)| match result {
        Ok(job) => DeviceOutcome::Accepted { device, job },
        Err(refusal) => {
            let error = DeviceRefusal::of(refusal, restarts);
            DeviceOutcome::Refused { device, error }
        }
    };
    let ids = devices.into_iter().map(|(id, _)| id);
    let jobs = ids.zip(results).map(outcome).collect();
    Ok(Json(Asked::Accepted(AcceptedUpdate { id, jobs })))
}

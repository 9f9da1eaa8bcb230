//! Asking for an update: of devices that are named, or of those that a selector means.

use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{Ask, AskTarget, CameraAsked, Patch, Update, UpdateEntry};
use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::{
    DeviceId, Door, JobId, Kind, Operation, Plan, Principal, ProjectId, Refusal, RequestId, Values,
};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::plan::PlanBody;
use super::predict::{self, PredictedUpdate};
use super::revert::{self, LeftOut};
use super::selector::SelectorBody;
use crate::native::entries::Entries;
use crate::native::token::Caller;
use crate::native::{Native, Problem, exchange, openapi, problem};

/// What is asked of devices: of those in `devices`, or of those that `selector` means.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewUpdate {
    /// The project that the devices belong to.
    #[schema(value_type = String)]
    project: ProjectId,
    /// The kind of device that is meant, `phone` or `camera`: no other is found. With `selector` it
    /// is needed; without, both are meant unless it is given, or, in waves, that of the devices,
    /// all of one kind.
    #[schema(value_type = Option<String>)]
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
    #[serde(default)]
    selector: Option<SelectorBody>,
    /// What is asked of each of them, by property, each value as text; of named devices, what their
    /// own values do not name.
    #[serde(default, deserialize_with = "values")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    set: Values,
    /// How it goes through the devices. With `selector`, all at once unless given.
    #[serde(default)]
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
    /// The values, by property, each as text. What is not named stays as it is.
    #[serde(deserialize_with = "values")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    set: Values,
}

/// Reads values by property. Its error names the property: one that stands there twice, or whose
/// value is no text.
fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Values;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of values by property")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
            let mut values = Values::new();
            while let Some(name) = map.next_key::<String>()? {
                let value = map
                    .next_value::<String>()
                    .map_err(|error| A::Error::custom(format!("set, {name}: {error}")))?;
                match values.entry(name) {
                    btree_map::Entry::Vacant(place) => place.insert(value),
                    btree_map::Entry::Occupied(place) => {
                        let name = place.key();
                        return Err(A::Error::custom(format!("set, {name}: stands there twice")));
                    }
                };
            }
            Ok(values)
        }
    }

    deserializer.deserialize_map(Reader)
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
    /// `frozen` or `busy`.
    #[schema(example = "property_invalid")]
    code: &'static str,
    /// The property that it is about; absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    /// The reason, for people.
    detail: String,
}

impl DeviceRefusal {
    /// The refusal of a device. To an update that `restarts`, cameras do not exist.
    pub(super) fn of(refusal: Refusal, restarts: bool) -> Self {
        let (_, code) = problem::refusal_code(&refusal);
        let mut detail = refusal.to_string();
        if restarts && refusal == Refusal::DeviceUnknown {
            "no such phone, and no camera can be restarted".clone_into(&mut detail);
        }
        let property = match refusal {
            Refusal::PropertyUnsupported { name, .. } | Refusal::PropertyInvalid { name, .. } => {
                Some(name)
            }
            Refusal::DeviceIdInvalid
            | Refusal::DeviceUnknown
            | Refusal::PropertiesInvalid { .. }
            | Refusal::Frozen
            | Refusal::Busy { .. } => None,
        };
        Self { code, property, detail }
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
    exchange::Json(new): exchange::Json<NewUpdate>,
) -> Result<Json<Asked>, Problem> {
    let NewUpdate { project, kind, restart, devices, selector, set, rollout, .. } = new;
    let (kind, operation) = match (kind, restart) {
        (Some(Kind::Camera), true) => {
            return Err(Problem::invalid("restart: no camera can be restarted"));
        }
        (_, true) => (Some(Kind::Phone), Operation::Restart),
        (kind, false) => (kind, Operation::Update),
    };
    let has_plan = rollout.is_some();
    let plan = rollout.map_or_else(|| Ok(Plan::all_at_once()), PlanBody::plan)?;
    if !new.dry_run && (new.after.is_some() || new.limit.is_some()) {
        return Err(Problem::invalid("after, limit: are of a dry run alone; see dry_run"));
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
            if !(has_plan || new.dry_run) {
                let asked = Named { project, kind, operation, devices, set };
                return at_once(&native, &principal, asked).await;
            }
            AskTarget::Devices(devices.into_iter().map(|one| (one.id, one.set)).collect())
        }
        (None, Some(selector)) => {
            if kind.is_none() {
                let why = "kind: is missing: with selector it must be phone or camera";
                return Err(Problem::invalid(why));
            }
            if set.is_empty() && operation == Operation::Update {
                return Err(Problem::invalid("set: is empty, so that nothing is asked for"));
            }
            AskTarget::Selector(selector.selector(kind, &native.handle.catalogue())?)
        }
    };
    let ask = Ask { target, kind, operation, patch: set, plan };
    if new.dry_run {
        let page = (new.after.as_deref(), new.limit);
        let predicted = predict::predict(&native, &principal, &project, &ask, page).await?;
        return Ok(Json(Asked::Predicted(predicted)));
    }
    let rollout = native.handle.create_update(&principal, &project, ask).await?;
    let (id, devices) = (rollout.id, rollout.total);
    Ok(Json(Asked::Begun(BegunUpdate { id, devices, left_out: Vec::new(), left_out_total: 0 })))
}

/// What is asked of named devices.
struct Named {
    project: ProjectId,
    kind: Option<Kind>,
    operation: Operation,
    devices: Vec<DeviceValues>,
    /// What is asked of each that its own values do not name.
    set: Values,
}

/// Asks all of it at once.
async fn at_once(
    native: &Native,
    principal: &Principal,
    asked: Named,
) -> Result<Json<Asked>, Problem> {
    let Named { project, kind, operation, devices, set } = asked;
    let ids: Vec<DeviceId> = devices.iter().map(|device| device.id.clone()).collect();
    let entries = devices.into_iter().map(|DeviceValues { id, set: own }| {
        let mut values = set.clone();
        values.extend(own);
        UpdateEntry {
            device: Ok(id),
            clear: false,
            patch: Ok(Patch::from(values)),
            camera: CameraAsked::default(),
        }
    });
    let id = native.handle.next_request_id();
    let update = Update {
        request: id,
        door: Door::Native,
        project,
        kind,
        operation,
        entries: entries.collect(),
    };
    let restarts = operation == Operation::Restart;
    let results = native.handle.update(principal, update).await?;
    let outcome = |(device, result)| match result {
        Ok(job) => DeviceOutcome::Accepted { device, job },
        Err(refusal) => {
            let error = DeviceRefusal::of(refusal, restarts);
            DeviceOutcome::Refused { device, error }
        }
    };
    let jobs = ids.into_iter().zip(results).map(outcome).collect();
    Ok(Json(Asked::Accepted(AcceptedUpdate { id, jobs })))
}

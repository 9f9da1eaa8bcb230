//! Devices: what is on record of each, what is asked of it, what it shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{
    Condition, DeviceId, DeviceKey, DeviceState, JobId, Kind, Principal, ProjectId, Revision,
    Timestamp, Values,
};
use serde::{Deserialize, Serialize};
use store::{DeviceFilter, DeviceWithState, Page};
use utoipa::ToSchema;

use super::exchange::{FromPath, FromQuery};
use super::{Native, Problem, openapi};

/// Devices in a page unless told otherwise.
const LIMIT_DEFAULT: u32 = 100;

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its id, unique in its project: CPH's phone_id.
    #[schema(value_type = String, max_length = 32)]
    id: DeviceId,
    /// What it is.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// The operator's name for it.
    name: String,
    /// The host it lives on; empty if none was named.
    server: String,
    /// Where it answers: host:port.
    address: String,
    /// How it is spoken to.
    profile: String,
    /// How it is doing: `new` (never reached yet), `running` or `abnormal`.
    #[schema(value_type = String, example = "running")]
    condition: Condition,
    /// Since when the condition or the trouble has lasted.
    #[schema(format = DateTime)]
    since: String,
    /// Why it can't be worked on at the moment; null if it can.
    trouble: Option<String>,
    /// Whether it has shown that it is the device on record.
    adopted: bool,
    /// Goes up with each accepted change of what is asked of it.
    #[schema(value_type = i64)]
    revision: Revision,
    /// Up to which revision all is shown or finally refused.
    #[schema(value_type = i64)]
    settled: Revision,
    /// What is asked of it, by property.
    #[schema(value_type = BTreeMap<String, String>)]
    desired: Values,
    /// What it last showed, by property.
    reported: BTreeMap<String, Reported>,
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
    age_seconds: u64,
}

/// One page of devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    /// The devices.
    devices: Vec<Device>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Which devices to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Of this project only.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// On this server only.
    server: Option<String>,
    /// In this condition only: `new`, `running` or `abnormal`.
    #[param(value_type = Option<String>)]
    condition: Option<Condition>,
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Which of the devices with an id.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShowQuery {
    /// That of this project. Needed only where the id exists in several.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
}

/// Lists devices, in the order in which they were first imported.
#[utoipa::path(
    get,
    path = "/devices",
    tag = "devices",
    params(ListQuery),
    responses(
        (status = 200, description = "One page", body = Devices),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_devices(
    State(native): State<Arc<Native>>,
    FromQuery(query): FromQuery<ListQuery>,
) -> Result<Json<Devices>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=DEVICES_PER_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit must be 1 to {DEVICES_PER_PAGE_MAX}")));
    }
    let after = match &query.after {
        None => DeviceKey(0),
        Some(after) => DeviceKey(
            after.parse().map_err(|_| Problem::invalid("after must be the `next` of a page"))?,
        ),
    };
    let reads = native.handle.reads();
    let principal = Principal::admin();
    if let Some(project) = &query.project
        && reads.project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let ListQuery { project, server, condition, .. } = query;
    let filter = DeviceFilter { project, kind: None, server, condition };
    // One more than asked for shows whether there is a next page.
    let page = Page { after, limit: limit + 1 };
    let mut found = reads.devices(&principal, &filter, page).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let last = found.last().map(|found| found.device.key.0.to_string());
    let now = native.handle.now();
    Ok(Json(Devices {
        devices: found.into_iter().map(|found| device(found, now)).collect(),
        next: last.filter(|_| has_next),
    }))
}

/// Shows a device.
#[utoipa::path(
    get,
    path = "/devices/{id}",
    tag = "devices",
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    responses(
        (status = 200, description = "The device", body = Device),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn show_device(
    State(native): State<Arc<Native>>,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<Json<Device>, Problem> {
    let reads = native.handle.reads();
    let mut found = reads.device(&Principal::admin(), query.project.as_ref(), &id).await?;
    if found.len() > 1 {
        let projects: Vec<String> =
            found.iter().map(|found| found.device.project_id.to_string()).collect();
        return Err(Problem::ambiguous(format!(
            "device {id} exists in the projects {}; say which by ?project=",
            projects.join(", ")
        )));
    }
    let found = found.pop().ok_or_else(|| Problem::not_found(format!("no such device: {id}")))?;
    Ok(Json(device(found, native.handle.now())))
}

/// A device as it is shown at `now`. Its marker is not: it proves the device.
fn device(found: DeviceWithState, now: Timestamp) -> Device {
    let DeviceWithState { device, state } = found;
    let drift = drift(&state);
    let reported = state.reported.values.into_iter().map(|(name, shown)| {
        let age_seconds = now.since(shown.at).as_secs();
        (name, Reported { value: shown.value, at: shown.at.to_string(), age_seconds })
    });
    Device {
        project: device.project_id,
        id: device.id,
        kind: device.kind,
        name: device.name,
        server: device.server,
        address: device.address,
        profile: device.profile,
        condition: state.condition,
        since: state.since.to_string(),
        trouble: state.trouble,
        adopted: state.adopted,
        revision: state.revision,
        settled: state.settled,
        desired: state.desired.values(),
        reported: reported.collect(),
        drift,
        open_jobs: state.open_jobs,
        created_at: device.created_at.to_string(),
        updated_at: device.updated_at.to_string(),
    }
}

/// The drift: only of a device that runs and has no work, for any other is on its way.
fn drift(state: &DeviceState) -> Vec<String> {
    if state.has_work() {
        Vec::new()
    } else {
        fleet::desired::drift(&state.desired, &state.reported)
    }
}

//! Devices: what is on record of each, what is asked of it, what it shows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{Condition, DeviceId, DeviceKey, Kind, Principal, ProjectId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{DeviceFilter, DeviceWithState, Page};
use utoipa::ToSchema;

use super::device_view::{Device, View};
use super::exchange::{FromPath, FromQuery};
use super::{Native, Problem, openapi};

/// Devices in a page unless told otherwise.
const LIMIT_DEFAULT: u32 = 100;

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
    /// Of this kind only: `phone` or `camera`.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// On this server only.
    server: Option<String>,
    /// In this condition only, as a device shows it.
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
    pub(super) project: Option<ProjectId>,
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
    let ListQuery { project, kind, server, condition, .. } = query;
    let filter = DeviceFilter { project, kind, server, condition };
    // One more than asked for shows whether there is a next page.
    let page = Page { after, limit: limit + 1 };
    let mut found = reads.devices(&principal, &filter, page).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let last = found.last().map(|found| found.device.key.0.to_string());
    let view = View::of(&native.handle, &found).await?;
    Ok(Json(Devices {
        devices: found.into_iter().map(|found| view.device(found)).collect(),
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
    let found = [find(&native, query.project.as_ref(), &id).await?];
    let view = View::of(&native.handle, &found).await?;
    let [found] = found;
    Ok(Json(view.device(found)))
}

/// Deletes a device and all that is on record of it: its values, its channels, its registration,
/// its tags. Its open jobs end as failed; all its jobs stay. Nothing is done to the device itself.
#[utoipa::path(
    delete,
    path = "/devices/{id}",
    tag = "devices",
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn delete_device(
    State(native): State<Arc<Native>>,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<StatusCode, Problem> {
    let device = find(&native, query.project.as_ref(), &id).await?.device;
    native.handle.delete_device(&Principal::admin(), &device.project_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one device with an id, in `project` if that is given.
pub(super) async fn find(
    native: &Native,
    project: Option<&ProjectId>,
    id: &DeviceId,
) -> Result<DeviceWithState, Problem> {
    let mut found = native.handle.reads().device(&Principal::admin(), project, id).await?;
    if found.len() > 1 {
        let projects: Vec<String> =
            found.iter().map(|found| found.device.project_id.to_string()).collect();
        return Err(Problem::ambiguous(format!(
            "device {id} exists in the projects {}; say which by ?project=",
            projects.join(", ")
        )));
    }
    found.pop().ok_or_else(|| Problem::not_found(format!("no such device: {id}")))
}

/// Refuses what is asked of a device of the other kind, with a sentence that says why.
pub(super) fn check_kind(device: &fleet::Device, kind: Kind, why: &str) -> Result<(), Problem> {
    if device.kind == kind {
        return Ok(());
    }
    Err(Problem::invalid(format!("device {} is a {}: {why}", device.id, device.kind.name())))
}

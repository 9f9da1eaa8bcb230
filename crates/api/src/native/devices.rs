//! Devices: what is on record of each, what is asked of it, what it shows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use fleet::{DeviceId, DeviceKey, Kind, Principal, ProjectId};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::DeviceWithState;
use utoipa::ToSchema;

use super::device_view::{Device, View};
use super::entity_tag::{self, Tags};
use super::exchange::{FromPath, FromQuery};
use super::token::Caller;
use super::updates::selector::DevicesQuery;
use super::{Native, Problem, openapi, pages};

/// One page of devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    /// The devices. A page may have fewer than asked for, or none, and a next page.
    devices: Vec<Device>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Which devices to list: those for which all of it holds.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct ListParameters {
    /// Of this project only.
    project: Option<String>,
    /// Of this kind only: `phone` or `camera`.
    kind: Option<String>,
    /// On this server only; given several times: on one of them.
    server: Option<Vec<String>>,
    /// With this tag only: `KEY`, or `KEY:VALUE`; given several times: with all of them.
    tag: Option<Vec<String>>,
    /// In this condition only, as a device shows it; given several times: in one of them.
    condition: Option<Vec<String>>,
    /// Not as it should be, for this reason only, as a device shows it: `trouble`, `drift`,
    /// `restart_pending` or `pending`, or `any` for all of them; given several times: for one.
    attention: Option<Vec<String>>,
    /// Frozen by an operator only, or not frozen only.
    frozen: Option<bool>,
    /// Cameras that stand so only: `Register`, `OnLine` or `OffLine`; given several times: in one
    /// of these ways.
    status: Option<Vec<String>>,
    /// Cameras only that are registered with these user names and passwords: `current`, `old` or
    /// `not_renewed`; given several times: with one of them.
    credentials: Option<Vec<String>>,
    /// Of which this is asked only: `PROPERTY:VALUE`, the whole value, or `!PROPERTY` for those of
    /// which no value of it is asked; given several times: all of it.
    desired: Option<Vec<String>>,
    /// The same of what a device last showed.
    reported: Option<Vec<String>>,
    /// Filed in the organization of this path, its names joined by `/`, or below it.
    organization: Option<String>,
    /// Made by this manufacturer, as the device says it, whatever the case of ASCII letters.
    manufacturer: Option<String>,
    /// With this in the id, the name, the server or the address, whatever the case of ASCII
    /// letters.
    text: Option<String>,
    /// With this id; given several times: with one of them.
    id: Option<Vec<String>>,
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
    security(("token" = ["viewer"])),
    params(ListParameters),
    responses(
        (status = 200, description = "One page", body = Devices),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(pairs): FromQuery<Vec<(String, String)>>,
) -> Result<Json<Devices>, Problem> {
    let query = DevicesQuery::of(pairs, &native.handle.catalogue())?;
    let limit = pages::limit(query.limit)?;
    let after = DeviceKey(pages::place(query.after.as_deref())?.unwrap_or(0));
    let reads = native.handle.reads();
    if let Some(project) = &query.project
        && reads.project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let DevicesQuery { project, selector, .. } = query;
    let page = reads.select(&principal, project.as_ref(), &selector, after, limit).await?;
    let view = View::of(&native.handle, &page.devices).await?;
    Ok(Json(Devices {
        devices: page.devices.into_iter().map(|found| view.device(found)).collect(),
        next: page.next.map(|next| next.0.to_string()),
    }))
}

/// Shows a device. Its tag says what is desired of it and nothing of what it shows: who waits for
/// that asks without `If-None-Match`.
#[utoipa::path(
    get,
    path = "/devices/{id}",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(
        ("id" = String, Path, description = "The device's id"),
        ShowQuery,
        ("If-None-Match" = Option<String>, Header,
            description = "The tags that are known: then the device is shown only if it has another"),
    ),
    responses(
        (status = 200, description = "The device", body = Device, headers(
            ("ETag" = String, description = "The device's revision, in quotes"),
        )),
        (status = 304, description = "The device has one of the tags", headers(
            ("ETag" = String, description = "The device's revision, in quotes"),
        )),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn show_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = Tags::if_none_match(&headers)?;
    let found = [find(&native, &principal, query.project.as_ref(), &id).await?];
    let [DeviceWithState { state, .. }] = &found;
    let revision = state.revision;
    let mut response = if known.is_some_and(|tags| tags.knows(revision)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let view = View::of(&native.handle, &found).await?;
        let [found] = found;
        let (reads, of) = (native.handle.reads(), &found.device.project_id);
        let tags = reads.tags_of_devices(&principal, of, vec![id]).await?;
        let tags = tags.into_iter().next().unwrap_or_default();
        Json(view.device(found).with_tags(tags)).into_response()
    };
    if let Some(tag) = entity_tag::of_revision(revision) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Deletes a device and all that is on record of it: its values, its channels, its registration,
/// its tags. Its open jobs end as failed; all its jobs stay. Nothing is done to the device itself.
#[utoipa::path(
    delete,
    path = "/devices/{id}",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn delete_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<StatusCode, Problem> {
    let device = find(&native, &principal, query.project.as_ref(), &id).await?.device;
    native.handle.delete_device(&principal, &device.project_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one device with an id, in `project` if that is given.
pub(super) async fn find(
    native: &Native,
    principal: &Principal,
    project: Option<&ProjectId>,
    id: &DeviceId,
) -> Result<DeviceWithState, Problem> {
    let mut found = native.handle.reads().device(principal, project, id).await?;
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

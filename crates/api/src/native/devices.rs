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
use super::pages::PageQuery;
use super::token::Caller;
use super::{Native, Problem, openapi, pages};

pub(super) mod query;

use query::{DevicesQuery, FilterParameters};

/// One page of devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    /// The devices. A page may have fewer than asked for, or none, and a next page.
    devices: Vec<Device>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
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
    params(FilterParameters, PageQuery),
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
    let DevicesQuery { project, selector, after, limit } =
        DevicesQuery::read(&native, &principal, pairs).await?;
    let limit = pages::limit(limit)?;
    let after = DeviceKey(pages::place(after.as_deref())?.unwrap_or(0));
    let reads = native.handle.reads();
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

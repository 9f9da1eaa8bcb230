//! How many devices are meant.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::exchange::FromQuery;
use super::token::Caller;
use super::updates::selector::DevicesQuery;
use super::{Native, Problem, openapi};

/// How many devices are meant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceCount {
    /// How many there are among the first 100,000 that were looked at.
    count: u64,
    /// Whether there were more to look at.
    more: bool,
}

/// Which devices to count: those for which all of it holds.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct CountParameters {
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
}

/// Counts devices. It looks at 100,000 of them at most.
#[utoipa::path(
    get,
    path = "/devices/count",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(CountParameters),
    responses(
        (status = 200, description = "The count", body = DeviceCount),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn count_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(pairs): FromQuery<Vec<(String, String)>>,
) -> Result<Json<DeviceCount>, Problem> {
    if let Some((key, _)) = pairs.iter().find(|(key, _)| key == "after" || key == "limit") {
        return Err(Problem::invalid(format!("{key}: is no parameter of this call")));
    }
    let query = DevicesQuery::of(pairs, &native.handle.catalogue())?;
    let DevicesQuery { project, selector, .. } = query;
    if let Some(project) = &project
        && native.handle.reads().project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let counted = native.handle.count_selected(&principal, project.as_ref(), &selector).await?;
    let (count, more) = counted;
    Ok(Json(DeviceCount { count, more }))
}

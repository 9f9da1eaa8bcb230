//! How many devices are meant.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::devices::query::{DevicesQuery, FilterParameters};
use super::exchange::FromQuery;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// How many devices are meant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceCount {
    /// How many there are among the first 100,000 that were looked at.
    count: u64,
    /// Whether there were more to look at.
    more: bool,
}

/// Counts devices. It looks at 100,000 of them at most.
#[utoipa::path(
    get,
    path = "/devices/count",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(FilterParameters),
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
    let DevicesQuery { project, selector, .. } =
        DevicesQuery::read_whole(&native, &principal, pairs).await?;
    let counted = native.handle.count_selected(&principal, project.as_ref(), &selector).await?;
    let (count, more) = counted;
    Ok(Json(DeviceCount { count, more }))
}

//! What holds for the whole server, as operators set it while it runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// What holds for the whole server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerSettings {
    /// Whether nothing is done on any device for now. Updates are accepted and wait; what is in
    /// flight ends.
    paused: bool,
}

/// Shows what holds for the whole server.
#[utoipa::path(
    get,
    path = "/settings",
    tag = "server",
    security(("token" = [])),
    responses(
        (status = 200, description = "The settings", body = ServerSettings),
        openapi::Guarded,
    )
)]
pub(super) async fn show_settings(
    State(native): State<Arc<Native>>,
) -> Result<Json<ServerSettings>, Problem> {
    let settings = native.handle.reads().server_settings().await?;
    Ok(Json(ServerSettings { paused: settings.paused }))
}

/// Sets what holds for the whole server.
#[utoipa::path(
    put,
    path = "/settings",
    tag = "server",
    security(("token" = ["server"])),
    request_body = ServerSettings,
    responses(
        (status = 200, description = "The settings from now on", body = ServerSettings),
        openapi::Invalid, openapi::Guarded,
    )
)]
pub(super) async fn set_settings(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::Json(new): exchange::Json<ServerSettings>,
) -> Result<Json<ServerSettings>, Problem> {
    let settings = fleet::ServerSettings { paused: new.paused };
    native.handle.set_server_settings(&principal, settings).await?;
    Ok(Json(new))
}

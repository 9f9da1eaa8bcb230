//! Pausing, resuming, ending and cancelling updates.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Principal, RequestId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::show::{self, UpdateView};
use super::{UPDATE_ID, unknown, update_id};
use crate::native::exchange::{self, FromPath};
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi};

/// How an update is ended.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct Abort {
    /// Whether its open jobs are cancelled, too. Unless given, they go on.
    #[serde(default)]
    cancel: bool,
}

/// Lets an update begin no more waves until it is resumed. What is begun goes on.
#[utoipa::path(
    post,
    path = "/updates/{id}/pause",
    tag = "updates",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The update, paused", body = UpdateView),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn pause_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    native.handle.pause_rollout(&principal, id).await?;
    shown(&native, &principal, id).await
}

/// Lets an update go on that was paused, or that has stopped by its own rule: that one begins its
/// next wave at once, and stops again if too many of all have failed after it.
#[utoipa::path(
    post,
    path = "/updates/{id}/resume",
    tag = "updates",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The update, which goes on", body = UpdateView),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn resume_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    native.handle.resume_rollout(&principal, id).await?;
    shown(&native, &principal, id).await
}

/// Ends an update in waves: it begins no more of them. What is begun goes on unless it is
/// cancelled. Nothing is taken back: see revert.
#[utoipa::path(
    post,
    path = "/updates/{id}/abort",
    tag = "updates",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    request_body = Abort,
    responses(
        (status = 200, description = "The update, ended", body = UpdateView),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn abort_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
    exchange::JsonOrNothing(Abort { cancel }): exchange::JsonOrNothing<Abort>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    native.handle.abort_rollout(&principal, id, cancel).await?;
    shown(&native, &principal, id).await
}

/// Cancels the open jobs of an update, by whichever API it came: they end as failed, and what was
/// asked of their devices before is asked of them again. Restarts, resets and stops that have begun
/// go on. An update in waves is ended, too.
#[utoipa::path(
    post,
    path = "/updates/{id}/cancel",
    tag = "updates",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The update, cancelled", body = UpdateView),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn cancel_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    native.handle.cancel_update(&principal, id).await?;
    shown(&native, &principal, id).await
}

/// The update as it stands now.
async fn shown(
    native: &Native,
    principal: &Principal,
    id: RequestId,
) -> Result<Json<UpdateView>, Problem> {
    let view = show::view(native, principal, id).await?;
    Ok(Json(view.ok_or_else(|| unknown(&id.to_string()))?))
}

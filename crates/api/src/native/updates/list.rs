//! Listing updates.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Door, Phase, ProjectId, RequestId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::native::exchange::FromQuery;
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi, pages};

/// One page of updates.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct Updates {
    /// The updates, newest first. A page may have fewer than asked for, or none, and a next page.
    updates: Vec<UpdateHead>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// An update in a list.
#[derive(Debug, Serialize, ToSchema)]
struct UpdateHead {
    /// Its id.
    #[schema(value_type = String)]
    id: RequestId,
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// The API through which it came.
    #[schema(value_type = String, example = "native")]
    door: Door,
    /// Who asked: an access key's id, a user, or `admin`.
    actor: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// Whether it goes through its devices in waves.
    rollout: bool,
    /// Where it stands, if it does: as the update shows it. Null else.
    #[schema(value_type = Option<String>, example = "running")]
    phase: Option<Phase>,
}

/// Which updates to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct ListQuery {
    /// Of this project only.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Lists updates, newest first, by whichever API they came.
#[utoipa::path(
    get,
    path = "/updates",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(ListQuery),
    responses(
        (status = 200, description = "One page", body = Updates),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(in crate::native) async fn list_updates(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(ListQuery { project, after, limit }): FromQuery<ListQuery>,
) -> Result<Json<Updates>, Problem> {
    let limit = pages::limit(limit)?;
    let before: Option<RequestId> = pages::place(after.as_deref())?;
    let reads = native.handle.reads();
    if let Some(project) = &project
        && reads.project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let page = reads.updates(&principal, project.as_ref(), before, limit).await?;
    let updates = page.updates.into_iter().map(|head| UpdateHead {
        id: head.id,
        project: head.project_id,
        door: head.door,
        actor: head.actor,
        accepted_at: head.accepted_at.to_string(),
        rollout: head.phase.is_some(),
        phase: head.phase,
    });
    Ok(Json(Updates { updates: updates.collect(), next: page.next.map(|next| next.to_string()) }))
}

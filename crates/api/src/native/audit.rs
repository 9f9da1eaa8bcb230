//! What was done by whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::ProjectId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::AuditFilter;
use utoipa::ToSchema;

use super::exchange::FromQuery;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Entries on a page if the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// Entries on a page at most.
const LIMIT_MAX: u32 = 1_000;

/// Which entries to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Of this project only. Without it: of all whose admin one is, and for the server's
    /// administrator what is the whole server's as well.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// By this actor only: `admin`, `engine`, `user:NAME` or `key:ID`.
    actor: Option<String>,
    /// Of this action only, such as `key.revoke`.
    action: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Entries on the page: 1 to 1,000; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// One administrative act.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Act {
    /// Its number: higher than that of every earlier one.
    seq: i64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who: `admin`, `engine`, `user:NAME` or `key:ID`.
    actor: String,
    /// The project; null for the whole server.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// What was done: a thing and a verb.
    action: String,
    /// To what.
    target: String,
    /// What else is to be said of it.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<store::AuditEntry> for Act {
    fn from(entry: store::AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at.to_string(),
            actor: entry.actor,
            project: entry.project_id,
            action: entry.action,
            target: entry.target,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
        }
    }
}

/// One page of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Audit {
    /// The newest first.
    acts: Vec<Act>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Lists what was done, the newest first: changes of projects, users, keys, tokens, records and
/// settings. What was asked of devices is in their jobs.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    security(("token" = ["admin"])),
    params(ListQuery),
    responses(
        (status = 200, description = "One page", body = Audit),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_audit(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(query): FromQuery<ListQuery>,
) -> Result<Json<Audit>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit must be 1 to {LIMIT_MAX}")));
    }
    let before = match query.after.as_deref().map(str::parse::<i64>) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(Problem::invalid("after must be the `next` of a page")),
    };
    let reads = native.handle.reads();
    if let Some(project) = &query.project
        && reads.project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let filter = AuditFilter { project: query.project, actor: query.actor, action: query.action };
    // One more than asked for shows whether there is a next page.
    let mut found = reads.audit(&principal, &filter, before, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| has_next).map(|entry| entry.seq.to_string());
    Ok(Json(Audit { acts: found.into_iter().map(Act::from).collect(), next }))
}

//! What users may do in each project.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Grant, ProjectId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath, FromQuery};
use super::pages::PageQuery;
use super::token::{Bearer, Caller};
use super::{Native, Problem, openapi, pages};

/// What a user may do in a project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserGrant {
    /// The project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// What the user may do in it.
    #[schema(value_type = String, pattern = "^(viewer|operator|admin)$")]
    role: Grant,
}

impl From<store::UserGrant> for UserGrant {
    fn from(held: store::UserGrant) -> Self {
        Self { project: held.project_id, role: held.grant }
    }
}

/// What a user may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Grants {
    /// The user.
    user: String,
    /// By project.
    grants: Vec<UserGrant>,
}

/// What a user is to be allowed in a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGrant {
    /// `viewer`: look; `operator`: change devices; `admin`: change the project, its keys and users
    /// as well. Each may what those before it may.
    #[schema(value_type = String, pattern = "^(viewer|operator|admin)$")]
    role: Grant,
}

/// Who may do something in a project.
#[derive(Debug, Serialize, ToSchema)]
struct GrantHolder {
    /// The user.
    user: String,
    /// What the user may do in it.
    #[schema(value_type = String, pattern = "^(viewer|operator|admin)$")]
    role: Grant,
    /// Whether the user is one of this project's own; else of another one.
    of_project: bool,
    /// When the user was disabled; null while the user may sign in.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
}

impl From<store::GrantHolder> for GrantHolder {
    fn from(holder: store::GrantHolder) -> Self {
        let store::GrantHolder { user, grant, of_project, disabled_at } = holder;
        Self { user, role: grant, of_project, disabled_at: disabled_at.map(|at| at.to_string()) }
    }
}

/// One page of those who may do something in a project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectGrants {
    /// The users, by name.
    grants: Vec<GrantHolder>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Lists who may do something in a project, of whichever project the user is.
#[utoipa::path(
    get,
    path = "/projects/{project}/grants",
    tag = "users",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses(
        (status = 200, description = "One page", body = ProjectGrants),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_project_grants(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    FromQuery(PageQuery { after, limit }): FromQuery<PageQuery>,
) -> Result<Json<ProjectGrants>, Problem> {
    let limit = pages::limit(limit)?;
    let after = after.unwrap_or_default();
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    // One more than asked for shows whether there is a next page.
    let mut found = reads.grants_in(&principal, &project, &after, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| has_next).map(|last| last.user.clone());
    Ok(Json(ProjectGrants { grants: found.into_iter().map(GrantHolder::from).collect(), next }))
}

/// Lists what a user may do: of oneself everything, of others what is in the projects whose admin
/// one is.
#[utoipa::path(
    get,
    path = "/users/{name}/grants",
    tag = "users",
    security(("token" = [])),
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = 200, description = "What the user may do", body = Grants),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_grants(
    State(native): State<Arc<Native>>,
    bearer: Bearer,
    FromPath(name): FromPath<String>,
) -> Result<Json<Grants>, Problem> {
    let reads = native.handle.reads();
    let grants = if bearer.is_user(&name) {
        reads.grants(&fleet::Principal::engine(), &name).await?
    } else {
        let principal = bearer.caller(super::need::Need::Grant(Grant::Admin))?;
        let grants = reads.grants(&principal, &name).await?;
        let is_managed = async || -> Result<bool, Problem> {
            let user = reads.user(&name).await?;
            Ok(user.is_some_and(|user| principal.may_see(user.project)))
        };
        if grants.is_empty() && !is_managed().await? {
            return Err(no_such_user(&name));
        }
        grants
    };
    let grants = grants.into_iter().map(UserGrant::from).collect();
    Ok(Json(Grants { user: name, grants }))
}

/// Says what a user, of whichever project, may do in this one from now on.
#[utoipa::path(
    put,
    path = "/users/{name}/grants/{project}",
    tag = "users",
    security(("token" = ["admin"])),
    params(
        ("name" = String, Path, description = "The user's name"),
        ("project" = String, Path, description = "The project's id"),
    ),
    request_body = NewGrant,
    responses(
        (status = 204, description = "The user may do so from now on"),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn set_grant(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((name, project)): FromPath<(String, ProjectId)>,
    exchange::Json(new): exchange::Json<NewGrant>,
) -> Result<StatusCode, Problem> {
    native.handle.set_grant(&principal, &name, &project, Some(new.role)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes from a user what the user may do in a project. Doing so again is harmless.
#[utoipa::path(
    delete,
    path = "/users/{name}/grants/{project}",
    tag = "users",
    security(("token" = ["admin"])),
    params(
        ("name" = String, Path, description = "The user's name"),
        ("project" = String, Path, description = "The project's id"),
    ),
    responses(
        (status = 204, description = "The user may do nothing in it"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn take_grant(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((name, project)): FromPath<(String, ProjectId)>,
) -> Result<StatusCode, Problem> {
    native.handle.set_grant(&principal, &name, &project, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 404 for a user who does not exist, or is none of the caller's.
pub(super) fn no_such_user(name: &str) -> Problem {
    store::Refused::NoSuchUser(name.to_owned()).into()
}

//! Organizations: where operators file cameras and channels.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{OrganizationId, OrganizationPath, ProjectId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath, FromQuery};
use super::pages::PageQuery;
use super::token::Caller;
use super::{Native, Problem, openapi, pages};

/// The organization that a camera or a channel is filed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Filed {
    /// Its id.
    #[schema(value_type = String)]
    id: OrganizationId,
    /// Its path: up to four names, joined by `/`.
    #[schema(example = "北京/海淀/学院路")]
    path: String,
}

impl From<fleet::Organization> for Filed {
    fn from(organization: fleet::Organization) -> Self {
        Self { id: organization.id, path: organization.path.to_string() }
    }
}

/// An organization: a path of names with an id.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Organization {
    /// Its id, unique in its project: ISS's OrganizationId.
    #[schema(value_type = String, max_length = 64)]
    id: OrganizationId,
    /// Its path, unique in its project: up to four names, joined by `/`. ISS's `L1` to `L4`.
    #[schema(example = "北京/海淀/学院路")]
    path: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its path last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<fleet::Organization> for Organization {
    fn from(organization: fleet::Organization) -> Self {
        Self {
            id: organization.id,
            path: organization.path.to_string(),
            created_at: organization.created_at.to_string(),
            updated_at: organization.updated_at.to_string(),
        }
    }
}

/// One page of a project's organizations.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Organizations {
    /// By path.
    organizations: Vec<Organization>,
    /// How many there are in all.
    total: u64,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Where an organization is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPath {
    /// Its path: one to four names of 1 to 64 characters, joined by `/`.
    #[schema(example = "北京/海淀/学院路")]
    path: String,
}

impl NewPath {
    /// The path, if it is one.
    fn read(&self) -> Result<OrganizationPath, Problem> {
        self.path.parse().map_err(|error| Problem::invalid(format!("path: {error}")))
    }
}

/// Lists the organizations of a project, by path.
#[utoipa::path(
    get,
    path = "/projects/{project}/organizations",
    tag = "organizations",
    security(("token" = ["viewer"])),
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Organizations),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_organizations(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    FromQuery(PageQuery { after, limit }): FromQuery<PageQuery>,
) -> Result<Json<Organizations>, Problem> {
    let limit = pages::limit(limit)?;
    let offset: u32 = pages::place(after.as_deref())?.unwrap_or(0);
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    let found = reads.organizations(&principal, &project, None, offset.into(), limit).await?;
    let end = u64::from(offset) + u64::from(limit);
    Ok(Json(Organizations {
        organizations: found.items.into_iter().map(Organization::from).collect(),
        total: found.total,
        next: (end < found.total).then(|| end.to_string()),
    }))
}

/// Makes an organization. An update that files a camera in a path that is none yet makes it too.
#[utoipa::path(
    post,
    path = "/projects/{project}/organizations",
    tag = "organizations",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = NewPath,
    responses(
        (status = 201, description = "The organization", body = Organization),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn create_organization(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(new): exchange::Json<NewPath>,
) -> Result<(StatusCode, Json<Organization>), Problem> {
    let path = new.read()?;
    let made = native.handle.create_organization(&principal, &project, path).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Gives an organization another path. What is filed in it stays so.
#[utoipa::path(
    patch,
    path = "/projects/{project}/organizations/{organization}",
    tag = "organizations",
    security(("token" = ["admin"])),
    params(
        ("project" = String, Path, description = "The project's id"),
        ("organization" = String, Path, description = "The organization's id"),
    ),
    request_body = NewPath,
    responses(
        (status = 200, description = "The organization as it is from now on", body = Organization),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn move_organization(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((project, id)): FromPath<(ProjectId, OrganizationId)>,
    exchange::Json(new): exchange::Json<NewPath>,
) -> Result<Json<Organization>, Problem> {
    let path = new.read()?;
    let moved = native.handle.move_organization(&principal, &project, id, path).await?;
    Ok(Json(moved.into()))
}

/// Deletes an organization in which nothing is filed.
#[utoipa::path(
    delete,
    path = "/projects/{project}/organizations/{organization}",
    tag = "organizations",
    security(("token" = ["admin"])),
    params(
        ("project" = String, Path, description = "The project's id"),
        ("organization" = String, Path, description = "The organization's id"),
    ),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn delete_organization(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((project, id)): FromPath<(ProjectId, OrganizationId)>,
) -> Result<StatusCode, Problem> {
    native.handle.delete_organization(&principal, &project, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

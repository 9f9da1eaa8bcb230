//! Projects: the tenants.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Principal, ProjectId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange;
use super::{Native, Problem, openapi};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Project {
    /// Its id: CPH's project_id.
    #[schema(value_type = String, max_length = 64)]
    id: ProjectId,
    /// The operator's name for it.
    name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<fleet::Project> for Project {
    fn from(project: fleet::Project) -> Self {
        Self { id: project.id, name: project.name, created_at: project.created_at.to_string() }
    }
}

/// All projects.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Projects {
    /// By id.
    projects: Vec<Project>,
}

/// A project to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProject {
    /// The operator's name for it: 1 to 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// Its id: 1 to 64 visible ASCII characters but `/`. Unless given, 32 hexadecimal digits.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    id: Option<ProjectId>,
}

/// Lists the projects.
#[utoipa::path(
    get,
    path = "/projects",
    tag = "projects",
    responses(
        (status = 200, description = "All projects", body = Projects),
        openapi::Guarded,
    )
)]
pub(super) async fn list_projects(
    State(native): State<Arc<Native>>,
) -> Result<Json<Projects>, Problem> {
    let projects = native.handle.reads().projects(&Principal::admin()).await?;
    Ok(Json(Projects { projects: projects.into_iter().map(Project::from).collect() }))
}

/// Makes a project.
#[utoipa::path(
    post,
    path = "/projects",
    tag = "projects",
    request_body = NewProject,
    responses(
        (status = 201, description = "The project", body = Project),
        openapi::Invalid, openapi::Guarded, openapi::Conflict,
    )
)]
pub(super) async fn create_project(
    State(native): State<Arc<Native>>,
    exchange::Json(new): exchange::Json<NewProject>,
) -> Result<(StatusCode, Json<Project>), Problem> {
    let made = native.handle.create_project(&Principal::admin(), new.name, new.id).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

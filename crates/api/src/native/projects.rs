//! Projects: the tenants.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{AdoptionPolicy, Condition, DriftPolicy, Principal, ProjectId, ProjectSettings};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::PhoneFilter;
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::{Native, Problem, openapi};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Project {
    /// Its id: CPH's project_id.
    #[schema(value_type = String, max_length = 64)]
    id: ProjectId,
    /// The operator's name for it.
    name: String,
    /// What holds for all of its devices.
    settings: Settings,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What holds for all devices of a project.
#[derive(Debug, Serialize, ToSchema)]
struct Settings {
    /// Whether nothing is done on its devices for now. Updates are accepted and wait.
    paused: bool,
    /// What becomes of drift that is found: `report` shows it, `repair` sets the desired value
    /// again. What a boot wipes is applied again under either.
    #[schema(value_type = String, example = "report")]
    drift: DriftPolicy,
    /// Which phones are given the record's marker without being asked for: `unmarked`, those that
    /// bear none yet, or `explicit`, none.
    #[schema(value_type = String, example = "unmarked")]
    adoption: AdoptionPolicy,
    /// Whether properties by which a phone is told from others may be changed although the vendor
    /// does not list them.
    identity: bool,
}

impl From<fleet::Project> for Project {
    fn from(project: fleet::Project) -> Self {
        let ProjectSettings { paused, drift, adoption, identity } = project.settings;
        Self {
            id: project.id,
            name: project.name,
            settings: Settings { paused, drift, adoption, identity },
            created_at: project.created_at.to_string(),
        }
    }
}

/// A project and its phones.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectWithDevices {
    /// The project.
    #[serde(flatten)]
    project: Project,
    /// How many phones it has in each condition, and how many there are. Cameras are not counted.
    devices: Counts,
}

/// How many phones there are.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Counts {
    /// In all.
    total: u64,
    /// Imported, and never reached yet.
    new: u64,
    /// Running as they should.
    running: u64,
    /// Told to restart, and not back yet.
    restarting: u64,
    /// Told to go back to how they left the factory, and not back yet.
    resetting: u64,
    /// Told to stop, and still answering.
    stopping: u64,
    /// Stopped.
    stopped: u64,
    /// Not reached, or not proved to be the right one, for too long.
    abnormal: u64,
    /// Frozen, whatever their condition.
    frozen: u64,
}

/// What is to hold for all devices of a project from now on. What is absent stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangedSettings {
    /// Whether nothing is done on its devices for now.
    paused: Option<bool>,
    /// `report` or `repair`.
    #[schema(value_type = Option<String>)]
    drift: Option<DriftPolicy>,
    /// `unmarked` or `explicit`.
    #[schema(value_type = Option<String>)]
    adoption: Option<AdoptionPolicy>,
    /// Whether identity properties beyond the vendor's list may be changed.
    identity: Option<bool>,
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

/// Shows a project, and how its phones are doing.
#[utoipa::path(
    get,
    path = "/projects/{project}",
    tag = "projects",
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The project", body = ProjectWithDevices),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_project(
    State(native): State<Arc<Native>>,
    FromPath(id): FromPath<ProjectId>,
) -> Result<Json<ProjectWithDevices>, Problem> {
    let found = native.handle.reads().project(&Principal::admin(), &id).await?;
    let project = found.ok_or_else(|| Problem::no_such_project(&id))?;
    let devices = counts(&native, &id).await?;
    Ok(Json(ProjectWithDevices { project: project.into(), devices }))
}

/// Changes what holds for all devices of a project.
#[utoipa::path(
    patch,
    path = "/projects/{project}",
    tag = "projects",
    params(("project" = String, Path, description = "The project's id")),
    request_body = ChangedSettings,
    responses(
        (status = 200, description = "The project as it is from now on", body = Project),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn change_project(
    State(native): State<Arc<Native>>,
    FromPath(id): FromPath<ProjectId>,
    exchange::Json(changed): exchange::Json<ChangedSettings>,
) -> Result<Json<Project>, Problem> {
    let principal = Principal::admin();
    // Between the read and the write another operator's change could be lost.
    let _alone = native.settings_changes.lock().await;
    let found = native.handle.reads().project(&principal, &id).await?;
    let mut project = found.ok_or_else(|| Problem::no_such_project(&id))?;
    let settings = &mut project.settings;
    settings.paused = changed.paused.unwrap_or(settings.paused);
    settings.drift = changed.drift.unwrap_or(settings.drift);
    settings.adoption = changed.adoption.unwrap_or(settings.adoption);
    settings.identity = changed.identity.unwrap_or(settings.identity);
    native.handle.set_project(&principal, &id, project.settings).await?;
    Ok(Json(project.into()))
}

/// How many phones a project has, by condition.
async fn counts(native: &Native, project: &ProjectId) -> Result<Counts, Problem> {
    let reads = native.handle.reads();
    let count = async |filter: PhoneFilter| {
        let found = reads.phones(&Principal::admin(), project, &filter, 0, 1).await?;
        Ok::<u64, store::Error>(found.total)
    };
    let of = |condition| PhoneFilter { conditions: vec![condition], ..PhoneFilter::default() };
    Ok(Counts {
        total: count(PhoneFilter::default()).await?,
        new: count(of(Condition::New)).await?,
        running: count(of(Condition::Running)).await?,
        restarting: count(of(Condition::Restarting)).await?,
        resetting: count(of(Condition::Resetting)).await?,
        stopping: count(of(Condition::Stopping)).await?,
        stopped: count(of(Condition::Stopped)).await?,
        abnormal: count(of(Condition::Abnormal)).await?,
        frozen: count(PhoneFilter { frozen: Some(true), ..PhoneFilter::default() }).await?,
    })
}

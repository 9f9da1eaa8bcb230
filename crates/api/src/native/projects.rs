//! Projects: the tenants.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::ProjectChange;
use fleet::limits::PASSWORD_OVERLAP_MAX;
use fleet::{
    AdoptionPolicy, Condition, DriftPolicy, IssProfile, IssSettings, Principal, ProjectId,
    ProjectSettings,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::PhoneFilter;
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Project {
    /// Its id: CPH's project_id.
    #[schema(value_type = String, max_length = 64)]
    id: ProjectId,
    /// The operator's name for it.
    name: String,
    /// What the operator says of it; empty if nothing.
    description: String,
    /// What holds for all of its devices.
    settings: Settings,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its name, its description or what holds for its devices last changed.
    #[schema(format = DateTime)]
    updated_at: String,
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
    /// How long, in seconds, the user name and password of a camera go on working after others
    /// took their place, unless that update says otherwise.
    #[schema(maximum = 2_592_000)]
    password_overlap_seconds: u32,
    /// How the ISS door treats the project.
    iss: Iss,
}

/// How the ISS door treats a project: what the vendor's documents leave open.
#[derive(Debug, Serialize, ToSchema)]
struct Iss {
    /// By which published form of the API requests are checked: `460` (`Pwd` is required and has 6
    /// to 64 digits) or `1344` (it may be left out and has up to 64 characters).
    #[schema(value_type = String, example = "460")]
    profile: IssProfile,
    /// Whether `Ip` may be a private address, which the vendor forbids.
    private_ip: bool,
    /// Whether answers show passwords as asterisks; the vendor shows them.
    mask_passwords: bool,
}

impl From<ProjectSettings> for Settings {
    fn from(settings: ProjectSettings) -> Self {
        let ProjectSettings { paused, drift, adoption, identity, password_overlap_seconds, iss } =
            settings;
        let IssSettings { profile, private_ip, mask_passwords } = iss;
        let iss = Iss { profile, private_ip, mask_passwords };
        Self { paused, drift, adoption, identity, password_overlap_seconds, iss }
    }
}

impl From<fleet::Project> for Project {
    fn from(project: fleet::Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            description: project.description,
            settings: project.settings.into(),
            created_at: project.created_at.to_string(),
            updated_at: project.updated_at.to_string(),
        }
    }
}

/// A project and its devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectWithDevices {
    /// The project.
    #[serde(flatten)]
    project: Project,
    /// How many phones it has in each condition, and how many there are.
    devices: PhoneCounts,
    /// How many cameras it has.
    cameras: u64,
}

/// How many phones there are.
#[derive(Debug, Default, Serialize, ToSchema)]
struct PhoneCounts {
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

/// What a project is called and what is to hold for all of its devices from now on. What is absent
/// stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedProject {
    /// The operator's name for it: 1 to 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// What the operator says of it: up to 1,024 bytes.
    #[schema(max_length = 1024)]
    description: Option<String>,
    /// Whether nothing is done on its devices for now.
    paused: Option<bool>,
    /// `report` or `repair`.
    #[schema(value_type = Option<String>, pattern = "^(report|repair)$")]
    drift: Option<DriftPolicy>,
    /// `unmarked` or `explicit`.
    #[schema(value_type = Option<String>, pattern = "^(unmarked|explicit)$")]
    adoption: Option<AdoptionPolicy>,
    /// Whether identity properties beyond the vendor's list may be changed.
    identity: Option<bool>,
    /// How long, in seconds, a camera's replaced user name and password go on working: at most 30
    /// days.
    #[schema(maximum = 2_592_000)]
    password_overlap_seconds: Option<u32>,
    /// How the ISS door treats it.
    iss: Option<ChangedIss>,
}

/// How the ISS door is to treat a project from now on. What is absent stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedIss {
    /// `460` or `1344`.
    #[schema(value_type = Option<String>, pattern = "^(460|1344)$")]
    profile: Option<IssProfile>,
    /// Whether `Ip` may be a private address.
    private_ip: Option<bool>,
    /// Whether answers show passwords as asterisks.
    mask_passwords: Option<bool>,
}

impl ChangedProject {
    /// What holds from now on, where `settings` did.
    fn settings(&self, settings: ProjectSettings) -> ProjectSettings {
        let unchanged = ChangedIss::default();
        let iss = self.iss.as_ref().unwrap_or(&unchanged);
        ProjectSettings {
            paused: self.paused.unwrap_or(settings.paused),
            drift: self.drift.unwrap_or(settings.drift),
            adoption: self.adoption.unwrap_or(settings.adoption),
            identity: self.identity.unwrap_or(settings.identity),
            password_overlap_seconds: self
                .password_overlap_seconds
                .unwrap_or(settings.password_overlap_seconds),
            iss: IssSettings {
                profile: iss.profile.unwrap_or(settings.iss.profile),
                private_ip: iss.private_ip.unwrap_or(settings.iss.private_ip),
                mask_passwords: iss.mask_passwords.unwrap_or(settings.iss.mask_passwords),
            },
        }
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
    /// What the operator says of it: up to 1,024 bytes.
    #[serde(default)]
    #[schema(max_length = 1024)]
    description: String,
}

/// Lists the projects.
#[utoipa::path(
    get,
    path = "/projects",
    tag = "projects",
    security(("token" = ["viewer"])),
    responses(
        (status = 200, description = "All projects", body = Projects),
        openapi::Guarded,
    )
)]
pub(super) async fn list_projects(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
) -> Result<Json<Projects>, Problem> {
    let projects = native.handle.reads().projects(&principal).await?;
    Ok(Json(Projects { projects: projects.into_iter().map(Project::from).collect() }))
}

/// Makes a project.
#[utoipa::path(
    post,
    path = "/projects",
    tag = "projects",
    security(("token" = ["server"])),
    request_body = NewProject,
    responses(
        (status = 201, description = "The project", body = Project),
        openapi::Invalid, openapi::Guarded, openapi::Conflict,
    )
)]
pub(super) async fn create_project(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::Json(new): exchange::Json<NewProject>,
) -> Result<(StatusCode, Json<Project>), Problem> {
    let NewProject { name, id, description } = new;
    let made = native.handle.create_project(&principal, name, id, description).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Shows a project, how its phones are doing, and how many cameras it has.
#[utoipa::path(
    get,
    path = "/projects/{project}",
    tag = "projects",
    security(("token" = ["viewer"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The project", body = ProjectWithDevices),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_project(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<ProjectId>,
) -> Result<Json<ProjectWithDevices>, Problem> {
    let reads = native.handle.reads();
    let found = reads.project(&principal, &id).await?;
    let project = found.ok_or_else(|| Problem::no_such_project(&id))?;
    let devices = counts(&native, &principal, &id).await?;
    let cameras = reads.cameras(&principal, &id, 0, 1).await?.total;
    Ok(Json(ProjectWithDevices { project: project.into(), devices, cameras }))
}

/// Changes what a project is called and what holds for all of its devices.
#[utoipa::path(
    patch,
    path = "/projects/{project}",
    tag = "projects",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = ChangedProject,
    responses(
        (status = 200, description = "The project as it is from now on", body = Project),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn change_project(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<ProjectId>,
    exchange::Json(changed): exchange::Json<ChangedProject>,
) -> Result<Json<Project>, Problem> {
    let handle = &native.handle;
    // Between the read and the write another operator's change could be lost.
    let _alone = native.settings_changes.lock().await;
    let found = handle.reads().project(&principal, &id).await?;
    let mut project = found.ok_or_else(|| Problem::no_such_project(&id))?;
    let overlap_max = PASSWORD_OVERLAP_MAX.as_secs();
    if changed.password_overlap_seconds.is_some_and(|overlap| u64::from(overlap) > overlap_max) {
        // Before the first of two changes: all of the call is refused for it.
        let detail = format!("password_overlap_seconds: at most {overlap_max} are allowed");
        return Err(Problem::invalid(detail));
    }
    let ChangedProject { name, description, paused, .. } = &changed;
    let change =
        ProjectChange { name: name.clone(), description: description.clone(), paused: *paused };
    if change != ProjectChange::default() {
        project = handle.change_project(&principal, &id, change).await?;
    }
    let settings = changed.settings(project.settings);
    if settings != project.settings {
        handle.set_project(&principal, &id, settings).await?;
        let found = handle.reads().project(&principal, &id).await?;
        project = found.ok_or_else(|| Problem::no_such_project(&id))?;
    }
    Ok(Json(project.into()))
}

/// Deletes a project that has no devices, with its access keys, users and organizations.
#[utoipa::path(
    delete,
    path = "/projects/{project}",
    tag = "projects",
    security(("token" = ["server"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn delete_project(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<ProjectId>,
) -> Result<StatusCode, Problem> {
    native.handle.delete_project(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many phones a project has, by condition.
async fn counts(
    native: &Native,
    principal: &Principal,
    project: &ProjectId,
) -> Result<PhoneCounts, Problem> {
    let reads = native.handle.reads();
    let count = async |filter: PhoneFilter| {
        let found = reads.phones(principal, project, &filter, 0, 1).await?;
        Ok::<u64, store::Error>(found.total)
    };
    let of = |condition| PhoneFilter { conditions: vec![condition], ..PhoneFilter::default() };
    Ok(PhoneCounts {
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

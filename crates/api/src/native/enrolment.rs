//! On what terms cameras may enrol in a project.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use engine::NewEnrolment;
use fleet::limits::ENROLMENT_PREFIXES_MAX;
use fleet::{IdPrefix, Principal, ProjectId, Secret, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::import::password;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// On what terms cameras may enrol in a project. The password is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Enrolment {
    /// Whether cameras may enrol now: the end is still to come.
    open: bool,
    /// What their ids begin with, one of these.
    #[schema(value_type = Vec<String>, example = json!(["34020000"]))]
    prefixes: Vec<IdPrefix>,
    /// Until when they may.
    #[schema(format = DateTime)]
    ends_at: String,
    /// Who set it last: `admin`, or `user:NAME`.
    #[schema(example = "admin")]
    set_by: String,
    /// When that was.
    #[schema(format = DateTime)]
    set_at: String,
}

/// On what terms cameras may enrol from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTerms {
    /// The password that the cameras share. It is never shown. Unless given, the one that is there
    /// stays.
    #[serde(default, deserialize_with = "password")]
    #[schema(value_type = Option<String>, min_length = 8, max_length = 256)]
    password: Option<Secret<String>>,
    /// What their ids begin with, one of these: each 1 to 20 digits. Where several projects have
    /// one that fits, the longest counts, and of equal ones the first four by project.
    #[schema(min_items = 1, max_items = 32, example = json!(["34020000"]))]
    prefixes: Vec<String>,
    /// Until when: at most 90 days from now. Either this or `ends_in_days`.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// For how many days: 1 to 90. Either this or `ends_at`.
    #[schema(minimum = 1, maximum = 90)]
    ends_in_days: Option<u32>,
}

impl NewTerms {
    /// What is asked of the engine at `now`.
    fn read(self, now: Timestamp) -> Result<NewEnrolment, Problem> {
        if self.prefixes.len() > ENROLMENT_PREFIXES_MAX {
            let detail = format!("prefixes: at most {ENROLMENT_PREFIXES_MAX} are allowed");
            return Err(Problem::invalid(detail));
        }
        let prefixes = self.prefixes.into_iter().map(IdPrefix::new);
        let prefixes = prefixes
            .collect::<Result<_, _>>()
            .map_err(|error| Problem::invalid(format!("prefixes: {error}")))?;
        let ends_at = match (self.ends_at, self.ends_in_days) {
            (Some(text), None) => {
                text.parse().map_err(|error| Problem::invalid(format!("ends_at: {error}")))?
            }
            (None, Some(days)) => now.plus(Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            _ => return Err(Problem::invalid("give either ends_at or ends_in_days")),
        };
        Ok(NewEnrolment { password: self.password, prefixes, ends_at })
    }
}

/// The terms that a project has now.
async fn shown(
    native: &Native,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Json<Enrolment>, Problem> {
    let reads = native.handle.reads();
    if reads.project(principal, project).await?.is_none() {
        return Err(Problem::no_such_project(project));
    }
    let Some(stored) = reads.enrolment(principal, project).await? else {
        let detail = format!("no camera may enrol in project {project}");
        return Err(Problem::not_found(detail));
    };
    Ok(Json(Enrolment {
        open: native.handle.now() < stored.ends_at,
        prefixes: stored.prefixes,
        ends_at: stored.ends_at.to_string(),
        set_by: stored.actor,
        set_at: stored.set_at.to_string(),
    }))
}

/// Shows on what terms cameras may enrol in a project; 404 where they may not.
#[utoipa::path(
    get,
    path = "/projects/{project}/enrolment",
    tag = "enrolment",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The terms", body = Enrolment),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_enrolment(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
) -> Result<Json<Enrolment>, Problem> {
    shown(&native, &principal, &project).await
}

/// Opens a project for enrolment, or changes on what terms it is open: a camera that nobody has put
/// on record and that registers with the password is listed as pending, and is nothing else until
/// an operator accepts it.
#[utoipa::path(
    put,
    path = "/projects/{project}/enrolment",
    tag = "enrolment",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    request_body = NewTerms,
    responses(
        (status = 200, description = "The terms from now on", body = Enrolment),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn open_enrolment(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    exchange::Json(new): exchange::Json<NewTerms>,
) -> Result<Json<Enrolment>, Problem> {
    let new = new.read(native.handle.now())?;
    native.handle.open_enrolment(&principal, &project, new).await?;
    shown(&native, &principal, &project).await
}

/// Closes a project for enrolment, and forgets the password and all cameras that are pending.
#[utoipa::path(
    delete,
    path = "/projects/{project}/enrolment",
    tag = "enrolment",
    security(("token" = ["admin"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 204, description = "No camera may enrol"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn close_enrolment(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
) -> Result<StatusCode, Problem> {
    native.handle.close_enrolment(&principal, &project).await?;
    Ok(StatusCode::NO_CONTENT)
}

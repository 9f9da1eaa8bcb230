//! Whom a GB device must register as: its digest user name and its password; and how many register
//! so.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use engine::{CameraAsked, Credentials, Patch, UpdateEntry};
use fleet::{DeviceId, Kind, Operation, ProjectId, Secret};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::{self, ShowQuery};
use super::exchange::{self, FromPath, FromQuery};
use super::import::password;
use super::keyed::Call;
use super::power::{Accepted, accept};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Whom a camera must register as from now on. What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredentials {
    /// The digest user name.
    #[schema(min_length = 1, max_length = 256)]
    user: Option<String>,
    /// The password. It is never shown.
    #[serde(default, deserialize_with = "password")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    password: Option<Secret<String>>,
    /// How long, in seconds, those that are replaced work besides: at most 30 days. Unless given,
    /// as long as the project says.
    #[schema(maximum = 2_592_000)]
    overlap_seconds: Option<u32>,
}

/// Gives a camera another user name or password to register with. It holds from its next REGISTER
/// on, refreshes included; the camera itself is not told. What it has already changes nothing.
#[utoipa::path(
    put,
    path = "/devices/{id}/credentials",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = NewCredentials,
    responses(
        (status = 202, description = "The job, which has succeeded already", body = Accepted),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn set_credentials(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    exchange::Json(new): exchange::Json<NewCredentials>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let NewCredentials { user, password, overlap_seconds } = new;
    let overlap = overlap_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let credentials = Credentials { user, password, overlap };
    if credentials.is_empty() {
        return Err(Problem::invalid("neither user nor password is given"));
    }
    let device = devices::find(&native, &principal, query.project.as_ref(), &id).await?.device;
    devices::check_kind(&device, Kind::Camera, "only a camera registers")?;
    let entry = UpdateEntry {
        device: Ok(id),
        clear: false,
        patch: Ok(Patch::default()),
        camera: CameraAsked { credentials, ..CameraAsked::default() },
        if_revision: None,
    };
    accept(&native, (&principal, call), device, Operation::Update, entry).await
}

/// With which user names and passwords the cameras of a project are registered now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CredentialsCounts {
    /// With those on record.
    current: u64,
    /// With those from before they were changed, which work for a while yet.
    old: u64,
    /// They are registered, and have not been renewed since the change.
    not_renewed: u64,
    /// They are not registered, those that never were among them.
    offline: u64,
    /// The latest time until which those from before a change work for some camera; null if they
    /// work for none.
    #[schema(format = DateTime)]
    overlap_until: Option<String>,
}

/// Counts the cameras of a project by the user name and password that they are registered with: how
/// far a change of passwords has come. Which cameras they are a list with `credentials` says.
#[utoipa::path(
    get,
    path = "/projects/{project}/credentials",
    tag = "projects",
    security(("token" = ["viewer"])),
    params(("project" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The counts", body = CredentialsCounts),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn count_credentials(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
) -> Result<Json<CredentialsCounts>, Problem> {
    let counted = native.handle.reads().credentials_counts(&principal, &project).await?;
    let counted = counted.ok_or_else(|| Problem::no_such_project(&project))?;
    let store::CredentialsCounts { current, old, not_renewed, offline, overlap_until } = counted;
    let overlap_until = overlap_until.map(|until| until.to_string());
    Ok(Json(CredentialsCounts { current, old, not_renewed, offline, overlap_until }))
}

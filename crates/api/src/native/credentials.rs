//! Whom a GB device must register as: its digest user name and its password.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use engine::{CameraAsked, Credentials, Patch, UpdateEntry};
use fleet::{DeviceId, Kind, Operation, Secret};
use http::StatusCode;
use serde::Deserialize;
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

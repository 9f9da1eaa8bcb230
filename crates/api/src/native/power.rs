//! Restarting, resetting and stopping a device: updates that ask for more than values.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{CallId, CameraAsked, Patch, Update, UpdateEntry};
use fleet::{DeviceId, Door, JobId, Kind, Operation, Principal, ProjectId, RequestId, Values};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::JobWithDevice;
use utoipa::ToSchema;

use super::devices::{self, ShowQuery};
use super::exchange::{FromPath, FromQuery, JsonOrNothing};
use super::keyed::Call;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// What a restart is to bring besides the restart.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Restart {
    /// Values to set before it, by property, each as text.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    property: Values,
}

/// What a reset is to bring besides the reset.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reset {
    /// Values to show afterwards, by property, each as text.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    property: Values,
    /// Whether all that was asked of the device before is forgotten.
    factory_reset: bool,
}

/// A stop, which brings nothing else.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Stop {}

/// What was accepted: durable, and worked on from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// The job.
    #[schema(value_type = String)]
    job: JobId,
    /// The update that it belongs to.
    #[schema(value_type = String)]
    request: RequestId,
    /// The device's project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// The device.
    #[schema(value_type = String)]
    device: DeviceId,
}

/// Restarts a phone, or starts it if it is stopped. The job has succeeded when the device is back
/// and shows all that is asked of it.
#[utoipa::path(
    post,
    path = "/devices/{id}/restart",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = Restart,
    responses(
        (status = 202, description = "The job", body = Accepted),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn restart_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    JsonOrNothing(Restart { property }): JsonOrNothing<Restart>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let asked = Asked { operation: Operation::Restart, clear: false, property };
    ask(&native, &principal, call, query.project.as_ref(), id, asked).await
}

/// Takes a phone back to how it left the factory and starts it. What is asked of it is applied
/// anew, unless `factory_reset` says that it is to be forgotten.
#[utoipa::path(
    post,
    path = "/devices/{id}/reset",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = Reset,
    responses(
        (status = 202, description = "The job", body = Accepted),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn reset_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    JsonOrNothing(Reset { property, factory_reset }): JsonOrNothing<Reset>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let asked = Asked { operation: Operation::Reset, clear: factory_reset, property };
    ask(&native, &principal, call, query.project.as_ref(), id, asked).await
}

/// Stops a phone. It stays stopped until it is restarted.
#[utoipa::path(
    post,
    path = "/devices/{id}/stop",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = Stop,
    responses(
        (status = 202, description = "The job", body = Accepted),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn stop_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    JsonOrNothing(Stop {}): JsonOrNothing<Stop>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let asked = Asked { operation: Operation::Stop, clear: false, property: Values::new() };
    ask(&native, &principal, call, query.project.as_ref(), id, asked).await
}

impl Accepted {
    /// What is answered to a call of one device that was accepted before, with this job.
    pub(super) fn before(made: JobWithDevice) -> (StatusCode, Json<Self>) {
        let JobWithDevice { job, device_id, project_id, .. } = made;
        let (job, request) = (job.id, job.id.request());
        (StatusCode::ACCEPTED, Json(Self { job, request, project: project_id, device: device_id }))
    }
}

/// What is asked of a device.
struct Asked {
    operation: Operation,
    /// Whether what was asked before is forgotten.
    clear: bool,
    property: Values,
}

/// Asks it of the device with this id.
async fn ask(
    native: &Native,
    principal: &Principal,
    call: CallId,
    project: Option<&ProjectId>,
    id: DeviceId,
    asked: Asked,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    if let Some(made) = native.handle.first_job(principal, call).await? {
        return Ok(Accepted::before(made));
    }
    let device = devices::find(native, principal, project, &id).await?.device;
    let why = format!("nothing here can {} one", asked.operation.name());
    devices::check_kind(&device, Kind::Phone, &why)?;
    let entry = UpdateEntry {
        device: Ok(id),
        clear: asked.clear,
        patch: Ok(Patch::from(asked.property)),
        camera: CameraAsked::default(),
        if_revision: None,
    };
    accept(native, (principal, call), device, asked.operation, entry).await
}

/// Has what is asked of one device accepted as an update of its own.
pub(super) async fn accept(
    native: &Native,
    (principal, call): (&Principal, CallId),
    device: fleet::Device,
    operation: Operation,
    entry: UpdateEntry,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let request = call.request;
    let update = Update {
        call,
        door: Door::Native,
        project: device.project_id.clone(),
        kind: Some(device.kind),
        operation,
        entries: vec![entry],
    };
    let answers = native.handle.update(principal, update).await?;
    let answer = answers.into_iter().next();
    let unknown = || Problem::not_found(format!("no such device: {}", device.id));
    let job = answer.ok_or_else(unknown)??;
    let accepted = Accepted { job, request, project: device.project_id, device: device.id };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

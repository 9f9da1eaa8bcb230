//! What operators do to one device besides changing its values: freezing, adopting, checking.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::check::{Check, CheckItem, CheckResult};
use fleet::{AdoptionRequest, DeviceId, Kind, Principal};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::write::DeviceChange;
use utoipa::ToSchema;

use super::devices::{self, ShowQuery};
use super::exchange::{FromPath, FromQuery, JsonOrNothing};
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Declares calls that change one thing of a device and have neither a body nor an answer.
macro_rules! changes {
    ($($(#[doc = $doc:literal])* $name:ident $path:literal $change:expr;)*) => {
        $(
            $(#[doc = $doc])*
            #[utoipa::path(
                post,
                path = $path,
                tag = "devices",
                security(("token" = ["operator"])),
                params(("id" = String, Path, description = "The device's id"), ShowQuery),
                responses(
                    (status = 204, description = "It is done"),
                    openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
                )
            )]
            pub(super) async fn $name(
                State(native): State<Arc<Native>>,
                Caller(principal): Caller,
                FromPath(id): FromPath<DeviceId>,
                FromQuery(query): FromQuery<ShowQuery>,
            ) -> Result<StatusCode, Problem> {
                change(&native, &principal, &query, &id, $change).await
            }
        )*
    };
}

changes! {
    /// Freezes a device: it takes no updates until it is unfrozen.
    freeze_device "/devices/{id}/freeze" DeviceChange::Frozen(true);
    /// Unfreezes a device.
    unfreeze_device "/devices/{id}/unfreeze" DeviceChange::Frozen(false);
    /// Says that a phone has been stopped by other means than this server's: values for it are
    /// stored until it answers again.
    mark_stopped "/devices/{id}/mark-stopped" DeviceChange::Stopped(true);
    /// Says that a phone that was stopped has been started.
    mark_started "/devices/{id}/mark-started" DeviceChange::Stopped(false);
}

/// Makes one change of a device.
async fn change(
    native: &Native,
    principal: &Principal,
    query: &ShowQuery,
    id: &DeviceId,
    change: DeviceChange,
) -> Result<StatusCode, Problem> {
    let device = devices::find(native, principal, query.project.as_ref(), id).await?.device;
    native.handle.change_device(principal, &device.project_id, &device.id, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a device is to be adopted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Adopt {
    /// Whether a phone that bears another marker is given this one all the same. For a phone that
    /// took the place of another, or was another server's.
    replace_marker: bool,
    /// Whether what it shows becomes what is asked of it, where nothing is asked yet. Nothing is
    /// changed on the phone by it.
    from_reported: bool,
}

/// Adopts the phone that answers at a device's address: gives it the record's marker, by which it
/// is known from then on. The device shows when it is done.
#[utoipa::path(
    post,
    path = "/devices/{id}/adopt",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = Adopt,
    responses(
        (status = 202, description = "It is asked for, and done when the phone answers"),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn adopt_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    JsonOrNothing(Adopt { replace_marker, from_reported }): JsonOrNothing<Adopt>,
) -> Result<StatusCode, Problem> {
    let adoption = AdoptionRequest { replace_marker, from_reported };
    change(&native, &principal, &query, &id, DeviceChange::Adopt(adoption)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What a look at a device found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    /// Whether nothing failed. What the device's profile does not support is no failure.
    holds: bool,
    /// Everything that was looked at, in order.
    items: Vec<Item>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
struct Item {
    /// What.
    name: String,
    /// How it is.
    result: Outcome,
    /// What was seen.
    detail: String,
    /// What to do about it, in a sentence; null if there is nothing to do.
    remedy: Option<String>,
}

/// How a thing is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Not looked at, since something before it failed.
    NotReached,
    /// Not supported by the device's profile, which is no failure.
    Unsupported,
}

impl From<CheckItem> for Item {
    fn from(item: CheckItem) -> Self {
        let (result, remedy) = match item.result {
            CheckResult::Passed => (Outcome::Passed, None),
            CheckResult::Failed { remedy } => (Outcome::Failed, Some(remedy)),
            CheckResult::NotReached => (Outcome::NotReached, None),
            CheckResult::Unsupported => (Outcome::Unsupported, None),
        };
        Self { name: item.name, result, detail: item.detail, remedy }
    }
}

impl From<Check> for Checked {
    fn from(check: Check) -> Self {
        let holds = check.holds();
        Self { holds, items: check.items.into_iter().map(Item::from).collect() }
    }
}

/// Looks at a device step by step: whether it is reachable, lets us in, is the right one, gives the
/// rights that its profile needs, and how each property that can be asked of it is set and read.
/// Changes nothing.
#[utoipa::path(
    get,
    path = "/devices/{id}/check",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    responses(
        (status = 200, description = "What was found", body = Checked),
        openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn check_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<Json<Checked>, Problem> {
    let device = devices::find(&native, &principal, query.project.as_ref(), &id).await?.device;
    let project = &device.project_id;
    let check = native.handle.check(&principal, project, &device.id).await?;
    Ok(Json(check.into()))
}

/// The arguments that a device's container has to be made with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StartArguments {
    /// One a value, in the order of the properties' names.
    arguments: Vec<String>,
}

/// Gives the arguments with which a phone's container has to be made, so that it shows the values
/// that are asked of it and fixed at its start.
#[utoipa::path(
    get,
    path = "/devices/{id}/start-args",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    responses(
        (status = 200, description = "The arguments", body = StartArguments),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn start_arguments(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<Json<StartArguments>, Problem> {
    let device = devices::find(&native, &principal, query.project.as_ref(), &id).await?.device;
    devices::check_kind(&device, Kind::Phone, "only a phone runs in a container")?;
    let project = &device.project_id;
    let arguments = native.handle.start_arguments(&principal, project, &device.id).await?;
    Ok(Json(StartArguments { arguments }))
}

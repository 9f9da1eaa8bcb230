//! Changing what is desired of one device, as long as nobody else has meanwhile.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{CameraAsked, Patch, UpdateEntry};
use fleet::{DeviceId, Kind, Operation, Values};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::devices::{self, ShowQuery};
use super::entity_tag::Tags;
use super::exchange::{self, FromPath, FromQuery};
use super::keyed::Call;
use super::power::{Accepted, accept};
use super::token::Caller;
use super::updates::create::values;
use super::{Native, Problem, openapi};

/// What is to be desired of a device besides what is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DesiredPatch {
    /// The values, by property, each as text. What is not named stays as it is.
    #[serde(default, deserialize_with = "values")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    set: Values,
    /// Whether the device is restarted too, once it holds the values. Of a phone only.
    #[serde(default)]
    restart: bool,
}

/// Changes what is desired of a device; with `If-Match`, only if it is at one of these revisions,
/// which is the `ETag` of the device. Of two who have read the same and change it, one alone does.
#[utoipa::path(
    patch,
    path = "/devices/{id}/desired",
    tag = "devices",
    security(("token" = ["operator"])),
    params(
        ("id" = String, Path, description = "The device's id"),
        ShowQuery,
        ("If-Match" = Option<String>, Header,
            description = "The revision that the device has to be at: its `ETag`, several of such, \
                           or `*` for any. Weak tags never match."),
    ),
    request_body = DesiredPatch,
    responses(
        (status = 202, description = "The job that it got", body = Accepted),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict, openapi::Differs,
    )
)]
pub(super) async fn change_desired(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    headers: HeaderMap,
    exchange::Json(DesiredPatch { set, restart }): exchange::Json<DesiredPatch>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let tags = Tags::if_match(&headers)?;
    if set.is_empty() && !restart {
        return Err(Problem::invalid("set: is empty, so that nothing is asked for"));
    }
    if let Some(made) = native.handle.first_job(&principal, call).await? {
        // It is at another revision since, by this very call.
        return Ok(Accepted::before(made));
    }
    let found = devices::find(&native, &principal, query.project.as_ref(), &id).await?;
    let operation = if restart { Operation::Restart } else { Operation::Update };
    if restart {
        devices::check_kind(&found.device, Kind::Phone, "nothing here can restart one")?;
    }
    let required = tags.map(|tags| tags.required(found.state.revision)).transpose()?;
    let entry = UpdateEntry {
        device: Ok(id),
        clear: false,
        patch: Ok(Patch::from(set)),
        camera: CameraAsked::default(),
        if_revision: required.flatten(),
    };
    accept(&native, (&principal, call), found.device, operation, entry).await
}

//! ShowCloudPhoneDetail (CPH API, page cph_api_0504): one phone and the values asked of it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::{Condition, DeviceId, RequestId};
use serde::Serialize;
use store::DeviceWithState;

use super::auth::Call;
use super::error::{Code, Failure};
use super::{Door, answer};

/// The answer: of the vendor's fields those that this server knows. Nothing is made up for the
/// rest.
#[derive(Serialize)]
struct Shown {
    request_id: RequestId,
    phone_name: String,
    server_id: String,
    phone_id: DeviceId,
    status: i8,
    /// 0: no trial.
    r#type: u8,
    /// The values asked for, each as text, in the text of a JSON object.
    property: String,
    create_time: String,
    update_time: String,
}

/// `GET /v1/{project_id}/cloud-phone/phones/{phone_id}`.
pub(crate) async fn show_phone(State(door): State<Arc<Door>>, request: Request) -> Response {
    let id = door.handle.next_request_id();
    let shown = match door.admit(request).await {
        Ok(call) => show(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, shown)
}

/// Finds the phone.
async fn show(door: &Door, id: RequestId, call: &Call) -> Result<Shown, Failure> {
    let phone =
        DeviceId::new(call.param("phone_id")).map_err(|_| Failure::of(Code::PhoneIdInvalid))?;
    let found = door.handle.reads().device(&call.principal, Some(&call.project), &phone).await?;
    let Some(DeviceWithState { device, state }) = found.into_iter().next() else {
        return Err(Failure::of(Code::PhoneUnknown));
    };
    let property = serde_json::to_string(&state.desired.values()).map_err(|error| {
        tracing::error!(%error, "desired values can't be written as JSON");
        Failure::of(Code::Internal)
    })?;
    Ok(Shown {
        request_id: id,
        phone_name: device.name,
        server_id: device.server,
        phone_id: device.id,
        status: status(state.condition),
        r#type: 0,
        property,
        create_time: device.created_at.to_seconds_text(),
        update_time: device.updated_at.to_seconds_text(),
    })
}

/// The vendor's number: 1 creating, 2 running, -7 abnormal.
fn status(condition: Condition) -> i8 {
    match condition {
        Condition::New => 1,
        Condition::Running => 2,
        Condition::Abnormal => -7,
    }
}

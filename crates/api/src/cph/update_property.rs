//! UpdateCloudPhoneProperty (CPH API, page cph_api_0536): sets properties of many phones, each its
//! own, and answers with a job for each phone that takes them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::Operation;

use super::{Door, answer, batch, body};

/// `POST /v1/{project_id}/cloud-phone/phones/batch-update-property`.
pub(crate) async fn update_property(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let call = match door.admit(&mut id, request).await {
        Ok(call) => call,
        Err(failure) => return answer::refuse(id, &failure),
    };
    match body::batch(&call.body) {
        Ok(asked) => batch::run(&door, id, &call, Operation::Update, &asked.entries).await,
        Err(failure) => answer::refuse(id, &failure),
    }
}

//! RestartCloudPhone, ResetCloudPhone and StopCloudPhone (CPH API, pages cph_api_0515, 0514 and
//! 0516): switch many phones, and answer with a job for each. The first two take properties too,
//! which are applied before and shown by the phone afterwards.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::Operation;

use super::body::Given;
use super::error::{Code, Failure};
use super::{Door, answer, batch, body};

/// `POST /v1/{project_id}/cloud-phone/phones/batch-restart`.
pub(crate) async fn restart_phones(State(door): State<Arc<Door>>, request: Request) -> Response {
    switch(&door, Operation::Restart, request).await
}

/// `POST /v1/{project_id}/cloud-phone/phones/batch-reset`.
pub(crate) async fn reset_phones(State(door): State<Arc<Door>>, request: Request) -> Response {
    switch(&door, Operation::Reset, request).await
}

/// `POST /v1/{project_id}/cloud-phone/phones/batch-stop`.
pub(crate) async fn stop_phones(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let call = match door.admit(&mut id, request).await {
        Ok(call) => call,
        Err(failure) => return answer::refuse(id, &failure),
    };
    match body::ids(&call.body) {
        Ok(entries) => batch::run(&door, id, &call, Operation::Stop, &entries).await,
        Err(failure) => answer::refuse(id, &failure),
    }
}

/// Restarts or resets.
async fn switch(door: &Door, operation: Operation, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let call = match door.admit(&mut id, request).await {
        Ok(call) => call,
        Err(failure) => return answer::refuse(id, &failure),
    };
    let asked = body::batch(&call.body).and_then(|asked| {
        no_image(&asked.image_id)?;
        Ok(asked.entries)
    });
    match asked {
        Ok(entries) => batch::run(door, id, &call, operation, &entries).await,
        Err(failure) => answer::refuse(id, &failure),
    }
}

/// Refuses a call that asks for another image: an image is the container's or the phone's own, and
/// nothing that ADB reaches can change it. Passing over it would be a reset to the wrong image.
fn no_image(image_id: &Given<'_>) -> Result<(), Failure> {
    let refused = |detail| Err(Failure::because(Code::ImageIdInvalid, detail));
    match image_id {
        Given::Absent | Given::Other("null") => Ok(()),
        Given::Text(id) if id.is_empty() => Ok(()),
        Given::Text(_) => refused("This server can't change the image of a phone: leave it out."),
        Given::Other(_) | Given::Twice => refused("It is not one text."),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn an_image_is_refused_unless_none_is_named() {
        for none in [Given::Absent, Given::Other("null"), Given::Text(Cow::Borrowed(""))] {
            assert_eq!(no_image(&none), Ok(()));
        }
        for one in [Given::Text(Cow::Borrowed("20032120")), Given::Other("a number"), Given::Twice]
        {
            assert_eq!(no_image(&one).unwrap_err().code, Code::ImageIdInvalid);
        }
    }
}

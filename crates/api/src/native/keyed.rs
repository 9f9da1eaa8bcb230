//! Calls of this door that may be sent twice: see [`crate::idempotency`].

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse as _, Response};
use engine::CallId;
use fleet::Principal;
use fleet::limits::BODY_BYTES_MAX;
use http::StatusCode;
use http::request::Parts;

use super::{Native, Problem, exchange};
use crate::admission::NoRoom;
use crate::idempotency::{RETRY_SECONDS, Stopped, replay, to_the_end};

/// The id under which a call is made: that of its key, or else one of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call(pub(super) CallId);

impl FromRequestParts<Arc<Native>> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, native: &Arc<Native>) -> Result<Self, Problem> {
        let keyed = parts.extensions.get::<Self>().copied();
        Ok(keyed.unwrap_or_else(|| Self(native.handle.new_call())))
    }
}

/// Makes a call with a key, of a caller who may: `call` makes it, unless it was made before.
pub(super) async fn make<F>(
    native: &Native,
    principal: Principal,
    request: Request,
    call: impl FnOnce(Request) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = Response> + Send,
{
    let (mut parts, body) = request.into_parts();
    let room = match native.admission.bodies.take(&body, BODY_BYTES_MAX) {
        Ok(room) => room,
        Err(NoRoom) => return Problem::from(Stopped::Busy).into_response(),
    };
    let body = match exchange::read_whole(body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let keys = native.keys.clone();
    to_the_end(async move {
        let response = match keys.reserve(&parts, &principal, &body).await {
            Ok(held) => {
                parts.extensions.insert(Call(held.call()));
                let response = call(Request::from_parts(parts, Body::from(body))).await;
                held.keep(response).await
            }
            Err(Stopped::Answered(answer)) => replay(Response::default(), answer),
            Err(stopped) => Problem::from(stopped).into_response(),
        };
        drop(room);
        response
    })
    .await
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Invalid(rule) => Self::invalid(rule),
            // An answer that was given takes the place of this one.
            Stopped::InProgress | Stopped::Answered(_) => {
                let detail = "the call of this Idempotency-Key is being made";
                Self::conflict("idempotency_in_progress", detail).retry_after(RETRY_SECONDS)
            }
            Stopped::TooLarge => Self::conflict(
                "idempotency_answer_too_large",
                "the call of this Idempotency-Key was made; its answer was too large to be kept",
            ),
            Stopped::Reused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this Idempotency-Key was used for another request",
            ),
            Stopped::TooMany => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_idempotency_keys",
                "the caller has used as many Idempotency-Keys in a day as are kept",
            )
            .retry_after(RETRY_LATER_SECONDS),
            Stopped::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "too many calls with an Idempotency-Key are being made",
            )
            .retry_after(RETRY_SECONDS),
            Stopped::Failed(error) => error.into(),
        }
    }
}

/// When to try again with a key more than are kept: some run out all the time, but none soon.
const RETRY_LATER_SECONDS: u32 = 60;

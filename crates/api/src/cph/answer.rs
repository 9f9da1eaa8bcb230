//! The form of every answer: JSON, with the call's id in `X-Request-Id`.

use axum::body::Body;
use axum::response::Response;
use fleet::RequestId;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::error::{Code, Failure};

/// Where the vendor's SDK takes the request id from: it never reads it in the body.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The body of a refused call (CPH API, page cph_api_0602).
#[derive(Serialize)]
struct Refused<'a> {
    request_id: RequestId,
    error_code: &'a str,
    error_msg: &'a str,
}

/// The answer to the call `id`: 200 with `outcome`'s body, or its failure. The vendor's definition
/// and samples have 200 for POST too.
pub(super) fn send<T: Serialize>(id: RequestId, outcome: Result<T, Failure>) -> Response {
    match outcome.map(|body| serde_json::to_vec(&body)) {
        Ok(Ok(body)) => response(id, StatusCode::OK, body),
        Ok(Err(error)) => {
            tracing::error!(%error, "an answer can't be written as JSON");
            refuse(id, &Failure::of(Code::Internal))
        }
        Err(failure) => refuse(id, &failure),
    }
}

/// The answer to the call `id`, which is refused.
pub(super) fn refuse(id: RequestId, failure: &Failure) -> Response {
    tracing::debug!(%id, code = failure.code.text(), message = %failure.message, "refused");
    let body =
        Refused { request_id: id, error_code: failure.code.text(), error_msg: &failure.message };
    // Can't fail: it is three texts.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = response(id, failure.code.status(), body);
    if let Some(seconds) = failure.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to the call `id`: 204 with no body, or its failure.
pub(super) fn done(id: RequestId, outcome: Result<(), Failure>) -> Response {
    match outcome {
        Ok(()) => {
            let mut response = response(id, StatusCode::NO_CONTENT, Vec::new());
            response.headers_mut().remove(header::CONTENT_TYPE);
            response
        }
        Err(failure) => refuse(id, &failure),
    }
}

/// A response with the headers that each answer has.
pub(super) fn response(id: RequestId, status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

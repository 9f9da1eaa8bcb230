//! What is read of a native request, with every fault as a problem.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use fleet::limits::BODY_BYTES_MAX;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::listener::{BODY_TIMEOUT, BodyError, read_body};

/// A body that is a JSON object, whatever its `Content-Type` says. Bounded in size and time.
pub(super) struct Json<T>(pub(super) T);

/// A body of any type, whole. Bounded in size and time.
pub(super) struct Typed {
    /// What its `Content-Type` says; empty if it says nothing that can be read.
    pub(super) content_type: String,
    /// The body.
    pub(super) body: Bytes,
}

/// An object, where an empty body stands for `{}`.
pub(super) struct JsonOrNothing<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        object(&whole_body(request).await?).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Typed {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Ok(Self { content_type, body: whole_body(request).await? })
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonOrNothing<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = whole_body(request).await?;
        object(if body.is_empty() { b"{}" } else { &body }).map(Self)
    }
}

async fn whole_body(request: Request) -> Result<Bytes, Problem> {
    read_whole(request.into_body()).await
}

/// Reads a body whole.
///
/// # Errors
/// 413 over the bound; 400 if it does not come.
pub(super) async fn read_whole(body: Body) -> Result<Bytes, Problem> {
    let body = read_body(body, BODY_BYTES_MAX, BODY_TIMEOUT).await;
    body.map_err(|error| match error {
        BodyError::TooLarge { .. } => Problem::too_large(error.to_string()),
        BodyError::TooSlow { .. } | BodyError::Broken(_) => Problem::invalid(error.to_string()),
    })
}

/// Reads an object. A list is none, though serde takes one for a struct, its fields by position.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let read = parse(body)?;
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::invalid("the body must be a JSON object"));
    }
    Ok(read)
}

/// Reads a body that is JSON.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("the body can't be read: {error}")))
}

/// What stands for `{...}` in the path.
pub(super) struct FromPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for FromPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        // What can't be an id is no id of anything.
        path.map(|Path(value)| Self(value)).map_err(|error| Problem::not_found(error.body_text()))
    }
}

/// What follows `?`.
pub(super) struct FromQuery<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for FromQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|error| Problem::invalid(error.body_text()))
    }
}

/// Answers a path that no call has.
pub(super) async fn unknown() -> Problem {
    Problem::not_found("there is nothing at this path")
}

/// Answers a path that calls have, but not by this method.
pub(super) async fn wrong_method() -> Problem {
    Problem::wrong_method()
}

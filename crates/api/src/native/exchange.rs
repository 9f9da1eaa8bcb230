//! What is read of a native request, with every fault as a problem.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use fleet::limits::BODY_BYTES_MAX;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::listener::{BODY_TIMEOUT, BodyError, read_body};

/// A body that is a JSON object, whatever its `Content-Type` says. Bounded in size and time.
pub(super) struct Json<T>(pub(super) T);

/// The same for a list.
pub(super) struct JsonList<T>(pub(super) T);

/// An object, where an empty body stands for `{}`.
pub(super) struct JsonOrNothing<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        object(&whole_body(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonList<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&whole_body(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonOrNothing<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = whole_body(request).await?;
        object(if body.is_empty() { b"{}" } else { &body }).map(Self)
    }
}

async fn whole_body(request: Request) -> Result<axum::body::Bytes, Problem> {
    let body = read_body(request.into_body(), BODY_BYTES_MAX, BODY_TIMEOUT).await;
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

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
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

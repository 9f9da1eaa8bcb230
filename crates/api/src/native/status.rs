//! What machines ask of a server, without a token: none of it names a device.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fleet::{Principal, ProjectId};
use http::header;
use serde_json::json;

use super::{Native, Problem};

/// The committed OpenAPI document of this door.
const OPENAPI: &str = include_str!("../../../../openapi/native.json");

/// `GET /healthz`: the process lives.
pub(super) async fn healthz() -> Response {
    axum::Json(json!({ "status": "alive" })).into_response()
}

/// `GET /readyz`: the store answers a read. 503 where it does not, or has been closed.
pub(super) async fn readyz(State(native): State<Arc<Native>>) -> Result<Response, Problem> {
    let unready = |why: String| Problem::unavailable("not_ready", why, 1);
    // No such project need be: the answer is what is asked for.
    let probe = ProjectId::new("readyz").map_err(|error| unready(error.to_string()))?;
    let read = native.handle.reads().project(&Principal::engine(), &probe).await;
    read.map_err(|error| unready(error.to_string()))?;
    Ok(axum::Json(json!({ "status": "ready" })).into_response())
}

/// `GET /metrics`, in Prometheus's text format 0.0.4.
pub(super) async fn metrics(State(native): State<Arc<Native>>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, (native.metrics_render)())
}

/// `GET /openapi.json`: this door's document.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

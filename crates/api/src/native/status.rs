//! What machines ask of a server, without a token: none of it names a device.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::Handle;
use fleet::{Principal, ProjectId};
use http::header;
use serde_json::json;

use super::Problem;
use crate::router::MetricsRender;

/// The committed OpenAPI document of this door.
const OPENAPI: &str = include_str!("../../../../openapi/native.json");

/// What is asked of.
#[derive(Clone)]
pub(crate) struct Probes {
    /// The engine.
    pub(crate) handle: Handle,
    /// Gives the text of `/metrics`.
    pub(crate) metrics_render: MetricsRender,
}

/// `GET /healthz`: the process lives.
pub(super) async fn healthz() -> Response {
    axum::Json(json!({ "status": "alive" })).into_response()
}

/// How long a read may take before the store counts as not answering.
const PROBE_DEADLINE: Duration = Duration::from_secs(3);

/// Why a node can't do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// For anybody who asks: nothing of where the store is or what it said.
    pub reason: String,
    /// For the log.
    pub details: String,
}

/// Whether a node can do its work: its session lasts and is renewed, and the store answers a read.
pub async fn readiness(handle: &Handle) -> Result<(), Unready> {
    let standing = handle.standing();
    if let Some(trouble) = standing.trouble {
        let works = standing.roles.engine || standing.roles.sip;
        let what = if works && !standing.lease {
            "the node's lease is over"
        } else {
            "the node's session can't be renewed"
        };
        let reason = format!("{what} (since {}); its log says why", trouble.since);
        return Err(Unready { reason, details: trouble.why });
    }
    let unready = |details: String| {
        Err(Unready {
            reason: "the store does not answer; the node's log says why".into(),
            details,
        })
    };
    // No such project need be: the answer is what is asked for.
    let probe = match ProjectId::new("readyz") {
        Ok(probe) => probe,
        Err(error) => return unready(error.to_string()),
    };
    let engine = Principal::engine();
    let read = handle.reads().project(&engine, &probe);
    match tokio::time::timeout(PROBE_DEADLINE, read).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => unready(error.to_string()),
        Err(_) => unready(format!("a read took longer than {PROBE_DEADLINE:?}")),
    }
}

/// `GET /readyz`: the node can do its work. 503, and in a word why, where the store does not answer
/// a read or has been closed, and where the node has lost its lease.
pub(super) async fn readyz(State(probes): State<Probes>) -> Result<Response, Problem> {
    let ready = readiness(&probes.handle).await;
    // Strangers may ask as often as they like, so the log has the details from elsewhere.
    ready.map_err(|unready| Problem::unavailable("not_ready", unready.reason, 1))?;
    Ok(axum::Json(json!({ "status": "ready" })).into_response())
}

/// `GET /metrics`, in Prometheus's text format 0.0.4.
pub(super) async fn metrics(State(probes): State<Probes>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, (probes.metrics_render)())
}

/// `GET /openapi.json`: this door's document.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

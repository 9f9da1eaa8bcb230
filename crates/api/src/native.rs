//! The native door, `/api/v1`: projects, access keys, devices and jobs, for the operator of this
//! server and the command line. And what machines ask of a server: `/healthz`, `/readyz`,
//! `/metrics`, `/openapi.json`.
//!
//! The operator proves himself by `Authorization: Bearer` and the server's admin token; errors are
//! RFC 9457 problems. The OpenAPI document is made from the handlers and kept in `openapi/`.

mod devices;
mod exchange;
mod import;
mod jobs;
mod keys;
mod openapi;
mod problem;
mod projects;
mod status;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use engine::Handle;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::router::MetricsRender;

pub use openapi::document;
pub(crate) use problem::Problem;
pub use token::AdminToken;

/// What all calls of the door share.
pub(crate) struct Native {
    /// What is asked of the engine.
    pub(crate) handle: Handle,
    /// What opens the door.
    pub(crate) admin_token: AdminToken,
    /// Gives the text of `/metrics`.
    pub(crate) metrics_render: MetricsRender,
}

/// The door's paths: those that need the token, and those that do not.
pub(crate) fn routes<S>(native: Arc<Native>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let (guarded, _) = guarded().split_for_parts();
    let guarded = guarded
        .fallback(exchange::unknown)
        .method_not_allowed_fallback(exchange::wrong_method)
        .layer(axum::middleware::from_fn_with_state(native.clone(), token::guard))
        .with_state(native.clone());
    Router::new()
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(status::openapi))
        .method_not_allowed_fallback(exchange::wrong_method)
        .with_state(native)
        .nest_service("/api/v1", guarded)
}

/// The calls that need the token, with their documents. Their paths are below `/api/v1`.
fn guarded() -> OpenApiRouter<Arc<Native>> {
    OpenApiRouter::new()
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::show_device))
        .routes(routes!(import::import_devices))
        .routes(routes!(jobs::show_job))
}

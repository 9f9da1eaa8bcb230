//! The table of contents: every path that this server answers, and by what.
//!
//! CPH owns `/v1` to `/v3` at the root of the address, because the vendor's SDKs drop the path of
//! an endpoint. Ours is under `/api`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, on, post};
use engine::Handle;

use crate::listener::TrustedProxy;
use crate::native::{self, AdminToken, Native, OperatorFiles};
use crate::{cph, native::Problem};

/// What the doors are made from.
pub struct Options {
    /// What the doors ask of the engine.
    pub handle: Handle,
    /// What opens the native door.
    pub admin_token: AdminToken,
    /// Gives the text of `/metrics`, in Prometheus's format.
    pub metrics_render: MetricsRender,
    /// The operator's files on the server.
    pub operator_files: OperatorFiles,
    /// The names, ports included, under which a proxy that rewrites `Host` is reached. See
    /// [`crate::signature::huawei::Signed::verify`].
    pub public_hosts: Vec<String>,
    /// The proxies that are believed when they say, in `X-Forwarded-For`, where a request came
    /// from. See [`crate::listener::client_address`].
    pub trusted_proxies: Vec<TrustedProxy>,
}

/// Gives the text of `/metrics`.
pub type MetricsRender = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that this server answers.
pub fn router(options: Options) -> Router {
    let Options {
        handle,
        admin_token,
        metrics_render,
        operator_files,
        public_hosts,
        trusted_proxies,
    } = options;
    let door = Arc::new(cph::Door::new(handle.clone(), public_hosts, trusted_proxies));
    let native = Arc::new(Native::new(handle, admin_token, metrics_render, operator_files));
    Router::new()
        .merge(vendor(door.clone()))
        .merge(native::routes(native))
        .fallback(unknown)
        .with_state(door)
}

/// Huawei Cloud CPH: the calls that are offered, and those that say that they are not.
fn vendor(door: Arc<cph::Door>) -> Router<Arc<cph::Door>> {
    let mut router = phones().merge(around_phones());
    for operation in cph::NOT_OFFERED {
        let refuse = move |State(door): State<Arc<cph::Door>>| async move {
            cph::not_offered(&door, operation)
        };
        router = router.route(operation.path, on(operation.method, refuse));
    }
    router.method_not_allowed_fallback(cph::wrong_method).with_state(door)
}

/// The calls about phones and jobs.
fn phones() -> Router<Arc<cph::Door>> {
    Router::new()
        .route("/v1/{project_id}/cloud-phone/phones", get(cph::list_phones))
        .route(
            "/v1/{project_id}/cloud-phone/phones/{phone_id}",
            get(cph::show_phone).put(cph::rename_phone),
        )
        .route(
            "/v1/{project_id}/cloud-phone/phones/batch-update-property",
            post(cph::update_property),
        )
        .route("/v1/{project_id}/cloud-phone/phones/batch-restart", post(cph::restart_phones))
        .route("/v1/{project_id}/cloud-phone/phones/batch-reset", post(cph::reset_phones))
        .route("/v1/{project_id}/cloud-phone/phones/batch-stop", post(cph::stop_phones))
        .route("/v1/{project_id}/cloud-phone/jobs", get(cph::list_jobs))
        .route("/v1/{project_id}/cloud-phone/jobs/{job_id}", get(cph::show_job))
}

/// The calls about what phones live on and run, about tags, and those of IAM.
fn around_phones() -> Router<Arc<cph::Door>> {
    Router::new()
        .route("/v1/{project_id}/cloud-phone/servers", get(cph::list_servers))
        .route(
            "/v1/{project_id}/cloud-phone/servers/{server_id}",
            get(cph::show_server).put(cph::rename_server),
        )
        .route("/v1/{project_id}/cloud-phone/phone-models", get(cph::list_models))
        .route("/v1/{project_id}/cloud-phone/phone-images", get(cph::list_images))
        .route("/v1/{project_id}/{resource_type}/tags", get(cph::list_tag_keys))
        .route("/v1/{project_id}/{resource_type}/{resource_id}/tags", get(cph::list_tags))
        .route("/v1/{project_id}/{resource_type}/{resource_id}/tags/action", post(cph::change_tags))
        .route("/v1/{project_id}/{resource_type}/resource_instances/action", post(cph::search_tags))
        .route("/v3/auth/tokens", post(cph::create_token))
        .route("/v3/projects", get(cph::list_projects))
}

/// What answers where nothing is: in the form of the door that the path belongs to.
async fn unknown(State(door): State<Arc<cph::Door>>, request: Request) -> Response {
    let first = request.uri().path().split('/').nth(1);
    match first {
        Some("v1" | "v2" | "v2.1" | "v3") => cph::not_found(&door),
        _ => Problem::not_found("there is nothing at this path").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_do_not_conflict() {
        let mut router = phones().merge(around_phones());
        for operation in cph::NOT_OFFERED {
            router = router.route(operation.path, on(operation.method, async || ()));
        }
        assert!(router.has_routes());
    }
}

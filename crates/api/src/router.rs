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

use crate::native::{self, AdminToken, Native};
use crate::{cph, native::Problem};

/// What the doors are made from.
pub struct Options {
    /// What the doors ask of the engine.
    pub handle: Handle,
    /// What opens the native door.
    pub admin_token: AdminToken,
    /// Gives the text of `/metrics`, in Prometheus's format.
    pub metrics_render: MetricsRender,
    /// The names, ports included, under which a proxy that rewrites `Host` is reached. See
    /// [`crate::signature::huawei::Signed::verify`].
    pub public_hosts: Vec<String>,
}

/// Gives the text of `/metrics`.
pub type MetricsRender = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that this server answers.
pub fn router(options: Options) -> Router {
    let Options { handle, admin_token, metrics_render, public_hosts } = options;
    let door = Arc::new(cph::Door::new(handle.clone(), public_hosts));
    let native = Arc::new(Native { handle, admin_token, metrics_render });
    Router::new()
        .merge(vendor(door.clone()))
        .merge(native::routes(native))
        .fallback(unknown)
        .with_state(door)
}

/// Huawei Cloud CPH: the calls that are offered, and those that say that they are not.
fn vendor(door: Arc<cph::Door>) -> Router<Arc<cph::Door>> {
    let mut router = Router::new()
        .route(
            "/v1/{project_id}/cloud-phone/phones/batch-update-property",
            post(cph::update_property),
        )
        .route("/v1/{project_id}/cloud-phone/phones/{phone_id}", get(cph::show_phone))
        .route("/v1/{project_id}/cloud-phone/jobs", get(cph::list_jobs))
        .route("/v1/{project_id}/cloud-phone/jobs/{job_id}", get(cph::show_job));
    for operation in cph::NOT_OFFERED {
        let refuse = move |State(door): State<Arc<cph::Door>>| async move {
            cph::not_offered(&door, operation)
        };
        router = router.route(operation.path, on(operation.method, refuse));
    }
    router.method_not_allowed_fallback(cph::wrong_method).with_state(door)
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
        let mut router: Router<()> = Router::new();
        for operation in cph::NOT_OFFERED {
            router = router.route(operation.path, on(operation.method, async || ()));
        }
        assert!(router.has_routes());
    }
}

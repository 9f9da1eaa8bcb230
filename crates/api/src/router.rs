//! The table of contents: every path that this server answers, and by what.
//!
//! The vendors' are at the root of the address, because their SDKs drop the path of an endpoint:
//! CPH owns `/v1` to `/v3`, ISS `/device`, `/organization`, `/project`, `/stream`, `/domain`,
//! `/template` and `/workflow`. Ours is under `/api`, and the web console's files are at `/ui` and
//! `/assets`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, any, get, on, post};
use engine::Handle;
use engine::events::Events;
use percent_encoding::percent_decode_str;

use crate::admission::Admission;
use crate::console::{self, Console};
use crate::idempotency::{self, Keys};
use crate::iss::{self, Operation, SipServers};
use crate::listener::TrustedProxy;
use crate::native::{self, AdminToken, Native, OperatorFiles};
use crate::{cph, measured, native::Problem};

/// What the doors are made from.
pub struct Options {
    /// What the doors ask of the engine.
    pub handle: Handle,
    /// What clients watch.
    pub events: Events,
    /// What opens the native door.
    pub admin_token: AdminToken,
    /// Gives the text of `/metrics`, in Prometheus's format.
    pub metrics_render: MetricsRender,
    /// The operator's files on the server.
    pub operator_files: OperatorFiles,
    /// The names, ports included, under which a proxy that rewrites `Host` is reached: by programs
    /// ([`crate::signature::huawei::Signed::verify`]) and by browsers.
    pub public_hosts: Vec<String>,
    /// The proxies that are believed when they say, in `X-Forwarded-For`, where a request came
    /// from. See [`crate::listener::client_address`].
    pub trusted_proxies: Vec<TrustedProxy>,
    /// What an installer types into a camera, as ISS's DescribeDeviceSip tells.
    pub sip_servers: SipServers,
}

/// Gives the text of `/metrics`.
pub type MetricsRender = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that this server answers.
pub fn router(options: Options) -> Router {
    let Options {
        handle,
        events,
        admin_token,
        metrics_render,
        operator_files,
        public_hosts,
        trusted_proxies,
        sip_servers,
    } = options;
    let admission = Arc::new(Admission::new(public_hosts, trusted_proxies));
    let doors = Vendors {
        cph: Arc::new(cph::Door::new(handle.clone(), admission.clone())),
        iss: Arc::new(iss::Door::new(handle.clone(), admission.clone(), sip_servers)),
    };
    let keys = Keys::new(handle.clone());
    let keyed = from_fn_with_state(keys.clone(), idempotency::around);
    let native =
        Native::new(handle, events, admin_token, metrics_render, operator_files, admission, keys);
    let native = Arc::new(native);
    Router::new()
        .merge(cph_calls(doors.cph.clone()).layer(keyed.clone()))
        .merge(iss_calls(doors.iss.clone()).layer(keyed))
        .merge(native::routes(&native))
        .merge(console::routes(Console::built_in()))
        .fallback(unknown)
        .with_state(doors)
        .layer(from_fn(measured::request))
}

/// What a server answers that does not answer the APIs: whether it lives, whether it is ready, and
/// its metrics.
pub fn probes(handle: Handle, metrics_render: MetricsRender) -> Router {
    native::probe_routes(native::Probes { handle, metrics_render }).fallback(no_api)
}

/// What answers everything else there.
async fn no_api() -> Problem {
    Problem::not_found("this node does not answer the APIs: it has not the role api")
}

/// The doors that speak as vendors do.
#[derive(Clone)]
struct Vendors {
    /// Huawei Cloud CPH.
    cph: Arc<cph::Door>,
    /// Tencent Cloud ISS.
    iss: Arc<iss::Door>,
}

/// Huawei Cloud CPH: the calls that are offered, and those that say that they are not.
fn cph_calls(door: Arc<cph::Door>) -> Router<Vendors> {
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

/// Tencent Cloud ISS: the calls that are offered, and those that say that they are not.
fn iss_calls(door: Arc<iss::Door>) -> Router<Vendors> {
    let mut router = devices_and_projects();
    for (path, name) in iss::NOT_OFFERED {
        let refuse = move |State(door): State<Arc<iss::Door>>, request: Request| async move {
            iss::not_offered(&door, name, &request)
        };
        router = router.route(path, any(refuse));
    }
    router.method_not_allowed_fallback(iss::wrong_method).with_state(door)
}

/// The calls about cameras, about where they are filed, and about projects. One path has several,
/// told apart by what the query says.
fn devices_and_projects() -> Router<Arc<iss::Door>> {
    Router::new()
        .route(
            "/device",
            iss_call(MethodFilter::POST, Operation::CreateDevice)
                .merge(iss_call(MethodFilter::PUT, Operation::PutDevice))
                .merge(iss_call(MethodFilter::DELETE, Operation::DeleteDevice))
                .merge(iss_call(MethodFilter::GET, Operation::GetDevice)),
        )
        .route("/device/sip", iss_call(MethodFilter::GET, Operation::DescribeDeviceSip))
        .route(
            "/organization",
            iss_call(MethodFilter::POST, Operation::CreateDeviceOrganization)
                .merge(iss_call(MethodFilter::PUT, Operation::UpdateDeviceOrganization))
                .merge(iss_call(MethodFilter::DELETE, Operation::DeleteDeviceOrganization))
                .merge(iss_call(MethodFilter::GET, Operation::DescribeDeviceOrganization)),
        )
        .route(
            "/project",
            iss_call(MethodFilter::POST, Operation::CreateProject)
                .merge(iss_call(MethodFilter::GET, Operation::DescribeProjects)),
        )
        .route(
            "/project/{id}",
            iss_call(MethodFilter::PUT, Operation::UpdateProject)
                .merge(iss_call(MethodFilter::DELETE, Operation::DeleteProject)),
        )
}

/// What is at a path for one method.
fn iss_call(method: MethodFilter, operation: Operation) -> MethodRouter<Arc<iss::Door>> {
    let serve = move |State(door): State<Arc<iss::Door>>, request: Request| async move {
        iss::serve(door, operation, request).await
    };
    on(method, serve)
}

/// What answers where nothing is: in the form of the door that the path belongs to, however that
/// is encoded.
async fn unknown(State(doors): State<Vendors>, request: Request) -> Response {
    let path: Vec<u8> = percent_decode_str(request.uri().path()).collect();
    let first = path.split(|byte| *byte == b'/').nth(1);
    match first {
        Some(b"v1" | b"v2" | b"v2.1" | b"v3") => cph::not_found(&doors.cph),
        Some(
            b"device" | b"organization" | b"project" | b"stream" | b"domain" | b"template"
            | b"workflow",
        ) => iss::not_found(&doors.iss, &request),
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
        let mut router = devices_and_projects();
        for (path, _) in iss::NOT_OFFERED {
            router = router.route(path, any(async || ()));
        }
        assert!(router.has_routes());
    }
}

//! What is told of each request: its span, for traces, and its count and time, for metrics.
//!
//! The span has the method, the path as the router has it, the status and the update that came of
//! it. It must never have the path or query as they were sent, a header or a body: those hold what
//! strangers made up, signatures and values.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

/// What asks again and again whether the server lives, and would drown all else.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Answers a request, and tells of it.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    // What no route matches has no name.
    let route = matched.as_ref().map_or("unknown", MatchedPath::as_str);
    if PROBES.contains(&route) {
        return next.run(request).await;
    }
    let door = door(route);
    let method = method_word(request.method());
    let span = tracing::info_span!(
        target: engine::spans::TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        door,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
        update.id = Empty,
    );
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    let seconds = began.elapsed().as_secs_f64();
    let class = class(status);
    counter!("fleetwright_http_requests_total", "door" => door, "status" => class).increment(1);
    histogram!("fleetwright_http_request_seconds", "door" => door).record(seconds);
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Whose call a route is.
fn door(route: &str) -> &'static str {
    match route.split('/').nth(1) {
        Some("v1" | "v2" | "v2.1" | "v3") => "cph",
        Some("api") => "native",
        Some(
            "device" | "organization" | "project" | "stream" | "domain" | "template" | "workflow",
        ) => "iss",
        _ => "other",
    }
}

/// The first digit of a status, and what stands for the others.
fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// The method, or the word that stands for those that nobody knows: a client may send any.
fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_belongs_to_the_door_that_owns_its_beginning() {
        let of = |route, expected| assert_eq!(door(route), expected, "{route}");
        of("/v1/{project_id}/cloud-phone/phones", "cph");
        of("/v3/auth/tokens", "cph");
        of("/device/sip", "iss");
        of("/api/v1/devices", "native");
        of("/openapi.json", "other");
        of("unknown", "other");
    }

    #[test]
    fn a_method_of_a_strangers_making_has_no_name() {
        assert_eq!(method_word(&Method::PUT), "PUT");
        assert_eq!(method_word(&Method::from_bytes(b"AK-SECRET").unwrap()), "_OTHER");
    }
}

//! Paths that no call has, methods that a path has not, and projects that are not the caller's.

use super::Refusal::Call;
use super::Rows;
use super::bed::{Bed, STRANGER};
use crate::harness::Request;
use crate::harness::phones::PROJECT;

/// The refusal of a documented call that this server does not have.
pub const NOT_OFFERED: super::Refusal = Call(501, "FLEETWRIGHT.0501");

/// Paths that no call has.
const PATHS: &[&str] = &[
    "/v1",
    "/v1/",
    "/v1//",
    "/v1/x",
    "/v1/x/",
    "/v1/x/cloud-phone",
    "/v1/x/cloud-phone/",
    "/v1/x/cloud-phones/phones",
    "/v1/x/cloud-phone/phone",
    "/v1/x/cloud-phone/phones/",
    "/v1/x/cloud-phone//phones",
    "/v1/x/cloud-phone/phones/a/b",
    "/v1/x/cloud-phone/phones/batch-update-property/",
    "/v1/x/cloud-phone/jobs/",
    "/v1/x/cloud-phone/jobs/a/b",
    "/v1/x/cloud-phone/Phones",
    "/v1/x/y/cloud-phone/phones",
    "/v1/cloud-phone/phones",
    "/v1/x/cloud-phone/phones%2Fa",
    "/v1/x/cloud-phone/servers/a/phones",
    "/v2",
    "/v2/x",
    "/v2/x/cloud-phone/phones",
    "/v2/x/cloud-phone/jobs",
    "/v2.1/",
    "/v2.1/x/cloud-phone/phones",
    "/v3",
    "/v3/",
    "/v3/users",
    "/v3/auth",
    "/v3/auth/tokens/",
    "/v3/auth/catalog",
    "/v3/projects/",
];

/// Calls by methods that they do not have.
const METHODS: &[(&str, &str)] = &[
    ("GET", "phones/batch-update-property"),
    ("PUT", "phones/batch-update-property"),
    ("PATCH", "phones/batch-update-property"),
    ("DELETE", "phones/batch-update-property"),
    ("post", "phones/batch-update-property"),
    ("BREW", "phones/batch-update-property"),
    ("GET", "phones/batch-restart"),
    ("GET", "phones/batch-reset"),
    ("GET", "phones/batch-stop"),
    ("POST", "phones"),
    ("DELETE", "phones"),
    ("POST", "phones/a"),
    ("DELETE", "phones/a"),
    ("POST", "jobs"),
    ("DELETE", "jobs"),
    ("DELETE", "jobs/a"),
    ("PUT", "jobs/a"),
    ("POST", "servers"),
    ("POST", "servers/a"),
    ("POST", "phone-models"),
    ("POST", "phone-images"),
];

/// The calls that name a project in their path.
const OF_A_PROJECT: &[(&str, &str)] = &[
    ("GET", "cloud-phone/phones"),
    ("GET", "cloud-phone/phones/a"),
    ("PUT", "cloud-phone/phones/a"),
    ("POST", "cloud-phone/phones/batch-update-property"),
    ("POST", "cloud-phone/phones/batch-restart"),
    ("POST", "cloud-phone/phones/batch-reset"),
    ("POST", "cloud-phone/phones/batch-stop"),
    ("GET", "cloud-phone/jobs"),
    ("GET", "cloud-phone/jobs/a"),
    ("GET", "cloud-phone/servers"),
    ("GET", "cloud-phone/servers/a"),
    ("PUT", "cloud-phone/servers/a"),
    ("GET", "cloud-phone/phone-models"),
    ("GET", "cloud-phone/phone-images"),
    ("GET", "cph-server/tags"),
    ("GET", "elastic-cloud-phone/a/tags"),
    ("POST", "elastic-cloud-phone/a/tags/action"),
    ("POST", "cph-server/resource_instances/action"),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for path in PATHS {
        let request = Request::new("GET", path);
        rows.add(format!("path: {path}"), request, Call(404, "APIGW.0101"));
    }
    for (method, rest) in METHODS {
        let request = Request::new(method, &bed.target(rest));
        rows.add(format!("method: {method} {rest}"), request, Call(404, "APIGW.0101"));
    }
    for (method, path) in
        [("GET", "/v3/auth/tokens"), ("DELETE", "/v3/auth/tokens"), ("POST", "/v3/projects")]
    {
        let request = Request::new(method, path);
        rows.add(format!("method: {method} {path}"), request, Call(404, "APIGW.0101"));
    }
    let forbidden = Call(403, "CPS.0001");
    for (method, rest) in OF_A_PROJECT {
        let target = format!("/v1/{STRANGER}/{rest}");
        let body = if *method == "GET" { "" } else { "{}" };
        let request = bed.signed(Request::new(method, &target).body(body));
        rows.add(format!("another's project: {method} {rest}"), request, forbidden);
    }
    for (what, project) in [
        ("that does not exist", "no-such-project".to_owned()),
        ("in capitals", PROJECT.to_uppercase()),
        ("with a blank behind", format!("{PROJECT}%20")),
        ("with a NUL behind", format!("{PROJECT}%00")),
        ("with a slash behind", format!("{PROJECT}%2F")),
        ("as the SDK sends it if it was given none", "%7Bproject_id%7D".to_owned()),
        ("that is an asterisk", "*".to_owned()),
        ("of 65 bytes", "p".repeat(65)),
    ] {
        let target = format!("/v1/{project}/cloud-phone/jobs?request_id={}", bed.request);
        let request = bed.signed(Request::new("GET", &target));
        rows.add(format!("a project {what}"), request, forbidden);
    }
    for (what, rest) in
        [("RunShellCommand", "phones/commands"), ("RunSyncCommand", "phones/sync-commands")]
    {
        let body = r#"{"command":"shell","content":"reboot","phone_ids":["a"]}"#;
        rows.add(format!("not offered: {what}"), bed.with_body("POST", rest, body), NOT_OFFERED);
    }
}

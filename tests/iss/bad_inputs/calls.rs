//! Calls as a whole: paths, methods, bodies that are missing or framed wrong, and the calls about
//! organizations and projects.

use super::bed::{Bed, CAMERA, PASSWORD};
use super::{Call, Entry, Http, INVALID, Rows};
use crate::harness::Request;
use crate::harness::iss::{Signing, entry, request, with_xml};
use crate::harness::phones::PROJECT;

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    paths(rows, bed);
    bodies(rows, bed);
    organizations(rows, bed);
    projects(rows, bed);
    // A camera's own address is not looked at for being reachable; what the body names never is.
    let said = format!("<Gbid>{CAMERA}</Gbid><Pwd>{PASSWORD}</Pwd><Ip>http://{}/</Ip>", bed.trap());
    rows.add("an address that somebody listens at", bed.entry(&said), Entry("InvalidIp"));
}

/// Paths and methods.
fn paths(rows: &mut Rows, bed: &Bed) {
    for (method, target) in [
        ("PATCH", "/device"),
        ("OPTIONS", "/device"),
        ("TRACE", "/device"),
        ("POST", "/device/sip"),
        ("PUT", "/device/sip"),
        ("DELETE", "/device/sip"),
        ("PATCH", "/organization"),
        ("PUT", "/project"),
        ("DELETE", "/project"),
        ("GET", "/project/demo"),
        ("POST", "/project/demo"),
        ("UPDATE", "/device"),
        ("put", "/device"),
    ] {
        let request = bed.signed(Request::new(method, target));
        rows.add(format!("{method} {target}"), request, Call(405, "MethodNotAllowed"));
    }
    for target in [
        "/device/",
        "/device/demo",
        "/device/sip/",
        "/device/sip/demo",
        "/organization/",
        "/organization/demo",
        "/project/demo/",
        "/project/demo/device",
        "/device/streams",
        "/device/%2e%2e/device",
    ] {
        rows.add(format!("GET {target}"), bed.get(target), Call(404, "NoSuchResource"));
    }
    for (method, target) in [
        ("GET", "/device/stream?projectId=demo"),
        ("GET", "/device/stream/record"),
        ("GET", "/device/stream/record/health"),
        ("POST", "/domain"),
        ("POST", "/stream"),
        ("DELETE", "/stream/demo"),
        ("POST", "/template"),
        ("GET", "/workflow?projectId=demo"),
        ("GET", "/project/demo/jobs"),
    ] {
        let request = bed.signed(Request::new(method, target));
        rows.add(format!("{method} {target}"), request, Call(501, "NotImplemented"));
    }
    for target in ["/Device", "/DEVICE", "//device", "/ivc/cms/device", "/devices"] {
        rows.add(format!("GET {target}"), bed.get(target), Http(404));
    }
}

/// Bodies that are not there, or not as their head says.
fn bodies(rows: &mut Rows, bed: &Bed) {
    for (method, target) in [
        ("PUT", "/device"),
        ("PUT", "/device?transport"),
        ("POST", "/device"),
        ("DELETE", "/device"),
        ("POST", "/organization"),
        ("PUT", "/organization"),
        ("PUT", "/project/demo"),
    ] {
        let request = bed.signed(Request::new(method, target));
        rows.add(
            format!("{method} {target}: no body"),
            request,
            Call(400, "MissingRequestBodyError"),
        );
    }
    let whole = request(PROJECT, &[entry(CAMERA, &[("Pwd", PASSWORD), ("Name", "x")])]);
    let sign = |request: Request, headers: &[&'static str]| {
        let signing = Signing { headers: headers.to_vec(), ..Signing::new(&bed.key) };
        signing.sign(request, &bed.host())
    };
    let endless = sign(with_xml("PUT", "/device", "zz\r\n<Request>\r\n"), &["host"]);
    let endless = endless.header("transfer-encoding", "chunked").without_length();
    rows.add("a chunk whose length is none", endless, Call(400, "IncompleteBody"));
    for (method, target) in [("PUT", "/device"), ("POST", "/device"), ("POST", "/organization")] {
        let request = sign(Request::new(method, target), &["host"]).without_length();
        let refusal = Call(411, "MissingContentLength");
        rows.add(format!("{method} {target}: no Content-Length"), request, refusal);
    }
    for (what, length) in [
        ("negative", "-1"),
        ("words", "many"),
        ("two numbers", "10, 20"),
        ("hexadecimal", "0x10"),
        ("beyond 64 bits", "99999999999999999999"),
    ] {
        let request = sign(with_xml("PUT", "/device", whole.clone()), &["host"]);
        rows.add(
            format!("Content-Length: {what}"),
            request.header("content-length", length),
            Http(400),
        );
    }
    let over = sign(with_xml("PUT", "/device", String::new()), &["host"]);
    let over = over.header("content-length", (64_u64 << 20).to_string());
    rows.add("Content-Length: 64 MB", over, Call(400, "MaxMessageLengthExceeded"));
    for encoding in ["gzip", "deflate", "br"] {
        let body = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
        let request = with_xml("PUT", "/device", body).header("content-encoding", encoding);
        rows.add(format!("Content-Encoding: {encoding}"), bed.signed(request), super::MALFORMED);
    }
}

/// CreateDeviceOrganization and its neighbours.
fn organizations(rows: &mut Rows, bed: &Bed) {
    let body = |inner: &str| format!("<Request><ProjectId>{PROJECT}</ProjectId>{inner}</Request>");
    let filed = |inner: &str| body(&format!("<Organization>{inner}</Organization>"));
    for (what, said) in [
        ("no Organization", body("")),
        ("an empty Organization", body("<Organization></Organization>")),
        ("Level 0", filed("<Level>0</Level>")),
        ("Level 5", filed("<Level>5</Level><L1>a</L1>")),
        ("no Level", filed("<L1>a</L1>")),
        ("L1 missing", filed("<Level>1</Level>")),
        ("L2 besides", filed("<Level>1</Level><L1>a</L1><L2>b</L2>")),
        ("a name with a slash", filed("<Level>1</Level><L1>a/b</L1>")),
        ("a name of 65 characters", filed(&format!("<Level>1</Level><L1>{}</L1>", "x".repeat(65)))),
        (
            "no ProjectId",
            "<Request><Organization><Level>1</Level><L1>a</L1></Organization></Request>".to_owned(),
        ),
    ] {
        let request = bed.with_body("POST", "/organization", said);
        rows.add(format!("POST /organization: {what}"), request, INVALID);
    }
    let id = &bed.organization;
    let named = |id: &str| format!("<OrganizationId>{id}</OrganizationId>");
    for (what, said, refusal) in [
        ("no id", filed("<Level>1</Level><L1>a</L1>"), INVALID),
        (
            "an unknown id",
            filed(&format!("{}<Level>1</Level><L1>a</L1>", named("none"))),
            Call(404, "NoSuchOrganization"),
        ),
        ("Level 0", filed(&format!("{}<Level>0</Level>", named(id))), INVALID),
        ("L1 missing", filed(&format!("{}<Level>1</Level>", named(id))), INVALID),
    ] {
        let request = bed.with_body("PUT", "/organization", said);
        rows.add(format!("PUT /organization: {what}"), request, refusal);
    }
    let twice = filed("<Level>2</Level><L1>北京</L1><L2>海淀</L2>");
    rows.add(
        "POST /organization: a path that there is already",
        bed.with_body("POST", "/organization", twice),
        Call(409, "OrganizationAlreadyExists"),
    );
}

/// CreateProject and its neighbours, by a key of one project.
fn projects(rows: &mut Rows, bed: &Bed) {
    let denied = Call(403, "AccessDenied");
    let made = "<Request><Name>x</Name><Mode>GB28181</Mode></Request>";
    rows.add(
        "POST /project: by a key of one project",
        bed.with_body("POST", "/project", made),
        denied,
    );
    rows.add(
        "DELETE /project/demo: by a key of one project",
        bed.signed(Request::new("DELETE", "/project/demo")),
        denied,
    );
    for (what, said, refusal) in [
        ("a name of 51 characters", format!("<Name>{}</Name>", "x".repeat(51)), INVALID),
        ("a name with a blank", "<Name>a b</Name>".to_owned(), INVALID),
        ("a description of 257 characters", format!("<Desc>{}</Desc>", "x".repeat(257)), INVALID),
        ("another mode", "<Mode>SRT</Mode>".to_owned(), INVALID),
        (
            "a mode by which video comes",
            "<Mode>RTMP</Mode>".to_owned(),
            Call(501, "NotImplemented"),
        ),
        ("another status", "<Status>Stopped</Status>".to_owned(), INVALID),
        (
            "a bucket",
            "<Bucket><Region>ap-beijing</Region></Bucket>".to_owned(),
            Call(501, "NotImplemented"),
        ),
        (
            "a callback to somebody who listens",
            format!("<ServiceConf><Notify>http://{}/</Notify></ServiceConf>", bed.trap()),
            Call(501, "NotImplemented"),
        ),
    ] {
        let body = format!("<Request>{said}</Request>");
        let request = bed.with_body("PUT", "/project/demo", body);
        rows.add(format!("PUT /project/demo: {what}"), request, refusal);
    }
    for (what, id) in [("unknown", "none"), ("somebody else's", "stranger")] {
        let body = "<Request><Name>x</Name></Request>";
        let request = bed.with_body("PUT", &format!("/project/{id}"), body);
        rows.add(format!("PUT /project/: {what}"), request, Call(404, "NoSuchProject"));
    }
}

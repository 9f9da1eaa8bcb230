//! What follows `?`.

use super::bed::{Bed, CAMERA, OF_STRANGER, STRANGER};
use super::{Call, INVALID, Rows};
use crate::harness::iss::{entry, request};
use crate::harness::phones::PROJECT;

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    projects(rows, bed);
    pages(rows, bed);
    devices(rows, bed);
    flags(rows, bed);
    let ids: Vec<String> = (0..101).map(|n| format!("o{n}")).collect();
    let target = format!("/organization?projectId={PROJECT}&ids={}", ids.join(","));
    rows.add("ids: 101 organizations", bed.get(&target), INVALID);
    let target = format!("/project?ids={}", ids.join(","));
    rows.add("ids: 101 projects", bed.get(&target), INVALID);
}

/// `projectId`.
fn projects(rows: &mut Rows, bed: &Bed) {
    let long = "p".repeat(65);
    for path in ["/device", "/device/sip", "/organization"] {
        for (what, query) in [
            ("missing", String::new()),
            ("empty", "?projectId=".to_owned()),
            ("a flag", "?projectId".to_owned()),
        ] {
            let row = rows.add(
                format!("GET {path}: projectId {what}"),
                bed.get(&format!("{path}{query}")),
                INVALID,
            );
            "ProjectId".clone_into(&mut row.says);
        }
        for (what, project) in [
            ("unknown", "none"),
            ("somebody else's", STRANGER),
            ("in other case", "DEMO"),
            ("of 65 characters", &long),
            ("with a blank", "demo+"),
            ("with a NUL", "demo%00"),
        ] {
            let request = bed.get(&format!("{path}?projectId={project}"));
            rows.add(format!("GET {path}: projectId {what}"), request, Call(404, "NoSuchProject"));
        }
    }
}

/// `pageNumber` and `pageSize`.
fn pages(rows: &mut Rows, bed: &Bed) {
    for (path, lists) in [
        ("/device", format!("/device?projectId={PROJECT}&")),
        ("/organization", format!("/organization?projectId={PROJECT}&")),
        ("/project", "/project?".to_owned()),
    ] {
        for query in [
            "pageSize=0",
            "pageSize=101",
            "pageSize=-1",
            "pageSize=ten",
            "pageSize=1.5",
            "pageSize=%EF%BC%91",
            "pageSize=4294967306",
            "pageNumber=0",
            "pageNumber=-1",
            "pageNumber=1e3",
            "pageNumber=1000000001",
            "pageNumber=99999999999999999999",
            "pageNumber=%2B1",
        ] {
            let request = bed.get(&format!("{lists}{query}"));
            rows.add(format!("GET {path}: {query}"), request, INVALID);
        }
    }
}

/// `gbid`.
fn devices(rows: &mut Rows, bed: &Bed) {
    let long = "3".repeat(1_000);
    for (what, gbid) in [
        ("unknown", "34020000001320009999"),
        ("somebody else's", OF_STRANGER),
        ("of 19 digits", "3402000000132000001"),
        ("of 1,000 digits", &long),
        ("a word", "Gbid"),
        ("SQL", "1%27%20OR%20%271%27=%271"),
        ("with a blank", "34020000001320000001+"),
        ("with a NUL", "34020000001320000001%00"),
    ] {
        let request = bed.get(&format!("/device?projectId={PROJECT}&gbid={gbid}"));
        rows.add(format!("GET /device: gbid {what}"), request, Call(404, "NoSuchDevice"));
    }
}

/// Flags and encodings.
fn flags(rows: &mut Rows, bed: &Bed) {
    let body = request(PROJECT, &[entry(CAMERA, &[("Name", "x")])]);
    let put = |query: &str| bed.with_body("PUT", &format!("/device?{query}"), body.clone());
    for query in ["status=on", "status=off", "status", "Status=on", "STATUS="] {
        rows.add(format!("PUT /device?{query}"), put(query), Call(501, "NotImplemented"));
    }
    for query in ["status=on&transport", "transport&status", "Transport=&Status=off"] {
        rows.add(format!("PUT /device?{query}"), put(query), INVALID);
    }
    for (what, query) in [
        ("a name twice in other case", "projectId=demo&PROJECTID=demo"),
        ("what is no UTF-8", "projectId=%ff"),
        ("a name that is no UTF-8", "%c3=1&projectId=demo"),
        ("a character that is cut off", "projectId=demo&a=%e4%b8"),
    ] {
        // Such a query can't be signed by any client that reads it as text.
        use crate::harness::iss::Signing;
        let target = format!("/device?{query}");
        let plain = crate::harness::Request::new("GET", &target);
        let signing = Signing { covers_query: false, ..Signing::new(&bed.key) };
        let request = signing.sign(plain, &bed.host());
        rows.add(format!("query: {what}"), request, INVALID);
    }
    let many: Vec<String> = (0..101).map(|n| format!("a{n}=1")).collect();
    let request = bed.get(&format!("/device?{}", many.join("&")));
    rows.add("query: 101 parameters", request, Call(403, "InvalidSecurity"));
    for gone in ["none", "a%2Cb", "%E7%BB%84", ""] {
        let refusal = if gone.is_empty() { INVALID } else { Call(404, "NoSuchOrganization") };
        let target = format!("/organization?projectId={PROJECT}&id={gone}");
        let request = bed.signed(crate::harness::Request::new("DELETE", &target));
        rows.add(format!("DELETE /organization: id {gone:?}"), request, refusal);
    }
}

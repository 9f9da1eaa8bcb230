//! Queries: what is looked for, and which page of it.

use super::Refusal::Call;
use super::Rows;
use super::bed::Bed;
use crate::harness::Request;
use crate::harness::phones::PROJECT;

/// The lists that have pages by offset and limit, with what their query must have besides.
const LISTS: &[(&str, &str)] = &[
    ("ListCloudPhones", "phones?"),
    ("ListCloudPhoneServers", "servers?"),
    ("ListCloudPhoneModels", "phone-models?"),
];

/// What is no number of a page.
const NUMBERS: &[(&str, &str)] = &[
    ("empty", ""),
    ("in words", "ten"),
    ("negative", "-1"),
    ("with a plus", "%2B1"),
    ("a fraction", "1.5"),
    ("in hex", "0x1"),
    ("with a blank", "1%20"),
    ("over 64 bits", "99999999999999999999"),
    ("in other digits", "%EF%BC%91"),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let paging = Call(400, "CPS.0002");
    let jobs = format!("jobs?request_id={}&", bed.request);
    let lists = LISTS.iter().copied().chain([("ListJobs", jobs.as_str())]);
    for (call, rest) in lists {
        for (what, number) in NUMBERS {
            for name in ["offset", "limit"] {
                let request = bed.get(&format!("{rest}{name}={number}"));
                rows.add(format!("{call}: {name} {what}"), request, paging);
            }
        }
    }
    for (what, number) in NUMBERS {
        let request = bed.get(&format!("phone-images?limit={number}"));
        rows.add(format!("ListCloudPhoneImages: limit {what}"), request, paging);
        let target = format!("/v1/{PROJECT}/cph-server/tags?limit={number}");
        let request = bed.signed(Request::new("GET", &target));
        rows.add(format!("ListProjectTags: limit {what}"), request, paging);
    }
    list_jobs(rows, bed);
    for (call, rest, code) in [
        ("ListCloudPhones: status 5", "phones?status=5", "CPS.0010"),
        ("ListCloudPhones: status -1", "phones?status=-1", "CPS.0010"),
        ("ListCloudPhones: status in words", "phones?status=running", "CPS.0010"),
        ("ListCloudPhones: status empty", "phones?status=", "CPS.0010"),
        ("ListCloudPhones: status a fraction", "phones?status=2.0", "CPS.0010"),
        ("ListCloudPhones: type 2", "phones?type=2", "CPS.0116"),
        ("ListCloudPhones: type in words", "phones?type=normal", "CPS.0116"),
        ("ListCloudPhones: type empty", "phones?type=", "CPS.0116"),
        ("ListCloudPhones: server_id with a line feed", "phones?server_id=a%0Ab", "CPS.0016"),
        ("ListCloudPhoneServers: server_id with a NUL", "servers?server_id=%00", "CPS.0016"),
        ("ListCloudPhoneServers: status 6", "servers?status=6", "CPS.0010"),
        ("ListCloudPhoneServers: status in words", "servers?status=normal", "CPS.0010"),
        ("ListCloudPhoneServers: create_since in words", "servers?create_since=today", "CPS.0174"),
        (
            "ListCloudPhoneServers: create_since as a date",
            "servers?create_since=2026-01-01T00:00:00Z",
            "CPS.0174",
        ),
        ("ListCloudPhoneServers: create_until negative", "servers?create_until=-1", "CPS.0174"),
        ("ListCloudPhoneServers: network_version v3", "servers?network_version=v3", "CPS.0240"),
        ("ListCloudPhoneServers: network_version V1", "servers?network_version=V1", "CPS.0240"),
        ("ListCloudPhoneModels: status 2", "phone-models?status=2", "CPS.0010"),
        ("ListCloudPhoneModels: status empty", "phone-models?status=", "CPS.0010"),
        ("ListCloudPhoneImages: image_type unknown", "phone-images?image_type=mine", "CPS.0116"),
    ] {
        rows.add(call, bed.get(rest), Call(400, code));
    }
}

/// Those of ListJobs and ShowJob.
fn list_jobs(rows: &mut Rows, bed: &Bed) {
    for (what, query) in [
        ("no query", ""),
        ("an empty query", "?"),
        ("request_id empty", "?request_id="),
        ("request_id a blank", "?request_id=%20"),
        ("request_ids of commas", "?request_ids=,%20,"),
        ("request_id in capitals", "?REQUEST_ID=a"),
        ("job_id instead", "?job_id=a"),
    ] {
        let request = bed.get(&format!("jobs{query}"));
        rows.add(format!("ListJobs: {what}"), request, Call(400, "CPS.0049"));
    }
    let request = &bed.request;
    for (what, id) in [
        ("zeroes", "0".repeat(32)),
        ("not hex", "not-hex".to_owned()),
        ("less a digit", request[1..].to_owned()),
        ("and a digit more", format!("{request}0")),
        ("of a job", bed.job.clone()),
        ("of another project", bed.strangers_request.clone()),
        ("of a phone", bed.phone.clone()),
        ("a pattern", "%25".to_owned()),
    ] {
        let asked = bed.get(&format!("jobs?request_id={id}"));
        rows.add(format!("ListJobs: a request's id {what}"), asked, Call(404, "CPS.0050"));
        let asked = bed.get(&format!("jobs?request_ids={id},{}", "f".repeat(32)));
        rows.add(format!("ListJobs: two ids, one {what}"), asked, Call(404, "CPS.0050"));
    }
    for (what, id) in [
        ("zeroes", "0".repeat(32)),
        ("not hex", "not-hex".to_owned()),
        ("less a digit", bed.job[1..].to_owned()),
        ("and a digit more", format!("{}0", bed.job)),
        ("of a request", request.clone()),
        ("of another project", bed.strangers_job.clone()),
        ("with a NUL", "%00".to_owned()),
        ("with a slash", "a%2Fb".to_owned()),
    ] {
        let asked = bed.get(&format!("jobs/{id}"));
        rows.add(format!("ShowJob: a job's id {what}"), asked, Call(404, "CPS.0011"));
    }
    rows.add("ShowJob: a blank as id", bed.get("jobs/%20"), Call(400, "CPS.0048"));
}

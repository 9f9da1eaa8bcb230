//! The samples of Tencent's page "UpdateDevice" (product/460), their bodies byte for byte: the
//! worked request, whose `Gbid` and `ProjectId` are empty though both are required, and the
//! skeleton, whose values are the names of its elements.

use serde_json::{Value, json};

use super::state::{assert_unchanged, state};
use crate::harness::cameras::{record, server};
use crate::harness::iss::{assert_request_id, element, elements, failed, updated};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Iss, Start, tools};

/// The body of the worked request, and the demo's copy of it.
const WORKED: (&str, &str) =
    (include_str!("seed/worked.xml"), "crates/fleetwright/src/demo/iss-worked-request.xml");

/// The body of the skeleton, and the demo's copy of it.
const SKELETON: (&str, &str) =
    (include_str!("seed/skeleton.xml"), "crates/fleetwright/src/demo/iss-skeleton-request.xml");

/// The project that the skeleton names.
const NAMED: &str = "ProjectId";

/// A sample's bytes, which the demo sends too.
fn sample((sample, demonstrated): (&'static str, &str)) -> &'static str {
    let copy = std::fs::read(tools::workspace().join(demonstrated)).expect("the demo's copy");
    assert!(copy == sample.as_bytes(), "the demo sends another request");
    sample
}

#[test]
fn the_worked_request_is_refused_for_its_project_and_changes_nothing() {
    let (server, native) = server(&Start::with_cameras());
    let key = native.new_key(PROJECT, false);
    import(&native, &[record("44010300001320000024", "12345678")]);
    let before = state(&native);
    let body = sample(WORKED);
    assert_eq!(body.len(), 199, "not the page's own bytes");
    let answer = Iss::new(server.address(), &key).call("PUT", "/device", body);
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(element(&answer.text, "Code"), "InvalidArgument");
    assert!(element(&answer.text, "Message").contains("ProjectId"), "{}", answer.text);
    let id = element(&answer.text, "RequestId");
    assert_request_id(id);
    assert_eq!(answer.headers["x-iss-request-id"], id);
    assert_unchanged(&native, &before);
}

#[test]
fn the_skeleton_fails_its_one_device_with_a_reason() {
    let (server, native) = server(&Start::with_cameras());
    let key = native.new_project(NAMED);
    let mut camera = record("44010300001320000024", "12345678");
    camera["project"] = json!(NAMED);
    import(&native, &[camera]);
    let before = state(&native);
    let answer = Iss::new(server.address(), &key).call("PUT", "/device", sample(SKELETON));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = answer.text.as_str();
    assert_request_id(element(text, "RequestId"));
    assert_eq!((element(text, "Code"), element(text, "Message")), ("200", "OK"));
    assert!(updated(text).is_empty(), "{text}");
    let [(gbid, why)] = failed(text).try_into().expect("one failed device");
    assert_eq!(gbid, "Gbid", "as it was sent");
    assert!(why.starts_with("InvalidGbid: ") && why.len() > "InvalidGbid: ".len(), "{why}");
    // A failed device says no more than which it is and why.
    let list = element(text, "FailedDeviceList");
    let names = ["Name", "Pwd", "User", "Ip", "Port", "Type", "Organization"];
    assert!(names.iter().all(|name| elements(list, name).is_empty()), "{text}");
    let first = text.find("<DeviceList>").or_else(|| text.find("<DeviceList/>"));
    assert!(first < text.find("<FailedDeviceList>"), "the list of the good ones is the first");
    let id = element(text, "RequestId");
    assert_unchanged(&native, &before);
    // Nothing was taken, so there is no update of that id.
    let target = format!("/api/v1/updates/{id}");
    let shown = native.call(&http::Method::GET, &target, &Value::Null).expect("an answer");
    assert_eq!(shown.status, 404, "{}", shown.text);
}

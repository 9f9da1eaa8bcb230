//! The tag calls: their types of resources, their bodies, and the rules that tags keep.

use serde_json::{Value, json};

use super::Refusal::Call;
use super::Rows;
use super::bed::Bed;
use crate::harness::Request;
use crate::harness::phones::PROJECT;

/// A body that CPH has no code for.
const BROKEN: super::Refusal = Call(400, "APIGW.0201");

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let at = |rest: &str| format!("/v1/{PROJECT}/{rest}");
    let action = at(&format!("elastic-cloud-phone/{}/tags/action", bed.phone));
    let post = |target: &str, body: &str| bed.signed(Request::new("POST", target).body(body));

    for (what, body) in [
        ("nothing", ""),
        ("words", "create"),
        ("a list", "[]"),
        ("cut off", r#"{"action":"create""#),
    ] {
        rows.add(format!("tags: a body of {what}"), post(&action, body), BROKEN);
    }
    for (what, word) in [
        ("missing", Value::Null),
        ("a number", json!(1)),
        ("unknown", json!("replace")),
        ("in capitals", json!("CREATE")),
        ("that of a search", json!("filter")),
    ] {
        let body = json!({"action": word, "tags": [{"key": "k", "value": "v"}]}).to_string();
        rows.add(format!("tags: action {what}"), post(&action, &body), Call(400, "CPS.0047"));
    }
    for (what, tags) in [
        ("missing", Value::Null),
        ("a text", json!("k=v")),
        ("an object", json!({"k": "v"})),
        ("a list of texts", json!(["k=v"])),
        ("without a key", json!([{"value": "v"}])),
        ("with a number as key", json!([{"key": 1, "value": "v"}])),
        ("with the system's key", json!([{"key": "_sys_k", "value": "v"}])),
        ("with a slash in the key", json!([{"key": "a/b", "value": "v"}])),
        ("with a line feed in the key", json!([{"key": "a\n", "value": "v"}])),
        ("with a blank before the key", json!([{"key": " k", "value": "v"}])),
        ("with a blank behind the key", json!([{"key": "k ", "value": "v"}])),
        (
            "with the same key twice",
            json!([{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]),
        ),
        ("without a value", json!([{"key": "k"}])),
        ("with null as value", json!([{"key": "k", "value": null}])),
        ("with a number as value", json!([{"key": "k", "value": 1}])),
        ("with a tag in the value", json!([{"key": "k", "value": "<v>"}])),
        ("with a blank behind the value", json!([{"key": "k", "value": "v "}])),
        ("with a face in the value", json!([{"key": "k", "value": "😀"}])),
    ] {
        let body = json!({"action": "create", "tags": tags}).to_string();
        rows.add(format!("BatchCreateTags: tags {what}"), post(&action, &body), BROKEN);
    }
    let number = json!({"action": "delete", "tags": [{"key": "k", "value": 1}]}).to_string();
    rows.add("BatchDeleteTags: a number as value", post(&action, &number), BROKEN);

    let good = json!({"action": "create", "tags": [{"key": "k", "value": "v"}]}).to_string();
    for (what, target, status, code) in [
        (
            "an unknown phone",
            at(&format!("elastic-cloud-phone/{}/tags/action", "0".repeat(32))),
            404,
            "CPS.0005",
        ),
        (
            "another project's phone",
            at(&format!("elastic-cloud-phone/{}/tags/action", bed.strangers_phone)),
            404,
            "CPS.0005",
        ),
        ("an unknown server", at("cph-server/no-such-server/tags/action"), 404, "CPS.0015"),
        ("another project's server", at("cph-server/their-server/tags/action"), 404, "CPS.0015"),
        ("a malformed phone", at("elastic-cloud-phone/a%0Ab/tags/action"), 400, "CPS.0086"),
        ("a malformed server", at("cph-server/a%0Ab/tags/action"), 400, "CPS.0086"),
        (
            "an unknown type of resource",
            at(&format!("cph-phone/{}/tags/action", bed.phone)),
            404,
            "APIGW.0101",
        ),
        (
            "a type of resource in capitals",
            at(&format!("CPH-SERVER/{}/tags/action", bed.server)),
            404,
            "APIGW.0101",
        ),
    ] {
        let list = target.strip_suffix("/action").expect("a path of tags").to_owned();
        rows.add(format!("BatchCreateTags: {what}"), post(&target, &good), Call(status, code));
        let list = bed.signed(Request::new("GET", &list));
        rows.add(format!("ListResourceTags: {what}"), list, Call(status, code));
    }
    search(rows, &post, &at("elastic-cloud-phone/resource_instances/action"));
}

/// Those of ListResourceInstances.
fn search(rows: &mut Rows, post: &dyn Fn(&str, &str) -> Request, target: &str) {
    for (what, body, status, code) in [
        ("no action", json!({}), 400, "CPS.0047"),
        ("the action create", json!({"action": "create"}), 400, "CPS.0047"),
        ("a limit in words", json!({"action": "filter", "limit": "ten"}), 400, "CPS.0002"),
        ("a limit that is a list", json!({"action": "filter", "limit": [1]}), 400, "CPS.0002"),
        ("a negative offset", json!({"action": "filter", "offset": "-1"}), 400, "CPS.0002"),
        ("a fraction as offset", json!({"action": "filter", "offset": 1.5}), 400, "CPS.0002"),
        ("tags that are an object", json!({"action": "filter", "tags": {}}), 400, "APIGW.0201"),
        ("a tag that is a text", json!({"action": "filter", "tags": ["k"]}), 400, "APIGW.0201"),
        (
            "values that are a text",
            json!({"action": "filter", "tags": [{"key": "k", "values": "v"}]}),
            400,
            "APIGW.0201",
        ),
        (
            "the same value twice",
            json!({"action": "filter", "tags": [{"key": "k", "values": ["v", "v"]}]}),
            400,
            "APIGW.0201",
        ),
        (
            "the same key twice",
            json!({"action": "filter", "tags": [{"key": "k"}, {"key": "k"}]}),
            400,
            "APIGW.0201",
        ),
        (
            "without_any_tag in words",
            json!({"action": "filter", "without_any_tag": "true"}),
            400,
            "APIGW.0201",
        ),
        (
            "matches of another key",
            json!({"action": "filter", "matches": [{"key": "id", "value": "a"}]}),
            400,
            "APIGW.0201",
        ),
        (
            "matches of two names",
            json!({"action": "filter", "matches": [{"key": "resource_name", "value": "a"}, {"key": "resource_name", "value": "b"}]}),
            400,
            "APIGW.0201",
        ),
        ("matches that is a text", json!({"action": "filter", "matches": "a"}), 400, "APIGW.0201"),
    ] {
        let request = post(target, &body.to_string());
        rows.add(format!("ListResourceInstances: {what}"), request, Call(status, code));
    }
}

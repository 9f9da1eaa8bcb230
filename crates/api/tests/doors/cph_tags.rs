//! The tags of servers and phones.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::site::{FOREIGN, FOREIGN_KEY, FOREIGN_PHONE, KEY, PHONES, PROJECT, Site};

/// A call about tags; `rest` follows the project.
async fn tags(site: &Site, method: &str, rest: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    site.cph_as(KEY, method, &format!("/v1/{PROJECT}/{rest}"), body.as_bytes()).await
}

/// Puts tags on a thing.
async fn put(site: &Site, thing: &str, pairs: &[(&str, &str)]) -> Answer {
    let pairs: Vec<Value> =
        pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let body = json!({ "action": "create", "tags": pairs });
    tags(site, "POST", &format!("{thing}/tags/action"), &body).await
}

/// The tags of a thing.
async fn of(site: &Site, thing: &str) -> Value {
    let answer = tags(site, "GET", &format!("{thing}/tags"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json().as_object().unwrap().len(), 1, "no request_id: {answer:?}");
    answer.json()["tags"].clone()
}

const SERVER: &str = "cph-server/server-1";

#[tokio::test]
async fn tags_are_put_replaced_and_taken() {
    let site = Site::start().await;
    let phone = format!("elastic-cloud-phone/{}", PHONES[0]);
    for thing in [SERVER, phone.as_str()] {
        let answer = put(&site, thing, &[("b", "1"), ("a", "手机 x")]).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{answer:?}");
        assert_eq!(answer.header("x-request-id").len(), 32);
        assert_eq!(answer.header("content-type"), "");
        assert_eq!(put(&site, thing, &[("b", "2"), ("c", "3")]).await.status, 204);
        let expected = json!([{ "key": "a", "value": "手机 x" }, { "key": "b", "value": "2" },
                              { "key": "c", "value": "3" }]);
        assert_eq!(of(&site, thing).await, expected);
        let body = json!({ "action": "delete",
                           "tags": [{ "key": "a" }, { "key": "b", "value": "1" },
                                    { "key": "c", "value": "3" }, { "key": "none" }] });
        let answer = tags(&site, "POST", &format!("{thing}/tags/action"), &body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(of(&site, thing).await, json!([{ "key": "b", "value": "2" }]));
    }
}

#[tokio::test]
async fn the_tags_of_a_project_are_listed_by_key() {
    let site = Site::start().await;
    site.add_phone("other", "other", "server-2", "10.0.0.9:5555").await;
    put(&site, SERVER, &[("env", "test"), ("rack", "1")]).await;
    put(&site, "cph-server/server-2", &[("env", "live")]).await;
    put(&site, "elastic-cloud-phone/other", &[("mine", "x")]).await;
    let list = async |rest: &str| tags(&site, "GET", rest, &Value::Null).await.json();
    let all = list("cph-server/tags").await;
    assert_eq!(
        all,
        json!({ "tags": [{ "key": "env", "values": ["live", "test"] },
                         { "key": "rack", "values": ["1"] }], "total_count": 2 })
    );
    let page = list("cph-server/tags?limit=1&offset=1").await;
    assert_eq!(page, json!({ "tags": [{ "key": "rack", "values": ["1"] }], "total_count": 2 }));
    let phones = list("elastic-cloud-phone/tags").await;
    assert_eq!(phones["tags"], json!([{ "key": "mine", "values": ["x"] }]));
    let foreign = format!("/v1/{FOREIGN}/cph-server/tags");
    let others = site.cph_as(FOREIGN_KEY, "GET", &foreign, b"").await.json();
    assert_eq!(others, json!({ "tags": [], "total_count": 0 }));
}

#[tokio::test]
async fn things_are_found_by_their_tags() {
    let site = Site::start().await;
    for number in 2..5 {
        let (id, server) = (format!("phone-{number}"), format!("server-{number}"));
        site.add_phone(&id, &id, &server, "10.0.0.9:5555").await;
    }
    put(&site, SERVER, &[("env", "test"), ("rack", "1")]).await;
    put(&site, "cph-server/server-2", &[("env", "live"), ("rack", "1")]).await;
    put(&site, "cph-server/server-3", &[("env", "live")]).await;
    let find = async |body: Value| {
        let rest = "cph-server/resource_instances/action";
        let answer = tags(&site, "POST", rest, &body).await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        answer.json()
    };
    let check = async |body: Value, expected: &[&str]| {
        let found = find(body.clone()).await;
        let resources = found["resources"].as_array().unwrap();
        let ids: Vec<&str> =
            resources.iter().map(|found| found["resource_id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{body}");
        assert_eq!(found["total_count"], expected.len(), "{body}");
    };
    let by = |tags: Value| json!({ "action": "filter", "tags": tags });
    check(json!({ "action": "filter" }), &["server-1", "server-2", "server-3", "server-4"]).await;
    check(by(json!([{ "key": "env", "values": ["live"] }])), &["server-2", "server-3"]).await;
    let either = json!([{ "key": "env", "values": ["live", "test"] }]);
    check(by(either), &["server-1", "server-2", "server-3"]).await;
    let both = json!([{ "key": "env", "values": ["live"] }, { "key": "rack" }]);
    check(by(both), &["server-2"]).await;
    check(by(json!([{ "key": "nothing" }])), &[]).await;
    check(json!({ "action": "filter", "without_any_tag": true }), &["server-4"]).await;
    let named = json!([{ "key": "resource_name", "value": "server-3" }]);
    check(json!({ "action": "filter", "matches": named }), &["server-3"]).await;
    let page = find(json!({ "action": "filter", "limit": "1", "offset": "2" })).await;
    assert_eq!(page["resources"][0]["resource_id"], "server-3");
    assert_eq!((page["resources"].as_array().unwrap().len(), &page["total_count"]), (1, &json!(4)));
    assert_eq!(
        page["resources"][0],
        json!({ "resource_id": "server-3", "resource_name": "server-3",
                "tags": [{ "key": "env", "value": "live" }] })
    );
    let count = json!({ "action": "count", "tags": [{ "key": "env", "values": ["live"] }] });
    assert_eq!(find(count).await, json!({ "total_count": 2 }));
}

#[tokio::test]
async fn ten_tags_are_the_most_that_a_thing_may_have() {
    let site = Site::start().await;
    let keys: Vec<String> = (0..10).map(|number| format!("k{number}")).collect();
    let ten: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    assert_eq!(put(&site, SERVER, &ten).await.status, 204);
    let message = put(&site, SERVER, &[("eleventh", "v")]).await.refused(403, "CPS.0196");
    assert_eq!(message, "Quota is insufficient.");
    assert_eq!(
        put(&site, SERVER, &[("k3", "w")]).await.status,
        204,
        "another value is no tag more"
    );
    assert_eq!(of(&site, SERVER).await.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn calls_about_tags_are_refused_by_rule() {
    let site = Site::start().await;
    let good = json!({ "action": "create", "tags": [{ "key": "k", "value": "v" }] });
    let phone = |id: &str| format!("elastic-cloud-phone/{id}/tags");
    let change = |thing: &str| format!("{thing}/tags/action");
    let none = Value::Null;
    for (method, rest, body, status, code) in [
        ("POST", change("cph-server/nobody"), &good, 404, "CPS.0015"),
        ("POST", change("elastic-cloud-phone/nobody"), &good, 404, "CPS.0005"),
        ("POST", change(&format!("elastic-cloud-phone/{FOREIGN_PHONE}")), &good, 404, "CPS.0005"),
        (
            "POST",
            change(&format!("elastic-cloud-phone/{}", "f".repeat(33))),
            &good,
            400,
            "CPS.0086",
        ),
        ("POST", change(&format!("cph-server/{}", "f".repeat(257))), &good, 400, "CPS.0086"),
        ("GET", phone("nobody"), &none, 404, "CPS.0005"),
        ("GET", phone("%7F"), &none, 400, "CPS.0086"),
        ("GET", "cph-server/nobody/tags".to_owned(), &none, 404, "CPS.0015"),
        ("POST", change(SERVER), &none, 400, "APIGW.0201"),
        ("POST", change(SERVER), &json!([]), 400, "APIGW.0201"),
        ("POST", change(SERVER), &json!({ "action": "create" }), 400, "APIGW.0201"),
        ("POST", change(SERVER), &json!({ "action": "update" }), 400, "CPS.0047"),
        ("GET", "cph-server/tags?limit=101".to_owned(), &none, 400, "CPS.0002"),
        ("GET", "cph-server/tags?offset=-1".to_owned(), &none, 400, "CPS.0002"),
        ("POST", "cph-server/resource_instances/action".to_owned(), &none, 400, "APIGW.0201"),
        ("POST", "cph-server/resource_instances/action".to_owned(), &json!({}), 400, "CPS.0047"),
        ("GET", "phone/x/tags".to_owned(), &none, 404, "APIGW.0101"),
        ("GET", "cloud-phone/tags".to_owned(), &none, 404, "APIGW.0101"),
        ("POST", change("cph-servers/server-1"), &good, 404, "APIGW.0101"),
    ] {
        tags(&site, method, &rest, body).await.refused(status, code);
    }
    assert_eq!(of(&site, SERVER).await, json!([]));
    let target = format!("/v1/{FOREIGN}/cph-server/server-1/tags");
    site.cph_as(KEY, "GET", &target, b"").await.refused(403, "CPS.0001");
    let target = format!("/v1/{PROJECT}/cph-server/server-1/tags");
    site.unsigned("GET", &target).await.refused(401, "APIGW.0301");
}

#[tokio::test]
async fn the_longest_keys_and_values_count_in_characters() {
    let site = Site::start().await;
    let (key, value) = ("手".repeat(127), "机".repeat(255));
    let answer = put(&site, SERVER, &[(&key, &value)]).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(of(&site, SERVER).await, json!([{ "key": key, "value": value }]));
}

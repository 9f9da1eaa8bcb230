//! The four calls of CPH as clients use them, each kind of answer as it stands on the wire.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::phones::Mood;
use crate::site::{PHONES, Site};

const NUMBER: &str = "sys.prop.writephonenum";

/// An update of one phone.
async fn update(site: &Site, phone: &str, property: &Value) -> (String, String) {
    let body = json!({ "phones": [{ "phone_id": phone, "property": property.to_string() }] });
    let answer = site.update(&body.to_string()).await;
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (text(&body["request_id"]), text(&body["jobs"][0]["job_id"]))
}

/// The job once it is not 1 any more.
async fn ended(site: &Site, job: &str) -> Value {
    let rest = format!("jobs/{job}");
    site.until("a job's end", async || site.cph("GET", &rest, b"").await.json()["status"] != 1)
        .await;
    site.cph("GET", &rest, b"").await.json()
}

/// The text of an answer with its ids by name, for a snapshot.
fn named(answer: &Answer, ids: &[(&str, &str)]) -> String {
    let mut text = format!("{}\n{}", answer.status, answer.text);
    for (id, name) in ids {
        text = text.replace(id, name);
    }
    text.replace(answer.header("x-request-id"), "[this call]")
}

#[tokio::test]
async fn the_vendors_own_sample_refuses_the_first_phone_and_changes_the_second() {
    let site = Site::start().await;
    let sample = include_bytes!("../data/cph-seed-update.json");
    let answer = site.cph("POST", "phones/batch-update-property", sample).await;
    let body = answer.json();
    let job = body["jobs"][1]["job_id"].as_str().unwrap();
    insta::assert_snapshot!(named(&answer, &[(job, "[job]")]), @r#"
    200
    {"request_id":"[this call]","jobs":[{"phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","error_code":"CPS.0078","error_msg":"Parameter: Property is invalid. it is not JSON: expected `,` or `}` at line 1 column 80."},{"phone_id":"1678567b8bab40f93711234cb80d0764","job_id":"[job]"}]}
    "#);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    assert_eq!(ended(&site, job).await["status"], 2);
    assert_eq!(site.phones.get(PHONES[1], NUMBER).as_deref(), Some("13666666666"));
    assert_eq!(site.device(PHONES[0]).await.revision.0, 0, "the refused phone is as it was");
}

#[tokio::test]
async fn values_are_merged_by_key_and_shown_as_text() {
    let site = Site::start().await;
    update(&site, PHONES[0], &json!({ NUMBER: "1", "com.cph.mainkeys": 1 })).await;
    update(&site, PHONES[0], &json!({ "hide_navigate": false, "ro.install.auto": true })).await;
    let (_, job) = update(&site, PHONES[0], &json!({})).await;
    assert_eq!(ended(&site, &job).await["status"], 2, "an empty object is a job that succeeds");
    let answer = site.cph("GET", &format!("phones/{}", PHONES[0]), b"").await;
    insta::assert_snapshot!(named(&answer, &[]), @r#"
    200
    {"request_id":"[this call]","phone_name":"phone a7f3","server_id":"server-1","phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","phone_model_name":"Simulated","image_id":"c86c0e682479e8d1f6f9c70b8c4db973","image_version":"Android 9","status":2,"type":0,"create_time":"2026-11-21T12:00:00Z","update_time":"2026-11-21T12:00:00Z","property":"{\"com.cph.mainkeys\":\"0\",\"ro.install.auto\":\"1\",\"sys.prop.writephonenum\":\"1\"}","custom_property":{},"access_infos":[{"type":"ADB","phone_ip":"127.0.0.1","device_ip":"127.0.0.1","listen_port":5555,"access_port":5555}]}
    "#);
}

#[tokio::test]
async fn entries_keep_their_order_and_a_phone_may_stand_there_twice() {
    let site = Site::start().await;
    let entry = |id: &str, number: &str| json!({ "phone_id": id, "property": json!({ NUMBER: number }).to_string(), "other": [1] });
    let phones =
        [entry(PHONES[1], "1"), entry("nobody", "2"), entry(PHONES[0], "3"), entry(PHONES[1], "4")];
    let answer =
        site.update(&json!({ "phones": phones, "extra": { "a": 1 } }).to_string()).await.json();
    let jobs = answer["jobs"].as_array().unwrap();
    let ids: Vec<&str> = jobs.iter().map(|job| job["phone_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [PHONES[1], "nobody", PHONES[0], PHONES[1]]);
    let made: Vec<bool> = jobs.iter().map(|job| job["job_id"].is_string()).collect();
    assert_eq!(made, [true, false, true, true]);
    assert_ne!(jobs[0]["job_id"], jobs[3]["job_id"], "one job each");
    for job in [&jobs[0], &jobs[3]] {
        assert_eq!(ended(&site, job["job_id"].as_str().unwrap()).await["status"], 2);
    }
    assert_eq!(site.phones.get(PHONES[1], NUMBER).as_deref(), Some("4"));
    let rest = format!("jobs?request_id={}", answer["request_id"].as_str().unwrap());
    assert_eq!(site.cph("GET", &rest, b"").await.json()["jobs"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_job_is_shown_with_nulls_and_listed_with_empty_texts() {
    let site = Site::start().await;
    site.phones.set_mood(PHONES[0], Mood::Hangs);
    let (request, job) = update(&site, PHONES[0], &json!({ NUMBER: "1" })).await;
    let ids = [(job.as_str(), "[job]"), (request.as_str(), "[request]")];
    let show = async || site.cph("GET", &format!("jobs/{job}"), b"").await;
    let list = async || site.cph("GET", &format!("jobs?request_id={request}"), b"").await;

    insta::assert_snapshot!(named(&show().await, &ids), @r#"
    200
    {"request_id":"[request]","job_id":"[job]","phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","server_id":"server-1","begin_time":"2026-11-21T12:00:00Z","end_time":null,"status":1,"error_code":null,"error_msg":null,"execute_msg":null}
    "#);
    insta::assert_snapshot!(named(&list().await, &ids), @r#"
    200
    {"request_id":"[request]","jobs":[{"phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","server_id":"server-1","job_id":"[job]","begin_time":"2026-11-21T12:00:00Z","end_time":"","status":1,"error_code":"","error_msg":"","execute_msg":""}]}
    "#);
    let shown = show().await;
    assert_ne!(shown.header("x-request-id"), request, "the call's own id");
    assert_eq!(shown.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn each_end_has_its_code_and_reason() {
    let site = Site::start().await;
    for (mood, code, message, reason) in [
        (
            Mood::Refuses,
            "CPS.0164",
            "Parameter: Invalid property sys.prop.writephonenum.",
            "permission denied",
        ),
        (
            Mood::Forgets,
            "CPS.0164",
            "Parameter: Invalid property sys.prop.writephonenum.",
            "shows nothing",
        ),
        (
            Mood::Unsupported,
            "CPS.0163",
            "Parameter: property sys.prop.writephonenum not supported.",
            "nothing reads it",
        ),
    ] {
        site.phones.set_mood(PHONES[0], mood);
        let (request, job) = update(&site, PHONES[0], &json!({ NUMBER: "7" })).await;
        let shown = ended(&site, &job).await;
        assert_eq!(shown["status"], -1, "{shown}");
        assert_eq!((&shown["error_code"], &shown["error_msg"]), (&code.into(), &message.into()));
        assert!(shown["execute_msg"].as_str().unwrap().contains(reason), "{shown}");
        assert_eq!(shown["end_time"], "2026-11-21T12:00:00Z");
        let listed = site.cph("GET", &format!("jobs?request_id={request}"), b"").await.json();
        for field in ["status", "error_code", "error_msg", "execute_msg", "begin_time", "end_time"]
        {
            assert_eq!(listed["jobs"][0][field], shown[field], "{field}");
        }
    }
}

#[tokio::test]
async fn a_phone_that_stays_away_ends_its_job_at_the_deadline_and_then_stores() {
    let site = Site::start().await;
    let phone = PHONES[0];
    site.phones.set_mood(phone, Mood::Off);
    let (_, job) = update(&site, phone, &json!({ NUMBER: "1" })).await;
    site.until("the trouble to be known", async || site.device(phone).await.trouble.is_some())
        .await;
    assert_eq!(site.cph("GET", &format!("jobs/{job}"), b"").await.json()["status"], 1);
    site.clock.advance(Duration::from_secs(601));
    let shown = ended(&site, &job).await;
    assert_eq!(
        (&shown["status"], &shown["error_code"]),
        (&json!(-1), &"CPS.0054".into()),
        "{shown}"
    );
    assert_eq!(shown["error_msg"], "Handle job timeout.");
    assert!(shown["execute_msg"].as_str().unwrap().contains("connection refused"), "{shown}");
    let shown = site.cph("GET", &format!("phones/{phone}"), b"").await.json();
    assert_eq!(shown["status"], -7, "{shown}");

    let (request, job) = update(&site, phone, &json!({ NUMBER: "2" })).await;
    let stored = site.cph("GET", &format!("jobs/{job}"), b"").await;
    let ids = [(job.as_str(), "[job]"), (request.as_str(), "[request]")];
    insta::assert_snapshot!(named(&stored, &ids), @r#"
    200
    {"request_id":"[request]","job_id":"[job]","phone_id":"a7f3a1c5258347d6b6f1def79e11f2bc","server_id":"server-1","begin_time":"2026-11-21T12:10:01Z","end_time":"2026-11-21T12:10:01Z","status":2,"error_code":null,"error_msg":null,"execute_msg":"stored; takes effect when the phone is running"}
    "#);
    let inside = site.native("GET", &format!("/jobs/{job}"), "").await.json();
    assert_eq!((&inside["state"], &inside["stored"]), (&"waiting_for_device".into(), &true.into()));
}

#[tokio::test]
async fn jobs_are_listed_page_by_page_and_by_several_requests() {
    let site = Site::start().await;
    let entry = json!({ "phone_id": PHONES[0], "property": "{}" });
    let body = |count: usize| json!({ "phones": vec![entry.clone(); count] }).to_string();
    let (mut requests, mut jobs) = (Vec::new(), Vec::new());
    for count in [3, 2] {
        let answer = site.update(&body(count)).await.json();
        requests.push(answer["request_id"].as_str().unwrap().to_owned());
        let made = answer["jobs"].as_array().unwrap().iter();
        jobs.extend(made.map(|job| job["job_id"].as_str().unwrap().to_owned()));
    }
    let list = async |query: String| {
        let answer = site.cph("GET", &format!("jobs?{query}"), b"").await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let body = answer.json();
        let listed: Vec<String> = body["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["job_id"].as_str().unwrap().to_owned())
            .collect();
        (listed, body["request_id"].as_str().unwrap().to_owned(), answer)
    };
    let both = format!("request_ids={}%2C{}", requests[0], requests[1]);
    let (listed, id, answer) = list(both.clone()).await;
    assert_eq!(listed, jobs);
    assert_eq!(id, answer.header("x-request-id"), "of several requests: the call's own id");
    let (listed, ..) = list(format!("request_ids={},{}", requests[1], requests[0])).await;
    assert_eq!(listed, [&jobs[3..], &jobs[..3]].concat(), "in the order asked for");

    let (listed, id, answer) = list(format!("request_id={}&offset=1&limit=1", requests[0])).await;
    assert_eq!((listed.as_slice(), id.as_str()), (&jobs[1..2], requests[0].as_str()));
    assert_ne!(id, answer.header("x-request-id"));
    assert_eq!(list(format!("{both}&offset=2&limit=2")).await.0, &jobs[2..4]);
    assert!(list(format!("request_id={}&offset=3", requests[0])).await.0.is_empty());
    let (listed, ..) =
        list(format!("request_id={}&request_ids={}", requests[0], requests[1])).await;
    assert_eq!(listed, &jobs[3..], "request_ids wins");
    let unknown = format!("request_ids={},{}", "0".repeat(32), requests[1]);
    assert_eq!(list(unknown).await.0, &jobs[3..], "what is unknown has no jobs");
}

#[tokio::test]
async fn a_content_type_of_any_kind_will_do() {
    let site = Site::start().await;
    let target = "/v1/0123456789abcdef0123456789abcdef/cloud-phone/phones/batch-update-property";
    let body = json!({ "phones": [{ "phone_id": PHONES[0], "property": "{}" }] }).to_string();
    // Signed with application/json, so the signature must not cover it: sign without.
    let uri = target.parse().unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("host", site.address.to_string().parse().unwrap());
    headers.insert("x-sdk-date", crate::site::START.parse().unwrap());
    let (ak, sk) = crate::site::KEY;
    let signature = api::signature::huawei::sign(
        &http::Method::POST,
        &uri,
        &headers,
        body.as_bytes(),
        ak,
        sk.as_bytes(),
        crate::site::START,
    );
    headers.insert("authorization", signature.unwrap());
    for kind in [None, Some("text/plain"), Some("application/json;charset=UTF-8")] {
        let mut headers = headers.clone();
        if let Some(kind) = kind {
            headers.insert("content-type", kind.parse().unwrap());
        }
        let request = crate::client::bytes("POST", target, &headers, body.as_bytes());
        let answer = crate::client::exchange(site.address, &request).await;
        assert_eq!(answer.status, 200, "{kind:?}: {answer:?}");
    }
}

//! What CPH refuses, rule by rule: its status, its code, and that nothing has changed by it.

use serde_json::{Value, json};

use crate::phones::Mood;
use crate::site::{FOREIGN_PHONE, PHONES, Site};

/// A phone's entry, `property` being the text of an object.
fn entry(id: &str, property: &str) -> Value {
    json!({ "phone_id": id, "property": property })
}

/// Bodies that are refused as a whole: the rule, the body, status, code.
fn whole() -> Vec<(&'static str, String, u16, &'static str)> {
    let invalid = |rule, body: &str| (rule, body.to_owned(), 400, "CPS.0077");
    let entries = |count: usize| {
        let one = entry(PHONES[0], "{}").to_string();
        format!(r#"{{"phones":[{}]}}"#, vec![one; count].join(","))
    };
    vec![
        invalid("an empty body is not JSON", ""),
        invalid("half an object is not JSON", r#"{"phones":["#),
        invalid("a body must end where its object ends", r#"{"phones":[{}]}x"#),
        invalid("a comma too many is not JSON", r#"{"phones":[{},]}"#),
        invalid("a form is not JSON", "phones=1"),
        invalid("a list is no body", r#"[[{"phone_id":"a"}]]"#),
        invalid("a text is no body", r#""phones""#),
        invalid("null is no body", "null"),
        invalid("phones may not be missing", "{}"),
        invalid("phones has no other spelling", r#"{"Phones":[{}]}"#),
        invalid("phones may stand there once", r#"{"phones":[{}],"phones":[{}]}"#),
        invalid("phones may not be null", r#"{"phones":null}"#),
        invalid("phones may not be an object", r#"{"phones":{"phone_id":"a"}}"#),
        invalid("phones may not be a text", r#"{"phones":"a"}"#),
        invalid("phones may not be a number", r#"{"phones":1}"#),
        invalid("phones may not be a boolean", r#"{"phones":true}"#),
        invalid("phones may not be empty", r#"{"phones":[]}"#),
        ("at most 8,096 phones", entries(8_097), 400, "CPS.0190"),
        (
            "a long list that breaks off is not JSON",
            entries(8_097).replace("}]}", ""),
            400,
            "CPS.0077",
        ),
    ]
}

#[tokio::test]
async fn whole_bodies_are_refused_by_rule() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    for (rule, body, status, code) in whole() {
        let message = site.update(&body).await.refused(status, code);
        let literal = match code {
            "CPS.0077" => "Parameter: phones list is invalid.",
            _ => "The number of phones exceeds the limit.",
        };
        assert!(message.starts_with(literal), "{rule}: {message}");
    }
    let not_utf8 = b"{\"phones\":[{\"phone_id\":\"\xff\"}]}";
    site.cph("POST", "phones/batch-update-property", not_utf8).await.refused(400, "CPS.0077");
    assert_eq!(site.fingerprint().await, before, "nothing changes");
}

/// Entries that are refused alone: the rule, the entry, the code, a part of the text.
fn entries() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    const ID: &str = "Parameter: phone_id is invalid.";
    const UNKNOWN: &str = "Parameter: Phone not found.";
    const MALFORMED: &str = "Parameter: Property is invalid. ";
    let id = |rule, id: Value| (rule, json!({ "phone_id": id, "property": "{}" }), "CPS.0004", ID);
    let unknown = |rule, id: &str| (rule, entry(id, "{}"), "CPS.0005", UNKNOWN);
    let malformed = |rule, property: Value| {
        (rule, json!({ "phone_id": PHONES[0], "property": property }), "CPS.0078", MALFORMED)
    };
    let unsupported =
        |rule, property: &str, part| (rule, entry(PHONES[0], property), "CPS.0163", part);
    let bad = |rule, property: &str, part| (rule, entry(PHONES[0], property), "CPS.0164", part);
    let custom = |rule, custom: Value, code, part| {
        let property = "{\"com.cph.mainkeys\":1}";
        let entry =
            json!({ "phone_id": PHONES[0], "property": property, "custom_property": custom });
        (rule, entry, code, part)
    };
    vec![
        ("an id may not be missing", json!({ "property": "{}" }), "CPS.0004", ID),
        ("what is no object has no id", json!(7), "CPS.0004", ID),
        ("a list has no id", json!(["a"]), "CPS.0004", ID),
        ("null has no id", Value::Null, "CPS.0004", ID),
        id("an id may not be null", Value::Null),
        id("an id may not be a number", json!(7)),
        id("an id may not be a boolean", json!(true)),
        id("an id may not be a list", json!([PHONES[0]])),
        id("an id may not be an object", json!({ "a": "b" })),
        id("an id may not be empty", json!("")),
        id("an id has at most 32 bytes", json!("f".repeat(33))),
        id("it is bytes that count", json!("手".repeat(11))),
        id("an id has no control characters", json!("a\nb")),
        (
            "the id comes before the property",
            json!({ "phone_id": "", "property": "{" }),
            "CPS.0004",
            ID,
        ),
        unknown("a phone must exist", "00000000000000000000000000000009"),
        unknown("an id of another form is unknown", "phone"),
        unknown("32 bytes are enough for an id", &format!("{}aa", "手".repeat(10))),
        unknown("ids have a case", &PHONES[0].to_uppercase()),
        unknown("another project's phone is unknown", FOREIGN_PHONE),
        ("the phone comes before the property", entry("nobody", "{"), "CPS.0005", UNKNOWN),
        ("a property may not be missing", json!({ "phone_id": PHONES[0] }), "CPS.0078", MALFORMED),
        malformed("a property may not be null", Value::Null),
        malformed("a property may not be an object", json!({ "com.cph.mainkeys": 1 })),
        malformed("a property may not be a list", json!([])),
        malformed("a property may not be a number", json!(1)),
        malformed("a property may not be empty", json!("")),
        malformed("a property holds an object, no list", json!("[]")),
        malformed("a property holds an object, no text", json!("\"a\"")),
        malformed("a property holds JSON", json!("com.cph.mainkeys=1")),
        malformed("a property's object must end", json!("{\"com.cph.mainkeys\":1")),
        malformed("a property ends with its object", json!("{} {}")),
        malformed("a trailing comma is not JSON", json!("{\"com.cph.mainkeys\":1,}")),
        malformed("a leading zero is not JSON", json!("{\"com.cph.mainkeys\":01}")),
        malformed("a property has at most 8,096 characters", json!(" ".repeat(8_095) + "{}")),
        unsupported(
            "a property must be known",
            r#"{"no.such":1}"#,
            "property no.such not supported.",
        ),
        unsupported(
            "one unknown key refuses all",
            r#"{"com.cph.mainkeys":1,"x":1}"#,
            "property x not",
        ),
        unsupported(
            "names have a case",
            r#"{"com.cph.MainKeys":1}"#,
            "com.cph.MainKeys not supported.",
        ),
        unsupported("a name may not be empty", r#"{"":1}"#, "property  not supported."),
        unsupported(
            "the server's own names are not for clients",
            r#"{"persist.fleetwright.id":"x"}"#,
            "persist.fleetwright.id not supported.",
        ),
        unsupported(
            "a name's control characters are not echoed",
            r#"{"a\u0007":1}"#,
            "property a\\u{7} not",
        ),
        (
            "a profile that can't set it says so",
            entry(PHONES[3], r#"{"ro.install.auto":1}"#),
            "CPS.0163",
            "property ro.install.auto not supported.",
        ),
        bad("0 or 1 is not 2", r#"{"com.cph.mainkeys":2}"#, "Invalid property com.cph.mainkeys."),
        bad("a value may not be null", r#"{"com.cph.mainkeys":null}"#, "com.cph.mainkeys. null"),
        bad("a value may not be a list", r#"{"com.cph.mainkeys":[1]}"#, "com.cph.mainkeys."),
        bad("a value may not be an object", r#"{"com.cph.mainkeys":{}}"#, "com.cph.mainkeys."),
        bad("a number may not be broken", r#"{"com.cph.mainkeys":1.0}"#, "whole"),
        bad("a number may not have an exponent", r#"{"com.cph.mainkeys":1e0}"#, "whole"),
        bad("there is no negative zero", r#"{"com.cph.mainkeys":-0}"#, "whole"),
        bad("an IMSI has digits only", r#"{"sys.prop.writeimsi":"46002x"}"#, "sys.prop.writeimsi."),
        bad("an IMSI has at most 15", r#"{"sys.prop.writeimsi":"1234567890123456"}"#, "15"),
        bad(
            "a number has at most 20",
            r#"{"sys.prop.writephonenum":"123456789012345678901"}"#,
            "20",
        ),
        bad("half a surrogate is no text", r#"{"sys.prop.writewifissid":"\ud800"}"#, "surrogate"),
        bad(
            "a key stands there once",
            r#"{"com.cph.mainkeys":1,"com.cph.mainkeys":1}"#,
            "more than once",
        ),
        bad("an alias is the same key", r#"{"com.cph.mainkeys":1,"hide_navigate":1}"#, "twice"),
        custom("custom_property is an object", json!("{}"), "CPS.0078", MALFORMED),
        custom("custom_property is no list", json!([]), "CPS.0078", MALFORMED),
        custom("its values are texts", json!({ "a": 1 }), "CPS.0078", MALFORMED),
        custom("its values are not null", json!({ "a": null }), "CPS.0078", MALFORMED),
        custom(
            "its names are none of the system's",
            json!({ "ro.no.such": "1" }),
            "CPS.0163",
            "property ro.no.such not supported.",
        ),
        custom(
            "its names are none of the server's own",
            json!({ "persist.fleetwright.id": "1" }),
            "CPS.0163",
            "persist.fleetwright.id not supported.",
        ),
        custom("its names are legal", json!({ "a b": "1" }), "CPS.0163", "property a b not"),
        custom(
            "a free value has at most 91 bytes",
            json!({ "a.b": "x".repeat(92) }),
            "CPS.0164",
            "91",
        ),
        custom(
            "its values are checked",
            json!({ "ro.install.auto": "2" }),
            "CPS.0164",
            "ro.install.auto.",
        ),
        custom(
            "a key stands in one of the two",
            json!({ "com.cph.mainkeys": "1" }),
            "CPS.0164",
            "more",
        ),
        custom("together 7,800 bytes", json!({ "a": "x".repeat(7_800) }), "CPS.0078", "7800"),
    ]
}

#[tokio::test]
async fn entries_are_refused_alone_and_by_rule() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let rows = entries();
    let sent: Vec<&Value> = rows.iter().map(|(_, entry, ..)| entry).collect();
    let answer = site.update(&json!({ "phones": sent }).to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let jobs = body["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), rows.len());
    for ((rule, sent, code, part), job) in rows.iter().zip(jobs) {
        assert_eq!(job["error_code"], *code, "{rule}: {job}");
        let text = job["error_msg"].as_str().unwrap();
        assert!(text.contains(part) && text.len() <= 1024, "{rule}: {job}");
        assert!(!text.contains(char::is_control), "{rule}: {job}");
        assert_eq!(job.get("job_id"), None, "{rule}: absent, not null: {job}");
        match sent.get("phone_id").and_then(Value::as_str) {
            Some(id) => assert_eq!(job["phone_id"], id, "{rule}"),
            None => assert_eq!(job.get("phone_id"), None, "{rule}"),
        }
    }
    assert!(rows.len() + whole().len() > 80, "each rule has its row");
    assert_eq!(site.fingerprint().await, before, "nothing changes");
}

#[tokio::test]
async fn what_json_can_say_and_a_map_cannot_is_refused_too() {
    let site = Site::start().await;
    let before = site.fingerprint().await;
    let phone = PHONES[0];
    for (rule, entry, code) in [
        (
            "phone_id twice",
            format!(r#"{{"phone_id":"{phone}","phone_id":"{phone}","property":"{{}}"}}"#),
            "CPS.0004",
        ),
        (
            "property twice",
            format!(r#"{{"phone_id":"{phone}","property":"{{}}","property":"{{}}"}}"#),
            "CPS.0078",
        ),
        (
            "custom_property twice",
            format!(
                r#"{{"phone_id":"{phone}","property":"{{}}","custom_property":{{}},"custom_property":{{}}}}"#
            ),
            "CPS.0078",
        ),
    ] {
        let answer = site.update(&format!(r#"{{"phones":[{entry}]}}"#)).await;
        assert_eq!(answer.json()["jobs"][0]["error_code"], code, "{rule}: {answer:?}");
    }
    assert_eq!(site.fingerprint().await, before, "nothing changes");
}

#[tokio::test]
async fn a_phone_with_too_many_open_jobs_is_busy_and_the_others_go_on() {
    let site = Site::start().await;
    site.phones.set_mood(PHONES[0], Mood::Hangs);
    let values = entry(PHONES[0], r#"{"com.cph.mainkeys":1}"#);
    let body = json!({ "phones": vec![values; 66] });
    let answer = site.update(&body.to_string()).await;
    let jobs = answer.json()["jobs"].as_array().unwrap().clone();
    let accepted = jobs.iter().filter(|job| job["job_id"].is_string()).count();
    assert_eq!(accepted, fleet::limits::OPEN_JOBS_PER_DEVICE_MAX);
    let refused = &jobs[accepted];
    assert_eq!(
        (&refused["error_code"], &refused["error_msg"]),
        (&"CPS.0042".into(), &"System busy.".into())
    );
    let other = json!({ "phones": [entry(PHONES[1], "{}")] });
    assert!(site.update(&other.to_string()).await.json()["jobs"][0]["job_id"].is_string());
}

#[tokio::test]
async fn reads_are_refused_by_rule() {
    let site = Site::start().await;
    let body = json!({ "phones": [entry(PHONES[0], "{}")] });
    let update = site.update(&body.to_string()).await.json();
    let request = update["request_id"].as_str().unwrap().to_owned();
    let job = update["jobs"][0]["job_id"].as_str().unwrap().to_owned();
    let many = vec![request.clone(); 21].join(",");
    let of = |query: &str| format!("jobs?request_id={request}&{query}");
    let zeroes = "0".repeat(32);
    for (rule, rest, status, code, message) in [
        (
            "jobs need a request",
            "jobs".to_owned(),
            400,
            "CPS.0049",
            "Parameter: request_id is empty.",
        ),
        (
            "an empty id is none",
            "jobs?request_id=".to_owned(),
            400,
            "CPS.0049",
            "Parameter: request_id is empty.",
        ),
        (
            "at most 20 requests",
            format!("jobs?request_ids={many}"),
            400,
            "CPS.0161",
            "exceeded the limit.",
        ),
        (
            "a limit is at least 1",
            of("limit=0"),
            400,
            "CPS.0002",
            "Parameter: offset or limit is invalid.",
        ),
        (
            "a limit is at most 100",
            of("limit=101"),
            400,
            "CPS.0002",
            "Parameter: offset or limit is invalid.",
        ),
        (
            "a limit is a number",
            of("limit=x"),
            400,
            "CPS.0002",
            "Parameter: offset or limit is invalid.",
        ),
        (
            "an offset is not negative",
            of("offset=-1"),
            400,
            "CPS.0002",
            "Parameter: offset or limit is invalid.",
        ),
        (
            "a request must be known",
            format!("jobs?request_id={zeroes}"),
            404,
            "CPS.0050",
            "not found.",
        ),
        (
            "a request's id is hexadecimal",
            "jobs?request_id=x".to_owned(),
            404,
            "CPS.0050",
            "not found.",
        ),
        (
            "a job's id is no request's",
            format!("jobs?request_id={job}"),
            404,
            "CPS.0050",
            "not found.",
        ),
        ("a job must be known", format!("jobs/{zeroes}"), 404, "CPS.0011", "Job not found."),
        ("a job's id is hexadecimal", "jobs/x".to_owned(), 404, "CPS.0011", "Job not found."),
        ("a job's id is not blank", "jobs/%20".to_owned(), 400, "CPS.0048", "job_id is empty."),
        (
            "a request's id is no job's",
            format!("jobs/{request}"),
            404,
            "CPS.0011",
            "Job not found.",
        ),
        (
            "a phone must be known",
            format!("phones/{zeroes}"),
            404,
            "CPS.0005",
            "Phone is not found.",
        ),
        (
            "another project's phone is unknown",
            format!("phones/{FOREIGN_PHONE}"),
            404,
            "CPS.0005",
            "Phone is not found.",
        ),
        (
            "a phone's id has at most 32 bytes",
            format!("phones/{}", "f".repeat(33)),
            400,
            "CPS.0004",
            "Parameter: phone_id is invalid.",
        ),
        (
            "bytes once decoded",
            format!("phones/{}", "%E6%89%8B".repeat(11)),
            400,
            "CPS.0004",
            "Parameter: phone_id is invalid.",
        ),
        ("a phone's id is text", "phones/%FF".to_owned(), 400, "APIGW.0201", "API request error."),
    ] {
        let got = site.cph("GET", &rest, b"").await.refused(status, code);
        assert!(got.contains(message), "{rule}: {got}");
    }
}

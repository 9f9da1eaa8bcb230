//! RestartCloudPhone, ResetCloudPhone and StopCloudPhone: what they refuse besides what
//! UpdateCloudPhoneProperty does.

use serde_json::json;

use super::Refusal::{Call, Entry};
use super::Rows;
use super::bed::Bed;

/// Bodies of StopCloudPhone, and the code that refuses each.
const STOPS: &[(&str, &str, &str)] = &[
    ("nothing", "", "CPS.0080"),
    ("words", "stop all", "CPS.0080"),
    ("a list", r#"["a"]"#, "CPS.0080"),
    ("null", "null", "CPS.0080"),
    ("an object that is cut off", r#"{"phone_ids":["a""#, "CPS.0080"),
    ("a comma after the last id", r#"{"phone_ids":["a",]}"#, "CPS.0080"),
    ("phone_ids null", r#"{"phone_ids":null}"#, "CPS.0080"),
    ("phone_ids a text", r#"{"phone_ids":"a"}"#, "CPS.0080"),
    ("phone_ids a number", r#"{"phone_ids":1}"#, "CPS.0080"),
    ("phone_ids a boolean", r#"{"phone_ids":true}"#, "CPS.0080"),
    ("phone_ids an object", r#"{"phone_ids":{"a":"b"}}"#, "CPS.0080"),
    ("phone_ids twice", r#"{"phone_ids":["a"],"phone_ids":["a"]}"#, "CPS.0080"),
    ("an empty object", "{}", "CPS.0081"),
    ("phone_ids with a capital", r#"{"Phone_ids":["a"]}"#, "CPS.0081"),
    ("phones and no phone_ids", r#"{"phones":[{"phone_id":"a"}]}"#, "CPS.0081"),
];

/// What stands among the ids of StopCloudPhone that is none.
const IDS: &[(&str, &str)] = &[
    ("null", "null"),
    ("a number", "1"),
    ("a boolean", "true"),
    ("a list", r#"["a"]"#),
    ("an object", r#"{"phone_id":"a"}"#),
    ("a text with a line feed", r#""a\n""#),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let stop = |body: &str| bed.with_body("POST", "phones/batch-stop", body);
    for (what, body, code) in STOPS {
        rows.add(format!("StopCloudPhone: {what}"), stop(body), Call(400, code));
    }
    for (what, id) in IDS {
        let body = format!(r#"{{"phone_ids":[{id}]}}"#);
        rows.add(format!("StopCloudPhone: an id that is {what}"), stop(&body), Entry("CPS.0004"));
    }
    let body = json!({"phone_ids": [bed.strangers_phone]}).to_string();
    rows.add("StopCloudPhone: another project's phone", stop(&body), Entry("CPS.0005"));
    for (name, call) in [("RestartCloudPhone", "batch-restart"), ("ResetCloudPhone", "batch-reset")]
    {
        switch(rows, bed, name, &format!("phones/{call}"));
    }
    let reset = |value: &str| {
        let body = format!(
            r#"{{"phones":[{{"phone_id":"{}","factory_reset_enabled":{value}}}]}}"#,
            bed.phone
        );
        bed.with_body("POST", "phones/batch-reset", body)
    };
    for (what, value) in
        [("a text", r#""true""#), ("a number", "1"), ("a list", "[]"), ("an object", "{}")]
    {
        let rule = format!("ResetCloudPhone: factory_reset_enabled is {what}");
        rows.add(rule, reset(value), Entry("CPS.0078"));
    }
    let twice = reset(r#"false,"factory_reset_enabled":false"#);
    rows.add("ResetCloudPhone: factory_reset_enabled twice", twice, Entry("CPS.0078"));
}

/// Those of a restart and a reset.
fn switch(rows: &mut Rows, bed: &Bed, name: &str, rest: &str) {
    let phone = &bed.phone;
    for (what, image) in [
        ("a text", r#""20032120200330a20b000eae5b8c01e6""#),
        ("a number", "7"),
        ("a list", "[]"),
        ("there twice", r#""","image_id":"""#),
    ] {
        let body = format!(r#"{{"phones":[{{"phone_id":"{phone}"}}],"image_id":{image}}}"#);
        let request = bed.with_body("POST", rest, body);
        rows.add(format!("{name}: image_id is {what}"), request, Call(400, "CPS.0030"));
    }
    let entry = |fields: &str| {
        let body = format!(r#"{{"phones":[{{"phone_id":"{phone}",{fields}}}]}}"#);
        bed.with_body("POST", rest, body)
    };
    for (what, fields, code) in [
        ("property a number", r#""property":1"#, "CPS.0078"),
        ("property an object", r#""property":{}"#, "CPS.0078"),
        ("property cut off", r#""property":"{""#, "CPS.0078"),
        ("custom_property a list", r#""custom_property":[]"#, "CPS.0078"),
        ("an unknown property", r#""property":"{\"com.example.no\":1}""#, "CPS.0163"),
        ("a bad value", r#""property":"{\"com.cph.mainkeys\":7}""#, "CPS.0164"),
        ("a null value", r#""property":"{\"com.cph.mainkeys\":null}""#, "CPS.0164"),
    ] {
        rows.add(format!("{name}: {what}"), entry(fields), Entry(code));
    }
    for (what, id, code) in [
        ("an empty id", String::new(), "CPS.0004"),
        ("an unknown phone", "0".repeat(32), "CPS.0005"),
        ("another project's phone", bed.strangers_phone.clone(), "CPS.0005"),
    ] {
        let body = json!({"phones": [{"phone_id": id}]}).to_string();
        let request = bed.with_body("POST", rest, body);
        rows.add(format!("{name}: {what}"), request, Entry(code));
    }
    let body = r#"{"phones":[{}]}"#;
    let request = bed.with_body("POST", rest, body);
    rows.add(format!("{name}: an entry without an id"), request, Entry("CPS.0004"));
}

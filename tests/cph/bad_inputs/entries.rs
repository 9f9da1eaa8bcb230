//! Entries of UpdateCloudPhoneProperty whose `phone_id` names no phone of the project.

use serde_json::json;

use super::Refusal::Entry;
use super::Rows;
use super::bed::Bed;

/// Entries, as they stand in JSON, of which none has a phone's id.
const MALFORMED: &[(&str, &str)] = &[
    ("an empty object", "{}"),
    ("null", "null"),
    ("a text", r#""1678567b8bab40f93711234cb80d0764""#),
    ("a number", "1"),
    ("a boolean", "true"),
    ("a list", r#"["1678567b8bab40f93711234cb80d0764","{}"]"#),
    ("no phone_id", r#"{"property":"{}"}"#),
    ("phone_id null", r#"{"phone_id":null,"property":"{}"}"#),
    ("phone_id a number", r#"{"phone_id":1678567840937112347,"property":"{}"}"#),
    ("phone_id a fraction", r#"{"phone_id":1.5,"property":"{}"}"#),
    ("phone_id a boolean", r#"{"phone_id":true,"property":"{}"}"#),
    ("phone_id a list", r#"{"phone_id":["a"],"property":"{}"}"#),
    ("phone_id an object", r#"{"phone_id":{"id":"a"},"property":"{}"}"#),
    ("phone_id in capitals", r#"{"PHONE_ID":"a","property":"{}"}"#),
    ("phone_id as phoneId", r#"{"phoneId":"a","property":"{}"}"#),
    ("phone_id twice", r#"{"phone_id":"a","property":"{}","phone_id":"a"}"#),
    ("phone_id with a line feed", r#"{"phone_id":"a\nb","property":"{}"}"#),
    ("phone_id with a NUL", r#"{"phone_id":"a\u0000","property":"{}"}"#),
    ("phone_id with a DEL", r#"{"phone_id":"a\u007f","property":"{}"}"#),
    ("phone_id with a C1 control", r#"{"phone_id":"a\u0085","property":"{}"}"#),
    (
        "phone_id with hyphens, 36 bytes",
        r#"{"phone_id":"1678567b-8bab-40f9-3711-234cb80d0764","property":"{}"}"#,
    ),
    (
        "phone_id of 11 characters in 33 bytes",
        r#"{"phone_id":"手手手手手手手手手手手","property":"{}"}"#,
    ),
    (
        "phone_id of 9 characters in 36 bytes",
        r#"{"phone_id":"😀😀😀😀😀😀😀😀😀","property":"{}"}"#,
    ),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (what, entry) in MALFORMED {
        rows.add(format!("entry: {what}"), bed.entry(entry), Entry("CPS.0004"));
    }
    let id = &bed.phone;
    let name = bed.site.phones.records()[0]["name"].as_str().expect("a name").to_owned();
    for (what, unknown) in [
        ("zeroes", "0".repeat(32)),
        ("a phone's in capitals", id.to_uppercase()),
        ("a phone's and a blank less a digit", format!("{} ", &id[..31])),
        ("a blank and a phone's less a digit", format!(" {}", &id[1..])),
        ("a phone's less its last digit", id[..31].to_owned()),
        ("a phone's name", name),
        ("another project's phone's", bed.strangers_phone.clone()),
        ("a server's", bed.server.clone()),
        ("a pattern", "%".to_owned()),
        ("an asterisk", "*".to_owned()),
        ("a path", "../../etc/passwd".to_owned()),
        ("SQL", "' or '1'='1".to_owned()),
        ("an address", bed.site.phones.records()[0]["address"].as_str().expect("one").to_owned()),
        ("8 characters in 32 bytes", "😀".repeat(8)),
    ] {
        let entry = json!({"phone_id": unknown, "property": "{}"}).to_string();
        rows.add(format!("phone_id: {what}"), bed.entry(&entry), Entry("CPS.0005"));
    }
    // The id comes before the property.
    let both = r#"{"phone_id":"","property":"{"}"#;
    rows.add("entry: both id and property malformed", bed.entry(both), Entry("CPS.0004"));
    let both = json!({"phone_id": "0".repeat(32), "property": "{"}).to_string();
    rows.add("entry: unknown phone, malformed property", bed.entry(&both), Entry("CPS.0005"));
}

//! UpdatePhoneName and UpdateServerName, and the ids in paths.

use serde_json::json;

use super::Refusal::Call;
use super::Rows;
use super::bed::Bed;

/// Names that break the rule: letters, digits, Chinese characters, `-` and `_`.
const NAMES: &[(&str, &str)] = &[
    ("a blank", " "),
    ("a blank within", "phone 1"),
    ("a point", "phone.1"),
    ("a slash", "phone/1"),
    ("a backslash", "phone\\1"),
    ("a quote", "phone'1"),
    ("a tag", "<b>phone</b>"),
    ("an accent", "téléphone"),
    ("Japanese syllables", "けいたい"),
    ("Korean", "휴대폰"),
    ("a line feed", "phone\n"),
    ("a NUL", "phone\0"),
    ("a face", "😀"),
    ("a full-width comma", "手机，1"),
    ("a zero-width space", "pho\u{200b}ne"),
];

/// Bodies that hold no name. `{}` stands for the key.
const BODIES: &[(&str, &str)] = &[
    ("nothing", ""),
    ("words", "phone-1"),
    ("a list", "[]"),
    ("a text", r#""phone-1""#),
    ("cut off", r#"{"KEY":"a""#),
    ("without the key", "{}"),
    ("with the key in capitals", r#"{"NAME":"a"}"#),
    ("with null", r#"{"KEY":null}"#),
    ("with a number", r#"{"KEY":1}"#),
    ("with a list", r#"{"KEY":["a"]}"#),
    ("with an object", r#"{"KEY":{"name":"a"}}"#),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (call, key, rest, code) in [
        ("UpdatePhoneName", "phone_name", format!("phones/{}", bed.phone), "CPS.0025"),
        ("UpdateServerName", "server_name", format!("servers/{}", bed.server), "CPS.0087"),
    ] {
        for (what, name) in NAMES {
            let request = bed.with_body("PUT", &rest, json!({key: name}).to_string());
            rows.add(format!("{call}: a name with {what}"), request, Call(400, code));
        }
        for (what, body) in BODIES {
            let request = bed.with_body("PUT", &rest, body.replace("KEY", key));
            rows.add(format!("{call}: a body {what}"), request, Call(400, code));
        }
    }
    let taken = bed.site.phones.records()[1]["name"].clone();
    let body = json!({"phone_name": taken}).to_string();
    let request = bed.with_body("PUT", &format!("phones/{}", bed.phone), body);
    rows.add("UpdatePhoneName: another phone's name", request, Call(400, "CPS.0026"));

    let name = |key: &str| json!({key: "a"}).to_string();
    for (what, id, status, code) in [
        ("unknown", "0".repeat(32), 404, "CPS.0005"),
        ("another project's", bed.strangers_phone.clone(), 404, "CPS.0005"),
        ("with a line feed", "a%0Ab".to_owned(), 400, "CPS.0004"),
        ("with a NUL", "a%00".to_owned(), 400, "CPS.0004"),
        ("of 11 characters in 33 bytes", "%E6%89%8B".repeat(11), 400, "CPS.0004"),
    ] {
        let rest = format!("phones/{id}");
        rows.add(
            format!("ShowCloudPhoneDetail: a phone {what}"),
            bed.get(&rest),
            Call(status, code),
        );
        let request = bed.with_body("PUT", &rest, name("phone_name"));
        rows.add(format!("UpdatePhoneName: a phone {what}"), request, Call(status, code));
    }
    for (what, id, status, code) in [
        ("unknown", "no-such-server", 404, "CPS.0015"),
        ("another project's", "their-server", 404, "CPS.0015"),
        ("with a line feed", "a%0Ab", 400, "CPS.0016"),
        ("with a NUL", "a%00", 400, "CPS.0016"),
    ] {
        let rest = format!("servers/{id}");
        let rule = format!("ShowCloudPhoneServerDetail: a server {what}");
        rows.add(rule, bed.get(&rest), Call(status, code));
        let request = bed.with_body("PUT", &rest, name("server_name"));
        rows.add(format!("UpdateServerName: a server {what}"), request, Call(status, code));
    }
}

//! Bodies of UpdateCloudPhoneProperty that can't be read as one.

use super::Refusal::Call;
use super::Rows;
use super::bed::Bed;

/// Rules and bodies. Each is refused with CPS.0077.
const TEXTS: &[(&str, &str)] = &[
    ("nothing", ""),
    ("blanks", " \r\n\t"),
    ("words", "phones"),
    ("an object that is cut off", r#"{"phones":[{"phone_id":"a","property":"{}"}"#),
    ("a text that is cut off", r#"{"phones":[{"phone_id":"a"#),
    ("a comma after the last key", r#"{"phones":[{"phone_id":"a","property":"{}"}],}"#),
    ("a comma after the last entry", r#"{"phones":[{"phone_id":"a","property":"{}"},]}"#),
    ("a comma before the first entry", r#"{"phones":[,{"phone_id":"a"}]}"#),
    ("no comma between entries", r#"{"phones":[{"phone_id":"a"} {"phone_id":"b"}]}"#),
    ("no comma between keys", r#"{"phones":[{"phone_id":"a" "property":"{}"}]}"#),
    ("no colon", r#"{"phones" []}"#),
    ("two colons", r#"{"phones"::[]}"#),
    ("words after the object", r#"{"phones":[{"phone_id":"a","property":"{}"}]} end"#),
    ("a second object", r#"{"phones":[]}{"phones":[]}"#),
    ("single quotes", r"{'phones':[]}"),
    ("a key without quotes", r"{phones:[]}"),
    ("a comment", r#"{"phones":[/* none */]}"#),
    ("a comment to the line's end", "{\"phones\":[] // none\n}"),
    ("NaN", r#"{"phones":[NaN]}"#),
    ("Infinity", r#"{"phones":[Infinity]}"#),
    ("True with a capital", r#"{"phones":[True]}"#),
    ("a number with a leading zero", r#"{"phones":[01]}"#),
    ("a number with a plus", r#"{"phones":[+1]}"#),
    ("a number in hex", r#"{"phones":[0x1]}"#),
    ("a number that begins with its point", r#"{"phones":[.5]}"#),
    ("a number that ends with its point", r#"{"phones":[1.]}"#),
    ("a number without its exponent", r#"{"phones":[1e]}"#),
    ("an unknown escape", r#"{"phones":["\x41"]}"#),
    ("an escape that is cut off", r#"{"phones":["\u12"]}"#),
    ("a NUL behind the object", "{\"phones\":[]}\0"),
    ("a line feed within a text", "{\"phones\":[\"a\nb\"]}"),
    ("a byte order mark", "\u{feff}{\"phones\":[]}"),
    ("a list", r#"[{"phone_id":"a","property":"{}"}]"#),
    ("a text", r#""phones""#),
    ("a number", "1"),
    ("a boolean", "true"),
    ("null", "null"),
    ("an object without phones", "{}"),
    ("phones with a capital", r#"{"Phones":[{"phone_id":"a","property":"{}"}]}"#),
    ("phones with a blank in the key", r#"{" phones":[{"phone_id":"a","property":"{}"}]}"#),
    ("phones within another object", r#"{"body":{"phones":[{"phone_id":"a","property":"{}"}]}}"#),
    ("phones null", r#"{"phones":null}"#),
    ("phones a text", r#"{"phones":"a"}"#),
    ("phones a number", r#"{"phones":1}"#),
    ("phones a fraction", r#"{"phones":1.5}"#),
    ("phones a boolean", r#"{"phones":true}"#),
    ("phones an object", r#"{"phones":{"phone_id":"a","property":"{}"}}"#),
    ("phones twice", r#"{"phones":[{"phone_id":"a"}],"phones":[{"phone_id":"a"}]}"#),
    ("a form", "phones=a&property=b"),
    ("XML", "<phones><phone_id>a</phone_id></phones>"),
    ("YAML", "phones:\n  - phone_id: a\n"),
    ("two lines of JSON", "{\"phones\":[]}\n{\"phones\":[]}"),
];

/// Bodies that are no text.
const BYTES: &[(&str, &[u8])] = &[
    ("a byte that UTF-8 does not have", b"{\"phones\":[\"\xff\"]}"),
    ("a character that is cut off", b"{\"phones\":[\"\xe6\x89\"]}"),
    ("an overlong character", b"{\"phones\":[\"\xc0\xaf\"]}"),
    ("half a surrogate pair in UTF-8", b"{\"phones\":[\"\xed\xa0\x80\"]}"),
    ("GB 18030", b"{\"phones\":[\"\xca\xd6\xbb\xfa\"]}"),
    ("UTF-16", b"\xff\xfe{\0\"\0p\0h\0o\0n\0e\0s\0\"\0:\0[\0]\0}\0"),
    ("compressed bytes", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0"),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    const INVALID: super::Refusal = Call(400, "CPS.0077");
    for (what, body) in TEXTS {
        rows.add(format!("body: {what}"), bed.update(*body), INVALID);
    }
    for (what, body) in BYTES {
        rows.add(format!("body: {what}"), bed.update(*body), INVALID);
    }
    let deep = format!("{{\"phones\":{}", "[".repeat(100_000));
    rows.add("body: 100,000 lists begun and none ended", bed.update(deep), INVALID);
    let objects = format!("{{\"phones\":[{}", "{\"a\":".repeat(20_000));
    rows.add("body: 20,000 objects begun and none ended", bed.update(objects), INVALID);
    for (what, call) in [("RestartCloudPhone", "batch-restart"), ("ResetCloudPhone", "batch-reset")]
    {
        for (kind, body) in [
            ("nothing", ""),
            ("words", "restart all"),
            ("a list", "[]"),
            ("an object without phones", "{}"),
            ("phone_ids where phones should be", r#"{"phone_ids":["a"]}"#),
            ("phones null", r#"{"phones":null}"#),
        ] {
            let request = bed.with_body("POST", &format!("phones/{call}"), body);
            rows.add(format!("body of {what}: {kind}"), request, INVALID);
        }
    }
}

//! Who calls: the `Authorization` header, what it covers, its time, and tokens.

use super::Refusal::Call;
use super::Rows;
use super::bed::Bed;
use crate::harness::client::wall_clock;
use crate::harness::phones::PROJECT;
use crate::harness::{Key, Request};

/// The refusal of all of them.
const REFUSED: super::Refusal = Call(401, "APIGW.0301");

/// Milliseconds of the window around the server's clock, and of a minute.
const WINDOW: i64 = 15 * 60 * 1000;
const MINUTE: i64 = 60 * 1000;

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let plain = || Request::new("GET", &bed.target(&format!("jobs?request_id={}", bed.request)));
    let signed = || bed.signed(plain());
    rows.add("signature: none", plain(), REFUSED);
    header(rows, &signed());
    dates(rows, bed, &plain);
    covered(rows, bed, &signed);
    let key = &bed.site.key;
    for (what, key) in [
        ("an unknown key", Key { ak: "NOBODYSKEY0000000001".to_owned(), ..key.clone() }),
        ("a key in other case", Key { ak: swapped(&key.ak), ..key.clone() }),
        ("a wrong secret", Key { sk: format!("{}x", key.sk), ..key.clone() }),
        ("a secret in other case", Key { sk: swapped(&key.sk), ..key.clone() }),
        ("the key's id as secret", Key { sk: key.ak.clone(), ..key.clone() }),
        ("another project's secret", Key { sk: bed.stranger.sk.clone(), ..key.clone() }),
        ("an empty secret", Key { sk: String::new(), ..key.clone() }),
    ] {
        rows.add(format!("signature: {what}"), plain().signed(&key, &bed.host()), REFUSED);
    }
    let wrong = Key { sk: "wrong".to_owned(), ..key.clone() };
    rows.add_after(
        5,
        "signature: a sixth after five failures",
        plain().signed(&wrong, &bed.host()),
        REFUSED,
    );
    tokens(rows, bed, &plain);
}

/// The form of the header.
fn header(rows: &mut Rows, signed: &Request) {
    let value = signed.authorization();
    let part = |name: &str| {
        let after = value.split_once(name).expect("the part").1;
        after.split(',').next().expect("its value").to_owned()
    };
    let (names, signature) = (part("SignedHeaders="), part("Signature="));
    let other = |from: &str, to: &str| value.replacen(from, to, 1);
    for (what, value) in [
        ("empty", String::new()),
        ("a word", "SDK-HMAC-SHA256".to_owned()),
        ("no blank behind the algorithm", other("SHA256 ", "SHA256")),
        ("another algorithm", other("SDK-HMAC-SHA256", "SDK-HMAC-SM3")),
        ("an algorithm in lower case", other("SDK-HMAC-SHA256", "sdk-hmac-sha256")),
        ("the derived algorithm", other("SDK-HMAC-SHA256", "V11-HMAC-SHA256")),
        ("Basic", "Basic b3BlcmF0b3I6c2VjcmV0".to_owned()),
        ("Bearer", "Bearer abc".to_owned()),
        ("AWS4", other("SDK-HMAC-SHA256 Access=", "AWS4-HMAC-SHA256 Credential=")),
        ("no Access", value.replacen(&format!("Access={}, ", part("Access=")), "", 1)),
        ("an empty Access", other(&format!("Access={}", part("Access=")), "Access=")),
        ("a blank within Access", other("Access=", "Access=a b")),
        ("no SignedHeaders", value.replacen(&format!("SignedHeaders={names}, "), "", 1)),
        ("empty SignedHeaders", other(&names, "")),
        ("an empty name in SignedHeaders", other(&names, &format!("{names};"))),
        ("a blank in SignedHeaders", other(&names, &names.replace(';', "; "))),
        ("commas in SignedHeaders", other(&names, &names.replace(';', ","))),
        ("a name twice in SignedHeaders", other(&names, &format!("{names};x-sdk-date"))),
        ("a header that is not there", other(&names, &format!("{names};x-none"))),
        ("x-sdk-date not signed", other(&names, &names.replace("x-sdk-date", "connection"))),
        ("no Signature", other(&format!(", Signature={signature}"), "")),
        ("an empty Signature", other(&signature, "")),
        ("a Signature in capitals", other(&signature, &signature.to_uppercase())),
        ("a Signature less a digit", other(&signature, &signature[1..])),
        ("a Signature and a digit more", other(&signature, &format!("{signature}0"))),
        ("a Signature that is not hex", other(&signature, &"g".repeat(64))),
        ("a Signature of zeroes", other(&signature, &"0".repeat(64))),
        (
            "a Signature in Base64",
            other(&signature, "nTq0ddnxf3nQqL7cPEzqRGBBMpbpnx3u4WvPZs+wlwU="),
        ),
        ("Signature twice", format!("{value}, Signature={signature}")),
        ("Access twice", format!("{value}, Access=a")),
        ("SignedHeaders twice", format!("{value}, SignedHeaders=host")),
        ("an unknown part", format!("{value}, Region=a")),
        ("a comma at the end", format!("{value},")),
        ("names in other case", other("Access=", "access=")),
        ("semicolons between the parts", value.replace(", ", "; ")),
    ] {
        let request = signed.clone().with("authorization", value);
        rows.add(format!("Authorization: {what}"), request, REFUSED);
    }
    let bytes = [value.as_bytes(), b"\xff"].concat();
    let request = signed.clone().with("authorization", bytes);
    rows.add("Authorization: a byte outside ASCII", request, REFUSED);
    let twice = signed.clone().header("authorization", &value);
    rows.add("Authorization: two of them", twice, REFUSED);
}

/// The time of signing.
fn dates(rows: &mut Rows, bed: &Bed, plain: &dyn Fn() -> Request) {
    let (key, host) = (&bed.site.key, bed.host());
    let now = wall_clock();
    for (what, at) in [
        ("a minute past the window", now.0 - WINDOW - MINUTE),
        ("ten minutes before the window", now.0 + WINDOW + 10 * MINUTE),
        ("a day ago", now.0 - 24 * 60 * MINUTE),
        ("a day ahead", now.0 + 24 * 60 * MINUTE),
        ("1970", 0),
    ] {
        let date = fleet::Timestamp(at).to_basic_text();
        rows.add(format!("X-Sdk-Date: {what}"), plain().signed_at(key, &host, &date), REFUSED);
    }
    let signed = bed.signed(plain());
    for (what, date) in [
        ("empty", ""),
        ("in words", "now"),
        ("with hyphens and colons", "2026-11-22T03:44:48Z"),
        ("without its Z", "20261122T034448"),
        ("with an offset", "20261122T034448+0800"),
        ("in seconds since 1970", "1795319088"),
        ("as HTTP has it", "Sun, 22 Nov 2026 03:44:48 GMT"),
        ("a thirteenth month", "20261322T034448Z"),
        ("a thirtieth of February", "20260230T034448Z"),
        ("an hour of 24", "20261122T244448Z"),
        ("in lower case", "20261122t034448z"),
    ] {
        let request = signed.clone().with("x-sdk-date", date);
        rows.add(format!("X-Sdk-Date: {what}"), request, REFUSED);
    }
    rows.add("X-Sdk-Date: missing", signed.clone().without("x-sdk-date"), REFUSED);
    let date = now.to_basic_text();
    rows.add("X-Sdk-Date: two of them", signed.clone().header("x-sdk-date", &date), REFUSED);
    let later = fleet::Timestamp(now.0 + MINUTE).to_basic_text();
    rows.add("X-Sdk-Date: another than was signed", signed.with("x-sdk-date", later), REFUSED);
}

/// What the signature covers, changed after it was made.
fn covered(rows: &mut Rows, bed: &Bed, signed: &dyn Fn() -> Request) {
    let update = || bed.entry(r#"{"phone_id":"a","property":"{}"}"#);
    let retarget = |change: &dyn Fn(&str) -> String| {
        let mut request = signed();
        request.target = change(&request.target);
        request
    };
    for (what, request) in [
        ("another path", retarget(&|target| target.replace("/jobs", "/phones"))),
        ("another project", retarget(&|target| target.replace(PROJECT, "other"))),
        ("another query", retarget(&|target| format!("{target}&limit=1"))),
        ("no query", retarget(&|target| target.split('?').next().expect("a path").to_owned())),
        ("another body", Request { body: b"{\"phones\":[]}".to_vec(), ..update() }),
        ("no body", Request { body: Vec::new(), ..update() }),
        ("a line feed behind the body", {
            let mut request = update();
            request.body.push(b'\n');
            request
        }),
        ("another host", signed().with("host", "cph.example.com")),
        ("a port less", signed().with("host", "127.0.0.1")),
        ("another signed header", update().with("content-type", "text/plain")),
        ("a signed header less", update().without("content-type")),
    ] {
        rows.add(format!("signed, then changed: {what}"), request, REFUSED);
    }
    for (what, value) in [
        ("is another body's", "0".repeat(64)),
        ("is UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD".to_owned()),
        ("is empty", String::new()),
    ] {
        let body = r#"{"phones":[{"phone_id":"a","property":"{}"}]}"#;
        let request = Request::new("POST", &bed.target("phones/batch-update-property"));
        let request = bed.signed(request.body(body).header("x-sdk-content-sha256", value));
        rows.add(format!("X-Sdk-Content-Sha256 {what}"), request, REFUSED);
    }
    let temporary = bed
        .signed(Request::new("GET", &bed.target("phones")).header("x-security-token", "temporary"));
    rows.add("X-Security-Token: a temporary key", temporary, REFUSED);
    let two = signed().header("host", "other.example.com");
    rows.add("Host: two of them", two, REFUSED);
}

/// Tokens in `X-Auth-Token`.
fn tokens(rows: &mut Rows, bed: &Bed, plain: &dyn Fn() -> Request) {
    let token = &bed.token;
    for (what, value) in [
        ("empty", String::new()),
        ("a word", "token".to_owned()),
        ("less its last character", token[..token.len() - 1].to_owned()),
        ("and a character more", format!("{token}A")),
        ("in other case", swapped(token)),
        ("the administrator's", bed.site.server.admin_token()),
        ("a key's secret", bed.site.key.sk.clone()),
        ("with Bearer in front", format!("Bearer {token}")),
        ("in quotes", format!("\"{token}\"")),
    ] {
        let request = plain().header("x-auth-token", value);
        rows.add(format!("X-Auth-Token: {what}"), request, REFUSED);
    }
    let bytes = [token.as_bytes(), b"\xff"].concat();
    rows.add("X-Auth-Token: a byte outside ASCII", plain().header("x-auth-token", bytes), REFUSED);
    let elsewhere = plain().header("authorization", format!("Bearer {token}"));
    rows.add("a token in Authorization", elsewhere, REFUSED);
    let query = Request::new("GET", &bed.target(&format!("phones?x-auth-token={token}")));
    rows.add("a token in the query", query, REFUSED);
    let target = format!("/v1/{}/cloud-phone/phones", super::bed::STRANGER);
    let request = Request::new("GET", &target).header("x-auth-token", token);
    rows.add("a token for another's project", request, Call(403, "CPS.0001"));
    rows.add("GET /v3/projects: unsigned", Request::new("GET", "/v3/projects"), REFUSED);
}

/// Capitals for small letters, and the other way round.
fn swapped(text: &str) -> String {
    let swap = |letter: char| {
        if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}

//! Who calls: the signature, what it covers, its time, and what a strict key asks besides.

use super::bed::{Bed, CAMERA};
use super::{Call, Rows};
use crate::harness::iss::{Signing, content_md5, encoded, entry, request, with_xml};
use crate::harness::phones::PROJECT;
use crate::harness::{Key, Request};

const DENIED: super::Refusal = Call(403, "AccessDenied");
const SECURITY: super::Refusal = Call(403, "InvalidSecurity");
const MISMATCH: super::Refusal = Call(403, "SignatureDoesNotMatch");
const SKEWED: super::Refusal = Call(403, "RequestTimeTooSkewed");
const NO_KEY: super::Refusal = Call(403, "InvalidAccessKeyId");

const DAY: i64 = 24 * 60 * 60;

/// The list of the project's devices, which any key of it may read.
fn plain() -> Request {
    Request::new("GET", &format!("/device?projectId={PROJECT}"))
}

/// UpdateDevice with a body of which nothing is ever read.
fn update() -> Request {
    with_xml("PUT", "/device", request(PROJECT, &[entry(CAMERA, &[("Name", "x")])]))
}

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    rows.add("signature: none", plain(), DENIED);
    rows.add("signature: none, of an update", update(), DENIED);
    keys(rows, bed);
    header(rows, bed);
    times(rows, bed);
    covered(rows, bed);
    query(rows, bed);
    strict(rows, bed);
}

/// Whose signature it is.
fn keys(rows: &mut Rows, bed: &Bed) {
    let key = &bed.key;
    for (what, key, refusal) in [
        ("an unknown key", Key { ak: "AKIDnobody".to_owned(), ..key.clone() }, NO_KEY),
        ("a revoked key", bed.revoked.clone(), NO_KEY),
        ("a key in other case", Key { ak: swapped(&key.ak), ..key.clone() }, NO_KEY),
        ("a wrong secret", Key { sk: format!("{}x", key.sk), ..key.clone() }, MISMATCH),
        ("a secret in other case", Key { sk: swapped(&key.sk), ..key.clone() }, MISMATCH),
        ("the key's id as secret", Key { sk: key.ak.clone(), ..key.clone() }, MISMATCH),
        ("another project's secret", Key { sk: bed.stranger.sk.clone(), ..key.clone() }, MISMATCH),
        ("an empty secret", Key { sk: String::new(), ..key.clone() }, MISMATCH),
    ] {
        let request = Signing::new(&key).sign(plain(), &bed.host());
        rows.add(format!("signature: {what}"), request, refusal);
    }
    let theirs = Signing::new(&bed.stranger).sign(plain(), &bed.host());
    rows.add("signature: another project's key", theirs, Call(404, "NoSuchProject"));
    let wrong = Key { sk: "wrong".to_owned(), ..key.clone() };
    let request = Signing::new(&wrong).sign(plain(), &bed.host());
    let row = rows.add("signature: a sixth after five wrong ones", request, DENIED);
    row.before = 5;
    "locked".clone_into(&mut row.says);
}

/// The form of `Authorization`.
fn header(rows: &mut Rows, bed: &Bed) {
    let signed = bed.signed(plain());
    let value = signed.authorization();
    let part = |name: &str| {
        let after = value.split_once(&format!("{name}=")).expect("the part").1;
        after.split('&').next().expect("its value").to_owned()
    };
    let (time, signature) = (part("q-sign-time"), part("q-signature"));
    let (from, until) = time.split_once(';').expect("two times");
    let other = |from: &str, to: &str| value.replacen(from, to, 1);
    let with =
        |name: &str, to: &str| other(&format!("{name}={}", part(name)), &format!("{name}={to}"));
    let timed = |to: &str| value.replace(&time, to);
    let without = |name: &str| {
        let parts = value.split('&').filter(|part| !part.starts_with(name));
        parts.collect::<Vec<_>>().join("&")
    };
    let mut values = vec![
        ("empty", String::new()),
        ("a word", "q-sign-algorithm".to_owned()),
        ("Basic", "Basic b3BlcmF0b3I6c2VjcmV0".to_owned()),
        ("Bearer", "Bearer abc".to_owned()),
        ("TC3, of the next generation", "TC3-HMAC-SHA256 Credential=a, Signature=b".to_owned()),
        ("CPH's", "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=b".to_owned()),
        ("another algorithm", with("q-sign-algorithm", "sha256")),
        ("an algorithm in capitals", with("q-sign-algorithm", "SHA1")),
        ("an empty algorithm", with("q-sign-algorithm", "")),
        ("an empty q-ak", with("q-ak", "")),
        ("a blank in q-ak", with("q-ak", "a b")),
        ("a q-ak of 129 characters", with("q-ak", &"A".repeat(129))),
        ("one time", timed(from)),
        ("three times", timed(&format!("{time};{until}"))),
        ("times with a comma", timed(&time.replace(';', ","))),
        ("times in words", timed("now;later")),
        ("a negative time", timed(&format!("-{from};{until}"))),
        ("times with a blank", timed(&time.replace(';', "; "))),
        ("times in hexadecimal", timed("0x1;0xffffffff")),
        ("times of thirteen digits", timed(&format!("{from}000;{until}000"))),
        ("times that end before they begin", timed(&format!("{until};{from}"))),
        ("times that end as they begin", timed(&format!("{from};{from}"))),
        (
            "times that differ",
            other(&format!("q-key-time={time}"), &format!("q-key-time={from};{until}0")),
        ),
        ("an empty signature", with("q-signature", "")),
        ("a signature in capitals", with("q-signature", &format!("A{}", &signature[1..]))),
        ("a signature less a digit", with("q-signature", &signature[1..])),
        ("a signature and a digit", with("q-signature", &format!("{signature}0"))),
        ("a signature that is not hexadecimal", with("q-signature", &"g".repeat(40))),
        ("a signature of SHA-256's length", with("q-signature", &"0".repeat(64))),
        ("a name twice in q-header-list", with("q-header-list", "host;host")),
        ("an empty name in q-header-list", with("q-header-list", "host;")),
        ("a comma in q-header-list", with("q-header-list", "host,connection")),
        ("a header that is not there", with("q-header-list", "host;x-none")),
        ("101 names in q-header-list", with("q-header-list", &"a;".repeat(101))),
        ("a name twice in q-url-param-list", with("q-url-param-list", "projectid;projectid")),
        ("a parameter that is not there", with("q-url-param-list", "gbid;projectid")),
        ("an unknown part", format!("{value}&q-token=a")),
        ("an ampersand at the end", format!("{value}&")),
        ("an ampersand at the beginning", format!("&{value}")),
        ("commas between the parts", value.replace('&', ", ")),
        ("names in capitals", value.replace("q-ak", "Q-AK")),
        ("percent-encoded whole", encoded(&value)),
        ("longer than 4 kB", with("q-header-list", &"a".repeat(5_000))),
    ];
    let names = [
        "q-sign-algorithm",
        "q-ak",
        "q-sign-time",
        "q-key-time",
        "q-header-list",
        "q-url-param-list",
        "q-signature",
    ];
    let lacking: Vec<String> = names.iter().map(|name| format!("{name} missing")).collect();
    let twice: Vec<String> = names.iter().map(|name| format!("{name} twice")).collect();
    for ((name, lacking), twice) in names.iter().zip(&lacking).zip(&twice) {
        values.push((lacking, without(name)));
        values.push((twice, format!("{value}&{name}={}", part(name))));
    }
    for (what, value) in values {
        let request = signed.clone().with("authorization", value);
        rows.add(format!("Authorization: {what}"), request, SECURITY);
    }
    for (what, value) in [
        ("a signature of zeroes", with("q-signature", &"0".repeat(40))),
        (
            "a signature turned round",
            with("q-signature", &signature.chars().rev().collect::<String>()),
        ),
        ("a header less in the list", with("q-header-list", "")),
        ("a parameter less in the list", with("q-url-param-list", "")),
        ("another time", timed(&format!("{};{until}", from.parse::<i64>().expect("a number") + 1))),
    ] {
        let request = signed.clone().with("authorization", value);
        rows.add(format!("Authorization: {what}"), request, MISMATCH);
    }
    let bytes = [value.as_bytes(), b"\xff"].concat();
    let request = signed.clone().with("authorization", bytes);
    rows.add("Authorization: a byte outside ASCII", request, SECURITY);
    let twice = signed.clone().header("authorization", &value);
    rows.add("Authorization: two of them", twice, SECURITY);
    for token in ["x-iss-security-token", "x-cos-security-token"] {
        let request = signed.clone().header(token, "temporary");
        let row = rows.add(format!("{token}: a temporary key"), request, DENIED);
        "temporary keys are not supported".clone_into(&mut row.says);
    }
}

/// When it was made, and until when it holds.
fn times(rows: &mut Rows, bed: &Bed) {
    for (what, from, until) in [
        ("ended a second ago", -600, -1),
        ("ended a day ago", -2 * DAY, -DAY),
        ("begins in ten minutes", 600, 1_200),
        ("begins tomorrow", DAY, 2 * DAY),
    ] {
        let signing = Signing::new(&bed.key).between(from, until);
        let request = signing.sign(plain(), &bed.host());
        rows.add(format!("time: {what}"), request, SKEWED);
    }
    let sample = Signing { from: 1_497_530_202, until: 1_497_610_202, ..Signing::new(&bed.key) };
    rows.add("time: of the vendor's sample", sample.sign(plain(), &bed.host()), SKEWED);
    let first = Signing { from: 0, until: 1, ..Signing::new(&bed.key) };
    rows.add("time: 1970", first.sign(plain(), &bed.host()), SKEWED);
    let last = Signing { from: 999_999_999_998, until: 999_999_999_999, ..Signing::new(&bed.key) };
    rows.add("time: in 30,000 years", last.sign(plain(), &bed.host()), SKEWED);
}

/// What the signature covers, changed after it was made.
fn covered(rows: &mut Rows, bed: &Bed) {
    let retarget = |target: &str| {
        let mut request = bed.signed(plain());
        target.clone_into(&mut request.target);
        request
    };
    let redo = |method: &str| Request { method: method.to_owned(), ..bed.signed(update()) };
    let own = format!("/device?projectId={PROJECT}");
    let sip = format!("/device/sip?projectId={PROJECT}");
    for (what, request) in [
        ("another path", retarget(&sip)),
        ("another value in the query", retarget("/device?projectId=stranger")),
        ("another method", redo("POST")),
        ("a method that deletes", redo("DELETE")),
        ("another host", bed.signed(plain()).with("host", "iss.ap-beijing.myqcloud.com")),
        ("another type of body", bed.signed(update()).with("content-type", "text/xml")),
        ("a longer body", {
            let mut request = bed.signed(update());
            request.body.push(b'\n');
            request
        }),
    ] {
        rows.add(format!("signed, then changed: {what}"), request, MISMATCH);
    }
    for (what, request) in [
        ("no query", retarget("/device")),
        ("another name in the query", retarget(&own.replace("projectId", "project"))),
        ("the same parameter twice", retarget(&format!("{own}&projectId={PROJECT}"))),
        ("the same header twice", bed.signed(update()).header("content-type", "application/xml")),
        ("a signed header less", bed.signed(update()).without("content-type")),
    ] {
        rows.add(format!("signed, then changed: {what}"), request, SECURITY);
    }
    for (what, digest) in [
        ("another body's", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("in hexadecimal", "d41d8cd98f00b204e9800998ecf8427e"),
        ("empty", ""),
        ("words", "md5"),
    ] {
        let request = bed.signed(update().header("content-md5", digest));
        rows.add(format!("Content-MD5: {what}"), request, Call(400, "BadDigest"));
    }
}

/// A signature that stands in the query.
fn query(rows: &mut Rows, bed: &Bed) {
    let authorization = Signing::new(&bed.key).authorization(&plain(), &bed.host());
    let pairs: Vec<String> = authorization
        .split('&')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let target = format!("{}&{}", plain().target, pairs.join("&"));
    let flipped = if target.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{flipped}", &target[..target.len() - 1]);
    rows.add("query: a wrong signature", Request::new("GET", &wrong), MISMATCH);
    let both = Request::new("GET", &target).header("authorization", &authorization);
    rows.add("query: a signature beside one in the header", both, SECURITY);
    let half = target.split("&q-signature").next().expect("a target").to_owned();
    rows.add("query: no q-signature", Request::new("GET", &half), SECURITY);
    let twice = format!("{target}&q-ak={}", bed.key.ak);
    rows.add("query: q-ak twice", Request::new("GET", &twice), SECURITY);
    let token = format!("{target}&x-cos-security-token=a");
    rows.add("query: a temporary key's token", Request::new("GET", &token), DENIED);
}

/// What a strict key asks.
fn strict(rows: &mut Rows, bed: &Bed) {
    let host = bed.host();
    let strict = || Signing::new(&bed.strict);
    let digest = |request: Request| request.header("content-md5", content_md5(&update().body));
    let lists = |headers: &[&'static str]| Signing { headers: headers.to_vec(), ..strict() };
    let whole = ["content-length", "content-md5", "content-type", "host"];
    for (what, request) in [
        ("empty lists", strict().covering_nothing().sign(plain(), &host)),
        ("empty lists, of an update", strict().covering_nothing().sign(update(), &host)),
        ("no host", lists(&[]).sign(plain(), &host)),
        ("no query", Signing { covers_query: false, ..strict() }.sign(plain(), &host)),
        ("no digest of the body", strict().sign(update(), &host)),
        (
            "a digest that is not signed",
            lists(&["content-length", "host"]).sign(digest(update()), &host),
        ),
        (
            "a length that is not signed",
            lists(&["content-md5", "host"]).sign(digest(update()), &host),
        ),
        ("a host that is not signed", lists(&whole[..3]).sign(digest(update()), &host)),
        ("a time of an hour", strict().between(-60, 3_600).sign(plain(), &host)),
        ("a parameter that came later", {
            let mut request = strict().sign(plain(), &host);
            request.target += "&pageSize=1";
            request
        }),
    ] {
        let row = rows.add(format!("strict key: {what}"), request, DENIED);
        "strict".clone_into(&mut row.says);
    }
    let other = Request { body: update().body.to_ascii_uppercase(), ..digest(update()) };
    let other = lists(&whole).sign(other, &host);
    rows.add("strict key: another body of the same length", other, Call(400, "BadDigest"));
    let again = strict().sign(plain(), &host);
    rows.add("strict key: the same signature again", again, DENIED).before = 1;
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

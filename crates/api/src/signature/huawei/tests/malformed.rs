//! Every way in which authentication can be malformed, and the words that refuse it.

use super::*;

/// Vector A with another `Authorization`.
fn with_authorization(text: &str) -> Wire {
    vector_a().set("authorization", text)
}

/// Asserts that `wire` is refused for `expected`, as a client error of the vendor's form.
fn check(wire: &Wire, expected: &Malformed) {
    let refused = wire.verify().unwrap_err();
    assert_eq!(refused, Refusal::Malformed(expected.clone()), "{wire:?}");
    let message = refused.message();
    let prefix = "Incorrect IAM authentication information: verify aksk signature fail, ";
    assert_eq!(message, format!("{prefix}{expected}"));
    assert!(!refused.is_guess() && !message.contains(SK));
}

#[test]
fn malformed_authorization_headers() {
    let names = "content-type;host;x-project-id;x-sdk-date";
    let s = SIGNATURE_A;
    let full = authorization(AK, names, s);
    let row = |head: &str, rest: &str| format!("{head}{rest}");
    let (upper, short) = (s.to_uppercase(), s.get(..62).unwrap());
    let (long_key, many) = ("A".repeat(129), vec!["a"; 101].join(";"));
    let rows: Vec<(String, Malformed)> = vec![
        (String::new(), Malformed::Algorithm),
        ("SDK-HMAC-SHA256".into(), Malformed::Part),
        ("SDK-HMAC-SHA256 ".into(), Malformed::Part),
        (full.replace("SDK-HMAC-SHA256", "sdk-hmac-sha256"), Malformed::Algorithm),
        (full.replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), Malformed::Algorithm),
        (full.replace("SDK-HMAC-SHA256", "V11-HMAC-SHA256"), Malformed::Algorithm),
        (full.replace("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256,"), Malformed::Algorithm),
        (full.replace("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256\t"), Malformed::Algorithm),
        (row(" ", &full), Malformed::Algorithm),
        ("Basic dXNlcjpwYXNz".into(), Malformed::Algorithm),
        ("Bearer token".into(), Malformed::Algorithm),
        (
            "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c".into(),
            Malformed::Algorithm,
        ),
        (full.replace("Access=", "access="), Malformed::PartUnknown),
        (full.replace("Access=", "Credential="), Malformed::PartUnknown),
        (full.replace("Access=", "Access ="), Malformed::PartUnknown),
        (full.replace("Access=", "Access:"), Malformed::Part),
        (full.replace(", ", " "), Malformed::PartAbsent { name: "SignedHeaders" }),
        (full.replace(", ", "; "), Malformed::PartAbsent { name: "SignedHeaders" }),
        (full.replace(", ", ",,"), Malformed::Part),
        (row(&full, ","), Malformed::Part),
        (row(&full, ", Extra=1"), Malformed::PartUnknown),
        (row(&full, &format!(", Access={AK}")), Malformed::PartRepeated { name: "Access" }),
        (row(&full, &format!(", Signature={s}")), Malformed::PartRepeated { name: "Signature" }),
        (
            row(&full, &format!(", SignedHeaders={names}")),
            Malformed::PartRepeated { name: "SignedHeaders" },
        ),
        (
            format!("SDK-HMAC-SHA256 SignedHeaders={names}, Signature={s}"),
            Malformed::PartAbsent { name: "Access" },
        ),
        (
            format!("SDK-HMAC-SHA256 Access={AK}, Signature={s}"),
            Malformed::PartAbsent { name: "SignedHeaders" },
        ),
        (
            format!("SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}"),
            Malformed::PartAbsent { name: "Signature" },
        ),
        (authorization("", names, s), Malformed::AccessKey),
        (authorization("A B", names, s), Malformed::AccessKey),
        (authorization("A\tB", names, s), Malformed::AccessKey),
        (authorization(&long_key, names, s), Malformed::AccessKey),
        (authorization(AK, names, ""), Malformed::Signature),
        (authorization(AK, names, short), Malformed::Signature),
        (authorization(AK, names, &format!("{s}00")), Malformed::Signature),
        (authorization(AK, names, &upper), Malformed::Signature),
        (authorization(AK, names, &s.replace('2', "g")), Malformed::Signature),
        (authorization(AK, names, &format!("\"{s}\"")), Malformed::Signature),
        (authorization(AK, "", s), Malformed::SignedHeaderName),
        (authorization(AK, "host;;x-sdk-date", s), Malformed::SignedHeaderName),
        (authorization(AK, ";host;x-sdk-date", s), Malformed::SignedHeaderName),
        (authorization(AK, "host;x-sdk-date;", s), Malformed::SignedHeaderName),
        (authorization(AK, "host; x-sdk-date", s), Malformed::SignedHeaderName),
        (authorization(AK, "host:x-sdk-date", s), Malformed::SignedHeaderName),
        (authorization(AK, "host;host;x-sdk-date", s), Malformed::SignedHeaderRepeated),
        (authorization(AK, "host;Host;x-sdk-date", s), Malformed::SignedHeaderRepeated),
        (authorization(AK, &many, s), Malformed::SignedHeadersTooMany),
        (authorization(AK, "content-type;host", s), Malformed::DateNotSigned),
        (
            authorization(AK, "host;x-absent;x-sdk-date", s),
            Malformed::SignedHeaderAbsent { name: "x-absent".into() },
        ),
        (row(&full, &"x".repeat(4096)), Malformed::AuthorizationTooLong),
        (authorization("Ä", names, s), Malformed::AuthorizationNotText),
    ];
    assert!(rows.len() >= 25);
    for (text, expected) in rows {
        check(&with_authorization(&text), &expected);
    }
}

#[test]
fn headers_that_must_be_there_once() {
    let full = vector_a().headers["authorization"].to_str().unwrap().to_owned();
    check(&vector_a().with("authorization", &full), &Malformed::AuthorizationRepeated);
    check(&vector_a().with(DATE, DATE_A), &Malformed::DateRepeated);
    check(&vector_a().with("host", "127.0.0.1:8099"), &Malformed::HostRepeated);
    let twice = vector_a().with(CONTENT_SHA256, "a").with(CONTENT_SHA256, "b");
    check(&twice, &Malformed::ContentHashRepeated);
    let mut wire = vector_a();
    wire.headers.remove(DATE);
    check(&wire, &Malformed::DateAbsent);
    let mut wire = vector_a();
    wire.headers.remove("host");
    check(&wire, &Malformed::SignedHeaderAbsent { name: "host".into() });
}

#[test]
fn dates_of_another_form() {
    for date in [
        "",
        "20261121T120000",
        "20261121T120000z",
        "20261121t120000Z",
        "20261121 120000Z",
        "2026-11-21T12:00:00Z",
        "20261121T120000+0000",
        "20261121T120000.0Z",
        "20261321T120000Z",
        "20260230T120000Z",
        "20261121T240000Z",
        "20261121T126000Z",
        "20261121T120061Z",
        "+0261121T120000Z",
        "1795262400",
        "Sat, 21 Nov 2026 12:00:00 GMT",
        "２0261121T12000Z",
    ] {
        check(&vector_a().set(DATE, date), &Malformed::DateForm);
    }
}

#[test]
fn no_authentication_and_temporary_keys() {
    let mut wire = vector_a();
    wire.headers.remove("authorization");
    let refused = wire.verify().unwrap_err();
    assert_eq!(refused, Refusal::Missing);
    let text = "Incorrect IAM authentication information: x-auth-token not found";
    assert_eq!(refused.message(), text);
    for token in ["abc", ""] {
        let refused = vector_a().with("x-security-token", token).verify().unwrap_err();
        assert_eq!(refused, Refusal::TemporaryKey);
        assert!(!refused.is_guess());
    }
}

#[test]
fn a_wrong_signature_shows_what_should_have_been_signed() {
    let refused = with_authorization(&authorization(
        AK,
        "content-type;host;x-project-id;x-sdk-date",
        &"0".repeat(64),
    ))
    .verify()
    .unwrap_err();
    assert!(refused.is_guess());
    assert_eq!(
        refused.message(),
        "Incorrect IAM authentication information: verify aksk signature fail, \
         canonicalRequest:POST|/v1/0123456789abcdef0123456789abcdef/cloud-phone/phones/\
         batch-update-property/||content-type:application/json|host:127.0.0.1:8099|\
         x-project-id:0123456789abcdef0123456789abcdef|x-sdk-date:20261121T120000Z||\
         content-type;host;x-project-id;x-sdk-date|\
         2d1d4a53c7eacbbce42813a4d9a6ae0473726d27e9e51ef5d4d4c63555991099"
    );
}

#[test]
fn what_is_shown_is_bounded_and_holds_no_token() {
    let names = "x-long;x-sdk-date";
    let long = vector_a()
        .with("x-long", &"y".repeat(20_000))
        .set("authorization", &authorization(AK, names, SIGNATURE_A));
    let message = long.verify().unwrap_err().message();
    assert!((2048..2200).contains(&message.len()), "{}", message.len());
    let names = "x-auth-token;x-sdk-date";
    let secret = vector_a()
        .with("x-auth-token", "MIIsecret")
        .set("authorization", &authorization(AK, names, SIGNATURE_A));
    let message = secret.verify().unwrap_err().message();
    assert!(!message.contains("MIIsecret") && message.contains("not shown"), "{message}");
}

#[test]
fn every_refusal_is_a_401_of_the_gateway() {
    assert_eq!((Refusal::CODE, Refusal::STATUS.as_u16()), ("APIGW.0301", 401));
    let prefix = "Incorrect IAM authentication information: ";
    for (refusal, text) in [
        (Refusal::UnknownKey, "Get secretKey failed"),
        (Refusal::Locked, "AK access failed to reach the limit,forbidden"),
    ] {
        assert_eq!(refusal.message(), format!("{prefix}{text}"));
    }
}

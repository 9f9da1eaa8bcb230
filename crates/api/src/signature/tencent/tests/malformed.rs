//! Signatures that can't be read, and those outside their time: each has a refusal of its own.

use super::*;

fn refusal(wire: &Wire) -> Refusal {
    wire.parse_at(TIMES.0).map(|_| ()).unwrap_err()
}

/// A request with this `Authorization`.
fn with(authorization: &str) -> Wire {
    Wire::new(Method::PUT, "/device").with("host", HOST).with("authorization", authorization)
}

#[test]
fn each_way_to_be_malformed_is_named() {
    let good = authorization(TIMES, "host", "", &"0".repeat(40));
    let part = |name: &str, value: &str| {
        let changed = good.split('&').map(|part| match part.split_once('=').unwrap() {
            (given, _) if given == name => format!("{name}={value}"),
            _ => part.to_owned(),
        });
        changed.collect::<Vec<_>>().join("&")
    };
    let times = |text: &str| {
        part("q-sign-time", text)
            .replace("q-key-time=1497530202;1497610262", &format!("q-key-time={text}"))
    };
    let many: Vec<String> = (0..=SIGNED_NAMES_MAX).map(|number| format!("x{number}")).collect();
    let (headers, parameters) = ("q-header-list", "q-url-param-list");
    let cases = [
        ("".to_owned(), Malformed::Part),
        ("Basic abc".to_owned(), Malformed::Part),
        ("SDK-HMAC-SHA256 Access=a, SignedHeaders=b".to_owned(), Malformed::PartUnknown),
        (format!("{good}&q-token=1"), Malformed::PartUnknown),
        (format!("{good}&"), Malformed::Part),
        (format!("{good}&q-ak=x"), Malformed::PartRepeated { name: "q-ak" }),
        (good.replace("&q-ak=", "&q-sign-time="), Malformed::PartRepeated { name: "q-sign-time" }),
        (
            good.replace("&q-url-param-list=&", "&"),
            Malformed::PartAbsent { name: "q-url-param-list" },
        ),
        (part("q-sign-algorithm", "SHA1"), Malformed::Algorithm),
        (part("q-sign-algorithm", "sha256"), Malformed::Algorithm),
        (part("q-ak", ""), Malformed::AccessKey),
        (part("q-ak", "a b"), Malformed::AccessKey),
        (part("q-ak", &"a".repeat(ACCESS_KEY_BYTES_MAX + 1)), Malformed::AccessKey),
        (part("q-sign-time", "1497530202;1497610263"), Malformed::TimesDiffer),
        (times(""), Malformed::Times),
        (times("1497530202"), Malformed::Times),
        (times("1497530202;"), Malformed::Times),
        (times("1497530202;1497610262;1"), Malformed::Times),
        (times("-1;1497610262"), Malformed::Times),
        (times("+1;1497610262"), Malformed::Times),
        (times("1497530202;1497610262000"), Malformed::Times),
        (times("1497530202,1497610262"), Malformed::Times),
        (times("1497530202;1497530202"), Malformed::TimesReversed),
        (times("1497610262;1497530202"), Malformed::TimesReversed),
        (part("q-signature", ""), Malformed::Signature),
        (part("q-signature", &"0".repeat(39)), Malformed::Signature),
        (part("q-signature", &"A".repeat(40)), Malformed::Signature),
        (part("q-signature", &"g".repeat(40)), Malformed::Signature),
        (part(headers, ";host"), Malformed::Name { list: "q-header-list" }),
        (part(headers, "a b"), Malformed::Name { list: "q-header-list" }),
        (part(headers, "host;Host"), Malformed::NameRepeated { list: "q-header-list" }),
        (part(headers, &many.join(";")), Malformed::NamesTooMany { list: "q-header-list" }),
        (part(parameters, "a;"), Malformed::Name { list: "q-url-param-list" }),
        (part(parameters, "a;a"), Malformed::NameRepeated { list: "q-url-param-list" }),
        (part(headers, "host;x-a"), Malformed::HeaderAbsent { name: "x-a".to_owned() }),
        (part(headers, "\"host\""), Malformed::HeaderAbsent { name: "\"host\"".to_owned() }),
        (part(parameters, "gbid"), Malformed::ParameterAbsent { name: "gbid".to_owned() }),
        (format!("{good}{}", "x".repeat(AUTHORIZATION_BYTES_MAX)), Malformed::TooLong),
        (format!("{good}项"), Malformed::NotText),
    ];
    for (authorization, expected) in cases {
        let shown: String = authorization.chars().take(300).collect();
        assert_eq!(refusal(&with(&authorization)), expected.into(), "{shown}");
    }
    assert!(with(&good).parse_at(TIMES.0).is_ok(), "the unchanged one can be read");
}

#[test]
fn what_stands_twice_is_refused() {
    let signed = whole();
    let value = signed.headers["authorization"].to_str().unwrap().to_owned();
    let twice = signed.clone().with("authorization", &value);
    assert_eq!(refusal(&twice), Malformed::AuthorizationRepeated.into());
    let both = Wire { query: Some(format!("{}&{value}", "transport")), ..signed.clone() };
    assert_eq!(refusal(&both), Malformed::TwoCarriers.into());
    let hosts = signed.clone().with("host", "other");
    assert_eq!(refusal(&hosts), Malformed::HeaderRepeated { name: "host".to_owned() }.into());
    let query = Some("projectId=1&PROJECTID=2&transport".to_owned());
    let parameters = Wire { query, ..signed.clone() };
    let name = "projectid".to_owned();
    assert_eq!(refusal(&parameters), Malformed::ParameterRepeated { name }.into());
    let query = Some("a&".repeat(QUERY_PARAMETERS_MAX + 1));
    assert_eq!(refusal(&Wire { query, ..signed }), Malformed::ParametersTooMany.into());
}

#[test]
fn a_query_may_hold_half_a_signature_and_that_is_malformed() {
    for (query, expected) in [
        ("q-ak=1", Malformed::PartAbsent { name: "q-sign-algorithm" }),
        ("Q-AK=1&q-ak=2", Malformed::PartRepeated { name: "q-ak" }),
        ("q-signature=%ff", Malformed::NotText),
    ] {
        let wire = Wire::new(Method::GET, &format!("/device?{query}"));
        assert_eq!(refusal(&wire), expected.into(), "{query}");
    }
    let long = format!("/device?q-ak={}", "x".repeat(AUTHORIZATION_BYTES_MAX + 1));
    assert_eq!(refusal(&Wire::new(Method::GET, &long)), Malformed::TooLong.into());
}

#[test]
fn no_signature_and_temporary_keys_are_told_apart() {
    assert_eq!(refusal(&Wire::new(Method::GET, "/device")), Refusal::Missing);
    for token in ["x-iss-security-token", "x-cos-security-token"] {
        assert_eq!(refusal(&whole().with(token, "t")), Refusal::TemporaryKey);
    }
    let presigned = Wire::new(Method::GET, "/device?x-cos-security-token=t");
    assert_eq!(refusal(&presigned), Refusal::TemporaryKey);
}

#[test]
fn both_ends_of_the_time_are_inside() {
    let wire = whole();
    for (seconds, passes) in
        [(TIMES.0 - 1, false), (TIMES.0, true), (TIMES.1, true), (TIMES.1 + 1, false)]
    {
        assert_eq!(wire.parse_at(seconds).is_ok(), passes, "{seconds}");
    }
    let in_the_last_second = Signed::parse(wire.head(), Timestamp(TIMES.1 * 1000 + 999));
    assert!(in_the_last_second.is_ok());
    let refusal = wire.parse_at(TIMES.1 + 1).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the signature is valid from 2017-06-15T12:36:42Z to 2017-06-16T10:51:02Z, and the server's \
         time is 2017-06-16T10:51:03Z (1497610263)"
    );
    let long = Wire::new(Method::PUT, "/device").signed_for((0, 999_999_999_999));
    assert!(long.parse_at(TIMES.0).is_ok(), "no time is too long");
}

#[test]
fn a_mismatch_shows_what_was_signed_but_no_secret() {
    let refusal = whole().set("content-length", "140").verify().unwrap_err();
    assert!(refusal.is_guess());
    let text = refusal.to_string();
    for part in [
        "put|/device|projectid=%E9%A1%B9%201&transport=|content-length=140&content-type=\
         application%2Fxml&host=127.0.0.1%3A18080|",
        "StringToSign: sha1|1497530202;1497610262|",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        !text.contains(SK) && !text.contains(&signing_key(SK.as_bytes(), "1497530202;1497610262"))
    );
    let cookie = Wire::new(Method::PUT, "/device").with("cookie", "hunter2").signed();
    let text = cookie.set("cookie", "hunter3").verify().unwrap_err().to_string();
    assert!(!text.contains("hunter") && text.contains("a signed header is secret"), "{text}");
    let long = Wire::new(Method::PUT, &format!("/{}", "x".repeat(20_000)));
    let text = long.claiming("", "", &"0".repeat(40)).verify().unwrap_err().to_string();
    assert!(text.len() < 2_500, "{}", text.len());
}

#[test]
fn an_access_key_that_no_header_carries_cannot_sign() {
    let headers = HeaderMap::new();
    let signed = sign(&Method::GET, &"/device".parse().unwrap(), &headers, "a\nb", b"", TIMES);
    assert_eq!(signed.unwrap_err(), SignError::AccessKey);
}

//! Requests that must pass, known from the vendor or made with its SDK, and near variants.

use super::*;

/// Verifies, and compares the canonical request's hash with the published one.
fn check(wire: &Wire, canonical_hash: &str) {
    assert_eq!(wire.canonical_hash(), canonical_hash);
    wire.verify().unwrap();
}

/// The example of Huawei Cloud "API Signing Guide", devg-apisign.
#[test]
fn vector_0_of_the_signing_guide() {
    let target = "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2\
        &marker=13551d6b-755d-4757-b956-536f674975c0";
    let ak = "QTWAOYTTINDUT2QVKYUC";
    let signature = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe";
    let mut wire = Wire::new(Method::GET, target, "")
        .with("content-type", "application/json")
        .with("host", "service.region.example.com")
        .with(DATE, "20191115T033655Z")
        .with("authorization", &authorization(ak, "content-type;host;x-sdk-date", signature));
    wire.secret = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";
    check(&wire, "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a");
    assert_eq!(
        Signed::parse(wire.head(), at("20191115T033655Z")).unwrap().access_key(),
        "QTWAOYTTINDUT2QVKYUC"
    );
}

#[test]
fn vectors_a_to_d() {
    let rows = [
        (vector_a(), "a213a0f82559e2f04b5a2a188acc66fa89ab7412b3d74949681bd081999c829e"),
        (vector_b(), "cbdffea1599316067755448d3f2aa08cd418f0c7092e4441e2eacd1fc071ef86"),
        (vector_c(), "cdecca6bfd4427e95d4bcf059a9097ca678ba2ea1945a204da61642a90e6664c"),
        (vector_d(), "dfd2dc9b4b3f5771dbcbfff275e496c993d491c183196d71052667d729535a45"),
    ];
    for (wire, canonical_hash) in rows {
        check(&wire, canonical_hash);
    }
}

/// The bytes that `huaweicloudsdkcph` 3.1.219 sent over a socket.
#[test]
fn a_recorded_update_of_the_python_sdk() {
    let body = concat!(
        r#"{"phones": [{"phone_id": "1678567b8bab40f93711234cb80d0764", "#,
        r#""property": "{\"com.cph.mainkeys\": 1, \"sys.prop.writewifissid\": \"test_wifi\"}", "#,
        r#""custom_property": {"custom.prop.key1": "value1"}}]}"#,
    );
    let agent = "huaweicloud-usdk-python/3.0; os/Linux##1_SMP_PREEMPT_DYNAMIC_@0#x86_64 \
        python/3.11.7 impl/CPython; app/7c4d5cf7-5130-4459-b564-eb4d07ab769f";
    assert_eq!(body.len(), 197);
    Wire::new(Method::POST, UPDATE, body)
        .with("user-agent", agent)
        .with("accept-encoding", "gzip, deflate")
        .with("accept", "*/*")
        .with("connection", "keep-alive")
        .with("content-type", "application/json")
        .with("x-project-id", PROJECT)
        .with(DATE, "20261121T223011Z")
        .with("host", "127.0.0.1:8099")
        .with(
            "authorization",
            &authorization(
                AK,
                "content-type;host;user-agent;x-project-id;x-sdk-date",
                "fabe079ae69e4fae52db8c271c0f5ffe1c8af91f7733748847fc95da95b388dd",
            ),
        )
        .verify()
        .unwrap();
}

#[test]
fn sign_makes_the_vectors() {
    for (vector, unsigned) in
        [(vector_a(), &[][..]), (vector_d(), &["host", "x-project-id", "x-domain-id"])]
    {
        let mut bare = vector.clone();
        for name in ["authorization"].iter().chain(unsigned) {
            bare.headers.remove(*name);
        }
        let expected = &vector.headers["authorization"];
        assert_eq!(&bare.signed(DATE_A).headers["authorization"], expected);
    }
}

#[test]
fn sign_refuses_what_no_server_would_take() {
    let uri = Uri::from_static("/");
    let sign_with = |headers: &HeaderMap, ak: &str, date: &str| {
        sign(&Method::GET, &uri, headers, b"", ak, b"sk", date)
    };
    let none = HeaderMap::new();
    assert_eq!(sign_with(&none, AK, "2026-11-21").unwrap_err(), SignError::Date);
    let other =
        HeaderMap::from_iter([(DATE.parse().unwrap(), "20261121T120001Z".parse().unwrap())]);
    assert_eq!(sign_with(&other, AK, DATE_A).unwrap_err(), SignError::Date);
    assert_eq!(sign_with(&none, "A\nB", DATE_A).unwrap_err(), SignError::AccessKey);
    assert!(sign_with(&none, AK, DATE_A).is_ok());
}

#[test]
fn the_three_parts_may_stand_in_any_order_and_spacing() {
    let access = format!("Access={AK}");
    let names = "SignedHeaders=content-type;host;x-project-id;x-sdk-date".to_owned();
    let signature = format!("Signature={SIGNATURE_A}");
    let (a, n, s) = (&access, &names, &signature);
    for [one, two, three] in [[a, n, s], [a, s, n], [n, a, s], [n, s, a], [s, a, n], [s, n, a]] {
        for comma in [",", ", ", ",  ", " , "] {
            let text = format!("SDK-HMAC-SHA256 {one}{comma}{two}{comma}{three}");
            vector_a().set("authorization", &text).verify().unwrap();
        }
    }
}

#[test]
fn signed_header_names_are_normalised() {
    for names in [
        "Content-Type;Host;X-Project-Id;X-Sdk-Date",
        "x-sdk-date;x-project-id;host;content-type",
        "X-SDK-DATE;host;content-type;x-project-id",
    ] {
        let text = authorization(AK, names, SIGNATURE_A);
        vector_a().set("authorization", &text).verify().unwrap();
    }
}

#[test]
fn headers_that_are_not_signed_may_come_change_and_go() {
    vector_a().with("accept", "*/*").with("x-domain-id", "d").verify().unwrap();
    vector_d().set("host", "elsewhere").set("x-project-id", "other").verify().unwrap();
    let mut wire = vector_d();
    wire.headers.remove("host");
    wire.verify().unwrap();
}

#[test]
fn a_path_is_decoded_then_split_and_its_slash_is_optional() {
    let sign_path = |path: &str| Wire::new(Method::GET, path, "").with("host", "h").signed(DATE_A);
    for (signed, sent) in [
        ("/v1/a/b", "/v1/a/b/"),
        ("/v1/a%2Fb", "/v1/a/b"),
        ("/v1/a/b", "/v1/a%2fb"),
        ("/v1/%7Eab", "/v1/~ab"),
        ("/v1/%41", "/v1/A"),
        ("/v1/%zz", "/v1/%25zz"),
        ("/", "/"),
    ] {
        let mut wire = sign_path(signed);
        wire.path = sent.to_owned();
        assert_eq!(wire.verify(), Ok(()), "{signed} as {sent}");
    }
    let mut wire = sign_path("/v1/a%252Fb");
    wire.path = "/v1/a%2Fb".to_owned();
    assert!(wire.verify().is_err(), "only one layer of encoding is undone");
}

/// The canonical query that stands for `query`.
fn canonical_query(query: &str) -> String {
    let headers = HeaderMap::new();
    let head = Head {
        method: &Method::GET,
        path: "/",
        query: Some(query),
        authority: None,
        headers: &headers,
    };
    let mut canonical = Canonical::new(&head, "");
    let text = String::from_utf8(canonical.with(None, b"").to_vec()).unwrap();
    text.lines().nth(2).unwrap_or_default().to_owned()
}

#[test]
fn a_query_is_decoded_sorted_and_encoded() {
    for (query, expected) in [
        ("", ""),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=10&a=1", "a=1&a=10&a=2"),
        ("a", "a="),
        ("a=&b", "a=&b="),
        ("&&a=1&", "a=1"),
        ("a=b=c", "a=b%3Dc"),
        ("a=1+2", "a=1%2B2"),
        ("a=1%202", "a=1%202"),
        ("a=%e6%89%8b", "a=%E6%89%8B"),
        ("request_ids=a%2Cb", "request_ids=a%2Cb"),
        ("request_ids=a,b", "request_ids=a%2Cb"),
        ("a=-._~", "a=-._~"),
        ("a=*'()!", "a=%2A%27%28%29%21"),
        // Sorted before encoding, as the SDKs do: `5` comes before `:`, though `%3A` before `5`.
        ("a=:&a=5", "a=5&a=%3A"),
        ("a=%zz&a=%", "a=%25&a=%25zz"),
    ] {
        assert_eq!(canonical_query(query), expected, "{query}");
    }
}

#[test]
fn several_values_of_a_header_are_sorted_one_to_a_line() {
    let wire = Wire::new(Method::GET, "/", "").with("x-tag", "b").with("x-tag", "a").signed(DATE_A);
    wire.verify().unwrap();
    let head = wire.head();
    let mut canonical = Canonical::new(&head, "x-tag");
    let expected = "GET\n/\n\nx-tag:a\nx-tag:b\n\nx-tag\nP";
    assert_eq!(String::from_utf8_lossy(canonical.with(None, b"P")), expected);
    assert!(wire.with("x-tag", "c").verify().is_err());
}

#[test]
fn header_values_are_trimmed() {
    vector_a().set("x-project-id", &format!(" {PROJECT}\t")).verify().unwrap();
}

#[test]
fn the_authority_of_the_target_stands_for_host() {
    let mut wire = vector_a();
    wire.headers.remove("host");
    let mut head = wire.head();
    head.authority = Some("127.0.0.1:8099");
    let signed = Signed::parse(head, at(DATE_A)).unwrap();
    signed.verify(SK.as_bytes(), &wire.body, &[]).unwrap();
}

#[test]
fn a_public_host_stands_for_one_that_a_proxy_replaced() {
    let wire = vector_a().set("host", "10.0.0.7:8080");
    let hosts = ["cph.example".to_owned(), "127.0.0.1:8099".to_owned()];
    wire.verify_at(at(DATE_A), &hosts).unwrap();
    let refused = wire.verify_at(at(DATE_A), &hosts[..1]).unwrap_err();
    assert!(refused.message().contains("|host:10.0.0.7:8080|"), "{refused}");
    vector_a().verify_at(at(DATE_A), &hosts[..1]).unwrap();
}

#[test]
fn public_hosts_beyond_the_bound_are_not_tried() {
    let wire = vector_a().set("host", "10.0.0.7:8080");
    let mut hosts = vec!["other".to_owned(); PUBLIC_HOSTS_MAX];
    hosts.push("127.0.0.1:8099".to_owned());
    assert!(wire.verify_at(at(DATE_A), &hosts).is_err());
    assert!(wire.verify_at(at(DATE_A), &hosts[1..]).is_ok());
}

#[test]
fn the_window_is_900_seconds_both_ways_ends_included() {
    let wire = vector_a();
    let date = at(DATE_A);
    for (offset_ms, is_inside) in [
        (-900_001, false),
        (-901_000, false),
        (-900_000, true),
        (0, true),
        (900_000, true),
        (900_001, false),
        (901_000, false),
    ] {
        let verdict = wire.verify_at(Timestamp(date.0 + offset_ms), &[]);
        assert_eq!(verdict.is_ok(), is_inside, "{offset_ms} ms");
    }
    for now in [i64::MIN, i64::MAX] {
        assert!(matches!(wire.verify_at(Timestamp(now), &[]), Err(Refusal::Expired { .. })));
    }
    let refused = wire.verify_at(Timestamp(date.0 + 901_000), &[]).unwrap_err();
    assert_eq!(
        refused.message(),
        "Incorrect IAM authentication information: calc ak sk signature fail:signature expired, \
         x-sdk-date is 20261121T120000Z, the server's time is 20261121T121501Z"
    );
}

#[test]
fn a_stated_body_hash_must_be_the_true_one() {
    let update = |body: &str, hash: &str| {
        let bare = Wire::new(Method::POST, UPDATE, body).with(CONTENT_SHA256, hash);
        bare.signed(DATE_A).verify()
    };
    let hash = hex::encode(Sha256::digest("{}"));
    assert_eq!(update("{}", &hash), Ok(()));
    assert_eq!(update("{} ", &hash), Err(Refusal::BodyHash));
    assert_eq!(update("{}", &hash.to_uppercase()), Err(Refusal::BodyHash));
    assert_eq!(update("{}", ""), Err(Refusal::BodyHash));
    assert_eq!(update("{}", "UNSIGNED-PAYLOAD"), Err(Malformed::PayloadUnsigned.into()));
}

/// The Python SDK signs the hash of nothing there, the vendor's documents the header's value.
#[test]
fn an_unsigned_payload_of_nothing_passes_in_both_readings() {
    let wire = Wire::new(Method::GET, "/v1/x", "")
        .with(CONTENT_SHA256, "UNSIGNED-PAYLOAD")
        .with(DATE, DATE_A);
    let names = "x-sdk-content-sha256;x-sdk-date";
    let head = wire.head();
    for payload in [UNSIGNED_PAYLOAD, &EMPTY_SHA256] {
        let mut canonical = Canonical::new(&head, names);
        let mac = hmac(SK.as_bytes(), DATE_A, canonical.with(None, payload)).unwrap();
        let text = authorization(AK, names, &hex::encode(mac));
        wire.clone().with("authorization", &text).verify().unwrap();
    }
}

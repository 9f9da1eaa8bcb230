//! What a strict key asks for besides.

use super::*;

/// MD5 of `<Request/>` (RFC 1864).
const BODY: &[u8] = b"<Request/>";

fn md5_of(body: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body))
}

/// An update that leaves nothing out.
fn strict() -> Wire {
    Wire::new(Method::PUT, "/device?transport")
        .with("content-length", "10")
        .with("content-md5", &md5_of(BODY))
        .with("host", "127.0.0.1:18080")
}

fn check(wire: &Wire) -> Result<(), NotStrict> {
    let signed = wire.parse_at(TIMES.0).unwrap();
    signed.verify(SK.as_bytes(), &[]).unwrap();
    signed.check_strict(signed.has_body())
}

const SHORT: (i64, i64) = (TIMES.0, TIMES.0 + WINDOW_SECONDS_MAX);

#[test]
fn a_signature_that_leaves_nothing_out_passes() {
    assert_eq!(check(&strict().signed_for(SHORT)), Ok(()));
    let get = Wire::new(Method::GET, "/device?projectId=p").with("host", "h");
    assert_eq!(check(&get.clone().signed_for(SHORT)), Ok(()));
    assert_eq!(check(&get.with("content-length", "0").signed_for(SHORT)), Ok(()));
}

#[test]
fn whatever_is_left_out_is_named() {
    let without = |names: &[&str]| {
        let mut wire = strict();
        let left: Vec<_> = names
            .iter()
            .map(|&name| (name.to_owned(), wire.headers.remove(name).unwrap()))
            .collect();
        let mut wire = wire.signed_for(SHORT);
        for (name, value) in left {
            wire.headers.insert(name.parse::<HeaderName>().unwrap(), value);
        }
        wire
    };
    for (left, name) in [
        (["host"].as_slice(), "host"),
        (&["content-length"], "content-length"),
        (&["content-md5"], "content-md5"),
        (&["host", "content-length", "content-md5"], "host"),
    ] {
        assert_eq!(check(&without(left)), Err(NotStrict::HeaderUnsigned { name }));
    }
    let mut chunked = Wire::new(Method::PUT, "/device").with("host", "h").signed_for(SHORT);
    chunked = chunked.with("transfer-encoding", "chunked");
    assert_eq!(check(&chunked), Err(NotStrict::HeaderUnsigned { name: "content-length" }));

    let more =
        Wire { query: Some("transport&status=off".to_owned()), ..strict().signed_for(SHORT) };
    let name = "status".to_owned();
    assert_eq!(check(&more), Err(NotStrict::ParameterUnsigned { name }));
    let long = strict().signed_for((SHORT.0, SHORT.1 + 1));
    assert_eq!(check(&long), Err(NotStrict::WindowTooLong));
}

#[test]
fn a_signature_in_the_query_need_not_sign_itself() {
    let wire = Wire::new(Method::GET, "/device?projectId=p").with("host", HOST).signed_for(SHORT);
    let authorization = wire.headers["authorization"].to_str().unwrap().to_owned();
    let mut presigned = wire;
    presigned.headers.remove("authorization");
    presigned.query = Some(format!("projectId=p&{authorization}"));
    assert_eq!(check(&presigned), Ok(()));
}

#[test]
fn a_body_is_held_to_its_md5_wherever_that_is_stated() {
    let check = |wire: &Wire, body: &[u8]| {
        let signed = wire.parse_at(TIMES.0).unwrap();
        signed.check_body(body)
    };
    let wire = strict().signed();
    assert_eq!(check(&wire, BODY), Ok(()));
    assert_eq!(check(&wire, b"<Request />"), Err(Refusal::BodyDigest));
    assert_eq!(check(&wire, b""), Err(Refusal::BodyDigest));
    let unsigned = Wire::new(Method::PUT, "/device").signed();
    assert_eq!(check(&unsigned, BODY), Ok(()), "it states nothing");
    let stated = unsigned.with("content-md5", &md5_of(BODY));
    assert_eq!(check(&stated, b"other"), Err(Refusal::BodyDigest));
    assert_eq!(check(&stated.set("content-md5", "no base64"), BODY), Err(Refusal::BodyDigest));
}

#[test]
fn a_replay_is_known_by_its_signature_until_the_end() {
    let wire = strict().signed_for(SHORT);
    let (signature, end) = wire.parse_at(TIMES.0).unwrap().mark();
    assert_eq!(end, Timestamp((SHORT.1 + 1) * 1000));
    let other = strict().signed_for((SHORT.0 + 1, SHORT.1));
    assert_ne!(other.parse_at(TIMES.0 + 1).unwrap().mark().0, signature);
}

//! A changed bit in anything that is signed is refused.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;

/// A request with every part in use, `Authorization` included.
fn whole() -> Wire {
    let target =
        "/v1/0123456789abcdef/cloud-phone/phones/%E6%89%8B?limit=100&name=a%2Bb~c&offset=0";
    Wire::new(Method::PUT, target, "{\"phones\":[{\"phone_id\":\"1678567b8bab40f9\"}]}\n")
        .with("content-type", "application/json")
        .with("host", "cph.example:8443")
        .with("user-agent", "golangsdk/2.0.0")
        .with("x-project-id", PROJECT)
        .signed(DATE_A)
}

/// `bytes` with one bit changed; `at` is taken modulo their number.
fn flip(bytes: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = at % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
    bytes
}

/// The same for a text; `None` where the result is none.
fn flip_text(text: &str, at: usize, bit: u8) -> Option<String> {
    String::from_utf8(flip(text.as_bytes(), at, bit)).ok()
}

/// Where the list of signed headers stands in the `Authorization` value of [`whole`].
fn names_of(authorization: &str) -> (usize, usize) {
    let start = authorization.find("SignedHeaders=").unwrap() + "SignedHeaders=".len();
    (start, authorization[start..].find(',').unwrap())
}

#[test]
fn the_untouched_request_passes() {
    whole().verify().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn method(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let bytes = flip(b"PUT", at, bit);
        // What isn't a method never gets this far.
        let Ok(method) = Method::from_bytes(&bytes) else { return Ok(()) };
        wire.method = method;
        let refused = matches!(wire.verify(), Err(Refusal::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn path(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let Some(path) = flip_text(&wire.path, at, bit) else { return Ok(()) };
        // `%e6` is the same path as `%E6`.
        let is_same = percent_decode_str(&path).eq(percent_decode_str(&wire.path));
        wire.path = path;
        prop_assert_eq!(wire.verify().is_ok(), is_same);
    }

    #[test]
    fn query(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let old = wire.query.take().unwrap();
        let Some(query) = flip_text(&old, at, bit) else { return Ok(()) };
        let is_same = percent_decode_str(&query).eq(percent_decode_str(&old))
            && query.matches(['&', '=']).eq(old.matches(['&', '=']));
        wire.query = Some(query);
        prop_assert_eq!(wire.verify().is_ok(), is_same);
    }

    #[test]
    fn each_signed_header(which in 0..5_usize, at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let name = ["content-type", "host", "user-agent", "x-project-id", DATE][which];
        let bytes = flip(wire.headers[name].as_bytes(), at, bit);
        // What isn't a header value never gets this far.
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        wire.headers.insert(name, value);
        let refused = wire.verify().is_err();
        prop_assert!(refused);
    }

    #[test]
    fn date_within_the_window(seconds in 1..900_i64, later in any::<bool>()) {
        let mut wire = whole();
        let now = at(DATE_A);
        let moved = Timestamp(now.0 + if later { 1000 } else { -1000 } * seconds);
        wire.headers.insert(DATE, moved.to_basic_text().parse().unwrap());
        let refused = matches!(wire.verify_at(now, &[]), Err(Refusal::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn body(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        wire.body = flip(&wire.body, at, bit);
        let refused = matches!(wire.verify(), Err(Refusal::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn body_length(cut in 0..40_usize, more in proptest::collection::vec(any::<u8>(), 1..40)) {
        let mut shorter = whole();
        shorter.body.truncate(cut);
        prop_assert!(shorter.verify().is_err());
        let mut longer = whole();
        longer.body.extend(more);
        prop_assert!(longer.verify().is_err());
    }

    #[test]
    fn list_of_signed_headers(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let text = wire.headers["authorization"].to_str().unwrap().to_owned();
        let (start, length) = names_of(&text);
        let old = &text[start..start + length];
        let Some(names) = flip_text(old, at, bit) else { return Ok(()) };
        let Ok(value) = HeaderValue::from_str(&text.replace(old, &names)) else { return Ok(()) };
        wire.headers.insert("authorization", value);
        prop_assert_eq!(wire.verify().is_ok(), names.eq_ignore_ascii_case(old));
    }

    #[test]
    fn signature(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let text = wire.headers["authorization"].to_str().unwrap().to_owned();
        let (prefix, signature) = text.split_once("Signature=").unwrap();
        let Some(changed) = flip_text(signature, at, bit) else { return Ok(()) };
        let text = format!("{prefix}Signature={changed}");
        let Ok(value) = HeaderValue::from_str(&text) else { return Ok(()) };
        wire.headers.insert("authorization", value);
        prop_assert!(wire.verify().is_err());
    }

    #[test]
    fn secret(at in any::<usize>(), bit in any::<u8>()) {
        let wire = whole();
        let signed = Signed::parse(wire.head(), super::at(DATE_A)).unwrap();
        let other = flip(SK.as_bytes(), at, bit);
        prop_assert!(signed.verify(&other, &wire.body, &[]).is_err());
    }

    /// Whatever stands in the header, reading it ends in a verdict.
    #[test]
    fn any_authorization_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let mut wire = whole();
        wire.headers.insert("authorization", value);
        prop_assert!(wire.verify().is_err());
    }

    /// Any path, query, header and body that is signed passes.
    #[test]
    fn whatever_is_signed_passes(
        path in "(/[!-~&&[^?#/]]{0,8}){1,4}",
        query in "[!-~&&[^#]]{0,24}",
        value in "[ -~]{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let target = format!("{path}?{query}");
        // `sign` takes a URI, which some of these are not.
        let Ok(uri) = target.parse::<Uri>() else { return Ok(()) };
        let mut wire = Wire::new(Method::POST, &target, "").with("x-value", &value);
        wire.body = body;
        prop_assert_eq!(uri.path(), wire.path.as_str());
        prop_assert_eq!(wire.signed(DATE_A).verify(), Ok(()));
    }
}

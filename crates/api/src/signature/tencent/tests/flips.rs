//! A changed bit in anything that is signed is refused.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;

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

/// What of a query is signed: the names without case, and all bytes.
fn meaning(query: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> =
        form::pairs(query).map(|(name, value)| (form::signed_name(&name), value)).collect();
    all.sort();
    all
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
        // What isn't a method never gets this far, and a method in lower case is signed alike.
        let Ok(method) = Method::from_bytes(&bytes) else { return Ok(()) };
        let is_same = method.as_str().eq_ignore_ascii_case("PUT");
        wire.method = method;
        prop_assert_eq!(wire.verify().is_ok(), is_same);
    }

    #[test]
    fn path(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let Some(path) = flip_text(&wire.path, at, bit) else { return Ok(()) };
        let is_same = percent_decode_str(&path).eq(percent_decode_str(&wire.path));
        wire.path = path;
        prop_assert_eq!(wire.verify().is_ok(), is_same);
    }

    #[test]
    fn query(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let old = wire.query.take().unwrap();
        let Some(query) = flip_text(&old, at, bit) else { return Ok(()) };
        let is_same = meaning(&query) == meaning(&old);
        wire.query = Some(query);
        prop_assert_eq!(wire.verify().is_ok(), is_same);
    }

    #[test]
    fn each_signed_header(which in 0..3_usize, at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let name = ["content-length", "content-type", "host"][which];
        let bytes = flip(wire.headers[name].as_bytes(), at, bit);
        // What isn't a header value never gets this far.
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        wire.headers.insert(name, value);
        prop_assert!(wire.verify().is_err());
    }

    #[test]
    fn anything_in_the_authorization(at in any::<usize>(), bit in any::<u8>()) {
        let mut wire = whole();
        let old = wire.headers["authorization"].to_str().unwrap().to_owned();
        let Some(text) = flip_text(&old, at, bit) else { return Ok(()) };
        let Ok(value) = HeaderValue::from_str(&text) else { return Ok(()) };
        wire.headers.insert("authorization", value);
        // The key's id is not signed, but it decides by which secret; a name's case says nothing.
        let start = old.find("q-ak=").unwrap() + 5;
        let of_key = (start..start + AK.len()).contains(&(at % old.len()));
        let is_same = text.eq_ignore_ascii_case(&old)
            && text.split('&').zip(old.split('&')).all(|(new, old)| {
                new == old || old.starts_with("q-header-list") || old.starts_with("q-url-param-list")
            })
            && text.split('&').zip(old.split('&')).all(|(new, old)| {
                new.split_once('=').map(|pair| pair.0) == old.split_once('=').map(|pair| pair.0)
            });
        if !of_key {
            prop_assert_eq!(wire.verify().is_ok(), is_same, "{}", text);
        }
    }

    #[test]
    fn secret(at in any::<usize>(), bit in any::<u8>()) {
        let wire = whole();
        let signed = wire.parse_at(TIMES.0).unwrap();
        let other = flip(SK.as_bytes(), at, bit);
        prop_assert!(signed.verify(&other, &[]).is_err());
    }

    /// Whatever stands in the header, reading it ends in a verdict.
    #[test]
    fn any_authorization_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let mut wire = whole();
        wire.headers.insert("authorization", value);
        prop_assert!(wire.verify().is_err());
    }

    /// Any path, query and header that is signed passes.
    #[test]
    fn whatever_is_signed_passes(
        path in "(/[!-~&&[^?#/]]{0,8}){1,4}",
        names in proptest::collection::btree_map("[a-pr-z]{1,4}", "[!-~&&[^#&]]{0,8}", 0..5),
        value in "[ -~]{0,20}",
    ) {
        let query: Vec<String> = names.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let target = format!("{path}?{}", query.join("&"));
        // `sign` takes a URI, which some of these are not.
        let Ok(uri) = target.parse::<Uri>() else { return Ok(()) };
        let wire = Wire::new(Method::POST, &target).with("x-value", &value).with("host", HOST);
        prop_assert_eq!(uri.path(), wire.path.as_str());
        prop_assert_eq!(wire.signed().verify(), Ok(()));
    }
}

//! The pairs of a query as Tencent's clients write and sign them: `+` is a space (Python's
//! `requests` sends one, and signs `%20`), and everything but RFC 3986's unreserved characters is
//! percent-encoded, in upper case (Tencent Cloud, "Request signature", product/436/7778).

use percent_encoding::percent_decode;

/// The names and values of a query, decoded. Empty pairs (`&&`) are passed over; a name without
/// `=` has an empty value.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The bytes behind a text of a query; a `%` that no two hex digits follow stays.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

/// Appends bytes, encoded.
pub(crate) fn push_encoded(text: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |nibble: u8| {
        if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) }
    };
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(*byte);
        } else {
            text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 0x0f)]);
        }
    }
}

/// A name as it is signed and listed: encoded, in lower case.
pub(crate) fn signed_name(name: &[u8]) -> String {
    let mut text = Vec::with_capacity(name.len());
    push_encoded(&mut text, name);
    text.make_ascii_lowercase();
    // Can't fail: it is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_encoded_again() {
        let all: Vec<_> = pairs("&&projectId=%e9%a1%b9+1/*&flag&=x&a=b=c&p=%2B%zz").collect();
        let expected: Vec<(Vec<u8>, Vec<u8>)> =
            [("projectId", "项 1/*"), ("flag", ""), ("", "x"), ("a", "b=c"), ("p", "+%zz")]
                .map(|(name, value)| (name.into(), value.into()))
                .into();
        assert_eq!(all, expected);
        let mut text = Vec::new();
        push_encoded(&mut text, "项 1/*-_.~".as_bytes());
        assert_eq!(text, b"%E9%A1%B9%201%2F%2A-_.~");
        assert_eq!(signed_name("Project 项".as_bytes()), "project%20%e9%a1%b9");
    }
}

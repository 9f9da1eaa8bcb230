//! The canonical request: the one text that client and server both make of a request and sign.

use std::borrow::Cow;

use http::{HeaderValue, header};
use percent_encoding::percent_decode_str;

use super::Head;

/// Room for a usual canonical request (the SDK's update call makes one of about 600 bytes).
const BYTES_USUAL: usize = 1024;

/// A canonical request of which only host and payload are still open.
pub(super) struct Canonical<'a> {
    /// The request.
    head: &'a Head<'a>,
    /// The signed headers, lower case and sorted, joined with `;`.
    names: &'a str,
    /// The text, and where its header part starts.
    text: Vec<u8>,
    /// Bytes of `text` that depend on neither host nor payload: method, path and query.
    start_bytes: usize,
}

impl<'a> Canonical<'a> {
    /// Begins the canonical request of `head` with the signed headers `names`.
    pub(super) fn new(head: &'a Head<'a>, names: &'a str) -> Self {
        let mut text = Vec::with_capacity(BYTES_USUAL);
        text.extend_from_slice(head.method.as_str().as_bytes());
        text.push(b'\n');
        write_path(&mut text, head.path);
        text.push(b'\n');
        write_query(&mut text, head.query.unwrap_or_default());
        text.push(b'\n');
        Self { head, names, start_bytes: text.len(), text }
    }

    /// The whole text for one host and one payload hash; replaces that of an earlier call.
    pub(super) fn with(&mut self, host: Option<&[u8]>, payload: &[u8]) -> &[u8] {
        self.text.truncate(self.start_bytes);
        for name in self.names.split(';') {
            if name == header::HOST.as_str() {
                write_header(&mut self.text, name, host.unwrap_or_default());
            } else {
                self.write_header_values(name);
            }
        }
        self.text.push(b'\n');
        self.text.extend_from_slice(self.names.as_bytes());
        self.text.push(b'\n');
        self.text.extend_from_slice(payload);
        &self.text
    }

    /// One line for each value of a header; several are sorted, as the vendor's Go signer does.
    fn write_header_values(&mut self, name: &str) {
        let values = self.head.headers.get_all(name);
        let mut lines = values.iter();
        if let (Some(value), None) = (lines.next(), lines.next()) {
            write_header(&mut self.text, name, value.as_bytes());
            return;
        }
        let mut sorted: Vec<&[u8]> = values.iter().map(HeaderValue::as_bytes).collect();
        sorted.sort_unstable();
        for value in sorted {
            write_header(&mut self.text, name, value);
        }
    }
}

/// `name:value`, the value trimmed, and a line feed.
fn write_header(text: &mut Vec<u8>, name: &str, value: &[u8]) {
    text.extend_from_slice(name.as_bytes());
    text.push(b':');
    text.extend_from_slice(value.trim_ascii());
    text.push(b'\n');
}

/// The path, decoded, then split at `/`, then each segment encoded: so `%2F` counts as `/`. It
/// ends in `/`.
fn write_path(text: &mut Vec<u8>, path: &str) {
    // Nearly every path: nothing to decode, nothing to encode.
    if path.bytes().all(|byte| byte == b'/' || is_unreserved(byte)) {
        text.extend_from_slice(path.as_bytes());
    } else {
        for byte in percent_decode_str(path) {
            if byte == b'/' {
                text.push(byte);
            } else {
                push_encoded(text, byte);
            }
        }
    }
    if text.last() != Some(&b'/') {
        text.push(b'/');
    }
}

/// The query: names and values decoded, sorted as such by name and value, encoded. `+` is a plus
/// (RFC 3986), not a space; a name without value gets its `=`.
fn write_query(text: &mut Vec<u8>, query: &str) {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            text.push(b'&');
        }
        name.iter().for_each(|byte| push_encoded(text, *byte));
        text.push(b'=');
        value.iter().for_each(|byte| push_encoded(text, *byte));
    }
}

/// The bytes behind a percent-encoded text; a `%` that no two hex digits follow stays.
fn decode(text: &str) -> Cow<'_, [u8]> {
    percent_decode_str(text).into()
}

/// Whether RFC 3986 (section 2.3) calls the byte unreserved.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Appends one byte, encoded unless unreserved.
fn push_encoded(text: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| {
        if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) }
    };
    if is_unreserved(byte) {
        text.push(byte);
    } else {
        text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 0x0f)]);
    }
}

//! The one text that client and server both make of a request and sign: the vendor's page calls it
//! `HttpString`.

use http::{HeaderValue, header};
use percent_encoding::percent_decode_str;

use super::{Head, form};

/// Room for a usual text (the SDK's update call makes one of about 100 bytes).
const BYTES_USUAL: usize = 256;

/// How the values of headers stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Percent-encoded, as the page says and the SDKs do.
    Encoded,
    /// As they are, as in one of the page's own samples.
    Raw,
}

/// A request of which only the host and the form of values are still open.
pub(super) struct Canonical<'a> {
    /// The request.
    head: &'a Head<'a>,
    /// The signed headers, lower case, in their order.
    headers: &'a [String],
    /// What depends on neither: method, path and parameters.
    start: Vec<u8>,
}

impl<'a> Canonical<'a> {
    /// Begins the text of `head` with the signed `headers` and `listed` parameters, whose values
    /// are among `parameters`.
    pub(super) fn new(
        head: &'a Head<'a>,
        headers: &'a [String],
        listed: &[String],
        parameters: &[(String, Vec<u8>)],
    ) -> Self {
        let mut start = Vec::with_capacity(BYTES_USUAL);
        start.extend_from_slice(head.method.as_str().to_ascii_lowercase().as_bytes());
        start.push(b'\n');
        start.extend(percent_decode_str(head.path));
        start.push(b'\n');
        for (position, name) in listed.iter().enumerate() {
            let value = parameters.iter().find(|(given, _)| given == name);
            begin_pair(&mut start, position, name);
            form::push_encoded(&mut start, value.map_or(&[], |(_, value)| value.as_slice()));
        }
        start.push(b'\n');
        Self { head, headers, start }
    }

    /// The whole text.
    pub(super) fn text(&self, host: &[u8], values: Values) -> Vec<u8> {
        let mut text = self.start.clone();
        for (position, name) in self.headers.iter().enumerate() {
            let value = if name == header::HOST.as_str() {
                host
            } else {
                self.head.headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default()
            };
            begin_pair(&mut text, position, &form::signed_name(name.as_bytes()));
            match values {
                Values::Encoded => form::push_encoded(&mut text, value.trim_ascii()),
                Values::Raw => text.extend_from_slice(value.trim_ascii()),
            }
        }
        text.push(b'\n');
        text
    }
}

/// `name=`, after a `&` if it is not the first.
fn begin_pair(text: &mut Vec<u8>, position: usize, name: &str) {
    if position > 0 {
        text.push(b'&');
    }
    text.extend_from_slice(name.as_bytes());
    text.push(b'=');
}

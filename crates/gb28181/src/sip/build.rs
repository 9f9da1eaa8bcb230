//! Prints messages.

use std::fmt;

use bytes::Bytes;

use super::field;
use super::via::Via;
use super::{Flow, Message, Name};

/// Room that most messages without a body fit in.
const HEAD_BYTES_USUAL: usize = 640;

/// Prints a message: the start line, the headers in the order of the calls, the body.
///
/// Values are printed as they are given, but for CR, LF and NUL, each of which becomes a space: no
/// value can begin another header.
#[derive(Debug)]
pub struct MessageBuilder(Printer);

impl MessageBuilder {
    /// Begins a request with the method and the Request-URI.
    pub fn request(method: &str, request_uri: &[u8]) -> Self {
        let mut printer = Printer(Vec::with_capacity(HEAD_BYTES_USUAL));
        printer.value(method.as_bytes());
        printer.0.push(b' ');
        printer.value(request_uri);
        printer.raw(b" SIP/2.0\r\n");
        Self(printer)
    }

    /// Begins a response that goes back over `flow`. Via, From, To, Call-ID and CSeq are copied
    /// from the request (RFC 3261 8.2.6.2): the first Via gets `received` and, if it asked with
    /// `rport`, the port (RFC 3261 18.2.1, RFC 3581 4). `to_tag` is added to the To if that has
    /// none. A header that the request lacks is left out.
    pub fn response(
        request: &Message,
        flow: &Flow,
        status: u16,
        reason: &str,
        to_tag: &[u8],
    ) -> Self {
        let mut printer = Printer(Vec::with_capacity(HEAD_BYTES_USUAL));
        printer.raw(b"SIP/2.0 ");
        printer.raw(status.to_string().as_bytes());
        printer.0.push(b' ');
        printer.value(reason.as_bytes());
        printer.raw(b"\r\n");
        for (index, line) in request.headers(Name::Via).enumerate() {
            if index == 0 {
                printer.first_via(&line, flow);
            } else {
                printer.header("Via", &line);
            }
        }
        if let Some(from) = request.header(Name::From) {
            printer.header("From", &from);
        }
        if let Some(to) = request.header(Name::To) {
            printer.to(&to, to_tag);
        }
        for name in [Name::CallId, Name::CSeq] {
            if let Some(value) = request.header(name) {
                printer.header(name.text(), &value);
            }
        }
        Self(printer)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: Name, value: &[u8]) -> Self {
        self.0.header(name.text(), value);
        self
    }

    /// Adds a header by the text of its name.
    #[must_use]
    pub fn header_named(mut self, name: &str, value: &[u8]) -> Self {
        self.0.header(name, value);
        self
    }

    /// Ends the message without a body.
    pub fn finish(self) -> Bytes {
        self.0.finish(None, b"")
    }

    /// Ends the message with a body and its type.
    pub fn finish_with_body(self, content_type: &str, body: &[u8]) -> Bytes {
        self.0.finish(Some(content_type), body)
    }
}

/// The bytes so far.
struct Printer(Vec<u8>);

impl fmt::Debug for Printer {
    /// Their number alone: they may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer").field("bytes", &self.0.len()).finish()
    }
}

impl Printer {
    /// Adds bytes that are known to be fine.
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Adds a value that somebody else may have had a hand in.
    fn value(&mut self, value: &[u8]) {
        let from = self.0.len();
        self.0.extend_from_slice(value);
        for byte in self.0.get_mut(from..).unwrap_or_default() {
            if matches!(byte, b'\r' | b'\n' | 0) {
                *byte = b' ';
            }
        }
    }

    /// Adds a header line.
    fn header(&mut self, name: &str, value: &[u8]) {
        self.value(name.as_bytes());
        self.raw(b": ");
        self.value(value);
        self.raw(b"\r\n");
    }

    /// Adds a To, with a tag if it has none. One that can't be read is copied.
    fn to(&mut self, to: &[u8], tag: &[u8]) {
        self.raw(b"To: ");
        self.value(to);
        let address = super::uri::Address::parse(to);
        if !tag.is_empty() && address.is_ok_and(|address| address.tag().is_none()) {
            self.raw(b";tag=");
            self.value(tag);
        }
        self.raw(b"\r\n");
    }

    /// Adds the first Via line: its first value says where the request really came from. One that
    /// can't be read is copied.
    fn first_via(&mut self, line: &[u8], flow: &Flow) {
        let Ok((via, rest)) = Via::parse(line) else {
            return self.header("Via", line);
        };
        let (value, _) = field::cut(line, b',');
        let (sent, _) = field::cut(value, b';');
        self.raw(b"Via: ");
        self.value(field::trim(sent));
        let address = flow.remote.ip().to_canonical();
        let received = address.to_string();
        let mut told = false;
        for (name, text) in via.params.iter().filter(|(name, _)| !name.is_empty()) {
            if name.eq_ignore_ascii_case(b"rport") && !told {
                self.raw(b";rport=");
                self.raw(flow.remote.port().to_string().as_bytes());
                self.raw(b";received=");
                self.raw(received.as_bytes());
                told = true;
            } else if !name.eq_ignore_ascii_case(b"received") {
                self.0.push(b';');
                self.value(name);
                if let Some(text) = text {
                    self.0.push(b'=');
                    self.value(text);
                }
            }
        }
        if !told && via.host_address() != Some(address) {
            self.raw(b";received=");
            self.raw(received.as_bytes());
        }
        if let Some(rest) = rest {
            self.raw(b", ");
            self.value(field::trim(rest));
        }
        self.raw(b"\r\n");
    }

    /// Adds the length, the empty line and the body.
    fn finish(mut self, content_type: Option<&str>, body: &[u8]) -> Bytes {
        if let Some(content_type) = content_type {
            self.header("Content-Type", content_type.as_bytes());
        }
        self.header("Content-Length", body.len().to_string().as_bytes());
        self.raw(b"\r\n");
        self.raw(body);
        Bytes::from(self.0)
    }
}

//! What the user of an endpoint has it send.

use std::fmt;

use bytes::Bytes;

use crate::sip::{MessageBuilder, Method, Name, Transport, reason_phrase};

/// A request of ours. The endpoint adds Via, tags, CSeq, Max-Forwards and Content-Length.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub request_uri: Vec<u8>,
    /// The URI of From, without brackets and tag.
    pub from: Vec<u8>,
    /// The URI of To, without brackets and tag.
    pub to: Vec<u8>,
    /// The tag of From; one is made if none is given.
    pub from_tag: Option<Vec<u8>>,
    /// The tag of To, for a request within a dialog such as a NOTIFY.
    pub to_tag: Option<Vec<u8>>,
    /// Our host and port as the peer has to see them, `192.0.2.1:5060`.
    pub via_sent_by: String,
    /// The value of Contact, if there shall be one: `<sip:id@192.0.2.1:5060>`.
    pub contact: Option<Vec<u8>>,
    /// The Call-ID; one is made if none is given.
    pub call_id: Option<Vec<u8>>,
    /// The number of CSeq, below 2^31; the endpoint's own count if none is given.
    pub cseq: Option<u32>,
    /// Further headers, by the text of their name.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The type of the body, which goes with it only if it is not empty.
    pub content_type: &'static str,
    /// The body; may be empty.
    pub body: Bytes,
}

/// A response of ours. The endpoint adds what is copied from the request, the tag of To and
/// Content-Length.
#[derive(Clone)]
pub struct OutgoingResponse {
    /// 100 to 699.
    pub status: u16,
    /// The words beside it.
    pub reason: &'static str,
    /// Further headers, by the text of their name.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The type of the body, which goes with it only if it is not empty.
    pub content_type: &'static str,
    /// The body; may be empty.
    pub body: Bytes,
}

/// What the endpoint puts into a request.
pub(super) struct Made<'a> {
    pub(super) transport: Transport,
    pub(super) branch: &'a str,
    pub(super) from_tag: &'a [u8],
    pub(super) call_id: &'a [u8],
    pub(super) cseq: u32,
    pub(super) user_agent: Option<&'a str>,
}

impl OutgoingRequest {
    /// A request without a body, with all else made by the endpoint.
    pub fn new(
        method: Method,
        request_uri: impl Into<Vec<u8>>,
        from: impl Into<Vec<u8>>,
        to: impl Into<Vec<u8>>,
        via_sent_by: impl Into<String>,
    ) -> Self {
        Self {
            method,
            request_uri: request_uri.into(),
            from: from.into(),
            to: to.into(),
            from_tag: None,
            to_tag: None,
            via_sent_by: via_sent_by.into(),
            contact: None,
            call_id: None,
            cseq: None,
            headers: Vec::new(),
            content_type: "",
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.text(), value.into()));
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.content_type = content_type;
        self.body = body.into();
        self
    }

    /// Prints it.
    pub(super) fn print(&self, made: &Made<'_>) -> Bytes {
        let via =
            format!("SIP/2.0/{} {};rport;branch={}", made.transport, self.via_sent_by, made.branch);
        let cseq = format!("{} {}", made.cseq, self.method.text());
        let mut printed = MessageBuilder::request(self.method.text(), &self.request_uri)
            .header(Name::Via, via.as_bytes())
            .header(Name::From, &address(&self.from, Some(made.from_tag)))
            .header(Name::To, &address(&self.to, self.to_tag.as_deref()))
            .header(Name::CallId, made.call_id)
            .header(Name::CSeq, cseq.as_bytes());
        if let Some(contact) = &self.contact {
            printed = printed.header(Name::Contact, contact);
        }
        printed = printed.header(Name::MaxForwards, b"70");
        if let Some(user_agent) = made.user_agent {
            printed = printed.header(Name::UserAgent, user_agent.as_bytes());
        }
        finish(printed, &self.headers, self.content_type, &self.body)
    }
}

/// Adds further headers and the body, if there is one, and ends the message.
fn finish(
    mut printed: MessageBuilder,
    headers: &[(&'static str, Vec<u8>)],
    content_type: &str,
    body: &[u8],
) -> Bytes {
    for (name, value) in headers {
        printed = printed.header_named(name, value);
    }
    if body.is_empty() { printed.finish() } else { printed.finish_with_body(content_type, body) }
}

impl fmt::Debug for OutgoingRequest {
    /// What it is and how long, no more: headers and body may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OutgoingResponse {
    /// What it is and how long, no more: headers and body may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// `<uri>` or `<uri>;tag=tag`.
fn address(uri: &[u8], tag: Option<&[u8]>) -> Vec<u8> {
    let mut value = Vec::with_capacity(uri.len() + 24);
    value.push(b'<');
    value.extend_from_slice(uri);
    value.push(b'>');
    if let Some(tag) = tag {
        value.extend_from_slice(b";tag=");
        value.extend_from_slice(tag);
    }
    value
}

impl OutgoingResponse {
    /// A response with the usual words, and nothing more.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            reason: reason_phrase(status),
            headers: Vec::new(),
            content_type: "",
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.text(), value.into()));
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.content_type = content_type;
        self.body = body.into();
        self
    }

    /// Prints it, where `begun` is what the endpoint says of it.
    pub(super) fn print(self, begun: MessageBuilder) -> Bytes {
        finish(begun, &self.headers, self.content_type, &self.body)
    }
}

//! What of a request a signature may cover, but for the body.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};

/// The parts of a request head that a signature may cover, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What follows `?`, still percent-encoded.
    pub query: Option<&'a str>,
    /// The authority of the request target, where it is in absolute form (RFC 9112, section
    /// 3.2.2): it stands for a `Host` header that isn't there.
    pub authority: Option<&'a str>,
    /// All headers.
    pub headers: &'a HeaderMap,
}

impl<'a> Head<'a> {
    /// The head of a received request.
    pub fn of(parts: &'a Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers)
    }

    /// A head from its pieces.
    pub(super) fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let authority = uri.authority().map(http::uri::Authority::as_str);
        Self { method, path: uri.path(), query: uri.query(), authority, headers }
    }

    /// The host that the client addressed, port and all; `None` where it named none.
    pub(super) fn host(&self) -> Option<&'a [u8]> {
        let header = self.headers.get(header::HOST).map(HeaderValue::as_bytes);
        header.or_else(|| self.authority.map(str::as_bytes))
    }
}

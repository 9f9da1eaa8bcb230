//! SIP URIs (RFC 3261 19.1), and the addresses in From, To and Contact (20.10, 25.1).

use std::borrow::Cow;

use super::field::{self, Params, trim};
use super::via::host_and_port;

/// A URI. Of one that is neither `sip:` nor `sips:` only the scheme is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// All of it, as it stands.
    pub text: &'a [u8],
    /// What is before the first colon.
    pub scheme: &'a [u8],
    /// What is before the `@`, escapes as they stand and without a password; none if there is none.
    pub user: Option<&'a [u8]>,
    /// The host, an IPv6 address in its brackets; empty for other schemes.
    pub host: &'a [u8],
    /// The port, if one is given.
    pub port: Option<u16>,
    /// The parameters after the host.
    pub params: Params<'a>,
    /// What follows a `?`: headers for a request to come, which a Request-URI can't have
    /// (RFC 3261 19.1.1).
    pub headers: &'a [u8],
}

/// What stands in a From, a To or a Contact: `"name" <uri>;params` or `uri;params`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The display name as it stands, quotes and all; empty if there is none. It is bytes: devices
    /// write GBK here.
    pub display: &'a [u8],
    /// The URI.
    pub uri: Uri<'a>,
    /// The parameters of the header, such as `tag` and `expires`.
    pub params: Params<'a>,
}

/// Why bytes are no URI or no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// No scheme, or one that can't be.
    #[error("the URI has no scheme")]
    Scheme,
    /// White space, a control or a bracket inside.
    #[error("the URI has a byte that a URI can't have")]
    Byte,
    /// An empty user before an `@`.
    #[error("the URI's user is empty")]
    User,
    /// The host or its port.
    #[error("the URI's host or port is malformed")]
    Host,
    /// A parameter without a name, or a quote that is never closed.
    #[error("a parameter is malformed")]
    Params,
    /// The part before the URI: an open quote, or a comma without quotes.
    #[error("the display name is malformed")]
    Display,
    /// A `<` without `>`, or something after it that is no parameter.
    #[error("the angle brackets don't match")]
    Brackets,
    /// A URI with `?` or a comma stands outside angle brackets (RFC 3261 20.10).
    #[error("the URI has to stand in angle brackets")]
    Bare,
}

impl<'a> Uri<'a> {
    /// Reads a URI that makes up all of `text`.
    ///
    /// # Errors
    ///
    /// [`UriError`].
    pub fn parse(text: &'a [u8]) -> Result<Self, UriError> {
        let colon = text.iter().position(|byte| *byte == b':').ok_or(UriError::Scheme)?;
        let (scheme, rest) = text.split_at_checked(colon).ok_or(UriError::Scheme)?;
        let of_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let alphabetic = scheme.first().is_some_and(u8::is_ascii_alphabetic);
        if !alphabetic || !scheme.iter().all(of_scheme) {
            return Err(UriError::Scheme);
        }
        if text.iter().any(|byte| *byte <= b' ' || *byte == 0x7f || b"<>\"".contains(byte)) {
            return Err(UriError::Byte);
        }
        let uri = Self {
            text,
            scheme,
            user: None,
            host: b"",
            port: None,
            params: Params::default(),
            headers: b"",
        };
        if !uri.is_sip() {
            return Ok(uri);
        }
        let rest = rest.get(1..).unwrap_or_default();
        // A user may hold `;` and `?`, and no other part an `@`: so the first `@` ends it.
        let (user, rest) = match rest.iter().position(|byte| *byte == b'@') {
            Some(at) => {
                let user = rest.get(..at).unwrap_or_default();
                let user = user.split(|byte| *byte == b':').next().unwrap_or_default();
                if user.is_empty() {
                    return Err(UriError::User);
                }
                (Some(user), rest.get(at + 1..).unwrap_or_default())
            }
            None => (None, rest),
        };
        let end = rest.iter().position(|byte| *byte == b'?').unwrap_or(rest.len());
        let headers = rest.get(end + 1..).unwrap_or_default();
        let rest = rest.get(..end).unwrap_or_default();
        let host_end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
        let (host, params) = rest.split_at_checked(host_end).ok_or(UriError::Host)?;
        let (host, port) = host_and_port(host).ok_or(UriError::Host)?;
        let params = Params::new(params.get(1..).unwrap_or_default());
        if !params.are_sound() {
            return Err(UriError::Params);
        }
        Ok(Self { user, host, port, params, headers, ..uri })
    }

    /// Whether the scheme is `sip` or `sips`.
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sip") || self.scheme.eq_ignore_ascii_case(b"sips")
    }

    /// The user with its escapes read: `%33` is `3`. A `%` that is no escape stays.
    pub fn user_unescaped(&self) -> Option<Cow<'a, [u8]>> {
        self.user.map(unescaped)
    }
}

/// Reads `%xx`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escape = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let mut value = [0];
        if escape.is_some_and(|digits| hex::decode_to_slice(digits, &mut value).is_ok()) {
            plain.extend_from_slice(&value);
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    Cow::Owned(plain)
}

impl<'a> Address<'a> {
    /// Reads an address that makes up all of `value`: one value of a list, see [`field::list`].
    ///
    /// A display name may hold any bytes but a comma outside quotes, and blanks may stand inside
    /// the angle brackets: RFC 4475 3.1.2.14 leaves the latter to the reader.
    ///
    /// # Errors
    ///
    /// [`UriError`].
    pub fn parse(value: &'a [u8]) -> Result<Self, UriError> {
        let value = trim(value);
        let display_end = if value.first() == Some(&b'"') {
            field::quoted_end(value).ok_or(UriError::Display)?
        } else {
            0
        };
        let (quoted, after) = value.split_at_checked(display_end).ok_or(UriError::Display)?;
        let Some(open) = after.iter().position(|byte| *byte == b'<') else {
            return if quoted.is_empty() { Self::bare(value) } else { Err(UriError::Brackets) };
        };
        let before = trim(after.get(..open).unwrap_or_default());
        if before.contains(&b',')
            || before.contains(&b'"')
            || (display_end > 0 && !before.is_empty())
        {
            return Err(UriError::Display);
        }
        let display = if display_end > 0 { quoted } else { before };
        let inner = after.get(open + 1..).unwrap_or_default();
        let close = inner.iter().position(|byte| *byte == b'>').ok_or(UriError::Brackets)?;
        let uri = Uri::parse(trim(inner.get(..close).unwrap_or_default()))?;
        let params = match trim(inner.get(close + 1..).unwrap_or_default()).split_first() {
            None => Params::default(),
            Some((b';', params)) => Params::new(params),
            Some(_) => return Err(UriError::Brackets),
        };
        Self { display, uri, params }.checked()
    }

    /// Reads an address without angle brackets: its parameters are the header's, not the URI's.
    fn bare(value: &'a [u8]) -> Result<Self, UriError> {
        let (uri, params) = field::cut(value, b';');
        if uri.iter().any(|byte| b"?,".contains(byte)) {
            return Err(UriError::Bare);
        }
        let params = Params::new(params.unwrap_or_default());
        Self { display: b"", uri: Uri::parse(trim(uri))?, params }.checked()
    }

    /// Itself, if its parameters are sound.
    fn checked(self) -> Result<Self, UriError> {
        if self.params.are_sound() { Ok(self) } else { Err(UriError::Params) }
    }

    /// The `tag` of a From or a To.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }
}

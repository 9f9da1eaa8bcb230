//! What a strict key asks for besides a signature that holds: the vendor's scheme leaves the body,
//! and whatever the client does not list, unsigned. A strict key's signature covers the whole
//! request, for a short time, and is taken once (see [`Replays`](super::Replays)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use fleet::Timestamp;

use super::authorization::Authorization;
use super::{Malformed, NotStrict, Refusal, Signed};

/// The longest time for which a strict key's signature may be made.
pub const WINDOW_SECONDS_MAX: i64 = 15 * 60;

/// The body's MD5 (RFC 1864), the one header by which a signature can cover a body.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

impl Signed<'_> {
    /// Checks that the signature covers the host, every parameter of the query and, if the request
    /// `has_body`, its length and MD5, and that it is valid for [`WINDOW_SECONDS_MAX`] at most.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub fn check_strict(&self, has_body: bool) -> Result<(), NotStrict> {
        let Authorization { times, headers, parameters, .. } = &self.authorization;
        let of_body = if has_body { ["content-length", "content-md5"].as_slice() } else { &[] };
        for name in ["host"].iter().chain(of_body) {
            if !headers.iter().any(|signed| signed == name) {
                return Err(NotStrict::HeaderUnsigned { name });
            }
        }
        let mut given = self.parameters.iter().map(|(name, _)| name);
        if let Some(name) = given.find(|name| !parameters.contains(name)) {
            return Err(NotStrict::ParameterUnsigned { name: name.clone() });
        }
        if times.end - times.start > WINDOW_SECONDS_MAX {
            return Err(NotStrict::WindowTooLong);
        }
        Ok(())
    }

    /// Checks `body`, the raw bytes of the whole body, against `Content-MD5`, if that is there,
    /// signed or not.
    ///
    /// # Errors
    /// It is the MD5 of something else, or is there twice.
    pub fn check_body(&self, body: &[u8]) -> Result<(), Refusal> {
        let mut values = self.head.headers.get_all(CONTENT_MD5).iter();
        let stated = match (values.next(), values.next()) {
            (None, _) => return Ok(()),
            (Some(value), None) => value.as_bytes().trim_ascii(),
            (Some(_), Some(_)) => {
                return Err(Malformed::HeaderRepeated { name: CONTENT_MD5.to_string() }.into());
            }
        };
        let expected = STANDARD.encode(Md5::digest(body));
        let is_same: bool = expected.as_bytes().ct_eq(stated).into();
        is_same.then_some(()).ok_or(Refusal::BodyDigest)
    }

    /// Whether the head says that a body follows.
    pub fn has_body(&self) -> bool {
        let length = self.head.headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
        self.head.headers.contains_key(header::TRANSFER_ENCODING)
            || length.is_some_and(|length| length != b"0")
    }

    /// The signature, and when it stops being valid: what a replay is known by.
    pub fn mark(&self) -> ([u8; 20], Timestamp) {
        let end = self.authorization.times.end;
        // The end is included.
        (self.authorization.signature, Timestamp(end.saturating_add(1).saturating_mul(1000)))
    }
}

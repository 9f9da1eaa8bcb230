//! Why a request was not let in, in the words that the vendor's gateway uses.
//!
//! Code and texts: Huawei Cloud API Gateway error codes (`APIGW.0301`) and "API Signing Guide",
//! page `api-sign-errorcode`. Where the vendor has no words, ours follow its prefix.

use http::StatusCode;

/// Most bytes of a canonical request that a refusal shows.
const CANONICAL_BYTES_MAX: usize = 2048;

/// Headers whose value a refusal must not show, should a client sign one.
const SECRET_HEADERS: [&str; 4] =
    ["authorization", "cookie", "proxy-authorization", "x-auth-token"];

/// Why a request was not let in. Its display is the text that follows the vendor's prefix; see
/// [`Refusal::message`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no authentication at all.
    #[error("x-auth-token not found")]
    Missing,
    /// The signature can't be read.
    #[error("verify aksk signature fail, {0}")]
    Malformed(#[from] Malformed),
    /// The request carries `X-Security-Token`.
    #[error("verify aksk signature fail, temporary keys (x-security-token) are not supported")]
    TemporaryKey,
    /// The time of signing is too far from the server's.
    #[error(
        "calc ak sk signature fail:signature expired, x-sdk-date is {date}, \
         the server's time is {server_time}"
    )]
    Expired {
        /// What the client sent.
        date: String,
        /// The server's time in the same form.
        server_time: String,
    },
    /// No such access key, or a revoked one. For the caller that looks keys up.
    #[error("Get secretKey failed")]
    UnknownKey,
    /// A token that this server did not issue, or that has stopped working before its time.
    #[error("decrypt token fail")]
    UnknownToken,
    /// A token whose time is over.
    #[error("token expires, expires_at: {expires_at}")]
    TokenExpired {
        /// When it stopped working, as IAM prints times.
        expires_at: String,
    },
    /// Too many failures in a row. For the caller that keeps the [`Lockout`].
    ///
    /// [`Lockout`]: crate::signature::lockout::Lockout
    #[error("AK access failed to reach the limit,forbidden")]
    Locked,
    /// `X-Sdk-Content-Sha256` is not the hash of the body that came.
    #[error("verify aksk signature fail, x-sdk-content-sha256 is not the body's SHA-256")]
    BodyHash,
    /// The signature is another than this server's.
    #[error("verify aksk signature fail, canonicalRequest:{canonical}")]
    Mismatch {
        /// What this server signed, `|` for line feeds, cut to 2 kB; not shown where a signed
        /// header is secret.
        canonical: String,
    },
}

/// What is wrong with a signature that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Two `Authorization` headers.
    #[error("the header authorization appears more than once")]
    AuthorizationRepeated,
    /// More than 4 kB.
    #[error("the header authorization is too long")]
    AuthorizationTooLong,
    /// Bytes that aren't visible ASCII.
    #[error("the header authorization has characters outside ASCII")]
    AuthorizationNotText,
    /// Another scheme or algorithm.
    #[error("the only supported algorithm is SDK-HMAC-SHA256")]
    Algorithm,
    /// A part without `=`, or none at all.
    #[error("authorization must have the form SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature=")]
    Part,
    /// A part of another name.
    #[error("authorization has a part that is not Access, SignedHeaders or Signature")]
    PartUnknown,
    /// The same part twice.
    #[error("authorization has {name} more than once")]
    PartRepeated {
        /// The part.
        name: &'static str,
    },
    /// A part is not there.
    #[error("authorization lacks {name}")]
    PartAbsent {
        /// The part.
        name: &'static str,
    },
    /// Empty, too long or with odd characters.
    #[error("Access must be 1 to 128 visible ASCII characters")]
    AccessKey,
    /// Not 64 lower-case hex digits.
    #[error("Signature must be 64 lower-case hex digits")]
    Signature,
    /// An empty name, or one that no header can have.
    #[error("SignedHeaders must be header names joined with ;")]
    SignedHeaderName,
    /// The same name twice.
    #[error("SignedHeaders names a header more than once")]
    SignedHeaderRepeated,
    /// More than 100 names.
    #[error("SignedHeaders names more than 100 headers")]
    SignedHeadersTooMany,
    /// A signed header isn't in the request: a proxy may have dropped it.
    #[error("the signed header {name} is not in the request")]
    SignedHeaderAbsent {
        /// The header.
        name: String,
    },
    /// `x-sdk-date` isn't among the signed headers.
    #[error("x-sdk-date must be a signed header")]
    DateNotSigned,
    /// No `X-Sdk-Date`.
    #[error("the header x-sdk-date is missing")]
    DateAbsent,
    /// Two `X-Sdk-Date`.
    #[error("the header x-sdk-date appears more than once")]
    DateRepeated,
    /// Not a time in the one form.
    #[error("x-sdk-date must have the form YYYYMMDDTHHMMSSZ")]
    DateForm,
    /// Two `Host`.
    #[error("the header host appears more than once")]
    HostRepeated,
    /// Two `X-Sdk-Content-Sha256`.
    #[error("the header x-sdk-content-sha256 appears more than once")]
    ContentHashRepeated,
    /// `UNSIGNED-PAYLOAD` with a body.
    #[error("UNSIGNED-PAYLOAD is not accepted: send application/json and sign the body")]
    PayloadUnsigned,
}

impl Refusal {
    /// The vendor's error code.
    pub const CODE: &'static str = "APIGW.0301";

    /// The HTTP status.
    pub const STATUS: StatusCode = StatusCode::UNAUTHORIZED;

    /// The vendor's `error_msg`. It holds nothing that the client didn't send, but the server's
    /// time.
    pub fn message(&self) -> String {
        format!("Incorrect IAM authentication information: {self}")
    }

    /// Whether this refusal may have been a guess at a secret, and so counts towards a lock-out.
    pub fn is_guess(&self) -> bool {
        matches!(self, Self::Mismatch { .. })
    }

    /// A wrong signature: shows what should have been signed, as the vendor does, which is what a
    /// user compares with. `names` are the signed headers.
    pub(super) fn mismatch(canonical: &[u8], names: &str) -> Self {
        if names.split(';').any(|name| SECRET_HEADERS.contains(&name)) {
            return Self::Mismatch { canonical: "not shown, a signed header is secret".to_owned() };
        }
        let head = canonical.get(..CANONICAL_BYTES_MAX).unwrap_or(canonical);
        let canonical = String::from_utf8_lossy(head).replace('\n', "|");
        Self::Mismatch { canonical }
    }
}

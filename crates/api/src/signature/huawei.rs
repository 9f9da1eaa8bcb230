//! `SDK-HMAC-SHA256`, the AK/SK signature of Huawei Cloud: verifying it, and making it.
//!
//! The scheme is that of Huawei Cloud "API Signing Guide" (devg-apisign,
//! `api-sign-algorithm-001` to `-005`) as `huaweicloudsdkcore` 3.1.219 and the Terraform
//! provider's `golangsdk` send it. Verifying has two steps, so that the key can be looked up, and
//! a hopeless request refused, before a body of megabytes is read: [`Signed::parse`] takes the
//! request head, [`Signed::verify`] the secret and the body.
//!
//! Where this is stricter than the vendor: a body must be covered by the signature
//! (`UNSIGNED-PAYLOAD` is for empty bodies only), every signed header must be there, and
//! temporary keys are refused.

mod authorization;
mod canonical;
mod refusal;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use fleet::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use authorization::Authorization;
pub use authorization::{
    ACCESS_KEY_BYTES_MAX, BYTES_MAX as AUTHORIZATION_BYTES_MAX, SIGNED_HEADERS_MAX,
};
use canonical::Canonical;
pub use refusal::{Malformed, Refusal};

pub use super::Head;

/// The one algorithm that is accepted.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// What the names of the vendor's schemes begin with: `SDK-HMAC-SHA256`, `SDK-HMAC-SM3`, ...
const SCHEMES: &[u8] = b"SDK-";

/// How far `X-Sdk-Date` may lie from the server's clock, before or after; the very end is inside.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How many of `public_hosts` are tried: each costs a whole signature, and a refused request must
/// stay cheap.
pub const PUBLIC_HOSTS_MAX: usize = 8;

/// The header with the time of signing, `YYYYMMDDTHHMMSSZ` in UTC.
const DATE: &str = "x-sdk-date";

/// The header whose value stands for the body's hash in the canonical request.
const CONTENT_SHA256: &str = "x-sdk-content-sha256";

/// What the vendor's SDK writes into [`CONTENT_SHA256`] for bodies that aren't JSON.
const UNSIGNED_PAYLOAD: &[u8] = b"UNSIGNED-PAYLOAD";

/// SHA-256 of nothing, in hex.
const EMPTY_SHA256: [u8; 64] = *b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A request whose authentication is well-formed and inside the time window; nothing is proved.
#[derive(Debug)]
pub struct Signed<'a> {
    /// What was signed, but for the body.
    head: Head<'a>,
    /// The access key id.
    access_key: &'a str,
    /// The names of the signed headers: lower case, sorted, joined with `;`.
    names: Cow<'a, str>,
    /// The value of `X-Sdk-Date`.
    date: &'a str,
    /// The HMAC that the client sent.
    signature: [u8; 32],
}

impl<'a> Signed<'a> {
    /// Reads the authentication of `head`; `now` is the server's time.
    ///
    /// # Errors
    /// Refuses a request without a signature, with one that is malformed, of another algorithm or
    /// outside [`WINDOW`], and one that uses a temporary key.
    pub fn parse(head: Head<'a>, now: Timestamp) -> Result<Self, Refusal> {
        let value = match single(head.headers, header::AUTHORIZATION.as_str()) {
            Ok(Some(value)) => value,
            Ok(None) => return Err(Refusal::Missing),
            Err(Repeated) => return Err(Malformed::AuthorizationRepeated.into()),
        };
        if head.headers.contains_key("x-security-token") {
            return Err(Refusal::TemporaryKey);
        }
        let Authorization { access_key, names, signature } = Authorization::parse(value)?;
        if !names.split(';').any(|name| name == DATE) {
            return Err(Malformed::DateNotSigned.into());
        }
        let date = read_date(head.headers, now)?;
        if let Some(name) = names.split(';').find(|name| !is_present(&head, name)) {
            return Err(Malformed::SignedHeaderAbsent { name: name.to_owned() }.into());
        }
        if single(head.headers, header::HOST.as_str()).is_err() {
            return Err(Malformed::HostRepeated.into());
        }
        Ok(Self { head, access_key, names, date, signature })
    }

    /// Whether `headers` bear a signature of this family, good or bad, rather than something that
    /// is not meant for us.
    pub fn is_meant(headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        values.any(|value| value.as_bytes().starts_with(SCHEMES))
    }

    /// The access key id by which the caller finds the secret.
    pub fn access_key(&self) -> &'a str {
        self.access_key
    }

    /// Checks the signature over `body`, the raw bytes of the whole body, with the key's `secret`.
    ///
    /// `public_hosts` are the names, ports included, under which a proxy that rewrites `Host` is
    /// reached: where the client's own `Host` is lost, a signature made for one of the first
    /// [`PUBLIC_HOSTS_MAX`] of them is good too. The signature is compared in constant time.
    ///
    /// # Errors
    /// Refuses any other signature, and a body that the signature doesn't cover.
    pub fn verify(
        &self,
        secret: &[u8],
        body: &[u8],
        public_hosts: &[String],
    ) -> Result<(), Refusal> {
        let payload = self.payload(body)?;
        let received = self.head.host();
        let mut canonical = Canonical::new(&self.head, &self.names);
        if self.matches(secret, canonical.with(received, payload.as_slice())) {
            return Ok(());
        }
        // The vendor's documents put the header's value here, its Python SDK the hash of nothing.
        let alternative = matches!(payload, Payload::Unsigned)
            && self.matches(secret, canonical.with(received, &EMPTY_SHA256));
        if alternative {
            return Ok(());
        }
        if self.names.split(';').any(|name| name == header::HOST.as_str()) {
            for host in public_hosts.iter().take(PUBLIC_HOSTS_MAX) {
                if self.matches(secret, canonical.with(Some(host.as_bytes()), payload.as_slice())) {
                    return Ok(());
                }
            }
        }
        let text = canonical.with(received, payload.as_slice());
        Err(Refusal::mismatch(text, &self.names))
    }

    /// The sixth part of the canonical request: the body's hash, or what the client put for it.
    fn payload(&self, body: &[u8]) -> Result<Payload, Refusal> {
        let stated = single(self.head.headers, CONTENT_SHA256)
            .map_err(|Repeated| Malformed::ContentHashRepeated)?
            .map(HeaderValue::as_bytes);
        let hash = sha256_hex(body);
        match stated {
            None => Ok(Payload::Hash(hash)),
            Some(value) if value == hash => Ok(Payload::Hash(hash)),
            Some(UNSIGNED_PAYLOAD) if body.is_empty() => Ok(Payload::Unsigned),
            Some(UNSIGNED_PAYLOAD) => Err(Malformed::PayloadUnsigned.into()),
            Some(_) => Err(Refusal::BodyHash),
        }
    }

    /// Whether the client's signature is that of `canonical`.
    fn matches(&self, secret: &[u8], canonical: &[u8]) -> bool {
        hmac(secret, self.date, canonical)
            .is_some_and(|expected| expected.ct_eq(&self.signature).into())
    }
}

/// Why a request could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The date is not `YYYYMMDDTHHMMSSZ`, or `X-Sdk-Date` in the headers says another one.
    #[error("the date must have the form YYYYMMDDTHHMMSSZ and equal the header x-sdk-date")]
    Date,
    /// The access key can't stand in a header.
    #[error("the access key has characters that a header can't carry")]
    AccessKey,
}

/// The `Authorization` value for a request, as a client makes it.
///
/// Signs every header of `headers` (names with `_` excepted, as the vendor's SDK does) and
/// `X-Sdk-Date`, which the caller sends with `date` (`YYYYMMDDTHHMMSSZ`). `Host` is signed if
/// `headers` has it. `body` is the raw body, `sk` the secret.
///
/// # Errors
/// A date of another form, or an access key that no header can carry.
pub fn sign(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    ak: &str,
    sk: &[u8],
    date: &str,
) -> Result<HeaderValue, SignError> {
    Timestamp::from_basic_text(date).ok_or(SignError::Date)?;
    let mut headers = headers.clone();
    headers.remove(header::AUTHORIZATION);
    let value = HeaderValue::from_str(date).map_err(|_| SignError::Date)?;
    if headers.insert(DATE, value).is_some_and(|old| old != date) {
        return Err(SignError::Date);
    }
    let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| !name.contains('_'));
    names.sort_unstable();
    let names = names.join(";");

    let head = Head::new(method, uri, &headers);
    let hash = sha256_hex(body);
    let stated = headers.get(CONTENT_SHA256).filter(|_| !body.is_empty());
    let payload = stated.map_or(hash.as_slice(), HeaderValue::as_bytes);
    let mut canonical = Canonical::new(&head, &names);
    let mac = hmac(sk, date, canonical.with(head.host(), payload)).unwrap_or_default();
    let signature = hex::encode(mac);
    let text = format!("{ALGORITHM} Access={ak}, SignedHeaders={names}, Signature={signature}");
    HeaderValue::try_from(text).map_err(|_| SignError::AccessKey)
}

/// Reads an `Authorization` header alone, as [`Signed::parse`] does first; gives the access key id.
///
/// # Errors
/// What is malformed about it.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_authorization(value: &HeaderValue) -> Result<String, Malformed> {
    Authorization::parse(value).map(|read| read.access_key.to_owned())
}

/// What stands for the body in the canonical request.
enum Payload {
    /// The hash of the bytes, in hex.
    Hash([u8; 64]),
    /// [`UNSIGNED_PAYLOAD`]; the body is empty.
    Unsigned,
}

impl Payload {
    /// The text.
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Hash(hex) => hex,
            Self::Unsigned => UNSIGNED_PAYLOAD,
        }
    }
}

/// A header that may stand once stands more often.
struct Repeated;

/// The value of a header that may stand at most once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

/// Whether a signed header is in the request.
fn is_present(head: &Head<'_>, name: &str) -> bool {
    head.headers.contains_key(name) || (name == header::HOST.as_str() && head.authority.is_some())
}

/// The value of `X-Sdk-Date`, checked for its form and against the window around `now`.
fn read_date(headers: &HeaderMap, now: Timestamp) -> Result<&str, Refusal> {
    let value = single(headers, DATE)
        .map_err(|Repeated| Malformed::DateRepeated)?
        .ok_or(Malformed::DateAbsent)?;
    let text = value.to_str().map_err(|_| Malformed::DateForm)?;
    let date = Timestamp::from_basic_text(text).ok_or(Malformed::DateForm)?;
    // One of the two is zero.
    if now.since(date) + date.since(now) > WINDOW {
        let server_time = now.to_basic_text();
        return Err(Refusal::Expired { date: text.to_owned(), server_time });
    }
    Ok(text)
}

/// SHA-256 in lower-case hex.
fn sha256_hex(bytes: &[u8]) -> [u8; 64] {
    if bytes.is_empty() {
        return EMPTY_SHA256;
    }
    let mut text = [0; 64];
    // Can't fail: 64 is twice 32. A text of zeroes would match no signature.
    let _ = hex::encode_to_slice(Sha256::digest(bytes), &mut text);
    text
}

/// The signature of a canonical request; `None` never happens, for HMAC takes keys of any length.
fn hmac(secret: &[u8], date: &str, canonical: &[u8]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(ALGORITHM.as_bytes());
    mac.update(b"\n");
    mac.update(date.as_bytes());
    mac.update(b"\n");
    mac.update(&sha256_hex(canonical));
    Some(mac.finalize().into_bytes().into())
}

//! `q-sign-algorithm=sha1`, the request signature of Tencent Cloud's storage family, which ISS
//! shares: verifying it, and making it.
//!
//! The scheme is that of Tencent Cloud "Request signature" (product/436/7778), as
//! `cos-python-sdk-v5` 1.9.44 and `cos-nodejs-sdk-v5` 3.0.0 send it. What clients do that the page
//! doesn't say, and is taken here:
//! - `host` may be signed without the port that `Host` has (the Python SDK does so);
//! - the values of headers may be signed raw instead of encoded (one of the page's own samples);
//! - either list may be empty, and most headers never are in it.
//!
//! The body is outside the signature, and so is every header and parameter that is not listed: a
//! signature of empty lists is good for any query and any body. [`Signed::check_strict`] holds a
//! request to more, for keys that are made so.

mod authorization;
mod canonical;
mod refusal;
mod replay;
mod strict;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use fleet::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use sha1_11::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

pub use super::Head;
use super::form;
use authorization::Authorization;
pub use authorization::{
    ACCESS_KEY_BYTES_MAX, BYTES_MAX as AUTHORIZATION_BYTES_MAX, SIGNED_NAMES_MAX,
};
use canonical::{Canonical, Values};
pub use refusal::{Malformed, NotStrict, Refusal};
pub use replay::{REPLAYS_MAX, REPLAYS_PER_KEY_MAX, ReplayRefused, Replays};
pub use strict::WINDOW_SECONDS_MAX;

/// The one algorithm that is accepted.
pub const ALGORITHM: &str = "sha1";

/// How many of `public_hosts` are tried: each costs up to four signatures, and a refused request
/// must stay cheap.
pub const PUBLIC_HOSTS_MAX: usize = 8;

/// Most parameters of a query, those of a signature that stands in it among them. No call has more
/// than seven of its own.
pub const QUERY_PARAMETERS_MAX: usize = 100;

/// Where a token of temporary keys stands: ISS's page of common request headers, and the header and
/// parameter of the storage family's SDKs.
const TOKENS: [&str; 2] = ["x-iss-security-token", "x-cos-security-token"];

/// A request whose authentication is well-formed and inside its time; nothing is proved.
#[derive(Debug)]
pub struct Signed<'a> {
    /// What may have been signed.
    head: Head<'a>,
    /// The parameters of the query, names as they are signed, but for those of the signature.
    parameters: Vec<(String, Vec<u8>)>,
    /// What it says about its signature.
    authorization: Authorization<'a>,
}

impl<'a> Signed<'a> {
    /// Reads the authentication of `head`, which stands in the header `Authorization` or in the
    /// query; `now` is the server's time.
    ///
    /// # Errors
    /// Refuses a request without a signature, with one that is malformed, of another algorithm or
    /// outside its time, and one that uses temporary keys.
    pub fn parse(head: Head<'a>, now: Timestamp) -> Result<Self, Refusal> {
        let mut parameters = Vec::new();
        for (name, value) in form::pairs(head.query.unwrap_or_default()) {
            if parameters.len() == QUERY_PARAMETERS_MAX {
                return Err(Malformed::ParametersTooMany.into());
            }
            parameters.push((form::signed_name(&name), value));
        }
        let has_token = TOKENS.iter().any(|token| {
            head.headers.contains_key(*token) || parameters.iter().any(|(name, _)| name == token)
        });
        if has_token {
            return Err(Refusal::TemporaryKey);
        }
        let in_query = Authorization::take(&mut parameters)?;
        let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
        let authorization = match (values.next(), values.next(), in_query) {
            (None, _, None) => return Err(Refusal::Missing),
            (None, _, Some(authorization)) => authorization,
            (Some(value), None, None) => Authorization::parse(value)?,
            (Some(_), Some(_), _) => return Err(Malformed::AuthorizationRepeated.into()),
            (Some(_), _, Some(_)) => return Err(Malformed::TwoCarriers.into()),
        };
        let signed = Self { head, parameters, authorization };
        signed.check_lists()?;
        signed.check_time(now)?;
        Ok(signed)
    }

    /// The access key id by which the caller finds the secret.
    pub fn access_key(&self) -> &str {
        &self.authorization.access_key
    }

    /// Checks the signature with the key's `secret`.
    ///
    /// `public_hosts` are the names under which a proxy that rewrites `Host` is reached: where the
    /// client's own `Host` is lost, a signature made for one of the first [`PUBLIC_HOSTS_MAX`] of
    /// them is good too. The signature is compared in constant time. At most 36 are computed.
    ///
    /// # Errors
    /// [`Refusal::Mismatch`].
    pub fn verify(&self, secret: &[u8], public_hosts: &[String]) -> Result<(), Refusal> {
        let Authorization { times, signature, .. } = &self.authorization;
        let key = signing_key(secret, &times.text);
        let canonical = self.canonical();
        for host in self.hosts(public_hosts) {
            for values in [Values::Encoded, Values::Raw] {
                let text = canonical.text(host, values);
                let expected = signature_of(&key, &times.text, &text);
                if expected.is_some_and(|expected| expected.ct_eq(signature).into()) {
                    return Ok(());
                }
            }
        }
        let shown = canonical.text(self.head.host().unwrap_or_default(), Values::Encoded);
        Err(Refusal::mismatch(&shown, &times.text, &self.authorization.headers))
    }

    /// What is signed of the request.
    fn canonical(&self) -> Canonical<'_> {
        let Authorization { headers, parameters, .. } = &self.authorization;
        Canonical::new(&self.head, headers, parameters, &self.parameters)
    }

    /// What the client may have signed as its host, each once: as it was sent, without its port,
    /// and the same of `public_hosts`. One of no matter what if it is not signed.
    fn hosts<'h>(&'h self, public_hosts: &'h [String]) -> Vec<&'h [u8]> {
        let sent = self.head.host().unwrap_or_default();
        if !self.authorization.headers.iter().any(|name| name == header::HOST.as_str()) {
            return vec![sent];
        }
        let public = public_hosts.iter().take(PUBLIC_HOSTS_MAX).map(String::as_bytes);
        let mut hosts = Vec::new();
        for host in std::iter::once(sent).chain(public) {
            for host in [host, without_port(host)] {
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
        }
        hosts
    }

    /// Whether all that is said to be signed is there, and once.
    fn check_lists(&self) -> Result<(), Malformed> {
        let Authorization { headers, parameters, .. } = &self.authorization;
        for name in headers {
            let mut values = self.head.headers.get_all(name).iter();
            let is_authority = name == header::HOST.as_str() && self.head.authority.is_some();
            match (values.next(), values.next()) {
                (Some(_), None) => {}
                (None, _) if is_authority => {}
                (None, _) => return Err(Malformed::HeaderAbsent { name: name.clone() }),
                (Some(_), Some(_)) => {
                    return Err(Malformed::HeaderRepeated { name: name.clone() });
                }
            }
        }
        for name in parameters {
            match self.parameters.iter().filter(|(given, _)| given == name).count() {
                1 => {}
                0 => return Err(Malformed::ParameterAbsent { name: name.clone() }),
                _ => return Err(Malformed::ParameterRepeated { name: name.clone() }),
            }
        }
        Ok(())
    }

    /// Checks that `now` is inside the time for which the signature was made, both ends included.
    /// The vendor documents no longest time, and its sample's is 80,000 s: there is none here
    /// either, but in [`Self::check_strict`].
    ///
    /// # Errors
    /// [`Refusal::OutsideWindow`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let times = &self.authorization.times;
        let seconds = now.0.div_euclid(1000);
        if (times.start..=times.end).contains(&seconds) {
            return Ok(());
        }
        let text = |seconds: i64| Timestamp(seconds.saturating_mul(1000)).to_seconds_text();
        Err(Refusal::OutsideWindow {
            start: text(times.start),
            end: text(times.end),
            server_time: text(seconds),
            server_seconds: seconds,
        })
    }
}

/// Why a request could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The access key can't stand in a header.
    #[error("the access key has characters that a header can't carry")]
    AccessKey,
}

/// The `Authorization` value for a request, as a client makes it. Its time begins and ends with
/// `times`, in Unix seconds, both included.
///
/// Signs all of `headers`, which may leave out what the request has besides, and every parameter
/// of the query. The Python SDK signs `host` without the port.
///
/// # Errors
/// An access key that no header can carry.
pub fn sign(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    ak: &str,
    sk: &[u8],
    times: (i64, i64),
) -> Result<HeaderValue, SignError> {
    let head = Head::new(method, uri, headers);
    let parameters: Vec<_> = form::pairs(head.query.unwrap_or_default())
        .map(|(name, value)| (form::signed_name(&name), value))
        .collect();
    let mut listed: Vec<String> = parameters.iter().map(|(name, _)| name.clone()).collect();
    listed.sort_unstable();
    let mut names: Vec<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    let times = format!("{};{}", times.0, times.1);
    let canonical = Canonical::new(&head, &names, &listed, &parameters);
    let text = canonical.text(head.host().unwrap_or_default(), Values::Encoded);
    let signature = signature_of(&signing_key(sk, &times), &times, &text).unwrap_or_default();
    let text = format!(
        "q-sign-algorithm={ALGORITHM}&q-ak={ak}&q-sign-time={times}&q-key-time={times}\
         &q-header-list={}&q-url-param-list={}&q-signature={}",
        names.join(";"),
        listed.join(";"),
        hex::encode(signature),
    );
    HeaderValue::try_from(text).map_err(|_| SignError::AccessKey)
}

/// A host without its port. An IPv6 address stands in brackets.
fn without_port(host: &[u8]) -> &[u8] {
    let Some(colon) = host.iter().rposition(|byte| *byte == b':') else { return host };
    let (name, port) = host.split_at(colon);
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let is_whole = !name.contains(&b':') || name.ends_with(b"]");
    if is_port && is_whole { name } else { host }
}

/// The key that signs for a time: the hexadecimal text, not the bytes.
fn signing_key(secret: &[u8], times: &str) -> String {
    hex::encode(hmac(secret, times.as_bytes()).unwrap_or_default())
}

/// The signature of what is signed; `None` never happens, for HMAC takes keys of any length.
fn signature_of(key: &str, times: &str, text: &[u8]) -> Option<[u8; 20]> {
    hmac(key.as_bytes(), string_to_sign(times, text).as_bytes())
}

/// The text of which the signature is the HMAC.
fn string_to_sign(times: &str, text: &[u8]) -> String {
    format!("{ALGORITHM}\n{times}\n{}\n", hex::encode(Sha1::digest(text)))
}

/// HMAC-SHA1.
fn hmac(key: &[u8], message: &[u8]) -> Option<[u8; 20]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().into())
}

/// A text that is borrowed if it can be.
type Text<'a> = Cow<'a, str>;

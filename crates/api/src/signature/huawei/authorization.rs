//! The `Authorization` header:
//! `SDK-HMAC-SHA256 Access=<AK>, SignedHeaders=<names>, Signature=<hex>`.

use std::borrow::Cow;

use http::HeaderValue;

use super::{ALGORITHM, Malformed};

/// Longest header that is read. The vendor's SDK sends about 250 bytes.
pub const BYTES_MAX: usize = 4096;

/// Longest access key id. The vendor's have 20 characters; teams may bring longer ones.
pub const ACCESS_KEY_BYTES_MAX: usize = 128;

/// Most headers that may be signed: the most that the listener lets in (hyper's default).
pub const SIGNED_HEADERS_MAX: usize = 100;

/// What the header says, its form checked.
pub(super) struct Authorization<'a> {
    /// The access key id: visible ASCII, no comma, 1 to 128 characters.
    pub(super) access_key: &'a str,
    /// Names of the signed headers: lower case, sorted, joined with `;`, none twice.
    pub(super) names: Cow<'a, str>,
    /// The HMAC.
    pub(super) signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    /// Reads the header. The three parts may stand in any order, with `,` and any number of
    /// spaces between; nothing else may be there.
    pub(super) fn parse(value: &'a HeaderValue) -> Result<Self, Malformed> {
        if value.len() > BYTES_MAX {
            return Err(Malformed::AuthorizationTooLong);
        }
        let text = value.to_str().map_err(|_| Malformed::AuthorizationNotText)?;
        let (algorithm, parts) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            return Err(Malformed::Algorithm);
        }
        let (mut access_key, mut names, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let (name, value) = part.trim_matches(' ').split_once('=').ok_or(Malformed::Part)?;
            let (slot, name) = match name {
                "Access" => (&mut access_key, "Access"),
                "SignedHeaders" => (&mut names, "SignedHeaders"),
                "Signature" => (&mut signature, "Signature"),
                _ => return Err(Malformed::PartUnknown),
            };
            if slot.replace(value).is_some() {
                return Err(Malformed::PartRepeated { name });
            }
        }
        let absent = |name| move || Malformed::PartAbsent { name };
        let access_key = access_key.ok_or_else(absent("Access"))?;
        let names = names.ok_or_else(absent("SignedHeaders"))?;
        let signature = signature.ok_or_else(absent("Signature"))?;
        Ok(Self {
            access_key: check_access_key(access_key)?,
            names: normalise_names(names)?,
            signature: decode_signature(signature)?,
        })
    }
}

/// Lets visible ASCII of a sane length through.
fn check_access_key(text: &str) -> Result<&str, Malformed> {
    let fits = (1..=ACCESS_KEY_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Malformed::AccessKey)
    }
}

/// The list as the canonical request has it: lower case and sorted. Clients send it so; one that
/// doesn't still signed that form.
fn normalise_names(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if text.split(';').count() > SIGNED_HEADERS_MAX {
        return Err(Malformed::SignedHeadersTooMany);
    }
    // RFC 9110, section 5.6.2: the characters of a token.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.split(';').all(|name| !name.is_empty() && name.bytes().all(is_token)) {
        return Err(Malformed::SignedHeaderName);
    }
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower && text.split(';').is_sorted_by(|left, right| left < right) {
        return Ok(Cow::Borrowed(text));
    }
    let lower = text.to_ascii_lowercase();
    let mut names: Vec<&str> = lower.split(';').collect();
    names.sort_unstable();
    if !names.is_sorted_by(|left, right| left < right) {
        return Err(Malformed::SignedHeaderRepeated);
    }
    Ok(Cow::Owned(names.join(";")))
}

/// 64 lower-case hex digits.
fn decode_signature(text: &str) -> Result<[u8; 32], Malformed> {
    let mut bytes = [0; 32];
    if text.bytes().any(|byte| byte.is_ascii_uppercase())
        || hex::decode_to_slice(text, &mut bytes).is_err()
    {
        return Err(Malformed::Signature);
    }
    Ok(bytes)
}

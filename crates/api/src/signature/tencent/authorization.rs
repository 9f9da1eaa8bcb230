//! What a request says about its signature: seven parts, in the header `Authorization`
//! (`q-sign-algorithm=sha1&q-ak=...&...`) or as parameters of the query.

use std::borrow::Cow;

use fleet::limits;
use http::HeaderValue;

use super::{ALGORITHM, Malformed, Text};

/// Longest header that is read. The vendor's SDKs send about 250 bytes.
pub const BYTES_MAX: usize = 4096;

/// Longest access key id. The vendor's have 36 characters; teams may bring longer ones.
pub const ACCESS_KEY_BYTES_MAX: usize = limits::ACCESS_KEY_BYTES_MAX;

/// Most names in either list: the most headers that the listener lets in (hyper's default).
pub const SIGNED_NAMES_MAX: usize = 100;

/// Digits of a time in seconds: 30,000 years.
const SECONDS_DIGITS_MAX: usize = 12;

/// The names of the parts.
const PARTS: [&str; 7] = [
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
];

/// What is said, its form checked.
#[derive(Debug)]
pub(super) struct Authorization<'a> {
    /// The access key id: visible ASCII, 1 to 128 characters.
    pub(super) access_key: Text<'a>,
    /// For when the signature was made.
    pub(super) times: Times<'a>,
    /// Names of the signed headers, lower case, as they are listed, none twice.
    pub(super) headers: Vec<String>,
    /// Names of the signed parameters, likewise.
    pub(super) parameters: Vec<String>,
    /// The HMAC.
    pub(super) signature: [u8; 20],
}

/// The time for which a signature was made, in Unix seconds, both ends included.
#[derive(Debug)]
pub(super) struct Times<'a> {
    /// Its beginning.
    pub(super) start: i64,
    /// Its end, which is later.
    pub(super) end: i64,
    /// Both, as they are signed.
    pub(super) text: Text<'a>,
}

/// The values of [`PARTS`], as far as they were given.
#[derive(Default)]
struct Given<'a>([Option<Text<'a>>; PARTS.len()]);

impl<'a> Given<'a> {
    /// Takes a part; says whether its name is that of one.
    fn take(&mut self, name: &str, value: impl FnOnce() -> Text<'a>) -> Result<bool, Malformed> {
        let mut slots = self.0.iter_mut().zip(PARTS);
        let Some((slot, name)) = slots.find(|(_, part)| *part == name) else { return Ok(false) };
        match slot.replace(value()) {
            None => Ok(true),
            Some(_) => Err(Malformed::PartRepeated { name }),
        }
    }

    /// The parts, read.
    fn read(self) -> Result<Authorization<'a>, Malformed> {
        if let Some((_, name)) = self.0.iter().zip(PARTS).find(|(given, _)| given.is_none()) {
            return Err(Malformed::PartAbsent { name });
        }
        let [algorithm, ak, sign_time, key_time, headers, parameters, signature] =
            self.0.map(Option::unwrap_or_default);
        if algorithm != ALGORITHM {
            return Err(Malformed::Algorithm);
        }
        if sign_time != key_time {
            return Err(Malformed::TimesDiffer);
        }
        Ok(Authorization {
            access_key: check_access_key(ak)?,
            times: read_times(key_time)?,
            headers: read_names(&headers, "q-header-list")?,
            parameters: read_names(&parameters, "q-url-param-list")?,
            signature: read_signature(&signature)?,
        })
    }
}

impl<'a> Authorization<'a> {
    /// Reads the header. The parts may stand in any order; nothing else may be there.
    pub(super) fn parse(value: &'a HeaderValue) -> Result<Self, Malformed> {
        if value.len() > BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let text = value.to_str().map_err(|_| Malformed::NotText)?;
        let mut given = Given::default();
        for part in text.split('&') {
            let (name, value) = part.split_once('=').ok_or(Malformed::Part)?;
            if !given.take(name, || Cow::Borrowed(value))? {
                return Err(Malformed::PartUnknown);
            }
        }
        given.read()
    }

    /// Takes it out of the parameters of a query, names as they are signed; `None` if it is not
    /// there.
    pub(super) fn take(parameters: &mut Vec<(String, Vec<u8>)>) -> Result<Option<Self>, Malformed> {
        if !parameters.iter().any(|(name, _)| PARTS.contains(&name.as_str())) {
            return Ok(None);
        }
        let mut given = Given::default();
        let mut others = Vec::new();
        for (name, value) in parameters.drain(..) {
            if PARTS.contains(&name.as_str()) {
                let text = String::from_utf8(value).map_err(|_| Malformed::NotText)?;
                if text.len() > BYTES_MAX {
                    return Err(Malformed::TooLong);
                }
                given.take(&name, || Cow::Owned(text))?;
            } else {
                others.push((name, value));
            }
        }
        *parameters = others;
        given.read().map(Some)
    }
}

/// Lets visible ASCII of a sane length through.
fn check_access_key(text: Text<'_>) -> Result<Text<'_>, Malformed> {
    let fits = (1..=ACCESS_KEY_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Malformed::AccessKey)
    }
}

/// `<start>;<end>`.
fn read_times(text: Text<'_>) -> Result<Times<'_>, Malformed> {
    let number = |text: &str| -> Option<i64> {
        let fits = (1..=SECONDS_DIGITS_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (start, end) = text.split_once(';').ok_or(Malformed::Times)?;
    let (Some(start), Some(end)) = (number(start), number(end)) else {
        return Err(Malformed::Times);
    };
    if start >= end {
        return Err(Malformed::TimesReversed);
    }
    Ok(Times { start, end, text })
}

/// Names joined with `;`, or nothing.
fn read_names(text: &str, list: &'static str) -> Result<Vec<String>, Malformed> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.split(';').count() > SIGNED_NAMES_MAX {
        return Err(Malformed::NamesTooMany { list });
    }
    let mut names: Vec<String> = Vec::new();
    for name in text.split(';') {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed::Name { list });
        }
        let name = name.to_ascii_lowercase();
        if names.contains(&name) {
            return Err(Malformed::NameRepeated { list });
        }
        names.push(name);
    }
    Ok(names)
}

/// 40 lower-case hex digits.
fn read_signature(text: &str) -> Result<[u8; 20], Malformed> {
    let mut bytes = [0; 20];
    if text.bytes().any(|byte| byte.is_ascii_uppercase())
        || hex::decode_to_slice(text, &mut bytes).is_err()
    {
        return Err(Malformed::Signature);
    }
    Ok(bytes)
}

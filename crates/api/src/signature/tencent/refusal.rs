//! Why a request was not let in. The vendor documents codes for these, and no words.

use super::string_to_sign;

/// Most bytes of what should have been signed that a refusal shows.
const SHOWN_BYTES_MAX: usize = 2048;

/// Headers whose value a refusal must not show, should a client sign one.
const SECRET_HEADERS: [&str; 4] =
    ["authorization", "cookie", "proxy-authorization", "x-auth-token"];

/// Why a request was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no authentication at all.
    #[error("the request is not signed: the header Authorization is missing")]
    Missing,
    /// The signature can't be read.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The request carries a token of temporary keys.
    #[error(
        "temporary keys are not supported: this server issues none; sign with an access key of \
         this server and send neither x-iss-security-token nor x-cos-security-token"
    )]
    TemporaryKey,
    /// The server's time is before or after the signature's.
    #[error(
        "the signature is valid from {start} to {end}, and the server's time is {server_time} \
         ({server_seconds})"
    )]
    OutsideWindow {
        /// When the signature begins to be valid.
        start: String,
        /// When it ends.
        end: String,
        /// The server's time in the same form.
        server_time: String,
        /// The same in Unix seconds, as clients sign it.
        server_seconds: i64,
    },
    /// No such access key, or a revoked one. For the caller that looks keys up.
    #[error("there is no such access key, or it is revoked")]
    UnknownKey,
    /// The signature is another than this server's.
    #[error("the signature is not that of this request; {shown}")]
    Mismatch {
        /// What this server signed, `|` for line feeds, cut to 2 kB; not shown where a signed
        /// header is secret.
        shown: String,
    },
    /// The key is strict, and the signature leaves something out.
    #[error("this access key takes strict signatures only: {0}")]
    NotStrict(#[from] NotStrict),
    /// `Content-MD5` is not that of the body that came.
    #[error("Content-MD5 is not the base64 of the body's MD5")]
    BodyDigest,
}

/// What is wrong with a signature that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Two `Authorization` headers.
    #[error("the header Authorization appears more than once")]
    AuthorizationRepeated,
    /// A signature in the header and one in the query.
    #[error("there is a signature in the header Authorization and another one in the query")]
    TwoCarriers,
    /// More than 4 kB.
    #[error("the signature is too long")]
    TooLong,
    /// Bytes that aren't visible ASCII.
    #[error("the signature has characters outside ASCII")]
    NotText,
    /// Another scheme, or no form at all.
    #[error("Authorization must have the form q-sign-algorithm=sha1&q-ak=...&q-signature=...")]
    Part,
    /// A part of another name.
    #[error("Authorization has a part that q-sign-algorithm=sha1 does not have")]
    PartUnknown,
    /// The same part twice.
    #[error("{name} appears more than once")]
    PartRepeated {
        /// The part.
        name: &'static str,
    },
    /// A part is not there.
    #[error("{name} is missing")]
    PartAbsent {
        /// The part.
        name: &'static str,
    },
    /// Another algorithm.
    #[error("the only supported q-sign-algorithm is sha1")]
    Algorithm,
    /// Empty, too long or with odd characters.
    #[error("q-ak must be 1 to {} visible ASCII characters", super::ACCESS_KEY_BYTES_MAX)]
    AccessKey,
    /// Not two times.
    #[error("q-sign-time must have the form <start>;<end>, in Unix seconds")]
    Times,
    /// The end is not after the start.
    #[error("q-sign-time must end after it starts")]
    TimesReversed,
    /// The two times are not the same.
    #[error("q-sign-time and q-key-time must be the same")]
    TimesDiffer,
    /// Not 40 lower-case hex digits.
    #[error("q-signature must be 40 lower-case hex digits")]
    Signature,
    /// An empty name, or one with odd characters.
    #[error("{list} must be names joined with ;")]
    Name {
        /// The list.
        list: &'static str,
    },
    /// The same name twice.
    #[error("{list} has a name more than once")]
    NameRepeated {
        /// The list.
        list: &'static str,
    },
    /// More than 100 names.
    #[error("{list} has more than {} names", super::SIGNED_NAMES_MAX)]
    NamesTooMany {
        /// The list.
        list: &'static str,
    },
    /// More than 100 parameters in the query.
    #[error("the query has more than {} parameters", super::QUERY_PARAMETERS_MAX)]
    ParametersTooMany,
    /// A signed header isn't in the request: a proxy may have dropped it.
    #[error("the signed header {name} is not in the request")]
    HeaderAbsent {
        /// The header.
        name: String,
    },
    /// A signed header is there twice.
    #[error("the signed header {name} appears more than once")]
    HeaderRepeated {
        /// The header.
        name: String,
    },
    /// A signed parameter isn't in the query.
    #[error("the signed parameter {name} is not in the query")]
    ParameterAbsent {
        /// The parameter.
        name: String,
    },
    /// A signed parameter is there twice.
    #[error("the signed parameter {name} appears more than once")]
    ParameterRepeated {
        /// The parameter.
        name: String,
    },
}

/// What a strict key asks of a signature, and this one does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotStrict {
    /// A header that has to be signed is not.
    #[error("the header {name} must be signed")]
    HeaderUnsigned {
        /// The header.
        name: &'static str,
    },
    /// A parameter of the query is not signed.
    #[error("the parameter {name} must be signed")]
    ParameterUnsigned {
        /// The parameter.
        name: String,
    },
    /// It is valid for too long.
    #[error("a signature may be valid for {} s at most", super::WINDOW_SECONDS_MAX)]
    WindowTooLong,
}

impl Refusal {
    /// Whether this refusal may have been a guess at a secret, and so counts towards a lock-out.
    pub fn is_guess(&self) -> bool {
        matches!(self, Self::Mismatch { .. })
    }

    /// A wrong signature: shows what should have been signed, which is what a user compares with.
    /// `text` is that, `headers` are the signed ones.
    pub(super) fn mismatch(text: &[u8], times: &str, headers: &[String]) -> Self {
        let string_to_sign = string_to_sign(times, text).replace('\n', "|");
        if headers.iter().any(|name| SECRET_HEADERS.contains(&name.as_str())) {
            let shown = format!("a signed header is secret; StringToSign: {string_to_sign}");
            return Self::Mismatch { shown };
        }
        let head = text.get(..SHOWN_BYTES_MAX).unwrap_or(text);
        let http_string = String::from_utf8_lossy(head).replace('\n', "|");
        let shown = format!("HttpString: {http_string} StringToSign: {string_to_sign}");
        Self::Mismatch { shown }
    }
}

//! The door's errors: how what is refused becomes one of the [`codes`], of which there is one
//! table. Clients go by the code; the message says in a sentence what was wrong.

mod codes;

use std::borrow::Cow;

use store::Refused;

use super::fields::Fault;
use super::xml::XmlError;
use crate::idempotency::Stopped;
use crate::listener::BodyError;
use crate::printable::printable;
use crate::signature::lockout;
use crate::signature::tencent::{Refusal, ReplayRefused};

pub use codes::{Code, Row};

/// Bytes of a message: what a signature should have covered is shown in it.
const MESSAGE_BYTES_MAX: usize = 4096;

/// When to try again after a refusal for want of room in a queue: it empties within one commit.
const RETRY_SOON_SECONDS: u32 = 1;

/// When to try again after a refusal for want of space on the disk: a person has to act first.
const RETRY_LATER_SECONDS: u32 = 60;

/// Why a whole call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The code, which has the HTTP status.
    pub(super) code: Code,
    /// What is wrong, in a sentence.
    pub(super) message: Cow<'static, str>,
    /// When the client should try again.
    pub(super) retry_after_seconds: Option<u32>,
}

impl Failure {
    /// The code with its own text.
    pub(super) fn of(code: Code) -> Self {
        let passes =
            matches!(code, Code::SlowDown | Code::ServiceUnavailable | Code::IdempotencyInProgress);
        let retry_after_seconds = passes.then_some(RETRY_SOON_SECONDS);
        Self { code, message: Cow::Borrowed(code.row().message), retry_after_seconds }
    }

    /// The code with a sentence about what is wrong; an empty one leaves the code's own text.
    pub(super) fn because(code: Code, detail: impl Into<String>) -> Self {
        let failure = Self::of(code);
        let mut detail = detail.into();
        if detail.is_empty() {
            return failure;
        }
        if !detail.ends_with(['.', '|']) {
            detail.push('.');
        }
        Self { message: Cow::Owned(printable(&detail, MESSAGE_BYTES_MAX)), ..failure }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Missing | Refusal::TemporaryKey | Refusal::NotStrict(_) => Code::AccessDenied,
            Refusal::Malformed(_) => Code::InvalidSecurity,
            Refusal::OutsideWindow { .. } => Code::RequestTimeTooSkewed,
            Refusal::UnknownKey => Code::InvalidAccessKeyId,
            Refusal::Mismatch { .. } => Code::SignatureDoesNotMatch,
            Refusal::BodyDigest => Code::BadDigest,
        };
        Self::because(code, refusal.to_string())
    }
}

impl From<ReplayRefused> for Failure {
    fn from(refused: ReplayRefused) -> Self {
        match refused {
            ReplayRefused::Replayed => Self::because(Code::AccessDenied, refused.to_string()),
            ReplayRefused::KeyFull { seconds } | ReplayRefused::Full { seconds } => Self {
                retry_after_seconds: Some(seconds),
                ..Self::because(Code::SlowDown, refused.to_string())
            },
        }
    }
}

impl From<lockout::Refused> for Failure {
    fn from(refused: lockout::Refused) -> Self {
        match refused {
            lockout::Refused::Locked => {
                let detail = "this access key is locked for your address after five wrong \
                              signatures; try again in five minutes";
                Self::because(Code::AccessDenied, detail)
            }
            // Not the caller's doing.
            lockout::Refused::Full => Self::of(Code::SlowDown),
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        let code = match &error {
            BodyError::TooLarge { .. } => Code::MaxMessageLengthExceeded,
            BodyError::TooSlow { .. } => Code::RequestTimeout,
            BodyError::Broken(_) => Code::IncompleteBody,
        };
        Self::because(code, error.to_string())
    }
}

impl From<XmlError> for Failure {
    fn from(error: XmlError) -> Self {
        Self::because(Code::MalformedXml, error.to_string())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::because(Code::InvalidArgument, fault.sentence())
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Invalid(rule) => Self::because(Code::InvalidArgument, rule),
            // An answer that was given takes the place of this one.
            Stopped::InProgress | Stopped::Answered(_) => Self::of(Code::IdempotencyInProgress),
            Stopped::TooLarge => Self::of(Code::IdempotencyAnswerTooLarge),
            Stopped::Reused => Self::of(Code::IdempotencyKeyReused),
            Stopped::TooMany | Stopped::Busy => Self::of(Code::SlowDown),
            Stopped::Failed(error) => error.into(),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        engine::Error::from(error).into()
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::NoSuchProject(_) => Code::NoSuchProject,
            Refused::NoSuchDevice => Code::NoSuchDevice,
            Refused::NoSuchOrganization(_) => Code::NoSuchOrganization,
            Refused::OrganizationExists { .. } => Code::OrganizationAlreadyExists,
            Refused::OrganizationInUse { .. } => Code::OrganizationNotEmpty,
            Refused::ProjectInUse { .. } => Code::ProjectNotEmpty,
            Refused::TooManyOrganizations => Code::TooManyOrganizations,
            _ => return internal(&refused),
        };
        Self::because(code, refused.to_string())
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        let unavailable = |detail: &str, retry_after_seconds| Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::because(Code::ServiceUnavailable, detail)
        };
        match error {
            engine::Error::NoSuchProject(_) => Self::of(Code::NoSuchProject),
            engine::Error::Refused(refused) => refused.into(),
            engine::Error::Invalid { what, detail } => {
                Self::because(Code::InvalidArgument, format!("{what}: {detail}"))
            }
            engine::Error::TooManyEntries { .. } => {
                Self::because(Code::InvalidArgument, error.to_string())
            }
            engine::Error::Busy => Self::of(Code::SlowDown),
            engine::Error::Closed => unavailable("the server is shutting down", RETRY_SOON_SECONDS),
            engine::Error::Store(store::Error::DiskLow { .. }) => {
                unavailable("the server's disk is low", RETRY_LATER_SECONDS)
            }
            engine::Error::Store(store::Error::ReadDeadline(_)) => {
                unavailable("the store took too long", RETRY_SOON_SECONDS)
            }
            engine::Error::Store(error @ store::Error::Away { .. }) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "an ISS call could not be served");
                unavailable("the store can't be reached", RETRY_SOON_SECONDS)
            }
            error => internal(&error),
        }
    }
}

/// A failure that no client can do anything about.
fn internal(error: &(dyn std::error::Error + 'static)) -> Failure {
    tracing::error!(error, "an ISS call failed");
    Failure::of(Code::InternalError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stores_failure_is_never_the_clients() {
        let low = store::Error::DiskLow { free_bytes: 1, needed_bytes: 2 };
        for (error, status, code, retry) in [
            (low, 503, "ServiceUnavailable", Some(60)),
            (store::Error::Busy, 503, "SlowDown", Some(1)),
            (store::Error::Closed, 503, "ServiceUnavailable", Some(1)),
            (
                store::Error::ReadDeadline(std::time::Duration::ZERO),
                503,
                "ServiceUnavailable",
                Some(1),
            ),
            (
                store::Error::Away { operation: "x", source: "x".into() },
                503,
                "ServiceUnavailable",
                Some(1),
            ),
            (store::Error::Unknown { source: "x".into() }, 500, "InternalError", None),
        ] {
            let failure = Failure::from(error);
            let got =
                (failure.code.status().as_u16(), failure.code.text(), failure.retry_after_seconds);
            assert_eq!(got, (status, code, retry));
        }
    }

    #[test]
    fn what_is_on_record_is_no_fault_of_the_request() {
        let failure = Failure::from(Refused::TooManyOrganizations);
        assert_eq!((failure.code.status().as_u16(), failure.code.row().cause), (409, "state"));
        assert_eq!(failure.message, "more than 100000 organizations.");
    }

    #[test]
    fn a_full_memory_of_signatures_says_when_there_is_room() {
        let full = |refused, whose: &str| {
            let failure = Failure::from(refused);
            assert_eq!((failure.code, failure.retry_after_seconds), (Code::SlowDown, Some(840)));
            assert!(failure.message.starts_with(whose), "{failure:?}");
            assert!(failure.message.ends_with("the first of them ends in 840 s."), "{failure:?}");
        };
        full(ReplayRefused::KeyFull { seconds: 840 }, "this access key has used 65536 ");
        full(ReplayRefused::Full { seconds: 840 }, "262144 signatures of strict keys ");
    }

    #[test]
    fn messages_are_sentences_that_can_be_shown() {
        let failure = Failure::because(Code::InvalidArgument, "a\u{0}b");
        assert_eq!(failure.message, "a\\u{0}b.");
        assert_eq!(Failure::because(Code::NoSuchProject, "").message, "No such project.");
        let long = Failure::because(Code::InvalidArgument, "\n".repeat(100_000));
        assert!(long.message.len() <= MESSAGE_BYTES_MAX);
    }
}

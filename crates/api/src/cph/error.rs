//! The door's errors: how what is refused becomes one of the [`codes`], of which there is one
//! table, as there is one of the [`bounds`].
//!
//! A code's text may be followed by a sentence of ours that says what was wrong; clients go by the
//! code.

mod bounds;
mod codes;

use std::borrow::Cow;

use fleet::Refusal;
use fleet::limits::PROPERTY_NAME_BYTES_MAX;
use store::Refused;

use crate::idempotency::Stopped;
use crate::printable::printable;
use crate::signature::huawei;

pub use bounds::{Bound, all as bounds};
pub use codes::{Code, Row};

/// Bytes of a text: the bound of `error_msg` and `execute_msg` in the API's definition.
const TEXT_BYTES_MAX: usize = 1024;

/// When to try again after a refusal for want of room in a queue: it empties within one commit.
const RETRY_SOON_SECONDS: u32 = 1;

/// When to try again after a refusal for want of space on the disk: a person has to act first.
const RETRY_LATER_SECONDS: u32 = 60;

impl Code {
    /// The code's text about `name`, which is shortened and made printable.
    pub(super) fn message_about(self, name: &str) -> String {
        self.message().replace("{0}", &printable(name, PROPERTY_NAME_BYTES_MAX))
    }
}

/// Why a whole call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The code, which has the HTTP status.
    pub(super) code: Code,
    /// The text.
    pub(super) message: Cow<'static, str>,
    /// When the client should try again.
    pub(super) retry_after_seconds: Option<u32>,
}

impl Failure {
    /// The code with its own status and text.
    pub(super) fn of(code: Code) -> Self {
        let message = Cow::Borrowed(code.message());
        let passes = matches!(code, Code::Throttled | Code::SignInBusy | Code::KeyInProgress);
        Self { code, message, retry_after_seconds: passes.then_some(RETRY_SOON_SECONDS) }
    }

    /// The code's text and a sentence about what is wrong.
    pub(super) fn because(code: Code, detail: &str) -> Self {
        Self { message: Cow::Owned(explained(code.message(), detail)), ..Self::of(code) }
    }

    /// The code's text about the thing of this name.
    pub(super) fn about(code: Code, name: &str) -> Self {
        Self { message: Cow::Owned(code.message_about(name)), ..Self::of(code) }
    }

    /// What the engine's `error` is where a value of the caller's that the engine does not take
    /// breaks the rule of `code`.
    pub(super) fn of_input(error: engine::Error, code: Code) -> Self {
        match error {
            engine::Error::Invalid { what, detail } => {
                Self::because(code, &format!("{what}: {detail}"))
            }
            error => error.into(),
        }
    }

    /// Our fault, and it may pass.
    fn unavailable(detail: &str, retry_after_seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::because(Code::Unavailable, detail)
        }
    }
}

impl From<huawei::Refusal> for Failure {
    fn from(refusal: huawei::Refusal) -> Self {
        Self { message: Cow::Owned(refusal.message()), ..Self::of(Code::Unauthenticated) }
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Invalid(rule) => Self::because(Code::RequestBroken, rule),
            // An answer that was given takes the place of this one.
            Stopped::InProgress | Stopped::Answered(_) => Self::of(Code::KeyInProgress),
            Stopped::TooLarge => Self::of(Code::KeyAnswerTooLarge),
            Stopped::Reused => Self::of(Code::KeyReused),
            Stopped::TooMany | Stopped::Busy => Self::of(Code::Throttled),
            Stopped::Failed(error) => error.into(),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        engine::Error::from(error).into()
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::NoSuchProject(_) | engine::Error::Refused(Refused::NoSuchProject(_)) => {
                Self::of(Code::ProjectForbidden)
            }
            engine::Error::Refused(Refused::NoSuchDevice) => Self::of(Code::PhoneUnknown),
            engine::Error::Refused(Refused::NoSuchServer(_)) => Self::of(Code::ServerUnknown),
            engine::Error::Refused(Refused::TooManyTags) => Self::of(Code::TooManyTags),
            // Of all that this door makes, only a phone's name can be taken.
            engine::Error::Refused(Refused::Exists { .. }) => Self::of(Code::PhoneNameTaken),
            engine::Error::TooManyEntries { .. } => Self::of(Code::TooManyPhones),
            engine::Error::Busy => Self::of(Code::Throttled),
            engine::Error::Closed => {
                Self::unavailable("The server is shutting down.", RETRY_SOON_SECONDS)
            }
            engine::Error::Store(store::Error::DiskLow { .. }) => {
                Self::unavailable("The server's disk is low.", RETRY_LATER_SECONDS)
            }
            engine::Error::Store(store::Error::ReadDeadline(_)) => {
                Self::unavailable("The store took too long.", RETRY_SOON_SECONDS)
            }
            engine::Error::Store(error @ store::Error::Away { .. }) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "a CPH call could not be served");
                Self::unavailable("The store can't be reached.", RETRY_SOON_SECONDS)
            }
            error => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a CPH call failed");
                Self::of(Code::Internal)
            }
        }
    }
}

/// The code and text for one phone's refused entry.
pub(super) fn entry(refusal: &Refusal) -> (Code, String) {
    match refusal {
        Refusal::DeviceIdInvalid => plain(Code::PhoneIdInvalid),
        Refusal::DeviceUnknown => plain(Code::EntryPhoneUnknown),
        Refusal::PropertiesInvalid { detail } => {
            let code = Code::PropertyMalformed;
            (code, explained(code.message(), detail))
        }
        Refusal::PropertyUnsupported { name, detail } => {
            let code = Code::PropertyUnsupported;
            (code, explained(&code.message_about(name), detail))
        }
        Refusal::PropertyInvalid { name, detail } => {
            let code = Code::PropertyInvalid;
            (code, explained(&code.message_about(name), detail))
        }
        // Of presets, which this API has none of.
        Refusal::VariableMissing { name, variable } => {
            let code = Code::PropertyInvalid;
            (code, explained(&code.message_about(name), &format!("it needs {variable}")))
        }
        Refusal::Frozen => plain(Code::PhoneFrozen),
        // The latter is of the native door alone.
        Refusal::Busy { .. } | Refusal::RevisionDiffers { .. } => plain(Code::PhoneBusy),
    }
}

/// A code with its own text.
fn plain(code: Code) -> (Code, String) {
    (code, code.message().to_owned())
}

/// The vendor's text and ours after it.
pub(super) fn explained(text: &str, detail: &str) -> String {
    let mut whole = format!("{text} {detail}");
    if !detail.ends_with('.') {
        whole.push('.');
    }
    printable(&whole, TEXT_BYTES_MAX)
}

/// A sentence for `execute_msg`.
pub(super) fn execute_message(sentence: &str) -> String {
    printable(sentence, TEXT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrys_refusal_has_the_vendors_code_and_names_the_property() {
        let name = "sys.prop.writeimsi".to_owned();
        let detail = "allowed: at most 15 decimal digits".to_owned();
        let (code, text) = entry(&Refusal::PropertyInvalid { name, detail });
        assert_eq!(code.text(), "CPS.0164");
        assert_eq!(
            text,
            "Parameter: Invalid property sys.prop.writeimsi. allowed: at most 15 decimal digits."
        );
        let long = Refusal::PropertyUnsupported { name: "x\n".repeat(9000), detail: String::new() };
        let (code, text) = entry(&long);
        assert_eq!(code.text(), "CPS.0163");
        assert!(text.len() < 200 && !text.contains('\n'), "{text}");
    }

    #[test]
    fn a_stores_failure_is_never_the_clients() {
        let low = store::Error::DiskLow { free_bytes: 1, needed_bytes: 2 };
        for (error, status, code, retry) in [
            (low, 503, "CPS.0003", Some(60)),
            (store::Error::Busy, 429, "APIGW.0308", Some(1)),
            (store::Error::Closed, 503, "CPS.0003", Some(1)),
            (store::Error::ReadDeadline(std::time::Duration::ZERO), 503, "CPS.0003", Some(1)),
            (store::Error::Away { operation: "x", source: "x".into() }, 503, "CPS.0003", Some(1)),
            (store::Error::Unknown { source: "x".into() }, 500, "CPS.0003", None),
        ] {
            let failure = Failure::from(error);
            let got =
                (failure.code.status().as_u16(), failure.code.text(), failure.retry_after_seconds);
            assert_eq!(got, (status, code, retry));
        }
    }
}

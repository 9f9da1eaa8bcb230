//! The door's errors: the one table of codes, statuses and texts, and how the engine's refusals
//! become them.
//!
//! `CPS.*` codes and texts: CPH API, "Error codes" (page ErrorCode); statuses from its current
//! version, which is sorted by status. `APIGW.*`: API Gateway, "Error codes". A text may be
//! followed by a sentence of ours that says what was wrong; clients go by the code.

use std::borrow::Cow;
use std::fmt::Write as _;

use fleet::Refusal;
use fleet::limits::PROPERTY_NAME_BYTES_MAX;
use http::StatusCode;

use crate::signature::huawei;

/// Bytes of a text: the bound of `error_msg` and `execute_msg` in the API's definition.
const TEXT_BYTES_MAX: usize = 1024;

/// When to try again after a refusal for want of room in a queue: it empties within one commit.
const RETRY_SOON_SECONDS: u32 = 1;

/// When to try again after a refusal for want of space on the disk: a person has to act first.
const RETRY_LATER_SECONDS: u32 = 60;

/// An error code with the situation it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// A project that is not the key's, or that does not exist.
    ProjectForbidden,
    /// `offset` or `limit` out of their bounds.
    PagingInvalid,
    /// Our fault.
    Internal,
    /// A phone id that can be none.
    PhoneIdInvalid,
    /// No such phone in the project.
    PhoneUnknown,
    /// No such job in the project.
    JobUnknown,
    /// A phone that can't take more at the moment.
    PhoneBusy,
    /// ListJobs without a request id.
    RequestIdEmpty,
    /// No job of such a request in the project.
    RequestUnknown,
    /// A job that reached its deadline.
    JobTimeout,
    /// A body that is not JSON, or whose `phones` is missing, empty or no list.
    PhonesInvalid,
    /// A `property` that can't be read.
    PropertyMalformed,
    /// More than 20 request ids.
    TooManyRequestIds,
    /// A property that is not known, or that the phone can't take.
    PropertyUnsupported,
    /// A value that the property does not allow.
    PropertyInvalid,
    /// More phones than one call may have.
    TooManyPhones,
    /// A path that no call has.
    NotPublished,
    /// A path that calls have, but not by this method.
    NoSuchMethod,
    /// A request that could not be read to its end.
    RequestBroken,
    /// A body over the bound.
    BodyTooLarge,
    /// A signature that does not hold.
    Unauthenticated,
    /// More load than there is room for.
    Throttled,
    /// A documented call that this server does not have. The code is ours: none of the vendor's
    /// says so, and its own would look like a client's fault or a failure that may pass.
    NotOffered,
}

impl Code {
    /// The code on the wire, its status where a whole call fails by it, and its text.
    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::ProjectForbidden => ("CPS.0001", 403, "No permission to request resources."),
            Self::PagingInvalid => ("CPS.0002", 400, "Parameter: offset or limit is invalid."),
            Self::Internal => ("CPS.0003", 500, "Service internal error."),
            Self::PhoneIdInvalid => ("CPS.0004", 400, "Parameter: phone_id is invalid."),
            Self::PhoneUnknown => ("CPS.0005", 404, "Phone is not found."),
            Self::JobUnknown => ("CPS.0011", 404, "Job not found."),
            Self::PhoneBusy => ("CPS.0042", 503, "System busy."),
            Self::RequestIdEmpty => ("CPS.0049", 400, "Parameter: request_id is empty."),
            Self::RequestUnknown => {
                ("CPS.0050", 404, "Jobs related to this requestId is not found.")
            }
            Self::JobTimeout => ("CPS.0054", 504, "Handle job timeout."),
            Self::PhonesInvalid => ("CPS.0077", 400, "Parameter: phones list is invalid."),
            Self::PropertyMalformed => ("CPS.0078", 400, "Parameter: Property is invalid."),
            Self::TooManyRequestIds => {
                ("CPS.0161", 400, "Parameter: the number of request IDs has exceeded the limit.")
            }
            Self::PropertyUnsupported => {
                ("CPS.0163", 400, "Parameter: property {0} not supported.")
            }
            Self::PropertyInvalid => ("CPS.0164", 400, "Parameter: Invalid property {0}."),
            Self::TooManyPhones => ("CPS.0190", 400, "The number of phones exceeds the limit."),
            Self::NotPublished => (
                "APIGW.0101",
                404,
                "The API does not exist or has not been published in the environment.",
            ),
            Self::NoSuchMethod => ("APIGW.0101", 404, "The API does not exist."),
            Self::RequestBroken => ("APIGW.0201", 400, "API request error."),
            Self::BodyTooLarge => ("APIGW.0201", 413, "Request entity too large."),
            Self::Unauthenticated => (
                huawei::Refusal::CODE,
                huawei::Refusal::STATUS.as_u16(),
                "Incorrect IAM authentication information.",
            ),
            Self::Throttled => ("APIGW.0308", 429, "The throttling threshold has been reached."),
            Self::NotOffered => ("FLEETWRIGHT.0501", 501, "This server does not offer {0}."),
        }
    }

    /// The code on the wire.
    pub(super) fn text(self) -> &'static str {
        self.row().0
    }

    /// The status of a call that fails by it.
    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The vendor's text; only for codes whose text names nothing.
    pub(super) fn message(self) -> &'static str {
        self.row().2
    }

    /// The vendor's text about `name`, which is shortened and made printable.
    pub(super) fn message_about(self, name: &str) -> String {
        self.message().replace("{0}", &printable(name, PROPERTY_NAME_BYTES_MAX))
    }
}

/// Why a whole call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The code.
    pub(super) code: Code,
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The text.
    pub(super) message: Cow<'static, str>,
    /// When the client should try again.
    pub(super) retry_after_seconds: Option<u32>,
}

impl Failure {
    /// The code with its own status and text.
    pub(super) fn of(code: Code) -> Self {
        let message = Cow::Borrowed(code.message());
        let retry_after_seconds = (code == Code::Throttled).then_some(RETRY_SOON_SECONDS);
        Self { code, status: code.status(), message, retry_after_seconds }
    }

    /// The code's text and a sentence about what is wrong.
    pub(super) fn because(code: Code, detail: &str) -> Self {
        Self { message: Cow::Owned(explained(code.message(), detail)), ..Self::of(code) }
    }

    /// The code's text about the thing of this name.
    pub(super) fn about(code: Code, name: &str) -> Self {
        Self { message: Cow::Owned(code.message_about(name)), ..Self::of(code) }
    }

    /// Our fault, and it may pass.
    fn unavailable(detail: &str, retry_after_seconds: u32) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::because(Code::Internal, detail)
        }
    }
}

impl From<huawei::Refusal> for Failure {
    fn from(refusal: huawei::Refusal) -> Self {
        Self { message: Cow::Owned(refusal.message()), ..Self::of(Code::Unauthenticated) }
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
            engine::Error::NoSuchProject(_) => Self::of(Code::ProjectForbidden),
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
        // The sample of this very call has its own words for the code (CPH API, page 0536).
        Refusal::DeviceUnknown => (Code::PhoneUnknown, "Parameter: Phone not found.".to_owned()),
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
        Refusal::Busy { .. } => plain(Code::PhoneBusy),
    }
}

/// A code with its own text.
fn plain(code: Code) -> (Code, String) {
    (code, code.message().to_owned())
}

/// The vendor's text and ours after it.
fn explained(text: &str, detail: &str) -> String {
    let mut whole = format!("{text} {detail}");
    if !detail.ends_with('.') {
        whole.push('.');
    }
    printable(&whole, TEXT_BYTES_MAX)
}

/// The text without control characters, and cut to `bytes_max` bytes (with an ellipsis) if it is
/// longer.
pub(super) fn printable(text: &str, bytes_max: usize) -> String {
    const ELLIPSIS: &str = "...";
    let mut whole = String::with_capacity(text.len().min(bytes_max));
    let mut cut = 0;
    for character in text.chars() {
        if whole.len() + ELLIPSIS.len() <= bytes_max {
            cut = whole.len();
        }
        if character.is_control() {
            // Writing to a string can't fail.
            let _ = write!(whole, "{}", character.escape_default());
        } else {
            whole.push(character);
        }
        if whole.len() > bytes_max {
            whole.truncate(cut);
            whole.push_str(ELLIPSIS);
            break;
        }
    }
    whole
}

/// A sentence for `execute_msg`.
pub(super) fn execute_message(sentence: &str) -> String {
    printable(sentence, TEXT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_characters_and_show_no_control_characters() {
        for (text, bytes_max, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "..."),
            ("abcdefgh", 6, "abc..."),
            ("手手手", 9, "手手手"),
            ("手手手a", 9, "手手..."),
            ("a\nb\u{7f}", 64, "a\\nb\\u{7f}"),
            ("", 5, ""),
        ] {
            assert_eq!(printable(text, bytes_max), expected, "{text:?}");
        }
        assert!(printable(&"\0".repeat(5000), TEXT_BYTES_MAX).len() <= TEXT_BYTES_MAX);
    }

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
            (store::Error::Unknown { source: "x".into() }, 500, "CPS.0003", None),
        ] {
            let failure = Failure::from(error);
            let got = (failure.status.as_u16(), failure.code.text(), failure.retry_after_seconds);
            assert_eq!(got, (status, code, retry));
        }
    }
}

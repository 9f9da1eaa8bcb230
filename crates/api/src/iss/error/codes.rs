//! The table of codes: every code that this door can answer to a whole call, with its status.
//!
//! Most are those of Tencent's object storage ("Error codes", product/436/7730), to whose family
//! the error pages belong that ISS's own link to. Those of an unknown project, device or
//! organization, and of ones in use, follow its way of naming buckets.

use http::StatusCode;

/// One code as the contract shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The code on the wire.
    pub code: &'static str,
    /// The status of a call that is refused by it.
    pub status: u16,
    /// The text where there is no more to say.
    pub message: &'static str,
    /// What brings it about: `input` if a request alone does, `state` if something on record has
    /// to be in some state, `server` if this server is short of something.
    pub cause: &'static str,
}

/// Reads the table below: a name, the code, its status, its cause, its text.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:literal $cause:literal
       $message:literal;)*) => {
        /// An error code with the situation it stands for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What the table says of it.
            pub fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        code: $code,
                        status: $status,
                        message: $message,
                        cause: $cause,
                    },)*
                }
            }
        }
    };
}

codes! {
    /// No signature, one that may not do this, or one of a caller who is locked out.
    AccessDenied "AccessDenied" 403 "input"
        "Access denied.";
    /// An access key that does not exist, or that was revoked.
    InvalidAccessKeyId "InvalidAccessKeyId" 403 "input"
        "No such access key.";
    /// A signature that can't be read.
    InvalidSecurity "InvalidSecurity" 403 "input"
        "The signature is malformed.";
    /// A signature outside the time for which it was made.
    RequestTimeTooSkewed "RequestTimeTooSkewed" 403 "input"
        "The signature is not valid now.";
    /// A signature that does not hold.
    SignatureDoesNotMatch "SignatureDoesNotMatch" 403 "input"
        "The signature does not match.";
    /// A body that is not what `Content-MD5` says.
    BadDigest "BadDigest" 400 "input"
        "The body is not what Content-MD5 says.";
    /// A body that ended before its time.
    IncompleteBody "IncompleteBody" 400 "input"
        "The body is incomplete.";
    /// A value that is missing, or not what it may be.
    InvalidArgument "InvalidArgument" 400 "input"
        "A value is invalid.";
    /// A body that is not XML, or XML that is not taken.
    MalformedXml "MalformedXML" 400 "input"
        "The body is not well-formed XML.";
    /// A body over the bound.
    MaxMessageLengthExceeded "MaxMessageLengthExceeded" 400 "input"
        "The body is too long.";
    /// No body where there has to be one.
    MissingRequestBodyError "MissingRequestBodyError" 400 "input"
        "The body is missing.";
    /// A body that took too long to arrive.
    RequestTimeout "RequestTimeout" 400 "input"
        "The body took too long to arrive.";
    /// A body of unknown length.
    MissingContentLength "MissingContentLength" 411 "input"
        "Content-Length is missing.";
    /// No such device in the project.
    NoSuchDevice "NoSuchDevice" 404 "input"
        "No such device.";
    /// No such organization in the project.
    NoSuchOrganization "NoSuchOrganization" 404 "input"
        "No such organization.";
    /// No such project, or one that is not the caller's.
    NoSuchProject "NoSuchProject" 404 "input"
        "No such project.";
    /// A path that no call has.
    NoSuchResource "NoSuchResource" 404 "input"
        "There is nothing at this path.";
    /// A path that calls have, but not by this method.
    MethodNotAllowed "MethodNotAllowed" 405 "input"
        "This path has no such method.";
    /// An organization whose path another has.
    OrganizationAlreadyExists "OrganizationAlreadyExists" 409 "state"
        "The organization exists already.";
    /// An organization that is to be deleted, and in which something is filed.
    OrganizationNotEmpty "OrganizationNotEmpty" 409 "state"
        "The organization is not empty.";
    /// A project that is to be deleted, and that has devices.
    ProjectNotEmpty "ProjectNotEmpty" 409 "state"
        "The project is not empty.";
    /// A path that would make more organizations than a project may have.
    TooManyOrganizations "TooManyOrganizations" 409 "state"
        "The project has as many organizations as it may have.";
    /// A call whose `Idempotency-Key` was used for another request. The header is ours, and so are
    /// this code and the next two.
    IdempotencyKeyReused "IdempotencyKeyReused" 422 "state"
        "The Idempotency-Key was used for another request.";
    /// A call that is being made, by its `Idempotency-Key`.
    IdempotencyInProgress "IdempotencyInProgress" 409 "state"
        "The call of this Idempotency-Key is being made.";
    /// A call that was answered, by its `Idempotency-Key`, with more than is kept.
    IdempotencyAnswerTooLarge "IdempotencyAnswerTooLarge" 409 "state"
        "The call of this Idempotency-Key was made, and its answer was too large to be kept.";
    /// Our fault.
    InternalError "InternalError" 500 "server"
        "An internal error.";
    /// A documented call that this server does not have.
    NotImplemented "NotImplemented" 501 "input"
        "This server does not offer this call.";
    /// Our fault, and it may pass.
    ServiceUnavailable "ServiceUnavailable" 503 "server"
        "The server can't do this now.";
    /// More load than there is room for.
    SlowDown "SlowDown" 503 "server"
        "Too many requests at a time. Try again in a second.";
}

impl Code {
    /// The code on the wire.
    pub fn text(self) -> &'static str {
        self.row().code
    }

    /// The status of a call that fails by it.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_another_and_has_an_error_status() {
        for (position, code) in Code::ALL.iter().enumerate() {
            let row = code.row();
            assert!((400..600).contains(&row.status) && !row.message.is_empty(), "{row:?}");
            assert!(["input", "state", "server"].contains(&row.cause), "{row:?}");
            assert_eq!(row.cause == "server", row.status >= 500 && row.status != 501, "{row:?}");
            let others = Code::ALL.iter().skip(position + 1);
            assert!(!others.map(|other| other.text()).any(|other| other == row.code), "{row:?}");
        }
    }
}

//! The table of codes: every code that this door can answer, with its status and its text.
//!
//! `CPS.*` codes and texts: CPH API, "Error codes" (page ErrorCode); statuses from its current
//! version, which is sorted by status, and from the version of 2021 for what that does not show.
//! `APIGW.*`: API Gateway, "Error codes". The bare numbers are IAM's (page iam_30_0001), whose
//! errors have a shape of their own.

use http::StatusCode;

/// One code as the contract shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The code on the wire.
    pub code: &'static str,
    /// The status of a call that is refused by it.
    pub status: u16,
    /// The text, in which `{0}` stands for a name. A sentence of ours may follow it.
    pub message: &'static str,
    /// Where it stands: `call` as the answer to a whole call, `entry` beside one phone of a call
    /// that is 200, `job` in a job that failed, `token` in IAM's shape.
    pub places: &'static [&'static str],
    /// What brings it about: `input` if a request alone does, `state` if the phone or its record
    /// has to be in some state, `server` if this server is short of something.
    pub cause: &'static str,
}

/// Reads the table below: a name, the code, its status, its places, its cause, its text.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:literal $places:tt $cause:literal
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
                        places: &$places,
                        cause: $cause,
                    },)*
                }
            }
        }
    };
}

codes! {
    /// A project that is not the caller's, or that does not exist.
    ProjectForbidden "CPS.0001" 403 ["call"] "input"
        "No permission to request resources.";
    /// `offset` or `limit` out of their bounds.
    PagingInvalid "CPS.0002" 400 ["call"] "input"
        "Parameter: offset or limit is invalid.";
    /// Our fault.
    Internal "CPS.0003" 500 ["call"] "server"
        "Service internal error.";
    /// Our fault, and it may pass.
    Unavailable "CPS.0003" 503 ["call"] "server"
        "Service internal error.";
    /// A phone id that can be none.
    PhoneIdInvalid "CPS.0004" 400 ["call", "entry"] "input"
        "Parameter: phone_id is invalid.";
    /// No such phone in the project.
    PhoneUnknown "CPS.0005" 404 ["call"] "input"
        "Phone is not found.";
    /// No such phone in the project, in the words of the update call's own sample (page 0536).
    EntryPhoneUnknown "CPS.0005" 404 ["entry"] "input"
        "Parameter: Phone not found.";
    /// A `status` to filter by that the documents do not have.
    StatusInvalid "CPS.0010" 400 ["call"] "input"
        "Parameter: status is invalid.";
    /// No such job in the project.
    JobUnknown "CPS.0011" 404 ["call"] "input"
        "Job not found.";
    /// No such server in the project.
    ServerUnknown "CPS.0015" 404 ["call"] "input"
        "server_id not found.";
    /// A server's id that can be none.
    ServerIdInvalid "CPS.0016" 400 ["call"] "input"
        "server_id is invalid.";
    /// A phone that could not be restarted, reset or stopped.
    PhoneUnavailable "CPS.0022" 400 ["job"] "state"
        "Not available phone.";
    /// A phone's name that breaks the rule for names.
    PhoneNameInvalid "CPS.0025" 400 ["call"] "input"
        "Parameter: phone_name is invalid.";
    /// A name that another phone of the project has.
    PhoneNameTaken "CPS.0026" 400 ["call"] "input"
        "Parameter: phone_name is conflicted.";
    /// An image where none may be given, or a marker that is no image's id.
    ImageIdInvalid "CPS.0030" 400 ["call"] "input"
        "Parameter: image_id is invalid.";
    /// A phone that can't take more at the moment.
    PhoneBusy "CPS.0042" 503 ["entry"] "state"
        "System busy.";
    /// An `action` that the tag calls do not have.
    ActionInvalid "CPS.0047" 400 ["call"] "input"
        "Parameter: action is invalid.";
    /// ShowJob without a job id.
    JobIdEmpty "CPS.0048" 400 ["call"] "input"
        "Parameter: job_id is empty.";
    /// ListJobs without a request id.
    RequestIdEmpty "CPS.0049" 400 ["call"] "input"
        "Parameter: request_id is empty.";
    /// No job of such a request in the project.
    RequestUnknown "CPS.0050" 404 ["call"] "input"
        "Jobs related to this requestId is not found.";
    /// A phone that an operator has frozen.
    PhoneFrozen "CPS.0053" 403 ["entry"] "state"
        "No permission to request resources. Phone is freezed.";
    /// A job that reached its deadline.
    JobTimeout "CPS.0054" 504 ["job"] "state"
        "Handle job timeout.";
    /// A body that is not JSON, or whose `phones` is missing, empty or no list.
    PhonesInvalid "CPS.0077" 400 ["call"] "input"
        "Parameter: phones list is invalid.";
    /// A `property` that can't be read.
    PropertyMalformed "CPS.0078" 400 ["entry"] "input"
        "Parameter: Property is invalid.";
    /// A body that is not JSON, or whose `phone_ids` is no list.
    PhoneIdsInvalid "CPS.0080" 400 ["call"] "input"
        "Parameter: phone_ids is invalid.";
    /// `phone_ids` missing or empty.
    PhoneIdsEmpty "CPS.0081" 400 ["call"] "input"
        "Parameter: phone_ids and phones are both empty.";
    /// A tagged thing's id that can be none.
    ResourceIdInvalid "CPS.0086" 400 ["call"] "input"
        "Parameter: resourceId is invalid.";
    /// A server's name that breaks the rule for names.
    ServerNameInvalid "CPS.0087" 400 ["call"] "input"
        "Parameter: server_name is invalid.";
    /// A `type` to filter by that the documents do not have.
    TypeInvalid "CPS.0116" 400 ["call"] "input"
        "Parameter: type is invalid.";
    /// More than 20 request ids.
    TooManyRequestIds "CPS.0161" 400 ["call"] "input"
        "Parameter: the number of request IDs has exceeded the limit.";
    /// A property that is not known, or that the phone can't take.
    PropertyUnsupported "CPS.0163" 400 ["entry", "job"] "input"
        "Parameter: property {0} not supported.";
    /// A value that the property does not allow.
    PropertyInvalid "CPS.0164" 400 ["entry", "job"] "input"
        "Parameter: Invalid property {0}.";
    /// A time to filter by that is none.
    TimeInvalid "CPS.0174" 400 ["call"] "input"
        "Parameter: time is invalid.";
    /// More phones than one call may have.
    TooManyPhones "CPS.0190" 400 ["call"] "input"
        "The number of phones exceeds the limit.";
    /// More tags than a thing may have.
    TooManyTags "CPS.0196" 403 ["call"] "input"
        "Quota is insufficient.";
    /// A kind of network that the documents do not have.
    NetworkVersionInvalid "CPS.0240" 400 ["call"] "input"
        "Parameter: network_version is invalid.";
    /// A path that no call has.
    NotPublished "APIGW.0101" 404 ["call"] "input"
        "The API does not exist or has not been published in the environment.";
    /// A path that calls have, but not by this method.
    NoSuchMethod "APIGW.0101" 404 ["call"] "input"
        "The API does not exist.";
    /// A request that could not be read to its end, or whose body does not fit the definition of a
    /// call for which no code of CPH's own is documented.
    RequestBroken "APIGW.0201" 400 ["call"] "input"
        "API request error.";
    /// A body over the bound.
    BodyTooLarge "APIGW.0201" 413 ["call"] "input"
        "Request entity too large.";
    /// A signature that does not hold, or a token that does not work.
    Unauthenticated "APIGW.0301" 401 ["call"] "input"
        "Incorrect IAM authentication information.";
    /// More load than there is room for.
    Throttled "APIGW.0308" 429 ["call"] "server"
        "The throttling threshold has been reached.";
    /// A call whose `Idempotency-Key` was used for another request. The code is ours, as the next
    /// three are: the vendor has no such header.
    KeyReused "FLEETWRIGHT.0422" 422 ["call"] "state"
        "The Idempotency-Key was used for another request.";
    /// A call that is being made, by its `Idempotency-Key`.
    KeyInProgress "FLEETWRIGHT.0409" 409 ["call"] "state"
        "The call of this Idempotency-Key is being made.";
    /// A call that was answered, by its `Idempotency-Key`, with more than is kept.
    KeyAnswerTooLarge "FLEETWRIGHT.0410" 409 ["call"] "state"
        "The call of this Idempotency-Key was made, and its answer was too large to be kept.";
    /// A documented call that this server does not have. None of the vendor's codes
    /// says so, and its own would look like a client's fault or a failure that may pass.
    NotOffered "FLEETWRIGHT.0501" 501 ["call"] "input"
        "This server does not offer {0}.";
    /// A body of the token call that does not say what it must.
    TokenBodyInvalid "400" 400 ["token"] "input"
        "The request body is invalid";
    /// A user that can't sign in so: no such user, another password, no such project of theirs.
    SignInWrong "401" 401 ["token"] "input"
        "The username or password is wrong.";
    /// Five wrong passwords of late from the caller's address.
    SignInLocked "401" 401 ["token"] "input"
        "The user is locked after five wrong passwords. Try again in five minutes.";
    /// As many passwords are being checked as may be.
    SignInBusy "429" 429 ["token"] "server"
        "Too many sign-ins at a time. Try again in a second.";
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

    /// The text; only for codes whose text names nothing.
    pub fn message(self) -> &'static str {
        self.row().message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::huawei;

    #[test]
    fn each_row_is_another_and_has_an_error_status() {
        for (position, code) in Code::ALL.iter().enumerate() {
            let row = code.row();
            assert!((400..600).contains(&row.status), "{row:?}");
            assert!(!row.places.is_empty() && !row.message.is_empty(), "{row:?}");
            assert!(["input", "state", "server"].contains(&row.cause), "{row:?}");
            for other in Code::ALL.iter().skip(position + 1) {
                let other = other.row();
                let is_same = row.code == other.code
                    && (row.status, row.message) == (other.status, other.message);
                assert!(!is_same, "{row:?}");
            }
        }
        let row = Code::Unauthenticated.row();
        assert_eq!(
            (row.code, row.status),
            (huawei::Refusal::CODE, huawei::Refusal::STATUS.as_u16())
        );
    }
}

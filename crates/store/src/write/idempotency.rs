//! Keys by which a call that is sent twice has one effect.

use std::time::Duration;

use fleet::{RequestId, Timestamp};

/// Whose key it is, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallKey {
    /// Who called, as [`fleet::Principal::actor`] has it.
    pub caller: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
}

/// Reserves a key for a call, before the call has any effect. All times are by the store's clock.
/// Some keys whose time is over are deleted with it.
#[derive(Debug, Clone)]
pub struct ReserveKey {
    /// The key.
    pub key: CallKey,
    /// Keyed hash of the whole request: tells whether two are the same and nothing else.
    pub fingerprint: [u8; 32],
    /// The id under which the call is made if the key is new.
    pub request: RequestId,
    /// The name of the node that makes the call.
    pub node: String,
    /// How long the key is kept.
    pub kept_for: Duration,
    /// After how long without an answer the next one who has the key makes the call.
    pub taken_over_after: Duration,
}

/// What came of [`ReserveKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// The key is new.
    New {
        /// Since when it is reserved: what proves later that it still is.
        since: Timestamp,
    },
    /// Somebody had it before and gave no answer: the call is to be made under the same id.
    TakenOver {
        /// As of one that is new.
        since: Timestamp,
        /// The call's id.
        request: RequestId,
    },
    /// The call is being made.
    InProgress,
    /// The call was answered.
    Answered(KeptAnswer),
    /// The key was used for another request.
    Reused,
    /// The caller has as many keys as one may have.
    TooMany,
}

/// Says of a key that its call is still being made: it is taken over so much later. Gives
/// [`Reservation::New`] with the time since which it is reserved from then on, or
/// [`Reservation::InProgress`] if it is somebody else's by now, or answered.
#[derive(Debug, Clone)]
pub struct RenewKey {
    /// The key.
    pub key: CallKey,
    /// Since when it is reserved.
    pub since: Timestamp,
}

/// Keeps the answer to a call. If somebody else has taken the key over, nothing is kept.
#[derive(Debug, Clone)]
pub struct KeepAnswer {
    /// The key.
    pub key: CallKey,
    /// Since when it is reserved.
    pub since: Timestamp,
    /// The answer.
    pub answer: KeptAnswer,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its headers: names and values.
    pub headers: Vec<(String, String)>,
    /// Its body, sealed; `None` if it was too large to be kept.
    pub body: Option<Vec<u8>>,
}

/// Lets go of keys: of those whose calls were not answered, so that whoever has one of them next
/// makes the call, or of those whose time is over.
#[derive(Debug, Clone)]
pub enum FreeKeys {
    /// One, unless somebody else has taken it over.
    One {
        /// The key.
        key: CallKey,
        /// Since when it is reserved.
        since: Timestamp,
    },
    /// All of this node, which has just begun.
    OfNode(String),
    /// Those whose time is over, with the answers to their calls: some of them.
    Expired,
}

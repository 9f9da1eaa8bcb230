//! What an endpoint tells, and what it is told about a request.

use crate::sip::{Flow, Message, Method};

/// One request of ours, by number. Never used twice by an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something that the user of an endpoint has to know.
#[derive(Debug)]
pub enum Event {
    /// A sound request, once. It wants [`super::Endpoint::respond`], and before that
    /// [`super::Endpoint::hold`] if the answer takes its time.
    Request(IncomingRequest),
    /// The final answer to a request of ours. Provisional ones (below 200) only slow its
    /// repetitions down and are not told.
    Response {
        /// The request.
        id: RequestId,
        /// 200 to 699.
        status: u16,
        /// All of the answer.
        message: Message,
    },
    /// A request of ours that nobody answered.
    Failed {
        /// The request.
        id: RequestId,
        /// Why not.
        why: Failure,
    },
    /// Line ends and nothing else: something keeps its NAT open.
    Ping {
        /// Who.
        from: Flow,
    },
}

/// Why a request of ours has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Timer F: 64 times T1 without a final answer.
    TimedOut,
    /// Its TCP connection was closed.
    ConnectionClosed,
}

/// A request that passed the checks of RFC 3261 8.2: its Via, From, To, Call-ID and CSeq can be
/// read, its method is allowed, and it asks for no extension. Its body is nobody's business yet.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// Where it came from, and where the answer goes.
    pub from: Flow,
    /// The request.
    pub message: Message,
    /// Its method.
    pub method: Method,
}

/// What becomes of a response after it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing is kept: a retransmission comes up as a new request. For answers to requests that
    /// proved nothing, such as a 401: they must not be able to fill memory.
    Nothing,
    /// Over UDP, retransmissions are absorbed and get this response again until timer J (64 times
    /// T1). Over TCP there are none, and nothing is kept; nor is a response of more than 4 KiB,
    /// the key that it is found by included.
    Response,
}

/// No room for another transaction under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many transactions are under way")]
pub struct Busy;

/// Why a request of ours was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No room for it.
    #[error("the request was not sent")]
    Busy(#[from] Busy),
    /// INVITE, ACK and CANCEL need other transactions than this endpoint has, and a method without
    /// a name can't be printed.
    #[error("{0:?} can't be sent as a request of its own")]
    Method(Method),
}

/// How much is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests of ours, those included that only wait for late copies of their answer (timer K).
    pub client: usize,
    /// Requests that are held, and responses that are kept.
    pub server: usize,
    /// Of those, the ones that are held.
    pub held: usize,
    /// Bytes of the messages and keys that are kept for all these.
    pub bytes: usize,
    /// Messages that were dropped without an answer since the endpoint was made.
    pub dropped: u64,
}

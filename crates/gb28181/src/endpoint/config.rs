//! What an endpoint is told once.

use std::fmt;
use std::time::Duration;

use crate::sip::Method;

/// Timers, bounds and names of an endpoint.
#[derive(Clone)]
pub struct Config {
    /// T1, the round trip that is reckoned with: the first repetition of a request comes after it,
    /// and a transaction ends after 64 of it (timers F and J). RFC 3261 17.1.1.1: 500 ms.
    pub t1: Duration,
    /// T2, the longest wait between repetitions: 4 s.
    pub t2: Duration,
    /// T4, how long the network may keep a message (timer K): 5 s.
    pub t4: Duration,
    /// What branches, tags and Call-IDs are made from, together with a count. It has to be random
    /// and secret: whoever knows it can forge the answers to our requests.
    pub seed: [u8; 32],
    /// How many requests may be under way, ours and those that are held, together.
    pub transactions_max: usize,
    /// How many responses are kept for retransmissions; over it the oldest is forgotten.
    pub cached_responses_max: usize,
    /// How many bytes the responses that are kept may have, together with what they are found by;
    /// over it the oldest are forgotten.
    pub cached_bytes_max: usize,
    /// The methods that are handed up. Others that SIP knows are answered 405 with these in Allow.
    /// INVITE, ACK and CANCEL are never handed up.
    pub allow: Vec<Method>,
    /// The Server header of responses, if they shall have one.
    pub server: Option<String>,
    /// The User-Agent header of requests, if they shall have one.
    pub user_agent: Option<String>,
    /// The Retry-After of a 503 over the bound. GB/T 28181-2016 9.1.1 has a device wait 60 s after
    /// a failed registration.
    pub retry_after_seconds: u32,
}

/// The timers alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    pub(super) t1: Duration,
    pub(super) t2: Duration,
    pub(super) t4: Duration,
}

impl Timers {
    /// Timers F and J: how long a transaction lasts.
    pub(super) fn transaction(self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

impl Config {
    /// RFC 3261's timers, all non-INVITE methods, 65,536 transactions and as many kept responses
    /// with 1 KiB each (64 MiB), which is more than a camera's requests make.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            seed,
            transactions_max: 65_536,
            cached_responses_max: 65_536,
            cached_bytes_max: 64 * 1024 * 1024,
            allow: vec![
                Method::Register,
                Method::Message,
                Method::Notify,
                Method::Subscribe,
                Method::Options,
                Method::Info,
                Method::Bye,
            ],
            server: None,
            user_agent: None,
            retry_after_seconds: 60,
        }
    }

    /// The timers alone.
    pub(super) fn timers(&self) -> Timers {
        Timers { t1: self.t1, t2: self.t2, t4: self.t4 }
    }
}

impl fmt::Debug for Config {
    /// All but the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("t1", &self.t1)
            .field("t2", &self.t2)
            .field("t4", &self.t4)
            .field("transactions_max", &self.transactions_max)
            .field("cached_responses_max", &self.cached_responses_max)
            .field("cached_bytes_max", &self.cached_bytes_max)
            .field("allow", &self.allow)
            .field("server", &self.server)
            .field("user_agent", &self.user_agent)
            .field("retry_after_seconds", &self.retry_after_seconds)
            .finish_non_exhaustive()
    }
}

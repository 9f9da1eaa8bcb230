//! Why registrations were refused: for the engine to show, and one line a minute in the log.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use engine::{RefusedRegistration, RegistrationFault};
use fleet::Timestamp;
use gb28181::sip::Flow;

use crate::registrar::bindings::transport_of;

/// Rows whose last line in the log is remembered. Two that fall on one place push each other out
/// and may log more often.
const PLACES: usize = 4_096;
/// Milliseconds between two lines of one id, address and reason.
const LOG_EVERY_MS: i64 = 60_000;
/// Characters of an id as it was given.
const ID_CHARS_MAX: usize = 64;
/// Refusals that may wait to be taken: as many as come in one turn.
const WAITING_MAX: usize = 4_096;

/// Refusals that wait to be taken, and when each was last logged.
pub(super) struct Refusals {
    waiting: VecDeque<RefusedRegistration>,
    logged: Vec<(u64, Timestamp)>,
}

impl Refusals {
    /// None.
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), logged: vec![(0, Timestamp(i64::MIN)); PLACES] }
    }

    /// A registration is refused.
    pub(super) fn note(
        &mut self,
        now: Timestamp,
        from: Flow,
        id: &[u8],
        why: RegistrationFault,
        detail: String,
    ) {
        let id = String::from_utf8_lossy(id);
        let id: String = id.chars().filter(|c| !c.is_control()).take(ID_CHARS_MAX).collect();
        if self.is_due(now, &id, from.remote.ip(), why) {
            let (remote, why) = (from.remote, why.name());
            tracing::warn!(id, %remote, why, detail, "a registration was refused");
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(RefusedRegistration {
                id,
                remote: from.remote,
                transport: transport_of(from.transport),
                why,
                detail,
                count: 1,
                first_at: now,
                at: now,
            });
        }
    }

    /// The next refusal.
    pub(super) fn take(&mut self) -> Option<RefusedRegistration> {
        self.waiting.pop_front()
    }

    /// Whether the log has had no such line for a minute.
    fn is_due(&mut self, now: Timestamp, id: &str, ip: IpAddr, why: RegistrationFault) -> bool {
        let mut hasher = DefaultHasher::new();
        (id, ip, why).hash(&mut hasher);
        let hash = hasher.finish();
        let place = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        let Some((kept, at)) = self.logged.get_mut(place) else { return false };
        let due = *kept != hash || now.0.saturating_sub(at.0) >= LOG_EVERY_MS;
        if due {
            (*kept, *at) = (hash, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_for_each_reason_and_every_refusal_is_told() {
        let mut refusals = Refusals::new();
        let ip = IpAddr::from([192, 0, 2, 1]);
        let mut due = |at, why| refusals.is_due(Timestamp(at), "34020000001320000001", ip, why);
        assert!(due(0, RegistrationFault::WrongDigest));
        assert!(!due(59_999, RegistrationFault::WrongDigest));
        assert!(due(60_000, RegistrationFault::WrongDigest));
        assert!(due(60_001, RegistrationFault::UnknownId));
        let from = Flow::udp(([192, 0, 2, 1], 5060).into());
        let long = [b"\x1b[31m".as_slice(), &[b'a'; 100]].concat();
        for _ in 0..3 {
            let why = RegistrationFault::UnknownId;
            refusals.note(Timestamp(1), from, &long, why, String::new());
        }
        let told: Vec<_> = std::iter::from_fn(|| refusals.take()).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0].id.len(), 64);
        assert!(told[0].id.starts_with("[31m"));
    }
}

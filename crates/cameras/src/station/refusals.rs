//! Why registrations were refused: for the engine to show, and one line a minute in the log.
//!
//! Anybody can have a registration refused, so that neither the log nor the engine's list may go
//! by how often that happens: both have a rate.

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

/// Lines a second in the log that strangers can bring about.
const LINES_PER_SECOND: u32 = 10;
/// Refusals a second that are told for want of a good nonce, which costs the sender nothing.
const UNPROVED_PER_SECOND: u32 = 10;

/// Refusals that wait to be taken, and when each was last logged.
pub(super) struct Refusals {
    waiting: VecDeque<RefusedRegistration>,
    logged: Vec<(u64, Timestamp)>,
    lines: Bucket,
    /// Lines that were left out since the last one.
    left_out: u64,
    unproved: Bucket,
}

/// So many a second, and as many at once.
struct Bucket {
    per_second: u32,
    /// Thousandths of what may be taken now.
    credit: u64,
    at: Timestamp,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        Self { per_second, credit: 0, at: Timestamp(i64::MIN) }
    }

    /// Takes one, if there is one. A clock that goes back takes nothing away and gives nothing.
    fn take(&mut self, now: Timestamp) -> bool {
        let passed = u64::try_from(now.0.saturating_sub(self.at.0)).unwrap_or(0);
        let full = u64::from(self.per_second) * 1_000;
        let more = passed.saturating_mul(u64::from(self.per_second));
        self.credit = self.credit.saturating_add(more).min(full);
        self.at = now;
        let takes = self.credit >= 1_000;
        self.credit -= if takes { 1_000 } else { 0 };
        takes
    }
}

impl Refusals {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            logged: vec![(0, Timestamp(i64::MIN)); PLACES],
            lines: Bucket::new(LINES_PER_SECOND),
            left_out: 0,
            unproved: Bucket::new(UNPROVED_PER_SECOND),
        }
    }

    /// Whether one more line may go to the log, for what strangers can bring about: how many were
    /// left out since the last one. `None` if this one is to be left out.
    pub(super) fn log(&mut self, now: Timestamp) -> Option<u64> {
        if self.lines.take(now) {
            return Some(std::mem::take(&mut self.left_out));
        }
        self.left_out += 1;
        None
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
        if self.is_due(now, &id, from.remote.ip(), why)
            && let Some(left_out) = self.log(now)
        {
            let (remote, why) = (from.remote, why.name());
            tracing::warn!(id, %remote, why, detail, left_out, "a registration was refused");
        }
        // What costs its sender nothing must not push out what operators look for.
        let told = !is_unproved(why) || self.unproved.take(now);
        if told && self.waiting.len() < WAITING_MAX {
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

/// Whether a refusal comes before there is a good nonce, so that anybody can have any number.
fn is_unproved(why: RegistrationFault) -> bool {
    use RegistrationFault as Fault;
    matches!(why, Fault::Malformed | Fault::WrongRealm | Fault::StaleNonce)
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

    #[test]
    fn strangers_fill_neither_the_log_nor_the_list() {
        let mut refusals = Refusals::new();
        let from = Flow::udp(([192, 0, 2, 1], 5060).into());
        let unproved = [
            RegistrationFault::Malformed,
            RegistrationFault::WrongRealm,
            RegistrationFault::StaleNonce,
        ];
        for number in 0..3_000 {
            let why = unproved[number % 3];
            refusals.note(Timestamp(5), from, number.to_string().as_bytes(), why, String::new());
        }
        let why = RegistrationFault::WrongDigest;
        refusals.note(Timestamp(5), from, b"34020000001320000001", why, String::new());
        let told: Vec<_> = std::iter::from_fn(|| refusals.take()).collect();
        assert_eq!(told.len(), 11);
        assert_eq!(told[10].why, RegistrationFault::WrongDigest);
        // 3,001 ids, ten lines; a tenth of a second is one more, which tells of the others.
        assert_eq!(refusals.log(Timestamp(104)), None);
        assert_eq!(refusals.log(Timestamp(105)), Some(2_992));
        assert_eq!(refusals.log(Timestamp(105)), None);
        // A clock that went back an hour gives none, and does not stop them for an hour either.
        assert_eq!(refusals.log(Timestamp(-3_600_000)), None);
        assert_eq!(refusals.log(Timestamp(-3_599_900)), Some(2));
    }
}

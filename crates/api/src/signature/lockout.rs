//! Locking out who guesses: five failures in a row by one name from one address shut that pair out
//! for five minutes. A name is an access key's id, or a user's.
//!
//! The vendor locks the key itself ("API Signing Guide", page `api-sign-errorcode`: `AK access
//! failed to reach the limit,forbidden`). Locking the pair keeps a stranger who knows a key's id
//! from shutting its owner out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use fleet::Timestamp;
use sha2::{Digest as _, Sha256};

/// Failures in a row that lock.
pub const FAILURES_MAX: u32 = 5;

/// How long a lock holds.
pub const LOCK: Duration = Duration::from_secs(5 * 60);

/// Most pairs that are remembered: about 8 MB. Over it the one that failed longest ago is
/// forgotten.
pub const PAIRS_MAX: usize = 65_536;

/// A pair of name and address, hashed: of fixed size, whatever a client sends.
type Pair = [u8; 32];

/// What is known of one pair.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Failures since the last success or lock.
    failures: u32,
    /// Its place in the order of failures.
    turn: u64,
    /// Until when it is locked.
    locked_until: Option<Timestamp>,
}

/// The failures of late, by pair of name and address. Bounded by [`PAIRS_MAX`]; time comes in with
/// each call.
///
/// Of access keys, count failures of known ones only: there is nothing to guess about a key that
/// doesn't exist, and unknown ones would push real entries out. Of users, count all: being locked
/// out must not tell that a name exists, and pushing an entry out costs as many checks of passwords
/// as there is room, which takes longer than a lock.
#[derive(Debug)]
pub struct Lockout {
    /// Most pairs.
    pairs_max: usize,
    /// What is known.
    entries: HashMap<Pair, Entry>,
    /// The pairs by their last failure, oldest first.
    order: BTreeMap<u64, Pair>,
    /// The next place in the order.
    next_turn: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self::new(PAIRS_MAX)
    }
}

impl Lockout {
    /// An empty table that remembers at most `pairs_max` pairs.
    pub fn new(pairs_max: usize) -> Self {
        Self { pairs_max, entries: HashMap::new(), order: BTreeMap::new(), next_turn: 0 }
    }

    /// Whether the pair is locked at `now`. Ask before verifying: a locked pair learns nothing.
    pub fn is_locked(&self, name: &str, address: IpAddr, now: Timestamp) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let entry = self.entries.get(&pair(name, address));
        entry.and_then(|entry| entry.locked_until).is_some_and(|until| now < until)
    }

    /// Counts a failure at `now`; the fifth in a row locks. An expired lock begins anew.
    pub fn failed(&mut self, name: &str, address: IpAddr, now: Timestamp) {
        let pair = pair(name, address);
        let mut failures = 1;
        if let Some(old) = self.entries.get(&pair) {
            match old.locked_until {
                Some(until) if now < until => return,
                Some(_) => {}
                None => failures = old.failures + 1,
            }
            self.order.remove(&old.turn);
        } else if self.entries.len() >= self.pairs_max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        let locked_until = (failures >= FAILURES_MAX).then(|| now.plus(LOCK));
        let turn = self.next_turn;
        self.next_turn += 1;
        self.order.insert(turn, pair);
        self.entries.insert(pair, Entry { failures, turn, locked_until });
    }

    /// Forgets the failures of a pair that has proved itself.
    pub fn succeeded(&mut self, name: &str, address: IpAddr) {
        if self.entries.is_empty() {
            return;
        }
        if let Some(entry) = self.entries.remove(&pair(name, address)) {
            self.order.remove(&entry.turn);
        }
    }
}

/// The key of a pair. An IPv6 host commonly holds a whole /64, so that is what counts as one
/// address.
fn pair(name: &str, address: IpAddr) -> Pair {
    let mut hash = Sha256::new();
    match address.to_canonical() {
        IpAddr::V4(address) => hash.update(address.octets()),
        IpAddr::V6(address) => {
            hash.update((u128::from(address) >> 64).to_be_bytes());
        }
    }
    hash.update(name.as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AKTESTVECTOR00000001";
    const A: &str = "192.0.2.1";
    const B: &str = "192.0.2.2";
    const START: Timestamp = Timestamp(1_795_000_000_000);

    fn fail(lockout: &mut Lockout, key: &str, address: &str, times: u32, now: Timestamp) {
        for _ in 0..times {
            lockout.failed(key, address.parse().unwrap(), now);
        }
    }

    fn is_locked(lockout: &Lockout, key: &str, address: &str, now: Timestamp) -> bool {
        lockout.is_locked(key, address.parse().unwrap(), now)
    }

    /// The last millisecond of a lock that began at `START`.
    fn last_of_lock() -> Timestamp {
        Timestamp(START.plus(LOCK).0 - 1)
    }

    #[test]
    fn the_fifth_failure_locks_for_five_minutes() {
        let mut lockout = Lockout::default();
        fail(&mut lockout, KEY, A, 4, Timestamp(START.0 - 1000));
        assert!(!is_locked(&lockout, KEY, A, START));
        fail(&mut lockout, KEY, A, 1, START);
        assert!(is_locked(&lockout, KEY, A, START));
        assert!(is_locked(&lockout, KEY, A, last_of_lock()));
        assert!(!is_locked(&lockout, KEY, A, START.plus(LOCK)));
    }

    #[test]
    fn only_that_pair_is_locked() {
        let mut lockout = Lockout::default();
        fail(&mut lockout, KEY, A, 5, START);
        assert!(is_locked(&lockout, KEY, A, START));
        assert!(!is_locked(&lockout, KEY, B, START));
        assert!(!is_locked(&lockout, "ANOTHER", A, START));
    }

    #[test]
    fn a_success_starts_the_count_again() {
        let mut lockout = Lockout::default();
        fail(&mut lockout, KEY, A, 4, START);
        lockout.succeeded(KEY, A.parse().unwrap());
        assert!(lockout.entries.is_empty() && lockout.order.is_empty());
        fail(&mut lockout, KEY, A, 4, START);
        assert!(!is_locked(&lockout, KEY, A, START));
    }

    #[test]
    fn failures_while_locked_neither_lengthen_nor_outlast_the_lock() {
        let mut lockout = Lockout::default();
        let end = START.plus(LOCK);
        fail(&mut lockout, KEY, A, 5, START);
        fail(&mut lockout, KEY, A, 50, last_of_lock());
        assert!(!is_locked(&lockout, KEY, A, end));
        fail(&mut lockout, KEY, A, 4, end);
        assert!(!is_locked(&lockout, KEY, A, end));
        fail(&mut lockout, KEY, A, 1, end);
        assert!(is_locked(&lockout, KEY, A, end));
    }

    #[test]
    fn an_ipv6_prefix_and_a_mapped_ipv4_address_count_as_one() {
        let mut lockout = Lockout::default();
        for host in 1..=5 {
            fail(&mut lockout, KEY, &format!("2001:db8:0:1::{host}"), 1, START);
        }
        assert!(is_locked(&lockout, KEY, "2001:db8:0:1:ffff::9", START));
        assert!(!is_locked(&lockout, KEY, "2001:db8:0:2::1", START));
        fail(&mut lockout, KEY, "::ffff:192.0.2.1", 5, START);
        assert!(is_locked(&lockout, KEY, A, START));
    }

    #[test]
    fn a_full_table_forgets_who_failed_longest_ago() {
        let mut lockout = Lockout::new(3);
        for key in ["one", "two", "three"] {
            fail(&mut lockout, key, A, 4, START);
        }
        fail(&mut lockout, "one", A, 1, START);
        fail(&mut lockout, "four", A, 1, START);
        assert_eq!((lockout.entries.len(), lockout.order.len()), (3, 3));
        assert!(is_locked(&lockout, "one", A, START));
        fail(&mut lockout, "two", A, 1, START);
        assert!(!is_locked(&lockout, "two", A, START), "it was forgotten: this is its first");
        fail(&mut lockout, "four", A, 4, START);
        assert!(is_locked(&lockout, "four", A, START));
    }

    #[test]
    fn the_table_stays_bounded_under_ever_new_pairs() {
        let mut lockout = Lockout::new(100);
        for number in 0..10_000 {
            fail(&mut lockout, &number.to_string(), A, 1, START);
        }
        assert_eq!((lockout.entries.len(), lockout.order.len()), (100, 100));
    }
}

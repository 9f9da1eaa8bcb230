//! Locking out who guesses: five failures in a row by one name from one address shut that pair out
//! for five minutes. A name is an access key's id, or a user's.
//!
//! The vendor locks the key itself ("API Signing Guide", page `api-sign-errorcode`: `AK access
//! failed to reach the limit,forbidden`). Locking the pair keeps a stranger who knows a key's id
//! from shutting its owner out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use fleet::Timestamp;
use sha2::{Digest as _, Sha256};

/// Failures in a row that lock.
pub const FAILURES_MAX: u32 = 5;

/// How long a lock holds.
pub const LOCK: Duration = Duration::from_secs(5 * 60);

/// Most pairs that are remembered: about 8 MB. Over it the one that failed longest ago is
/// forgotten, but none that is locked.
pub const PAIRS_MAX: usize = 65_536;

/// Checks of one address that run or wait at a time, where they are counted.
pub const CHECKS_PER_ADDRESS_MAX: usize = 8;

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

/// What checking a secret came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the one.
    Passed,
    /// It is another: a guess.
    Failed,
    /// Nothing was learnt of it.
    Unknown,
}

/// Why a pair may not try now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has failed too often.
    #[error("locked after too many failures")]
    Locked,
    /// As many pairs are locked as are remembered, so that this one's failures could not be
    /// counted.
    #[error("too many others are locked")]
    Full,
}

/// The failures of late, by pair of name and address, and the checks that are under way, by
/// address. Bounded by [`PAIRS_MAX`] and by the calls under way; time comes in with each call.
///
/// Count only failures that teach the guesser something: of access keys, those of known ones; of
/// users, those of names and passwords that a user can have, whether or not there is one, since
/// being locked out must not tell that a name exists. What costs a client nothing would push real
/// entries out.
#[derive(Debug)]
pub struct Lockout {
    /// Most pairs.
    pairs_max: usize,
    /// What is known.
    entries: HashMap<Pair, Entry>,
    /// The pairs that are not locked by their last failure, oldest first.
    open: BTreeMap<u64, Pair>,
    /// The pairs that are locked, or were and have not tried since, by the lock's beginning.
    locked: BTreeMap<u64, Pair>,
    /// The next place in either order.
    next_turn: u64,
    /// The checks that are under way, by address. None is there without any.
    under_way: HashMap<IpAddr, usize>,
}

impl Default for Lockout {
    fn default() -> Self {
        Self::new(PAIRS_MAX)
    }
}

impl Lockout {
    /// An empty table that remembers at most `pairs_max` pairs.
    pub fn new(pairs_max: usize) -> Self {
        Self {
            pairs_max,
            entries: HashMap::new(),
            open: BTreeMap::new(),
            locked: BTreeMap::new(),
            next_turn: 0,
            under_way: HashMap::new(),
        }
    }

    /// Whether the pair may try at `now`. Ask before checking anything: who is refused learns
    /// nothing.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Refused> {
        if self.entries.is_empty() {
            return Ok(());
        }
        self.admit_pair(&pair(name, address), now)
    }

    /// Counts what a check came to. The fifth failure in a row locks, a success starts the count
    /// again, and after a lock has expired it begins anew.
    ///
    /// # Errors
    /// The pair may not try at `now`, although it might when the check began: other checks have
    /// ended meanwhile. Nothing was counted, and the outcome must not be told, whatever it is; thus
    /// of guesses made all at once no more are told than of guesses made one by one.
    pub fn settle(
        &mut self,
        name: &str,
        address: IpAddr,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Refused> {
        if self.entries.is_empty() && outcome != Outcome::Failed {
            return Ok(());
        }
        let pair = pair(name, address);
        self.admit_pair(&pair, now)?;
        match outcome {
            Outcome::Passed => drop(self.forget(&pair)),
            Outcome::Failed => self.failed(pair, now),
            Outcome::Unknown => {}
        }
        Ok(())
    }

    /// Lets one more check of this address begin, unless [`CHECKS_PER_ADDRESS_MAX`] are under way:
    /// says whether it may. Each that may is to be [ended](Self::end_check).
    #[must_use]
    pub fn begin_check(&mut self, address: IpAddr) -> bool {
        let under_way = self.under_way.entry(network(address)).or_default();
        let may_begin = *under_way < CHECKS_PER_ADDRESS_MAX;
        if may_begin {
            *under_way += 1;
        }
        may_begin
    }

    /// Ends a check that [was let begin](Self::begin_check).
    pub fn end_check(&mut self, address: IpAddr) {
        let network = network(address);
        match self.under_way.get_mut(&network) {
            Some(under_way) if *under_way > 1 => *under_way -= 1,
            _ => drop(self.under_way.remove(&network)),
        }
    }

    /// Whether the pair may try: it is not locked, and there is room to count its failure.
    fn admit_pair(&self, pair: &Pair, now: Timestamp) -> Result<(), Refused> {
        match self.entries.get(pair) {
            Some(entry) if entry.is_locked(now) => Err(Refused::Locked),
            Some(_) => Ok(()),
            None if self.entries.len() < self.pairs_max || !self.open.is_empty() => Ok(()),
            None if self.oldest_lock_is_over(now) => Ok(()),
            None => Err(Refused::Full),
        }
    }

    /// Counts a failure of a pair that [may try](Self::admit_pair).
    fn failed(&mut self, pair: Pair, now: Timestamp) {
        let failures = match self.forget(&pair) {
            Some(Entry { failures, locked_until: None, .. }) => failures + 1,
            Some(_) => 1,
            None => {
                self.make_room(now);
                1
            }
        };
        let locked_until = (failures >= FAILURES_MAX).then(|| now.plus(LOCK));
        let turn = self.next_turn;
        self.next_turn += 1;
        let order = if locked_until.is_some() { &mut self.locked } else { &mut self.open };
        order.insert(turn, pair);
        self.entries.insert(pair, Entry { failures, turn, locked_until });
    }

    /// Forgets a pair; gives what was known of it.
    fn forget(&mut self, pair: &Pair) -> Option<Entry> {
        let entry = self.entries.remove(pair)?;
        let order = if entry.locked_until.is_some() { &mut self.locked } else { &mut self.open };
        order.remove(&entry.turn);
        Some(entry)
    }

    /// Makes room for one pair if there is none: forgets one whose lock is over, or the open one
    /// that failed longest ago.
    fn make_room(&mut self, now: Timestamp) {
        if self.entries.len() < self.pairs_max {
            return;
        }
        let order = if self.oldest_lock_is_over(now) { &mut self.locked } else { &mut self.open };
        if let Some((_, oldest)) = order.pop_first() {
            self.entries.remove(&oldest);
        }
    }

    /// Whether there is a lock that has expired: all hold equally long, so the oldest does first.
    fn oldest_lock_is_over(&self, now: Timestamp) -> bool {
        let oldest = self.locked.first_key_value().and_then(|(_, pair)| self.entries.get(pair));
        oldest.is_some_and(|entry| !entry.is_locked(now))
    }
}

impl Entry {
    /// Whether it is locked at `now`.
    fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

/// The key of a pair.
fn pair(name: &str, address: IpAddr) -> Pair {
    let mut hash = Sha256::new();
    match network(address) {
        IpAddr::V4(address) => hash.update(address.octets()),
        IpAddr::V6(address) => hash.update(address.octets()),
    }
    hash.update(name.as_bytes());
    hash.finalize().into()
}

/// What counts as one address: an IPv6 host commonly holds a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
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
            let _ = lockout.settle(key, address.parse().unwrap(), now, Outcome::Failed);
        }
    }

    fn is_locked(lockout: &Lockout, key: &str, address: &str, now: Timestamp) -> bool {
        lockout.admit(key, address.parse().unwrap(), now) == Err(Refused::Locked)
    }

    /// How many there are: entries, open ones, locked ones.
    fn sizes(lockout: &Lockout) -> (usize, usize, usize) {
        (lockout.entries.len(), lockout.open.len(), lockout.locked.len())
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
        lockout.settle(KEY, A.parse().unwrap(), START, Outcome::Passed).unwrap();
        assert_eq!(sizes(&lockout), (0, 0, 0));
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
    fn while_locked_no_outcome_is_told_or_counted() {
        let mut lockout = Lockout::default();
        let address = A.parse().unwrap();
        lockout.settle(KEY, address, START, Outcome::Unknown).unwrap();
        fail(&mut lockout, KEY, A, 5, START);
        for outcome in [Outcome::Passed, Outcome::Failed, Outcome::Unknown] {
            let settled = lockout.settle(KEY, address, last_of_lock(), outcome);
            assert_eq!(settled, Err(Refused::Locked));
        }
        assert!(is_locked(&lockout, KEY, A, last_of_lock()), "a success does not open a lock");
        lockout.settle(KEY, address, START.plus(LOCK), Outcome::Passed).unwrap();
        assert_eq!(sizes(&lockout), (0, 0, 0));
    }

    #[test]
    fn a_full_table_forgets_who_failed_longest_ago() {
        let mut lockout = Lockout::new(3);
        for key in ["one", "two", "three"] {
            fail(&mut lockout, key, A, 4, START);
        }
        fail(&mut lockout, "one", A, 1, START);
        fail(&mut lockout, "four", A, 1, START);
        assert_eq!(sizes(&lockout), (3, 2, 1));
        assert!(is_locked(&lockout, "one", A, START));
        fail(&mut lockout, "two", A, 1, START);
        assert!(!is_locked(&lockout, "two", A, START), "it was forgotten: this is its first");
        fail(&mut lockout, "four", A, 4, START);
        assert!(is_locked(&lockout, "four", A, START));
    }

    #[test]
    fn who_is_locked_is_never_forgotten() {
        let mut lockout = Lockout::new(3);
        fail(&mut lockout, KEY, A, 5, START);
        for number in 0..100 {
            fail(&mut lockout, &number.to_string(), A, 1, START);
        }
        assert!(is_locked(&lockout, KEY, A, last_of_lock()));
        assert_eq!(sizes(&lockout), (3, 2, 1));

        // Full of locked ones, others are refused plainly until the first lock is over.
        let later = Timestamp(START.0 + 1);
        fail(&mut lockout, "one", A, 5, later);
        fail(&mut lockout, "two", A, 5, later);
        assert_eq!(sizes(&lockout), (3, 0, 3));
        let address = A.parse().unwrap();
        assert_eq!(lockout.admit("three", address, later), Err(Refused::Full));
        for outcome in [Outcome::Passed, Outcome::Failed, Outcome::Unknown] {
            let settled = lockout.settle("three", address, last_of_lock(), outcome);
            assert_eq!(settled, Err(Refused::Full));
        }
        assert_eq!(lockout.admit("one", address, later), Err(Refused::Locked));
        assert_eq!(lockout.admit("three", address, START.plus(LOCK)), Ok(()));
        fail(&mut lockout, "three", A, 1, START.plus(LOCK));
        assert_eq!(sizes(&lockout), (3, 1, 2));
        assert!(is_locked(&lockout, "one", A, START.plus(LOCK)));
    }

    #[test]
    fn the_table_stays_bounded_under_ever_new_pairs() {
        let mut lockout = Lockout::new(100);
        for number in 0..10_000 {
            fail(&mut lockout, &number.to_string(), A, number % 7, START);
        }
        let (entries, open, locked) = sizes(&lockout);
        assert_eq!((entries, open + locked), (100, 100));
    }

    #[test]
    fn an_address_has_a_few_checks_under_way_and_others_have_theirs() {
        let mut lockout = Lockout::default();
        let address = |number: usize| format!("2001:db8:0:1::{number}").parse().unwrap();
        let others = "2001:db8:0:2::1".parse().unwrap();
        for number in 0..CHECKS_PER_ADDRESS_MAX {
            assert!(lockout.begin_check(address(number)));
        }
        assert!(!lockout.begin_check(address(100)));
        assert!(lockout.begin_check(others));
        lockout.end_check(address(0));
        assert!(lockout.begin_check(address(100)));
        assert!(!lockout.begin_check(address(0)));
        for number in 0..CHECKS_PER_ADDRESS_MAX {
            lockout.end_check(address(number));
        }
        lockout.end_check(others);
        assert!(lockout.under_way.is_empty());
    }
}

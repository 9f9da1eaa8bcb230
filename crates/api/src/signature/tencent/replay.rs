//! The signatures of strict keys that were used already: each is good once.

use std::collections::{BTreeSet, HashMap};

use fleet::Timestamp;

/// Most signatures of one key that are remembered. A strict key's is valid for 15 minutes at most,
/// so that is 70 calls a second for as long as it likes.
pub const REPLAYS_PER_KEY_MAX: usize = 65_536;

/// Most of all keys together: about 13 MB. Four keys have to be at their bound before another one
/// has to wait for them.
pub const REPLAYS_MAX: usize = 4 * REPLAYS_PER_KEY_MAX;

/// Why a signature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefused {
    /// It was used already.
    #[error(
        "this signature was used already, and this access key takes each once; sign the request \
         anew, with another q-sign-time"
    )]
    Replayed,
    /// As many of this key are remembered as may be, and all are still valid.
    #[error(
        "this access key has used {REPLAYS_PER_KEY_MAX} signatures that are still valid, and no \
         more are remembered; the first of them ends in {seconds} s"
    )]
    KeyFull {
        /// Until one has run out.
        seconds: u32,
    },
    /// As many of all keys are remembered as may be, and all are still valid.
    #[error(
        "{REPLAYS_MAX} signatures of strict keys are still valid, and no more are remembered; the \
         first of them ends in {seconds} s"
    )]
    Full {
        /// Until one has run out.
        seconds: u32,
    },
}

/// A signature by when it stops being valid. The end is signed too, so that one signature has one
/// end.
type Mark = (Timestamp, [u8; 20]);

/// The signatures that were used and are still valid, by their key's id. Bounded for each key, so
/// that none takes another's room, and in sum; none is forgotten before its time. Time comes in
/// with each call. After a restart it is empty: a signature may then be used once more before it
/// runs out.
#[derive(Debug)]
pub struct Replays {
    /// Most signatures of one key.
    per_key_max: usize,
    /// Most signatures in sum.
    signatures_max: usize,
    /// The signatures; no key without any is kept once it is looked at.
    used: HashMap<String, BTreeSet<Mark>>,
    /// How many there are in sum.
    count: usize,
}

impl Default for Replays {
    fn default() -> Self {
        Self::new(REPLAYS_PER_KEY_MAX, REPLAYS_MAX)
    }
}

impl Replays {
    /// An empty one that remembers at most `per_key_max` of a key and `signatures_max` in sum.
    pub fn new(per_key_max: usize, signatures_max: usize) -> Self {
        Self { per_key_max, signatures_max, used: HashMap::new(), count: 0 }
    }

    /// Uses a signature of the key `ak` that is valid until `end`, at `now`. The caller has checked
    /// at the same `now` that it is still valid: what has run out is not remembered.
    ///
    /// # Errors
    /// It may not be used.
    pub fn use_once(
        &mut self,
        ak: &str,
        signature: [u8; 20],
        end: Timestamp,
        now: Timestamp,
    ) -> Result<(), ReplayRefused> {
        let mark = (end, signature);
        if let Some(own) = self.used.get_mut(ak) {
            self.count -= forget(own, now);
            if own.contains(&mark) {
                return Err(ReplayRefused::Replayed);
            }
            if own.len() >= self.per_key_max {
                return Err(ReplayRefused::KeyFull { seconds: seconds_until(own.first(), now) });
            }
        }
        if self.count >= self.signatures_max {
            self.forget_all(now);
        }
        if self.count >= self.signatures_max {
            let first = self.used.values().filter_map(BTreeSet::first).min();
            return Err(ReplayRefused::Full { seconds: seconds_until(first, now) });
        }
        self.used.entry(ak.to_owned()).or_default().insert(mark);
        self.count += 1;
        Ok(())
    }

    /// Forgets what has run out, of whichever key.
    fn forget_all(&mut self, now: Timestamp) {
        let mut forgotten = 0;
        self.used.retain(|_, own| {
            forgotten += forget(own, now);
            !own.is_empty()
        });
        self.count -= forgotten;
    }
}

/// Forgets those of one key that have run out; gives how many.
fn forget(own: &mut BTreeSet<Mark>, now: Timestamp) -> usize {
    let mut forgotten = 0;
    while own.first().is_some_and(|(end, _)| *end <= now) {
        own.pop_first();
        forgotten += 1;
    }
    forgotten
}

/// Whole seconds until the first has run out: 1 at least.
fn seconds_until(first: Option<&Mark>, now: Timestamp) -> u32 {
    let milliseconds = first.map_or(0, |(end, _)| end.0.saturating_sub(now.0));
    let seconds = milliseconds.saturating_add(999).div_euclid(1000).max(1);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses a signature of one byte; times in seconds.
    fn use_once(
        replays: &mut Replays,
        ak: &str,
        byte: u8,
        end: i64,
        now: i64,
    ) -> Result<(), ReplayRefused> {
        replays.use_once(ak, [byte; 20], Timestamp(end * 1000), Timestamp(now * 1000))
    }

    #[test]
    fn a_signature_is_good_once_until_it_runs_out() {
        let mut replays = Replays::new(2, 9);
        assert_eq!(use_once(&mut replays, "a", 1, 10, 0), Ok(()));
        assert_eq!(use_once(&mut replays, "a", 1, 10, 9), Err(ReplayRefused::Replayed));
        assert_eq!(use_once(&mut replays, "a", 2, 20, 9), Ok(()));
        let full = Err(ReplayRefused::KeyFull { seconds: 1 });
        assert_eq!(use_once(&mut replays, "a", 3, 30, 9), full);
        assert_eq!(use_once(&mut replays, "a", 3, 30, 10), Ok(()), "the first has run out");
        assert_eq!(use_once(&mut replays, "a", 2, 20, 19), Err(ReplayRefused::Replayed));
        assert_eq!((replays.used["a"].len(), replays.count), (2, 2));
    }

    #[test]
    fn a_key_at_its_bound_takes_no_other_keys_room() {
        let mut replays = Replays::new(2, 4);
        assert_eq!(use_once(&mut replays, "a", 1, 100, 0), Ok(()));
        assert_eq!(use_once(&mut replays, "a", 2, 90, 0), Ok(()));
        let full = Err(ReplayRefused::KeyFull { seconds: 90 });
        assert_eq!(use_once(&mut replays, "a", 3, 200, 0), full);
        assert_eq!(use_once(&mut replays, "b", 1, 50, 0), Ok(()), "the same bytes, another key");
        assert_eq!(use_once(&mut replays, "c", 4, 40, 0), Ok(()));
        let full = Err(ReplayRefused::Full { seconds: 40 });
        assert_eq!(use_once(&mut replays, "d", 5, 60, 0), full);
        assert_eq!(use_once(&mut replays, "c", 4, 40, 0), Err(ReplayRefused::Replayed));
        assert_eq!(use_once(&mut replays, "d", 5, 60, 40), Ok(()), "another's has run out");
        assert!(!replays.used.contains_key("c") && replays.count == 4);
    }

    #[test]
    fn the_wait_is_in_whole_seconds() {
        let wait = |end, now| seconds_until(Some(&(Timestamp(end), [0; 20])), Timestamp(now));
        assert_eq!([wait(1001, 0), wait(1000, 0), wait(1, 0), wait(0, 0)], [2, 1, 1, 1]);
    }
}

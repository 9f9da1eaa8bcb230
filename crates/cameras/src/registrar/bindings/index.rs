//! Finds a row by a key that the row itself holds: four bytes an entry, where a map that holds the
//! keys as well would take ten times as much.

/// No entry.
const EMPTY: u32 = u32::MAX;
/// Slots of the smallest index.
const SLOTS_MIN: usize = 16;

/// Numbers of rows, spread by the hash of their key; linear probing. The caller keeps keys apart:
/// it says which row an entry must be.
///
/// Keys come from devices that have proved a password, so nobody picks them to collide.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Vec<u32>,
    entries: usize,
}

impl Index {
    /// The row with this hash that `is` says is the one.
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash)?;
        loop {
            match self.slots.get(at).copied() {
                None | Some(EMPTY) => return None,
                Some(row) if is(row) => return Some(row),
                Some(_) => at = self.next(at),
            }
        }
    }

    /// Adds a row that is not in it. `hash_of` gives the hash of a row's key.
    pub(super) fn insert(&mut self, row: u32, hash_of: impl Fn(u32) -> u64) {
        // Three quarters full at most, so that probes stay short.
        if (self.entries + 1) * 4 > self.slots.len() * 3 {
            self.resize((self.slots.len() * 2).max(SLOTS_MIN), &hash_of);
        }
        self.put(row, hash_of(row));
        self.entries += 1;
    }

    /// Removes a row that is in it.
    pub(super) fn remove(&mut self, row: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut hole) = self.home(hash_of(row)) else { return };
        while self.slots.get(hole).is_some_and(|found| *found != row) {
            if self.slots.get(hole) == Some(&EMPTY) {
                return;
            }
            hole = self.next(hole);
        }
        self.entries -= 1;
        // Close the gap: an entry may move back to it unless its home lies after it.
        let mut at = hole;
        loop {
            at = self.next(at);
            let Some(found) = self.slots.get(at).copied().filter(|found| *found != EMPTY) else {
                break;
            };
            let home = self.home(hash_of(found)).unwrap_or(at);
            if self.distance(home, at) >= self.distance(hole, at) {
                self.set(hole, found);
                hole = at;
            }
        }
        self.set(hole, EMPTY);
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    fn resize(&mut self, slots: usize, hash_of: &impl Fn(u32) -> u64) {
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        for row in old.into_iter().filter(|row| *row != EMPTY) {
            self.put(row, hash_of(row));
        }
    }

    fn put(&mut self, row: u32, hash: u64) {
        let Some(mut at) = self.home(hash) else { return };
        while self.slots.get(at).is_some_and(|found| *found != EMPTY) {
            at = self.next(at);
        }
        self.set(at, row);
    }

    fn set(&mut self, at: usize, row: u32) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = row;
        }
    }

    /// Where an entry of this hash belongs; `None` in an index without slots.
    fn home(&self, hash: u64) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        Some(usize::try_from(hash >> 32).unwrap_or(0) & mask)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// How many slots `to` lies after `from`, around the end.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

/// Spreads bytes over 64 bits: the same in every run, since nothing may hang on chance.
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0x9e37_79b9_7f4a_7c15, |hash: u64, chunk| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        mix(hash ^ u64::from_le_bytes(word))
    })
}

/// Spreads a number over 64 bits.
pub(super) fn hash_number(number: i64) -> u64 {
    mix(u64::from_le_bytes(number.to_le_bytes()))
}

/// The finaliser of MurmurHash3: every bit of the input moves half of those of the output.
fn mix(mut word: u64) -> u64 {
    word ^= word >> 33;
    word = word.wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^= word >> 33;
    word = word.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            steps in prop::collection::vec((any::<bool>(), 0..200_i64), 1..800),
        ) {
            let mut keys = Vec::new();
            let mut index = Index::default();
            let mut map = BTreeMap::new();
            for (add, key) in steps {
                if add && !map.contains_key(&key) {
                    let row = u32::try_from(keys.len()).unwrap();
                    keys.push(key);
                    index.insert(row, |row| hash_number(keys[row as usize]));
                    map.insert(key, row);
                } else if let Some(row) = map.remove(&key) {
                    index.remove(row, |row| hash_number(keys[row as usize]));
                }
            }
            for key in 0..200 {
                let found = index.find(hash_number(key), |row| keys[row as usize] == key);
                prop_assert_eq!(found, map.get(&key).copied());
            }
            prop_assert_eq!(index.entries, map.len());
        }
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        assert_eq!(Index::default().find(hash_bytes(b"x"), |_| true), None);
    }
}

//! Which devices were deleted lately. What was read of one before, a look-up or a page of the
//! store, must not bring it back: keys are never given twice, so a key that is gone stays gone.

use std::collections::{HashSet, VecDeque};

use fleet::DeviceKey;

/// Keys that are kept; then the oldest goes. What was read before a deletion is used within seconds
/// of it, and no server deletes so many in that time. They take some 2 MB.
const KEYS_MAX: usize = 65_536;

/// The keys of deleted devices.
#[derive(Debug, Default)]
pub(super) struct Gone {
    keys: HashSet<DeviceKey>,
    /// The same, the oldest first.
    in_order: VecDeque<DeviceKey>,
}

impl Gone {
    /// A device was deleted.
    pub(super) fn add(&mut self, device: DeviceKey) {
        if !self.keys.insert(device) {
            return;
        }
        self.in_order.push_back(device);
        if self.in_order.len() > KEYS_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }

    /// Whether the device was deleted.
    pub(super) fn contains(&self, device: DeviceKey) -> bool {
        self.keys.contains(&device)
    }

    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        (self.keys.capacity() + self.in_order.capacity()) * size_of::<DeviceKey>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut gone = Gone::default();
        let last = i64::try_from(KEYS_MAX).unwrap();
        for number in (0..last).chain([0, last - 1]) {
            gone.add(DeviceKey(number));
        }
        assert!((0..last).all(|number| gone.contains(DeviceKey(number))));
        gone.add(DeviceKey(last));
        assert!(!gone.contains(DeviceKey(0)));
        assert!((1..=last).all(|number| gone.contains(DeviceKey(number))));
        assert_eq!((gone.keys.len(), gone.in_order.len()), (KEYS_MAX, KEYS_MAX));
    }
}

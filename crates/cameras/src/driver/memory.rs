//! What is remembered of devices between two actions, and that one has one exchange at a time.
//!
//! Only what would cost a time-out or an error to learn again is kept, and only as long as the
//! registration that it was learned in: of a device that answers everything nothing is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleet::{DeviceId, DeviceKey, Push, Revision, Timestamp};
use tokio::sync::OwnedMutexGuard;

/// Devices remembered before those that are gone are looked for for the first time.
const FIRST_SWEEP: usize = 1_024;

/// What is remembered of one device.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Learned {
    /// When the registration began that the rest was learned in.
    registered_at: Timestamp,
    /// It does not answer ConfigDownload for its own id.
    pub(super) hides_config: bool,
    /// It does not answer ConfigDownload for a channel's id.
    pub(super) hides_channels: bool,
    /// It does not answer DeviceInfo.
    pub(super) hides_info: bool,
    /// The settings of one revision that go to several targets.
    pub(super) burst: Option<Burst>,
}

/// Settings of one revision, each to a target of its own. At most as many as one device's desired
/// state has room for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Burst {
    /// The revision.
    pub(super) revision: Revision,
    /// What was on record of it before the first of them.
    pub(super) before: Option<Push>,
    /// What was sent, and what came of it.
    pub(super) sent: BTreeMap<DeviceId, Push>,
}

impl Learned {
    /// Forgets what was learned in another registration than the one that began then.
    pub(super) fn renew(&mut self, registered_at: Timestamp) {
        if self.registered_at != registered_at {
            *self = Self { registered_at, ..Self::default() };
        }
    }

    /// Whatever it did not answer may be asked again.
    pub(super) fn show_all(&mut self) {
        (self.hides_config, self.hides_channels, self.hides_info) = (false, false, false);
    }

    /// Whether there is nothing to remember.
    fn is_blank(&self) -> bool {
        let Self { registered_at: _, hides_config, hides_channels, hides_info, burst } = self;
        !(*hides_config || *hides_channels || *hides_info) && burst.is_none()
    }
}

/// The memory of all devices.
#[derive(Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    by_device: HashMap<DeviceKey, Arc<tokio::sync::Mutex<Learned>>>,
    /// The number of devices at which those that are gone are looked for.
    sweep_at: usize,
}

/// The one that speaks to a device at the moment, with what is remembered of it. Lets the next one
/// in when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    known: Arc<Mutex<Known>>,
    device: DeviceKey,
    memory: OwnedMutexGuard<Learned>,
}

impl Memory {
    /// Waits until nobody else speaks to the device. `is_bound` tells of any device whether it is
    /// still registered: those that are not are forgotten.
    pub(super) async fn turn(
        &self,
        device: DeviceKey,
        is_bound: impl Fn(DeviceKey) -> bool,
    ) -> Turn {
        let memory = lock(&self.0).of(device, is_bound);
        let memory = memory.lock_owned().await;
        Turn { known: self.0.clone(), device, memory }
    }

    /// Forgets a device that is not registered.
    pub(super) fn forget(&self, device: DeviceKey) {
        lock(&self.0).by_device.remove(&device);
    }

    /// How many devices are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.0).by_device.len()
    }
}

impl Known {
    /// The memory of the device.
    fn of(
        &mut self,
        device: DeviceKey,
        is_bound: impl Fn(DeviceKey) -> bool,
    ) -> Arc<tokio::sync::Mutex<Learned>> {
        if self.by_device.len() >= self.sweep_at.max(FIRST_SWEEP) {
            let is_used = |memory: &Arc<_>| Arc::strong_count(memory) > 1;
            self.by_device.retain(|device, memory| is_used(memory) || is_bound(*device));
            self.sweep_at = 2 * self.by_device.len();
        }
        self.by_device.entry(device).or_default().clone()
    }
}

impl Turn {
    /// What is remembered.
    pub(super) fn learned(&mut self) -> &mut Learned {
        &mut self.memory
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.memory.is_blank() {
            return;
        }
        let mut known = lock(&self.known);
        let others = known.by_device.get(&self.device).is_some_and(|memory| {
            // The map's own and this one's.
            !Arc::ptr_eq(memory, OwnedMutexGuard::mutex(&self.memory))
                || Arc::strong_count(memory) > 2
        });
        if !others {
            known.by_device.remove(&self.device);
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_a_device_that_answers_everything_nothing_is_kept() {
        let memory = Memory::default();
        drop(memory.turn(DeviceKey(1), |_| true).await);
        assert_eq!(memory.len(), 0);
        memory.turn(DeviceKey(1), |_| true).await.learned().hides_config = true;
        assert_eq!(memory.len(), 1);
        let mut turn = memory.turn(DeviceKey(1), |_| true).await;
        assert!(turn.learned().hides_config);
        turn.learned().renew(Timestamp(5));
        assert!(!turn.learned().hides_config);
        drop(turn);
        assert_eq!(memory.len(), 0);
    }

    #[tokio::test]
    async fn the_next_one_waits_and_is_not_lost() {
        let memory = Arc::new(Memory::default());
        let first = memory.turn(DeviceKey(1), |_| true).await;
        let waiting = memory.clone();
        let second = async move { drop(waiting.turn(DeviceKey(1), |_| true).await) };
        let mut second = Box::pin(second);
        let polled = tokio::select! {
            biased;
            () = &mut second => true,
            () = std::future::ready(()) => false,
        };
        assert!(!polled);
        drop(first);
        second.await;
        assert_eq!(memory.len(), 0);
    }

    #[tokio::test]
    async fn those_that_are_gone_are_forgotten() {
        let memory = Memory::default();
        for device in 0..FIRST_SWEEP as i64 {
            memory.turn(DeviceKey(device), |_| true).await.learned().hides_info = true;
        }
        assert_eq!(memory.len(), FIRST_SWEEP);
        let bound = |device: DeviceKey| device.0 < 10;
        memory.turn(DeviceKey(9_999), bound).await.learned().hides_info = true;
        assert_eq!(memory.len(), 11);
        memory.forget(DeviceKey(9_999));
        assert_eq!(memory.len(), 10);
    }
}

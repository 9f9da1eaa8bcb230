//! What is remembered of devices between two actions, and that one has one exchange at a time.
//!
//! Which questions a device answers is kept as long as the registration that it was learned in. Of
//! settings that go to several targets it is kept which were sent, as long as that is more than is
//! on record.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleet::{DeviceId, DeviceKey, Push, Timestamp};
use tokio::sync::OwnedMutexGuard;

use super::decision::RESTARTS_WITHIN;

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
    /// It has answered ConfigDownload for its own id.
    pub(super) shows_config: bool,
    /// It has answered ConfigDownload for a channel's id.
    pub(super) shows_channels: bool,
    /// The settings that go to several targets.
    pub(super) burst: Option<Box<Burst>>,
}

/// Settings, each to a target of its own: which of them were sent, which one word on record can't
/// tell. At most as many as one device's desired state has room for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Burst {
    /// What was on record before the first of them.
    pub(super) before: Option<Push>,
    /// What was last sent to a target and what came of it; or that it showed without what it is to
    /// show.
    pub(super) known: BTreeMap<DeviceId, Push>,
    /// When the last of them was sent.
    pub(super) sent_at: Option<Timestamp>,
}

impl Learned {
    /// Forgets what was learned in another registration than the one that began at
    /// `registered_at`. Which settings were sent stays, unless the device took itself off right
    /// after one: it may have restarted on it, and is not sent the others.
    pub(super) fn renew(&mut self, registered_at: Timestamp, unregistered_at: Option<Timestamp>) {
        let sent_at = self.burst.as_ref().and_then(|burst| burst.sent_at);
        if let (Some(sent_at), Some(gone)) = (sent_at, unregistered_at)
            && (sent_at..=sent_at.plus(RESTARTS_WITHIN)).contains(&gone)
        {
            self.burst = None;
        }
        if self.registered_at != registered_at {
            *self = Self { registered_at, burst: self.burst.take(), ..Self::default() };
        }
    }

    /// Whatever it did not answer may be asked again.
    pub(super) fn show_all(&mut self) {
        (self.hides_config, self.hides_channels, self.hides_info) = (false, false, false);
    }

    /// Whether there is nothing to remember.
    fn is_blank(&self) -> bool {
        let noted = [
            self.hides_config,
            self.hides_channels,
            self.hides_info,
            self.shows_config,
            self.shows_channels,
            self.is_in_burst(),
        ];
        !noted.contains(&true)
    }

    /// Whether it is known more of settings than is on record.
    fn is_in_burst(&self) -> bool {
        self.burst.as_ref().is_some_and(|burst| !burst.known.is_empty())
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

    /// Forgets a device that is not registered, but for settings of which not all were sent.
    pub(super) fn forget(&self, device: DeviceKey) {
        let mut known = lock(&self.0);
        let Some(memory) = known.by_device.get(&device) else { return };
        if memory.try_lock().is_ok_and(|learned| !learned.is_in_burst()) {
            known.by_device.remove(&device);
        }
    }

    /// Forgets all of a device whose record is gone. Whoever speaks to it at the moment leaves
    /// nothing behind.
    pub(super) fn remove(&self, device: DeviceKey) {
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
    async fn what_was_learned_is_kept_for_one_registration() {
        let memory = Memory::default();
        drop(memory.turn(DeviceKey(1), |_| true).await);
        assert_eq!(memory.len(), 0);
        memory.turn(DeviceKey(1), |_| true).await.learned().hides_config = true;
        assert_eq!(memory.len(), 1);
        let mut turn = memory.turn(DeviceKey(1), |_| true).await;
        assert!(turn.learned().hides_config);
        turn.learned().renew(Timestamp(5), None);
        assert!(!turn.learned().hides_config);
        drop(turn);
        assert_eq!(memory.len(), 0);
    }

    #[tokio::test]
    async fn which_settings_were_sent_is_known_until_the_device_restarts_on_one() {
        let sent_at = Timestamp(1_000_000);
        let push = Push {
            revision: fleet::Revision(3),
            at: sent_at,
            outcome: fleet::PushOutcome::Verified,
        };
        let channel = DeviceId::new("34020000001310000001").unwrap();
        let known = BTreeMap::from([(channel, push)]);
        let memory = Memory::default();
        let mut turn = memory.turn(DeviceKey(1), |_| true).await;
        turn.learned().burst =
            Some(Box::new(Burst { before: None, known, sent_at: Some(sent_at) }));
        turn.learned().hides_config = true;
        drop(turn);
        memory.forget(DeviceKey(1));
        let mut turn = memory.turn(DeviceKey(1), |_| true).await;
        let after = |seconds: i64| Some(Timestamp(sent_at.0 + 1_000 * seconds));
        for unregistered_at in [None, after(-1), after(61)] {
            turn.learned().renew(Timestamp(5), unregistered_at);
            assert!(turn.learned().burst.is_some(), "{unregistered_at:?}");
        }
        assert!(!turn.learned().hides_config);
        turn.learned().renew(Timestamp(5), after(60));
        assert_eq!(turn.learned().burst, None);
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_device_that_is_removed() {
        let memory = Memory::default();
        let mut turn = memory.turn(DeviceKey(1), |_| true).await;
        turn.learned().burst = Some(Box::default());
        turn.learned().hides_config = true;
        memory.remove(DeviceKey(1));
        assert_eq!(memory.len(), 0);
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

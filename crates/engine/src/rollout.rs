//! Updates that go out in waves: made, followed, paused, resumed, given up.
//!
//! Where a rollout stands is in the store alone. Each step of it (a wave begins, a wave is over, it
//! stops) is one change of the store, made only if the rollout still stands where it was read: so a
//! wave begins exactly once, whatever dies between two steps and however many nodes follow it. Of
//! several nodes the one follows it that owns the shard which its id falls in; that spares looks,
//! and nothing depends on it.

pub(crate) mod bounds;
mod drive;
pub(crate) mod make;
mod pace;
mod steer;
mod wave;

use fleet::{DeviceId, Kind, Operation, Plan, Revision, Selector, Values};

pub(crate) use drive::{LOOK_EVERY, drive};

use crate::presets::PresetAsk;

/// What is asked of many devices.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which devices.
    pub target: AskTarget,
    /// What they are. Of a selector it has to be said, here or there; of devices that are named it
    /// is what they are, if it is left out.
    pub kind: Option<Kind>,
    /// What is asked of them besides values: nothing or a restart.
    pub operation: Operation,
    /// The preset whose values are asked for of them, where nothing else says what to ask.
    pub preset: Option<PresetAsk>,
    /// The values that are asked for of all of them, unchecked.
    pub patch: Values,
    /// How it is to go out.
    pub plan: Plan,
}

/// Which devices are meant.
#[expect(clippy::large_enum_variant, reason = "one a call, and most have a selector")]
#[derive(Debug, Clone)]
pub enum AskTarget {
    /// Those that a selector means at this moment.
    Selector(Selector),
    /// These, in this order.
    Devices(Vec<AskedDevice>),
}

/// A device that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedDevice {
    /// Its id.
    pub id: DeviceId,
    /// Values of its own, which go before those of all.
    pub values: Values,
    /// Variables of its own, for the preset: they go before those of all.
    pub variables: Values,
    /// The revision that it has to be at; `None`: any.
    pub if_revision: Option<Revision>,
}

impl Ask {
    /// The values that are asked for of a device which has these of its own.
    pub(crate) fn values(&self, own: &Values) -> Values {
        let mut values = self.patch.clone();
        values.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        values
    }
}

#[cfg(test)]
pub(crate) mod tests;

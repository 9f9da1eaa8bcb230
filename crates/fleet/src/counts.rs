//! How many devices there are, and how they do: what a fleet is overlooked by.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::attention::Attention;
use crate::camera::CameraStatus;
use crate::device::{Condition, Kind};
use crate::id::RequestId;

/// How many devices there are of a project, or of several together. What is zero is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceCounts {
    /// Phones by condition.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub phones: BTreeMap<Condition, u64>,
    /// GB devices by condition.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cameras: BTreeMap<Condition, u64>,
    /// GB devices by how they stand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<CameraStatus, u64>,
    /// Devices that an operator has frozen.
    #[serde(skip_serializing_if = "is_zero")]
    pub frozen: u64,
    /// Devices that are not as they should be, each under its word.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attention: BTreeMap<Attention, u64>,
}

/// How the jobs of an update that goes out in waves stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutCounts {
    /// Those that have succeeded.
    pub succeeded: u64,
    /// Those that have failed.
    pub failed: u64,
}

/// What was counted at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FleetCounts {
    /// The devices.
    pub devices: DeviceCounts,
    /// The updates that go out in waves and were not over, by id. Not kept over time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rollouts: BTreeMap<RequestId, RolloutCounts>,
}

/// Devices that are alike in all that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike {
    /// What they are.
    pub kind: Kind,
    /// How they are doing.
    pub condition: Condition,
    /// How they stand, of GB devices.
    pub status: Option<CameraStatus>,
    /// Whether they are frozen.
    pub frozen: bool,
    /// Why they are not as they should be; `None` if they are.
    pub attention: Option<Attention>,
}

/// Whether a number need not be written.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl DeviceCounts {
    /// Counts so many devices that are alike.
    pub fn add(&mut self, alike: Alike, devices: u64) {
        let Alike { kind, condition, status, frozen, attention } = alike;
        let by_condition = match kind {
            Kind::Phone => &mut self.phones,
            Kind::Camera => &mut self.cameras,
        };
        *by_condition.entry(condition).or_default() += devices;
        if let Some(status) = status {
            *self.statuses.entry(status).or_default() += devices;
        }
        self.frozen += if frozen { devices } else { 0 };
        if let Some(attention) = attention {
            *self.attention.entry(attention).or_default() += devices;
        }
    }

    /// How many there are of a kind.
    pub fn of_kind(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Phone => self.phones.values().sum(),
            Kind::Camera => self.cameras.values().sum(),
        }
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.of_kind(Kind::Phone) + self.of_kind(Kind::Camera)
    }

    /// How many stand so.
    pub fn with_status(&self, status: CameraStatus) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// How many have this word.
    pub fn with_attention(&self, attention: Attention) -> u64 {
        self.attention.get(&attention).copied().unwrap_or(0)
    }
}

/// Adds the numbers of one map to those of another.
fn add_all<K: Ord>(to: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, number) in more {
        *to.entry(key).or_default() += number;
    }
}

impl AddAssign for DeviceCounts {
    fn add_assign(&mut self, more: Self) {
        let Self { phones, cameras, statuses, frozen, attention } = more;
        add_all(&mut self.phones, phones);
        add_all(&mut self.cameras, cameras);
        add_all(&mut self.statuses, statuses);
        self.frozen += frozen;
        add_all(&mut self.attention, attention);
    }
}

impl AddAssign for FleetCounts {
    fn add_assign(&mut self, more: Self) {
        let Self { devices, rollouts } = more;
        self.devices += devices;
        // An update is one project's.
        self.rollouts.extend(rollouts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_counted_under_all_that_they_are() {
        let phone = Alike {
            kind: Kind::Phone,
            condition: Condition::Running,
            status: None,
            frozen: true,
            attention: None,
        };
        let camera = Alike {
            kind: Kind::Camera,
            condition: Condition::Awaited,
            status: Some(CameraStatus::OffLine),
            frozen: false,
            attention: Some(Attention::Trouble),
        };
        let mut counts = DeviceCounts::default();
        counts.add(phone, 3);
        counts.add(camera, 2);
        let mut twice = counts.clone();
        twice += counts.clone();
        assert_eq!((counts.total(), twice.total(), twice.frozen), (5, 10, 6));
        assert_eq!(twice.of_kind(Kind::Camera), 4);
        assert_eq!(twice.with_status(CameraStatus::OffLine), 4);
        assert_eq!(twice.with_status(CameraStatus::OnLine), 0);
        assert_eq!(twice.with_attention(Attention::Trouble), 4);
    }

    #[test]
    fn counts_are_read_as_they_are_written() {
        let empty = serde_json::to_string(&FleetCounts::default()).unwrap();
        assert_eq!(empty, r#"{"devices":{}}"#);
        let mut counts = FleetCounts::default();
        let camera = Alike {
            kind: Kind::Camera,
            condition: Condition::Running,
            status: Some(CameraStatus::OnLine),
            frozen: true,
            attention: Some(Attention::Drift),
        };
        counts.devices.add(camera, 1);
        let rollout = RolloutCounts { succeeded: 2, failed: 1 };
        counts.rollouts.insert(RequestId::from_parts(1, 2), rollout);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(serde_json::from_str::<FleetCounts>(&text).unwrap(), counts);
    }
}

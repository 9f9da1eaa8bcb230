//! What reads give of selections and of updates.

use fleet::{DeviceId, DeviceKey, Door, ProjectId, RequestId, Timestamp};

use super::DeviceWithState;

/// A page of the devices that a selector means, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The devices. There may be few of them, or none, and more to come.
    pub devices: Vec<DeviceWithState>,
    /// After which key to go on; `None`: these were the last.
    pub next: Option<DeviceKey>,
}

/// The same with their keys and ids alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedKeys {
    /// The devices.
    pub devices: Vec<(DeviceKey, DeviceId)>,
    /// After which key to go on; `None`: these were the last.
    pub next: Option<DeviceKey>,
}

/// An update, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateHead {
    /// Its id.
    pub id: RequestId,
    /// Its project.
    pub project_id: ProjectId,
    /// The API through which it came.
    pub door: Door,
    /// Who asked for it.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Whether it goes out in waves.
    pub rollout: bool,
}

/// A page of updates, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatePage {
    /// The updates. There may be few of them, or none, and more to come.
    pub updates: Vec<UpdateHead>,
    /// Before which id to go on; `None`: these were the last.
    pub next: Option<RequestId>,
}

//! Freezing of many devices.

use fleet::{DeviceId, DeviceKey, ProjectId};

/// Freezes devices of a project, or ends that: at most [`fleet::limits::FROZEN_PER_WRITE_MAX`],
/// each given once. One that is as it is to be already, or is not there any more, is passed over,
/// so that doing it again is harmless. Refused with [`super::Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct FreezeDevices {
    /// The project.
    pub project: ProjectId,
    /// The devices: the key says which, the id what it is called in the audit.
    pub devices: Vec<(DeviceKey, DeviceId)>,
    /// Whether they are frozen from now on.
    pub frozen: bool,
}

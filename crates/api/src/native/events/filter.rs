//! Which events a client is told.

use engine::events::{Event, Happened};
use fleet::{DeviceId, EventTypes, Principal, ProjectId};

/// What a client asks for.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Of this project only.
    pub(super) project: Option<ProjectId>,
    /// Of this device only.
    pub(super) device: Option<DeviceId>,
    /// Of these types only.
    pub(super) types: EventTypes,
}

impl Filter {
    /// Whether `principal`, who asks so, is told of this.
    pub(super) fn passes(&self, principal: &Principal, event: &Event) -> bool {
        let may_see = match event.project {
            Some(project) => principal.may_see(project),
            None => !principal.is_bound(),
        };
        let (device, project) = match &event.what {
            Happened::UpdateAccepted { project, .. } => (None, project.as_ref()),
            Happened::JobEnded { device, project, .. } => (Some(device), Some(project)),
            Happened::DeviceChanged { id, project, .. } => (id.as_ref(), project.as_ref()),
            Happened::ProjectsChanged => (None, None),
        };
        may_see
            && self.types.holds(event.what.event_type())
            && self.project.as_ref().is_none_or(|asked| project == Some(asked))
            && self.device.as_ref().is_none_or(|asked| device == Some(asked))
    }
}

//! Which events a client is told.

use std::str::FromStr;

use engine::events::{Event, Happened};
use fleet::{DeviceId, Principal, ProjectId};

/// The types of events.
pub(super) const UPDATE_ACCEPTED: &str = "update.accepted";
pub(super) const JOB_ENDED: &str = "job.ended";
pub(super) const DEVICE_CHANGED: &str = "device.changed";
pub(super) const PROJECTS_CHANGED: &str = "projects.changed";

/// Some types of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types {
    update_accepted: bool,
    job_ended: bool,
    device_changed: bool,
    projects_changed: bool,
}

impl Types {
    pub(super) const ALL: Self = Self {
        update_accepted: true,
        job_ended: true,
        device_changed: true,
        projects_changed: true,
    };
}

impl FromStr for Types {
    type Err = String;

    /// Reads types that are parted by commas: at least one.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut types = Self {
            update_accepted: false,
            job_ended: false,
            device_changed: false,
            projects_changed: false,
        };
        for name in text.split(',') {
            match name.trim() {
                UPDATE_ACCEPTED => types.update_accepted = true,
                JOB_ENDED => types.job_ended = true,
                DEVICE_CHANGED => types.device_changed = true,
                PROJECTS_CHANGED => types.projects_changed = true,
                name => {
                    return Err(format!(
                        "{name:?} is no type of event; there are {UPDATE_ACCEPTED}, {JOB_ENDED}, \
                         {DEVICE_CHANGED}, {PROJECTS_CHANGED}"
                    ));
                }
            }
        }
        Ok(types)
    }
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Of this project only.
    pub(super) project: Option<ProjectId>,
    /// Of this device only.
    pub(super) device: Option<DeviceId>,
    /// Of these types only.
    pub(super) types: Types,
}

impl Filter {
    /// Whether `principal`, who asks so, is told of this.
    pub(super) fn passes(&self, principal: &Principal, event: &Event) -> bool {
        let may_see = match event.project {
            Some(project) => principal.may_see(project),
            None => !principal.is_bound(),
        };
        let (is_asked, device, project) = match &event.what {
            Happened::UpdateAccepted { project, .. } => {
                (self.types.update_accepted, None, project.as_ref())
            }
            Happened::JobEnded { device, project, .. } => {
                (self.types.job_ended, Some(device), Some(project))
            }
            Happened::DeviceChanged { id, project, .. } => {
                (self.types.device_changed, id.as_ref(), project.as_ref())
            }
            Happened::ProjectsChanged => (self.types.projects_changed, None, None),
        };
        may_see
            && is_asked
            && self.project.as_ref().is_none_or(|asked| project == Some(asked))
            && self.device.as_ref().is_none_or(|asked| device == Some(asked))
    }
}

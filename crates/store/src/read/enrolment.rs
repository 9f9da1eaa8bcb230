//! What reads give of who may enrol.

use fleet::{IdPrefix, ProjectId, ProjectKey, Timestamp};

/// A project's enrolment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnrolment {
    /// The project.
    pub project: ProjectKey,
    /// That project's public id.
    pub project_id: ProjectId,
    /// The password that cameras share, sealed.
    pub sealed_password: Vec<u8>,
    /// What their ids begin with, one of these.
    pub prefixes: Vec<IdPrefix>,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who set it last: see [`fleet::Principal::actor`].
    pub actor: String,
    /// When that was.
    pub set_at: Timestamp,
}

//! Projects: the tenants.

use crate::id::{ProjectId, ProjectKey};
use crate::time::Timestamp;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Our key.
    pub key: ProjectKey,
    /// Its public id.
    pub id: ProjectId,
    /// The operator's name for it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

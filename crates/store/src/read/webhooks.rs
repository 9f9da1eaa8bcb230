//! Webhooks as they are stored.

use fleet::{EventTypes, ProjectId, ProjectKey, Timestamp};

/// A webhook as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWebhook {
    /// Its id.
    pub id: String,
    /// The project whose events it is told of, and that project's public id; `None`: those of the
    /// whole server.
    pub project: Option<(ProjectKey, ProjectId)>,
    /// Where deliveries go.
    pub url: String,
    /// What it is told of.
    pub types: EventTypes,
    /// What deliveries are signed with, sealed: opened only with the master key.
    pub sealed_secret: Vec<u8>,
    /// Whether deliveries are made.
    pub enabled: bool,
    /// Up to where it has been told: a [`crate::ResumeToken`], perhaps of another store that this
    /// one was copied from.
    pub position: String,
    /// When a delivery was last taken.
    pub last_success_at: Option<Timestamp>,
    /// When one last failed.
    pub last_failure_at: Option<Timestamp>,
    /// Why it did.
    pub last_failure: Option<String>,
    /// How many have failed in a row.
    pub failures: u32,
    /// When the next is tried, where that is waited for.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom: see [`fleet::Principal::actor`].
    pub created_by: String,
    /// When a person last changed it.
    pub updated_at: Timestamp,
}

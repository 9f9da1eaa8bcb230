//! Webhooks.

use serde::Deserialize;

/// `GET /webhooks`.
#[derive(Debug, Deserialize)]
pub struct Webhooks {
    /// The oldest first.
    pub webhooks: Vec<Webhook>,
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The project whose events it is told of; `None`: those of the whole server.
    pub project: Option<String>,
    /// Where deliveries go.
    pub url: String,
    /// The types of events that it is told of.
    pub types: Vec<String>,
    /// Whether deliveries are made.
    pub enabled: bool,
    /// When a delivery was last taken.
    pub last_success_at: Option<String>,
    /// When one last failed.
    pub last_failure_at: Option<String>,
    /// Why it did.
    pub last_failure: Option<String>,
    /// How many have failed in a row.
    pub failures: u32,
    /// When the next is tried, where that is waited for.
    pub next_attempt_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// By whom.
    pub created_by: String,
    /// The secret, in the one answer that shows it.
    #[serde(default)]
    pub secret: Option<String>,
}

/// `POST /webhooks/{id}/test`.
#[derive(Debug, Deserialize)]
pub struct Trial {
    /// Whether the receiver took it.
    pub taken: bool,
    /// The HTTP status that it answered, if it answered.
    pub status: Option<u16>,
    /// How long that took.
    pub took_ms: u64,
    /// What it said, or why there is no answer.
    pub detail: String,
}

//! Changes of webhooks, and what came of their deliveries.

use fleet::{EventTypes, ProjectId, Timestamp};

use crate::feed::ResumeToken;

/// Makes a webhook. Refused with [`super::Refused::NoSuchProject`], with
/// [`super::Refused::NoSuchServer`] if it is to be of the whole server and the principal is bound
/// to projects, and with [`super::Refused::TooManyWebhooks`].
#[derive(Debug, Clone)]
pub struct CreateWebhook {
    /// Its id, which no other has.
    pub id: String,
    /// The project whose events it is told of; `None`: those of the whole server.
    pub project: Option<ProjectId>,
    /// Where deliveries go.
    pub url: String,
    /// What it is told of.
    pub types: EventTypes,
    /// What deliveries are signed with, sealed.
    pub sealed_secret: Vec<u8>,
    /// Whether deliveries are made.
    pub enabled: bool,
    /// The place in the feed that it is told of what follows.
    pub position: ResumeToken,
    /// Now.
    pub at: Timestamp,
}

/// Changes a webhook, which is tried again at once. Each change has a later time than the one
/// before it, whatever the clock says. Refused with [`super::Refused::NoSuchWebhook`].
#[derive(Debug, Clone)]
pub struct ChangeWebhook {
    /// The webhook.
    pub id: String,
    /// Where deliveries go from now on; `None` leaves it.
    pub url: Option<String>,
    /// What it is told of from now on; `None` leaves it.
    pub types: Option<EventTypes>,
    /// What deliveries are signed with from now on, sealed; `None` leaves it.
    pub sealed_secret: Option<Vec<u8>>,
    /// Whether deliveries are made from now on; `None` leaves it.
    pub enabled: Option<bool>,
    /// Now.
    pub at: Timestamp,
}

/// Deletes a webhook. Refused with [`super::Refused::NoSuchWebhook`].
#[derive(Debug, Clone)]
pub struct DeleteWebhook {
    /// The webhook.
    pub id: String,
}

/// How a webhook's deliveries stand. One of a webhook that is gone is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNote {
    /// The webhook.
    pub id: String,
    /// Up to where it has been told; `None` leaves what is there.
    pub position: Option<ResumeToken>,
    /// When a delivery was last taken; `None` leaves what is there.
    pub succeeded_at: Option<Timestamp>,
    /// When one last failed, and why; `None` leaves what is there.
    pub failed: Option<(Timestamp, String)>,
    /// How many have failed in a row.
    pub failures: u32,
    /// When the next is tried, if that is waited for.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether its receiver is gone: no more deliveries are made.
    pub disable: bool,
    /// When the webhook was last changed, as these deliveries were made. If it has been changed
    /// since, `failures`, `next_attempt_at` and `disable` are of what it was, and are passed over.
    pub changed_at: Timestamp,
}

impl DeliveryNote {
    /// Both, `later` after this one.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        let is_unchanged = self.changed_at == later.changed_at;
        Self {
            position: later.position.or(self.position),
            succeeded_at: later.succeeded_at.or(self.succeeded_at),
            failed: later.failed.or(self.failed),
            disable: later.disable || self.disable && is_unchanged,
            ..later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_gone_before_a_change_is_not_gone_after_it() {
        let note = |disable, changed_at| DeliveryNote {
            id: "w".to_owned(),
            position: None,
            succeeded_at: None,
            failed: None,
            failures: 1,
            next_attempt_at: None,
            disable,
            changed_at: Timestamp(changed_at),
        };
        assert!(note(true, 1).then(note(false, 1)).disable);
        assert!(!note(true, 1).then(note(false, 2)).disable);
        assert!(note(false, 1).then(note(true, 2)).disable);
    }
}

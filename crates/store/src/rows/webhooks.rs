//! Webhooks.

use fleet::{ProjectKey, Timestamp};

use crate::columns::{Columns, column, json, optional, parsed};
use crate::{Error, StoredWebhook};

/// The columns that [`webhook`] reads, from `webhook AS w` and, where it has one, `project AS p`.
pub(crate) const WEBHOOK_COLUMNS: &str = "w.id, w.project, p.id AS project_id, w.url, w.filter, \
     w.sealed_secret, w.enabled, w.position, w.last_success_at, w.last_failure_at, \
     w.last_failure, w.failures, w.next_attempt_at, w.created_at, w.created_by, w.updated_at";

/// The column `filter`, as JSON.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Filter {
    /// What the webhook is told of.
    pub(crate) types: fleet::EventTypes,
}

/// A row with [`WEBHOOK_COLUMNS`].
pub(crate) fn webhook(row: &impl Columns) -> Result<StoredWebhook, Error> {
    let project = match optional::<i64>(row, "project")? {
        Some(key) => Some((ProjectKey(key), parsed(row, "project_id")?)),
        None => None,
    };
    let filter: Filter = json(row, "filter")?;
    Ok(StoredWebhook {
        id: column(row, "id")?,
        project,
        url: column(row, "url")?,
        types: filter.types,
        sealed_secret: column(row, "sealed_secret")?,
        enabled: column(row, "enabled")?,
        position: column(row, "position")?,
        last_success_at: optional::<i64>(row, "last_success_at")?.map(Timestamp),
        last_failure_at: optional::<i64>(row, "last_failure_at")?.map(Timestamp),
        last_failure: optional(row, "last_failure")?,
        failures: column(row, "failures")?,
        next_attempt_at: optional::<i64>(row, "next_attempt_at")?.map(Timestamp),
        created_at: Timestamp(column(row, "created_at")?),
        created_by: column(row, "created_by")?,
        updated_at: Timestamp(column(row, "updated_at")?),
    })
}

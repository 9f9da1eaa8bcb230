//! Webhooks.

use fleet::{Principal, ProjectId};

use super::{bound, is_storable};
use crate::postgres::connection::Connection;
use crate::rows::webhooks::{WEBHOOK_COLUMNS, webhook as read};
use crate::{Error, StoredWebhook};

/// See [`crate::Reads::webhooks`].
pub(in crate::postgres) async fn webhooks(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Vec<StoredWebhook>, Error> {
    let operation = "list the webhooks";
    let bound = bound(principal);
    let Some(project) = project else {
        let sql = format!(
            "SELECT {WEBHOOK_COLUMNS} FROM webhook AS w LEFT JOIN project AS p ON p.key = w.project
             WHERE $1::bigint[] IS NULL OR w.project = ANY($1) ORDER BY w.created_at, w.id"
        );
        return c.all(operation, &sql, &[&bound], read).await;
    };
    let sql = format!(
        "SELECT {WEBHOOK_COLUMNS} FROM project AS p JOIN webhook AS w ON w.project = p.key
         WHERE p.id = $2 AND ($1::bigint[] IS NULL OR p.key = ANY($1))
         ORDER BY w.created_at, w.id"
    );
    c.all(operation, &sql, &[&bound as _, &project.as_str() as _], read).await
}

/// See [`crate::Reads::webhook`].
pub(in crate::postgres) async fn webhook(
    c: &Connection,
    principal: &Principal,
    id: &str,
) -> Result<Option<StoredWebhook>, Error> {
    if !is_storable(id) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {WEBHOOK_COLUMNS} FROM webhook AS w LEFT JOIN project AS p ON p.key = w.project
         WHERE w.id = $1 AND ($2::bigint[] IS NULL OR w.project = ANY($2))"
    );
    c.first("read a webhook", &sql, &[&id as _, &bound(principal) as _], read).await
}

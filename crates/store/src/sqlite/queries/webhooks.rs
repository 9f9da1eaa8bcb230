//! Webhooks.

use fleet::{Principal, ProjectId};
use rusqlite::{Connection, params};

use super::{all, bound, first, seen};
use crate::rows::webhooks::{WEBHOOK_COLUMNS, webhook as read};
use crate::{Error, StoredWebhook};

/// See [`crate::Reads::webhooks`].
pub(in crate::sqlite) fn webhooks(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Vec<StoredWebhook>, Error> {
    let operation = "list the webhooks";
    let seen = seen("w.project", "?1");
    let Some(project) = project else {
        let sql = format!(
            "SELECT {WEBHOOK_COLUMNS} FROM webhook AS w LEFT JOIN project AS p ON p.key = w.project
             WHERE {seen} ORDER BY w.created_at, w.id"
        );
        return all(connection, operation, &sql, [bound(principal)], |row| read(row));
    };
    let sql = format!(
        "SELECT {WEBHOOK_COLUMNS} FROM project AS p JOIN webhook AS w ON w.project = p.key
         WHERE p.id = ?2 AND {seen} ORDER BY w.created_at, w.id"
    );
    let params = params![bound(principal), project.as_str()];
    all(connection, operation, &sql, params, |row| read(row))
}

/// See [`crate::Reads::webhook`].
pub(in crate::sqlite) fn webhook(
    connection: &Connection,
    principal: &Principal,
    id: &str,
) -> Result<Option<StoredWebhook>, Error> {
    let seen = seen("w.project", "?2");
    let sql = format!(
        "SELECT {WEBHOOK_COLUMNS} FROM webhook AS w LEFT JOIN project AS p ON p.key = w.project
         WHERE w.id = ?1 AND {seen}"
    );
    first(connection, "read a webhook", &sql, params![id, bound(principal)], |row| read(row))
}

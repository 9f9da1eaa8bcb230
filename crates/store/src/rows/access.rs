//! Grants, tokens and the audit.

use fleet::{ProjectKey, Timestamp};

use crate::columns::{Columns, column, optional, parsed};
use crate::{AuditEntry, Error, GrantHolder, StoredToken, TokenRecord, UserGrant};

/// A row with `project`, `project_id` and `role`.
pub(crate) fn grant(row: &impl Columns) -> Result<UserGrant, Error> {
    Ok(UserGrant {
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        grant: parsed(row, "role")?,
    })
}

/// A row with `user_name`, `role`, `project`, the user's own project as `own` and `disabled_at`.
pub(crate) fn grant_holder(row: &impl Columns) -> Result<GrantHolder, Error> {
    let (project, own): (i64, i64) = (column(row, "project")?, column(row, "own")?);
    Ok(GrantHolder {
        user: column(row, "user_name")?,
        grant: parsed(row, "role")?,
        of_project: project == own,
        disabled_at: optional(row, "disabled_at")?.map(Timestamp),
    })
}

/// A row of `token`, joined to `user_account` and `project`, with `id`, `name`, `user`, `project`,
/// `project_id` and `expires_at`; the user's grants are in rows of their own.
pub(crate) fn stored_token(row: &impl Columns) -> Result<StoredToken, Error> {
    Ok(StoredToken {
        id: column(row, "id")?,
        name: optional(row, "name")?,
        user: column(row, "user")?,
        grants: Vec::new(),
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        expires_at: Timestamp(column(row, "expires_at")?),
    })
}

/// The columns that [`token_record`] reads, from `token AS t JOIN user_account AS u`.
pub(crate) const TOKEN_COLUMNS: &str =
    "t.id, t.name, u.name AS user_name, u.project, t.issued_at, t.expires_at, t.last_used_at";

/// A row with [`TOKEN_COLUMNS`].
pub(crate) fn token_record(row: &impl Columns) -> Result<TokenRecord, Error> {
    Ok(TokenRecord {
        id: column(row, "id")?,
        user: column(row, "user_name")?,
        project: ProjectKey(column(row, "project")?),
        name: optional(row, "name")?,
        issued_at: Timestamp(column(row, "issued_at")?),
        expires_at: Timestamp(column(row, "expires_at")?),
        last_used_at: optional::<i64>(row, "last_used_at")?.map(Timestamp),
    })
}

/// The columns that [`audit_entry`] reads, from `audit AS a LEFT JOIN project AS p`. A project that
/// was deleted has left its id.
pub(crate) const AUDIT_COLUMNS: &str = "a.seq, a.at, a.actor, \
     coalesce(p.id, (SELECT id FROM deleted_project WHERE key = a.project)) AS project_id, \
     a.action, a.target, a.detail";

/// A row with [`AUDIT_COLUMNS`].
pub(crate) fn audit_entry(row: &impl Columns) -> Result<AuditEntry, Error> {
    let project_id: Option<String> = optional(row, "project_id")?;
    Ok(AuditEntry {
        seq: column(row, "seq")?,
        at: Timestamp(column(row, "at")?),
        actor: column(row, "actor")?,
        project_id: match project_id {
            Some(_) => Some(parsed(row, "project_id")?),
            None => None,
        },
        action: column(row, "action")?,
        target: column(row, "target")?,
        detail: column(row, "detail")?,
    })
}

//! Grants, tokens and the audit.

use fleet::{Principal, ProjectId};

use super::{Terms, bound, is_storable, projects};
use crate::postgres::connection::Connection;
use crate::rows::access::{
    AUDIT_COLUMNS, TOKEN_COLUMNS, audit_entry, grant, grant_holder, stored_token, token_record,
};
use crate::{AuditEntry, AuditFilter, Error, GrantHolder, StoredToken, TokenRecord, UserGrant};

/// See [`crate::Reads::grants`].
pub(in crate::postgres) async fn grants(
    c: &Connection,
    principal: &Principal,
    user: &str,
) -> Result<Vec<UserGrant>, Error> {
    if !is_storable(user) {
        return Ok(Vec::new());
    }
    let sql = "SELECT g.project, p.id AS project_id, g.role
         FROM user_grant AS g JOIN project AS p ON p.key = g.project
         WHERE g.\"user\" = $1 AND ($2::bigint[] IS NULL OR g.project = ANY($2)) ORDER BY p.id";
    let bound = bound(principal);
    c.all("list what a user may do", sql, &[&user, &bound], grant).await
}

/// See [`crate::Reads::grants_in`].
pub(in crate::postgres) async fn grants_in(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<GrantHolder>, Error> {
    // No name has a U+0000 in it, so what follows one decides nothing.
    let after = after.split('\0').next().unwrap_or_default();
    let sql = "SELECT g.\"user\" AS user_name, g.role, g.project, u.project AS own, u.disabled_at
         FROM project AS p JOIN user_grant AS g ON g.project = p.key
             JOIN user_account AS u ON u.name = g.\"user\"
         WHERE p.id = $1 AND ($2::bigint[] IS NULL OR p.key = ANY($2)) AND g.\"user\" > $3
         ORDER BY g.\"user\" LIMIT $4";
    let (project, bound, limit) = (project.as_str(), bound(principal), i64::from(limit));
    let operation = "list who may do something in a project";
    c.all(operation, sql, &[&project, &bound, &after, &limit], grant_holder).await
}

/// See [`crate::Reads::token`].
pub(in crate::postgres) async fn token(
    c: &Connection,
    hash: [u8; 32],
) -> Result<Option<StoredToken>, Error> {
    let sql = "SELECT t.id, t.name, t.\"user\", u.project, p.id AS project_id, t.expires_at
         FROM token AS t JOIN user_account AS u ON u.name = t.\"user\"
             JOIN project AS p ON p.key = u.project
         WHERE t.hash = $1 AND u.disabled_at IS NULL";
    let found = c.first("read a token", sql, &[&hash.as_slice()], stored_token).await?;
    let Some(mut token) = found else { return Ok(None) };
    token.grants = grants(c, &Principal::engine(), &token.user).await?;
    Ok(Some(token))
}

/// See [`crate::Reads::tokens`].
pub(in crate::postgres) async fn tokens(
    c: &Connection,
    user: &str,
) -> Result<Vec<TokenRecord>, Error> {
    if !is_storable(user) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {TOKEN_COLUMNS} FROM token AS t JOIN user_account AS u ON u.name = t.\"user\"
         WHERE t.\"user\" = $1 ORDER BY t.issued_at, t.id"
    );
    c.all("list the tokens of a user", &sql, &[&user], token_record).await
}

/// See [`crate::Reads::token_record`].
pub(in crate::postgres) async fn token_record_by_id(
    c: &Connection,
    id: &str,
) -> Result<Option<TokenRecord>, Error> {
    if !is_storable(id) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {TOKEN_COLUMNS} FROM token AS t JOIN user_account AS u ON u.name = t.\"user\"
         WHERE t.id = $1"
    );
    c.first("read a token's record", &sql, &[&id], token_record).await
}

/// See [`crate::Reads::audit`].
pub(in crate::postgres) async fn audit(
    c: &Connection,
    principal: &Principal,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    let words = [filter.actor.as_deref(), filter.action.as_deref()];
    if words.into_iter().flatten().any(|word| !is_storable(word)) {
        return Ok(Vec::new());
    }
    let mut terms = Terms::default();
    terms.require_that("true");
    let mut seen = principal.projects().map(<[_]>::to_vec);
    if let Some(id) = &filter.project {
        match projects::project(c, principal, id).await? {
            Some(found) => seen = Some(vec![found.key]),
            None => return Ok(Vec::new()),
        }
    }
    match seen.as_deref() {
        None => {}
        Some([project]) => terms.require("a.project = ?", project.0),
        Some(several) => {
            let keys: Vec<i64> = several.iter().map(|project| project.0).collect();
            terms.require("a.project = ANY(?)", keys);
        }
    }
    if let Some(actor) = &filter.actor {
        terms.require("a.actor = ?", actor.clone());
    }
    if let Some(action) = &filter.action {
        terms.require("a.action = ?", action.clone());
    }
    if let Some(before) = before {
        terms.require("a.seq < ?", before);
    }
    let limit = terms.value(i64::from(limit));
    let sql = format!(
        "SELECT {AUDIT_COLUMNS} FROM audit AS a LEFT JOIN project AS p ON p.key = a.project
         WHERE {} ORDER BY a.seq DESC LIMIT {limit}",
        terms.sql()
    );
    c.all("list the audit", &sql, &terms.params(), audit_entry).await
}

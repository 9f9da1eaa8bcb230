//! Grants, tokens and the audit.

use fleet::{Principal, ProjectId};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{all, bound, first, keys, projects, seen};
use crate::rows::access::{
    AUDIT_COLUMNS, TOKEN_COLUMNS, audit_entry, grant, grant_holder, stored_token, token_record,
};
use crate::{AuditEntry, AuditFilter, Error, GrantHolder, StoredToken, TokenRecord, UserGrant};

/// See [`crate::Reads::grants`].
pub(in crate::sqlite) fn grants(
    connection: &Connection,
    principal: &Principal,
    user: &str,
) -> Result<Vec<UserGrant>, Error> {
    let seen = seen("g.project", "?2");
    let sql = format!(
        "SELECT g.project, p.id AS project_id, g.role
         FROM user_grant AS g JOIN project AS p ON p.key = g.project
         WHERE g.user = ?1 AND {seen} ORDER BY p.id"
    );
    let params = params![user, bound(principal)];
    all(connection, "list what a user may do", &sql, params, |row| grant(row))
}

/// See [`crate::Reads::grants_in`].
pub(in crate::sqlite) fn grants_in(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<GrantHolder>, Error> {
    let seen = seen("p.key", "?2");
    let sql = format!(
        "SELECT g.user AS user_name, g.role, g.project, u.project AS own, u.disabled_at
         FROM project AS p JOIN user_grant AS g ON g.project = p.key
             JOIN user_account AS u ON u.name = g.user
         WHERE p.id = ?1 AND {seen} AND g.user > ?3 ORDER BY g.user LIMIT ?4"
    );
    let params = params![project.as_str(), bound(principal), after, limit];
    all(connection, "list who may do something in a project", &sql, params, |row| grant_holder(row))
}

/// See [`crate::Reads::token`].
pub(in crate::sqlite) fn token(
    connection: &Connection,
    hash: [u8; 32],
) -> Result<Option<StoredToken>, Error> {
    let sql = "SELECT t.id, t.name, t.user, u.project, p.id AS project_id, t.expires_at
         FROM token AS t JOIN user_account AS u ON u.name = t.user
             JOIN project AS p ON p.key = u.project
         WHERE t.hash = ?1 AND u.disabled_at IS NULL";
    let found = first(connection, "read a token", sql, [hash], |row| stored_token(row))?;
    let Some(mut token) = found else { return Ok(None) };
    token.grants = grants(connection, &Principal::engine(), &token.user)?;
    Ok(Some(token))
}

/// See [`crate::Reads::tokens`].
pub(in crate::sqlite) fn tokens(
    connection: &Connection,
    user: &str,
) -> Result<Vec<TokenRecord>, Error> {
    let sql = format!(
        "SELECT {TOKEN_COLUMNS} FROM token AS t JOIN user_account AS u ON u.name = t.user
         WHERE t.user = ?1 ORDER BY t.issued_at, t.id"
    );
    all(connection, "list the tokens of a user", &sql, [user], |row| token_record(row))
}

/// See [`crate::Reads::token_record`].
pub(in crate::sqlite) fn token_record_by_id(
    connection: &Connection,
    id: &str,
) -> Result<Option<TokenRecord>, Error> {
    let sql = format!(
        "SELECT {TOKEN_COLUMNS} FROM token AS t JOIN user_account AS u ON u.name = t.user
         WHERE t.id = ?1"
    );
    first(connection, "read a token's record", &sql, [id], |row| token_record(row))
}

/// A page of the audit: the terms of a filter alone are in the statement, so that an index serves
/// it.
pub(in crate::sqlite) fn audit_sql(terms: &[&str]) -> String {
    let terms = if terms.is_empty() { "true".to_owned() } else { terms.join(" AND ") };
    format!(
        "SELECT {AUDIT_COLUMNS} FROM audit AS a LEFT JOIN project AS p ON p.key = a.project
         WHERE {terms} ORDER BY a.seq DESC LIMIT ?"
    )
}

/// See [`crate::Reads::audit`].
pub(in crate::sqlite) fn audit(
    connection: &Connection,
    principal: &Principal,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    let (mut terms, mut params) = (Vec::new(), Vec::new());
    let mut seen = principal.projects().map(<[_]>::to_vec);
    if let Some(id) = &filter.project {
        match projects::project(connection, principal, id)? {
            Some(found) => seen = Some(vec![found.key]),
            None => return Ok(Vec::new()),
        }
    }
    match seen.as_deref() {
        None => {}
        Some([project]) => {
            terms.push("a.project = ?");
            params.push(Value::Integer(project.0));
        }
        Some(several) => {
            terms.push("a.project IN (SELECT value FROM json_each(?))");
            params.push(Value::Text(keys(several)));
        }
    }
    if let Some(actor) = &filter.actor {
        terms.push("a.actor = ?");
        params.push(Value::Text(actor.clone()));
    }
    if let Some(action) = &filter.action {
        terms.push("a.action = ?");
        params.push(Value::Text(action.clone()));
    }
    if let Some(before) = before {
        terms.push("a.seq < ?");
        params.push(Value::Integer(before));
    }
    params.push(Value::Integer(i64::from(limit)));
    let params = params_from_iter(params);
    all(connection, "list the audit", &audit_sql(&terms), params, |row| audit_entry(row))
}

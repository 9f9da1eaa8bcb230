//! Users, tokens, and what is set for the whole server.

use fleet::{Principal, ProjectId, ProjectKey, ServerSettings, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{all, bound, first};
use crate::sqlite::apply::SERVER_SETTINGS;
use crate::sqlite::rows::{self, USER_COLUMNS, column, json, parsed};
use crate::{Error, StoredToken, StoredUser};

/// See [`crate::Reads::users`].
pub(in crate::sqlite) fn users(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Vec<StoredUser>, Error> {
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM project AS p JOIN user_account AS u ON u.project = p.key
         WHERE p.id = ?1 AND (?2 IS NULL OR p.key = ?2) ORDER BY u.name"
    );
    let params = params![project.as_str(), bound(principal)];
    all(connection, "list the users", &sql, params, rows::stored_user)
}

/// See [`crate::Reads::user`].
pub(in crate::sqlite) fn user(
    connection: &Connection,
    name: &str,
) -> Result<Option<StoredUser>, Error> {
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM user_account AS u JOIN project AS p ON p.key = u.project
         WHERE u.name = ?1"
    );
    first(connection, "read a user", &sql, [name], rows::stored_user)
}

/// See [`crate::Reads::token`].
pub(in crate::sqlite) fn token(
    connection: &Connection,
    hash: [u8; 32],
) -> Result<Option<StoredToken>, Error> {
    let sql = "SELECT t.user, u.project, p.id AS project_id, t.expires_at
         FROM token AS t JOIN user_account AS u ON u.name = t.user
             JOIN project AS p ON p.key = u.project
         WHERE t.hash = ?1 AND u.disabled_at IS NULL";
    let read = |row: &Row<'_>| {
        Ok(StoredToken {
            user: column(row, "user")?,
            project: ProjectKey(column(row, "project")?),
            project_id: parsed(row, "project_id")?,
            expires_at: Timestamp(column(row, "expires_at")?),
        })
    };
    first(connection, "read a token", sql, [hash], read)
}

/// See [`crate::Reads::server_settings`].
pub(in crate::sqlite) fn server_settings(connection: &Connection) -> Result<ServerSettings, Error> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    let read = |row: &Row<'_>| json(row, "value");
    let found = first(connection, "read the server's settings", sql, [SERVER_SETTINGS], read)?;
    Ok(found.unwrap_or_default())
}

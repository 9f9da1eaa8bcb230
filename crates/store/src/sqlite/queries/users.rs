//! Users, tokens, and what is set for the whole server.

use fleet::{Principal, ProjectId, ServerSettings};
use rusqlite::{Connection, Row, params};

use super::{all, bound, first, seen};
use crate::columns::{column, json};
use crate::rows::{self, USER_COLUMNS};
use crate::rules::users;
use crate::words::SERVER_SETTINGS;
use crate::{Error, StoredUser};

/// See [`crate::Reads::users`].
pub(in crate::sqlite) fn users(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Vec<StoredUser>, Error> {
    let seen = seen("p.key", "?2");
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM project AS p JOIN user_account AS u ON u.project = p.key
         WHERE p.id = ?1 AND {seen} ORDER BY u.name"
    );
    let params = params![project.as_str(), bound(principal)];
    all(connection, "list the users", &sql, params, |row| rows::stored_user(row))
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
    first(connection, "read a user", &sql, [name], |row| rows::stored_user(row))
}

/// See [`crate::Reads::user_meant`].
pub(in crate::sqlite) fn user_meant(
    connection: &Connection,
    name: &str,
) -> Result<Option<StoredUser>, Error> {
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM user_account AS u JOIN project AS p ON p.key = u.project
         WHERE lower(u.name) = ?1 ORDER BY u.name = ?2 DESC LIMIT 2"
    );
    let params = params![name.to_ascii_lowercase(), name];
    let alike = all(connection, "read the user meant", &sql, params, |row| rows::stored_user(row))?;
    Ok(users::meant(alike, name))
}

/// See [`crate::Reads::namesakes`].
pub(in crate::sqlite) fn namesakes(
    connection: &Connection,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let read = |row: &Row<'_>| column(row, 0);
    all(connection, "list users with one name", users::NAMESAKES, [limit], read)
}

/// See [`crate::Reads::server_settings`].
pub(in crate::sqlite) fn server_settings(connection: &Connection) -> Result<ServerSettings, Error> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    let read = |row: &Row<'_>| json(row, "value");
    let found = first(connection, "read the server's settings", sql, [SERVER_SETTINGS], read)?;
    Ok(found.unwrap_or_default())
}

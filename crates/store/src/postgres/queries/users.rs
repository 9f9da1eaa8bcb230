//! Users, tokens, and what is set for the whole server.

use fleet::{Principal, ProjectId, ServerSettings};

use super::{bound, is_storable};
use crate::columns::{column, json};
use crate::postgres::connection::Connection;
use crate::rows::{self, USER_COLUMNS};
use crate::rules::users;
use crate::words::SERVER_SETTINGS;
use crate::{Error, StoredUser};

/// See [`crate::Reads::users`].
pub(in crate::postgres) async fn users(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Vec<StoredUser>, Error> {
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM project AS p JOIN user_account AS u ON u.project = p.key
         WHERE p.id = $1 AND ($2::bigint[] IS NULL OR p.key = ANY($2)) ORDER BY u.name"
    );
    let (project, bound) = (project.as_str(), bound(principal));
    c.all("list the users", &sql, &[&project, &bound], rows::stored_user).await
}

/// See [`crate::Reads::user`].
pub(in crate::postgres) async fn user(
    c: &Connection,
    name: &str,
) -> Result<Option<StoredUser>, Error> {
    if !is_storable(name) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM user_account AS u JOIN project AS p ON p.key = u.project
         WHERE u.name = $1"
    );
    c.first("read a user", &sql, &[&name], rows::stored_user).await
}

/// See [`crate::Reads::user_meant`].
pub(in crate::postgres) async fn user_meant(
    c: &Connection,
    name: &str,
) -> Result<Option<StoredUser>, Error> {
    if !is_storable(name) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {USER_COLUMNS} FROM user_account AS u JOIN project AS p ON p.key = u.project
         WHERE lower(u.name) = $1 ORDER BY u.name = $2 DESC LIMIT 2"
    );
    let folded = name.to_ascii_lowercase();
    let alike = c.all("read the user meant", &sql, &[&folded, &name], rows::stored_user).await?;
    Ok(users::meant(alike, name))
}

/// See [`crate::Reads::namesakes`].
pub(in crate::postgres) async fn namesakes(
    c: &Connection,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let limit = i64::from(limit);
    c.all("list users with one name", users::NAMESAKES, &[&limit], |row| column(row, 0)).await
}

/// See [`crate::Reads::server_settings`].
pub(in crate::postgres) async fn server_settings(c: &Connection) -> Result<ServerSettings, Error> {
    let sql = "SELECT value FROM setting WHERE name = $1";
    let operation = "read the server's settings";
    let found = c.first(operation, sql, &[&SERVER_SETTINGS], |row| json(row, "value")).await?;
    Ok(found.unwrap_or_default())
}

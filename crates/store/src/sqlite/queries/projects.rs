//! Projects, access keys, shards.

use fleet::{Epoch, Principal, Project, ProjectId, Shard};
use rusqlite::{Connection, params};

use super::{all, bound, first, seen};
use crate::columns::column;
use crate::rows::{self, KEY_COLUMNS, PROJECT_COLUMNS};
use crate::{Error, SealedKey};

/// See [`crate::Reads::projects`].
pub(in crate::sqlite) fn projects(
    connection: &Connection,
    principal: &Principal,
) -> Result<Vec<Project>, Error> {
    let sql =
        format!("SELECT {PROJECT_COLUMNS} FROM project WHERE {} ORDER BY id", seen("key", "?1"));
    all(connection, "list the projects", &sql, [bound(principal)], |row| rows::project(row))
}

/// See [`crate::Reads::project`].
pub(in crate::sqlite) fn project(
    connection: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Option<Project>, Error> {
    let sql =
        format!("SELECT {PROJECT_COLUMNS} FROM project WHERE id = ?1 AND {}", seen("key", "?2"));
    let params = params![id.as_str(), bound(principal)];
    first(connection, "read a project", &sql, params, |row| rows::project(row))
}

/// See [`crate::Reads::access_keys`].
pub(in crate::sqlite) fn access_keys(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Vec<SealedKey>, Error> {
    let operation = "list the access keys";
    let Some(project) = project else {
        let sql = format!(
            "SELECT {KEY_COLUMNS} FROM access_key AS a LEFT JOIN project AS p ON p.key = a.project
             WHERE a.project IS NULL AND ?1 IS NULL ORDER BY a.ak"
        );
        return all(connection, operation, &sql, [bound(principal)], |row| rows::sealed_key(row));
    };
    let seen = seen("p.key", "?2");
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM project AS p JOIN access_key AS a ON a.project = p.key
         WHERE p.id = ?1 AND {seen} ORDER BY a.ak"
    );
    let params = params![project.as_str(), bound(principal)];
    all(connection, operation, &sql, params, |row| rows::sealed_key(row))
}

/// See [`crate::Reads::access_key`].
pub(in crate::sqlite) fn access_key(
    connection: &Connection,
    ak: &str,
) -> Result<Option<SealedKey>, Error> {
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM access_key AS a LEFT JOIN project AS p ON p.key = a.project
         WHERE a.ak = ?1"
    );
    first(connection, "read an access key", &sql, [ak], |row| rows::sealed_key(row))
}

/// See [`crate::Reads::epochs`].
pub(in crate::sqlite) fn epochs(connection: &Connection) -> Result<Vec<(Shard, Epoch)>, Error> {
    let sql = "SELECT shard, epoch FROM shard ORDER BY shard";
    all(connection, "read the epochs", sql, [], |row| {
        Ok((Shard(column(row, 0)?), Epoch(column(row, 1)?)))
    })
}

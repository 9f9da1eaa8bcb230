//! Projects, access keys, shards.

use fleet::{Epoch, Principal, Project, ProjectId, Shard};
use rusqlite::{Connection, params};

use super::{all, bound, first};
use crate::sqlite::rows::{self, KEY_COLUMNS, PROJECT_COLUMNS, column};
use crate::{Error, SealedKey};

/// See [`crate::Reads::projects`].
pub(in crate::sqlite) fn projects(
    connection: &Connection,
    principal: &Principal,
) -> Result<Vec<Project>, Error> {
    let sql =
        format!("SELECT {PROJECT_COLUMNS} FROM project WHERE ?1 IS NULL OR key = ?1 ORDER BY id");
    all(connection, "list the projects", &sql, [bound(principal)], rows::project)
}

/// See [`crate::Reads::project`].
pub(in crate::sqlite) fn project(
    connection: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Option<Project>, Error> {
    let sql =
        format!("SELECT {PROJECT_COLUMNS} FROM project WHERE id = ?1 AND (?2 IS NULL OR key = ?2)");
    let params = params![id.as_str(), bound(principal)];
    first(connection, "read a project", &sql, params, rows::project)
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
        return all(connection, operation, &sql, [bound(principal)], rows::sealed_key);
    };
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM project AS p JOIN access_key AS a ON a.project = p.key
         WHERE p.id = ?1 AND (?2 IS NULL OR p.key = ?2) ORDER BY a.ak"
    );
    let params = params![project.as_str(), bound(principal)];
    all(connection, operation, &sql, params, rows::sealed_key)
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
    first(connection, "read an access key", &sql, [ak], rows::sealed_key)
}

/// See [`crate::Reads::epochs`].
pub(in crate::sqlite) fn epochs(connection: &Connection) -> Result<Vec<(Shard, Epoch)>, Error> {
    let sql = "SELECT shard, epoch FROM shard ORDER BY shard";
    all(connection, "read the epochs", sql, [], |row| {
        Ok((Shard(column(row, 0)?), Epoch(column(row, 1)?)))
    })
}

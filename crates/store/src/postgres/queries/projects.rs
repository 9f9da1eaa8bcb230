//! Projects, access keys, shards.

use fleet::{Epoch, Principal, Project, ProjectId, Shard};

use super::{bound, is_storable};
use crate::columns::column;
use crate::postgres::connection::Connection;
use crate::rows::{self, KEY_COLUMNS, PROJECT_COLUMNS};
use crate::{Error, SealedKey};

/// See [`crate::Reads::projects`].
pub(in crate::postgres) async fn projects(
    c: &Connection,
    principal: &Principal,
) -> Result<Vec<Project>, Error> {
    let sql = format!(
        "SELECT {PROJECT_COLUMNS} FROM project
         WHERE $1::bigint[] IS NULL OR key = ANY($1) ORDER BY id"
    );
    let params = [&bound(principal) as _];
    c.all("list the projects", &sql, &params, rows::project).await
}

/// See [`crate::Reads::project`].
pub(in crate::postgres) async fn project(
    c: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Option<Project>, Error> {
    let sql = format!(
        "SELECT {PROJECT_COLUMNS} FROM project
         WHERE id = $1 AND ($2::bigint[] IS NULL OR key = ANY($2))"
    );
    let (id, bound) = (id.as_str(), bound(principal));
    c.first("read a project", &sql, &[&id, &bound], rows::project).await
}

/// See [`crate::Reads::access_keys`].
pub(in crate::postgres) async fn access_keys(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Vec<SealedKey>, Error> {
    let operation = "list the access keys";
    let bound = bound(principal);
    let Some(project) = project else {
        let sql = format!(
            "SELECT {KEY_COLUMNS} FROM access_key AS a LEFT JOIN project AS p ON p.key = a.project
             WHERE a.project IS NULL AND $1::bigint[] IS NULL ORDER BY a.ak"
        );
        return c.all(operation, &sql, &[&bound], rows::sealed_key).await;
    };
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM project AS p JOIN access_key AS a ON a.project = p.key
         WHERE p.id = $1 AND ($2::bigint[] IS NULL OR p.key = ANY($2)) ORDER BY a.ak"
    );
    let params = [&project.as_str() as _, &bound as _];
    c.all(operation, &sql, &params, rows::sealed_key).await
}

/// See [`crate::Reads::access_key`].
pub(in crate::postgres) async fn access_key(
    c: &Connection,
    ak: &str,
) -> Result<Option<SealedKey>, Error> {
    if !is_storable(ak) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM access_key AS a LEFT JOIN project AS p ON p.key = a.project
         WHERE a.ak = $1"
    );
    c.first("read an access key", &sql, &[&ak], rows::sealed_key).await
}

/// See [`crate::Reads::epochs`].
pub(in crate::postgres) async fn epochs(c: &Connection) -> Result<Vec<(Shard, Epoch)>, Error> {
    let sql = "SELECT shard, epoch FROM shard ORDER BY shard";
    c.all("read the epochs", sql, &[], |row| Ok((Shard(column(row, 0)?), Epoch(column(row, 1)?))))
        .await
}

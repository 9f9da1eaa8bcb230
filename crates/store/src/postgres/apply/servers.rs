//! The hosts that phones live on.

use fleet::{Principal, ProjectKey, Timestamp};

use super::projects::visible_project;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::is_storable;
use crate::write::RenameServer;
use crate::{Error, Refused, Written};

/// Whether a record of `project` names the server. One that no record names any more keeps its name
/// for when one does again, and does not exist until then.
pub(super) async fn exists(c: &Connection, project: ProjectKey, id: &str) -> Result<bool, Error> {
    if !is_storable(id) {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM device WHERE project = $1 AND server = $2 AND server <> '' LIMIT 1";
    c.exists("find a server", sql, &[&project.0, &id]).await
}

/// Notes that records name these servers: one that is new is called by its id. The empty id says
/// that none was given.
pub(super) async fn name_servers(
    c: &Connection,
    servers: impl Iterator<Item = (ProjectKey, &str)>,
    at: Timestamp,
) -> Result<(), Error> {
    let (projects, ids): (Vec<i64>, Vec<&str>) =
        servers.filter(|(_, id)| !id.is_empty()).map(|(project, id)| (project.0, id)).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO server (project, id, name, created_at, updated_at)
         SELECT project, id, id, $3::bigint, $3
             FROM unnest($1::bigint[], $2::text[]) AS named (project, id)
         ON CONFLICT (project, id) DO NOTHING";
    c.execute("note servers", sql, &[&projects, &ids, &at.0]).await?;
    Ok(())
}

/// Gives a server another name.
pub(super) async fn rename_server(
    c: &Connection,
    principal: &Principal,
    rename: &RenameServer,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(c, principal, &rename.project).await? {
        Some(project) if exists(c, project, &rename.id).await? => project,
        _ => return Ok(Err(Refused::NoSuchServer(rename.id.clone()))),
    };
    let sql = "UPDATE server SET name = $3, updated_at = $4 WHERE project = $1 AND id = $2";
    let params: Params<'_> = &[&project.0, &rename.id, &rename.name, &rename.at.0];
    c.execute("name a server", sql, params).await?;
    Ok(Ok(Written::Done))
}

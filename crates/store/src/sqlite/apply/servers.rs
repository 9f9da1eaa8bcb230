//! The hosts that phones live on.

use fleet::{Principal, ProjectKey, Timestamp};
use rusqlite::{Connection, params};

use super::projects::visible_project;
use crate::sqlite::rows::During;
use crate::write::RenameServer;
use crate::{Error, Refused, Written};

/// Whether a record of `project` names the server. One that no record names any more keeps its name
/// for when one does again, and does not exist until then.
pub(super) fn exists(
    connection: &Connection,
    project: ProjectKey,
    id: &str,
) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM device WHERE project = ?1 AND server = ?2 AND server <> ''")
        .and_then(|mut select| select.exists(params![project.0, id]))
        .during("find a server")
}

/// Notes that a record names a server: one that is new is called by its id. Nothing for the empty
/// id, which says that none was given.
pub(super) fn name_server(
    connection: &Connection,
    project: ProjectKey,
    id: &str,
    at: Timestamp,
) -> Result<(), Error> {
    if id.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO server (project, id, name, created_at, updated_at)
             VALUES (?1, ?2, ?2, ?3, ?3) ON CONFLICT (project, id) DO NOTHING",
        )
        .and_then(|mut insert| insert.execute(params![project.0, id, at.0]))
        .during("note a server")?;
    Ok(())
}

/// Gives a server another name.
pub(super) fn rename_server(
    connection: &Connection,
    principal: &Principal,
    rename: &RenameServer,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(connection, principal, &rename.project)? {
        Some(project) if exists(connection, project, &rename.id)? => project,
        _ => return Ok(Err(Refused::NoSuchServer(rename.id.clone()))),
    };
    connection
        .prepare_cached(
            "UPDATE server SET name = ?3, updated_at = ?4 WHERE project = ?1 AND id = ?2",
        )
        .and_then(|mut update| {
            update.execute(params![project.0, rename.id, rename.name, rename.at.0])
        })
        .during("name a server")?;
    Ok(Ok(Written::Done))
}

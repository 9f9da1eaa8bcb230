//! What operators set for a project and for the whole server.

use fleet::{Principal, ServerSettings};
use rusqlite::{Connection, params};

use super::projects::visible_project;
use crate::columns::to_json;
use crate::sqlite::rows::During;
use crate::words::SERVER_SETTINGS;
use crate::write::SetProject;
use crate::{Error, Refused, Written};

/// Sets what holds for all devices of a project. What holds already is no change of it.
pub(super) fn set_project(
    connection: &Connection,
    principal: &Principal,
    set: &SetProject,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &set.id)? else {
        return Ok(Err(Refused::NoSuchProject(set.id.clone())));
    };
    let settings = to_json(&set.settings)?;
    connection
        .prepare_cached(
            "UPDATE project SET settings = ?2, updated_at = ?3 WHERE key = ?1 AND settings <> ?2",
        )
        .and_then(|mut update| update.execute(params![project.0, settings, set.at.0]))
        .during("set up a project")?;
    Ok(Ok(Written::Done))
}

/// Sets what holds for the whole server, which one who is bound to a project can't see.
pub(super) fn set_server(
    connection: &Connection,
    principal: &Principal,
    set: &ServerSettings,
) -> Result<Result<Written, Refused>, Error> {
    if !principal.is_server_admin() {
        return Ok(Err(Refused::NoSuchServer("this server as a whole".to_owned())));
    }
    let settings = to_json(set)?;
    connection
        .prepare_cached(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .and_then(|mut insert| insert.execute(params![SERVER_SETTINGS, settings]))
        .during("set up the server")?;
    Ok(Ok(Written::Done))
}

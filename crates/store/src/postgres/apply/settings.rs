//! What operators set for a project and for the whole server.

use fleet::{Principal, ServerSettings};

use super::projects::visible_project;
use crate::columns::to_json;
use crate::postgres::connection::Connection;
use crate::words::SERVER_SETTINGS;
use crate::write::SetProject;
use crate::{Error, Refused, Written};

/// Sets what holds for all devices of a project. What holds already is no change of it.
pub(super) async fn set_project(
    c: &Connection,
    principal: &Principal,
    set: &SetProject,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &set.id).await? else {
        return Ok(Err(Refused::NoSuchProject(set.id.clone())));
    };
    let settings = to_json(&set.settings)?;
    let sql = "UPDATE project SET settings = $2, updated_at = $3 WHERE key = $1 AND settings <> $2";
    c.execute("set up a project", sql, &[&project.0, &settings, &set.at.0]).await?;
    Ok(Ok(Written::Done))
}

/// Sets what holds for the whole server, which one who is bound to a project can't see.
pub(super) async fn set_server(
    c: &Connection,
    principal: &Principal,
    set: &ServerSettings,
) -> Result<Result<Written, Refused>, Error> {
    if !principal.is_server_admin() {
        return Ok(Err(Refused::NoSuchServer("this server as a whole".to_owned())));
    }
    let settings = to_json(set)?;
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    c.execute("set up the server", sql, &[&SERVER_SETTINGS, &settings]).await?;
    Ok(Ok(Written::Done))
}

//! Projects.

use fleet::{Principal, ProjectId, ProjectKey};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::damaged;
use crate::sqlite::queries;
use crate::sqlite::rows::During;
use crate::write::{ChangeProject, CreateProject};
use crate::{Error, Refused, Written};

/// What goes with a project, in an order in which nothing is left that refers to what is gone, and
/// the project last. Devices are not among it: it has none then. Nor are jobs.
const DELETE: [&str; 14] = [
    "DELETE FROM token WHERE user IN (SELECT name FROM user_account WHERE project = ?1)",
    "DELETE FROM user_grant WHERE project = ?1
         OR user IN (SELECT name FROM user_account WHERE project = ?1)",
    "DELETE FROM user_account WHERE project = ?1",
    "DELETE FROM access_key WHERE project = ?1",
    "DELETE FROM webhook WHERE project = ?1",
    "DELETE FROM tag WHERE project = ?1",
    "DELETE FROM server WHERE project = ?1",
    "DELETE FROM organization WHERE project = ?1",
    "DELETE FROM pending_device WHERE project = ?1",
    "DELETE FROM enrolment WHERE project = ?1",
    "DELETE FROM preset WHERE project = ?1",
    "DELETE FROM fleet_count WHERE project = ?1",
    "DELETE FROM fleet_sample WHERE project = ?1",
    "DELETE FROM project WHERE key = ?1",
];

/// The key of a project that the principal may see.
pub(super) fn visible_project(
    connection: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Option<ProjectKey>, Error> {
    let key = connection
        .prepare_cached("SELECT key FROM project WHERE id = ?1")
        .and_then(|mut select| select.query_row([id.as_str()], |row| row.get(0)).optional())
        .during("find a project")?;
    Ok(key.map(ProjectKey).filter(|key| principal.may_see(*key)))
}

/// Makes a project. One who is bound to a project makes none: to it there are no others. Its key is
/// above all that ever were: those who were bound to one that is deleted must not find another.
pub(super) fn create_project(
    connection: &Connection,
    principal: &Principal,
    create: &CreateProject,
) -> Result<Result<Written, Refused>, Error> {
    if principal.is_bound() {
        return Ok(Err(Refused::NoSuchProject(create.id.clone())));
    }
    let CreateProject { id, name, description, at } = create;
    let made = connection
        .prepare_cached(
            "INSERT INTO project (key, id, name, description, created_at, updated_at)
             VALUES (1 + max((SELECT coalesce(max(key), 0) FROM project),
                             (SELECT coalesce(max(key), 0) FROM deleted_project)),
                     ?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (id) DO NOTHING",
        )
        .and_then(|mut insert| insert.execute(params![id.as_str(), name, description, at.0]))
        .during("make a project")?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "project", id: id.to_string() }));
    }
    shown(connection, id).map(Ok)
}

/// The project as it is now.
fn shown(connection: &Connection, id: &ProjectId) -> Result<Written, Error> {
    match queries::projects::project(connection, &Principal::engine(), id)? {
        Some(project) => Ok(Written::Project(Box::new(project))),
        None => Err(damaged("project", "it is gone in its own transaction")),
    }
}

/// Gives a project another name or description, or pauses it. What it has already is no change of
/// it.
pub(super) fn change_project(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeProject,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &change.id)? else {
        return Ok(Err(Refused::NoSuchProject(change.id.clone())));
    };
    connection
        .prepare_cached(
            "UPDATE project SET name = coalesce(?2, name),
                 description = coalesce(?3, description),
                 settings = CASE WHEN ?4 IS NULL THEN settings
                     ELSE json_set(settings, '$.paused', json(?4)) END,
                 updated_at = ?5
             WHERE key = ?1 AND (name <> ?2 OR description <> ?3
                 OR coalesce(settings ->> '$.paused', 0) <> (?4 = 'true'))",
        )
        .and_then(|mut update| {
            let paused = change.paused.map(|paused| if paused { "true" } else { "false" });
            let (name, description) = (&change.name, &change.description);
            update.execute(params![project.0, name, description, paused, change.at.0])
        })
        .during("change a project")?;
    shown(connection, &change.id).map(Ok)
}

/// Deletes a project that has no devices, with all that is its own. One who is bound to it does not
/// delete it, as it makes none.
pub(super) fn delete_project(
    connection: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(connection, principal, id)? {
        Some(project) if !principal.is_bound() => project,
        _ => return Ok(Err(Refused::NoSuchProject(id.clone()))),
    };
    let devices: i64 = connection
        .prepare_cached("SELECT count(*) FROM device WHERE project = ?1")
        .and_then(|mut select| select.query_row([project.0], |row| row.get(0)))
        .during("count the devices of a project")?;
    if devices > 0 {
        let devices = devices.unsigned_abs();
        return Ok(Err(Refused::ProjectInUse { id: id.clone(), devices }));
    }
    connection
        .prepare_cached("INSERT INTO deleted_project (key, id) VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![project.0, id.as_str()]))
        .during("note that a project is deleted")?;
    for sql in DELETE {
        connection
            .prepare_cached(sql)
            .and_then(|mut delete| delete.execute([project.0]))
            .during("delete a project")?;
    }
    Ok(Ok(Written::Done))
}

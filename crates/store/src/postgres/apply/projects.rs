//! Projects.

use fleet::{Principal, Project, ProjectId, ProjectKey, ProjectSettings};

use crate::columns::{column, damaged, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries;
use crate::write::{ChangeProject, CreateProject};
use crate::{Error, Refused, Written};

/// What goes with a project, in an order in which nothing is left that refers to what is gone, and
/// the project last. Devices are not among it: it has none then. Nor are jobs.
const DELETE: [&str; 14] = [
    "DELETE FROM token WHERE \"user\" IN (SELECT name FROM user_account WHERE project = $1)",
    "DELETE FROM user_grant WHERE project = $1
         OR \"user\" IN (SELECT name FROM user_account WHERE project = $1)",
    "DELETE FROM user_account WHERE project = $1",
    "DELETE FROM access_key WHERE project = $1",
    "DELETE FROM webhook WHERE project = $1",
    "DELETE FROM tag WHERE project = $1",
    "DELETE FROM server WHERE project = $1",
    "DELETE FROM organization WHERE project = $1",
    "DELETE FROM pending_device WHERE project = $1",
    "DELETE FROM enrolment WHERE project = $1",
    "DELETE FROM preset WHERE project = $1",
    "DELETE FROM fleet_count WHERE project = $1",
    "DELETE FROM fleet_sample WHERE project = $1",
    "DELETE FROM project WHERE key = $1",
];

/// The key of a project that the principal may see.
pub(super) async fn visible_project(
    c: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Option<ProjectKey>, Error> {
    let sql = "SELECT key FROM project WHERE id = $1";
    let key = c.first("find a project", sql, &[&id.as_str()], |row| column(row, 0)).await?;
    Ok(key.map(ProjectKey).filter(|key| principal.may_see(*key)))
}

/// Makes a project. One who is bound to a project makes none: to it there are no others. Its key is
/// one that none ever had: those who were bound to one that is deleted must not find another.
pub(super) async fn create_project(
    c: &Connection,
    principal: &Principal,
    create: &CreateProject,
) -> Result<Result<Written, Refused>, Error> {
    if principal.is_bound() {
        return Ok(Err(Refused::NoSuchProject(create.id.clone())));
    }
    let CreateProject { id, name, description, at } = create;
    let sql = "INSERT INTO project (id, name, description, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING";
    let params: Params<'_> = &[&id.as_str(), name, description, &at.0];
    let made = c.execute("make a project", sql, params).await?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "project", id: id.to_string() }));
    }
    shown(c, id).await.map(Ok)
}

/// The project as it is now.
async fn shown(c: &Connection, id: &ProjectId) -> Result<Written, Error> {
    Ok(Written::Project(Box::new(present(c, id).await?)))
}

/// A project that is known to be there.
async fn present(c: &Connection, id: &ProjectId) -> Result<Project, Error> {
    let project = queries::projects::project(c, &Principal::engine(), id).await?;
    project.ok_or_else(|| damaged("project", "it is gone in its own transaction"))
}

/// Gives a project another name or description, or pauses it. What it has already is no change of
/// it.
pub(super) async fn change_project(
    c: &Connection,
    principal: &Principal,
    change: &ChangeProject,
) -> Result<Result<Written, Refused>, Error> {
    if visible_project(c, principal, &change.id).await?.is_none() {
        return Ok(Err(Refused::NoSuchProject(change.id.clone())));
    }
    let before = present(c, &change.id).await?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name.clone_from(name);
    }
    if let Some(description) = &change.description {
        after.description.clone_from(description);
    }
    if let Some(paused) = change.paused {
        after.settings = ProjectSettings { paused, ..after.settings };
    }
    if after != before {
        after.updated_at = change.at;
        let settings = to_json(&after.settings)?;
        let sql = "UPDATE project SET name = $2, description = $3, settings = $4, updated_at = $5
             WHERE key = $1";
        let Project { key, name, description, updated_at, .. } = &after;
        let params: Params<'_> = &[&key.0, name, description, &settings, &updated_at.0];
        c.execute("change a project", sql, params).await?;
    }
    Ok(Ok(Written::Project(Box::new(after))))
}

/// Deletes a project that has no devices, with all that is its own. One who is bound to it does not
/// delete it, as it makes none.
pub(super) async fn delete_project(
    c: &Connection,
    principal: &Principal,
    id: &ProjectId,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(c, principal, id).await? {
        Some(project) if !principal.is_bound() => project,
        _ => return Ok(Err(Refused::NoSuchProject(id.clone()))),
    };
    let sql = "SELECT count(*) FROM device WHERE project = $1";
    let devices = c.count("count the devices of a project", sql, &[&project.0]).await?;
    if devices > 0 {
        return Ok(Err(Refused::ProjectInUse { id: id.clone(), devices }));
    }
    let sql = "INSERT INTO deleted_project (key, id) VALUES ($1, $2)";
    c.execute("note that a project is deleted", sql, &[&project.0, &id.as_str()]).await?;
    for sql in DELETE {
        c.execute("delete a project", sql, &[&project.0]).await?;
    }
    Ok(Ok(Written::Done))
}

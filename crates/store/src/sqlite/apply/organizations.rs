//! Organizations: where GB devices and channels are filed.

use std::collections::HashMap;

use fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX;
use fleet::{
    Organization, OrganizationChange, OrganizationId, OrganizationPath, Principal, ProjectKey,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::projects::visible_project;
use crate::columns::damaged;
use crate::rows::organizations::{ORGANIZATION_COLUMNS, organization};
use crate::rules::organizations::{Unfit, new_organizations, paths};
use crate::sqlite::rows::During;
use crate::write::{ChangeOrganization, OrganizationEdit};
use crate::{Error, Refused, Written};

/// Makes, moves or deletes an organization.
pub(super) fn change_organization(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeOrganization,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &change.project)? else {
        return Ok(Err(Refused::NoSuchProject(change.project.clone())));
    };
    let (id, at) = (&change.id, change.at);
    let found = find(connection, project, id)?;
    match (&change.change, found) {
        (OrganizationEdit::Create(path), None) => {
            if let Some(id) = id_of(connection, project, path)? {
                return Ok(Err(Refused::OrganizationExists { id, path: path.clone() }));
            }
            if is_beyond(connection, project, 1)? {
                return Ok(Err(Refused::TooManyOrganizations));
            }
            insert(connection, project, id, path, at)?;
            let made =
                Organization { id: id.clone(), path: path.clone(), created_at: at, updated_at: at };
            Ok(Ok(Written::Organization(made)))
        }
        (OrganizationEdit::Create(_), Some(_)) => {
            Ok(Err(Refused::Exists { what: "organization", id: id.to_string() }))
        }
        (OrganizationEdit::Move(path), Some((key, found))) => {
            move_to(connection, project, key, found, path, at)
        }
        (OrganizationEdit::Delete, Some((key, found))) => delete(connection, key, found),
        (OrganizationEdit::Move(_) | OrganizationEdit::Delete, None) => {
            Ok(Err(Refused::NoSuchOrganization(id.clone())))
        }
    }
}

/// Gives an organization another path. The one that it has is no change.
fn move_to(
    connection: &Connection,
    project: ProjectKey,
    key: i64,
    found: Organization,
    path: &OrganizationPath,
    at: Timestamp,
) -> Result<Result<Written, Refused>, Error> {
    if found.path == *path {
        return Ok(Ok(Written::Organization(found)));
    }
    if let Some(id) = id_of(connection, project, path)? {
        return Ok(Err(Refused::OrganizationExists { id, path: path.clone() }));
    }
    connection
        .prepare_cached("UPDATE organization SET path = ?2, updated_at = ?3 WHERE key = ?1")
        .and_then(|mut update| update.execute(params![key, path.to_string(), at.0]))
        .during("move an organization")?;
    let moved = Organization { path: path.clone(), updated_at: at, ..found };
    Ok(Ok(Written::Organization(moved)))
}

/// Deletes an organization in which nothing is filed; gives it as it was.
fn delete(
    connection: &Connection,
    key: i64,
    found: Organization,
) -> Result<Result<Written, Refused>, Error> {
    let filed: i64 = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM camera WHERE organization = ?1)
                 + (SELECT count(*) FROM channel WHERE organization = ?1)",
        )
        .and_then(|mut select| select.query_row([key], |row| row.get(0)))
        .during("count what is filed in an organization")?;
    if filed > 0 {
        let filed = filed.unsigned_abs();
        return Ok(Err(Refused::OrganizationInUse { id: found.id, filed }));
    }
    connection
        .prepare_cached("DELETE FROM organization WHERE key = ?1")
        .and_then(|mut delete| delete.execute([key]))
        .during("delete an organization")?;
    Ok(Ok(Written::Organization(found)))
}

/// The organization of this id, and its key.
fn find(
    connection: &Connection,
    project: ProjectKey,
    id: &OrganizationId,
) -> Result<Option<(i64, Organization)>, Error> {
    let sql = format!(
        "SELECT o.key, {ORGANIZATION_COLUMNS} FROM organization AS o
         WHERE o.project = ?1 AND o.id = ?2"
    );
    let operation = "find an organization";
    let mut select = connection.prepare_cached(&sql).during(operation)?;
    let mut rows = select.query(params![project.0, id.as_str()]).during(operation)?;
    let Some(row) = rows.next().during(operation)? else {
        return Ok(None);
    };
    let key = row.get(0).during(operation)?;
    let found = organization(row)?.ok_or_else(|| damaged("organization_id", "it is null"))?;
    Ok(Some((key, found)))
}

/// The id of the organization of this path.
fn id_of(
    connection: &Connection,
    project: ProjectKey,
    path: &OrganizationPath,
) -> Result<Option<OrganizationId>, Error> {
    let id: Option<String> = connection
        .prepare_cached("SELECT id FROM organization WHERE project = ?1 AND path = ?2")
        .and_then(|mut select| {
            select.query_row(params![project.0, path.to_string()], |row| row.get(0)).optional()
        })
        .during("find an organization by its path")?;
    id.map(OrganizationId::new).transpose().map_err(|error| damaged("organization.id", error))
}

/// Whether a project would have more organizations than one may have if it had `more` of them. They
/// are counted only where there are so many on the whole server.
fn is_beyond(connection: &Connection, project: ProjectKey, more: usize) -> Result<bool, Error> {
    let most = ORGANIZATIONS_PER_PROJECT_MAX.saturating_sub(more);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT CASE WHEN coalesce((SELECT max(key) FROM organization), 0) > ?2
                 THEN (SELECT count(*) FROM organization WHERE project = ?1) > ?2 ELSE 0 END",
        )
        .and_then(|mut select| select.query_row([project.0, most], |row| row.get(0)))
        .during("count the organizations of a project")
}

/// Makes an organization.
fn insert(
    connection: &Connection,
    project: ProjectKey,
    id: &OrganizationId,
    path: &OrganizationPath,
    at: Timestamp,
) -> Result<i64, Error> {
    connection
        .prepare_cached(
            "INSERT INTO organization (project, id, path, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?4)",
        )
        .and_then(|mut insert| {
            insert.execute(params![project.0, id.as_str(), path.to_string(), at.0])
        })
        .during("make an organization")?;
    Ok(connection.last_insert_rowid())
}

/// Why these can't be done, all together; what is left out is none of them.
pub(super) fn unfit<'a>(
    connection: &Connection,
    project: ProjectKey,
    changes: impl Iterator<Item = &'a OrganizationChange>,
) -> Result<Option<Unfit>, Error> {
    let changes: Vec<&OrganizationChange> = changes.collect();
    let mut ids = HashMap::new();
    for path in paths(changes.iter().copied()) {
        if let Some(id) = id_of(connection, project, path)? {
            ids.insert(path.clone(), id);
        }
    }
    match new_organizations(changes.into_iter(), &ids) {
        Err(unfit) => Ok(Some(unfit)),
        Ok(0) => Ok(None),
        Ok(new) => Ok(is_beyond(connection, project, new)?.then_some(Unfit::TooMany)),
    }
}

/// The key of what something is to be filed in from now on, made if it is new; `None` for nowhere.
/// For a change that [`unfit`] has passed.
pub(super) fn join(
    connection: &Connection,
    project: ProjectKey,
    change: &OrganizationChange,
    at: Timestamp,
) -> Result<Option<i64>, Error> {
    let OrganizationChange::Join { path, id_if_new, .. } = change else {
        return Ok(None);
    };
    let found = connection
        .prepare_cached("SELECT key FROM organization WHERE project = ?1 AND path = ?2")
        .and_then(|mut select| {
            select.query_row(params![project.0, path.to_string()], |row| row.get(0)).optional()
        })
        .during("find an organization by its path")?;
    match found {
        Some(key) => Ok(Some(key)),
        None => insert(connection, project, id_if_new, path, at).map(Some),
    }
}

//! Organizations: where GB devices and channels are filed.

use std::collections::{HashMap, HashSet};

use fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX;
use fleet::{
    Organization, OrganizationChange, OrganizationId, OrganizationPath, Principal, ProjectKey,
    Timestamp,
};
use tokio_postgres::Row;

use super::projects::visible_project;
use crate::columns::{column, damaged, parsed};
use crate::postgres::connection::{Connection, Params};
use crate::rows::organizations::{ORGANIZATION_COLUMNS, organization};
use crate::rules::organizations::{Unfit, new_organizations, paths};
use crate::write::{ChangeOrganization, OrganizationEdit};
use crate::{Error, Refused, Written};

/// Makes, moves or deletes an organization.
pub(super) async fn change_organization(
    c: &Connection,
    principal: &Principal,
    change: &ChangeOrganization,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &change.project).await? else {
        return Ok(Err(Refused::NoSuchProject(change.project.clone())));
    };
    let (id, at) = (&change.id, change.at);
    let found = find(c, project, id).await?;
    match (&change.change, found) {
        (OrganizationEdit::Create(path), None) => {
            if let Some(id) = id_of(c, project, path).await? {
                return Ok(Err(Refused::OrganizationExists { id, path: path.clone() }));
            }
            if is_beyond(c, project, 1).await? {
                return Ok(Err(Refused::TooManyOrganizations));
            }
            insert(c, project, id, path, at).await?;
            let made =
                Organization { id: id.clone(), path: path.clone(), created_at: at, updated_at: at };
            Ok(Ok(Written::Organization(made)))
        }
        (OrganizationEdit::Create(_), Some(_)) => {
            Ok(Err(Refused::Exists { what: "organization", id: id.to_string() }))
        }
        (OrganizationEdit::Move(path), Some((key, found))) => {
            move_to(c, project, key, found, path, at).await
        }
        (OrganizationEdit::Delete, Some((key, found))) => delete(c, key, found).await,
        (OrganizationEdit::Move(_) | OrganizationEdit::Delete, None) => {
            Ok(Err(Refused::NoSuchOrganization(id.clone())))
        }
    }
}

/// Gives an organization another path. The one that it has is no change.
async fn move_to(
    c: &Connection,
    project: ProjectKey,
    key: i64,
    found: Organization,
    path: &OrganizationPath,
    at: Timestamp,
) -> Result<Result<Written, Refused>, Error> {
    if found.path == *path {
        return Ok(Ok(Written::Organization(found)));
    }
    if let Some(id) = id_of(c, project, path).await? {
        return Ok(Err(Refused::OrganizationExists { id, path: path.clone() }));
    }
    let sql = "UPDATE organization SET path = $2, updated_at = $3 WHERE key = $1";
    c.execute("move an organization", sql, &[&key, &path.to_string(), &at.0]).await?;
    let moved = Organization { path: path.clone(), updated_at: at, ..found };
    Ok(Ok(Written::Organization(moved)))
}

/// Deletes an organization in which nothing is filed; gives it as it was. Nothing is filed in it
/// meanwhile: whatever files things in organizations is as rare as this, and waits for it.
async fn delete(
    c: &Connection,
    key: i64,
    found: Organization,
) -> Result<Result<Written, Refused>, Error> {
    let sql = "SELECT (SELECT count(*) FROM camera WHERE organization = $1)
             + (SELECT count(*) FROM channel WHERE organization = $1)";
    let filed = c.count("count what is filed in an organization", sql, &[&key]).await?;
    if filed > 0 {
        return Ok(Err(Refused::OrganizationInUse { id: found.id, filed }));
    }
    let sql = "DELETE FROM organization WHERE key = $1";
    c.execute("delete an organization", sql, &[&key]).await?;
    Ok(Ok(Written::Organization(found)))
}

/// The organization of this id, and its key.
async fn find(
    c: &Connection,
    project: ProjectKey,
    id: &OrganizationId,
) -> Result<Option<(i64, Organization)>, Error> {
    let sql = format!(
        "SELECT o.key, {ORGANIZATION_COLUMNS} FROM organization AS o
         WHERE o.project = $1 AND o.id = $2"
    );
    let read = |row: &Row| {
        let found = organization(row)?.ok_or_else(|| damaged("organization_id", "it is null"))?;
        Ok((column(row, "key")?, found))
    };
    c.first("find an organization", &sql, &[&project.0, &id.as_str()], read).await
}

/// The id of the organization of this path.
async fn id_of(
    c: &Connection,
    project: ProjectKey,
    path: &OrganizationPath,
) -> Result<Option<OrganizationId>, Error> {
    let sql = "SELECT id FROM organization WHERE project = $1 AND path = $2";
    let params: Params<'_> = &[&project.0, &path.to_string()];
    c.first("find an organization by its path", sql, params, |row| parsed(row, 0)).await
}

/// Whether a project would have more organizations than one may have if it had `more` of them. They
/// are counted only where there are so many on the whole cluster.
async fn is_beyond(c: &Connection, project: ProjectKey, more: usize) -> Result<bool, Error> {
    let most = ORGANIZATIONS_PER_PROJECT_MAX.saturating_sub(more);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let sql = "SELECT CASE WHEN coalesce((SELECT max(key) FROM organization), 0) > $2
             THEN (SELECT count(*) FROM organization WHERE project = $1) > $2 ELSE false END";
    let operation = "count the organizations of a project";
    let beyond = c.first(operation, sql, &[&project.0, &most], |row| column(row, 0)).await?;
    Ok(beyond.unwrap_or(false))
}

/// Makes an organization.
async fn insert(
    c: &Connection,
    project: ProjectKey,
    id: &OrganizationId,
    path: &OrganizationPath,
    at: Timestamp,
) -> Result<i64, Error> {
    let sql = "INSERT INTO organization (project, id, path, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $4) RETURNING key";
    let params: Params<'_> = &[&project.0, &id.as_str(), &path.to_string(), &at.0];
    let made = c.first("make an organization", sql, params, |row| column(row, 0)).await?;
    made.ok_or_else(|| damaged("organization", "it is gone in its own transaction"))
}

/// The ids of those of these organizations that are there, by path.
pub(super) async fn ids(
    c: &Connection,
    project: ProjectKey,
    asked: &HashSet<&OrganizationPath>,
) -> Result<HashMap<OrganizationPath, OrganizationId>, Error> {
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    let sql = "SELECT path, id FROM organization WHERE project = $1 AND path = ANY($2)";
    let read = |row: &Row| Ok((parsed(row, 0)?, parsed(row, 1)?));
    let operation = "find organizations by their paths";
    let found = c.all(operation, sql, &[&project.0, &asked], read).await?;
    Ok(found.into_iter().collect())
}

/// Why these can't be done, all together; what is left out is none of them.
pub(super) async fn unfit(
    c: &Connection,
    project: ProjectKey,
    changes: &[&OrganizationChange],
) -> Result<Option<Unfit>, Error> {
    let asked = paths(changes.iter().copied());
    if asked.is_empty() {
        return Ok(None);
    }
    let ids = ids(c, project, &asked).await?;
    match new_organizations(changes.iter().copied(), &ids) {
        Err(unfit) => Ok(Some(unfit)),
        Ok(0) => Ok(None),
        Ok(new) => Ok(is_beyond(c, project, new).await?.then_some(Unfit::TooMany)),
    }
}

/// The key of what something is to be filed in from now on, made if it is new; `None` for nowhere.
/// For a change that [`unfit`] has passed.
pub(super) async fn join(
    c: &Connection,
    project: ProjectKey,
    change: &OrganizationChange,
    at: Timestamp,
) -> Result<Option<i64>, Error> {
    let OrganizationChange::Join { path, id_if_new, .. } = change else {
        return Ok(None);
    };
    let sql = "SELECT key FROM organization WHERE project = $1 AND path = $2";
    let params: Params<'_> = &[&project.0, &path.to_string()];
    let operation = "find an organization by its path";
    match c.first(operation, sql, params, |row| column(row, 0)).await? {
        Some(key) => Ok(Some(key)),
        None => insert(c, project, id_if_new, path, at).await.map(Some),
    }
}

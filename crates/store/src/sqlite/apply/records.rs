//! Projects and access keys.

use fleet::{Principal, ProjectId, ProjectKey};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::rows::During;
use crate::write::{CreateKey, CreateProject, RevokeKey};
use crate::{Error, Refused, Written};

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

/// Makes a project. One who is bound to a project makes none: to it there are no others.
pub(super) fn create_project(
    connection: &Connection,
    principal: &Principal,
    create: &CreateProject,
) -> Result<Result<Written, Refused>, Error> {
    if principal.project().is_some() {
        return Ok(Err(Refused::NoSuchProject(create.id.clone())));
    }
    let made = connection
        .prepare_cached(
            "INSERT INTO project (id, name, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![create.id.as_str(), create.name, create.at.0])
        })
        .during("make a project")?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "project", id: create.id.to_string() }));
    }
    Ok(Ok(Written::Done))
}

/// Makes an access key.
pub(super) fn create_key(
    connection: &Connection,
    principal: &Principal,
    create: &CreateKey,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &create.project)? else {
        return Ok(Err(Refused::NoSuchProject(create.project.clone())));
    };
    let made = connection
        .prepare_cached(
            "INSERT INTO access_key (ak, project, sealed_secret, created_at)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (ak) DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![create.ak, project.0, create.sealed_secret, create.at.0])
        })
        .during("make an access key")?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "access key", id: create.ak.clone() }));
    }
    Ok(Ok(Written::Done))
}

/// Revokes an access key. The first time counts.
pub(super) fn revoke_key(
    connection: &Connection,
    principal: &Principal,
    revoke: &RevokeKey,
) -> Result<Result<Written, Refused>, Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE access_key SET revoked_at = coalesce(revoked_at, ?2)
             WHERE ak = ?1 AND (?3 IS NULL OR project = ?3)",
        )
        .and_then(|mut update| {
            update.execute(params![revoke.ak, revoke.at.0, principal.project().map(|key| key.0)])
        })
        .during("revoke an access key")?;
    if changed == 0 {
        return Ok(Err(Refused::NoSuchKey(revoke.ak.clone())));
    }
    Ok(Ok(Written::Done))
}

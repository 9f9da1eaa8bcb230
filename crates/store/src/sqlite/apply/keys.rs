//! Access keys.

use fleet::Principal;
use rusqlite::{Connection, params};

use super::projects::visible_project;
use crate::sqlite::queries::bound;
use crate::sqlite::rows::During;
use crate::write::{CreateKey, RevokeKey};
use crate::{Error, Refused, Written};

/// Makes an access key. One who is bound to a project makes none that opens others.
pub(super) fn create_key(
    connection: &Connection,
    principal: &Principal,
    create: &CreateKey,
) -> Result<Result<Written, Refused>, Error> {
    let project = match &create.project {
        Some(id) => match visible_project(connection, principal, id)? {
            Some(project) => Some(project.0),
            None => return Ok(Err(Refused::NoSuchProject(id.clone()))),
        },
        None if !principal.is_server_admin() => {
            return Ok(Err(Refused::NoSuchServer("this server as a whole".to_owned())));
        }
        None => None,
    };
    let CreateKey { ak, strict, sealed_secret, at, .. } = create;
    let made = connection
        .prepare_cached(
            "INSERT INTO access_key (ak, project, strict, sealed_secret, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (ak) DO NOTHING",
        )
        .and_then(|mut insert| insert.execute(params![ak, project, strict, sealed_secret, at.0]))
        .during("make an access key")?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "access key", id: ak.clone() }));
    }
    Ok(Ok(Written::Done))
}

/// Revokes an access key. The first time counts. One that opens all projects is of none that a
/// caller could be bound to.
pub(super) fn revoke_key(
    connection: &Connection,
    principal: &Principal,
    revoke: &RevokeKey,
) -> Result<Result<Written, Refused>, Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE access_key SET revoked_at = coalesce(revoked_at, ?2)
             WHERE ak = ?1 AND (?3 OR project IN (SELECT value FROM json_each(?4)))",
        )
        .and_then(|mut update| {
            let (all, projects) = (principal.is_server_admin(), bound(principal));
            update.execute(params![revoke.ak, revoke.at.0, all, projects])
        })
        .during("revoke an access key")?;
    if changed == 0 {
        return Ok(Err(Refused::NoSuchKey(revoke.ak.clone())));
    }
    Ok(Ok(Written::Done))
}

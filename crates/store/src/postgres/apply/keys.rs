//! Access keys.

use fleet::Principal;

use super::projects::visible_project;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::{bound, is_storable};
use crate::write::{CreateKey, RevokeKey};
use crate::{Error, Refused, Written};

/// Makes an access key. One who is bound to a project makes none that opens others.
pub(super) async fn create_key(
    c: &Connection,
    principal: &Principal,
    create: &CreateKey,
) -> Result<Result<Written, Refused>, Error> {
    let project = match &create.project {
        Some(id) => match visible_project(c, principal, id).await? {
            Some(project) => Some(project.0),
            None => return Ok(Err(Refused::NoSuchProject(id.clone()))),
        },
        None if !principal.is_server_admin() => {
            return Ok(Err(Refused::NoSuchServer("this server as a whole".to_owned())));
        }
        None => None,
    };
    let CreateKey { ak, strict, sealed_secret, at, .. } = create;
    let sql = "INSERT INTO access_key (ak, project, strict, sealed_secret, created_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ak) DO NOTHING";
    let params: Params<'_> = &[ak, &project, strict, sealed_secret, &at.0];
    let made = c.execute("make an access key", sql, params).await?;
    if made == 0 {
        return Ok(Err(Refused::Exists { what: "access key", id: ak.clone() }));
    }
    Ok(Ok(Written::Done))
}

/// Revokes an access key. The first time counts. One that opens all projects is of none that a
/// caller could be bound to.
pub(super) async fn revoke_key(
    c: &Connection,
    principal: &Principal,
    revoke: &RevokeKey,
) -> Result<Result<Written, Refused>, Error> {
    if !is_storable(&revoke.ak) {
        return Ok(Err(Refused::NoSuchKey(revoke.ak.clone())));
    }
    let (all, projects) = (principal.is_server_admin(), bound(principal));
    let sql = "UPDATE access_key SET revoked_at = coalesce(revoked_at, $2)
         WHERE ak = $1 AND ($3 OR project = ANY($4::bigint[]))";
    let params: Params<'_> = &[&revoke.ak, &revoke.at.0, &all, &projects];
    let changed = c.execute("revoke an access key", sql, params).await?;
    if changed == 0 {
        return Ok(Err(Refused::NoSuchKey(revoke.ak.clone())));
    }
    Ok(Ok(Written::Done))
}

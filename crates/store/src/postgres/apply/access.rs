//! Who may do what: grants, tokens with names, and when keys and tokens were last used.

use fleet::Principal;
use fleet::limits::TOKENS_PER_USER_MAX;

use super::projects::visible_project;
use super::users::{delete_expired, visible_user};
use crate::columns::column;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::is_storable;
use crate::write::{CreateToken, NoteUse, RevokeToken, SetGrant};
use crate::{Error, Refused, Written};

/// Says what a user may do in a project. The user may be of another one.
pub(super) async fn set_grant(
    c: &Connection,
    principal: &Principal,
    set: &SetGrant,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &set.project).await? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    if visible_user(c, &Principal::engine(), &set.user).await?.is_none() {
        return Ok(Err(Refused::NoSuchUser(set.user.clone())));
    }
    let operation = "say what a user may do";
    match set.grant {
        Some(grant) => {
            let sql = "INSERT INTO user_grant (\"user\", project, role) VALUES ($1, $2, $3)
                 ON CONFLICT (\"user\", project) DO UPDATE SET role = excluded.role";
            c.execute(operation, sql, &[&set.user, &project.0, &grant.name()]).await?;
        }
        None => {
            let sql = "DELETE FROM user_grant WHERE \"user\" = $1 AND project = $2";
            c.execute(operation, sql, &[&set.user, &project.0]).await?;
        }
    }
    Ok(Ok(Written::Done))
}

/// Records a token with a name. Its user may have no password that works any more.
pub(super) async fn create_token(
    c: &Connection,
    principal: &Principal,
    create: &CreateToken,
) -> Result<Result<Written, Refused>, Error> {
    let CreateToken { user, id, name, hash, at, expires_at } = create;
    match visible_user(c, principal, user).await? {
        Some(found) if !found.disabled => {}
        _ => return Ok(Err(Refused::NoSuchUser(user.clone()))),
    }
    delete_expired(c, *at).await?;
    let sql = "SELECT name = $2 FROM token
         WHERE \"user\" = $1 AND name IS NOT NULL AND expires_at > $3";
    let params: Params<'_> = &[user, name, &at.0];
    let named: Vec<bool> =
        c.all("count a user's tokens", sql, params, |row| column(row, 0)).await?;
    if named.contains(&true) {
        return Ok(Err(Refused::Exists { what: "token", id: name.clone() }));
    }
    if named.len() >= TOKENS_PER_USER_MAX {
        return Ok(Err(Refused::TooManyTokens));
    }
    let sql = "INSERT INTO token (hash, \"user\", issued_at, expires_at, id, name)
         VALUES ($1, $2, $3, $4, $5, $6)";
    let params: Params<'_> = &[&hash.as_slice(), user, &at.0, &expires_at.0, id, name];
    c.execute("record a token", sql, params).await?;
    Ok(Ok(Written::Done))
}

/// Deletes a token.
pub(super) async fn revoke_token(
    c: &Connection,
    principal: &Principal,
    revoke: &RevokeToken,
) -> Result<Result<Written, Refused>, Error> {
    let none = || Ok(Err(Refused::NoSuchToken(revoke.id.clone())));
    if !is_storable(&revoke.id) || visible_user(c, principal, &revoke.user).await?.is_none() {
        return none();
    }
    let sql = "DELETE FROM token WHERE id = $1 AND \"user\" = $2";
    let deleted = c.execute("delete a token", sql, &[&revoke.id, &revoke.user]).await?;
    if deleted == 0 { none() } else { Ok(Ok(Written::Done)) }
}

/// Notes when keys and tokens were used: one statement for each kind.
pub(super) async fn note_use(c: &Connection, note: &NoteUse) -> Result<Written, Error> {
    for (table, id, used) in [("access_key", "ak", &note.keys), ("token", "id", &note.tokens)] {
        let used = used.iter().filter(|(id, _)| is_storable(id));
        let (ids, times): (Vec<&str>, Vec<i64>) = used.map(|(id, at)| (id.as_str(), at.0)).unzip();
        if ids.is_empty() {
            continue;
        }
        let sql = format!(
            "UPDATE {table} AS t SET last_used_at = used.at
             FROM unnest($1::text[], $2::bigint[]) AS used (id, at)
             WHERE t.{id} = used.id AND coalesce(t.last_used_at < used.at, true)"
        );
        c.execute("note when keys were used", &sql, &[&ids, &times]).await?;
    }
    Ok(Written::Done)
}

//! Who may do what: grants, tokens with names, and when keys and tokens were last used.

use fleet::Principal;
use fleet::limits::TOKENS_PER_USER_MAX;
use rusqlite::{Connection, params};

use super::projects::visible_project;
use super::users::{delete_expired, visible_user};
use crate::sqlite::rows::During;
use crate::write::{CreateToken, NoteUse, RevokeToken, SetGrant};
use crate::{Error, Refused, Written};

/// Says what a user may do in a project. The user may be of another one.
pub(super) fn set_grant(
    connection: &Connection,
    principal: &Principal,
    set: &SetGrant,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &set.project)? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    if visible_user(connection, &Principal::engine(), &set.user)?.is_none() {
        return Ok(Err(Refused::NoSuchUser(set.user.clone())));
    }
    match set.grant {
        Some(grant) => connection
            .prepare_cached(
                "INSERT INTO user_grant (user, project, role) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user, project) DO UPDATE SET role = excluded.role",
            )
            .and_then(|mut insert| insert.execute(params![set.user, project.0, grant.name()])),
        None => connection
            .prepare_cached("DELETE FROM user_grant WHERE user = ?1 AND project = ?2")
            .and_then(|mut delete| delete.execute(params![set.user, project.0])),
    }
    .during("say what a user may do")?;
    Ok(Ok(Written::Done))
}

/// Records a token with a name. Its user may have no password that works any more.
pub(super) fn create_token(
    connection: &Connection,
    principal: &Principal,
    create: &CreateToken,
) -> Result<Result<Written, Refused>, Error> {
    let CreateToken { user, id, name, hash, at, expires_at } = create;
    match visible_user(connection, principal, user)? {
        Some(found) if !found.disabled => {}
        _ => return Ok(Err(Refused::NoSuchUser(user.clone()))),
    }
    delete_expired(connection, *at)?;
    let (all, same): (i64, i64) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(name = ?2), 0) FROM token
             WHERE user = ?1 AND name IS NOT NULL AND expires_at > ?3",
        )
        .and_then(|mut select| {
            select.query_row(params![user, name, at.0], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .during("count a user's tokens")?;
    if same > 0 {
        return Ok(Err(Refused::Exists { what: "token", id: name.clone() }));
    }
    if usize::try_from(all).is_ok_and(|all| all >= TOKENS_PER_USER_MAX) {
        return Ok(Err(Refused::TooManyTokens));
    }
    connection
        .prepare_cached(
            "INSERT INTO token (hash, user, issued_at, expires_at, id, name)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut insert| insert.execute(params![hash, user, at.0, expires_at.0, id, name]))
        .during("record a token")?;
    Ok(Ok(Written::Done))
}

/// Deletes a token.
pub(super) fn revoke_token(
    connection: &Connection,
    principal: &Principal,
    revoke: &RevokeToken,
) -> Result<Result<Written, Refused>, Error> {
    let none = || Ok(Err(Refused::NoSuchToken(revoke.id.clone())));
    if visible_user(connection, principal, &revoke.user)?.is_none() {
        return none();
    }
    let deleted = connection
        .prepare_cached("DELETE FROM token WHERE id = ?1 AND user = ?2")
        .and_then(|mut delete| delete.execute(params![revoke.id, revoke.user]))
        .during("delete a token")?;
    if deleted == 0 { none() } else { Ok(Ok(Written::Done)) }
}

/// Notes when keys and tokens were used.
pub(super) fn note_use(connection: &Connection, note: &NoteUse) -> Result<Written, Error> {
    let sql = [
        "UPDATE access_key SET last_used_at = ?2
         WHERE ak = ?1 AND coalesce(last_used_at < ?2, true)",
        "UPDATE token SET last_used_at = ?2
         WHERE id = ?1 AND coalesce(last_used_at < ?2, true)",
    ];
    for (sql, used) in sql.into_iter().zip([&note.keys, &note.tokens]) {
        let operation = "note when keys were used";
        let mut update = connection.prepare_cached(sql).during(operation)?;
        for (id, at) in used {
            update.execute(params![id, at.0]).during(operation)?;
        }
    }
    Ok(Written::Done)
}

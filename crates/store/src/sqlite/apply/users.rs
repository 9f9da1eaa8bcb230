//! Users and their tokens.

use fleet::{Principal, ProjectKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::projects::visible_project;
use crate::sqlite::rows::During;
use crate::write::{ChangeUser, CreateUser, IssueToken, UserChange};
use crate::{Error, Refused, Written};

/// Expired tokens that are deleted with each new one, at most: the table stays as short as what is
/// in use, and no one sign-in pays for all the others.
pub(super) const EXPIRED_PER_TOKEN: u32 = 100;

/// A user, as far as these changes need one.
pub(super) struct User {
    project: ProjectKey,
    password_hash: String,
    /// Whether the user may sign in no more.
    pub(super) disabled: bool,
}

/// The user of this name, if the principal may see it.
pub(super) fn visible_user(
    connection: &Connection,
    principal: &Principal,
    name: &str,
) -> Result<Option<User>, Error> {
    let sql = "SELECT project, password_hash, disabled_at IS NOT NULL FROM user_account
         WHERE name = ?1";
    let user = connection
        .prepare_cached(sql)
        .and_then(|mut select| {
            select
                .query_row([name], |row| {
                    let project = ProjectKey(row.get(0)?);
                    Ok(User { project, password_hash: row.get(1)?, disabled: row.get(2)? })
                })
                .optional()
        })
        .during("find a user")?;
    Ok(user.filter(|user| principal.may_see(user.project)))
}

/// The name of the user, of whichever project, that stands in the way of one of this name: it has
/// the same but for the case of ASCII letters.
fn namesake(connection: &Connection, name: &str) -> Result<Option<String>, Error> {
    connection
        .prepare_cached(
            "SELECT name FROM user_account WHERE lower(name) = ?1 ORDER BY name = ?2 DESC, name",
        )
        .and_then(|mut select| {
            let params = params![name.to_ascii_lowercase(), name];
            select.query_row(params, |row| row.get(0)).optional()
        })
        .during("look for a user's name")
}

/// Makes a user.
pub(super) fn create_user(
    connection: &Connection,
    principal: &Principal,
    create: &CreateUser,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &create.project)? else {
        return Ok(Err(Refused::NoSuchProject(create.project.clone())));
    };
    if let Some(id) = namesake(connection, &create.name)? {
        return Ok(Err(Refused::Exists { what: "user", id }));
    }
    connection
        .prepare_cached(
            "INSERT INTO user_account (name, project, password_hash, created_at)
             VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut insert| {
            insert.execute(params![create.name, project.0, create.password_hash, create.at.0])
        })
        .during("make a user")?;
    connection
        .prepare_cached("INSERT INTO user_grant (user, project, role) VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| insert.execute(params![create.name, project.0, create.grant.name()]))
        .during("say what a user may do")?;
    Ok(Ok(Written::Done))
}

/// Changes a user, and takes its tokens away unless it is enabled. One that is disabled gets no
/// other password, since it could not be used; disabling or enabling twice is harmless.
pub(super) fn change_user(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeUser,
) -> Result<Result<Written, Refused>, Error> {
    let user = visible_user(connection, principal, &change.name)?;
    let changed = match (&change.change, user) {
        (UserChange::Password(hash), Some(user)) if !user.disabled => connection
            .prepare_cached("UPDATE user_account SET password_hash = ?2 WHERE name = ?1")
            .and_then(|mut update| update.execute(params![change.name, hash])),
        (UserChange::Disable, Some(_)) => connection
            .prepare_cached(
                "UPDATE user_account SET disabled_at = coalesce(disabled_at, ?2)
                 WHERE name = ?1",
            )
            .and_then(|mut update| update.execute(params![change.name, change.at.0])),
        (UserChange::Enable, Some(_)) => connection
            .prepare_cached("UPDATE user_account SET disabled_at = NULL WHERE name = ?1")
            .and_then(|mut update| update.execute(params![change.name])),
        _ => return Ok(Err(Refused::NoSuchUser(change.name.clone()))),
    };
    changed.during("change a user")?;
    // Whoever was disabled has none, and whoever was not keeps them.
    if !matches!(change.change, UserChange::Enable) {
        connection
            .prepare_cached("DELETE FROM token WHERE user = ?1")
            .and_then(|mut delete| delete.execute([&change.name]))
            .during("take a user's tokens away")?;
    }
    Ok(Ok(Written::Done))
}

/// Records a token and deletes some that have expired.
pub(super) fn issue_token(
    connection: &Connection,
    principal: &Principal,
    issue: &IssueToken,
) -> Result<Result<Written, Refused>, Error> {
    match visible_user(connection, principal, &issue.user)? {
        Some(user) if !user.disabled && user.password_hash == issue.password_hash => {}
        _ => return Ok(Err(Refused::NoSuchUser(issue.user.clone()))),
    }
    delete_expired(connection, issue.at)?;
    let IssueToken { user, id, hash, at, expires_at, .. } = issue;
    connection
        .prepare_cached(
            "INSERT INTO token (hash, user, issued_at, expires_at, id)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut insert| insert.execute(params![hash, user, at.0, expires_at.0, id]))
        .during("record a token")?;
    Ok(Ok(Written::Done))
}

/// Deletes some tokens that have expired.
pub(super) fn delete_expired(connection: &Connection, at: Timestamp) -> Result<(), Error> {
    connection
        .prepare_cached(
            "DELETE FROM token WHERE hash IN (
                 SELECT hash FROM token WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )
        .and_then(|mut delete| delete.execute(params![at.0, EXPIRED_PER_TOKEN]))
        .during("delete expired tokens")?;
    Ok(())
}

//! Users and their tokens.

use fleet::{Principal, ProjectKey, Timestamp};

use super::projects::visible_project;
use crate::columns::column;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::is_storable;
use crate::write::{ChangeUser, CreateUser, IssueToken, UserChange};
use crate::{Error, Refused, Written};

/// Expired tokens that are deleted with each new one, at most: the table stays as short as what is
/// in use, and no one sign-in pays for all the others.
const EXPIRED_PER_TOKEN: i64 = 100;

/// A user, as far as these changes need one.
pub(super) struct User {
    project: ProjectKey,
    password_hash: String,
    /// Whether the user may sign in no more.
    pub(super) disabled: bool,
}

/// The user of this name, if the principal may see it.
pub(super) async fn visible_user(
    c: &Connection,
    principal: &Principal,
    name: &str,
) -> Result<Option<User>, Error> {
    if !is_storable(name) {
        return Ok(None);
    }
    let sql = "SELECT project, password_hash, disabled_at IS NOT NULL FROM user_account
         WHERE name = $1";
    let read = |row: &_| {
        let project = ProjectKey(column(row, 0)?);
        Ok(User { project, password_hash: column(row, 1)?, disabled: column(row, 2)? })
    };
    let user = c.first("find a user", sql, &[&name], read).await?;
    Ok(user.filter(|user| principal.may_see(user.project)))
}

/// The name of the user, of whichever project, that stands in the way of one of this name: it has
/// the same but for the case of ASCII letters. Nobody makes another meanwhile: the change holds the
/// guard.
async fn namesake(c: &Connection, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT name FROM user_account WHERE lower(name) = $1
         ORDER BY name = $2 DESC, name LIMIT 1";
    let folded = name.to_ascii_lowercase();
    c.first("look for a user's name", sql, &[&folded, &name], |row| column(row, 0)).await
}

/// Makes a user.
pub(super) async fn create_user(
    c: &Connection,
    principal: &Principal,
    create: &CreateUser,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &create.project).await? else {
        return Ok(Err(Refused::NoSuchProject(create.project.clone())));
    };
    let CreateUser { name, password_hash, at, .. } = create;
    if let Some(id) = namesake(c, name).await? {
        return Ok(Err(Refused::Exists { what: "user", id }));
    }
    let sql = "INSERT INTO user_account (name, project, password_hash, created_at)
         VALUES ($1, $2, $3, $4)";
    c.execute("make a user", sql, &[name, &project.0, password_hash, &at.0]).await?;
    let sql = "INSERT INTO user_grant (\"user\", project, role) VALUES ($1, $2, $3)";
    let params: Params<'_> = &[name, &project.0, &create.grant.name()];
    c.execute("say what a user may do", sql, params).await?;
    Ok(Ok(Written::Done))
}

/// Changes a user, and takes its tokens away unless it is enabled. One that is disabled gets no
/// other password, since it could not be used; disabling or enabling twice is harmless.
pub(super) async fn change_user(
    c: &Connection,
    principal: &Principal,
    change: &ChangeUser,
) -> Result<Result<Written, Refused>, Error> {
    let user = visible_user(c, principal, &change.name).await?;
    let operation = "change a user";
    match (&change.change, user) {
        (UserChange::Password(hash), Some(user)) if !user.disabled => {
            let sql = "UPDATE user_account SET password_hash = $2 WHERE name = $1";
            c.execute(operation, sql, &[&change.name, hash]).await?;
        }
        (UserChange::Disable, Some(_)) => {
            let sql = "UPDATE user_account SET disabled_at = coalesce(disabled_at, $2)
                 WHERE name = $1";
            c.execute(operation, sql, &[&change.name, &change.at.0]).await?;
        }
        (UserChange::Enable, Some(_)) => {
            let sql = "UPDATE user_account SET disabled_at = NULL WHERE name = $1";
            c.execute(operation, sql, &[&change.name]).await?;
            // Whoever was disabled has no tokens, and whoever was not keeps them.
            return Ok(Ok(Written::Done));
        }
        _ => return Ok(Err(Refused::NoSuchUser(change.name.clone()))),
    }
    let sql = "DELETE FROM token WHERE \"user\" = $1";
    c.execute("take a user's tokens away", sql, &[&change.name]).await?;
    Ok(Ok(Written::Done))
}

/// Records a token and deletes some that have expired.
pub(super) async fn issue_token(
    c: &Connection,
    principal: &Principal,
    issue: &IssueToken,
) -> Result<Result<Written, Refused>, Error> {
    match visible_user(c, principal, &issue.user).await? {
        Some(user) if !user.disabled && user.password_hash == issue.password_hash => {}
        _ => return Ok(Err(Refused::NoSuchUser(issue.user.clone()))),
    }
    delete_expired(c, issue.at).await?;
    let sql = "INSERT INTO token (hash, \"user\", issued_at, expires_at, id)
         VALUES ($1, $2, $3, $4, $5)";
    let IssueToken { user, id, hash, at, expires_at, .. } = issue;
    let params: Params<'_> = &[&hash.as_slice(), user, &at.0, &expires_at.0, id];
    c.execute("record a token", sql, params).await?;
    Ok(Ok(Written::Done))
}

/// Deletes some tokens that have expired.
pub(super) async fn delete_expired(c: &Connection, at: Timestamp) -> Result<(), Error> {
    let sql = "DELETE FROM token WHERE hash IN (
             SELECT hash FROM token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    c.execute("delete expired tokens", sql, &[&at.0, &EXPIRED_PER_TOKEN]).await?;
    Ok(())
}

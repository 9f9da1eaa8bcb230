//! The audit: what was done is written with what it did.

use fleet::limits::AUDIT_ENTRIES_MAX;
use fleet::{Principal, ProjectKey};

use crate::columns::optional;
use crate::postgres::connection::{Connection, Params};
use crate::rules::audit::{About, Entry, entries};
use crate::{Error, Write, Written};

/// Writes down what `principal` has done, if it is an administrative act, and forgets the oldest
/// act if there are more than are kept. Such acts come alone and hold the guard, so that no two
/// take the same number.
pub(super) async fn record(
    c: &Connection,
    principal: &Principal,
    write: &Write,
    written: &Written,
) -> Result<(), Error> {
    for entry in entries(principal, write, written) {
        insert(c, principal, &entry).await?;
    }
    Ok(())
}

/// Writes one act down. PostgreSQL takes no U+0000 in a text; JSON writes it in another form.
async fn insert(c: &Connection, principal: &Principal, entry: &Entry) -> Result<(), Error> {
    let project = project(c, &entry.about).await?.map(|key| key.0);
    let sql = "INSERT INTO audit (seq, at, actor, project, action, target, detail)
         VALUES ((SELECT 1 + coalesce(max(seq), 0) FROM audit),
             (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $1, $2, $3, $4, $5)";
    let (actor, detail) = (principal.actor(), entry.detail.to_string());
    let params: Params<'_> = &[&actor, &project, &entry.action, &entry.target, &detail];
    c.execute("write the audit", sql, params).await?;
    let sql = "DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - $1::bigint";
    c.execute("forget the oldest act", sql, &[&AUDIT_ENTRIES_MAX]).await?;
    Ok(())
}

/// The project that an act belongs to.
async fn project(c: &Connection, about: &About) -> Result<Option<ProjectKey>, Error> {
    let operation = "find an act's project";
    let read = |row: &_| optional::<i64>(row, 0);
    let found = match about {
        About::Server => return Ok(None),
        About::ProjectKey(key) => return Ok(Some(*key)),
        About::Project(id) => {
            let sql = "SELECT coalesce((SELECT key FROM project WHERE id = $1),
                     (SELECT max(key) FROM deleted_project WHERE id = $1))";
            c.first(operation, sql, &[&id.as_str()], read).await?
        }
        About::Key(ak) => {
            let sql = "SELECT project FROM access_key WHERE ak = $1";
            c.first(operation, sql, &[ak], read).await?
        }
        About::User(name) => {
            let sql = "SELECT project FROM user_account WHERE name = $1";
            c.first(operation, sql, &[name], read).await?
        }
        About::Rollout(id) => {
            let sql = "SELECT project FROM rollout WHERE id = $1";
            c.first(operation, sql, &[&id.to_bytes().as_slice()], read).await?
        }
    };
    Ok(found.flatten().map(ProjectKey))
}

//! The audit: what was done is written with what it did.

use fleet::limits::AUDIT_ENTRIES_MAX;
use fleet::{Principal, ProjectKey};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use crate::rules::audit::{About, Entry, entries};
use crate::sqlite::clock::now;
use crate::sqlite::rows::During;
use crate::sqlite::terms::Terms;
use crate::{Error, Write, Written};

/// Writes down what `principal` has done, if it is an administrative act, and forgets the oldest
/// act if there are more than are kept.
pub(super) fn record(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    write: &Write,
    written: &Written,
) -> Result<(), Error> {
    for entry in entries(principal, write, written) {
        insert(connection, terms, principal, &entry)?;
    }
    Ok(())
}

/// Writes one act down.
fn insert(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    entry: &Entry,
) -> Result<(), Error> {
    let project = project(connection, &entry.about)?.map(|key| key.0);
    let sql = concat!(
        "INSERT INTO audit (seq, at, actor, project, action, target, detail)
         VALUES ((SELECT 1 + coalesce(max(seq), 0) FROM audit), ",
        now!("?1"),
        ", ?2, ?3, ?4, ?5, ?6)"
    );
    let Entry { action, target, detail, .. } = entry;
    let (actor, detail) = (principal.actor(), detail.to_string());
    connection
        .prepare_cached(sql)
        .and_then(|mut insert| {
            insert.execute(params![terms.now, actor, project, action, target, detail])
        })
        .during("write the audit")?;
    connection
        .prepare_cached("DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?1")
        .and_then(|mut delete| delete.execute([AUDIT_ENTRIES_MAX]))
        .during("forget the oldest act")?;
    Ok(())
}

/// The project that an act belongs to.
fn project(connection: &Connection, about: &About) -> Result<Option<ProjectKey>, Error> {
    let (sql, key) = match about {
        About::Server => return Ok(None),
        About::ProjectKey(key) => return Ok(Some(*key)),
        About::Project(id) => (
            "SELECT coalesce((SELECT key FROM project WHERE id = ?1),
                 (SELECT max(key) FROM deleted_project WHERE id = ?1))",
            Value::Text(id.to_string()),
        ),
        About::Key(ak) => ("SELECT project FROM access_key WHERE ak = ?1", Value::Text(ak.clone())),
        About::User(name) => {
            ("SELECT project FROM user_account WHERE name = ?1", Value::Text(name.clone()))
        }
        About::Rollout(id) => {
            ("SELECT project FROM rollout WHERE id = ?1", Value::Blob(id.to_bytes().to_vec()))
        }
    };
    let found: Option<Option<i64>> = connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row([key], |row| row.get(0)).optional())
        .during("find an act's project")?;
    Ok(found.flatten().map(ProjectKey))
}

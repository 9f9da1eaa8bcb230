//! What can be asked, as functions of a connection that has a read transaction open. The readers
//! and the simulation run the same code.
//!
//! Whatever a principal may not see is left out by the statement itself, not afterwards.

pub(super) mod access;
pub(super) mod attention;
pub(super) mod camera_ids;
pub(super) mod cameras;
pub(super) mod channels;
pub(super) mod devices;
pub(super) mod enrolment;
pub(super) mod failures;
pub(super) mod jobs;
pub(super) mod lanes;
pub(super) mod listings;
pub(super) mod organizations;
pub(super) mod overview;
pub(super) mod phones;
pub(super) mod presets;
pub(super) mod projects;
pub(super) mod rollouts;
pub(super) mod select;
pub(super) mod servers;
pub(super) mod tags;
pub(super) mod users;
pub(super) mod webhooks;

use fleet::{Principal, ProjectKey};
use rusqlite::{Connection, Params, Row};

use super::rows::During;
use crate::Error;

/// Every row of a statement, each read by `read`.
pub(super) fn all<T>(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql).during(operation)?;
    let mut rows = statement.query(params).during(operation)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().during(operation)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a statement, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(sql).during(operation)?;
    let mut rows = statement.query(params).during(operation)?;
    rows.next().during(operation)?.map(read).transpose()
}

/// The number that a statement without rows but one gives.
pub(super) fn count(
    connection: &Connection,
    operation: &'static str,
    sql: &str,
    params: impl Params,
) -> Result<u64, Error> {
    let count: i64 = connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row(params, |row| row.get(0)))
        .during(operation)?;
    Ok(count.unsigned_abs())
}

/// A number of rows as SQLite takes it.
fn sql_count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The keys of the projects that the principal is bound to, as [`seen`] takes them: null for those
/// who may see all.
pub(super) fn bound(principal: &Principal) -> Option<String> {
    principal.projects().map(keys)
}

/// Keys of projects as a list in JSON.
fn keys(projects: &[ProjectKey]) -> String {
    let keys: Vec<_> = projects.iter().map(|project| project.0.to_string()).collect();
    format!("[{}]", keys.join(","))
}

/// The term that the project in this column is one of those in the parameter, which [`bound`]
/// gives.
pub(super) fn seen(column: &str, parameter: &str) -> String {
    format!("({parameter} IS NULL OR {column} IN (SELECT value FROM json_each({parameter})))")
}

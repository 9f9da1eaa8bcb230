//! What can be asked, as functions of a connection that has a read transaction open. The readers
//! and the simulation run the same code.
//!
//! Whatever a principal may not see is left out by the statement itself, not afterwards.

pub(super) mod camera_ids;
pub(super) mod cameras;
pub(super) mod channels;
pub(super) mod devices;
pub(super) mod jobs;
pub(super) mod lanes;
pub(super) mod listings;
pub(super) mod organizations;
pub(super) mod phones;
pub(super) mod projects;
pub(super) mod servers;
pub(super) mod tags;
pub(super) mod users;

use fleet::Principal;
use rusqlite::{Connection, Params, Row};

use super::rows::During;
use crate::Error;

/// Every row of a statement, each read by `read`.
fn all<T>(
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
fn first<T>(
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
fn count(
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

/// The key of the one project that the principal is bound to: null for those who may see all.
fn bound(principal: &Principal) -> Option<i64> {
    principal.project().map(|project| project.0)
}

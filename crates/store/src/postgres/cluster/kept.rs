//! What is kept once for all nodes, and whether the store is whole.

use super::Connection;
use crate::Error;
use crate::columns::to_json;
use crate::copy::marker;
use crate::postgres::connection::During;

/// A copy into the database was begun and has not ended.
#[derive(Debug, thiserror::Error)]
#[error(
    "the copy of another store into this database has not ended: ask for the copy again, which \
    goes on where it stopped, or begin anew in an empty database"
)]
struct HalfCopied;

/// See [`crate::Cluster::remember`].
pub(in crate::postgres) async fn remember(
    c: &Connection,
    name: &str,
    value: &str,
) -> Result<String, Error> {
    let operation = "remember something";
    refuse_half_copied(c).await?;
    let text = to_json(&value)?;
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    c.execute(operation, sql, &[&name, &text]).await?;
    // Whoever came first has committed by now.
    Ok(remembered(c, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// See [`crate::Cluster::remembered`].
pub(in crate::postgres) async fn remembered(
    c: &Connection,
    name: &str,
) -> Result<Option<String>, Error> {
    let text = setting(c, name).await?;
    let damaged =
        |error| Error::Damaged { what: format!("setting {name}"), detail: format!("{error}") };
    text.map(|text| serde_json::from_str(&text).map_err(damaged)).transpose()
}

/// Refuses a database that holds a part of another store only.
pub(super) async fn refuse_half_copied(c: &Connection) -> Result<(), Error> {
    match setting(c, marker::MARKER).await? {
        Some(text) if !marker::has_ended(&text) => Err(Error::Failed {
            operation: "look for a copy that has not ended",
            source: Box::new(HalfCopied),
        }),
        _ => Ok(()),
    }
}

/// The value of a setting, as its row has it.
async fn setting(c: &Connection, name: &str) -> Result<Option<String>, Error> {
    let operation = "read a setting";
    let sql = "SELECT value FROM setting WHERE name = $1";
    c.first(operation, sql, &[&name], |row| row.try_get(0).during(operation)).await
}

//! The schema: numbered steps, forward only, each applied once and never changed afterwards. Nodes
//! that start at once apply each step once between them.

use std::time::Duration;

use fleet::Timestamp;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::checks::{self, DatabaseError};
use super::connection::Connection;

/// How long other nodes may take to change the schema before this one gives up.
const OTHERS_DEADLINE: Duration = Duration::from_secs(60);

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// Its number, counted from 1 without gaps.
    pub(super) version: u32,
    /// Its name.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) sql: &'static str,
}

/// Every step, in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "schema", sql: include_str!("schema/0001_schema.sql") },
    Migration { version: 2, name: "instance", sql: include_str!("schema/0002_instance.sql") },
    Migration { version: 3, name: "access", sql: include_str!("schema/0003_access.sql") },
    Migration { version: 4, name: "updates", sql: include_str!("schema/0004_updates.sql") },
    Migration { version: 5, name: "idempotency", sql: include_str!("schema/0005_idempotency.sql") },
    Migration { version: 6, name: "presets", sql: include_str!("schema/0006_presets.sql") },
    Migration { version: 7, name: "enrolment", sql: include_str!("schema/0007_enrolment.sql") },
    Migration { version: 8, name: "webhooks", sql: include_str!("schema/0008_webhooks.sql") },
    Migration { version: 9, name: "overview", sql: include_str!("schema/0009_overview.sql") },
    Migration { version: 10, name: "cameras", sql: include_str!("schema/0010_cameras.sql") },
    Migration { version: 11, name: "chain", sql: include_str!("schema/0011_chain.sql") },
    Migration { version: 12, name: "users", sql: include_str!("schema/0012_users.sql") },
];

/// Why a database could not be brought to this version's schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There are tables, and they are not ours.
    #[error(
        "schema {schema} holds tables but no record of our schema: it is another program's; give \
         us a database of our own"
    )]
    NotOurs {
        /// Where.
        schema: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema version {found} and this program knows versions up to {known}: \
         start the newer program, or restore a backup made before it was first started"
    )]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest known one.
        known: u32,
    },
    /// A step that was applied is not the one that this program has under that number.
    #[error(
        "schema step {version} ({name}) was applied in another form than this program has: the \
         database and the program do not belong together"
    )]
    Changed {
        /// The step.
        version: i64,
        /// Its name.
        name: String,
    },
    /// The database can't be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A step failed; the database is as it was before it.
    #[error("schema step {version} ({name}) failed")]
    Apply {
        /// The step.
        version: u32,
        /// Its name.
        name: String,
        /// The database's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The record of applied steps could not be read or made.
    #[error("the record of schema steps can't be used")]
    Record(#[source] tokio_postgres::Error),
}

/// A step that was applied.
struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

/// Applies the steps that the database lacks, on a connection that writes.
pub(super) async fn migrate(
    connection: &Connection,
    migrations: &[Migration],
    now: Timestamp,
) -> Result<(), MigrateError> {
    make_record(connection).await?;
    loop {
        // Without a lock first: mostly there is nothing to do, and then nothing is held up.
        let applied = read_applied(connection).await.map_err(MigrateError::Record)?;
        check(&applied, migrations)?;
        let Some(next) = migrations.get(applied.len()) else { break };
        checks::may_create(connection).await?;
        tracing::info!(version = next.version, name = next.name, "changing the schema");
        apply(connection, next, now).await?;
    }
    checks::may_use(connection).await?;
    Ok(())
}

/// Makes the record of applied steps in an empty schema.
async fn make_record(connection: &Connection) -> Result<(), MigrateError> {
    let deadline = Instant::now() + OTHERS_DEADLINE;
    while !has_record(connection).await? {
        checks::may_create(connection).await?;
        let sql = "CREATE TABLE IF NOT EXISTS schema_migration (
                 version    bigint PRIMARY KEY,
                 name       text COLLATE \"C\" NOT NULL,
                 checksum   text COLLATE \"C\" NOT NULL,
                 applied_at bigint NOT NULL
             )";
        match connection.client().batch_execute(sql).await {
            // Another node makes it at this moment: IF NOT EXISTS does not see that.
            Err(error) if was_first(&error) && Instant::now() < deadline => {}
            made => made.map_err(MigrateError::Record)?,
        }
    }
    Ok(())
}

/// Whether somebody else has made the same thing at the same time.
fn was_first(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT]
            .contains(code)
    })
}

/// Whether there is a record of applied steps; refuses tables without one.
async fn has_record(connection: &Connection) -> Result<bool, MigrateError> {
    // In one statement, so that both are of the same moment: another node may be at work. Tables
    // that an extension has made are nobody's program.
    let sql = "SELECT count(*) FILTER (WHERE c.relname = 'schema_migration') > 0,
                   count(*) FILTER (WHERE NOT EXISTS (
                       SELECT FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                           AND d.deptype = 'e')) > 0,
                   coalesce(current_schema()::text, '')
               FROM pg_catalog.pg_class c
               WHERE c.relkind IN ('r', 'p')
                   AND c.relnamespace = current_schema()::regnamespace";
    let row = connection.client().query_one(sql, &[]).await.map_err(MigrateError::Record)?;
    let ours: bool = row.try_get(0).map_err(MigrateError::Record)?;
    let used: bool = row.try_get(1).map_err(MigrateError::Record)?;
    if used && !ours {
        let schema = row.try_get(2).map_err(MigrateError::Record)?;
        return Err(MigrateError::NotOurs { schema });
    }
    Ok(ours)
}

/// Reads the record of applied steps, in order.
async fn read_applied(connection: &Connection) -> Result<Vec<Applied>, tokio_postgres::Error> {
    let sql = "SELECT version, name, checksum FROM schema_migration ORDER BY version";
    let rows = connection.client().query(sql, &[]).await?;
    let read = rows.iter().map(|row| {
        Ok(Applied { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? })
    });
    read.collect()
}

/// Whether what was applied is what the known steps begin with.
fn check(applied: &[Applied], migrations: &[Migration]) -> Result<(), MigrateError> {
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(newest) = applied.last().filter(|newest| newest.version > i64::from(known)) {
        return Err(MigrateError::Newer { found: newest.version, known });
    }
    for (applied, migration) in applied.iter().zip(migrations) {
        let same_version = applied.version == i64::from(migration.version);
        if !same_version || applied.checksum != checksum(migration) {
            let name = applied.name.clone();
            return Err(MigrateError::Changed { version: applied.version, name });
        }
    }
    Ok(())
}

/// Applies one step and records it, both or neither; nothing if another node has done it meanwhile.
async fn apply(
    connection: &Connection,
    migration: &Migration,
    now: Timestamp,
) -> Result<(), MigrateError> {
    let result = apply_in_transaction(connection, migration, now).await;
    if result.is_err()
        && let Err(error) = connection.client().batch_execute("ROLLBACK").await
    {
        tracing::warn!(%error, "a change of the schema can't be rolled back");
    }
    result.map_err(|source| MigrateError::Apply {
        version: migration.version,
        name: migration.name.to_owned(),
        source,
    })
}

/// The same, leaving the transaction open if it fails.
async fn apply_in_transaction(
    connection: &Connection,
    migration: &Migration,
    now: Timestamp,
) -> Result<(), tokio_postgres::Error> {
    let client = connection.client();
    // The lock lets others read the record and keeps them from changing the schema.
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = {};
         SET LOCAL idle_in_transaction_session_timeout = 0;
         LOCK TABLE schema_migration IN EXCLUSIVE MODE",
        OTHERS_DEADLINE.as_millis()
    );
    client.batch_execute(&begin).await?;
    let version = i64::from(migration.version);
    let sql = "SELECT FROM schema_migration WHERE version = $1";
    if client.query_opt(sql, &[&version]).await?.is_none() {
        client.batch_execute(migration.sql).await?;
        let sql = "INSERT INTO schema_migration (version, name, checksum, applied_at)
                   VALUES ($1, $2, $3, $4)";
        let checksum = checksum(migration);
        client.execute(sql, &[&version, &migration.name, &checksum, &now.0]).await?;
    }
    client.batch_execute("COMMIT").await
}

/// The SHA-256 of a step's text, in hexadecimal digits.
fn checksum(migration: &Migration) -> String {
    hex::encode(Sha256::digest(migration.sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { version: 1, name: "one", sql: "SELECT 1" },
        Migration { version: 2, name: "two", sql: "SELECT 2" },
    ];

    fn applied(migration: &Migration) -> Applied {
        let (version, name) = (i64::from(migration.version), migration.name.to_owned());
        Applied { version, name, checksum: checksum(migration) }
    }

    #[test]
    fn what_was_applied_is_what_the_known_steps_begin_with() {
        check(&[], KNOWN).unwrap();
        check(&[applied(&KNOWN[0])], KNOWN).unwrap();
        check(&[applied(&KNOWN[0]), applied(&KNOWN[1])], KNOWN).unwrap();
        let newer = check(&[applied(&KNOWN[0]), applied(&KNOWN[1])], &KNOWN[..1]);
        assert!(matches!(newer, Err(MigrateError::Newer { found: 2, known: 1 })));
        let mut other = applied(&KNOWN[0]);
        other.checksum.replace_range(..1, "x");
        let changed = check(&[other], KNOWN);
        assert!(matches!(changed, Err(MigrateError::Changed { version: 1, .. })));
        let gap = check(&[applied(&KNOWN[1])], KNOWN);
        assert!(matches!(gap, Err(MigrateError::Changed { version: 2, .. })));
    }
}

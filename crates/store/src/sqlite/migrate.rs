//! The schema: numbered steps, forward only, each applied once and never changed afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::backup::{self, BackupError};

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
    Migration { version: 1, name: "initial", sql: include_str!("schema/0001_initial.sql") },
    Migration { version: 2, name: "operations", sql: include_str!("schema/0002_operations.sql") },
    Migration { version: 3, name: "cameras", sql: include_str!("schema/0003_cameras.sql") },
    Migration { version: 4, name: "iss", sql: include_str!("schema/0004_iss.sql") },
    Migration { version: 5, name: "cluster", sql: include_str!("schema/0005_cluster.sql") },
    Migration { version: 6, name: "instance", sql: include_str!("schema/0006_instance.sql") },
    Migration { version: 7, name: "access", sql: include_str!("schema/0007_access.sql") },
    Migration { version: 8, name: "updates", sql: include_str!("schema/0008_updates.sql") },
    Migration { version: 9, name: "idempotency", sql: include_str!("schema/0009_idempotency.sql") },
    Migration { version: 10, name: "presets", sql: include_str!("schema/0010_presets.sql") },
    Migration { version: 11, name: "enrolment", sql: include_str!("schema/0011_enrolment.sql") },
    Migration { version: 12, name: "webhooks", sql: include_str!("schema/0012_webhooks.sql") },
    Migration { version: 13, name: "overview", sql: include_str!("schema/0013_overview.sql") },
    Migration { version: 14, name: "chain", sql: include_str!("schema/0014_chain.sql") },
    Migration { version: 15, name: "users", sql: include_str!("schema/0015_users.sql") },
];

/// Why a database could not be brought to this version's schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is a database, and it is not one of ours.
    #[error("{} holds tables but no record of our schema: it is another program's database",
        database.display())]
    NotOurs {
        /// The file.
        database: PathBuf,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema version {found} and this program knows versions up to {known}: \
             start the newer program, or restore a backup made before it was first started"
    )]
    Newer {
        /// The database's version.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// A step that was applied is not the one that this program has under that number.
    #[error(
        "schema step {version} ({name}) was applied in another form than this program has: \
             the database and the program do not belong together"
    )]
    Changed {
        /// The step.
        version: u32,
        /// Its name.
        name: String,
    },
    /// The backup before the change failed, so nothing was changed.
    #[error("the backup before schema step {version} failed")]
    Backup {
        /// The step.
        version: u32,
        /// Why.
        #[source]
        source: BackupError,
    },
    /// A step failed; the database is as it was before it.
    #[error("schema step {version} ({name}) failed")]
    Apply {
        /// The step.
        version: u32,
        /// Its name.
        name: String,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// The record of applied steps could not be read or made.
    #[error("the record of schema steps can't be used")]
    Record(#[source] rusqlite::Error),
}

/// Where a database is backed up to before it is changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The database.
    pub(super) database: &'a Path,
    /// The directory for the backup.
    pub(super) directory: &'a Path,
}

/// Applies the steps that the database lacks. Before the first of them, a database that has been in
/// use is backed up; `place` is `None` for one in memory, which never has been.
pub(super) fn migrate(
    connection: &Connection,
    place: Option<Place<'_>>,
    migrations: &[Migration],
    now: Timestamp,
) -> Result<(), MigrateError> {
    let applied = applied(connection, place)?;
    check(&applied, migrations)?;
    let mut missing = migrations.iter().skip(applied.len()).peekable();
    if let (Some(next), Some(place), false) = (missing.peek(), place, applied.is_empty()) {
        let version = next.version;
        let name = format!("backup-before-{version:04}-{}.db", now.to_basic_text());
        backup::back_up(connection, &place.directory.join(name), &Arc::default())
            .map_err(|source| MigrateError::Backup { version, source })?;
    }
    for migration in missing {
        tracing::info!(version = migration.version, name = migration.name, "changing the schema");
        apply(connection, migration, now).map_err(|source| MigrateError::Apply {
            version: migration.version,
            name: migration.name.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// A step that was applied.
struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

/// The steps that were applied, in order. Makes the record of them in an empty database.
fn applied(
    connection: &Connection,
    place: Option<Place<'_>>,
) -> Result<Vec<Applied>, MigrateError> {
    if !exists(connection, HAS_RECORD)? {
        let used = exists(connection, "SELECT 1 FROM sqlite_schema LIMIT 1")?;
        if let (Some(place), true) = (place, used) {
            return Err(MigrateError::NotOurs { database: place.database.to_owned() });
        }
        let sql = "CREATE TABLE schema_migration (
                 version    INTEGER PRIMARY KEY,
                 name       TEXT    NOT NULL,
                 checksum   TEXT    NOT NULL,
                 applied_at INTEGER NOT NULL
             ) STRICT";
        connection.execute_batch(sql).map_err(MigrateError::Record)?;
    }
    read_applied(connection)
}

/// Finds the record of applied steps.
const HAS_RECORD: &str = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'";

/// Whether a statement gives a row.
fn exists(connection: &Connection, sql: &str) -> Result<bool, MigrateError> {
    let found = connection.query_row(sql, [], |_| Ok(())).optional();
    found.map(|found| found.is_some()).map_err(MigrateError::Record)
}

/// Reads the record of applied steps.
fn read_applied(connection: &Connection) -> Result<Vec<Applied>, MigrateError> {
    let read = || {
        let sql = "SELECT version, name, checksum FROM schema_migration ORDER BY version";
        let mut select = connection.prepare(sql)?;
        let rows = select.query_map([], |row| {
            Ok(Applied { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
        })?;
        rows.collect::<Result<_, _>>()
    };
    read().map_err(MigrateError::Record)
}

/// Whether the database in `file` is one that this program can use, as it is or by further steps.
/// Changes nothing.
pub(super) fn check_known(connection: &Connection, file: &Path) -> Result<(), MigrateError> {
    let not_ours = || MigrateError::NotOurs { database: file.to_owned() };
    if !exists(connection, HAS_RECORD)? {
        return Err(not_ours());
    }
    let applied = read_applied(connection)?;
    if applied.is_empty() {
        return Err(not_ours());
    }
    check(&applied, MIGRATIONS)
}

/// Whether what was applied is what the known steps begin with.
fn check(applied: &[Applied], migrations: &[Migration]) -> Result<(), MigrateError> {
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(newest) = applied.last().filter(|newest| newest.version > known) {
        return Err(MigrateError::Newer { found: newest.version, known });
    }
    for (applied, migration) in applied.iter().zip(migrations) {
        if applied.version != migration.version || applied.checksum != checksum(migration) {
            let name = applied.name.clone();
            return Err(MigrateError::Changed { version: applied.version, name });
        }
    }
    Ok(())
}

/// Applies one step and records it, both or neither.
fn apply(
    connection: &Connection,
    migration: &Migration,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO schema_migration (version, name, checksum, applied_at)
         VALUES (?1, ?2, ?3, ?4)",
        params![migration.version, migration.name, checksum(migration), now.0],
    )?;
    transaction.commit()
}

/// The SHA-256 of a step's text, in hexadecimal digits.
fn checksum(migration: &Migration) -> String {
    hex::encode(Sha256::digest(migration.sql.as_bytes()))
}

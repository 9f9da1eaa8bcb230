//! How connections are set up.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Bytes of a page. An update touches one row of a random device, and the log takes the whole page
/// for it, so a larger page costs more; in a smaller one a job of some hundred bytes no longer fits
/// (measured with 2,048: a third less written for small jobs, and twice as much for jobs of 600
/// bytes).
pub(super) const PAGE_BYTES: u32 = 4096;

/// Oldest SQLite that may run: before it, a checkpoint and a restart of the log that meet can
/// corrupt the database (sqlite.org/wal.html, "The WAL-reset bug").
const VERSION_MIN: i32 = 3_051_003;

/// How long the writer waits for a reader to let go of the log when it restarts it. Nothing else
/// can keep the writer waiting: there is one of it, and the directory is locked. Short, for every
/// caller waits with it, and it tries again 16 MB later.
const WRITER_BUSY: Duration = Duration::from_millis(5);

/// How long a reader waits; only the recovery of a log can keep it waiting.
const READER_BUSY: Duration = Duration::from_secs(1);

/// Cached pages of the writer, in KiB: the state rows of the devices in use and the tails of the
/// trees. Taken as needed.
const WRITER_CACHE_KIB: i64 = 65_536;

/// Cached pages of a reader, in KiB. Every commit empties it, so that more would not help.
const READER_CACHE_KIB: i64 = 4_096;

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS: usize = 192;

/// Whether this SQLite is one that may be used; its version otherwise.
pub(super) fn check_version(number: i32) -> Result<(), String> {
    if number >= VERSION_MIN {
        return Ok(());
    }
    Err(format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000))
}

/// Opens the database for the writer and makes it, for its owner alone, if it does not exist.
pub(super) fn open_writer(database: &Path) -> Result<Connection, rusqlite::Error> {
    // SQLite would make the file readable for all; the log takes its mode from the file.
    let made =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(database);
    // SQLite itself says best what is wrong with a file that can't be opened.
    drop(made);
    let connection = open_read_write(database)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // The log keeps its size and is written over again: a file that doesn't grow is synced faster.
    let log_bytes = i64::try_from(fleet::limits::WAL_BYTES_MAX).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", log_bytes)?;
    connection.busy_timeout(WRITER_BUSY)?;
    Ok(connection)
}

/// Opens the database for the checkpointer, which waits for nobody.
pub(super) fn open_checkpointer(database: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = open_read_write(database)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// What the writer and the checkpointer have in common: every commit is synced, and none
/// checkpoints by itself.
fn open_read_write(database: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    set_up(&connection)?;
    Ok(connection)
}

/// Opens the database for reading only.
pub(super) fn open_reader(database: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    connection.busy_timeout(READER_BUSY)?;
    set_up(&connection)?;
    Ok(connection)
}

/// Makes a database in memory.
pub(super) fn open_in_memory() -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    set_up(&connection)?;
    Ok(connection)
}

/// What every connection has.
fn set_up(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A statement's plan does not hang on its parameters. Without this SQLite prepares one anew at
    // each use after it was in the cache, since that clears its parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_sqlite_is_refused_by_its_version() {
        assert_eq!(check_version(3_051_003), Ok(()));
        assert_eq!(check_version(3_051_002), Err("3.51.2".to_owned()));
        assert_eq!(check_version(3_040_001), Err("3.40.1".to_owned()));
        assert_eq!(check_version(rusqlite::version_number()), Ok(()));
    }
}

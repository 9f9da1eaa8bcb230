//! A copy of the database that is known to be whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Copying the database failed.
    #[error("the database can't be copied to {}", file.display())]
    Copy {
        /// The copy.
        file: PathBuf,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// The copy was read back and is damaged, and so is the database, most likely.
    #[error("the copy {} is damaged: {finding}", file.display())]
    Damaged {
        /// The copy.
        file: PathBuf,
        /// What `PRAGMA integrity_check` said first.
        finding: String,
    },
    /// The copy could not be synced or given its name.
    #[error("the copy {} can't be kept", file.display())]
    Keep {
        /// The copy.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// Copies the database of `connection` to `file`, which must not exist. The copy gets its name only
/// when it has been checked and synced, so that a file of that name is a whole one.
pub(super) fn back_up(connection: &Connection, file: &Path) -> Result<(), BackupError> {
    let partial = file.with_extension("partial");
    let copied = |source| BackupError::Copy { file: partial.clone(), source };
    let kept = |source| BackupError::Keep { file: file.to_owned(), source };
    // What a copy that was broken off has left.
    if let Err(source) = fs::remove_file(&partial)
        && source.kind() != io::ErrorKind::NotFound
    {
        return Err(kept(source));
    }
    let finding = copy_and_check(connection, &partial).map_err(copied)?;
    if finding != "ok" {
        return Err(BackupError::Damaged { file: partial, finding });
    }
    let sync = || {
        File::open(&partial)?.sync_all()?;
        // Never over another backup.
        fs::hard_link(&partial, file)?;
        fs::remove_file(&partial)?;
        file.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    sync().map_err(kept)
}

/// Copies, and gives what `PRAGMA integrity_check` says of the copy: `ok`, or what is wrong first.
fn copy_and_check(connection: &Connection, file: &Path) -> Result<String, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(file, flags)?;
    // All pages in one step: nobody else is there yet who would wait.
    Backup::new(connection, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    // One file, not a file and a log.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
}

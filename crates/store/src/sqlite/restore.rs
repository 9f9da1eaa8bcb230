//! Backups while no server runs: checking one, and making it the database again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::backup::{
    BackupError, Partial, beside, checksum, directory_of, inspect, refuse_existing,
};
use super::lock::DirectoryLock;
use super::migrate;
use crate::{Backup, BackupCounts, Error};

/// Reads a backup as a whole: that it is a database of this program's, none of a newer version, and
/// not damaged. Tells what it holds and its checksum, to be compared with the one that was given
/// when it was made. Blocks while it reads.
///
/// Errors: [`Error::Failed`] with the [`BackupError`] that says why the backup can't be used.
pub fn verify_backup(path: &Path) -> Result<Backup, Error> {
    let verified = || {
        let counts = check(path, path)?;
        let (bytes, sha256) =
            checksum(path).map_err(|source| BackupError::Keep { file: path.to_owned(), source })?;
        Ok(Backup { path: path.to_owned(), bytes, sha256, counts })
    };
    verified().map_err(|error: BackupError| error.during("the check of a backup"))
}

/// Makes a backup the database at `database`, where there must be none: nothing that exists is ever
/// touched. The copy is checked as a whole before it gets that name. Locks the directory, so that
/// no server starts meanwhile. A backup of an older version is brought up to date by the next
/// start.
///
/// Errors: [`Error::Failed`] with the [`BackupError`] or [`super::LockError`]; then there is no
/// database.
pub fn restore(backup: &Path, database: &Path) -> Result<Backup, Error> {
    let operation = "the restore";
    // First, so that a directory with a running server or a database is not touched at all.
    refuse_existing(database).map_err(|error| error.during(operation))?;
    let _lock = DirectoryLock::take(directory_of(database))
        .map_err(|source| Error::Failed { operation, source: Box::new(source) })?;
    copy_into_place(backup, database).map_err(|error| error.during(operation))
}

/// The same with the directory locked.
fn copy_into_place(backup: &Path, database: &Path) -> Result<Backup, BackupError> {
    refuse_existing(database)?;
    // A log that was left behind would be taken for the restored database's own.
    for suffix in ["-wal", "-shm", "-journal"] {
        refuse_existing(&beside(database, suffix))?;
    }
    refuse_log(backup)?;
    let partial = Partial::make(database)?;
    let copy = || -> io::Result<()> {
        let mut to = OpenOptions::new().write(true).open(&partial.path)?;
        io::copy(&mut File::open(backup)?, &mut to)?;
        Ok(())
    };
    copy().map_err(|source| BackupError::Keep { file: database.to_owned(), source })?;
    let counts = check(&partial.path, backup)?;
    partial.keep(database, counts)
}

/// Checks the database in `file`, which the errors call `name`.
fn check(file: &Path, name: &Path) -> Result<BackupCounts, BackupError> {
    refuse_log(file)?;
    let read = |source| BackupError::Read { file: name.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(read)?;
    migrate::check_known(&connection, name)
        .map_err(|error| BackupError::Schema { file: name.to_owned(), source: Box::new(error) })?;
    inspect(&connection)
        .map_err(read)?
        .map_err(|finding| BackupError::Damaged { file: name.to_owned(), finding })
}

/// Refuses a file that has a log with something in it.
fn refuse_log(file: &Path) -> Result<(), BackupError> {
    match fs::metadata(beside(file, "-wal")) {
        Ok(log) if log.len() > 0 => Err(BackupError::InUse { file: file.to_owned() }),
        _ => Ok(()),
    }
}

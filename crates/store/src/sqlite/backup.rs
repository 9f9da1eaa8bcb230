//! Copies of the database that are known to be whole.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::backup::{Backup as Copy, StepResult};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::migrate::MigrateError;
use crate::{Backup, BackupCounts, Error};

/// Pages that are copied between two looks at whether to go on: 16 MB.
const PAGES_PER_STEP: i32 = 4_096;

/// Steps of SQLite's machine between two such looks while the copy is checked.
const STEPS_PER_LOOK: i32 = 100_000;

/// Bytes that are read at a time for the checksum.
const READ_BYTES: usize = 256 * 1024;

/// Why there is no backup, or no restored database.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name already, and none is ever written over.
    #[error("{} exists already", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// Copying the database, or reading a copy, failed.
    #[error("the database can't be copied to {}", file.display())]
    Copy {
        /// The copy.
        file: PathBuf,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// A copy can't be read as a database.
    #[error("{} can't be read", file.display())]
    Read {
        /// The copy.
        file: PathBuf,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// The copy was read back and is damaged. If it was just made, so is the database, most likely.
    #[error("the copy {} is damaged: {finding}", file.display())]
    Damaged {
        /// The copy.
        file: PathBuf,
        /// What `PRAGMA integrity_check` said first.
        finding: String,
    },
    /// A log lies beside the file: a database in use, not a backup, and not whole without its log.
    #[error("{} has a log beside it: it is a database in use, not a backup", file.display())]
    InUse {
        /// The file.
        file: PathBuf,
    },
    /// The copy is not of a database that this program can use.
    #[error("{} can't be used", file.display())]
    Schema {
        /// The copy.
        file: PathBuf,
        /// Why.
        #[source]
        source: Box<MigrateError>,
    },
    /// The copy could not be written, synced or given its name.
    #[error("the copy {} can't be kept", file.display())]
    Keep {
        /// The copy.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The store was closed meanwhile.
    #[error("the copy was broken off: the store is closed")]
    Stopped,
}

impl BackupError {
    /// The same as an error of the store, which happened in `operation`.
    pub(super) fn during(self, operation: &'static str) -> Error {
        match self {
            Self::Stopped => Error::Closed,
            source => Error::Failed { operation, source: Box::new(source) },
        }
    }
}

/// Copies the database of `connection` to `file`, which must not exist. If the connection has a
/// read transaction open, the copy is of that moment, whatever is written meanwhile. The copy gets
/// its name only when it has been checked and synced, so that a file of that name is a whole one;
/// on an error there is none. Ends early once `stopped` is set.
pub(super) fn back_up(
    connection: &Connection,
    file: &Path,
    stopped: &Arc<AtomicBool>,
) -> Result<Backup, BackupError> {
    refuse_existing(file)?;
    make_directory(file).map_err(|source| BackupError::Keep { file: file.to_owned(), source })?;
    let partial = Partial::make(file)?;
    let copied = |source| match stopped.load(Ordering::Relaxed) {
        true => BackupError::Stopped,
        false => BackupError::Copy { file: file.to_owned(), source },
    };
    let mut copy = open_to_write(&partial.path).map_err(copied)?;
    copy_pages(connection, &mut copy, stopped).map_err(copied)?;
    let counts = inspect(&copy)
        .map_err(copied)?
        .map_err(|finding| BackupError::Damaged { file: file.to_owned(), finding })?;
    copy.close().map_err(|(_, source)| copied(source))?;
    partial.keep(file, counts)
}

/// Opens the copy. It is synced as a whole at the end, and needs no protection until then.
fn open_to_write(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(file, flags)?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    Ok(copy)
}

/// Copies all pages, and makes the copy one file instead of a file and a log.
fn copy_pages(
    connection: &Connection,
    copy: &mut Connection,
    stopped: &Arc<AtomicBool>,
) -> Result<(), rusqlite::Error> {
    let flag = Arc::clone(stopped);
    copy.progress_handler(STEPS_PER_LOOK, Some(move || flag.load(Ordering::Relaxed)))?;
    let interrupted = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    let pages = Copy::new(connection, copy)?;
    loop {
        match pages.step(PAGES_PER_STEP)? {
            StepResult::Done => break,
            StepResult::More if !stopped.load(Ordering::Relaxed) => {}
            StepResult::More => return Err(interrupted(rusqlite::ffi::SQLITE_INTERRUPT)),
            // Nobody else has the copy open, and a reader of the database waits for nobody.
            _ => return Err(interrupted(rusqlite::ffi::SQLITE_BUSY)),
        }
    }
    drop(pages);
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    forget_id(copy)
}

/// Takes from a copy what tells the store from all others: what is restored from it gets an id of
/// its own, since its feed goes on in another way.
fn forget_id(copy: &Connection) -> Result<(), rusqlite::Error> {
    let has_settings =
        copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'setting'")?.exists([])?;
    if has_settings {
        copy.execute("DELETE FROM setting WHERE name = ?1", [crate::cluster::STORE_ID])?;
    }
    Ok(())
}

/// What a database holds, or what `PRAGMA integrity_check` finds wrong with it first.
pub(super) fn inspect(
    connection: &Connection,
) -> Result<Result<BackupCounts, String>, rusqlite::Error> {
    let finding: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if finding != "ok" {
        return Ok(Err(finding));
    }
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok(Ok(BackupCounts {
        projects: count("SELECT count(*) FROM project")?.unsigned_abs(),
        devices: count("SELECT count(*) FROM device")?.unsigned_abs(),
        jobs: count("SELECT count(*) FROM job")?.unsigned_abs(),
    }))
}

/// A file that is being written under another name than its own. Unless it is kept, it goes when
/// this is dropped, with what SQLite may have put beside it.
pub(super) struct Partial {
    /// Where it is for now.
    pub(super) path: PathBuf,
}

impl Partial {
    /// Makes an empty one beside `file`, for its owner alone, in place of one that was broken off.
    pub(super) fn make(file: &Path) -> Result<Self, BackupError> {
        let path = beside(file, ".partial");
        let failed = |source| BackupError::Keep { file: file.to_owned(), source };
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        Ok(Self { path })
    }

    /// Syncs it, takes its checksum and gives it its name.
    pub(super) fn keep(self, file: &Path, counts: BackupCounts) -> Result<Backup, BackupError> {
        let failed = |source| BackupError::Keep { file: file.to_owned(), source };
        File::open(&self.path).and_then(|partial| partial.sync_all()).map_err(failed)?;
        let (bytes, sha256) = checksum(&self.path).map_err(failed)?;
        refuse_existing(file)?;
        fs::rename(&self.path, file).map_err(failed)?;
        if let Err(source) = File::open(directory_of(file)).and_then(|d| d.sync_all()) {
            // Its name might be gone after a power cut: better now than then.
            let _ = fs::remove_file(file);
            return Err(failed(source));
        }
        Ok(Backup { path: file.to_owned(), bytes, sha256, counts })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            // Most of them are not there.
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

/// The path of `file` with `suffix` after its name.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    PathBuf::from(path)
}

/// The directory in which `file` lies.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

/// Nothing is ever written over.
pub(super) fn refuse_existing(file: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(BackupError::Exists { file: file.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(BackupError::Keep { file: file.to_owned(), source }),
    }
}

/// Makes the directory of `file`, for its owner alone, if only that is missing.
fn make_directory(file: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory_of(file)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The length of a file and its SHA-256 in hexadecimal digits.
pub(super) fn checksum(file: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    let mut piece = vec![0; READ_BYTES];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok((bytes, hex::encode(hash.finalize()))),
            Ok(read) => {
                hash.update(piece.get(..read).unwrap_or_default());
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

//! The exclusive lock on the data directory: one server at a time.
//!
//! It is held by the open file, so the system lets go of it when the process ends, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why a data directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The directory does not exist and could not be made.
    #[error("the data directory {} can't be made", directory.display())]
    MakeDirectory {
        /// The directory.
        directory: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The lock file could not be opened, locked or written.
    #[error("the lock file {} can't be used", file.display())]
    LockFile {
        /// The file.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Another server has it.
    #[error("the data directory {} is in use by another server (process {process})",
        directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The process id that the other server left in the lock file.
        process: String,
    },
}

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    /// Kept open: closing it lets go of the lock.
    _file: File,
}

impl DirectoryLock {
    /// Locks `directory` by its file `lock`, which then holds our process id for people to read.
    /// Makes the directory, for its owner alone, if it does not exist.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| {
            LockError::MakeDirectory { directory: directory.to_owned(), source }
        })?;
        let path = directory.join("lock");
        let failed = |source| LockError::LockFile { file: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                // For people only: a number that is missing or wrong does no harm.
                let mut process = String::new();
                let _ = (&mut file).take(32).read_to_string(&mut process);
                let process = process.trim().to_owned();
                return Err(LockError::InUse { directory: directory.to_owned(), process });
            }
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

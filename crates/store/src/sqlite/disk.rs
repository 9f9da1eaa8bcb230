//! The low-water mark of the disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Room};

/// How much room there is, as of the last look.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    free_bytes: AtomicU64,
    needed_bytes: u64,
}

impl Disk {
    /// Watches the file system of `directory`, on which `needed_bytes` must stay free.
    pub(super) fn new(directory: PathBuf, needed_bytes: u64) -> Self {
        let disk = Self { directory, free_bytes: AtomicU64::new(u64::MAX), needed_bytes };
        disk.look();
        disk
    }

    /// Looks again. When it can't, what was seen last stands: a commit that finds no room fails on
    /// its own.
    pub(super) fn look(&self) {
        match fs4::available_space(&self.directory) {
            Ok(free_bytes) => {
                self.free_bytes.store(free_bytes, Ordering::Relaxed);
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                metrics::gauge!("fleetwright_store_disk_free_bytes").set(free_bytes as f64);
            }
            Err(error) => tracing::warn!(%error, "the free space of the disk can't be read"),
        }
    }

    /// [`Error::DiskLow`] if there was too little room at the last look.
    pub(super) fn check(&self) -> Result<(), Error> {
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        if free_bytes < self.needed_bytes {
            return Err(Error::DiskLow { free_bytes, needed_bytes: self.needed_bytes });
        }
        Ok(())
    }

    /// How much room there is on the disk, and in the database, `spare_bytes` of which are free.
    /// `None`: it can't be known.
    pub(super) fn room(&self, spare_bytes: u64) -> Option<Room> {
        let total_bytes = fs4::total_space(&self.directory).ok()?;
        let free_bytes = fs4::available_space(&self.directory).ok()?.saturating_add(spare_bytes);
        Some(Room { free_bytes, total_bytes })
    }

    /// [`Error::DiskLow`] if a file of `bytes` in `directory`, of whatever file system, would leave
    /// too little room there. When that can't be known, the write itself will tell.
    pub(super) fn check_room(&self, directory: &Path, bytes: u64) -> Result<(), Error> {
        let needed_bytes = self.needed_bytes.saturating_add(bytes);
        match fs4::available_space(directory) {
            Ok(free_bytes) if free_bytes < needed_bytes => {
                Err(Error::DiskLow { free_bytes, needed_bytes })
            }
            _ => Ok(()),
        }
    }
}

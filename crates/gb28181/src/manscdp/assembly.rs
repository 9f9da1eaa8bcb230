//! A catalog put together from the messages that it comes in.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{CatalogItem, CatalogPart};

/// Most items of a catalog that is put together: an order of magnitude above the largest recorders
/// (512 channels), and what a platform of a small city has below it.
pub const CATALOG_ITEMS_MAX: usize = 10_000;

/// Most bytes that a catalog takes while it is put together: 800 for each of the most items.
pub const CATALOG_BYTES_MAX: usize = 8_000_000;

/// Why a message does not become part of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AssemblyError {
    /// The message answers another query.
    #[error("catalog message has the number {found}, not {expected}")]
    OtherSn {
        /// The number that the catalog was asked for with.
        expected: u32,
        /// The number of the message.
        found: u32,
    },
    /// More than [`CATALOG_ITEMS_MAX`] items came or were announced.
    #[error("catalog has more than {CATALOG_ITEMS_MAX} items")]
    TooManyItems,
    /// The items take more than [`CATALOG_BYTES_MAX`].
    #[error("catalog takes more than {CATALOG_BYTES_MAX} bytes")]
    TooManyBytes,
}

/// How far a catalog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is to come, or may be.
    Incomplete {
        /// How many items came, each counted once.
        seen: u32,
        /// How many are announced; nothing if no message said so.
        sum_num: Option<u32>,
    },
    /// As many items came as were announced.
    Complete,
}

/// Puts the messages of one answer to a catalog query together (GB/T 28181-2016 9.5).
///
/// Messages may come in any order, with one item or many, with some twice and some never. Items are
/// told apart by `DeviceID`; one that comes again replaces the earlier. The catalog is complete
/// when as many were seen as `SumNum` says, or as the largest does if messages differ. Where no
/// message has a `SumNum`, or has items and says 0, nobody can tell, and it stays incomplete: what
/// to make of it when no more comes is for the caller, who knows the time.
#[derive(Debug, Clone)]
pub struct CatalogAssembly {
    /// The number of the query.
    sn: u32,
    /// The largest number announced.
    sum_num: Option<u32>,
    /// What came, by `DeviceID`.
    items: BTreeMap<String, CatalogItem>,
    /// What the items take.
    bytes: usize,
}

impl CatalogAssembly {
    /// An empty catalog that is to be filled by the answer to the query of this number.
    pub fn new(sn: u32) -> Self {
        Self { sn, sum_num: None, items: BTreeMap::new(), bytes: 0 }
    }

    /// Takes a message in and tells how far the catalog is now.
    ///
    /// # Errors
    /// The message answers another query, or it leads over a bound; items that came before the one
    /// which did stay.
    pub fn add(&mut self, part: CatalogPart) -> Result<Progress, AssemblyError> {
        if part.sn != self.sn {
            return Err(AssemblyError::OtherSn { expected: self.sn, found: part.sn });
        }
        let announced = part.sum_num.unwrap_or(0) as usize;
        if announced > CATALOG_ITEMS_MAX {
            return Err(AssemblyError::TooManyItems);
        }
        self.sum_num = self.sum_num.max(part.sum_num);
        for item in part.items {
            self.insert(item)?;
        }
        Ok(self.progress())
    }

    /// How far the catalog is.
    pub fn progress(&self) -> Progress {
        let seen = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        match self.sum_num {
            // An empty device says 0 and sends nothing.
            Some(0) if seen == 0 => Progress::Complete,
            Some(sum_num) if sum_num > 0 && seen >= sum_num => Progress::Complete,
            sum_num => Progress::Incomplete { seen, sum_num },
        }
    }

    /// The items so far, by `DeviceID`.
    pub fn items(&self) -> impl Iterator<Item = &CatalogItem> {
        self.items.values()
    }

    /// The items, by `DeviceID`.
    pub fn into_items(self) -> Vec<CatalogItem> {
        self.items.into_values().collect()
    }

    /// Adds an item, or puts it in the place of the one with its `DeviceID`.
    fn insert(&mut self, item: CatalogItem) -> Result<(), AssemblyError> {
        let earlier = self.items.get(&item.device_id);
        if earlier.is_none() && self.items.len() >= CATALOG_ITEMS_MAX {
            return Err(AssemblyError::TooManyItems);
        }
        let bytes = self.bytes - earlier.map_or(0, held_bytes) + held_bytes(&item);
        if bytes > CATALOG_BYTES_MAX {
            return Err(AssemblyError::TooManyBytes);
        }
        self.bytes = bytes;
        self.items.insert(item.device_id.clone(), item);
        Ok(())
    }
}

/// What an item takes in a catalog: itself, its values, and its id once more as the key.
fn held_bytes(item: &CatalogItem) -> usize {
    size_of::<CatalogItem>() + item.value_bytes() + item.device_id.len()
}

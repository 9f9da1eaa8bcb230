//! Room for the bodies that are in memory at a time. A server of many connections would fill its
//! memory with bodies long before any connection does anything wrong.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Kilobytes of all large bodies at a time. In the CPH door a body is in memory before its
/// signature can be checked, and an access key's id is no secret: without a bound, strangers could
/// fill the memory with as many bodies of 12 MB as there may be connections. Room for 21 of the
/// largest, or 100 calls for 8,096 phones.
const KILOBYTES_MAX: usize = 256 * 1024;

/// Bytes up to which a body needs no room, so that strangers who hold all of it hold up none but
/// large calls. Some 300 phones; all connections together then have at most 1 GB.
const SMALL_BYTES_MAX: u64 = 64 * 1024;

/// A large body's room, given back when it is dropped; `None` for a small one.
pub(crate) type Room = Option<OwnedSemaphorePermit>;

/// There is no room for a body now.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// All the room that there is.
#[derive(Debug, Clone)]
pub(crate) struct BodyRoom(Arc<Semaphore>);

impl Default for BodyRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(KILOBYTES_MAX)))
    }
}

impl BodyRoom {
    /// Takes room for a body: as much as it says that it has, or `bytes_max`, as it may have at
    /// most.
    pub(crate) fn take(&self, body: &Body, bytes_max: usize) -> Result<Room, NoRoom> {
        let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        let bytes = body.size_hint().upper().unwrap_or(most).min(most);
        if bytes <= SMALL_BYTES_MAX {
            return Ok(None);
        }
        let kilobytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        self.0.clone().try_acquire_many_owned(kilobytes).map(Some).map_err(|_| NoRoom)
    }
}

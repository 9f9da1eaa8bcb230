//! Whether a writer may speak for a device: read in the transaction that writes.

use fleet::{DeviceKey, Epoch, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::columns::{column, optional};
use crate::rules::{self, Bound, Standing};
use crate::sqlite::clock::session_lasts;
use crate::sqlite::queries::first;
use crate::sqlite::terms::Terms;
use crate::{Error, Fence, Refused, SessionKey};

/// What a fence is compared with. A phone has no binding: one look that finds nothing.
pub(in crate::sqlite) const STANDING: &str = concat!(
    "SELECT h.epoch, h.owner, b.session, b.ended_at IS NOT NULL, b.expires_at,
         n.key IS NOT NULL AND ",
    session_lasts!("?3"),
    " FROM shard AS h LEFT JOIN binding AS b ON b.device = ?2
         LEFT JOIN session AS n ON n.key = b.session
     WHERE h.shard = ?1"
);

/// The refusal of a fence that proves nothing about the device at the time of the write. Under
/// another shard than its own a device does not exist.
pub(super) fn fenced(
    connection: &Connection,
    terms: &Terms,
    fence: Fence,
    (device, at): (DeviceKey, Timestamp),
) -> Result<Option<Refused>, Error> {
    #[cfg(feature = "planted-bugs")]
    if terms.unfenced {
        return Ok(None);
    }
    let shard = match fence {
        Fence::Shard { shard, .. } => shard,
        Fence::Binding(_) => device.shard(),
    };
    let params = params![shard.0, device.0, terms.now];
    let read = |row: &Row<'_>| standing(row, at);
    let standing = first(connection, "read who may speak for a device", STANDING, params, read)?;
    Ok(if !rules::holds(fence, &standing.unwrap_or_default()) {
        Some(Refused::Fenced)
    } else if rules::is_of_another_shard(fence, device) {
        Some(Refused::NoSuchDevice)
    } else {
        None
    })
}

/// A row of [`STANDING`], for a write at `at`.
fn standing(row: &Row<'_>, at: Timestamp) -> Result<Standing, Error> {
    let owner = optional(row, 1)?.map(SessionKey);
    let bound = match optional(row, 2)?.map(SessionKey) {
        None => None,
        Some(session) => Some(Bound {
            session,
            lasts: column(row, 5)?,
            is_live: Bound::is_live(column(row, 3)?, Timestamp(column(row, 4)?), at),
        }),
    };
    Ok(Standing { shard: Some((Epoch(column(row, 0)?), owner)), bound })
}

//! Ids of GB devices that are free.

use fleet::DeviceId;
use rusqlite::{Connection, Rows, params};

use crate::Error;
use crate::columns::damaged;
use crate::gb_ids::{device_id, digits, range};
use crate::sqlite::rows::During;

/// What is being done, in an error's words.
const OPERATION: &str = "look for free ids";

/// The ids from ?1 to ?2 that are taken, by GB devices and by channels, the lowest first. Both
/// indexes give theirs in order, and only as many as are asked for.
pub(in crate::sqlite) const TAKEN: &str = "SELECT id FROM device INDEXED BY device_camera_by_id
         WHERE kind = 'camera' AND id BETWEEN ?1 AND ?2
             AND length(id) = 20 AND id NOT GLOB '*[^0-9]*'
     UNION SELECT id FROM channel INDEXED BY channel_by_id
         WHERE id BETWEEN ?1 AND ?2 AND length(id) = 20 AND id NOT GLOB '*[^0-9]*'
     ORDER BY 1";
/// The same, the highest first.
pub(in crate::sqlite) const TAKEN_DOWN: &str =
    "SELECT id FROM device INDEXED BY device_camera_by_id
         WHERE kind = 'camera' AND id BETWEEN ?1 AND ?2
             AND length(id) = 20 AND id NOT GLOB '*[^0-9]*'
     UNION SELECT id FROM channel INDEXED BY channel_by_id
         WHERE id BETWEEN ?1 AND ?2 AND length(id) = 20 AND id NOT GLOB '*[^0-9]*'
     ORDER BY 1 DESC";

/// See [`crate::Reads::free_camera_ids`]. None for a prefix that is none of an id of 20 digits.
pub(in crate::sqlite) fn free_camera_ids(
    connection: &Connection,
    prefix: &str,
    count: u32,
) -> Result<Vec<DeviceId>, Error> {
    let Some((first, last)) = range(prefix) else {
        return Ok(Vec::new());
    };
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let (low, high) = (digits(first), digits(last));
    let mut down = connection.prepare_cached(TAKEN_DOWN).during(OPERATION)?;
    let highest = next(&mut down.query(params![low, high]).during(OPERATION)?)?;
    let above = highest.map_or(first, |highest| highest + 1);
    let mut free: Vec<u128> = (above..=last).take(wanted).collect();
    let Some(highest) = highest.filter(|_| free.len() < wanted) else {
        return free.into_iter().map(device_id).collect();
    };
    // Between those that are taken, up to the highest of them.
    let mut up = connection.prepare_cached(TAKEN).during(OPERATION)?;
    let mut taken = up.query(params![low, digits(highest)]).during(OPERATION)?;
    let mut candidate = first;
    while let Some(id) = next(&mut taken)? {
        free.extend((candidate..id).take(wanted - free.len()));
        if free.len() == wanted {
            break;
        }
        candidate = id + 1;
    }
    free.into_iter().map(device_id).collect()
}

/// The next id that is taken.
fn next(rows: &mut Rows<'_>) -> Result<Option<u128>, Error> {
    let Some(row) = rows.next().during(OPERATION)? else {
        return Ok(None);
    };
    let id: String = row.get(0).during(OPERATION)?;
    id.parse().map(Some).map_err(|error| damaged("id", error))
}

//! Ids of GB devices that are free.

use fleet::DeviceId;
use tokio_postgres::Row;

use crate::Error;
use crate::columns::{column, damaged, optional};
use crate::gb_ids::{device_id, digits, range};
use crate::postgres::connection::Connection;

/// What is being done, in an error's words.
const OPERATION: &str = "look for free ids";

/// The highest id from $1 to $2 that is taken, by a GB device or a channel; null if none is. Each
/// half is the last entry of an index.
const HIGHEST: &str = "SELECT greatest(
         (SELECT max(id) FROM device
          WHERE kind = 'camera' AND id BETWEEN $1 AND $2 AND id ~ '^[0-9]{20}$'),
         (SELECT max(id) FROM channel
          WHERE id BETWEEN $1 AND $2 AND id ~ '^[0-9]{20}$')) AS id";

/// The gaps before and between the ids from $1 to $2 that are taken, the lowest $3 of them: each
/// its first id and the id after it, which is taken. Twenty digits are more than a bigint has.
const GAPS: &str = "SELECT first::text AS first, taken FROM (
         SELECT id AS taken, id::numeric AS number,
             coalesce(lag(id) OVER (ORDER BY id)::numeric + 1, $1::text::numeric) AS first
         FROM (SELECT id FROM device
               WHERE kind = 'camera' AND id BETWEEN $1 AND $2 AND id ~ '^[0-9]{20}$'
               UNION ALL SELECT id FROM channel
               WHERE id BETWEEN $1 AND $2 AND id ~ '^[0-9]{20}$') AS taken) AS gap
     WHERE first < number ORDER BY taken LIMIT $3";

/// See [`crate::Reads::free_camera_ids`]. None for a prefix that is none of an id of 20 digits.
pub(in crate::postgres) async fn free_camera_ids(
    c: &Connection,
    prefix: &str,
    count: u32,
) -> Result<Vec<DeviceId>, Error> {
    let Some((first, last)) = range(prefix) else {
        return Ok(Vec::new());
    };
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let (low, high) = (digits(first), digits(last));
    let read = |row: &Row| optional::<String>(row, "id");
    let highest = c.first(OPERATION, HIGHEST, &[&low, &high], read).await?.flatten();
    let highest = highest.map(|id| number(&id)).transpose()?;
    let above = highest.map_or(first, |highest| highest + 1);
    let mut free: Vec<u128> = (above..=last).take(wanted).collect();
    if let Some(highest) = highest.filter(|_| free.len() < wanted) {
        let (highest, count) = (digits(highest), i64::from(count));
        let read = |row: &Row| {
            Ok((
                number(&column::<String>(row, "first")?)?,
                number(&column::<String>(row, "taken")?)?,
            ))
        };
        let gaps = c.all(OPERATION, GAPS, &[&low, &highest, &count], read).await?;
        for (first, taken) in gaps {
            free.extend((first..taken).take(wanted - free.len()));
        }
    }
    free.into_iter().map(device_id).collect()
}

/// The number that an id's digits are.
fn number(id: &str) -> Result<u128, Error> {
    id.parse().map_err(|error| damaged("id", error))
}

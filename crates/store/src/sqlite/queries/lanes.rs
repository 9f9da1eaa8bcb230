//! What the engine's lanes ask.

use std::collections::BTreeSet;

use fleet::{DeviceKey, Job};
use rusqlite::{Connection, Row, params};

use super::{all, first};
use crate::columns::{damaged, json, optional};
use crate::rows::{self, DEVICE_COLUMNS, JOB_COLUMNS, STATE_COLUMNS};
use crate::sqlite::clock::{Now, bound_to};
use crate::{Error, LaneSeed, SessionKey, Work};

/// The devices with work, from their own index.
pub(in crate::sqlite) const WITH_WORK: &str = concat!(
    "SELECT s.device, d.server, CASE WHEN s.power IS NOT NULL THEN s.project END, ",
    bound_to!("s.device", "?3"),
    " FROM device_state AS s INDEXED BY device_state_with_work
         CROSS JOIN device AS d ON d.key = s.device
     WHERE s.has_work = 1 AND s.device > ?1 ORDER BY s.device LIMIT ?2"
);

/// The devices at rest. Most devices of a healthy fleet are, so this walks the table itself;
/// `octet_length` takes the length from the row's header and reads no value.
pub(in crate::sqlite) const AT_REST: &str = concat!(
    "SELECT s.device, d.server, NULL, ",
    bound_to!("s.device", "?3"),
    " FROM device_state AS s CROSS JOIN device AS d ON d.key = s.device
     WHERE s.device > ?1 AND s.has_work = 0 AND octet_length(s.desired) > 2
     ORDER BY s.device LIMIT ?2"
);

/// One device.
pub(in crate::sqlite) const SEED: &str = concat!(
    "SELECT d.key, d.server, NULL, ",
    bound_to!("d.key", "?2"),
    " FROM device AS d WHERE d.key = ?1"
);

/// See [`crate::Reads::devices_with_work`].
pub(in crate::sqlite) fn devices_with_work(
    connection: &Connection,
    now: Now,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    let params = params![after.0, limit, now];
    all(connection, "list the devices with work", WITH_WORK, params, |row| rows::lane_seed(row))
}

/// See [`crate::Reads::devices_at_rest`].
pub(in crate::sqlite) fn devices_at_rest(
    connection: &Connection,
    now: Now,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    let params = params![after.0, limit, now];
    all(connection, "list the devices at rest", AT_REST, params, |row| rows::lane_seed(row))
}

/// See [`crate::Reads::lane_seeds`].
pub(in crate::sqlite) fn lane_seeds(
    connection: &Connection,
    now: Now,
    keys: &[DeviceKey],
) -> Result<Vec<LaneSeed>, Error> {
    let keys: BTreeSet<DeviceKey> = keys.iter().copied().collect();
    let mut seeds = Vec::with_capacity(keys.len());
    for key in keys {
        let params = params![key.0, now];
        let seed = |row: &Row<'_>| rows::lane_seed(row);
        seeds.extend(first(connection, "find a device's lane", SEED, params, seed)?);
    }
    Ok(seeds)
}

/// See [`crate::Reads::work`].
pub(in crate::sqlite) fn work(
    connection: &Connection,
    now: Now,
    device: DeviceKey,
) -> Result<Option<Work>, Error> {
    let bound_to = bound_to!("d.key", "?2");
    let sql = format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, p.settings, {bound_to} AS bound_to
         FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
             CROSS JOIN project AS p ON p.key = d.project
         WHERE d.key = ?1"
    );
    let read = |row: &Row<'_>| {
        Ok(Work {
            device: rows::device(row)?,
            state: rows::device_state(row)?,
            jobs: Vec::new(),
            settings: json(row, "settings")?,
            bound_to: optional(row, "bound_to")?.map(SessionKey),
        })
    };
    let found = first(connection, "read a device's work", &sql, params![device.0, now], read)?;
    let Some(work) = found else {
        return Ok(None);
    };
    let sql = format!("SELECT {JOB_COLUMNS} FROM job AS j WHERE j.id = ?1");
    let jobs = work.state.open_jobs.iter().map(|id| {
        let job: Option<Job> =
            first(connection, "read an open job", &sql, [id.to_bytes()], |row| rows::job(row))?;
        job.ok_or_else(|| damaged("open_jobs", format!("there is no job {id}")))
    });
    let jobs = jobs.collect::<Result<_, Error>>()?;
    Ok(Some(Work { jobs, ..work }))
}

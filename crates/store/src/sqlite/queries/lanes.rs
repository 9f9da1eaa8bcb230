//! What the engine's lanes ask.

use fleet::{DeviceKey, Job, ProjectKey};
use rusqlite::{Connection, Row, params};

use super::{all, first};
use crate::sqlite::rows::{
    self, DEVICE_COLUMNS, JOB_COLUMNS, STATE_COLUMNS, column, damaged, json,
};
use crate::{Error, LaneSeed, Work};

/// The devices with work, from their own index.
pub(in crate::sqlite) const WITH_WORK: &str = "SELECT s.device, d.server,
         CASE WHEN s.power IS NOT NULL THEN s.project END
     FROM device_state AS s INDEXED BY device_state_with_work
         CROSS JOIN device AS d ON d.key = s.device
     WHERE s.has_work = 1 AND s.device > ?1 ORDER BY s.device LIMIT ?2";

/// The devices at rest. Most devices of a healthy fleet are, so this walks the table itself;
/// `octet_length` takes the length from the row's header and reads no value.
pub(in crate::sqlite) const AT_REST: &str = "SELECT s.device, d.server, NULL
     FROM device_state AS s CROSS JOIN device AS d ON d.key = s.device
     WHERE s.device > ?1 AND s.has_work = 0 AND octet_length(s.desired) > 2
     ORDER BY s.device LIMIT ?2";

/// See [`crate::Reads::devices_with_work`].
pub(in crate::sqlite) fn devices_with_work(
    connection: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    all(connection, "list the devices with work", WITH_WORK, params![after.0, limit], lane_seed)
}

/// See [`crate::Reads::devices_at_rest`].
pub(in crate::sqlite) fn devices_at_rest(
    connection: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    all(connection, "list the devices at rest", AT_REST, params![after.0, limit], lane_seed)
}

/// A row with a device's key, its server, and its project if a restart of it is under way.
fn lane_seed(row: &Row<'_>) -> Result<LaneSeed, Error> {
    let device = DeviceKey(column(row, 0)?);
    let restarting: Option<i64> = column(row, 2)?;
    let restarting = restarting.map(ProjectKey);
    Ok(LaneSeed { device, shard: device.shard(), server: column(row, 1)?, restarting })
}

/// See [`crate::Reads::work`].
pub(in crate::sqlite) fn work(
    connection: &Connection,
    device: DeviceKey,
) -> Result<Option<Work>, Error> {
    let sql = format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, p.settings
         FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
             CROSS JOIN project AS p ON p.key = d.project
         WHERE d.key = ?1"
    );
    let read =
        |row: &Row<'_>| Ok((rows::device(row)?, rows::device_state(row)?, json(row, "settings")?));
    let found = first(connection, "read a device's work", &sql, [device.0], read)?;
    let Some((device, state, settings)) = found else {
        return Ok(None);
    };
    let sql = format!("SELECT {JOB_COLUMNS} FROM job AS j WHERE j.id = ?1");
    let jobs = state.open_jobs.iter().map(|id| {
        let job: Option<Job> =
            first(connection, "read an open job", &sql, [id.to_bytes()], rows::job)?;
        job.ok_or_else(|| damaged("open_jobs", format!("there is no job {id}")))
    });
    let jobs = jobs.collect::<Result<_, Error>>()?;
    Ok(Some(Work { device, state, jobs, settings }))
}

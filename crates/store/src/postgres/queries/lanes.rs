//! What the engine's lanes ask.

use fleet::{DeviceKey, Job, JobId};
use futures_util::future::try_join;

use crate::columns::{damaged, json, optional};
use crate::postgres::connection::Connection;
use crate::postgres::rows::{asked, page};
use crate::rows::{self, DEVICE_COLUMNS, JOB_COLUMNS, STATE_COLUMNS};
use crate::{Error, LaneSeed, SessionKey, Work};

/// This moment by the database's clock, in milliseconds since 1970-01-01T00:00:00Z.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// What joins to `device AS d` the session `bound` that it is registered with, if that registration
/// and that session last.
fn bound_to() -> String {
    format!(
        "LEFT JOIN binding AS b
             ON b.device = d.key AND b.ended_at IS NULL AND b.expires_at > {NOW}
         LEFT JOIN session AS bound
             ON bound.key = b.session AND (bound.expires_at IS NULL OR bound.expires_at > {NOW})"
    )
}

/// A page of the devices with work, from their own index.
fn with_work_sql() -> String {
    let page = page(
        "SELECT device FROM device_state WHERE has_work AND device > $1 ORDER BY device LIMIT $2",
    );
    format!(
        "SELECT d.key, d.server, CASE WHEN s.power IS NOT NULL THEN s.project END, bound.key
         FROM {page} JOIN device_state AS s ON s.device = page.key
             JOIN device AS d ON d.key = page.key {}
         ORDER BY page.place",
        bound_to()
    )
}

/// A page of the devices at rest. Most devices of a healthy fleet are, so this walks the table
/// itself; `octet_length` takes the length from the value's head and reads no value.
fn at_rest_sql() -> String {
    let page = page(
        "SELECT device FROM device_state
         WHERE device > $1 AND NOT has_work AND octet_length(desired) > 2
         ORDER BY device LIMIT $2",
    );
    format!(
        "SELECT d.key, d.server, NULL::bigint, bound.key
         FROM {page} JOIN device AS d ON d.key = page.key {}
         ORDER BY page.place",
        bound_to()
    )
}

/// See [`crate::Reads::devices_with_work`].
pub(in crate::postgres) async fn devices_with_work(
    c: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    let (sql, limit) = (with_work_sql(), i64::from(limit));
    c.all("list the devices with work", &sql, &[&after.0, &limit], rows::lane_seed).await
}

/// See [`crate::Reads::devices_at_rest`].
pub(in crate::postgres) async fn devices_at_rest(
    c: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<LaneSeed>, Error> {
    let (sql, limit) = (at_rest_sql(), i64::from(limit));
    c.all("list the devices at rest", &sql, &[&after.0, &limit], rows::lane_seed).await
}

/// See [`crate::Reads::lane_seeds`].
pub(in crate::postgres) async fn lane_seeds(
    c: &Connection,
    keys: &[DeviceKey],
) -> Result<Vec<LaneSeed>, Error> {
    let asked = asked("$1::bigint[]");
    let sql = format!(
        "SELECT d.key, d.server, NULL::bigint, bound.key
         FROM {asked} JOIN device AS d ON d.key = asked.key {}
         ORDER BY asked.place",
        bound_to()
    );
    let mut keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
    keys.sort_unstable();
    keys.dedup();
    c.all("read what lanes are made from", &sql, &[&keys], rows::lane_seed).await
}

/// The open jobs of a device, oldest first, by the list of their ids in its state. Each is looked
/// up by its id: `OFFSET 0` keeps the planner from reading all jobs instead.
fn open_jobs_sql() -> String {
    format!(
        "SELECT {JOB_COLUMNS}
         FROM device_state AS s
             CROSS JOIN generate_series(0, octet_length(s.open_jobs) / 16 - 1) AS place
             CROSS JOIN LATERAL (
                 SELECT * FROM job WHERE id = substring(s.open_jobs FROM place * 16 + 1 FOR 16)
                 OFFSET 0) AS j
         WHERE s.device = $1 ORDER BY place"
    )
}

/// See [`crate::Reads::work`].
pub(in crate::postgres) async fn work(
    c: &Connection,
    device: DeviceKey,
) -> Result<Option<Work>, Error> {
    let operation = "read a device's work";
    let device = [&device.0 as _];
    let sql = format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, p.settings, bound.key AS bound_to
         FROM device AS d JOIN device_state AS s ON s.device = d.key
             JOIN project AS p ON p.key = d.project {}
         WHERE d.key = $1",
        bound_to()
    );
    let found = c.first(operation, &sql, &device, |row| {
        let bound_to = optional(row, "bound_to")?.map(SessionKey);
        Ok((rows::device(row)?, rows::device_state(row)?, json(row, "settings")?, bound_to))
    });
    let sql = open_jobs_sql();
    let jobs = c.all(operation, &sql, &device, rows::job);
    let (found, jobs): (_, Vec<Job>) = try_join(found, jobs).await?;
    let Some((device, state, settings, bound_to)) = found else {
        return Ok(None);
    };
    let there: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    if let Some(id) = state.open_jobs.iter().find(|id| !there.contains(id)) {
        return Err(damaged("open_jobs", format!("there is no job {id}")));
    }
    Ok(Some(Work { device, state, jobs, settings, bound_to }))
}

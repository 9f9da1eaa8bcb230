//! Deleting devices.

use fleet::{DeviceKey, End, Failure, Principal};
use rusqlite::{Connection, OptionalExtension, params};

use super::device::find;
use super::projects::visible_project;
use crate::columns::damaged;
use crate::sqlite::rows::During;
use crate::words::{OPEN, job_state, open_jobs, tagged_columns};
use crate::write::DeleteDevice;
use crate::{Error, Refused, Tagged, Written};

/// About how many rows go with a device: the group that it is in is bounded by that.
pub(super) const ROWS: usize = 64;

/// What goes with a device: all that refers to its record, and the record last. What a server never
/// had of a device of its kind is looked for and not found.
const DELETE: [&str; 6] = [
    "DELETE FROM channel WHERE device = ?1",
    "DELETE FROM binding WHERE device = ?1",
    "DELETE FROM camera WHERE device = ?1",
    "DELETE FROM device_facts WHERE device = ?1",
    "DELETE FROM device_state WHERE device = ?1",
    "DELETE FROM device WHERE key = ?1",
];

/// Whether an operator has frozen the device.
fn is_frozen(connection: &Connection, device: DeviceKey) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM device_state WHERE device = ?1 AND frozen = 1")
        .and_then(|mut select| select.exists([device.0]))
        .during("look whether a device is frozen")
}

/// Deletes a device, and notes for its jobs which one it was.
pub(super) fn delete_device(
    connection: &Connection,
    principal: &Principal,
    delete: &DeleteDevice,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &delete.project)? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    let Some(device) = find(connection, project, delete.id.as_str())? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    if !principal.may_change_frozen() && is_frozen(connection, device)? {
        return Ok(Err(Refused::Frozen));
    }
    end_jobs(connection, device, delete)?;
    let tagged = Tagged::Device(delete.id.clone());
    let (kind, thing) = tagged_columns(&tagged);
    connection
        .prepare_cached("DELETE FROM tag WHERE project = ?1 AND kind = ?2 AND thing = ?3")
        .and_then(|mut tags| tags.execute(params![project.0, kind, thing]))
        .during("take a device's tags away")?;
    connection
        .prepare_cached(
            "INSERT INTO deleted_device (key, project, id, deleted_at, newest_job)
             VALUES (?1, ?2, ?3, ?4, (SELECT newest_job FROM device_state WHERE device = ?1))",
        )
        .and_then(|mut insert| {
            insert.execute(params![device.0, project.0, delete.id.as_str(), delete.at.0])
        })
        .during("note that a device is deleted")?;
    for sql in DELETE {
        connection
            .prepare_cached(sql)
            .and_then(|mut rows| rows.execute([device.0]))
            .during("delete a device")?;
    }
    Ok(Ok(Written::Deleted(device)))
}

/// Ends the device's open jobs. No fencing token does: the shard's owner has no say in this.
fn end_jobs(
    connection: &Connection,
    device: DeviceKey,
    delete: &DeleteDevice,
) -> Result<(), Error> {
    let open: Option<Vec<u8>> = connection
        .prepare_cached("SELECT open_jobs FROM device_state WHERE device = ?1")
        .and_then(|mut select| select.query_row([device.0], |row| row.get(0)).optional())
        .during("read a device's open jobs")?;
    let open = open.ok_or_else(|| damaged("device", format!("{device:?} has no state")))?;
    let (state, failure) = job_state(&End::Failed { failure: Failure::Deleted })?;
    for job in open_jobs(&open)? {
        connection
            .prepare_cached(
                "UPDATE job SET state = ?2, ended_at = ?3, failure = ?4
                 WHERE id = ?1 AND state = ?5",
            )
            .and_then(|mut update| {
                update.execute(params![job.to_bytes(), state, delete.at.0, failure, OPEN])
            })
            .during("end a job")?;
    }
    Ok(())
}

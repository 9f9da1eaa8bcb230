//! Deleting devices.

use fleet::{DeviceKey, End, Failure, Principal};
use futures_util::future::try_join_all;

use super::device::{find, lock};
use super::projects::visible_project;
use crate::columns::{column, damaged};
use crate::postgres::connection::{Connection, Params};
use crate::words::{OPEN, job_state, open_jobs, tagged_columns};
use crate::write::DeleteDevice;
use crate::{Error, Refused, Tagged, Written};

/// What goes with a device: all that belongs to its record, and the record. What a server never had
/// of a device of its kind is looked for and not found.
const DELETE: [&str; 6] = [
    "DELETE FROM channel WHERE device = $1",
    "DELETE FROM binding WHERE device = $1",
    "DELETE FROM camera WHERE device = $1",
    "DELETE FROM device_facts WHERE device = $1",
    "DELETE FROM device_state WHERE device = $1",
    "DELETE FROM device WHERE key = $1",
];

/// Whether an operator has frozen the device.
async fn is_frozen(c: &Connection, device: DeviceKey) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM device_state WHERE device = $1 AND frozen";
    c.exists("look whether a device is frozen", sql, &[&device.0]).await
}

/// Deletes a device, and notes for its jobs which one it was.
pub(super) async fn delete_device(
    c: &Connection,
    principal: &Principal,
    delete: &DeleteDevice,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &delete.project).await? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    let Some(device) = find(c, project, delete.id.as_str()).await? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    lock(c, &[device]).await?;
    if !principal.may_change_frozen() && is_frozen(c, device).await? {
        return Ok(Err(Refused::Frozen));
    }
    end_jobs(c, device, delete).await?;
    let tagged = Tagged::Device(delete.id.clone());
    let (kind, thing) = tagged_columns(&tagged);
    let sql = "DELETE FROM tag WHERE project = $1 AND kind = $2 AND thing = $3";
    c.execute("take a device's tags away", sql, &[&project.0, &kind, &thing]).await?;
    let sql = "INSERT INTO deleted_device (key, project, id, deleted_at, newest_job)
         VALUES ($1, $2, $3, $4, (SELECT newest_job FROM device_state WHERE device = $1))";
    let params: Params<'_> = &[&device.0, &project.0, &delete.id.as_str(), &delete.at.0];
    c.execute("note that a device is deleted", sql, params).await?;
    let params: Params<'_> = &[&device.0];
    try_join_all(DELETE.map(|sql| c.execute("delete a device", sql, params))).await?;
    Ok(Ok(Written::Deleted(device)))
}

/// Ends the device's open jobs. No fencing token does: the shard's owner has no say in this.
async fn end_jobs(c: &Connection, device: DeviceKey, delete: &DeleteDevice) -> Result<(), Error> {
    let sql = "SELECT open_jobs FROM device_state WHERE device = $1";
    let read = |row: &_| column::<Vec<u8>>(row, 0);
    let open = c.first("read a device's open jobs", sql, &[&device.0], read).await?;
    let open = open.ok_or_else(|| damaged("device", format!("{device:?} has no state")))?;
    let jobs: Vec<Vec<u8>> =
        open_jobs(&open)?.into_iter().map(|job| job.to_bytes().to_vec()).collect();
    if jobs.is_empty() {
        return Ok(());
    }
    let (state, failure) = job_state(&End::Failed { failure: Failure::Deleted })?;
    let sql = "UPDATE job SET state = $2, ended_at = $3, failure = $4
         WHERE id = ANY($1) AND state = $5";
    let params: Params<'_> = &[&jobs, &state, &delete.at.0, &failure, &OPEN];
    c.execute("end jobs", sql, params).await?;
    Ok(())
}

//! What is on record of GB devices and channels, ours alone: it holds with the commit. Under the
//! lock of the device's state.

use fleet::{DeviceId, DeviceKey, ProjectKey, RecordPatch, Timestamp};
use tokio_postgres::Row;

use super::organizations;
use crate::Error;
use crate::columns::{optional, optional_json, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rules::cameras::{OnRecord, values_after};

/// Changes what is on record of a GB device; says whether anything has changed.
pub(super) async fn change_device(
    c: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let sql = "SELECT record, organization FROM camera WHERE device = $1";
    let before = read(c, sql, &[&device.0]).await?;
    let Some(after) = changed(c, project, &before, patch, at).await? else {
        return Ok(false);
    };
    let sql = "UPDATE camera SET record = $2, organization = $3 WHERE device = $1";
    let params: Params<'_> = &[&device.0, &values(&after)?, &after.organization];
    c.execute("put a device on record", sql, params).await?;
    Ok(true)
}

/// Changes what is on record of a channel of a GB device.
pub(super) async fn change_channel(
    c: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    channel: &DeviceId,
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<(), Error> {
    let sql = "SELECT record, organization FROM channel WHERE device = $1 AND id = $2";
    let before = read(c, sql, &[&device.0, &channel.as_str()]).await?;
    let Some(after) = changed(c, project, &before, patch, at).await? else {
        return Ok(());
    };
    let sql = "UPDATE channel SET record = $3, organization = $4 WHERE device = $1 AND id = $2";
    let params: Params<'_> = &[&device.0, &channel.as_str(), &values(&after)?, &after.organization];
    c.execute("put a channel on record", sql, params).await?;
    Ok(())
}

/// The column `record`: null for nothing.
fn values(on_record: &OnRecord) -> Result<Option<String>, Error> {
    (!on_record.values.is_empty()).then(|| to_json(&on_record.values)).transpose()
}

/// What is on record of the one row that the statement finds; nothing if there is none.
async fn read(c: &Connection, sql: &str, params: Params<'_>) -> Result<OnRecord, Error> {
    let read = |row: &Row| {
        Ok(OnRecord {
            values: optional_json(row, 0)?.unwrap_or_default(),
            organization: optional(row, 1)?,
        })
    };
    Ok(c.first("read what is on record", sql, params, read).await?.unwrap_or_default())
}

/// What is on record from now on; `None` if that is what was.
async fn changed(
    c: &Connection,
    project: ProjectKey,
    before: &OnRecord,
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<Option<OnRecord>, Error> {
    let organization = match &patch.organization {
        Some(change) => organizations::join(c, project, change, at).await?,
        None => before.organization,
    };
    let after = OnRecord { values: values_after(&before.values, patch), organization };
    Ok((after != *before).then_some(after))
}

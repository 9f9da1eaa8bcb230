//! What is on record of GB devices and channels, ours alone: it holds with the commit.

use fleet::{DeviceId, DeviceKey, ProjectKey, RecordPatch, Timestamp};
use rusqlite::{Connection, Params, params};

use super::organizations;
use crate::Error;
use crate::columns::{optional, optional_json, to_json};
use crate::rules::cameras::{OnRecord, values_after};
use crate::sqlite::rows::During;

/// The column `record`: null for nothing.
fn values(on_record: &OnRecord) -> Result<Option<String>, Error> {
    (!on_record.values.is_empty()).then(|| to_json(&on_record.values)).transpose()
}

/// Changes what is on record of a GB device; says whether anything has changed.
pub(super) fn change_device(
    connection: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let sql = "SELECT record, organization FROM camera WHERE device = ?1";
    let before = read(connection, sql, [device.0])?;
    let Some(after) = changed(connection, project, &before, patch, at)? else {
        return Ok(false);
    };
    connection
        .prepare_cached("UPDATE camera SET record = ?2, organization = ?3 WHERE device = ?1")
        .during("prepare to put a device on record")?
        .execute(params![device.0, values(&after)?, after.organization])
        .during("put a device on record")?;
    Ok(true)
}

/// Changes what is on record of a channel of a GB device.
pub(super) fn change_channel(
    connection: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    channel: &DeviceId,
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<(), Error> {
    let sql = "SELECT record, organization FROM channel WHERE device = ?1 AND id = ?2";
    let before = read(connection, sql, params![device.0, channel.as_str()])?;
    let Some(after) = changed(connection, project, &before, patch, at)? else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "UPDATE channel SET record = ?3, organization = ?4 WHERE device = ?1 AND id = ?2",
        )
        .during("prepare to put a channel on record")?
        .execute(params![device.0, channel.as_str(), values(&after)?, after.organization])
        .during("put a channel on record")?;
    Ok(())
}

/// What is on record of the one row that the statement finds; nothing if there is none.
fn read(connection: &Connection, sql: &str, params: impl Params) -> Result<OnRecord, Error> {
    let operation = "read what is on record";
    let mut select = connection.prepare_cached(sql).during(operation)?;
    let mut rows = select.query(params).during(operation)?;
    match rows.next().during(operation)? {
        Some(row) => Ok(OnRecord {
            values: optional_json(row, 0)?.unwrap_or_default(),
            organization: optional(row, 1)?,
        }),
        None => Ok(OnRecord::default()),
    }
}

/// What is on record from now on; `None` if that is what was.
fn changed(
    connection: &Connection,
    project: ProjectKey,
    before: &OnRecord,
    patch: &RecordPatch,
    at: Timestamp,
) -> Result<Option<OnRecord>, Error> {
    let organization = match &patch.organization {
        Some(change) => organizations::join(connection, project, change, at)?,
        None => before.organization,
    };
    let after = OnRecord { values: values_after(&before.values, patch), organization };
    Ok((after != *before).then_some(after))
}

//! What is on record of a GB device besides what every device has.

use fleet::{DeviceKey, Principal, ProjectKey};
use rusqlite::{Connection, OptionalExtension, params};

use super::settle::{fenced, record_facts};
use crate::sqlite::rows::{During, to_json};
use crate::write::{ImportedDevice, NotePush, NoteSurvey};
use crate::{Error, Refused, Written};

/// Whether this is a GB device that the principal may see.
pub(super) fn is_visible(
    connection: &Connection,
    principal: &Principal,
    device: DeviceKey,
) -> Result<bool, Error> {
    let project: Option<i64> = connection
        .prepare_cached("SELECT project FROM camera WHERE device = ?1")
        .and_then(|mut select| select.query_row([device.0], |row| row.get(0)).optional())
        .during("find a GB device")?;
    Ok(project.is_some_and(|project| principal.may_see(ProjectKey(project))))
}

/// Whether a project other than `project` has a GB device of this id.
pub(super) fn is_elsewhere(
    connection: &Connection,
    project: ProjectKey,
    id: &str,
) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "SELECT 1 FROM device INDEXED BY device_camera_by_id
             WHERE kind = 'camera' AND id = ?1 AND project <> ?2",
        )
        .and_then(|mut select| select.exists(params![id, project.0]))
        .during("look for a GB device's id")
}

/// Records who may register as the device, and keeps what the import leaves out.
pub(super) fn import(
    connection: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    imported: &ImportedDevice,
) -> Result<(), Error> {
    let user = imported.record.camera.as_ref().and_then(|camera| camera.user.as_deref());
    connection
        .prepare_cached(
            "INSERT INTO camera (device, project, user, sealed_password) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (device) DO UPDATE SET user = coalesce(excluded.user, user),
                 sealed_password = coalesce(excluded.sealed_password, sealed_password)",
        )
        .and_then(|mut insert| {
            insert.execute(params![device.0, project.0, user, imported.sealed_password])
        })
        .during("record a GB device")?;
    Ok(())
}

/// Notes what was sent to a device, if the fence holds.
pub(super) fn note_push(
    connection: &Connection,
    principal: &Principal,
    note: &NotePush,
) -> Result<Result<Written, Refused>, Error> {
    if let Some(refused) = fenced(connection, note.fence)? {
        return Ok(Err(refused));
    }
    // A fence for another shard than the device's proves nothing about the device.
    if note.device.shard() != note.fence.shard || !is_visible(connection, principal, note.device)? {
        return Ok(Err(Refused::NoSuchDevice));
    }
    connection
        .prepare_cached("UPDATE camera SET push = ?2 WHERE device = ?1")
        .during("note what is sent to a device")?
        .execute(params![note.device.0, to_json(&note.push)?])
        .during("note what is sent to a device")?;
    Ok(Ok(Written::Done))
}

/// Notes that a device was asked what it is.
pub(super) fn note_survey(
    connection: &Connection,
    principal: &Principal,
    note: &NoteSurvey,
) -> Result<Result<Written, Refused>, Error> {
    if !is_visible(connection, principal, note.device)? {
        return Ok(Err(Refused::NoSuchDevice));
    }
    connection
        .prepare_cached("UPDATE camera SET surveyed_at = ?2 WHERE device = ?1")
        .and_then(|mut update| update.execute([note.device.0, note.at.0]))
        .during("note that a device was asked")?;
    if let Some(facts) = &note.facts {
        record_facts(connection, note.device, facts)?;
    }
    Ok(Ok(Written::Done))
}

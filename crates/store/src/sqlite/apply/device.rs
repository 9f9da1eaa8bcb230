//! What operators change of one device.

use fleet::{DeviceKey, DeviceState, Principal, ProjectKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::projects::visible_project;
use crate::columns::{damaged, to_json};
use crate::rows::{STATE_COLUMNS, device_state};
use crate::rules::operators;
use crate::sqlite::rows::During;
use crate::write::{ChangeDevice, DeviceChange, FreezeDevices};
use crate::{Error, Refused, Written};

/// Changes the record or the state of one device.
pub(super) fn change_device(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeDevice,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &change.project)? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    let Some(device) = find(connection, project, change.id.as_str())? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    match &change.change {
        DeviceChange::Name(name) => {
            if let Some(refused) = rename(connection, project, device, name, change.at)? {
                return Ok(Err(refused));
            }
        }
        said => change_state(connection, device, |state| {
            operators::change_state(state, said, change.at);
        })?,
    }
    Ok(Ok(Written::Changed(device)))
}

/// Freezes devices, or ends that. Whether a device has work does not depend on it.
pub(super) fn freeze(
    connection: &Connection,
    principal: &Principal,
    freeze: &FreezeDevices,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &freeze.project)? else {
        return Ok(Err(Refused::NoSuchProject(freeze.project.clone())));
    };
    let operation = "freeze devices";
    let mut update = connection
        .prepare_cached(
            "UPDATE device_state SET frozen = ?3
             WHERE device = ?1 AND project = ?2 AND frozen <> ?3",
        )
        .during(operation)?;
    let mut changed = Vec::new();
    for (device, _) in &freeze.devices {
        let params = params![device.0, project.0, freeze.frozen];
        if update.execute(params).during(operation)? > 0 {
            changed.push(*device);
        }
    }
    Ok(Ok(Written::Frozen(changed)))
}

/// The key of a device of `project`.
pub(super) fn find(
    connection: &Connection,
    project: ProjectKey,
    id: &str,
) -> Result<Option<DeviceKey>, Error> {
    let key = connection
        .prepare_cached("SELECT key FROM device WHERE id = ?1 AND project = ?2")
        .and_then(|mut select| {
            select.query_row(params![id, project.0], |row| row.get(0)).optional()
        })
        .during("find a device")?;
    Ok(key.map(DeviceKey))
}

/// Names a device, if no other of its project and kind has the name. Its present name it keeps in
/// any case: imports may have given it to others too.
fn rename(
    connection: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    name: &str,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    let taken = connection
        .prepare_cached(
            "SELECT 1 FROM device WHERE project = ?1 AND name = ?2 AND key <> ?3
                 AND kind = (SELECT kind FROM device WHERE key = ?3)
                 AND NOT EXISTS (SELECT 1 FROM device WHERE key = ?3 AND name = ?2)",
        )
        .and_then(|mut select| select.exists(params![project.0, name, device.0]))
        .during("look for a device's name")?;
    if taken {
        return Ok(Some(Refused::Exists { what: "a device named", id: name.to_owned() }));
    }
    connection
        .prepare_cached("UPDATE device SET name = ?2, updated_at = ?3 WHERE key = ?1")
        .and_then(|mut update| update.execute(params![device.0, name, at.0]))
        .during("name a device")?;
    Ok(None)
}

/// Changes what an operator may change of a device's state, and notes whether it has work then.
/// For rare changes: it reads and writes the whole row.
pub(super) fn change_state(
    connection: &Connection,
    device: DeviceKey,
    change: impl FnOnce(&mut DeviceState),
) -> Result<(), Error> {
    let sql = format!("SELECT {STATE_COLUMNS} FROM device_state AS s WHERE s.device = ?1");
    let mut state = {
        let mut select = connection.prepare_cached(&sql).during("read a device's state")?;
        let mut found = select.query([device.0]).during("read a device's state")?;
        match found.next().during("read a device's state")? {
            Some(row) => device_state(row)?,
            None => return Err(damaged("device", format!("{device:?} has no state"))),
        }
    };
    change(&mut state);
    connection
        .prepare_cached(
            "UPDATE device_state SET condition = ?2, since = ?3, trouble = ?4, adopted = ?5,
                 frozen = ?6, adoption = ?7, copy = ?8, power = ?9, has_work = ?10
             WHERE device = ?1",
        )
        .during("prepare to change a device's state")?
        .execute(params![
            device.0,
            state.condition.name(),
            state.since.0,
            state.trouble,
            state.adopted,
            state.frozen,
            state.adoption.as_ref().map(to_json).transpose()?,
            state.copy.map(|copy| copy.0),
            state.power.as_ref().map(to_json).transpose()?,
            state.has_work(),
        ])
        .during("change a device's state")?;
    Ok(())
}

//! Devices, brought in by an operator.

use std::collections::{HashMap, HashSet};

use fleet::{Desired, DeviceKey, Kind, NewDevice, Principal, ProjectId, ProjectKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::device::change_state;
use super::projects::visible_project;
use super::servers::name_server;
use super::{cameras, channels};
use crate::columns::{column, damaged, json, to_json};
use crate::rules::import::{first_condition, first_profile, forget_names, move_phone};
use crate::sqlite::rows::During;
use crate::write::{ImportDevices, ImportedDevice};
use crate::{Error, Refused, Written};

/// Records the devices, all or none: a refusal in the middle undoes what came before it.
pub(super) fn import_devices(
    connection: &Connection,
    principal: &Principal,
    import: &ImportDevices,
) -> Result<Result<Written, Refused>, Error> {
    connection.execute_batch("SAVEPOINT import").during("begin an import")?;
    let result = record_all(connection, principal, import)?;
    if result.is_err() {
        connection.execute_batch("ROLLBACK TO import").during("undo an import")?;
    }
    connection.execute_batch("RELEASE import").during("end an import")?;
    Ok(result)
}

/// Records one device after the other; the first refusal ends it.
fn record_all(
    connection: &Connection,
    principal: &Principal,
    import: &ImportDevices,
) -> Result<Result<Written, Refused>, Error> {
    let mut projects: HashMap<&ProjectId, ProjectKey> = HashMap::new();
    let mut servers: HashSet<(ProjectKey, &str)> = HashSet::new();
    let mut keys = Vec::with_capacity(import.devices.len());
    let mut new = 0;
    for imported in &import.devices {
        let device = &imported.record;
        let project = match projects.get(&device.project) {
            Some(project) => *project,
            None => match visible_project(connection, principal, &device.project)? {
                Some(project) => *projects.entry(&device.project).or_insert(project),
                None => return Ok(Err(Refused::NoSuchProject(device.project.clone()))),
            },
        };
        if servers.insert((project, &device.server)) {
            name_server(connection, project, &device.server, import.at)?;
        }
        let found = find(connection, project, device)?;
        if import.only_new && found.is_some() {
            return Ok(Err(Refused::Exists { what: "a device", id: device.id.to_string() }));
        }
        if let Some(refused) = refusal(connection, project, device, found)? {
            return Ok(Err(refused));
        }
        let key = match found {
            Some((key, _)) => {
                update(connection, key, device, import.at)?;
                if device.kind == Kind::Camera {
                    follow_names(connection, key, device)?;
                }
                key
            }
            None => {
                new += 1;
                insert(connection, project, imported, import.at)?
            }
        };
        if device.kind == Kind::Camera {
            let of = (project, key);
            let refused = import_camera(connection, of, imported, found.is_none(), import.at)?;
            if let Some(refused) = refused {
                return Ok(Err(refused));
            }
        }
        keys.push(key);
    }
    Ok(Ok(Written::Imported { keys, new }))
}

/// Why a device can't be recorded beside those that there are.
fn refusal(
    connection: &Connection,
    project: ProjectKey,
    device: &NewDevice,
    found: Option<(DeviceKey, Kind)>,
) -> Result<Option<Refused>, Error> {
    let (id, asked) = (&device.id, device.kind);
    Ok(match found {
        Some((_, is)) if is != asked => {
            Some(Refused::KindDiffers { id: id.clone(), is: is.name(), asked: asked.name() })
        }
        None if asked == Kind::Camera
            && cameras::is_elsewhere(connection, project, id.as_str())? =>
        {
            Some(Refused::Exists { what: "a GB device", id: id.to_string() })
        }
        _ => None,
    })
}

/// Records what a GB device has besides.
fn import_camera(
    connection: &Connection,
    of: (ProjectKey, DeviceKey),
    imported: &ImportedDevice,
    is_new: bool,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    let refused = if is_new {
        cameras::import_new(connection, of, imported, at)?
    } else {
        cameras::import_again(connection, of, imported, at)?
    };
    if refused.is_some() {
        return Ok(refused);
    }
    let device = &imported.record;
    let named = device.camera.as_ref().map_or(&[][..], |camera| &camera.channels);
    channels::import(connection, of.1, &device.id, named)
}

/// The device that exists already under this id, and what it is.
fn find(
    connection: &Connection,
    project: ProjectKey,
    device: &NewDevice,
) -> Result<Option<(DeviceKey, Kind)>, Error> {
    let found: Option<(i64, String)> = connection
        .prepare_cached("SELECT key, kind FROM device WHERE id = ?1 AND project = ?2")
        .and_then(|mut select| {
            select
                .query_row(params![device.id.as_str(), project.0], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .during("find a device")?;
    let Some((key, kind)) = found else {
        return Ok(None);
    };
    let kind = kind.parse().map_err(|error| damaged("kind", error))?;
    Ok(Some((DeviceKey(key), kind)))
}

/// Makes the record and the state of a device that is new. A phone has work: it was never reached.
/// A GB device comes to us, and proves by its password that it is the one: there is nothing to find
/// out, and no marker to look for.
pub(super) fn insert(
    connection: &Connection,
    project: ProjectKey,
    imported: &ImportedDevice,
    at: Timestamp,
) -> Result<DeviceKey, Error> {
    let device = &imported.record;
    connection
        .prepare_cached(
            "INSERT INTO device (project, kind, id, name, server, address, container, profile,
                                 marker, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                project.0,
                device.kind.name(),
                device.id.as_str(),
                device.name,
                device.server,
                device.address,
                device.container,
                first_profile(device),
                imported.marker,
                at.0,
            ])
        })
        .during("record a device")?;
    let key = connection.last_insert_rowid();
    connection
        .prepare_cached(
            "INSERT INTO device_state (device, project, has_work, revision, settled, condition,
                                       adopted, since, open_jobs, desired, reported)
             VALUES (?1, ?2, ?5, 0, 0, ?3, ?6, ?4, x'', '{}',
                     '{\"revision\":0,\"values\":{}}')",
        )
        .and_then(|mut insert| {
            let comes = device.kind == Kind::Camera;
            let condition = first_condition(device.kind).name();
            insert.execute(params![key, project.0, condition, at.0, !comes, comes])
        })
        .during("record a device's state")?;
    Ok(DeviceKey(key))
}

/// Forgets the names that were asked for of a GB device and its channels, where the import says
/// another: ours is the record alone from then on, and what the device shows is drift to nobody. A
/// name that is on its way stays asked for, since a job waits for it.
fn follow_names(connection: &Connection, key: DeviceKey, device: &NewDevice) -> Result<(), Error> {
    let (settled, mut desired): (i64, Desired) = {
        let sql = "SELECT settled, desired FROM device_state WHERE device = ?1";
        let mut select = connection.prepare_cached(sql).during("read the names asked for")?;
        let mut rows = select.query([key.0]).during("read the names asked for")?;
        match rows.next().during("read the names asked for")? {
            Some(row) => (column(row, 0)?, json(row, 1)?),
            None => return Ok(()),
        }
    };
    if forget_names(&mut desired, settled, device) {
        connection
            .prepare_cached("UPDATE device_state SET desired = ?2 WHERE device = ?1")
            .during("prepare to forget names")?
            .execute(params![key.0, to_json(&desired)?])
            .during("forget names that were asked for")?;
    }
    Ok(())
}

/// Gives an existing device the new name, server, address, container and profile. At another
/// address it is not adopted any more, and no copy of another: what was met may have been another
/// phone, which is why the address is corrected. A GB device is met where it registers from: what a
/// record says of its address changes nothing, and a profile that is not named stays.
fn update(
    connection: &Connection,
    key: DeviceKey,
    device: &NewDevice,
    at: Timestamp,
) -> Result<(), Error> {
    let moved = connection
        .prepare_cached("SELECT 1 FROM device WHERE key = ?1 AND address <> ?2 AND kind = 'phone'")
        .and_then(|mut select| select.exists(params![key.0, device.address]))
        .during("read a device's address")?;
    if moved {
        change_state(connection, key, |state| move_phone(state, at))?;
    }
    connection
        .prepare_cached(
            "UPDATE device SET name = ?2, server = ?3, address = ?4, container = ?5,
                 profile = coalesce(nullif(?6, ''), profile), updated_at = ?7
             WHERE key = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                key.0,
                device.name,
                device.server,
                device.address,
                device.container,
                device.profile,
                at.0,
            ])
        })
        .during("change a device's record")?;
    Ok(())
}

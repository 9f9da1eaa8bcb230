//! What is on record of a GB device besides what every device has.

use fleet::{DeviceKey, NewCamera, Principal, ProjectKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::fence::fenced;
use super::settle::record_facts;
use super::{credentials, organizations, records};
use crate::columns::to_json;
use crate::sqlite::rows::During;
use crate::sqlite::terms::Terms;
use crate::write::{CredentialsPatch, ImportedDevice, NotePush, NoteSurvey};
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

/// Records a GB device that is new: what it has to register with, and what is on record of it.
/// [`Refused`] if it can't be filed as asked; the caller undoes what was written then.
pub(super) fn import_new(
    connection: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    imported: &ImportedDevice,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    let camera = imported.record.camera.as_ref();
    let user = camera.and_then(|camera| camera.user.as_deref());
    let password = imported.password.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO camera (device, project, user, sealed_password, password_tag)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut insert| {
            let sealed = password.map(|password| &password.sealed);
            let tag = password.map(|password| password.tag);
            insert.execute(params![device.0, project.0, user, sealed, tag])
        })
        .during("record a GB device")?;
    put_on_record(connection, (project, device), camera, at)
}

/// Changes what a GB device has to register with, and what is on record of it, and keeps what the
/// import leaves out. What is replaced stops working at once. [`Refused`] as above.
pub(super) fn import_again(
    connection: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    imported: &ImportedDevice,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    let camera = imported.record.camera.as_ref();
    let credentials = CredentialsPatch {
        user: camera.and_then(|camera| camera.user.clone()),
        password: imported.password.clone(),
        overlap_until: None,
    };
    if credentials.user.is_some() || credentials.password.is_some() {
        credentials::change(connection, device, &credentials, at)?;
    }
    put_on_record(connection, (project, device), camera, at)
}

/// Puts on record what an import says besides.
fn put_on_record(
    connection: &Connection,
    (project, device): (ProjectKey, DeviceKey),
    camera: Option<&NewCamera>,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    let Some(patch) = camera.map(|camera| &camera.record).filter(|patch| !patch.is_empty()) else {
        return Ok(None);
    };
    let joined = patch.organization.iter();
    if let Some(unfit) = organizations::unfit(connection, project, joined)? {
        return Ok(Some(unfit.into()));
    }
    records::change_device(connection, (project, device), patch, at)?;
    Ok(None)
}

/// Notes what was sent to a device, if the fence holds.
pub(super) fn note_push(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    note: &NotePush,
) -> Result<Result<Written, Refused>, Error> {
    if let Some(refused) = fenced(connection, terms, note.fence, (note.device, note.push.at))? {
        return Ok(Err(refused));
    }
    if !is_visible(connection, principal, note.device)? {
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

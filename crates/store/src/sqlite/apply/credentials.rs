//! Who may register as a GB device: the user name and password, and those that they replace.

use fleet::{DeviceKey, Timestamp};
use rusqlite::{Connection, params};

use crate::Error;
use crate::rules::cameras::{Registers, is_same};
use crate::sqlite::rows::During;
use crate::write::CredentialsPatch;

/// Changes who may register as the device; says whether anything on record of it has changed.
pub(super) fn change(
    connection: &Connection,
    device: DeviceKey,
    patch: &CredentialsPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let present = present(connection, device)?;
    if is_same(&present, patch) {
        return match &patch.user {
            Some(user) => put_on_record(connection, device, user),
            None => Ok(false),
        };
    }
    // Where there was no password, nobody could register: there is nothing to go on with.
    let until = patch.overlap_until.filter(|_| present.has_password);
    connection
        .prepare_cached(
            "UPDATE camera SET
                 old_user = CASE WHEN ?2 IS NOT NULL THEN user END,
                 old_sealed_password = CASE WHEN ?2 IS NOT NULL THEN sealed_password END,
                 old_until = ?2, user = coalesce(?3, user),
                 sealed_password = coalesce(?4, sealed_password),
                 password_tag = coalesce(?5, password_tag), credentials_at = ?6
             WHERE device = ?1",
        )
        .and_then(|mut update| {
            let password = patch.password.as_ref();
            update.execute(params![
                device.0,
                until.map(|until| until.0),
                patch.user,
                password.map(|password| &password.sealed),
                password.map(|password| password.tag),
                at.0,
            ])
        })
        .during("change who may register as a device")?;
    Ok(true)
}

/// What the device has to register with.
fn present(connection: &Connection, device: DeviceKey) -> Result<Registers, Error> {
    connection
        .prepare_cached(
            "SELECT coalesce(user, (SELECT id FROM device WHERE key = camera.device)),
                 sealed_password IS NOT NULL, password_tag
             FROM camera WHERE device = ?1",
        )
        .and_then(|mut select| {
            select.query_row([device.0], |row| {
                Ok(Registers { user: row.get(0)?, has_password: row.get(1)?, tag: row.get(2)? })
            })
        })
        .during("read who may register as a device")
}

/// Puts a user name on record that counted already: the device's own id.
fn put_on_record(connection: &Connection, device: DeviceKey, user: &str) -> Result<bool, Error> {
    let put = connection
        .prepare_cached("UPDATE camera SET user = ?2 WHERE device = ?1 AND user IS NULL")
        .and_then(|mut update| update.execute(params![device.0, user]))
        .during("put a device's user name on record")?;
    Ok(put > 0)
}

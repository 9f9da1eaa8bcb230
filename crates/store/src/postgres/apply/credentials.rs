//! Who may register as a GB device: the user name and password, and those that they replace. Under
//! the lock of the device's state.

use fleet::{DeviceKey, Timestamp};
use tokio_postgres::Row;

use crate::Error;
use crate::columns::{column, damaged, optional};
use crate::postgres::connection::{Connection, Params};
use crate::rules::cameras::{Registers, is_same};
use crate::write::CredentialsPatch;

/// Changes who may register as the device; says whether anything on record of it has changed.
pub(super) async fn change(
    c: &Connection,
    device: DeviceKey,
    patch: &CredentialsPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let present = present(c, device).await?;
    if is_same(&present, patch) {
        return match &patch.user {
            Some(user) => put_on_record(c, device, user).await,
            None => Ok(false),
        };
    }
    // Where there was no password, nobody could register: there is nothing to go on with.
    let until = patch.overlap_until.filter(|_| present.has_password);
    let sql = "UPDATE camera SET
             old_user = CASE WHEN $2::bigint IS NOT NULL THEN \"user\" END,
             old_sealed_password = CASE WHEN $2 IS NOT NULL THEN sealed_password END,
             old_until = $2, \"user\" = coalesce($3, \"user\"),
             sealed_password = coalesce($4, sealed_password),
             password_tag = coalesce($5, password_tag), credentials_at = $6
         WHERE device = $1";
    let password = patch.password.as_ref();
    let sealed = password.map(|password| password.sealed.as_slice());
    let tag = password.map(|password| password.tag.as_slice());
    let until = until.map(|until| until.0);
    let params: Params<'_> = &[&device.0, &until, &patch.user, &sealed, &tag, &at.0];
    c.execute("change who may register as a device", sql, params).await?;
    Ok(true)
}

/// What the device has to register with.
async fn present(c: &Connection, device: DeviceKey) -> Result<Registers, Error> {
    let sql = "SELECT coalesce(k.\"user\", (SELECT id FROM device WHERE key = k.device)),
             k.sealed_password IS NOT NULL, k.password_tag
         FROM camera AS k WHERE k.device = $1";
    let read = |row: &Row| {
        Ok(Registers {
            user: column(row, 0)?,
            has_password: column(row, 1)?,
            tag: optional(row, 2)?,
        })
    };
    let present = c.first("read who may register as a device", sql, &[&device.0], read).await?;
    present.ok_or_else(|| damaged("camera", format!("{device:?} is no GB device")))
}

/// Puts a user name on record that counted already: the device's own id.
async fn put_on_record(c: &Connection, device: DeviceKey, user: &str) -> Result<bool, Error> {
    let sql = "UPDATE camera SET \"user\" = $2 WHERE device = $1 AND \"user\" IS NULL";
    let put = c.execute("put a device's user name on record", sql, &[&device.0, &user]).await?;
    Ok(put > 0)
}

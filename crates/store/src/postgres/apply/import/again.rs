//! Devices that are there when an import names them.

use std::collections::HashMap;

use fleet::{Desired, DeviceKey, Kind, NewDevice, ProjectKey, RecordPatch, Timestamp};
use futures_util::future::try_join_all;
use tokio_postgres::Row;

use crate::Error;
use crate::columns::{column, json, to_json};
use crate::postgres::apply::device::change_states;
use crate::postgres::apply::{credentials, records};
use crate::postgres::connection::{Connection, Params};
use crate::rules::import::{forget_names, move_phone};
use crate::write::{CredentialsPatch, ImportedDevice};

/// Changes of one device each that are under way at a time: the database need not wait for us in
/// between, nor keep more than that.
const AT_A_TIME: usize = 256;

/// A device that is there. Its state row is locked.
pub(super) struct Existing<'a> {
    /// Its key.
    pub(super) key: DeviceKey,
    /// The project.
    pub(super) project: ProjectKey,
    /// What the operator says of it.
    pub(super) imported: &'a ImportedDevice,
    /// Whether it is a phone and at another address from now on.
    pub(super) moved: bool,
}

/// Gives these devices what the import says of them, and leaves what it does not speak of.
pub(super) async fn update(
    c: &Connection,
    existing: &[Existing<'_>],
    at: Timestamp,
) -> Result<(), Error> {
    if existing.is_empty() {
        return Ok(());
    }
    let moved: Vec<DeviceKey> =
        existing.iter().filter(|device| device.moved).map(|device| device.key).collect();
    if !moved.is_empty() {
        change_states(c, &moved, |state| move_phone(state, at)).await?;
    }
    update_records(c, existing, at).await?;
    let cameras: Vec<&Existing<'_>> =
        existing.iter().filter(|device| device.imported.record.kind == Kind::Camera).collect();
    if cameras.is_empty() {
        return Ok(());
    }
    follow_names(c, &cameras).await?;
    change_credentials(c, &cameras, at).await?;
    put_on_record(c, &cameras, at).await
}

/// Gives them the new name, server, address, container and profile. A GB device is met where it
/// registers from: what a record says of its address changes nothing, and a profile that is not
/// named stays.
async fn update_records(
    c: &Connection,
    existing: &[Existing<'_>],
    at: Timestamp,
) -> Result<(), Error> {
    let keys: Vec<i64> = existing.iter().map(|device| device.key.0).collect();
    let column = |of: fn(&NewDevice) -> &str| -> Vec<&str> {
        existing.iter().map(|device| of(&device.imported.record)).collect()
    };
    let params: Params<'_> = &[
        &at.0,
        &keys,
        &column(|device| &device.name),
        &column(|device| &device.server),
        &column(|device| &device.address),
        &column(|device| &device.container),
        &column(|device| &device.profile),
    ];
    let sql = "UPDATE device AS d SET name = n.name, server = n.server, address = n.address,
             container = n.container, profile = coalesce(nullif(n.profile, ''), d.profile),
             updated_at = $1
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS n (key, name, server, address, container, profile)
         WHERE d.key = n.key";
    c.execute("change the records of devices", sql, params).await?;
    Ok(())
}

/// Forgets the names that were asked for, by the rule of [`forget_names`].
async fn follow_names(c: &Connection, cameras: &[&Existing<'_>]) -> Result<(), Error> {
    let keys: Vec<i64> = cameras.iter().map(|device| device.key.0).collect();
    let sql = "SELECT device, settled, desired FROM device_state WHERE device = ANY($1)";
    let read = |row: &Row| Ok((column(row, 0)?, (column(row, 1)?, json(row, 2)?)));
    let states = c.all("read the names asked for", sql, &[&keys], read).await?;
    let mut states: HashMap<i64, (i64, Desired)> = states.into_iter().collect();
    let (mut keys, mut desired) = (Vec::new(), Vec::new());
    for device in cameras {
        if let Some((settled, asked)) = states.get_mut(&device.key.0)
            && forget_names(asked, *settled, &device.imported.record)
        {
            keys.push(device.key.0);
            desired.push(to_json(asked)?);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE device_state AS s SET desired = n.desired
         FROM unnest($1::bigint[], $2::text[]) AS n (device, desired) WHERE s.device = n.device";
    c.execute("forget names that were asked for", sql, &[&keys, &desired]).await?;
    Ok(())
}

/// Changes what they have to register with. What is replaced stops working at once.
async fn change_credentials(
    c: &Connection,
    cameras: &[&Existing<'_>],
    at: Timestamp,
) -> Result<(), Error> {
    let mut patches = Vec::new();
    for device in cameras {
        let camera = device.imported.record.camera.as_ref();
        let patch = CredentialsPatch {
            user: camera.and_then(|camera| camera.user.clone()),
            password: device.imported.password.clone(),
            overlap_until: None,
        };
        if patch.user.is_some() || patch.password.is_some() {
            patches.push((device.key, patch));
        }
    }
    for some in patches.chunks(AT_A_TIME) {
        let changes = some.iter().map(|(key, patch)| credentials::change(c, *key, patch, at));
        try_join_all(changes).await?;
    }
    Ok(())
}

/// Puts on record what the import says of them besides. The organizations in which they are filed
/// are there.
async fn put_on_record(
    c: &Connection,
    cameras: &[&Existing<'_>],
    at: Timestamp,
) -> Result<(), Error> {
    let mut patches: Vec<((ProjectKey, DeviceKey), &RecordPatch)> = Vec::new();
    for device in cameras {
        let patch = device.imported.record.camera.as_ref().map(|camera| &camera.record);
        if let Some(patch) = patch.filter(|patch| !patch.is_empty()) {
            patches.push(((device.project, device.key), patch));
        }
    }
    for some in patches.chunks(AT_A_TIME) {
        let changes = some.iter().map(|(of, patch)| records::change_device(c, *of, patch, at));
        try_join_all(changes).await?;
    }
    Ok(())
}

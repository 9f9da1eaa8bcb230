//! What operators change of one device.

use fleet::{DeviceKey, DeviceState, Principal, ProjectKey, Timestamp};
use tokio_postgres::Row;

use super::projects::visible_project;
use crate::columns::{column, damaged, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rows::{STATE_COLUMNS, device_state};
use crate::rules::operators;
use crate::write::{ChangeDevice, DeviceChange, FreezeDevices};
use crate::{Error, Refused, Written};

/// Changes the record or the state of one device.
pub(super) async fn change_device(
    c: &Connection,
    principal: &Principal,
    change: &ChangeDevice,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &change.project).await? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    let Some(device) = find(c, project, change.id.as_str()).await? else {
        return Ok(Err(Refused::NoSuchDevice));
    };
    if let DeviceChange::Name(name) = &change.change {
        let refused = rename(c, project, device, name, change.at).await?;
        return Ok(refused.map_or(Ok(Written::Changed(device)), Err));
    }
    let said = |state: &mut DeviceState| {
        operators::change_state(state, &change.change, change.at);
    };
    change_states(c, &[device], said).await?;
    Ok(Ok(Written::Changed(device)))
}

/// Freezes devices, or ends that. Whether a device has work does not depend on it. The rows are
/// locked first, in the order of their keys, as whoever else changes several does.
pub(super) async fn freeze(
    c: &Connection,
    principal: &Principal,
    freeze: &FreezeDevices,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &freeze.project).await? else {
        return Ok(Err(Refused::NoSuchProject(freeze.project.clone())));
    };
    let devices: Vec<DeviceKey> = freeze.devices.iter().map(|(device, _)| *device).collect();
    lock(c, &devices).await?;
    let keys: Vec<i64> = devices.iter().map(|device| device.0).collect();
    let sql = "UPDATE device_state SET frozen = $3
         WHERE device = ANY($1::bigint[]) AND project = $2 AND frozen <> $3 RETURNING device";
    let params: Params<'_> = &[&keys, &project.0, &freeze.frozen];
    let read = |row: &Row| column(row, 0).map(DeviceKey);
    let mut changed = c.all("freeze devices", sql, params, read).await?;
    changed.sort_unstable();
    Ok(Ok(Written::Frozen(changed)))
}

/// The key of a device of `project`.
pub(super) async fn find(
    c: &Connection,
    project: ProjectKey,
    id: &str,
) -> Result<Option<DeviceKey>, Error> {
    let sql = "SELECT key FROM device WHERE id = $1 AND project = $2";
    let key = c.first("find a device", sql, &[&id, &project.0], |row| column(row, 0)).await?;
    Ok(key.map(DeviceKey))
}

/// Names a device, if no other of its project and kind has the name. Its present name it keeps in
/// any case: imports may have given it to others too.
async fn rename(
    c: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    name: &str,
    at: Timestamp,
) -> Result<Option<Refused>, Error> {
    // Updates name GB devices too.
    lock(c, &[device]).await?;
    let sql = "SELECT 1 FROM device WHERE project = $1 AND name = $2 AND key <> $3
             AND kind = (SELECT kind FROM device WHERE key = $3)
             AND NOT EXISTS (SELECT 1 FROM device WHERE key = $3 AND name = $2)
         LIMIT 1";
    let operation = "look for a device's name";
    if c.exists(operation, sql, &[&project.0, &name, &device.0]).await? {
        return Ok(Some(Refused::Exists { what: "a device named", id: name.to_owned() }));
    }
    let sql = "UPDATE device SET name = $2, updated_at = $3 WHERE key = $1";
    c.execute("name a device", sql, &[&device.0, &name, &at.0]).await?;
    Ok(None)
}

/// Locks the state rows of these devices, in the order of their keys, until the transaction ends:
/// updates and results, which run beside this, wait. What is read of the devices afterwards stays
/// as it is.
pub(super) async fn lock(c: &Connection, devices: &[DeviceKey]) -> Result<(), Error> {
    let keys: Vec<i64> = devices.iter().map(|device| device.0).collect();
    let sql = "SELECT 1 FROM unnest($1::bigint[]) AS asked (device)
             JOIN device_state AS s ON s.device = asked.device
         ORDER BY s.device FOR UPDATE OF s";
    c.execute("lock devices", sql, &[&keys]).await?;
    Ok(())
}

/// Changes what an operator may change of the states of these devices, each given once, and notes
/// whether they have work then. Locks the rows. For rare changes: it reads whole rows.
pub(super) async fn change_states(
    c: &Connection,
    devices: &[DeviceKey],
    mut change: impl FnMut(&mut DeviceState) + Send,
) -> Result<(), Error> {
    let keys: Vec<i64> = devices.iter().map(|device| device.0).collect();
    let sql = format!(
        "SELECT s.device, {STATE_COLUMNS} FROM unnest($1::bigint[]) AS asked (device)
             JOIN device_state AS s ON s.device = asked.device
         ORDER BY s.device FOR UPDATE OF s"
    );
    let read = |row: &Row| Ok((DeviceKey(column(row, "device")?), device_state(row)?));
    let mut states = c.all("read the states of devices", &sql, &[&keys], read).await?;
    if states.len() != devices.len() {
        let (found, all) = (states.len(), devices.len());
        return Err(damaged("device", format!("{found} of {all} devices have a state")));
    }
    for (_, state) in &mut states {
        change(state);
    }
    write_states(c, &states).await
}

/// Writes what an operator may change of the states of devices.
async fn write_states(c: &Connection, states: &[(DeviceKey, DeviceState)]) -> Result<(), Error> {
    let of = |state: fn(&DeviceState) -> bool| -> Vec<bool> {
        states.iter().map(|(_, of)| state(of)).collect()
    };
    let keys: Vec<i64> = states.iter().map(|(device, _)| device.0).collect();
    let states = || states.iter().map(|(_, state)| state);
    let conditions: Vec<&str> = states().map(|state| state.condition.name()).collect();
    let since: Vec<i64> = states().map(|state| state.since.0).collect();
    let troubles: Vec<Option<&str>> = states().map(|state| state.trouble.as_deref()).collect();
    let adoptions = states().map(|state| state.adoption.as_ref().map(to_json).transpose());
    let adoptions: Vec<Option<String>> = adoptions.collect::<Result<_, _>>()?;
    let copies: Vec<Option<i64>> = states().map(|state| state.copy.map(|copy| copy.0)).collect();
    let powers = states().map(|state| state.power.as_ref().map(to_json).transpose());
    let powers: Vec<Option<String>> = powers.collect::<Result<_, _>>()?;
    let params: Params<'_> = &[
        &keys,
        &conditions,
        &since,
        &troubles,
        &of(|state| state.adopted),
        &of(|state| state.frozen),
        &adoptions,
        &copies,
        &powers,
        &of(DeviceState::has_work),
    ];
    let sql = "UPDATE device_state AS s SET condition = n.condition, since = n.since,
             trouble = n.trouble, adopted = n.adopted, frozen = n.frozen, adoption = n.adoption,
             copy = n.copy, power = n.power, has_work = n.has_work
         FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::boolean[],
                 $6::boolean[], $7::text[], $8::bigint[], $9::text[], $10::boolean[])
             AS n (device, condition, since, trouble, adopted, frozen, adoption, copy, power,
                 has_work)
         WHERE s.device = n.device";
    c.execute("change the states of devices", sql, params).await?;
    Ok(())
}

//! What an update changes of a GB device's records besides its desired state.

use std::collections::BTreeMap;

use fleet::catalogue::NAME;
use fleet::{Before, DeviceId, DeviceKey, ProjectKey, Refusal, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{credentials, organizations, records};
use crate::Error;
use crate::columns::optional;
use crate::rules::before::named;
use crate::rules::cameras as rules;
use crate::rules::cancel::NameBack;
use crate::sqlite::queries::first;
use crate::sqlite::rows::During;
use crate::write::CameraPatch;

/// Why it can't be applied: it is about a channel that the device does not have, or an organization
/// that is not there to be joined.
pub(super) fn refusal(
    connection: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    patch: &CameraPatch,
) -> Result<Option<Refusal>, Error> {
    for (id, property) in rules::channels(patch) {
        if !has_channel(connection, device, id)? {
            return Ok(Some(rules::no_such_channel(property)));
        }
    }
    let unfit = organizations::unfit(connection, project, rules::joined(patch))?;
    Ok(unfit.map(rules::refusal))
}

/// Whether the device has the channel.
fn has_channel(connection: &Connection, device: DeviceKey, id: &DeviceId) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM channel WHERE device = ?1 AND id = ?2")
        .and_then(|mut select| select.exists(params![device.0, id.as_str()]))
        .during("find a channel")
}

/// Applies it; [`refusal`] has passed it. What is there already is no change of the record.
pub(super) fn apply(
    connection: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    patch: &CameraPatch,
    at: Timestamp,
) -> Result<(), Error> {
    name(connection, device, patch, at)?;
    let mut changed = false;
    if !patch.record.is_empty() {
        changed |= records::change_device(connection, (project, device), &patch.record, at)?;
    }
    if let Some(credentials) = &patch.credentials {
        changed |= credentials::change(connection, device, credentials, at)?;
    }
    if changed {
        connection
            .prepare_cached("UPDATE device SET updated_at = ?2 WHERE key = ?1")
            .and_then(|mut update| update.execute([device.0, at.0]))
            .during("note that a record has changed")?;
    }
    for (channel, record, _) in &patch.channel_records {
        records::change_channel(connection, (project, device), channel, record, at)?;
    }
    Ok(())
}

/// The names that are on record where it gives others, by property.
pub(super) fn names(
    connection: &Connection,
    device: DeviceKey,
    patch: &CameraPatch,
) -> Result<BTreeMap<String, Before>, Error> {
    const OF_DEVICE: &str = "SELECT name FROM device WHERE key = ?1";
    const OF_CHANNEL: &str = "SELECT name FROM channel WHERE device = ?1 AND id = ?2";
    let operation = "read a name on record";
    let read = |row: &Row<'_>| optional(row, 0);
    let mut names = BTreeMap::new();
    if let Some(given) = &patch.name {
        let found = first(connection, operation, OF_DEVICE, [device.0], read)?;
        names.extend(found.map(|name| (NAME.to_owned(), named(name, given))));
    }
    for (id, given, property) in &patch.channels {
        let params = params![device.0, id.as_str()];
        let found = first(connection, operation, OF_CHANNEL, params, read)?;
        names.extend(found.map(|name| (property.clone(), named(name, given))));
    }
    Ok(names)
}

/// Puts names back that cancelled jobs have given, where they still stand: an empty one takes a
/// channel's off.
pub(super) fn name_back(
    connection: &Connection,
    device: DeviceKey,
    names: &[NameBack],
    at: Timestamp,
) -> Result<(), Error> {
    const OF_DEVICE: &str =
        "UPDATE device SET name = ?2, updated_at = ?4 WHERE key = ?1 AND name = ?3";
    const OF_CHANNEL: &str = "UPDATE channel SET name = nullif(?2, '')
         WHERE device = ?1 AND name = ?3 AND id = ?4";
    for NameBack { channel, given, to } in names {
        match channel {
            None => connection
                .prepare_cached(OF_DEVICE)
                .and_then(|mut update| update.execute(params![device.0, to, given, at.0])),
            Some(id) => connection
                .prepare_cached(OF_CHANNEL)
                .and_then(|mut update| update.execute(params![device.0, to, given, id.as_str()])),
        }
        .during("put a name back")?;
    }
    Ok(())
}

/// Records the names that an update gives to a device and to its channels; an empty one takes a
/// channel's off.
fn name(
    connection: &Connection,
    device: DeviceKey,
    patch: &CameraPatch,
    at: Timestamp,
) -> Result<(), Error> {
    if let Some(name) = &patch.name {
        connection
            .prepare_cached(
                "UPDATE device SET name = ?2, updated_at = ?3 WHERE key = ?1 AND name <> ?2",
            )
            .and_then(|mut update| update.execute(params![device.0, name, at.0]))
            .during("name a device")?;
    }
    for (id, name, _) in &patch.channels {
        connection
            .prepare_cached(
                "UPDATE channel SET name = nullif(?3, '') WHERE device = ?1 AND id = ?2",
            )
            .and_then(|mut update| update.execute(params![device.0, id.as_str(), name]))
            .during("name a channel")?;
    }
    Ok(())
}

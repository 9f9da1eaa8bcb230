//! The channels of GB devices: what their catalogs say of them, and our names for them.

use std::collections::HashMap;

use fleet::limits::CHANNELS_PER_DEVICE_MAX;
use fleet::{DeviceId, DeviceKey, NewChannel, Principal, ReportedChannel, Timestamp};
use rusqlite::{Connection, params};

use super::cameras::is_visible;
use crate::columns::to_json;
use crate::rules::catalog::{Known, told};
use crate::sqlite::rows::During;
use crate::write::RecordChannels;
use crate::{Error, Refused, Written};

/// Records what a catalog said. Of two entries with one id the later one counts.
pub(super) fn record_channels(
    connection: &Connection,
    principal: &Principal,
    record: &RecordChannels,
) -> Result<Result<Written, Refused>, Error> {
    let device = record.device;
    if !is_visible(connection, principal, device)? {
        return Ok(Err(Refused::NoSuchDevice));
    }
    let known = known(connection, device)?;
    let told = told(record, &known);
    for id in told.forgotten {
        forget(connection, device, id)?;
    }
    for id in told.missed {
        miss(connection, device, id)?;
    }
    for (id, reported) in told.reported {
        report(connection, device, id, reported, record.at)?;
    }
    if told.left_out > 0 {
        let left_out = told.left_out;
        tracing::warn!(?device, left_out, "a device has more channels than are kept of one");
    }
    Ok(Ok(Written::Done))
}

/// The channels of a device that are on record.
fn known(connection: &Connection, device: DeviceKey) -> Result<HashMap<String, Known>, Error> {
    connection
        .prepare_cached(
            "SELECT id, coalesce(name, organization, record) IS NOT NULL, missed
             FROM channel WHERE device = ?1",
        )
        .and_then(|mut select| {
            let rows = select.query_map([device.0], |row| {
                Ok((row.get(0)?, Known { kept: row.get(1)?, missed: row.get(2)? }))
            })?;
            rows.collect()
        })
        .during("read the channels of a device")
}

/// Takes what a catalog says of a channel; our name for it stays.
fn report(
    connection: &Connection,
    device: DeviceKey,
    id: &str,
    reported: &ReportedChannel,
    at: Timestamp,
) -> Result<(), Error> {
    let reported = to_json(reported)?;
    connection
        .prepare_cached(
            "INSERT INTO channel (device, id, missed, seen_at, reported) VALUES (?1, ?2, 0, ?3, ?4)
             ON CONFLICT (device, id) DO UPDATE SET missed = 0, seen_at = excluded.seen_at,
                 reported = excluded.reported",
        )
        .and_then(|mut insert| insert.execute(params![device.0, id, at.0, reported]))
        .during("record a channel")?;
    Ok(())
}

/// Counts a complete catalog that has not named a channel.
fn miss(connection: &Connection, device: DeviceKey, id: &str) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE channel SET missed = missed + 1 WHERE device = ?1 AND id = ?2")
        .and_then(|mut update| update.execute(params![device.0, id]))
        .during("note that a channel was missed")?;
    Ok(())
}

/// Forgets a channel.
fn forget(connection: &Connection, device: DeviceKey, id: &str) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM channel WHERE device = ?1 AND id = ?2")
        .and_then(|mut delete| delete.execute(params![device.0, id]))
        .during("forget a channel")?;
    Ok(())
}

/// Records channels as an operator names them, whether the device has told of them or not.
/// [`Refused::TooManyChannels`] if the device would have more than it may; the caller undoes what
/// was written then.
pub(super) fn import(
    connection: &Connection,
    device: DeviceKey,
    id: &DeviceId,
    channels: &[NewChannel],
) -> Result<Option<Refused>, Error> {
    if channels.is_empty() {
        return Ok(None);
    }
    for channel in channels {
        connection
            .prepare_cached(
                "INSERT INTO channel (device, id, name, missed) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (device, id) DO UPDATE SET name = excluded.name",
            )
            .and_then(|mut insert| {
                insert.execute(params![device.0, channel.id.as_str(), channel.name])
            })
            .during("record a channel's name")?;
    }
    let count: u32 = connection
        .prepare_cached("SELECT count(*) FROM channel WHERE device = ?1")
        .and_then(|mut select| select.query_row([device.0], |row| row.get(0)))
        .during("count the channels of a device")?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok((count > CHANNELS_PER_DEVICE_MAX).then(|| Refused::TooManyChannels(id.clone())))
}

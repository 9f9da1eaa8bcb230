//! The channels of GB devices: what their catalogs say of them, and our names for them.

use std::collections::{BTreeMap, HashMap, HashSet};

use fleet::{DeviceKey, Principal, ReportedChannel, Timestamp};
use tokio_postgres::Row;

use super::cameras::is_noted;
use super::hot::Ledger;
use crate::columns::{column, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rules::catalog::{Known, told};
use crate::write::RecordChannels;
use crate::{Error, Refused, Written};

/// Records what a catalog said. Of two entries with one id the later one counts. The device's state
/// is locked: an update may be about to name a channel that would be forgotten here.
pub(super) async fn record_channels(
    c: &Connection,
    ledger: &Ledger<'_>,
    principal: &Principal,
    record: &RecordChannels,
) -> Result<Result<Written, Refused>, Error> {
    let device = record.device;
    if !is_noted(ledger, principal, device) {
        return Ok(Err(Refused::NoSuchDevice));
    }
    let known = known(c, device).await?;
    let told = told(record, &known);
    if !told.forgotten.is_empty() {
        let sql = "DELETE FROM channel WHERE device = $1 AND id = ANY($2)";
        c.execute("forget channels", sql, &[&device.0, &told.forgotten]).await?;
    }
    if !told.missed.is_empty() {
        let sql = "UPDATE channel SET missed = missed + 1 WHERE device = $1 AND id = ANY($2)";
        c.execute("note that channels were missed", sql, &[&device.0, &told.missed]).await?;
    }
    report(c, device, &told.reported, record.at).await?;
    if told.left_out > 0 {
        let left_out = told.left_out;
        tracing::warn!(?device, left_out, "a device has more channels than are kept of one");
    }
    Ok(Ok(Written::Done))
}

/// The channels of a device that are on record.
async fn known(c: &Connection, device: DeviceKey) -> Result<HashMap<String, Known>, Error> {
    let sql = "SELECT id, coalesce(name, organization::text, record) IS NOT NULL, missed
         FROM channel WHERE device = $1";
    let read =
        |row: &Row| Ok((column(row, 0)?, Known { kept: column(row, 1)?, missed: column(row, 2)? }));
    let known = c.all("read the channels of a device", sql, &[&device.0], read).await?;
    Ok(known.into_iter().collect())
}

/// Takes what a catalog says of channels; our names for them stay.
async fn report(
    c: &Connection,
    device: DeviceKey,
    channels: &[(&str, &ReportedChannel)],
    at: Timestamp,
) -> Result<(), Error> {
    if channels.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = channels.iter().map(|(id, _)| *id).collect();
    let reported: Vec<String> =
        channels.iter().map(|(_, reported)| to_json(reported)).collect::<Result<_, _>>()?;
    let sql = "INSERT INTO channel (device, id, missed, seen_at, reported)
         SELECT $1::bigint, id, 0, $2::bigint, reported
             FROM unnest($3::text[], $4::text[]) AS told (id, reported)
         ON CONFLICT (device, id) DO UPDATE SET missed = 0, seen_at = excluded.seen_at,
             reported = excluded.reported";
    let params: Params<'_> = &[&device.0, &at.0, &ids, &reported];
    c.execute("record channels", sql, params).await?;
    Ok(())
}

/// Records channels as an operator names them, by device and id, whether the devices have told of
/// them or not.
pub(super) async fn import(
    c: &Connection,
    names: &BTreeMap<(DeviceKey, &str), &str>,
) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let devices: Vec<i64> = names.keys().map(|(device, _)| device.0).collect();
    let ids: Vec<&str> = names.keys().map(|(_, id)| *id).collect();
    let names: Vec<&str> = names.values().copied().collect();
    let sql = "INSERT INTO channel (device, id, name, missed)
         SELECT device, id, name, 0
             FROM unnest($1::bigint[], $2::text[], $3::text[]) AS named (device, id, name)
         ON CONFLICT (device, id) DO UPDATE SET name = excluded.name";
    c.execute("record the names of channels", sql, &[&devices, &ids, &names]).await?;
    Ok(())
}

/// How many channels each of these devices has besides those named, of which none is named twice.
pub(super) async fn others(
    c: &Connection,
    named: &HashSet<(DeviceKey, &str)>,
) -> Result<HashMap<DeviceKey, u64>, Error> {
    let (devices, ids): (Vec<i64>, Vec<&str>) =
        named.iter().map(|(device, id)| (device.0, *id)).unzip();
    let sql = "SELECT named.device,
             (SELECT count(*) FROM channel WHERE device = named.device) - count(c.id)
         FROM unnest($1::bigint[], $2::text[]) AS named (device, id)
             LEFT JOIN channel AS c ON c.device = named.device AND c.id = named.id
         GROUP BY named.device";
    let read = |row: &Row| {
        let count: i64 = column(row, 1)?;
        Ok((DeviceKey(column(row, 0)?), count.unsigned_abs()))
    };
    let counts = c.all("count the channels of devices", sql, &[&devices, &ids], read).await?;
    Ok(counts.into_iter().collect())
}

//! What an update changes of a GB device's records besides its desired state. The device's state is
//! locked meanwhile, and with it all that belongs to the device.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use fleet::catalogue::NAME;
use fleet::{Before, DeviceKey, ProjectKey, Refusal, Timestamp};
use tokio_postgres::Row;

use super::{credentials, organizations, records};
use crate::Error;
use crate::columns::{column, optional};
use crate::postgres::connection::{Connection, Params};
use crate::rules::before::named;
use crate::rules::cameras as rules;
use crate::rules::cancel::NameBack;
use crate::write::CameraPatch;

/// Why it can't be applied: it is about a channel that the device does not have, or an organization
/// that is not there to be joined.
pub(super) async fn refusal(
    c: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    patch: &CameraPatch,
) -> Result<Option<Refusal>, Error> {
    let asked: Vec<&str> = rules::channels(patch).map(|(id, _)| id.as_str()).collect();
    if !asked.is_empty() {
        let sql = "SELECT id FROM channel WHERE device = $1 AND id = ANY($2::text[])";
        let read = |row: &_| column(row, 0);
        let there: BTreeSet<String> =
            c.all("find channels", sql, &[&device.0, &asked], read).await?.into_iter().collect();
        let missing = rules::channels(patch).find(|(id, _)| !there.contains(id.as_str()));
        if let Some((_, property)) = missing {
            return Ok(Some(rules::no_such_channel(property)));
        }
    }
    let joined: Vec<_> = rules::joined(patch).collect();
    if joined.is_empty() {
        return Ok(None);
    }
    let unfit = organizations::unfit(c, project, &joined).await?;
    Ok(unfit.map(rules::refusal))
}

/// Applies it; [`refusal`] has passed it. What is there already is no change of the record; says
/// whether that has changed.
pub(super) async fn apply(
    c: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    patch: &CameraPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let is_renamed = name(c, device, patch, at).await?;
    let mut is_changed = false;
    if !patch.record.is_empty() {
        is_changed |= records::change_device(c, (project, device), &patch.record, at).await?;
    }
    if let Some(credentials) = &patch.credentials {
        is_changed |= credentials::change(c, device, credentials, at).await?;
    }
    if is_changed {
        let sql = "UPDATE device SET updated_at = $2 WHERE key = $1";
        c.execute("note that a record has changed", sql, &[&device.0, &at.0]).await?;
    }
    for (channel, record, _) in &patch.channel_records {
        records::change_channel(c, (project, device), channel, record, at).await?;
    }
    Ok(is_renamed || is_changed)
}

/// The names that are on record where it gives others, by property.
pub(super) async fn names(
    c: &Connection,
    device: DeviceKey,
    patch: &CameraPatch,
) -> Result<BTreeMap<String, Before>, Error> {
    const OF_DEVICE: &str = "SELECT name FROM device WHERE key = $1";
    const OF_CHANNEL: &str = "SELECT name FROM channel WHERE device = $1 AND id = $2";
    let operation = "read a name on record";
    let read = |row: &Row| optional(row, 0);
    let mut names = BTreeMap::new();
    if let Some(given) = &patch.name {
        let found = c.first(operation, OF_DEVICE, &[&device.0], read).await?;
        names.extend(found.map(|name| (NAME.to_owned(), named(name, given))));
    }
    for (id, given, property) in &patch.channels {
        let found = c.first(operation, OF_CHANNEL, &[&device.0, &id.as_str()], read).await?;
        names.extend(found.map(|name| (property.clone(), named(name, given))));
    }
    Ok(names)
}

/// Puts names back that cancelled jobs have given, where they still stand: an empty one takes a
/// channel's off.
pub(super) async fn name_back(
    c: &Connection,
    device: DeviceKey,
    names: &[NameBack],
    at: Timestamp,
) -> Result<(), Error> {
    const OF_DEVICE: &str =
        "UPDATE device SET name = $2, updated_at = $4 WHERE key = $1 AND name = $3";
    const OF_CHANNEL: &str = "UPDATE channel SET name = nullif($2, '')
         WHERE device = $1 AND name = $3 AND id = $4";
    for NameBack { channel, given, to } in names {
        let operation = "put a name back";
        match channel {
            None => c.execute(operation, OF_DEVICE, &[&device.0, to, given, &at.0]).await?,
            Some(id) => {
                c.execute(operation, OF_CHANNEL, &[&device.0, to, given, &id.as_str()]).await?
            }
        };
    }
    Ok(())
}

/// Records the names that an update gives to a device and to its channels, of which an empty one
/// takes a channel's off; says whether the device's has changed.
async fn name(
    c: &Connection,
    device: DeviceKey,
    patch: &CameraPatch,
    at: Timestamp,
) -> Result<bool, Error> {
    let mut renamed = 0;
    if let Some(name) = &patch.name {
        let sql = "UPDATE device SET name = $2, updated_at = $3 WHERE key = $1 AND name <> $2";
        renamed = c.execute("name a device", sql, &[&device.0, name, &at.0]).await?;
    }
    if !patch.channels.is_empty() {
        // Of two names for one channel the later one stands.
        let names: BTreeMap<&str, &str> =
            patch.channels.iter().map(|(id, name, _)| (id.as_str(), name.as_str())).collect();
        let (ids, names): (Vec<&str>, Vec<&str>) = names.into_iter().unzip();
        let sql = "UPDATE channel AS c SET name = nullif(n.name, '')
             FROM unnest($2::text[], $3::text[]) AS n (id, name)
             WHERE c.device = $1 AND c.id = n.id";
        let params: Params<'_> = &[&device.0, &ids, &names];
        c.execute("name channels", sql, params).await?;
    }
    Ok(renamed > 0)
}

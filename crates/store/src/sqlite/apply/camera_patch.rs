//! What an update changes of a GB device's records besides its desired state.

use fleet::catalogue::ORGANIZATION;
use fleet::limits::ORGANIZATIONS_PER_PROJECT_MAX;
use fleet::{DeviceId, DeviceKey, OrganizationChange, ProjectKey, Refusal, Timestamp};
use rusqlite::{Connection, params};

use super::organizations::Unfit;
use super::{credentials, organizations, records};
use crate::Error;
use crate::sqlite::rows::During;
use crate::write::CameraPatch;

/// Whether it puts anything on record besides names, which are asked for as values too.
pub(super) fn is_of_records(patch: &CameraPatch) -> bool {
    !patch.record.is_empty() || !patch.channel_records.is_empty() || patch.credentials.is_some()
}

/// Why it can't be applied: it is about a channel that the device does not have, or an organization
/// that is not there to be joined.
pub(super) fn refusal(
    connection: &Connection,
    project: ProjectKey,
    device: DeviceKey,
    patch: &CameraPatch,
) -> Result<Option<Refusal>, Error> {
    let named = patch.channels.iter().map(|(id, _, property)| (id, property));
    let recorded = patch.channel_records.iter().map(|(id, _, property)| (id, property));
    for (id, property) in named.chain(recorded) {
        if !has_channel(connection, device, id)? {
            let detail = "the device has no such channel".to_owned();
            return Ok(Some(Refusal::PropertyUnsupported { name: property.clone(), detail }));
        }
    }
    let unfit = organizations::unfit(connection, project, joined(patch))?;
    Ok(unfit.map(|unfit| match unfit {
        Unfit::Other(id, path) => {
            invalid(format!("the id is {id}, not the one given, of the organization {path}"))
        }
        Unfit::Missing(id, path) => {
            invalid(format!("no organization has the id {id}: there is none of the path {path}"))
        }
        Unfit::TooMany => Refusal::Busy {
            detail: format!(
                "its project would have more than {ORGANIZATIONS_PER_PROJECT_MAX} organizations"
            ),
        },
    }))
}

/// The refusal of an organization.
fn invalid(detail: String) -> Refusal {
    Refusal::PropertyInvalid { name: ORGANIZATION.to_owned(), detail }
}

/// Where the device and its channels are to be filed.
fn joined(patch: &CameraPatch) -> impl Iterator<Item = &OrganizationChange> {
    let channels = patch.channel_records.iter().map(|(_, record, _)| record);
    std::iter::once(&patch.record).chain(channels).filter_map(|record| record.organization.as_ref())
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

/// Records the names that an update gives to a device and to its channels.
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
            .prepare_cached("UPDATE channel SET name = ?3 WHERE device = ?1 AND id = ?2")
            .and_then(|mut update| update.execute(params![device.0, id.as_str(), name]))
            .during("name a channel")?;
    }
    Ok(())
}

//! Devices that an import makes.

use std::collections::HashMap;

use fleet::{DeviceKey, Kind, OrganizationChange, OrganizationPath, ProjectKey, Timestamp, Values};
use tokio_postgres::Row;

use super::filing;
use crate::Error;
use crate::columns::{column, damaged, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rules::cameras::values_after;
use crate::rules::import::{first_condition, first_profile};
use crate::write::ImportedDevice;

/// A device that is new.
pub(in crate::postgres::apply) struct New<'a> {
    /// The project.
    pub(in crate::postgres::apply) project: ProjectKey,
    /// What the operator says of it.
    pub(in crate::postgres::apply) imported: &'a ImportedDevice,
}

/// Makes the records and the states of these devices; gives their keys, in their order.
/// `organizations` are the keys of those in which they are filed.
pub(in crate::postgres::apply) async fn insert(
    c: &Connection,
    new: &[New<'_>],
    organizations: &HashMap<(ProjectKey, OrganizationPath), i64>,
    at: Timestamp,
) -> Result<Vec<DeviceKey>, Error> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let keys = insert_records(c, new, at).await?;
    insert_states(c, new, &keys, at).await?;
    let cameras: Vec<(i64, &New<'_>)> = keys
        .iter()
        .copied()
        .zip(new)
        .filter(|(_, new)| new.imported.record.kind == Kind::Camera)
        .collect();
    insert_cameras(c, &cameras, organizations).await?;
    Ok(keys.into_iter().map(DeviceKey).collect())
}

/// Makes the records. Keys go up in the order of the devices.
async fn insert_records(c: &Connection, new: &[New<'_>], at: Timestamp) -> Result<Vec<i64>, Error> {
    let record = || new.iter().map(|new| &new.imported.record);
    let projects: Vec<i64> = new.iter().map(|new| new.project.0).collect();
    let kinds: Vec<&str> = record().map(|device| device.kind.name()).collect();
    let ids: Vec<&str> = record().map(|device| device.id.as_str()).collect();
    let names: Vec<&str> = record().map(|device| device.name.as_str()).collect();
    let servers: Vec<&str> = record().map(|device| device.server.as_str()).collect();
    let addresses: Vec<&str> = record().map(|device| device.address.as_str()).collect();
    let containers: Vec<&str> = record().map(|device| device.container.as_str()).collect();
    let profiles: Vec<&str> = record().map(first_profile).collect();
    let markers: Vec<&str> = new.iter().map(|new| new.imported.marker.as_str()).collect();
    let sql = "INSERT INTO device (project, kind, id, name, server, address, container, profile,
                                   marker, created_at, updated_at)
         SELECT project, kind, id, name, server, address, container, profile, marker, $1::bigint, $1
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::text[], $10::text[]) WITH ORDINALITY
             AS new (project, kind, id, name, server, address, container, profile, marker, place)
         ORDER BY place
         RETURNING project, id, key";
    let params: Params<'_> = &[
        &at.0,
        &projects,
        &kinds,
        &ids,
        &names,
        &servers,
        &addresses,
        &containers,
        &profiles,
        &markers,
    ];
    let read = |row: &Row| Ok(((column(row, 0)?, column::<String>(row, 1)?), column(row, 2)?));
    let made = c.all("record devices", sql, params, read).await?;
    let made: HashMap<(i64, String), i64> = made.into_iter().collect();
    let key = |new: &New<'_>| made.get(&(new.project.0, new.imported.record.id.to_string()));
    let keys: Option<Vec<i64>> = new.iter().map(|new| key(new).copied()).collect();
    keys.ok_or_else(|| damaged("device", "it is gone in its own transaction"))
}

/// Makes the states.
async fn insert_states(
    c: &Connection,
    new: &[New<'_>],
    keys: &[i64],
    at: Timestamp,
) -> Result<(), Error> {
    let projects: Vec<i64> = new.iter().map(|new| new.project.0).collect();
    let condition = |new: &New<'_>| first_condition(new.imported.record.kind);
    let conditions: Vec<&str> = new.iter().map(|new| condition(new).name()).collect();
    let comes: Vec<bool> = new.iter().map(|new| new.imported.record.kind == Kind::Camera).collect();
    let sql = "INSERT INTO device_state (device, project, has_work, revision, settled, condition,
                                         adopted, since, open_jobs, desired, reported)
         SELECT device, project, NOT comes, 0, 0, condition, comes, $1::bigint, ''::bytea, '{}',
             '{\"revision\":0,\"values\":{}}'
         FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::boolean[])
             AS new (device, project, condition, comes)";
    let params: Params<'_> = &[&at.0, &keys, &projects, &conditions, &comes];
    c.execute("record the states of devices", sql, params).await?;
    Ok(())
}

/// Records what GB devices have to register with, and what is on record of them.
async fn insert_cameras(
    c: &Connection,
    new: &[(i64, &New<'_>)],
    organizations: &HashMap<(ProjectKey, OrganizationPath), i64>,
) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = new.iter().map(|(key, _)| *key).collect();
    let projects: Vec<i64> = new.iter().map(|(_, new)| new.project.0).collect();
    let imported = || new.iter().map(|(_, new)| new.imported);
    let users: Vec<Option<&str>> =
        imported().map(|of| of.record.camera.as_ref().and_then(|of| of.user.as_deref())).collect();
    let passwords = || imported().map(|of| of.password.as_ref());
    let sealed: Vec<Option<&[u8]>> = passwords().map(|of| of.map(|of| &of.sealed[..])).collect();
    let tags: Vec<Option<&[u8]>> = passwords().map(|of| of.map(|of| &of.tag[..])).collect();
    let records: Vec<Option<String>> = imported().map(on_record).collect::<Result<_, _>>()?;
    let filed: Vec<Option<i64>> =
        new.iter().map(|(_, new)| organizations.get(&filed_in(new)?).copied()).collect();
    let sql =
        "INSERT INTO camera (device, project, \"user\", sealed_password, password_tag, record,
                                   organization)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::bytea[],
                          $6::text[], $7::bigint[])";
    let params: Params<'_> = &[&keys, &projects, &users, &sealed, &tags, &records, &filed];
    c.execute("record GB devices", sql, params).await?;
    Ok(())
}

/// What is on record of a GB device that is new, as JSON; `None` for nothing.
fn on_record(imported: &ImportedDevice) -> Result<Option<String>, Error> {
    let patch = imported.record.camera.as_ref().map(|camera| &camera.record);
    let values = patch.map(|patch| values_after(&Values::new(), patch)).unwrap_or_default();
    (!values.is_empty()).then(|| to_json(&values)).transpose()
}

/// The organization in which a device that is new is filed.
fn filed_in(new: &New<'_>) -> Option<(ProjectKey, OrganizationPath)> {
    match filing::change(new.imported)? {
        OrganizationChange::Detach => None,
        OrganizationChange::Join { path, .. } => Some((new.project, path.clone())),
    }
}

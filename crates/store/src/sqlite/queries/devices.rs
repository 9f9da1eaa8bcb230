//! Devices: one, a page, and what accepting an update needs of many.

use std::collections::HashSet;

use fleet::{Device, DeviceId, DeviceKey, Principal, Project, ProjectId};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{all, bound, channels, first, keys, projects, seen};
use crate::rows::{self, DEVICE_COLUMNS, accept_target};
use crate::sqlite::rows::{During, select_device_with_state};
use crate::{AcceptTarget, DeviceFilter, DeviceWithState, Error, Page};

/// Devices with the same id that are shown at most.
const SAME_ID_MAX: u32 = 16;

/// See [`crate::Reads::accept_targets`]. One statement, bound anew for each id: two look-ups
/// each, and no list of parameters whose length would make every call another statement. Only an id
/// that no device has, and that has the form of a channel's, is looked for among channels.
pub(in crate::sqlite) fn accept_targets(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<AcceptTarget>>, Error> {
    let operation = "find the devices of an update";
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let mut statement = connection
        .prepare_cached(
            "SELECT key, kind, profile, server FROM device WHERE id = ?1 AND project = ?2",
        )
        .during(operation)?;
    let mut target = |id: &DeviceId| {
        let mut rows = statement.query(params![id.as_str(), project.key.0]).during(operation)?;
        match rows.next().during(operation)? {
            Some(row) => accept_target(row, &project, None).map(Some),
            None => channel_target(connection, &project, id),
        }
    };
    ids.iter().map(&mut target).collect()
}

/// The GB device that has the channel of this id, if exactly one of the project has.
fn channel_target(
    connection: &Connection,
    project: &Project,
    id: &DeviceId,
) -> Result<Option<AcceptTarget>, Error> {
    let Some(device) = channels::owner(connection, project.key, id)? else {
        return Ok(None);
    };
    let sql = "SELECT key, kind, profile, server FROM device WHERE key = ?1";
    let read = |row: &Row<'_>| accept_target(row, project, Some(id));
    first(connection, "read the device of a channel", sql, [device.0], read)
}

/// See [`crate::Reads::device`].
pub(in crate::sqlite) fn device(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    id: &DeviceId,
) -> Result<Vec<DeviceWithState>, Error> {
    let seen = seen("d.project", "?2");
    let sql = format!(
        "{}
         WHERE d.id = ?1 AND {seen} AND (?3 IS NULL OR p.id = ?3)
         ORDER BY d.project LIMIT {SAME_ID_MAX}",
        select_device_with_state()
    );
    let params = params![id.as_str(), bound(principal), project.map(ProjectId::as_str)];
    all(connection, "read a device", &sql, params, |row| rows::device_with_state(row))
}

/// See [`crate::Reads::devices`].
pub(in crate::sqlite) fn devices(
    connection: &Connection,
    principal: &Principal,
    filter: &DeviceFilter,
    page: Page,
) -> Result<Vec<DeviceWithState>, Error> {
    let mut terms = vec!["d.key > ?"];
    let mut params = vec![Value::Integer(page.after.0)];
    let mut seen = principal.projects().map(<[_]>::to_vec);
    if let Some(id) = &filter.project {
        match projects::project(connection, principal, id)? {
            Some(found) => seen = Some(vec![found.key]),
            None => return Ok(Vec::new()),
        }
    }
    // A term that is not asked for is not in the statement: an index serves only plain equality.
    match seen.as_deref() {
        None => {}
        Some([project]) => {
            terms.push("d.project = ?");
            params.push(Value::Integer(project.0));
        }
        Some(several) => {
            terms.push("d.project IN (SELECT value FROM json_each(?))");
            params.push(Value::Text(keys(several)));
        }
    }
    if let Some(server) = &filter.server {
        terms.push("d.server = ?");
        params.push(Value::Text(server.clone()));
    }
    if let Some(kind) = filter.kind {
        terms.push("d.kind = ?");
        params.push(Value::Text(kind.name().to_owned()));
    }
    if let Some(condition) = filter.condition {
        terms.push("s.condition = ?");
        params.push(Value::Text(condition.name().to_owned()));
    }
    params.push(Value::Integer(i64::from(page.limit)));
    let sql = format!(
        "{} WHERE {} ORDER BY d.key LIMIT ?",
        select_device_with_state(),
        terms.join(" AND ")
    );
    let params = params_from_iter(params);
    all(connection, "list the devices", &sql, params, |row| rows::device_with_state(row))
}

/// See [`crate::Reads::records`].
pub(in crate::sqlite) fn records(
    connection: &Connection,
    keys: &[DeviceKey],
) -> Result<Vec<Device>, Error> {
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM device AS d JOIN project AS p ON p.key = d.project
         WHERE d.key = ?1"
    );
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let read = |key: &DeviceKey| {
        first(connection, "read a device's record", &sql, [key.0], |row| rows::device(row))
    };
    keys.iter().filter_map(|key| read(key).transpose()).collect()
}

/// See [`crate::Reads::device_by_marker`].
pub(in crate::sqlite) fn device_by_marker(
    connection: &Connection,
    marker: &str,
) -> Result<Option<Device>, Error> {
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM device AS d CROSS JOIN project AS p ON p.key = d.project
         WHERE d.marker = ?1 ORDER BY d.key LIMIT 1"
    );
    first(connection, "find a marker's device", &sql, [marker], |row| rows::device(row))
}

/// See [`crate::Reads::devices_at`]. Ordered by address as asked, then by key.
pub(in crate::sqlite) fn devices_at(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    addresses: &[String],
) -> Result<Vec<Device>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM device AS d CROSS JOIN project AS p ON p.key = d.project
         WHERE d.address = ?1 AND d.project = ?2 ORDER BY d.key"
    );
    let mut found = Vec::new();
    let mut asked = HashSet::new();
    for address in addresses.iter().filter(|address| asked.insert(*address)) {
        let params = params![address, project.key.0];
        found.extend(all(connection, "find the devices at an address", &sql, params, |row| {
            rows::device(row)
        })?);
    }
    Ok(found)
}

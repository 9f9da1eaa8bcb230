//! Channels of GB devices: of one device, and by their own ids.

use fleet::{Channel, DeviceId, DeviceKey, Principal, ProjectId, ProjectKey};
use rusqlite::{Connection, params};

use super::{all, bound, projects, seen};
use crate::Error;
use crate::gb_ids::is_gb_id;
use crate::rows::cameras::{self, CHANNEL_COLUMNS};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::sqlite::rows::During;

/// See [`crate::Reads::channels`].
pub(in crate::sqlite) fn channels(
    connection: &Connection,
    principal: &Principal,
    device: DeviceKey,
    after: &str,
    limit: u32,
) -> Result<Vec<Channel>, Error> {
    let seen = seen("k.project", "?2");
    let sql = format!(
        "SELECT {CHANNEL_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM camera AS k CROSS JOIN channel AS c ON c.device = k.device
             LEFT JOIN organization AS o ON o.key = c.organization
         WHERE k.device = ?1 AND {seen} AND c.id > ?3
         ORDER BY c.id LIMIT ?4"
    );
    let params = params![device.0, bound(principal), after, limit];
    all(connection, "list the channels of a device", &sql, params, |row| cameras::channel(row))
}

/// The channels of an id in a project: two at most, for of two none is the one that is meant.
pub(in crate::sqlite) fn named_sql() -> String {
    format!(
        "SELECT {CHANNEL_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM channel AS c INDEXED BY channel_by_id
             CROSS JOIN camera AS k ON k.device = c.device
             LEFT JOIN organization AS o ON o.key = c.organization
         WHERE c.id = ?1 AND k.project = ?2 LIMIT 2"
    )
}

/// See [`crate::Reads::channels_named`]. One statement, bound anew for each id.
pub(in crate::sqlite) fn channels_named(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<Channel>>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let operation = "find channels by their ids";
    let mut statement = connection.prepare_cached(&named_sql()).during(operation)?;
    let mut find = |id: &DeviceId| {
        let mut rows = statement.query(params![id.as_str(), project.key.0]).during(operation)?;
        let Some(row) = rows.next().during(operation)? else {
            return Ok(None);
        };
        let channel = cameras::channel(row)?;
        Ok(rows.next().during(operation)?.is_none().then_some(channel))
    };
    ids.iter().map(&mut find).collect()
}

/// The GB devices of a project that have the channel of an id: two at most.
pub(in crate::sqlite) const OWNER: &str =
    "SELECT c.device FROM channel AS c INDEXED BY channel_by_id
         CROSS JOIN camera AS k ON k.device = c.device
     WHERE c.id = ?1 AND k.project = ?2 LIMIT 2";

/// The GB device that has the channel of this id, if exactly one of the project has. An id of
/// another form names no channel, and is not looked for.
pub(super) fn owner(
    connection: &Connection,
    project: ProjectKey,
    id: &DeviceId,
) -> Result<Option<DeviceKey>, Error> {
    if !is_gb_id(id) {
        return Ok(None);
    }
    let operation = "find the device of a channel";
    let params = params![id.as_str(), project.0];
    let found: Vec<i64> =
        all(connection, operation, OWNER, params, |row| row.get(0).during(operation))?;
    Ok(match found[..] {
        [device] => Some(DeviceKey(device)),
        _ => None,
    })
}

//! GB devices, as the registrar and the driver ask for them: who may register, where each is.

use fleet::{DeviceId, DeviceKey, Principal, ProjectId};
use rusqlite::{Connection, params};

use super::{all, first, projects};
use crate::rows::cameras::{self, BINDING_COLUMNS, REGISTRANT_COLUMNS};
use crate::sqlite::clock::{Now, now};
use crate::sqlite::rows::During;
use crate::{CameraWork, CredentialsCounts, Error, SealedRegistrant, StoredBinding};

/// The GB device of an id. The index has the key and the id, so that the device's own row, which is
/// long, is not read.
pub(in crate::sqlite) fn registrant_sql() -> String {
    format!(
        "SELECT {REGISTRANT_COLUMNS} FROM device AS d INDEXED BY device_camera_by_id
             CROSS JOIN camera AS k ON k.device = d.key
             CROSS JOIN project AS p ON p.key = k.project
         WHERE d.kind = 'camera' AND d.id = ?1"
    )
}

/// See [`crate::Reads::registrants`]. One statement, bound anew for each id.
pub(in crate::sqlite) fn registrants(
    connection: &Connection,
    ids: &[DeviceId],
) -> Result<Vec<Option<SealedRegistrant>>, Error> {
    let operation = "find who may register";
    let mut statement = connection.prepare_cached(&registrant_sql()).during(operation)?;
    let mut find = |id: &DeviceId| {
        let mut rows = statement.query([id.as_str()]).during(operation)?;
        rows.next().during(operation)?.map(cameras::registrant).transpose()
    };
    ids.iter().map(&mut find).collect()
}

/// See [`crate::Reads::bindings`].
pub(in crate::sqlite) fn bindings(
    connection: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<StoredBinding>, Error> {
    let sql = format!(
        "SELECT {BINDING_COLUMNS}, b.session AS bound_to, d.id, k.surveyed_at
         FROM binding AS b CROSS JOIN device AS d ON d.key = b.device
             CROSS JOIN camera AS k ON k.device = b.device
         WHERE b.device > ?1 AND b.ended_at IS NULL ORDER BY b.device LIMIT ?2"
    );
    let params = params![after.0, limit];
    all(connection, "list the bindings", &sql, params, |row| cameras::stored_binding(row))
}

/// See [`crate::Reads::camera`].
pub(in crate::sqlite) fn camera(
    connection: &Connection,
    device: DeviceKey,
) -> Result<Option<CameraWork>, Error> {
    let sql = format!(
        "SELECT {REGISTRANT_COLUMNS}, {BINDING_COLUMNS}, b.session AS bound_to, k.push,
             k.surveyed_at, k.credentials_at,
             (SELECT facts FROM device_facts WHERE device = k.device) AS facts
         FROM camera AS k CROSS JOIN device AS d ON d.key = k.device
             CROSS JOIN project AS p ON p.key = k.project
             LEFT JOIN binding AS b ON b.device = k.device
         WHERE k.device = ?1"
    );
    first(connection, "read a GB device", &sql, [device.0], |row| cameras::camera_work(row))
}

/// With which credentials the GB devices of a project are registered. The index has those of one
/// project in the order of their keys, in which the other two tables are.
pub(in crate::sqlite) fn credentials_counts_sql() -> String {
    let from = "device AS d INDEXED BY device_camera_by_project
                   CROSS JOIN camera AS k ON k.device = d.key
                   LEFT JOIN binding AS b ON b.device = k.device
               WHERE d.project = ?1 AND d.kind = 'camera'";
    cameras::credentials_counts_sql(from, now!("?2"))
}

/// See [`crate::Reads::credentials_counts`].
pub(in crate::sqlite) fn credentials_counts(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    now: Now,
) -> Result<Option<CredentialsCounts>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(None);
    };
    let (sql, params) = (credentials_counts_sql(), params![project.key.0, now]);
    first(connection, "count credentials in use", &sql, params, |row| {
        cameras::credentials_counts(row)
    })
}

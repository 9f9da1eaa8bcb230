//! Who may enrol, and the GB devices that wait to be accepted.

use fleet::{PendingDevice, Principal, ProjectId, Timestamp};
use rusqlite::{Connection, params};

use super::{all, bound, first, seen};
use crate::rows::enrolment::{
    ENROLMENT_COLUMNS, PENDING_COLUMNS, pending_device, stored_enrolment,
};
use crate::{Error, StoredEnrolment};

/// See [`crate::Reads::enrolment`].
pub(in crate::sqlite) fn enrolment(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Option<StoredEnrolment>, Error> {
    let seen = seen("p.key", "?2");
    let sql = format!(
        "SELECT {ENROLMENT_COLUMNS} FROM project AS p JOIN enrolment AS e ON e.project = p.key
         WHERE p.id = ?1 AND {seen}"
    );
    let params = params![project.as_str(), bound(principal)];
    first(connection, "read an enrolment", &sql, params, |row| stored_enrolment(row))
}

/// See [`crate::Reads::enrolments_open`].
pub(in crate::sqlite) fn enrolments_open(
    connection: &Connection,
    at: Timestamp,
) -> Result<Vec<StoredEnrolment>, Error> {
    let sql = format!(
        "SELECT {ENROLMENT_COLUMNS} FROM enrolment AS e JOIN project AS p ON p.key = e.project
         WHERE e.ends_at > ?1 ORDER BY p.id"
    );
    all(connection, "list the enrolments", &sql, [at.0], |row| stored_enrolment(row))
}

/// A page of the devices that wait. One whose id a device has taken meanwhile waits for nothing.
pub(in crate::sqlite) fn pending_sql() -> String {
    let seen = seen("p.key", "?2");
    format!(
        "SELECT {PENDING_COLUMNS}
         FROM project AS p CROSS JOIN pending_device AS n ON n.project = p.key
         WHERE p.id = ?1 AND {seen} AND n.id > ?3 AND n.rejected_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM device AS d WHERE d.project = n.project AND d.id = n.id)
             AND NOT EXISTS (SELECT 1 FROM device AS d INDEXED BY device_camera_by_id
                 WHERE d.kind = 'camera' AND d.id = n.id)
         ORDER BY n.id LIMIT ?4"
    )
}

/// See [`crate::Reads::pending`].
pub(in crate::sqlite) fn pending(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<PendingDevice>, Error> {
    let params = params![project.as_str(), bound(principal), after, limit];
    all(connection, "list the pending devices", &pending_sql(), params, |row| pending_device(row))
}

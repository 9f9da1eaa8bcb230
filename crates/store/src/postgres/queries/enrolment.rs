//! Who may enrol, and the GB devices that wait to be accepted.

use fleet::{PendingDevice, Principal, ProjectId, Timestamp};

use super::{bound, is_storable};
use crate::postgres::connection::{Connection, Params};
use crate::rows::enrolment::{
    ENROLMENT_COLUMNS, PENDING_COLUMNS, pending_device, stored_enrolment,
};
use crate::{Error, StoredEnrolment};

/// See [`crate::Reads::enrolment`].
pub(in crate::postgres) async fn enrolment(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Option<StoredEnrolment>, Error> {
    let sql = format!(
        "SELECT {ENROLMENT_COLUMNS} FROM project AS p JOIN enrolment AS e ON e.project = p.key
         WHERE p.id = $1 AND ($2::bigint[] IS NULL OR p.key = ANY($2))"
    );
    let (project, bound) = (project.as_str(), bound(principal));
    c.first("read an enrolment", &sql, &[&project, &bound], stored_enrolment).await
}

/// See [`crate::Reads::enrolments_open`].
pub(in crate::postgres) async fn enrolments_open(
    c: &Connection,
    at: Timestamp,
) -> Result<Vec<StoredEnrolment>, Error> {
    let sql = format!(
        "SELECT {ENROLMENT_COLUMNS} FROM enrolment AS e JOIN project AS p ON p.key = e.project
         WHERE e.ends_at > $1 ORDER BY p.id"
    );
    c.all("list the enrolments", &sql, &[&at.0], stored_enrolment).await
}

/// See [`crate::Reads::pending`]. One whose id a device has taken meanwhile waits for nothing.
pub(in crate::postgres) async fn pending(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<PendingDevice>, Error> {
    if !is_storable(after) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {PENDING_COLUMNS}
         FROM project AS p JOIN pending_device AS n ON n.project = p.key
         WHERE p.id = $1 AND ($2::bigint[] IS NULL OR p.key = ANY($2))
             AND n.id > $3 AND n.rejected_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM device AS d WHERE d.project = n.project AND d.id = n.id)
             AND NOT EXISTS (SELECT 1 FROM device AS d WHERE d.kind = 'camera' AND d.id = n.id)
         ORDER BY n.id LIMIT $4"
    );
    let (project, bound, limit) = (project.as_str(), bound(principal), i64::from(limit));
    let params: Params<'_> = &[&project, &bound, &after, &limit];
    c.all("list the pending devices", &sql, params, pending_device).await
}

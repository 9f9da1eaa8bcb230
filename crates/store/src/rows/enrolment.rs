//! The rows of enrolments and of the GB devices that wait to be accepted.

use fleet::{PendingDevice, ProjectKey, Timestamp};

use crate::columns::{Columns, column, json, optional, parsed};
use crate::{Error, StoredEnrolment};

/// The columns that [`stored_enrolment`] reads, from `enrolment AS e` and `project AS p`.
pub(crate) const ENROLMENT_COLUMNS: &str =
    "e.project, p.id AS project_id, e.sealed_password, e.prefixes, e.ends_at, e.actor, e.set_at";

/// A row with [`ENROLMENT_COLUMNS`].
pub(crate) fn stored_enrolment(row: &impl Columns) -> Result<StoredEnrolment, Error> {
    Ok(StoredEnrolment {
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        sealed_password: column(row, "sealed_password")?,
        prefixes: json(row, "prefixes")?,
        ends_at: Timestamp(column(row, "ends_at")?),
        actor: column(row, "actor")?,
        set_at: Timestamp(column(row, "set_at")?),
    })
}

/// The columns that [`pending_device`] reads, from `pending_device AS n`.
pub(crate) const PENDING_COLUMNS: &str =
    "n.id, n.first_seen, n.last_seen, n.address, n.transport, n.user_agent";

/// A row with [`PENDING_COLUMNS`].
pub(crate) fn pending_device(row: &impl Columns) -> Result<PendingDevice, Error> {
    Ok(PendingDevice {
        id: parsed(row, "id")?,
        first_seen: Timestamp(column(row, "first_seen")?),
        last_seen: Timestamp(column(row, "last_seen")?),
        remote: parsed(row, "address")?,
        transport: parsed(row, "transport")?,
        user_agent: optional(row, "user_agent")?,
    })
}

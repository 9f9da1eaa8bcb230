//! Why jobs of an update failed and devices of it were refused, by reason.

use fleet::limits::{FAILURE_DEVICES_MAX, FAILURE_GROUPS_MAX};
use fleet::{Principal, RequestId};
use rusqlite::{Connection, params};

use super::rollouts::may_see;
use super::{all, bound, seen};
use crate::columns::to_json;
use crate::rows::rollouts::{self as rows, failures_sql};
use crate::rules::updates;
use crate::{Error, Failures};

/// What tells the reason of `job AS j` from others; null if it has not failed. Of a deadline that
/// passed, the failure up to the first colon of what stood in the way, which stands last in it: see
/// [`crate::read::WhyNot`].
pub(super) const REASON_KEY: &str = "CASE j.failure ->> 'why' WHEN 'deadline_passed'
         THEN substr(j.failure, 1,
             instr(substr(j.failure, 1, length(j.failure) - 2) || ': ', ': ') - 1)
         ELSE j.failure END";

/// The reasons of the jobs in some ranges of ids, and of the devices of a rollout.
pub(in crate::sqlite) fn sql() -> String {
    let seen = seen("j.project", "?3");
    let failed = format!(
        "SELECT 0, {REASON_KEY}, j.failure, j.device, NULL, j.id
         FROM json_each(?1) AS r CROSS JOIN job AS j
             ON j.id BETWEEN unhex(r.value ->> 0) AND unhex(r.value ->> 1)
         WHERE j.state = 3 AND {seen}
         UNION ALL
         SELECT 1, m.refusal, m.refusal, m.device, m.device_id, NULL
         FROM rollout_device AS m INDEXED BY rollout_device_refused
         WHERE m.rollout = ?2 AND m.refusal IS NOT NULL"
    );
    failures_sql(&failed, "?4", "?5")
}

/// See [`crate::Reads::failures`].
pub(in crate::sqlite) fn failures(
    connection: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    rollout: Option<RequestId>,
) -> Result<Failures, Error> {
    let rollout = match rollout {
        Some(id) if may_see(connection, principal, id)? => Some(id.to_bytes()),
        _ => None,
    };
    let ranges: Vec<_> = requests.iter().map(|request| request.job_range()).collect();
    let (ranges, bound) = (to_json(&ranges)?, bound(principal));
    let params = params![ranges, rollout, bound, FAILURE_GROUPS_MAX, FAILURE_DEVICES_MAX];
    let operation = "tell why jobs failed";
    let found = all(connection, operation, &sql(), params, |row| rows::failure(row))?;
    Ok(updates::failures(found))
}

//! Why jobs of an update failed and devices of it were refused, by reason.

use fleet::limits::{FAILURE_DEVICES_MAX, FAILURE_GROUPS_MAX};
use fleet::{Principal, RequestId};

use super::bound;
use super::rollouts::may_see;
use crate::postgres::connection::{Connection, Params};
use crate::rows::rollouts::{self as rows, failures_sql};
use crate::rules::updates;
use crate::{Error, Failures};

/// What tells the reason of `job AS j` from others; null if it has not failed. Of a deadline that
/// passed, the failure up to the first colon of what stood in the way, which stands last in it: see
/// [`crate::read::WhyNot`].
pub(super) const REASON_KEY: &str = "CASE split_part(j.failure, '\"', 4)
         WHEN 'deadline_passed' THEN split_part(left(j.failure, -2), ': ', 1)
         ELSE j.failure END";

/// The reasons of the jobs in some ranges of ids, each of which is looked up (see
/// [`super::jobs::jobs`]), and of the devices of a rollout.
fn sql() -> String {
    let failed = format!(
        "SELECT 0::bigint, {REASON_KEY}, j.failure, j.device, NULL::text, j.id
         FROM unnest($1::bytea[], $2::bytea[]) AS request (low, high)
             CROSS JOIN LATERAL (
                 SELECT id, device, failure FROM job
                 WHERE id BETWEEN request.low AND request.high AND state = 3
                     AND ($4::bigint[] IS NULL OR project = ANY($4))
                 OFFSET 0) AS j
         UNION ALL
         SELECT 1::bigint, m.refusal, m.refusal, m.device, m.device_id, NULL::bytea
         FROM rollout_device AS m WHERE m.rollout = $3 AND m.refusal IS NOT NULL"
    );
    failures_sql(&failed, "$5", "$6")
}

/// See [`crate::Reads::failures`].
pub(in crate::postgres) async fn failures(
    c: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    rollout: Option<RequestId>,
) -> Result<Failures, Error> {
    let rollout = match rollout {
        Some(id) if may_see(c, principal, id).await? => Some(id.to_bytes().to_vec()),
        _ => None,
    };
    let ranges = requests.iter().map(|request| request.job_range());
    let (low, high): (Vec<_>, Vec<_>) =
        ranges.map(|(low, high)| (low.to_bytes().to_vec(), high.to_bytes().to_vec())).unzip();
    let bound = bound(principal);
    let (groups, devices) = (i64::from(FAILURE_GROUPS_MAX), i64::from(FAILURE_DEVICES_MAX));
    let params: Params<'_> = &[&low, &high, &rollout, &bound, &groups, &devices];
    let found = c.all("tell why jobs failed", &sql(), params, rows::failure).await?;
    Ok(updates::failures(found))
}

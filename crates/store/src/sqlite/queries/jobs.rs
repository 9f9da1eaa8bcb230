//! Jobs, for those who asked for them.

use fleet::{DeviceKey, JobId, Principal, RequestId};
use rusqlite::{Connection, Row, params};

use super::failures::REASON_KEY;
use super::{all, bound, first, seen};
use crate::columns::to_json;
use crate::rows::{self, JOB_COLUMNS};
use crate::rules::updates::job_states;
use crate::sqlite::rows::During;
use crate::{Error, HistoryPage, JobFilter, JobWithDevice};

/// What [`rows::job_with_device`] and [`rows::job_of_chain`] read. The order of the joins is fixed:
/// jobs first, by their range. What was deleted has left its id.
pub(in crate::sqlite) fn select() -> String {
    format!(
        "SELECT {JOB_COLUMNS}, j.previous, coalesce(d.server, '') AS server, s.trouble,
             coalesce(d.id, (SELECT id FROM deleted_device WHERE key = j.device)) AS device_id,
             coalesce(p.id, (SELECT id FROM deleted_project WHERE key = j.project)) AS project_id
         FROM job AS j LEFT JOIN device AS d ON d.key = j.device
             LEFT JOIN device_state AS s ON s.device = j.device
             LEFT JOIN project AS p ON p.key = j.project"
    )
}

/// See [`crate::Reads::job`].
pub(in crate::sqlite) fn job(
    connection: &Connection,
    principal: &Principal,
    id: JobId,
) -> Result<Option<JobWithDevice>, Error> {
    let seen = seen("j.project", "?2");
    let sql = format!("{} WHERE j.id = ?1 AND {seen}", select());
    let params = params![id.to_bytes(), bound(principal)];
    first(connection, "read a job", &sql, params, |row| rows::job_with_device(row))
}

/// See [`crate::Reads::jobs`].
pub(in crate::sqlite) fn jobs(
    connection: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    offset: u64,
    limit: u32,
) -> Result<Vec<JobWithDevice>, Error> {
    let seen = seen("j.project", "?3");
    let sql = format!(
        "{} WHERE j.id BETWEEN ?1 AND ?2 AND {seen}
         ORDER BY j.id LIMIT ?4 OFFSET ?5",
        select()
    );
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut skip = offset;
    let mut found = Vec::new();
    for request in requests {
        if found.len() >= limit {
            break;
        }
        if skip > 0 {
            let jobs = count(connection, principal, *request)?;
            if jobs <= skip {
                skip -= jobs;
                continue;
            }
        }
        let (low, high) = request.job_range();
        let rest = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
        let skipped = i64::try_from(skip).unwrap_or(i64::MAX);
        let params = params![low.to_bytes(), high.to_bytes(), bound(principal), rest, skipped];
        found.extend(all(connection, "list jobs", &sql, params, |row| rows::job_with_device(row))?);
        skip = 0;
    }
    Ok(found)
}

/// The jobs in a range of ids that a filter lets through.
pub(in crate::sqlite) fn jobs_from_sql() -> String {
    let seen = seen("j.project", "?3");
    format!(
        "{} WHERE j.id BETWEEN ?1 AND ?2 AND {seen}
             AND (?4 IS NULL OR j.state IN (SELECT value FROM json_each(?4)))
             AND (?5 IS NULL OR j.failure ->> 'why' IN (SELECT value FROM json_each(?5)))
             AND (?7 IS NULL OR {REASON_KEY} =
                 (SELECT {REASON_KEY} FROM job AS j WHERE j.id = ?7 AND {seen}))
         ORDER BY j.id LIMIT ?6",
        select()
    )
}

/// See [`crate::Reads::jobs_from`].
pub(in crate::sqlite) fn jobs_from(
    connection: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    (from, limit): (u16, u32),
    filter: &JobFilter,
) -> Result<Vec<JobWithDevice>, Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let states = job_states(&filter.stands).map(|states| to_json(&states)).transpose()?;
    let codes = (!filter.codes.is_empty()).then(|| to_json(&filter.codes)).transpose()?;
    let like = filter.same_reason_as.map(JobId::to_bytes);
    let (sql, mut begin, mut found) = (jobs_from_sql(), Some(from), Vec::new());
    for request in requests {
        if found.len() >= limit {
            break;
        }
        let (first, last) = request.job_range();
        let low = begin.take().map_or(first, |from| request.job(from).unwrap_or(last));
        let rest = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
        let (low, last, bound) = (low.to_bytes(), last.to_bytes(), bound(principal));
        let params = params![low, last, bound, states, codes, rest, like];
        found.extend(all(connection, "list jobs", &sql, params, |row| rows::job_with_device(row))?);
    }
    Ok(found)
}

/// The job that a device was given last. It is kept with the device, or with what is left of one.
pub(in crate::sqlite) fn newest_sql() -> String {
    let seen = seen("project", "?2");
    format!(
        "SELECT newest_job FROM device_state WHERE device = ?1 AND {seen}
         UNION ALL SELECT newest_job FROM deleted_device WHERE key = ?1 AND {seen}"
    )
}

/// One job of a device.
pub(in crate::sqlite) fn of_device_sql() -> String {
    let seen = seen("j.project", "?3");
    format!("{} WHERE j.id = ?1 AND j.device = ?2 AND {seen}", select())
}

/// See [`crate::Reads::history`]. Each job says which to look up next.
pub(in crate::sqlite) fn history(
    connection: &Connection,
    principal: &Principal,
    device: DeviceKey,
    from: Option<JobId>,
    limit: u32,
) -> Result<HistoryPage, Error> {
    let operation = "list the jobs of a device";
    let bound = bound(principal);
    let mut next = match from {
        Some(job) => Some(job),
        None => {
            let read = |row: &Row<'_>| rows::named_job(row, "newest_job");
            first(connection, operation, &newest_sql(), params![device.0, bound], read)?.flatten()
        }
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (sql, mut jobs) = (of_device_sql(), Vec::new());
    while let Some(job) = next
        && jobs.len() < limit
    {
        let read = |row: &Row<'_>| rows::job_of_chain(row);
        let params = params![job.to_bytes(), device.0, bound];
        let Some((found, previous)) = first(connection, operation, &sql, params, read)? else {
            return Ok(HistoryPage { jobs, next: None, is_cut: true });
        };
        jobs.push(found);
        next = previous;
    }
    Ok(HistoryPage { jobs, next, is_cut: false })
}

/// How many jobs of a request the principal may see.
fn count(connection: &Connection, principal: &Principal, request: RequestId) -> Result<u64, Error> {
    let (low, high) = request.job_range();
    let seen = seen("project", "?3");
    let sql = format!("SELECT count(*) FROM job WHERE id BETWEEN ?1 AND ?2 AND {seen}");
    let jobs: i64 = connection
        .prepare_cached(&sql)
        .and_then(|mut select| {
            let params = params![low.to_bytes(), high.to_bytes(), bound(principal)];
            select.query_row(params, |row| row.get(0))
        })
        .during("count jobs")?;
    Ok(jobs.unsigned_abs())
}

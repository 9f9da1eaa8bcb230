//! Jobs, for those who asked for them.

use fleet::{DeviceKey, JobId, Principal, RequestId};
use tokio_postgres::Row;

use super::failures::REASON_KEY;
use super::{bound, sql_count};
use crate::postgres::connection::{Connection, Params};
use crate::postgres::rows::page;
use crate::rows::{self, JOB_COLUMNS};
use crate::rules::updates::job_states;
use crate::{Error, HistoryPage, JobFilter, JobWithDevice};

/// What [`rows::job_with_device`] and [`rows::job_of_chain`] read of the jobs in `from`, which has
/// them as `j`. What was deleted has left its id.
fn select(from: &str) -> String {
    format!(
        "SELECT {JOB_COLUMNS}, j.previous, coalesce(d.server, '') AS server, s.trouble,
             coalesce(d.id, (SELECT id FROM deleted_device WHERE key = j.device)) AS device_id,
             coalesce(p.id, (SELECT id FROM deleted_project WHERE key = j.project)) AS project_id
         FROM {from} LEFT JOIN device AS d ON d.key = j.device
             LEFT JOIN device_state AS s ON s.device = j.device
             LEFT JOIN project AS p ON p.key = j.project"
    )
}

/// One job.
fn job_sql() -> String {
    let select = select("job AS j");
    format!("{select} WHERE j.id = $1 AND ($2::bigint[] IS NULL OR j.project = ANY($2))")
}

/// See [`crate::Reads::job`].
pub(in crate::postgres) async fn job(
    c: &Connection,
    principal: &Principal,
    id: JobId,
) -> Result<Option<JobWithDevice>, Error> {
    let (id, bound) = (id.to_bytes(), bound(principal));
    let params = [&id.as_slice() as _, &bound as _];
    c.first("read a job", &job_sql(), &params, rows::job_with_device).await
}

/// A page of the jobs in these ranges of ids. Each range is looked up: `OFFSET 0` keeps the
/// planner, which takes a range for a ninth of the table, from joining the two.
fn jobs_sql() -> String {
    let page = page(
        "SELECT job.id
         FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS request (low, high, place)
             CROSS JOIN LATERAL (
                 SELECT id FROM job WHERE id BETWEEN request.low AND request.high
                     AND ($3::bigint[] IS NULL OR project = ANY($3))
                 OFFSET 0) AS job
         ORDER BY request.place, job.id LIMIT $4 OFFSET $5",
    );
    let select = select(&format!("{page} JOIN job AS j ON j.id = page.key"));
    format!("{select} ORDER BY page.place")
}

/// See [`crate::Reads::jobs`].
pub(in crate::postgres) async fn jobs(
    c: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    offset: u64,
    limit: u32,
) -> Result<Vec<JobWithDevice>, Error> {
    let ranges = requests.iter().map(|request| request.job_range());
    let (low, high): (Vec<_>, Vec<_>) =
        ranges.map(|(low, high)| (low.to_bytes().to_vec(), high.to_bytes().to_vec())).unzip();
    let (bound, limit, offset) = (bound(principal), i64::from(limit), sql_count(offset));
    let params = [&low as _, &high as _, &bound as _, &limit as _, &offset as _];
    c.all("list jobs", &jobs_sql(), &params, rows::job_with_device).await
}

/// The same of those that a filter lets through, from the first of each range on. A failure's word
/// stands first in its JSON: that of a failure with a U+0000 in it PostgreSQL could not read.
fn jobs_from_sql() -> String {
    let page = page(&format!(
        "SELECT job.id
         FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS request (low, high, place)
             CROSS JOIN LATERAL (
                 SELECT j.id FROM job AS j WHERE j.id BETWEEN request.low AND request.high
                     AND ($3::bigint[] IS NULL OR j.project = ANY($3))
                     AND ($4::bigint[] IS NULL OR j.state = ANY($4))
                     AND ($5::text[] IS NULL OR split_part(j.failure, '\"', 4) = ANY($5))
                     AND ($7::bytea IS NULL OR {REASON_KEY} =
                         (SELECT {REASON_KEY} FROM job AS j WHERE j.id = $7
                             AND ($3::bigint[] IS NULL OR j.project = ANY($3))))
                 OFFSET 0) AS job
         ORDER BY request.place, job.id LIMIT $6"
    ));
    let select = select(&format!("{page} JOIN job AS j ON j.id = page.key"));
    format!("{select} ORDER BY page.place")
}

/// See [`crate::Reads::jobs_from`].
pub(in crate::postgres) async fn jobs_from(
    c: &Connection,
    principal: &Principal,
    requests: &[RequestId],
    (from, limit): (u16, u32),
    filter: &JobFilter,
) -> Result<Vec<JobWithDevice>, Error> {
    let mut begin = Some(from);
    let ranges = requests.iter().map(|request| {
        let (first, last) = request.job_range();
        (begin.take().map_or(first, |from| request.job(from).unwrap_or(last)), last)
    });
    let (low, high): (Vec<_>, Vec<_>) =
        ranges.map(|(low, high)| (low.to_bytes().to_vec(), high.to_bytes().to_vec())).unzip();
    let (bound, limit, states) = (bound(principal), i64::from(limit), job_states(&filter.stands));
    let codes = (!filter.codes.is_empty()).then_some(&filter.codes);
    let like = filter.same_reason_as.map(|job| job.to_bytes().to_vec());
    let params: Params<'_> = &[&low, &high, &bound, &states, &codes, &limit, &like];
    c.all("list jobs", &jobs_from_sql(), params, rows::job_with_device).await
}

/// The job that a device was given last. It is kept with the device, or with what is left of one.
const NEWEST: &str = "SELECT newest_job FROM device_state
     WHERE device = $1 AND ($2::bigint[] IS NULL OR project = ANY($2))
     UNION ALL SELECT newest_job FROM deleted_device
     WHERE key = $1 AND ($2::bigint[] IS NULL OR project = ANY($2)) LIMIT 1";

/// The jobs of a device from one on, newest first: each says which to look up next. As many as are
/// asked for are walked along, and then looked up.
fn history_sql() -> String {
    let page = page("SELECT id FROM chain ORDER BY place");
    let select = select(&format!("{page} JOIN job AS j ON j.id = page.key"));
    format!(
        "WITH RECURSIVE chain (id, previous, place) AS (
             SELECT id, previous, 1::bigint FROM job
             WHERE id = coalesce($3::bytea, ({NEWEST})) AND device = $1
                 AND ($2::bigint[] IS NULL OR project = ANY($2)) AND $4::bigint > 0
             UNION ALL
             SELECT job.id, job.previous, chain.place + 1
             FROM chain CROSS JOIN LATERAL (
                     SELECT id, previous FROM job WHERE id = chain.previous OFFSET 0
                 ) AS job
             WHERE chain.place < $4
         )
         {select} ORDER BY page.place"
    )
}

/// See [`crate::Reads::history`].
pub(in crate::postgres) async fn history(
    c: &Connection,
    principal: &Principal,
    device: DeviceKey,
    from: Option<JobId>,
    limit: u32,
) -> Result<HistoryPage, Error> {
    let operation = "list the jobs of a device";
    let (bound, limit) = (bound(principal), i64::from(limit));
    let given = from.map(|job| job.to_bytes().to_vec());
    let params: Params<'_> = &[&device.0, &bound, &given, &limit];
    let found = c.all(operation, &history_sql(), params, rows::job_of_chain).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|found| found >= limit);
    let next = match found.last() {
        Some((_, previous)) => *previous,
        None if from.is_some() => from,
        // The newest may not be kept any more.
        None => {
            let read = |row: &Row| rows::named_job(row, "newest_job");
            c.first(operation, NEWEST, &[&device.0, &bound], read).await?.flatten()
        }
    };
    let jobs = found.into_iter().map(|(job, _)| job).collect();
    Ok(HistoryPage { jobs, next: next.filter(|_| is_full), is_cut: next.is_some() && !is_full })
}

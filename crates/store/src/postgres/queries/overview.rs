//! What an overview of a fleet is made of: devices counted, what was counted before, and the newest
//! jobs that failed.

use fleet::limits::{FAILURE_REASON_DEVICES_MAX, FAILURE_REASONS_MAX, FAILURES_COUNTED_MAX};
use fleet::{DeviceKey, Principal, ProjectId, ProjectKey, Timestamp};

use super::attention::ATTENTION;
use super::failures::REASON_KEY;
use super::projects;
use crate::columns::column;
use crate::postgres::connection::Connection;
use crate::postgres::rows::page;
use crate::rows::overview as rows;
use crate::{CountedFleet, CountedPage, Error, RecentFailures};

/// The next devices by key, counted.
fn count_sql() -> String {
    let page = page("SELECT key FROM device WHERE key > $1 ORDER BY key LIMIT $2");
    format!(
        "SELECT d.project, d.kind, s.condition, s.frozen,
             CASE WHEN d.kind = 'camera' THEN coalesce((SELECT
                 CASE WHEN b.ended_at IS NULL
                         AND b.expires_at > (extract(epoch FROM statement_timestamp()) * 1000)
                     THEN 'OnLine' ELSE 'OffLine' END
                 FROM binding AS b WHERE b.device = d.key), 'Register') END AS status,
             {ATTENTION} AS attention, count(*) AS devices, max(d.key) AS last
         FROM {page} JOIN device AS d ON d.key = page.key
             JOIN device_state AS s ON s.device = page.key
         GROUP BY 1, 2, 3, 4, 5, 6"
    )
}

/// See [`crate::Reads::count_devices`].
pub(in crate::postgres) async fn count_devices(
    c: &Connection,
    (after, limit): (DeviceKey, u32),
) -> Result<CountedPage, Error> {
    let most = i64::from(limit);
    let found = c.all("count devices", &count_sql(), &[&after.0, &most], rows::alike).await?;
    Ok(rows::counted_page(found, limit))
}

/// The newest counts of some projects, or of the server.
const NEWEST: &str = "SELECT counts FROM fleet_count WHERE project = ANY ($1::bigint[])";

/// What is kept of them since a time. Each project's are looked up by their own index.
const SAMPLES: &str = "SELECT f.at, f.counts FROM unnest($1::bigint[]) AS p (key)
         CROSS JOIN LATERAL (SELECT at, counts FROM fleet_sample
             WHERE project = p.key AND at >= $2 OFFSET 0) AS f
     ORDER BY f.at";

/// See [`crate::Reads::counted_fleet`].
pub(in crate::postgres) async fn counted_fleet(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    since: Timestamp,
) -> Result<CountedFleet, Error> {
    let Some(projects) = asked(c, principal, project).await? else {
        return Ok(CountedFleet::default());
    };
    let operation = "read what was counted";
    let sql = "SELECT at FROM fleet_count WHERE project = 0";
    let at = c.first(operation, sql, &[], |row| Ok(Timestamp(column(row, "at")?))).await?;
    let projects = rows::projects_asked(projects.as_deref());
    let newest = c.all(operation, NEWEST, &[&projects], rows::newest).await?;
    let samples = c.all(operation, SAMPLES, &[&projects, &since.0], rows::sample).await?;
    Ok(rows::together(at, newest, samples))
}

/// The projects that are asked for and that the principal may see: `Some(None)` for all there are,
/// `None` for none.
async fn asked(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Option<Option<Vec<ProjectKey>>>, Error> {
    Ok(match project {
        Some(id) => {
            let found = projects::project(c, principal, id).await?;
            found.map(|project| Some(vec![project.key]))
        }
        None => Some(principal.projects().map(<[_]>::to_vec)),
    })
}

/// The jobs that failed since a time, of the newest of a project or of all, by reason.
fn failures_sql(of_project: bool) -> String {
    let which = if of_project { "j.project = $4" } else { "$4::bigint IS NULL" };
    format!(
        "WITH walked AS MATERIALIZED (
             SELECT {REASON_KEY} AS reason, j.failure, j.project, j.device, j.id,
                 j.accepted_at, j.ended_at
             FROM job AS j WHERE {which} AND j.failure IS NOT NULL ORDER BY j.id DESC LIMIT $2),
         by_device AS MATERIALIZED (
             SELECT reason, max(failure) AS failure, project, device, count(*) AS jobs,
                 max(ended_at) AS at, max(encode(id, 'hex') COLLATE \"C\") AS job
             FROM walked WHERE ended_at >= $1 GROUP BY reason, project, device),
         grouped AS (
             SELECT reason, max(failure) AS failure, sum(jobs)::bigint AS jobs, max(at) AS at
             FROM by_device GROUP BY reason),
         chosen AS MATERIALIZED (
             SELECT *, (sum(jobs) OVER ())::bigint AS counted FROM grouped
             ORDER BY jobs DESC, at DESC, reason LIMIT {FAILURE_REASONS_MAX}),
         placed AS (
             SELECT reason, project, device, at, job,
                 row_number() OVER (PARTITION BY reason ORDER BY at DESC, device) AS place
             FROM by_device)
         SELECT g.failure, g.jobs, g.at, g.counted,
             (SELECT count(*) FROM walked) AS walked,
             (SELECT min(accepted_at) FROM walked) AS first_at,
             n.newest
         FROM chosen AS g JOIN (
             SELECT l.reason, json_agg(json_build_array(
                 coalesce((SELECT id FROM project WHERE key = l.project),
                     (SELECT id FROM deleted_project WHERE key = l.project)),
                 coalesce((SELECT id FROM device WHERE key = l.device),
                     (SELECT id FROM deleted_device WHERE key = l.device)),
                 l.at, l.job) ORDER BY l.place)::text AS newest
             FROM placed AS l WHERE l.place <= $3 GROUP BY l.reason) AS n
             ON n.reason = g.reason
         ORDER BY g.jobs DESC, g.at DESC, g.reason"
    )
}

/// See [`crate::Reads::recent_failures`]. Several projects are looked at one after the other.
pub(in crate::postgres) async fn recent_failures(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    since: Timestamp,
) -> Result<RecentFailures, Error> {
    match asked(c, principal, project).await? {
        None => Ok(RecentFailures::default()),
        Some(None) => look(c, None, since).await,
        Some(Some(projects)) => {
            let mut found = Vec::with_capacity(projects.len());
            for project in projects {
                found.push(look(c, Some(project), since).await?);
            }
            Ok(rows::failures_together(found))
        }
    }
}

/// The failures of a project, or of all.
async fn look(
    c: &Connection,
    project: Option<ProjectKey>,
    since: Timestamp,
) -> Result<RecentFailures, Error> {
    let project = project.map(|project| project.0);
    let (most, devices) = (i64::from(FAILURES_COUNTED_MAX), i64::from(FAILURE_REASON_DEVICES_MAX));
    let sql = failures_sql(project.is_some());
    let params = [&since.0 as _, &most as _, &devices as _, &project as _];
    let found = c.all("count failed jobs", &sql, &params, rows::reason).await?;
    Ok(rows::failures(found, since, FAILURES_COUNTED_MAX))
}

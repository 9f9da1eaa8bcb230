//! What an overview of a fleet is made of: devices counted, what was counted before, and the newest
//! jobs that failed.

use fleet::limits::{FAILURE_REASON_DEVICES_MAX, FAILURE_REASONS_MAX, FAILURES_COUNTED_MAX};
use fleet::{DeviceKey, Principal, ProjectId, ProjectKey, Timestamp};
use rusqlite::{Connection, params};

use super::attention::ATTENTION;
use super::failures::REASON_KEY;
use super::{all, first, projects};
use crate::columns::{column, to_json};
use crate::rows::overview as rows;
use crate::sqlite::clock::Now;
use crate::{CountedFleet, CountedPage, Error, RecentFailures};

/// The next devices by key, counted, at a time.
pub(in crate::sqlite) fn count_sql() -> String {
    let attention = ATTENTION.replace("NOW", "?3");
    format!(
        "SELECT d.project, d.kind, s.condition, s.frozen,
             CASE WHEN d.kind = 'camera' THEN coalesce((SELECT
                 CASE WHEN b.ended_at IS NULL AND b.expires_at > ?3 THEN 'OnLine'
                     ELSE 'OffLine' END
                 FROM binding AS b WHERE b.device = d.key), 'Register') END AS status,
             {attention} AS attention, count(*) AS devices, max(d.key) AS last
         FROM (SELECT key FROM device WHERE key > ?1 ORDER BY key LIMIT ?2) AS page
             CROSS JOIN device AS d ON d.key = page.key
             CROSS JOIN device_state AS s ON s.device = page.key
         GROUP BY 1, 2, 3, 4, 5, 6"
    )
}

/// See [`crate::Reads::count_devices`].
pub(in crate::sqlite) fn count_devices(
    connection: &Connection,
    now: Now,
    (after, limit): (DeviceKey, u32),
) -> Result<CountedPage, Error> {
    let params = params![after.0, limit, now.read(connection)?.0];
    let found = all(connection, "count devices", &count_sql(), params, |row| rows::alike(row))?;
    Ok(rows::counted_page(found, limit))
}

/// The newest counts of some projects, or of the server.
pub(in crate::sqlite) const NEWEST: &str = "SELECT counts FROM fleet_count
     WHERE project IN (SELECT value FROM json_each(?1))";

/// What is kept of them since a time. The order of the joins is fixed: their own index has each
/// project's in the order of time.
pub(in crate::sqlite) const SAMPLES: &str = "SELECT f.at, f.counts
     FROM json_each(?1) AS p CROSS JOIN fleet_sample AS f
     WHERE f.project = p.value AND f.at >= ?2 ORDER BY f.at";

/// See [`crate::Reads::counted_fleet`].
pub(in crate::sqlite) fn counted_fleet(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    since: Timestamp,
) -> Result<CountedFleet, Error> {
    let Some(projects) = asked(connection, principal, project)? else {
        return Ok(CountedFleet::default());
    };
    let operation = "read what was counted";
    let at =
        first(connection, operation, "SELECT at FROM fleet_count WHERE project = 0", [], |row| {
            Ok(Timestamp(column(row, "at")?))
        })?;
    let projects = to_json(&rows::projects_asked(projects.as_deref()))?;
    let newest = all(connection, operation, NEWEST, [&projects], |row| rows::newest(row))?;
    let samples =
        all(connection, operation, SAMPLES, params![projects, since.0], |row| rows::sample(row))?;
    Ok(rows::together(at, newest, samples))
}

/// The projects that are asked for and that the principal may see: `Some(None)` for all there are,
/// `None` for none.
fn asked(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Option<Option<Vec<ProjectKey>>>, Error> {
    Ok(match project {
        Some(id) => {
            projects::project(connection, principal, id)?.map(|project| Some(vec![project.key]))
        }
        None => Some(principal.projects().map(<[_]>::to_vec)),
    })
}

/// The jobs that failed since a time, of the newest of a project or of all, by reason.
pub(in crate::sqlite) fn failures_sql(of_project: bool) -> String {
    // The planner does not know how few have failed.
    let (index, which) = if of_project {
        ("job_failed", "j.project = ?4 AND")
    } else {
        ("job_failed_newest", "?4 IS NULL AND")
    };
    format!(
        "WITH walked AS MATERIALIZED (
             SELECT {REASON_KEY} AS reason, j.failure, j.project, j.device, j.id,
                 j.accepted_at, j.ended_at
             FROM job AS j INDEXED BY {index}
             WHERE {which} j.failure IS NOT NULL ORDER BY j.id DESC LIMIT ?2),
         by_device AS MATERIALIZED (
             SELECT reason, max(failure) AS failure, project, device, count(*) AS jobs,
                 max(ended_at) AS at, lower(hex(max(id))) AS job
             FROM walked WHERE ended_at >= ?1 GROUP BY reason, project, device),
         placed AS (
             SELECT *, row_number() OVER (PARTITION BY reason ORDER BY at DESC, device) AS place
             FROM by_device),
         named AS MATERIALIZED (
             SELECT l.reason, l.at, l.place, l.job,
                 coalesce((SELECT id FROM project WHERE key = l.project),
                     (SELECT id FROM deleted_project WHERE key = l.project)) AS project_id,
                 coalesce((SELECT id FROM device WHERE key = l.device),
                     (SELECT id FROM deleted_device WHERE key = l.device)) AS device_id
             FROM placed AS l WHERE l.place <= ?3),
         grouped AS (
             SELECT reason, max(failure) AS failure, sum(jobs) AS jobs, max(at) AS at
             FROM by_device GROUP BY reason)
         SELECT g.failure, g.jobs, g.at, sum(g.jobs) OVER () AS counted,
             (SELECT count(*) FROM walked) AS walked,
             (SELECT min(accepted_at) FROM walked) AS first_at,
             (SELECT json_group_array(json_array(n.project_id, n.device_id, n.at, n.job))
                 FROM (SELECT * FROM named WHERE reason = g.reason ORDER BY place) AS n
             ) AS newest
         FROM grouped AS g ORDER BY g.jobs DESC, g.at DESC, g.reason LIMIT {FAILURE_REASONS_MAX}"
    )
}

/// See [`crate::Reads::recent_failures`]. Several projects are looked at one after the other.
pub(in crate::sqlite) fn recent_failures(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    since: Timestamp,
) -> Result<RecentFailures, Error> {
    let look = |project: Option<ProjectKey>| {
        let most = FAILURES_COUNTED_MAX;
        let project = project.map(|project| project.0);
        let sql = failures_sql(project.is_some());
        let params = params![since.0, most, FAILURE_REASON_DEVICES_MAX, project];
        let found = all(connection, "count failed jobs", &sql, params, |row| rows::reason(row))?;
        Ok(rows::failures(found, since, most))
    };
    match asked(connection, principal, project)? {
        None => Ok(RecentFailures::default()),
        Some(None) => look(None),
        Some(Some(projects)) => {
            let found = projects.into_iter().map(|project| look(Some(project)));
            Ok(rows::failures_together(found.collect::<Result<_, Error>>()?))
        }
    }
}

//! Updates that go out in waves, and the list of all updates.

use fleet::limits::{ROLLOUT_WAVES_MAX, UPDATES_WALK_MAX};
use fleet::{
    Principal, ProjectId, ProjectKey, RequestId, Rollout, RolloutDevice, Wave, WaveCounts,
};
use tokio_postgres::Row;

use super::{bound, projects};
use crate::columns::column;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::rows::asked;
use crate::rows::rollouts::{self as rows, IS_LOST, ROLLOUT_COLUMNS, WAVE_COLUMNS};
use crate::rules::updates::newest;
use crate::{Error, UpdateHead, UpdatePage, WaveOf};

/// The rollouts that are not over.
fn open_sql() -> String {
    format!("SELECT {ROLLOUT_COLUMNS} FROM rollout AS r WHERE r.ended_at IS NULL ORDER BY r.id")
}

/// See [`crate::Reads::rollouts_open`].
pub(in crate::postgres) async fn rollouts_open(c: &Connection) -> Result<Vec<Rollout>, Error> {
    c.all("list the open rollouts", &open_sql(), &[], rows::rollout).await
}

/// See [`crate::Reads::rollout`].
pub(in crate::postgres) async fn rollout(
    c: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<Option<Rollout>, Error> {
    let sql = format!("SELECT {ROLLOUT_COLUMNS} FROM rollout AS r WHERE r.id = $1");
    let id = id.to_bytes();
    let found = c.first("read a rollout", &sql, &[&id.as_slice()], rows::rollout).await?;
    Ok(found.filter(|found| principal.may_see(found.project)))
}

/// Whether the principal may see this rollout, if there is one.
pub(super) async fn may_see(
    c: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<bool, Error> {
    let (sql, id) = ("SELECT project FROM rollout WHERE id = $1", id.to_bytes());
    let read = |row: &Row| column(row, 0);
    let project = c.first("find a rollout", sql, &[&id.as_slice()], read).await?;
    Ok(project.is_some_and(|project| principal.may_see(ProjectKey(project))))
}

/// See [`crate::Reads::waves`].
pub(in crate::postgres) async fn waves(
    c: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<Vec<Wave>, Error> {
    if !may_see(c, principal, id).await? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {WAVE_COLUMNS} FROM rollout_wave AS w WHERE w.rollout = $1
         ORDER BY w.number LIMIT $2"
    );
    let (id, limit) = (id.to_bytes(), i64::from(ROLLOUT_WAVES_MAX));
    let params: Params<'_> = &[&id.as_slice(), &limit];
    c.all("list the waves of a rollout", &sql, params, rows::wave).await
}

/// The devices of a rollout, or those alone that were refused.
fn devices_sql(refused_only: bool) -> String {
    let columns = rows::ROLLOUT_DEVICE_COLUMNS;
    let refused = if refused_only { "AND m.refusal IS NOT NULL" } else { "" };
    format!(
        "SELECT {columns} FROM rollout_device AS m
         WHERE m.rollout = $1 AND m.position >= $2 {refused} ORDER BY m.position LIMIT $3"
    )
}

/// See [`crate::Reads::rollout_devices`].
pub(in crate::postgres) async fn rollout_devices(
    c: &Connection,
    principal: &Principal,
    id: RequestId,
    (from, limit): (u32, u32),
    refused_only: bool,
) -> Result<Vec<RolloutDevice>, Error> {
    if !may_see(c, principal, id).await? {
        return Ok(Vec::new());
    }
    let (id, from, limit) = (id.to_bytes(), i64::from(from), i64::from(limit));
    let params: Params<'_> = &[&id.as_slice(), &from, &limit];
    let sql = devices_sql(refused_only);
    c.all("list the devices of a rollout", &sql, params, rows::rollout_device).await
}

/// What these requests are waves of.
fn waves_of_sql() -> String {
    let asked = asked("$1::bytea[]");
    format!(
        "SELECT w.request, w.rollout, w.number
         FROM {asked} JOIN rollout_wave AS w ON w.request = asked.key ORDER BY asked.place"
    )
}

/// See [`crate::Reads::waves_of`].
pub(in crate::postgres) async fn waves_of(
    c: &Connection,
    requests: &[RequestId],
) -> Result<Vec<WaveOf>, Error> {
    let requests: Vec<_> = requests.iter().map(|request| request.to_bytes().to_vec()).collect();
    c.all("find what waves are of", &waves_of_sql(), &[&requests], rows::wave_of).await
}

/// How the jobs of each of these ranges of ids stand. Each range is looked up.
fn counts_sql() -> String {
    format!(
        "SELECT counts.* FROM unnest($1::bytea[], $2::bytea[])
                 WITH ORDINALITY AS request (low, high, place)
             CROSS JOIN LATERAL (
                 SELECT count(*), count(*) FILTER (WHERE j.state IN (1, 2, 4)),
                     count(*) FILTER (WHERE j.state = 3), count(*) FILTER (WHERE j.state = 0),
                     count(*) FILTER (WHERE CASE WHEN j.state = 0 AND NOT j.stored
                         THEN {IS_LOST} ELSE false END),
                     count(*) FILTER (WHERE j.state = 0 AND j.stored)
                 FROM job AS j WHERE j.id BETWEEN request.low AND request.high) AS counts
         ORDER BY request.place"
    )
}

/// See [`crate::Reads::wave_counts`].
pub(in crate::postgres) async fn wave_counts(
    c: &Connection,
    requests: &[RequestId],
) -> Result<Vec<WaveCounts>, Error> {
    let ranges = requests.iter().map(|request| request.job_range());
    let (low, high): (Vec<_>, Vec<_>) =
        ranges.map(|(low, high)| (low.to_bytes().to_vec(), high.to_bytes().to_vec())).unzip();
    let params: Params<'_> = &[&low, &high];
    c.all("count the jobs of waves", &counts_sql(), params, rows::wave_counts).await
}

/// The bytes of a request's id, from those of a job of it.
const REQUEST: &str = "substr(id, 1, 14) || '\\x0000'::bytea";

/// The newest jobs of the requests below an id, one a request, so many of them: each is the next
/// one below the request of the one before.
fn newest_sql() -> String {
    format!(
        "WITH RECURSIVE walk (id, place) AS (
             (SELECT id, 1::bigint FROM job WHERE id < $1 ORDER BY id DESC LIMIT 1)
             UNION ALL
             SELECT below.id, walk.place + 1
             FROM (SELECT {REQUEST} AS request, place FROM walk WHERE place < $2) AS walk
                 CROSS JOIN LATERAL (
                     SELECT id FROM job WHERE id < walk.request ORDER BY id DESC LIMIT 1
                 ) AS below
         )
         SELECT j.id, j.door, j.actor, j.accepted_at, j.project AS project_key,
             coalesce((SELECT id FROM project WHERE key = j.project),
                 (SELECT id FROM deleted_project WHERE key = j.project)) AS project_id,
             EXISTS (SELECT 1 FROM rollout_wave
                 WHERE request = substr(j.id, 1, 14) || '\\x0000'::bytea) AS is_wave
         FROM unnest(ARRAY(SELECT id FROM walk)) AS asked (id) JOIN job AS j ON j.id = asked.id
         ORDER BY j.id DESC"
    )
}

/// Requests that are walked past with one statement.
const CHUNK: usize = 256;

/// See [`crate::Reads::updates`].
pub(in crate::postgres) async fn updates(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    before: Option<RequestId>,
    limit: u32,
) -> Result<UpdatePage, Error> {
    let mut one = None;
    if let Some(id) = project {
        match projects::project(c, principal, id).await? {
            Some(found) => one = Some(found.key),
            None => return Ok(UpdatePage { updates: Vec::new(), next: None }),
        }
    }
    let is_visible = |key| one.map_or_else(|| principal.may_see(key), |project| project == key);
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    // All ids have 16 bytes: this is above them.
    let mut below = before.map_or_else(|| vec![u8::MAX; 17], |before| before.to_bytes().to_vec());
    let rollouts = rollout_heads(c, principal, one, &below, limit).await?;
    let (mut requests, mut end, mut walked) = (Vec::new(), before, 0);
    while walked < UPDATES_WALK_MAX && requests.len() <= limit {
        let chunk = CHUNK.min(UPDATES_WALK_MAX - walked);
        let many = i64::try_from(chunk).unwrap_or(i64::MAX);
        let params: Params<'_> = &[&below, &many];
        let read = |row: &Row| {
            let head = rows::update_head(row, false)?;
            Ok((head, ProjectKey(column(row, "project_key")?), column::<bool>(row, "is_wave")?))
        };
        let found = c.all("list updates", &newest_sql(), params, read).await?;
        let is_last = found.len() < chunk;
        walked += found.len();
        for (head, project, is_wave) in found {
            end = Some(head.id);
            below = head.id.to_bytes().to_vec();
            if is_visible(project) && !is_wave {
                requests.push(head);
            }
            if requests.len() > limit {
                break;
            }
        }
        if is_last && requests.len() <= limit {
            end = None;
            break;
        }
    }
    Ok(newest(requests, end, rollouts, limit))
}

/// The newest rollouts below an id: one more than `limit`.
async fn rollout_heads(
    c: &Connection,
    principal: &Principal,
    project: Option<ProjectKey>,
    below: &[u8],
    limit: usize,
) -> Result<Vec<UpdateHead>, Error> {
    let sql = "SELECT r.id, 'native'::text AS door, r.actor, r.created_at AS accepted_at, r.phase,
             coalesce((SELECT id FROM project WHERE key = r.project),
                 (SELECT id FROM deleted_project WHERE key = r.project)) AS project_id
         FROM rollout AS r
         WHERE r.id < $1 AND ($2::bigint[] IS NULL OR r.project = ANY($2))
             AND ($3::bigint IS NULL OR r.project = $3)
         ORDER BY r.id DESC LIMIT $4";
    let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let (bound, project) = (bound(principal), project.map(|project| project.0));
    let params: Params<'_> = &[&below, &bound, &project, &count];
    c.all("list rollouts", sql, params, |row| rows::update_head(row, true)).await
}

//! Updates that go out in waves, and the list of all updates.

use std::collections::HashSet;

use fleet::limits::{ROLLOUT_WAVES_MAX, UPDATES_WALK_MAX};
use fleet::{
    Principal, ProjectId, ProjectKey, RequestId, Rollout, RolloutDevice, Wave, WaveCounts,
};
use rusqlite::{Connection, params};

use super::{all, bound, first, projects, seen};
use crate::columns::column;
use crate::rows::rollouts::{self as rows, IS_LOST, ROLLOUT_COLUMNS, WAVE_COLUMNS};
use crate::rules::updates::newest;
use crate::{Error, UpdateHead, UpdatePage, WaveOf};

/// The rollouts that are not over. Left to itself SQLite would read all in the order of their ids.
pub(in crate::sqlite) fn open_sql() -> String {
    format!(
        "SELECT {ROLLOUT_COLUMNS} FROM rollout AS r INDEXED BY rollout_open
         WHERE r.ended_at IS NULL ORDER BY r.id"
    )
}

/// See [`crate::Reads::rollouts_open`].
pub(in crate::sqlite) fn rollouts_open(connection: &Connection) -> Result<Vec<Rollout>, Error> {
    all(connection, "list the open rollouts", &open_sql(), [], |row| rows::rollout(row))
}

/// See [`crate::Reads::rollout`].
pub(in crate::sqlite) fn rollout(
    connection: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<Option<Rollout>, Error> {
    let sql = format!("SELECT {ROLLOUT_COLUMNS} FROM rollout AS r WHERE r.id = ?1");
    let found =
        first(connection, "read a rollout", &sql, [id.to_bytes()], |row| rows::rollout(row))?;
    Ok(found.filter(|found| principal.may_see(found.project)))
}

/// Whether the principal may see this rollout, if there is one.
pub(super) fn may_see(
    connection: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<bool, Error> {
    let sql = "SELECT project FROM rollout WHERE id = ?1";
    let project = first(connection, "find a rollout", sql, [id.to_bytes()], |row| column(row, 0))?;
    Ok(project.is_some_and(|project| principal.may_see(ProjectKey(project))))
}

/// See [`crate::Reads::waves`].
pub(in crate::sqlite) fn waves(
    connection: &Connection,
    principal: &Principal,
    id: RequestId,
) -> Result<Vec<Wave>, Error> {
    if !may_see(connection, principal, id)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {WAVE_COLUMNS} FROM rollout_wave AS w WHERE w.rollout = ?1
         ORDER BY w.number LIMIT ?2"
    );
    let params = params![id.to_bytes(), ROLLOUT_WAVES_MAX];
    all(connection, "list the waves of a rollout", &sql, params, |row| rows::wave(row))
}

/// The devices of a rollout, or those alone that were refused.
pub(in crate::sqlite) fn devices_sql(refused_only: bool) -> String {
    let columns = rows::ROLLOUT_DEVICE_COLUMNS;
    // Of very many few may be refused, which the planner does not know.
    let (index, refused) = if refused_only {
        ("INDEXED BY rollout_device_refused", "AND m.refusal IS NOT NULL")
    } else {
        ("", "")
    };
    format!(
        "SELECT {columns} FROM rollout_device AS m {index}
         WHERE m.rollout = ?1 AND m.position >= ?2 {refused} ORDER BY m.position LIMIT ?3"
    )
}

/// See [`crate::Reads::rollout_devices`].
pub(in crate::sqlite) fn rollout_devices(
    connection: &Connection,
    principal: &Principal,
    id: RequestId,
    (from, limit): (u32, u32),
    refused_only: bool,
) -> Result<Vec<RolloutDevice>, Error> {
    if !may_see(connection, principal, id)? {
        return Ok(Vec::new());
    }
    let params = params![id.to_bytes(), from, limit];
    all(connection, "list the devices of a rollout", &devices_sql(refused_only), params, |row| {
        rows::rollout_device(row)
    })
}

/// What a request is a wave of.
pub(in crate::sqlite) const WAVE_OF: &str =
    "SELECT request, rollout, number FROM rollout_wave WHERE request = ?1";

/// See [`crate::Reads::waves_of`]. One statement, bound anew for each request.
pub(in crate::sqlite) fn waves_of(
    connection: &Connection,
    requests: &[RequestId],
) -> Result<Vec<WaveOf>, Error> {
    let find = |request: &RequestId| {
        let operation = "find what a wave is of";
        first(connection, operation, WAVE_OF, [request.to_bytes()], |row| rows::wave_of(row))
    };
    requests.iter().filter_map(|request| find(request).transpose()).collect()
}

/// How the jobs of a range of ids stand.
pub(in crate::sqlite) fn counts_sql() -> String {
    format!(
        "SELECT count(*), coalesce(sum(j.state IN (1, 2, 4)), 0), coalesce(sum(j.state = 3), 0),
             coalesce(sum(j.state = 0), 0),
             coalesce(sum(CASE WHEN j.state = 0 AND NOT j.stored THEN {IS_LOST} ELSE 0 END), 0),
             coalesce(sum(j.state = 0 AND j.stored), 0)
         FROM job AS j WHERE j.id BETWEEN ?1 AND ?2"
    )
}

/// See [`crate::Reads::wave_counts`].
pub(in crate::sqlite) fn wave_counts(
    connection: &Connection,
    requests: &[RequestId],
) -> Result<Vec<WaveCounts>, Error> {
    let sql = counts_sql();
    let count = |request: &RequestId| {
        let (low, high) = request.job_range();
        let params = params![low.to_bytes(), high.to_bytes()];
        let counts = first(connection, "count the jobs of waves", &sql, params, |row| {
            rows::wave_counts(row)
        })?;
        Ok(counts.unwrap_or_default())
    };
    requests.iter().map(count).collect()
}

/// The newest job below an id, with what is told of its request.
pub(in crate::sqlite) const NEWEST_JOB: &str = "SELECT j.id, j.door, j.actor, j.accepted_at,
         coalesce((SELECT id FROM project WHERE key = j.project),
             (SELECT id FROM deleted_project WHERE key = j.project)) AS project_id,
         j.project AS project_key
     FROM job AS j WHERE j.id < ?1 ORDER BY j.id DESC LIMIT 1";

/// Whether a request is that of a wave.
pub(in crate::sqlite) const IS_WAVE: &str = "SELECT 1 FROM rollout_wave WHERE request = ?1";

/// See [`crate::Reads::updates`].
pub(in crate::sqlite) fn updates(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    before: Option<RequestId>,
    limit: u32,
) -> Result<UpdatePage, Error> {
    let Some(projects) = visible(connection, principal, project)? else {
        return Ok(UpdatePage { updates: Vec::new(), next: None });
    };
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    // All ids have 16 bytes: this is above them.
    let mut below = before.map_or_else(|| vec![u8::MAX; 17], |before| before.to_bytes().to_vec());
    let rollouts = rollout_heads(connection, principal, project, &below, limit)?;
    let is_visible = |key: i64| projects.as_ref().is_none_or(|all| all.contains(&key));
    let (mut requests, mut end) = (Vec::new(), before);
    for _ in 0..UPDATES_WALK_MAX {
        let found = first(connection, "list updates", NEWEST_JOB, [&below], |row| {
            Ok((rows::update_head(row, false)?, column(row, "project_key")?))
        })?;
        let Some((head, project)) = found else {
            end = None;
            break;
        };
        below = head.id.to_bytes().to_vec();
        end = Some(head.id);
        if is_visible(project) && !is_wave(connection, head.id)? {
            requests.push(head);
        }
        if requests.len() > limit {
            break;
        }
    }
    Ok(newest(requests, end, rollouts, limit))
}

/// Whether a request is that of a wave.
fn is_wave(connection: &Connection, request: RequestId) -> Result<bool, Error> {
    let params = [request.to_bytes()];
    Ok(first(connection, "look for a wave", IS_WAVE, params, |_| Ok(()))?.is_some())
}

/// The keys of the projects that are asked for and that the principal may see: `Some(None)` for all
/// there are, `None` for none.
fn visible(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
) -> Result<Option<Option<HashSet<i64>>>, Error> {
    Ok(match project {
        Some(id) => projects::project(connection, principal, id)?
            .map(|project| Some(HashSet::from([project.key.0]))),
        None => Some(principal.projects().map(|all| all.iter().map(|key| key.0).collect())),
    })
}

/// The newest rollouts below an id: one more than `limit`.
fn rollout_heads(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    below: &[u8],
    limit: usize,
) -> Result<Vec<UpdateHead>, Error> {
    let seen = seen("r.project", "?2");
    let sql = format!(
        "SELECT r.id, 'native' AS door, r.actor, r.created_at AS accepted_at, r.phase,
             coalesce((SELECT id FROM project WHERE key = r.project),
                 (SELECT id FROM deleted_project WHERE key = r.project)) AS project_id
         FROM rollout AS r
         WHERE r.id < ?1 AND {seen}
             AND (?3 IS NULL OR r.project = (SELECT key FROM project WHERE id = ?3))
         ORDER BY r.id DESC LIMIT ?4"
    );
    let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let params = params![below, bound(principal), project.map(ProjectId::as_str), count];
    all(connection, "list rollouts", &sql, params, |row| rows::update_head(row, true))
}

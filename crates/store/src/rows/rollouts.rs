//! Rows of updates that go out in waves.

use fleet::{
    DeviceKey, JobId, ProjectKey, RequestId, Rollout, RolloutDevice, Timestamp, Wave, WaveCounts,
};

use crate::columns::{Columns, column, json, optional, optional_json, parsed};
use crate::rules::updates::FailureRow;
use crate::{Error, UpdateHead, WaveOf, WhyNot, words};

/// The columns that [`rollout`] reads, from `rollout AS r`.
pub(crate) const ROLLOUT_COLUMNS: &str = "r.id AS rollout_id, r.project, \
     coalesce((SELECT id FROM project WHERE key = r.project), \
         (SELECT id FROM deleted_project WHERE key = r.project)) AS project_id, \
     r.kind, r.operation, r.phase, r.why, r.total, r.next, r.wave, r.next_at, r.actor, \
     r.created_at, r.ended_at, r.version, r.patch, r.plan, r.source";

/// A row with [`ROLLOUT_COLUMNS`].
pub(crate) fn rollout(row: &impl Columns) -> Result<Rollout, Error> {
    Ok(Rollout {
        id: RequestId::from_bytes(column(row, "rollout_id")?),
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        kind: parsed(row, "kind")?,
        operation: words::operation(optional(row, "operation")?)?.0,
        patch: json(row, "patch")?,
        plan: json(row, "plan")?,
        phase: parsed(row, "phase")?,
        why: optional(row, "why")?,
        total: column(row, "total")?,
        next: column(row, "next")?,
        wave: column(row, "wave")?,
        next_at: optional::<i64>(row, "next_at")?.map(Timestamp),
        actor: column(row, "actor")?,
        created_at: Timestamp(column(row, "created_at")?),
        ended_at: optional::<i64>(row, "ended_at")?.map(Timestamp),
        version: column(row, "version")?,
        source: json(row, "source")?,
    })
}

/// The columns that [`wave`] reads, from `rollout_wave AS w`.
pub(crate) const WAVE_COLUMNS: &str =
    "w.number, w.request, w.first, w.count, w.accepted, w.refused, w.begun_at, w.ended_at";

/// A row with [`WAVE_COLUMNS`].
pub(crate) fn wave(row: &impl Columns) -> Result<Wave, Error> {
    Ok(Wave {
        number: column(row, "number")?,
        request: RequestId::from_bytes(column(row, "request")?),
        first: column(row, "first")?,
        count: column(row, "count")?,
        accepted: column(row, "accepted")?,
        refused: column(row, "refused")?,
        begun_at: Timestamp(column(row, "begun_at")?),
        ended_at: optional::<i64>(row, "ended_at")?.map(Timestamp),
    })
}

/// The columns that [`rollout_device`] reads, from `rollout_device AS m`.
pub(crate) const ROLLOUT_DEVICE_COLUMNS: &str =
    "m.position, m.device, m.device_id, m.patch, m.refusal";

/// A row with [`ROLLOUT_DEVICE_COLUMNS`].
pub(crate) fn rollout_device(row: &impl Columns) -> Result<RolloutDevice, Error> {
    Ok(RolloutDevice {
        position: column(row, "position")?,
        device: DeviceKey(column(row, "device")?),
        device_id: parsed(row, "device_id")?,
        patch: optional_json(row, "patch")?,
        refusal: optional_json(row, "refusal")?,
    })
}

/// A row with the columns `id` (of a job or a rollout), `project_id`, `door`, `actor` and
/// `accepted_at`, and of a `rollout` with `phase`.
pub(crate) fn update_head(row: &impl Columns, rollout: bool) -> Result<UpdateHead, Error> {
    let id = JobId::from_bytes(column(row, "id")?);
    Ok(UpdateHead {
        id: id.request(),
        project_id: parsed(row, "project_id")?,
        door: parsed(row, "door")?,
        actor: column(row, "actor")?,
        accepted_at: Timestamp(column(row, "accepted_at")?),
        phase: rollout.then(|| parsed(row, "phase")).transpose()?,
    })
}

/// A row with the six counts, by number.
pub(crate) fn wave_counts(row: &impl Columns) -> Result<WaveCounts, Error> {
    let count = |at: usize| Ok::<_, Error>(column::<i64>(row, at)?.unsigned_abs());
    Ok(WaveCounts {
        total: count(0)?,
        succeeded: count(1)?,
        failed: count(2)?,
        open: count(3)?,
        lost: count(4)?,
        away: count(5)?,
    })
}

/// That a job `j`, which is open and whose values are not stored, is lost by the state `s` of its
/// device. One that restarts its device is not: it may begin on one that is away.
pub(crate) const IS_LOST: &str = "j.operation IS NULL AND EXISTS (SELECT 1 \
     FROM device_state AS s WHERE s.device = j.device AND s.power IS NULL \
         AND (s.trouble IS NOT NULL OR s.condition IN ('abnormal', 'stopped', 'stopping')))";

/// A row with `request`, `rollout` and `number`.
pub(crate) fn wave_of(row: &impl Columns) -> Result<WaveOf, Error> {
    Ok(WaveOf {
        request: RequestId::from_bytes(column(row, "request")?),
        rollout: RequestId::from_bytes(column(row, "rollout")?),
        number: column(row, "number")?,
    })
}

/// A row with `place` (the number of the reason), `refused` (0 or 1), `reason`, `jobs`,
/// `device_id`, `job`, `total` and `reasons`.
pub(crate) fn failure(row: &impl Columns) -> Result<FailureRow, Error> {
    let count = |name: &'static str| Ok::<_, Error>(column::<i64>(row, name)?.unsigned_abs());
    let is_refused = column::<i64>(row, "refused")? != 0;
    Ok(FailureRow {
        group: column(row, "place")?,
        why: if is_refused {
            WhyNot::Refused(json(row, "reason")?)
        } else {
            WhyNot::Failed(json(row, "reason")?)
        },
        count: count("jobs")?,
        device: parsed(row, "device_id")?,
        job: optional(row, "job")?.map(JobId::from_bytes),
        total: count("total")?,
        reasons: count("reasons")?,
    })
}

/// The reasons for which jobs failed and devices were refused, those of most first, each with its
/// first devices, from `failed (refused, key, reason, device, name, job)`: what [`failure`] reads.
/// What shares a `key` is told together, by the least of its reasons. The parameters named are how
/// many reasons there may be, and how many devices of each.
pub(crate) fn failures_sql(failed: &str, groups: &str, devices: &str) -> String {
    format!(
        "WITH failed (refused, key, reason, device, name, job) AS MATERIALIZED ({failed}),
             grouped AS (
                 SELECT refused, key, min(reason) AS reason, count(*) AS jobs,
                     row_number() OVER (ORDER BY count(*) DESC, min(device), key) AS place
                 FROM failed GROUP BY refused, key),
             placed AS (
                 SELECT refused, key, device, name, job,
                     row_number() OVER (PARTITION BY refused, key ORDER BY device, job) AS place
                 FROM failed)
         SELECT g.place, g.refused, g.reason, g.jobs, p.job,
             (SELECT count(*) FROM failed) AS total,
             (SELECT count(*) FROM grouped) AS reasons,
             coalesce(d.id, (SELECT id FROM deleted_device WHERE key = p.device), p.name)
                 AS device_id
         FROM grouped AS g
             JOIN placed AS p ON p.refused = g.refused AND p.key = g.key
             LEFT JOIN device AS d ON d.key = p.device
         WHERE g.place <= {groups} AND p.place <= {devices}
         ORDER BY g.place, p.place"
    )
}

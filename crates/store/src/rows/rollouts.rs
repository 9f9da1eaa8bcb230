//! Rows of updates that go out in waves.

use fleet::{
    DeviceKey, ProjectKey, RequestId, Rollout, RolloutDevice, Timestamp, Wave, WaveCounts,
};

use crate::columns::{Columns, column, json, optional, optional_json, parsed};
use crate::{Error, UpdateHead, words};

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
/// `accepted_at`.
pub(crate) fn update_head(row: &impl Columns, rollout: bool) -> Result<UpdateHead, Error> {
    let id = fleet::JobId::from_bytes(column(row, "id")?);
    Ok(UpdateHead {
        id: id.request(),
        project_id: parsed(row, "project_id")?,
        door: parsed(row, "door")?,
        actor: column(row, "actor")?,
        accepted_at: Timestamp(column(row, "accepted_at")?),
        rollout,
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

//! Updates that go out in waves.

use fleet::limits::ROLLOUTS_OPEN_MAX;
use fleet::{Phase, Principal, Refusal, RequestId, Rollout};
use rusqlite::{Connection, params};

use super::accept::accept_for;
use crate::columns::to_json;
use crate::rows::rollouts::{ROLLOUT_COLUMNS, rollout};
use crate::rules::rollouts as rules;
use crate::sqlite::queries::{count, first};
use crate::sqlite::rows::During;
use crate::words::job_operation;
use crate::write::{
    AcceptedEntry, AddRolloutDevices, CreateRollout, NewRolloutDevice, StepRollout, WaveStep,
};
use crate::{Error, Refused, Written};

/// The rollout of this id as it stands.
fn find(connection: &Connection, id: RequestId) -> Result<Option<Rollout>, Error> {
    let sql = format!("SELECT {ROLLOUT_COLUMNS} FROM rollout AS r WHERE r.id = ?1");
    first(connection, "read a rollout", &sql, [id.to_bytes()], |row| rollout(row))
}

/// Makes a rollout.
pub(super) fn create_rollout(
    connection: &Connection,
    principal: &Principal,
    create: &CreateRollout,
) -> Result<Result<Written, Refused>, Error> {
    let made = &create.rollout;
    let sql = "SELECT 1 FROM project WHERE key = ?1";
    let exists = first(connection, "find a project", sql, [made.project.0], |_| Ok(()))?.is_some();
    if !exists || !principal.may_see(made.project) {
        return Ok(Err(Refused::NoSuchProject(made.project_id.clone())));
    }
    if find(connection, made.id)?.is_some() {
        return Ok(Err(Refused::Exists { what: "update", id: made.id.to_string() }));
    }
    let sql = "SELECT count(*) FROM rollout WHERE project = ?1 AND ended_at IS NULL";
    let open = count(connection, "count rollouts", sql, [made.project.0])?;
    if open >= ROLLOUTS_OPEN_MAX as u64 {
        return Ok(Err(Refused::TooManyRollouts));
    }
    connection
        .prepare_cached(
            "INSERT INTO rollout (id, project, kind, operation, phase, total, next, wave, actor,
                 created_at, version, patch, plan, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7, ?8, 0, ?9, ?10, ?11)",
        )
        .during("prepare to make a rollout")?
        .execute(params![
            made.id.to_bytes(),
            made.project.0,
            made.kind.name(),
            job_operation(made.operation, false),
            rules::begins_as(create.last).name(),
            rules::count(create.devices.len()),
            made.actor,
            made.created_at.0,
            to_json(&made.patch)?,
            to_json(&made.plan)?,
            to_json(&made.source)?,
        ])
        .during("make a rollout")?;
    add(connection, made.id, 0, &create.devices)?;
    Ok(Ok(Written::Done))
}

/// Adds devices to a rollout that is collecting.
pub(super) fn add_devices(
    connection: &Connection,
    principal: &Principal,
    more: &AddRolloutDevices,
) -> Result<Result<Written, Refused>, Error> {
    let found = find(connection, more.id)?;
    let found = match rules::may_change(principal, found, more.id, more.version) {
        Ok(found) if found.phase == Phase::Collecting => found,
        Ok(_) => return Ok(Err(Refused::RolloutMoved)),
        Err(refused) => return Ok(Err(refused)),
    };
    add(connection, more.id, found.total, &more.devices)?;
    let total = i64::from(found.total).saturating_add(rules::count(more.devices.len()));
    let phase = rules::begins_as(more.last).name();
    connection
        .prepare_cached(
            "UPDATE rollout SET total = ?2, phase = ?3, version = version + 1 WHERE id = ?1",
        )
        .and_then(|mut update| update.execute(params![more.id.to_bytes(), total, phase]))
        .during("add devices to a rollout")?;
    Ok(Ok(Written::Done))
}

/// Writes devices down, from a position on.
fn add(
    connection: &Connection,
    id: RequestId,
    from: u32,
    devices: &[NewRolloutDevice],
) -> Result<(), Error> {
    let sql = "INSERT INTO rollout_device (rollout, position, device, device_id, patch, refusal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = connection.prepare_cached(sql).during("prepare to add devices")?;
    for (position, (device, device_id, own)) in (i64::from(from)..).zip(devices) {
        let (patch, refusal) = rules::own_columns(own.as_ref())?;
        insert
            .execute(params![id.to_bytes(), position, device.0, device_id.as_str(), patch, refusal])
            .during("add a device to a rollout")?;
    }
    Ok(())
}

/// Takes a step of a rollout.
pub(super) fn step_rollout(
    connection: &Connection,
    principal: &Principal,
    step: &StepRollout,
) -> Result<Result<Written, Refused>, Error> {
    let found = find(connection, step.id)?;
    let found = match rules::may_change(principal, found, step.id, step.version) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let results = match &step.accept {
        Some(accept) => accept_for(connection, &found.actor, accept)?,
        None => Vec::new(),
    };
    for (position, refusal) in rules::refusals(step, &results)? {
        refuse(connection, step.id, position, refusal)?;
    }
    match step.wave {
        Some(wave @ WaveStep::Begin { .. }) => begin(connection, step, wave, &results)?,
        Some(WaveStep::End { number }) => end_waves(connection, step, Some(number))?,
        None => {}
    }
    if step.next.ended_at.is_some() {
        end_waves(connection, step, None)?;
    }
    update(connection, step)?;
    Ok(Ok(Written::Stepped(results)))
}

/// Keeps why a device got no job.
fn refuse(
    connection: &Connection,
    id: RequestId,
    position: i64,
    refusal: &Refusal,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE rollout_device SET refusal = ?3 WHERE rollout = ?1 AND position = ?2",
        )
        .during("prepare to keep a refusal")?
        .execute(params![id.to_bytes(), position, to_json(refusal)?])
        .during("keep a refusal")?;
    Ok(())
}

/// Records a wave that begins.
fn begin(
    connection: &Connection,
    step: &StepRollout,
    wave: WaveStep,
    results: &[Result<AcceptedEntry, Refusal>],
) -> Result<(), Error> {
    let WaveStep::Begin { number, request, first, count } = wave else {
        return Ok(());
    };
    let (accepted, refused) = rules::outcome(step, results);
    connection
        .prepare_cached(
            "INSERT INTO rollout_wave (rollout, number, request, first, count, accepted, refused,
                 begun_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .during("prepare to begin a wave")?
        .execute(params![
            step.id.to_bytes(),
            number,
            request.to_bytes(),
            first,
            count,
            accepted,
            refused,
            step.at.0,
        ])
        .during("begin a wave")?;
    Ok(())
}

/// Ends a wave, or all that have not ended.
fn end_waves(
    connection: &Connection,
    step: &StepRollout,
    number: Option<u32>,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE rollout_wave SET ended_at = ?2
             WHERE rollout = ?1 AND ended_at IS NULL AND (?3 IS NULL OR number = ?3)",
        )
        .and_then(|mut update| update.execute(params![step.id.to_bytes(), step.at.0, number]))
        .during("end waves")?;
    Ok(())
}

/// Changes where the rollout stands.
fn update(connection: &Connection, step: &StepRollout) -> Result<(), Error> {
    let next = &step.next;
    connection
        .prepare_cached(
            "UPDATE rollout SET phase = ?2, why = ?3, next = ?4, wave = ?5, next_at = ?6,
                 ended_at = ?7, version = version + 1
             WHERE id = ?1",
        )
        .during("prepare to step a rollout")?
        .execute(params![
            step.id.to_bytes(),
            next.phase.name(),
            next.why,
            next.next,
            next.wave,
            next.next_at.map(|at| at.0),
            next.ended_at.map(|at| at.0),
        ])
        .during("step a rollout")?;
    Ok(())
}

//! Updates that go out in waves. Each change goes alone, holding the guard of the whole cluster, so
//! that a rollout stays as it was read until the change commits.

use fleet::limits::ROLLOUTS_OPEN_MAX;
use fleet::{Phase, Principal, Refusal, RequestId, Rollout};

use super::hot::accept_for;
use crate::columns::to_json;
use crate::postgres::connection::{Connection, Params};
use crate::rows::rollouts::{ROLLOUT_COLUMNS, rollout};
use crate::rules::rollouts as rules;
use crate::words::job_operation;
use crate::write::{
    AcceptedEntry, AddRolloutDevices, CreateRollout, NewRolloutDevice, StepRollout, WaveStep,
};
use crate::{Error, Refused, Written};

/// The rollout of this id as it stands.
async fn find(c: &Connection, id: RequestId) -> Result<Option<Rollout>, Error> {
    let sql = format!("SELECT {ROLLOUT_COLUMNS} FROM rollout AS r WHERE r.id = $1");
    c.first("read a rollout", &sql, &[&id.to_bytes().as_slice()], rollout).await
}

/// Makes a rollout.
pub(super) async fn create_rollout(
    c: &Connection,
    principal: &Principal,
    create: &CreateRollout,
) -> Result<Result<Written, Refused>, Error> {
    let made = &create.rollout;
    let sql = "SELECT 1 FROM project WHERE key = $1";
    let exists = c.exists("find a project", sql, &[&made.project.0]).await?;
    if !exists || !principal.may_see(made.project) {
        return Ok(Err(Refused::NoSuchProject(made.project_id.clone())));
    }
    if find(c, made.id).await?.is_some() {
        return Ok(Err(Refused::Exists { what: "update", id: made.id.to_string() }));
    }
    let sql = "SELECT count(*) FROM rollout WHERE project = $1 AND ended_at IS NULL";
    let open = c.count("count rollouts", sql, &[&made.project.0]).await?;
    if open >= ROLLOUTS_OPEN_MAX as u64 {
        return Ok(Err(Refused::TooManyRollouts));
    }
    let sql = "INSERT INTO rollout (id, project, kind, operation, phase, total, next, wave, actor,
             created_at, version, patch, plan, source)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, 0, $9, $10, $11)";
    let id = made.id.to_bytes();
    let params: Params<'_> = &[
        &id.as_slice(),
        &made.project.0,
        &made.kind.name(),
        &job_operation(made.operation, false),
        &rules::begins_as(create.last).name(),
        &rules::count(create.devices.len()),
        &made.actor,
        &made.created_at.0,
        &to_json(&made.patch)?,
        &to_json(&made.plan)?,
        &to_json(&made.source)?,
    ];
    c.execute("make a rollout", sql, params).await?;
    add(c, made.id, 0, &create.devices).await?;
    Ok(Ok(Written::Done))
}

/// Adds devices to a rollout that is collecting.
pub(super) async fn add_devices(
    c: &Connection,
    principal: &Principal,
    more: &AddRolloutDevices,
) -> Result<Result<Written, Refused>, Error> {
    let found = find(c, more.id).await?;
    let found = match rules::may_change(principal, found, more.id, more.version) {
        Ok(found) if found.phase == Phase::Collecting => found,
        Ok(_) => return Ok(Err(Refused::RolloutMoved)),
        Err(refused) => return Ok(Err(refused)),
    };
    add(c, more.id, found.total, &more.devices).await?;
    let total = i64::from(found.total).saturating_add(rules::count(more.devices.len()));
    let phase = rules::begins_as(more.last).name();
    let sql = "UPDATE rollout SET total = $2, phase = $3, version = version + 1 WHERE id = $1";
    let id = more.id.to_bytes();
    let params: Params<'_> = &[&id.as_slice(), &total, &phase];
    c.execute("add devices to a rollout", sql, params).await?;
    Ok(Ok(Written::Done))
}

/// Writes devices down, from a position on.
async fn add(
    c: &Connection,
    id: RequestId,
    from: u32,
    devices: &[NewRolloutDevice],
) -> Result<(), Error> {
    let own = devices.iter().map(|(_, _, own)| rules::own_columns(own.as_ref()));
    let own: Vec<_> = own.collect::<Result<_, _>>()?;
    let (patches, refusals): (Vec<Option<String>>, Vec<Option<String>>) = own.into_iter().unzip();
    let keys: Vec<i64> = devices.iter().map(|(key, ..)| key.0).collect();
    let ids: Vec<&str> = devices.iter().map(|(_, id, _)| id.as_str()).collect();
    let sql = "INSERT INTO rollout_device (rollout, position, device, device_id, patch, refusal)
         SELECT $1, $2 + n.place - 1, n.device, n.device_id, n.patch, n.refusal
         FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
             AS n (device, device_id, patch, refusal, place)";
    let id = id.to_bytes();
    let params: Params<'_> = &[&id.as_slice(), &i64::from(from), &keys, &ids, &patches, &refusals];
    c.execute("add devices to a rollout", sql, params).await?;
    Ok(())
}

/// Takes a step of a rollout.
pub(super) async fn step_rollout(
    c: &Connection,
    principal: &Principal,
    step: &StepRollout,
) -> Result<Result<Written, Refused>, Error> {
    let found = find(c, step.id).await?;
    let found = match rules::may_change(principal, found, step.id, step.version) {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let results = match &step.accept {
        Some(accept) => accept_for(c, &found.actor, accept).await?,
        None => Vec::new(),
    };
    refuse(c, step.id, &rules::refusals(step, &results)?).await?;
    match step.wave {
        Some(wave @ WaveStep::Begin { .. }) => begin(c, step, wave, &results).await?,
        Some(WaveStep::End { number }) => end_waves(c, step, Some(number)).await?,
        None => {}
    }
    if step.next.ended_at.is_some() {
        end_waves(c, step, None).await?;
    }
    update(c, step).await?;
    Ok(Ok(Written::Stepped(results)))
}

/// Keeps why devices got no job.
async fn refuse(c: &Connection, id: RequestId, refusals: &[(i64, &Refusal)]) -> Result<(), Error> {
    if refusals.is_empty() {
        return Ok(());
    }
    let positions: Vec<i64> = refusals.iter().map(|(position, _)| *position).collect();
    let texts: Vec<String> =
        refusals.iter().map(|(_, refusal)| to_json(refusal)).collect::<Result<_, _>>()?;
    let sql = "UPDATE rollout_device AS m SET refusal = n.refusal
         FROM unnest($2::bigint[], $3::text[]) AS n (position, refusal)
         WHERE m.rollout = $1 AND m.position = n.position";
    let id = id.to_bytes();
    let params: Params<'_> = &[&id.as_slice(), &positions, &texts];
    c.execute("keep refusals", sql, params).await?;
    Ok(())
}

/// Records a wave that begins.
async fn begin(
    c: &Connection,
    step: &StepRollout,
    wave: WaveStep,
    results: &[Result<AcceptedEntry, Refusal>],
) -> Result<(), Error> {
    let WaveStep::Begin { number, request, first, count } = wave else {
        return Ok(());
    };
    let (accepted, refused) = rules::outcome(step, results);
    let sql = "INSERT INTO rollout_wave (rollout, number, request, first, count, accepted, refused,
             begun_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (id, request) = (step.id.to_bytes(), request.to_bytes());
    let params: Params<'_> = &[
        &id.as_slice(),
        &i64::from(number),
        &request.as_slice(),
        &i64::from(first),
        &i64::from(count),
        &accepted,
        &refused,
        &step.at.0,
    ];
    c.execute("begin a wave", sql, params).await?;
    Ok(())
}

/// Ends a wave, or all that have not ended.
async fn end_waves(c: &Connection, step: &StepRollout, number: Option<u32>) -> Result<(), Error> {
    let sql = "UPDATE rollout_wave SET ended_at = $2
         WHERE rollout = $1 AND ended_at IS NULL AND ($3::bigint IS NULL OR number = $3)";
    let id = step.id.to_bytes();
    let params: Params<'_> = &[&id.as_slice(), &step.at.0, &number.map(i64::from)];
    c.execute("end waves", sql, params).await?;
    Ok(())
}

/// Changes where the rollout stands.
async fn update(c: &Connection, step: &StepRollout) -> Result<(), Error> {
    let next = &step.next;
    let sql = "UPDATE rollout SET phase = $2, why = $3, next = $4, wave = $5, next_at = $6,
             ended_at = $7, version = version + 1
         WHERE id = $1";
    let id = step.id.to_bytes();
    let params: Params<'_> = &[
        &id.as_slice(),
        &next.phase.name(),
        &next.why,
        &i64::from(next.next),
        &i64::from(next.wave),
        &next.next_at.map(|at| at.0),
        &next.ended_at.map(|at| at.0),
    ];
    c.execute("step a rollout", sql, params).await?;
    Ok(())
}

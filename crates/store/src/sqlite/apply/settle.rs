//! Recording what a step of a lane has found.

use fleet::{
    AdoptionRequest, Condition, Desired, DeviceKey, Facts, JobId, Principal, ProjectKey, Revision,
    Timestamp,
};
use rusqlite::{Connection, Row, params};

use super::fence::fenced;
use crate::columns::{column, json, optional_json, parsed, to_json};
use crate::rules;
use crate::sqlite::rows::During;
use crate::sqlite::terms::Terms;
use crate::words::job_state;
use crate::write::{EndedJob, Settle, Settled};
use crate::{Error, Refused, Written};

/// What recording reads of a device's state.
const SELECT: &str = "SELECT project, has_work, revision, settled, adopted, adoption, open_jobs,
         condition, since
     FROM device_state WHERE device = ?1";
/// Changes the state of a device whose work is what it was: leaves the index over it alone.
const UPDATE: &str = "UPDATE device_state SET settled = ?2, open_jobs = ?3, condition = ?4,
         since = ?5, trouble = ?6, boot = coalesce(?7, boot), adopted = ?8,
         reported = coalesce(?9, reported), adoption = ?10, copy = ?11, power = ?12,
         restart_pending = nullif(coalesce(?13, restart_pending), '{}')
     WHERE device = ?1";
/// Changes the state of a device that has got or lost work.
const UPDATE_WITH_WORK: &str = "UPDATE device_state SET settled = ?2, open_jobs = ?3,
         condition = ?4, since = ?5, trouble = ?6, boot = coalesce(?7, boot), adopted = ?8,
         reported = coalesce(?9, reported), adoption = ?10, copy = ?11, power = ?12,
         restart_pending = nullif(coalesce(?13, restart_pending), '{}'), has_work = ?14
     WHERE device = ?1";
/// Ends an open job.
const END: &str = "UPDATE job SET state = ?2, ended_at = ?3, finisher_epoch = ?4,
         superseded_by = ?5, failure = ?6
     WHERE id = ?1 AND state = 0";

/// A device's state, as far as recording needs it.
struct State {
    project: ProjectKey,
    has_work: bool,
    revision: Revision,
    settled: Revision,
    adopted: bool,
    adoption: Option<AdoptionRequest>,
    open_jobs: Vec<u8>,
    /// The condition, and since when it has lasted.
    stands: (Condition, Timestamp),
}

impl State {
    /// A row of [`SELECT`].
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            project: ProjectKey(column(row, 0)?),
            has_work: column(row, 1)?,
            revision: Revision(column(row, 2)?),
            settled: Revision(column(row, 3)?),
            adopted: column(row, 4)?,
            adoption: optional_json(row, 5)?,
            open_jobs: column(row, 6)?,
            stands: (parsed(row, 7)?, Timestamp(column(row, 8)?)),
        })
    }
}

/// Records the result if the fence holds.
pub(super) fn settle(
    connection: &Connection,
    terms: &Terms,
    principal: &Principal,
    settle: &Settle,
) -> Result<Result<Written, Refused>, Error> {
    if let Some(refused) = fenced(connection, terms, settle.fence, (settle.device, settle.at))? {
        return Ok(Err(refused));
    }
    let mut state = match state(connection, settle)? {
        Some(state) if principal.may_see(state.project) => state,
        _ => return Ok(Err(Refused::NoSuchDevice)),
    };
    if settle.read.is_some_and(|read| read != state.stands) {
        return Ok(Err(Refused::Stale));
    }
    state.open_jobs = end_jobs(connection, settle, &state)?;
    if let Some(revision) = settle.forget_below {
        forget(connection, settle, revision)?;
    }
    // Above the revision there is nothing that could be settled.
    state.settled = state.settled.max(settle.settled.min(state.revision));
    if rules::is_about_adoption(settle, state.adopted) && is_of_the_record(connection, settle)? {
        state.adopted |= settle.adopted;
        if state.adoption == settle.adoption_done {
            state.adoption = None;
        }
        desire(connection, settle, &mut state)?;
    }
    if let Some(facts) = &settle.facts {
        record_facts(connection, settle.device, facts)?;
    }
    update(connection, settle, &state)?;
    Ok(Ok(Written::Settled(Settled {
        revision: state.revision,
        settled: state.settled,
        open_jobs: state.open_jobs.len() / 16,
    })))
}

/// Whether the record is the one that was worked on. If it is not, another phone may have been
/// adopted than the one that the record speaks of now.
fn is_of_the_record(connection: &Connection, settle: &Settle) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM device WHERE key = ?1 AND updated_at = ?2")
        .and_then(|mut select| select.exists([settle.device.0, settle.record_at.0]))
        .during("read when a record changed")
}

/// What is desired of the device.
fn desired(connection: &Connection, settle: &Settle) -> Result<Desired, Error> {
    let sql = "SELECT desired FROM device_state WHERE device = ?1";
    let mut select = connection.prepare_cached(sql).during("read desired state")?;
    let mut rows = select.query([settle.device.0]).during("read desired state")?;
    let row = rows.next().during("read desired state")?;
    Ok(row.map(|row| json(row, 0)).transpose()?.unwrap_or_default())
}

/// Forgets what was desired below `revision`.
fn forget(connection: &Connection, settle: &Settle, revision: Revision) -> Result<(), Error> {
    let mut desired = desired(connection, settle)?;
    desired.0.retain(|_, value| value.revision >= revision);
    connection
        .prepare_cached("UPDATE device_state SET desired = ?2 WHERE device = ?1")
        .during("prepare to forget desired state")?
        .execute(params![settle.device.0, to_json(&desired)?])
        .during("forget desired state")?;
    Ok(())
}

/// Takes up the values that an adopted device showed, where nothing is desired yet and as far as
/// there is room, at a revision of their own.
fn desire(connection: &Connection, settle: &Settle, state: &mut State) -> Result<(), Error> {
    if settle.desire.is_empty() {
        return Ok(());
    }
    let mut desired = desired(connection, settle)?;
    let new = rules::newly_desired(&desired, &settle.desire);
    if new.is_empty() {
        return Ok(());
    }
    let revision = state.revision.next();
    desired.merge(&new, revision);
    connection
        .prepare_cached("UPDATE device_state SET revision = ?2, desired = ?3 WHERE device = ?1")
        .during("take up what a device showed")?
        .execute(params![settle.device.0, revision.0, to_json(&desired)?])
        .during("take up what a device showed")?;
    if state.settled == state.revision {
        state.settled = revision;
    }
    state.revision = revision;
    Ok(())
}

/// Keeps what the device said of itself.
pub(super) fn record_facts(
    connection: &Connection,
    device: DeviceKey,
    facts: &Facts,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO device_facts (device, facts) VALUES (?1, ?2)
             ON CONFLICT (device) DO UPDATE SET facts = excluded.facts
             WHERE facts <> excluded.facts",
        )
        .during("record what a device is")?
        .execute(params![device.0, to_json(facts)?])
        .during("record what a device is")?;
    Ok(())
}

/// The state of the device; `None` if it is gone.
fn state(connection: &Connection, settle: &Settle) -> Result<Option<State>, Error> {
    let mut select = connection.prepare_cached(SELECT).during("read a device's state")?;
    let mut rows = select.query([settle.device.0]).during("read a device's state")?;
    rows.next().during("read a device's state")?.map(State::from_row).transpose()
}

/// Ends those of the jobs that are open, and gives the list of what stays open.
fn end_jobs(connection: &Connection, settle: &Settle, state: &State) -> Result<Vec<u8>, Error> {
    let (ending, open) = rules::end_open(&state.open_jobs, &settle.ended)?;
    for ended in ending {
        end_job(connection, settle, ended)?;
    }
    Ok(open)
}

/// Ends one job.
fn end_job(connection: &Connection, settle: &Settle, ended: &EndedJob) -> Result<(), Error> {
    let (state, failure) = job_state(&ended.end)?;
    connection
        .prepare_cached(END)
        .and_then(|mut update| {
            update.execute(params![
                ended.job.to_bytes(),
                state,
                settle.at.0,
                rules::finisher(settle.fence),
                ended.superseded_by.map(JobId::to_bytes),
                failure,
            ])
        })
        .during("end a job")?;
    Ok(())
}

/// Changes the state row.
fn update(connection: &Connection, settle: &Settle, state: &State) -> Result<(), Error> {
    let condition: Condition = settle.condition;
    let reported = settle.reported.as_ref().map(to_json).transpose()?;
    let boot = settle.boot.as_ref().map(ToString::to_string);
    let trouble = settle.trouble.as_deref();
    let adoption = state.adoption.as_ref().map(to_json).transpose()?;
    let power = settle.power.as_ref().map(to_json).transpose()?;
    let restart_pending = settle.restart_pending.as_ref().map(to_json).transpose()?;
    let begun = adoption.is_some() || settle.copy.is_some() || power.is_some();
    let now_has_work =
        rules::has_work(state.revision, state.settled, &state.open_jobs, condition, trouble, begun);
    let sql = if now_has_work == state.has_work { UPDATE } else { UPDATE_WITH_WORK };
    let mut update = connection.prepare_cached(sql).during("prepare to record a result")?;
    let mut bind = || {
        update.raw_bind_parameter(1, settle.device.0)?;
        update.raw_bind_parameter(2, state.settled.0)?;
        update.raw_bind_parameter(3, &state.open_jobs)?;
        update.raw_bind_parameter(4, condition.name())?;
        update.raw_bind_parameter(5, settle.since.0)?;
        update.raw_bind_parameter(6, trouble)?;
        update.raw_bind_parameter(7, boot.as_deref())?;
        update.raw_bind_parameter(8, state.adopted)?;
        update.raw_bind_parameter(9, reported.as_deref())?;
        update.raw_bind_parameter(10, adoption.as_deref())?;
        update.raw_bind_parameter(11, settle.copy.map(|device| device.0))?;
        update.raw_bind_parameter(12, power.as_deref())?;
        update.raw_bind_parameter(13, restart_pending.as_deref())?;
        if now_has_work != state.has_work {
            update.raw_bind_parameter(14, now_has_work)?;
        }
        update.raw_execute()
    };
    bind().during("record a result")?;
    Ok(())
}

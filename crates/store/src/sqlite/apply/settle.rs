//! Recording what a step of a lane has found.

use fleet::{Condition, JobId, Principal, ProjectKey, Revision};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::rows::{self, During, column, has_work, job_state, to_json};
use crate::write::{EndedJob, Settle, Settled};
use crate::{Error, Refused, Written};

/// What recording reads of a device's state.
const SELECT: &str = "SELECT project, has_work, revision, settled, open_jobs
     FROM device_state WHERE device = ?1";
/// Changes the state of a device whose work is what it was: leaves the index over it alone.
const UPDATE: &str = "UPDATE device_state SET settled = ?2, open_jobs = ?3, condition = ?4,
         since = ?5, trouble = ?6, boot = coalesce(?7, boot),
         adopted = max(adopted, ?8 AND EXISTS (
             SELECT 1 FROM device WHERE key = ?1 AND updated_at = ?10)),
         reported = coalesce(?9, reported)
     WHERE device = ?1";
/// Changes the state of a device that has got or lost work.
const UPDATE_WITH_WORK: &str = "UPDATE device_state SET settled = ?2, open_jobs = ?3,
         condition = ?4, since = ?5, trouble = ?6, boot = coalesce(?7, boot),
         adopted = max(adopted, ?8 AND EXISTS (
             SELECT 1 FROM device WHERE key = ?1 AND updated_at = ?10)),
         reported = coalesce(?9, reported), has_work = ?11
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
    open_jobs: Vec<u8>,
}

impl State {
    /// A row of [`SELECT`].
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            project: ProjectKey(column(row, 0)?),
            has_work: column(row, 1)?,
            revision: Revision(column(row, 2)?),
            settled: Revision(column(row, 3)?),
            open_jobs: column(row, 4)?,
        })
    }
}

/// Records the result if the fence holds. A fence for another shard than the device's proves
/// nothing about the device, so under that shard it does not exist.
pub(super) fn settle(
    connection: &Connection,
    principal: &Principal,
    settle: &Settle,
) -> Result<Result<Written, Refused>, Error> {
    if let Some(refused) = fenced(connection, settle)? {
        return Ok(Err(refused));
    }
    let state = match state(connection, settle)? {
        Some(state)
            if principal.may_see(state.project) && settle.device.shard() == settle.fence.shard =>
        {
            state
        }
        _ => return Ok(Err(Refused::NoSuchDevice)),
    };
    let open_jobs = end_jobs(connection, settle, &state)?;
    // Above the revision there is nothing that could be settled.
    let settled = state.settled.max(settle.settled.min(state.revision));
    update(connection, settle, &state, settled, &open_jobs)?;
    Ok(Ok(Written::Settled(Settled {
        revision: state.revision,
        settled,
        open_jobs: open_jobs.len() / 16,
    })))
}

/// The refusal of a fence that is not the shard's own.
fn fenced(connection: &Connection, settle: &Settle) -> Result<Option<Refused>, Error> {
    let store: Option<i64> = connection
        .prepare_cached("SELECT epoch FROM shard WHERE shard = ?1")
        .and_then(|mut select| {
            select.query_row([settle.fence.shard.0], |row| row.get(0)).optional()
        })
        .during("read a shard's epoch")?;
    let store = fleet::Epoch(store.unwrap_or(0));
    let given = settle.fence.epoch;
    Ok((store != given).then_some(Refused::Fenced { store, given }))
}

/// The state of the device; `None` if it is gone.
fn state(connection: &Connection, settle: &Settle) -> Result<Option<State>, Error> {
    let mut select = connection.prepare_cached(SELECT).during("read a device's state")?;
    let mut rows = select.query([settle.device.0]).during("read a device's state")?;
    rows.next().during("read a device's state")?.map(State::from_row).transpose()
}

/// Ends those of the jobs that are open, and gives the list of what stays open.
fn end_jobs(connection: &Connection, settle: &Settle, state: &State) -> Result<Vec<u8>, Error> {
    if settle.ended.is_empty() {
        return Ok(state.open_jobs.clone());
    }
    let mut open: Vec<JobId> = rows::open_jobs(&state.open_jobs)?;
    for ended in &settle.ended {
        if let Some(index) = open.iter().position(|id| *id == ended.job) {
            open.remove(index);
            end_job(connection, settle, ended)?;
        }
    }
    Ok(open.iter().flat_map(|id| id.to_bytes()).collect())
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
                settle.fence.epoch.0,
                ended.superseded_by.map(JobId::to_bytes),
                failure,
            ])
        })
        .during("end a job")?;
    Ok(())
}

/// Changes the state row.
fn update(
    connection: &Connection,
    settle: &Settle,
    state: &State,
    settled: Revision,
    open_jobs: &[u8],
) -> Result<(), Error> {
    let condition: Condition = settle.condition;
    let reported = settle.reported.as_ref().map(to_json).transpose()?;
    let boot = settle.boot.as_ref().map(ToString::to_string);
    let trouble = settle.trouble.as_deref();
    let now_has_work = has_work(state.revision, settled, open_jobs, condition, trouble);
    let sql = if now_has_work == state.has_work { UPDATE } else { UPDATE_WITH_WORK };
    let mut update = connection.prepare_cached(sql).during("prepare to record a result")?;
    let mut bind = || {
        update.raw_bind_parameter(1, settle.device.0)?;
        update.raw_bind_parameter(2, settled.0)?;
        update.raw_bind_parameter(3, open_jobs)?;
        update.raw_bind_parameter(4, condition.name())?;
        update.raw_bind_parameter(5, settle.since.0)?;
        update.raw_bind_parameter(6, trouble)?;
        update.raw_bind_parameter(7, boot.as_deref())?;
        update.raw_bind_parameter(8, settle.adopted)?;
        update.raw_bind_parameter(9, reported.as_deref())?;
        update.raw_bind_parameter(10, settle.record_at.0)?;
        if now_has_work != state.has_work {
            update.raw_bind_parameter(11, now_has_work)?;
        }
        update.raw_execute()
    };
    bind().during("record a result")?;
    Ok(())
}

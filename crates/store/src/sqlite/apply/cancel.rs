//! Taking jobs back.

use std::collections::{BTreeSet, HashSet};

use fleet::{Condition, DeviceKey, End, Failure, Job, JobId, Principal, Revision};
use rusqlite::{Connection, Row, params};

use super::camera_patch;
use crate::columns::{column, json, optional, optional_json, parsed, to_json};
use crate::rows::{self, JOB_COLUMNS};
use crate::rules::cancel::{Taken, TakenBack, take_back};
use crate::rules::has_work;
use crate::sqlite::queries::first;
use crate::sqlite::rows::During;
use crate::words::{job_state, open_jobs};
use crate::write::Cancel;
use crate::{Error, Written};

/// What taking back reads of a device's state.
const SELECT: &str = "SELECT revision, settled, condition, trouble, open_jobs, power, desired,
         adoption IS NOT NULL OR copy IS NOT NULL OR power IS NOT NULL
     FROM device_state WHERE device = ?1";

/// A device's state, as far as taking back needs it.
struct State {
    taken: Taken,
    settled: Revision,
    condition: Condition,
    trouble: Option<String>,
    begun: bool,
}

impl State {
    /// A row of [`SELECT`].
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            taken: Taken {
                revision: Revision(column(row, 0)?),
                open_jobs: column(row, 4)?,
                desired: json(row, 6)?,
                power: optional_json(row, 5)?,
            },
            settled: Revision(column(row, 1)?),
            condition: parsed(row, 2)?,
            trouble: optional(row, 3)?,
            begun: column(row, 7)?,
        })
    }
}

/// Takes jobs back.
pub(super) fn cancel(
    connection: &Connection,
    principal: &Principal,
    cancel: &Cancel,
) -> Result<Written, Error> {
    let asked: HashSet<JobId> = cancel.jobs.iter().copied().collect();
    let (mut ended, mut devices) = (Vec::new(), Vec::new());
    for device in concerned(connection, principal, cancel)? {
        let state =
            first(connection, "read a device's state", SELECT, [device.0], State::from_row)?;
        let Some(mut state) = state else {
            continue;
        };
        let jobs = jobs(connection, &open_jobs(&state.taken.open_jobs)?)?;
        let back = take_back(&mut state.taken, jobs, &asked)?;
        if !back.ended.is_empty() {
            update(connection, device, &state)?;
            change_jobs(connection, cancel, &back)?;
            camera_patch::name_back(connection, device, &back.names, cancel.at)?;
            ended.extend(back.ended);
            devices.push(device);
        }
    }
    Ok(Written::Cancelled { ended, devices })
}

/// The devices of those jobs that are open and of the project, if the principal may see it.
fn concerned(
    connection: &Connection,
    principal: &Principal,
    cancel: &Cancel,
) -> Result<BTreeSet<DeviceKey>, Error> {
    if !principal.may_see(cancel.project) {
        return Ok(BTreeSet::new());
    }
    let sql = "SELECT device FROM job WHERE id = ?1 AND project = ?2 AND state = 0";
    let device = |id: &JobId| {
        let params = params![id.to_bytes(), cancel.project.0];
        first(connection, "find a job's device", sql, params, |row| Ok(DeviceKey(column(row, 0)?)))
    };
    cancel.jobs.iter().filter_map(|id| device(id).transpose()).collect()
}

/// These jobs, in this order.
fn jobs(connection: &Connection, ids: &[JobId]) -> Result<Vec<Job>, Error> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM job AS j WHERE j.id = ?1");
    let job =
        |id: &JobId| first(connection, "read a job", &sql, [id.to_bytes()], |row| rows::job(row));
    ids.iter().filter_map(|id| job(id).transpose()).collect()
}

/// Changes the state row.
fn update(connection: &Connection, device: DeviceKey, state: &State) -> Result<(), Error> {
    let Taken { revision, open_jobs, desired, .. } = &state.taken;
    let trouble = state.trouble.as_deref();
    let now_has_work =
        has_work(*revision, state.settled, open_jobs, state.condition, trouble, state.begun);
    connection
        .prepare_cached(
            "UPDATE device_state SET revision = ?2, open_jobs = ?3, desired = ?4, has_work = ?5
             WHERE device = ?1",
        )
        .during("prepare to take jobs back")?
        .execute(params![device.0, revision.0, open_jobs, to_json(desired)?, now_has_work])
        .during("take jobs back")?;
    Ok(())
}

/// Ends the jobs that are taken back, and says what there was before those that stay. No fencing
/// token does: the shard's owner has no say in this.
fn change_jobs(connection: &Connection, cancel: &Cancel, back: &TakenBack) -> Result<(), Error> {
    let failure = Failure::Cancelled { by: cancel.by.clone() };
    let (state, failure) = job_state(&End::Failed { failure })?;
    let sql = "UPDATE job SET state = ?2, ended_at = ?3, failure = ?4 WHERE id = ?1 AND state = 0";
    let mut update = connection.prepare_cached(sql).during("prepare to end jobs")?;
    for job in &back.ended {
        let params = params![job.to_bytes(), state, cancel.at.0, failure];
        update.execute(params).during("end a job")?;
    }
    for (job, before) in &back.before {
        connection
            .prepare_cached("UPDATE job SET before = ?2 WHERE id = ?1")
            .during("prepare to change a job")?
            .execute(params![job.to_bytes(), to_json(before)?])
            .during("change what was before a job")?;
    }
    Ok(())
}

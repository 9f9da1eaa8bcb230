//! Taking jobs back. Under the locks of the devices' states.

use std::collections::HashSet;

use fleet::{Condition, DeviceKey, End, Failure, JobId, Principal, Revision};
use tokio_postgres::Row;

use super::camera_patch;
use crate::Error;
use crate::Written;
use crate::columns::{column, json, optional, optional_json, parsed, to_json};
use crate::postgres::connection::{Connection, Params};
use crate::rows::{self, JOB_COLUMNS};
use crate::rules::cancel::{Taken, TakenBack, take_back};
use crate::rules::has_work;
use crate::words::{job_state, open_jobs};
use crate::write::Cancel;

/// What taking back reads of the devices' states. They are locked in their order.
const LOCK: &str =
    "SELECT device, revision, settled, condition, trouble, open_jobs, power, desired,
         adoption IS NOT NULL OR copy IS NOT NULL OR power IS NOT NULL
     FROM device_state WHERE device = ANY($1::bigint[]) ORDER BY device FOR UPDATE";

/// A device's state, as far as taking back needs it.
struct State {
    device: DeviceKey,
    taken: Taken,
    settled: Revision,
    condition: Condition,
    trouble: Option<String>,
    begun: bool,
}

impl State {
    /// A row of [`LOCK`].
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            device: DeviceKey(column(row, 0)?),
            taken: Taken {
                revision: Revision(column(row, 1)?),
                open_jobs: column(row, 5)?,
                desired: json(row, 7)?,
                power: optional_json(row, 6)?,
            },
            settled: Revision(column(row, 2)?),
            condition: parsed(row, 3)?,
            trouble: optional(row, 4)?,
            begun: column(row, 8)?,
        })
    }
}

/// Takes jobs back.
pub(super) async fn cancel(
    c: &Connection,
    principal: &Principal,
    cancel: &Cancel,
) -> Result<Written, Error> {
    let (mut ended, mut devices) = (Vec::new(), Vec::new());
    if !principal.may_see(cancel.project) {
        return Ok(Written::Cancelled { ended, devices });
    }
    let asked: HashSet<JobId> = cancel.jobs.iter().copied().collect();
    let sql = "SELECT DISTINCT device FROM job
         WHERE id = ANY($1::bytea[]) AND project = $2 AND state = 0";
    let params: Params<'_> = &[&bytes(&cancel.jobs), &cancel.project.0];
    let concerned: Vec<i64> =
        c.all("find the devices of jobs", sql, params, |row| column(row, 0)).await?;
    let states = c.all("lock the states of devices", LOCK, &[&concerned], State::from_row).await?;
    for mut state in states {
        let sql = format!(
            "SELECT {JOB_COLUMNS} FROM job AS j WHERE j.id = ANY($1::bytea[]) ORDER BY j.revision"
        );
        let open = bytes(&open_jobs(&state.taken.open_jobs)?);
        let jobs = c.all("read open jobs", &sql, &[&open], rows::job).await?;
        let back = take_back(&mut state.taken, jobs, &asked)?;
        if !back.ended.is_empty() {
            update(c, &state).await?;
            change_jobs(c, cancel, &back).await?;
            camera_patch::name_back(c, state.device, &back.names, cancel.at).await?;
            ended.extend(back.ended);
            devices.push(state.device);
        }
    }
    Ok(Written::Cancelled { ended, devices })
}

/// Ids as a statement takes them.
fn bytes(jobs: &[JobId]) -> Vec<Vec<u8>> {
    jobs.iter().map(|job| job.to_bytes().to_vec()).collect()
}

/// Changes the state row.
async fn update(c: &Connection, state: &State) -> Result<(), Error> {
    let Taken { revision, open_jobs, desired, .. } = &state.taken;
    let trouble = state.trouble.as_deref();
    let now_has_work =
        has_work(*revision, state.settled, open_jobs, state.condition, trouble, state.begun);
    let sql = "UPDATE device_state SET revision = $2, open_jobs = $3, desired = $4, has_work = $5
         WHERE device = $1";
    let desired = to_json(desired)?;
    let params: Params<'_> = &[&state.device.0, &revision.0, open_jobs, &desired, &now_has_work];
    c.execute("take jobs back", sql, params).await?;
    Ok(())
}

/// Ends the jobs that are taken back, and says what there was before those that stay. No fencing
/// token does: the shard's owner has no say in this.
async fn change_jobs(c: &Connection, cancel: &Cancel, back: &TakenBack) -> Result<(), Error> {
    let failure = Failure::Cancelled { by: cancel.by.clone() };
    let (state, failure) = job_state(&End::Failed { failure })?;
    let sql = "UPDATE job SET state = $2, ended_at = $3, failure = $4
         WHERE id = ANY($1::bytea[]) AND state = 0";
    let params: Params<'_> = &[&bytes(&back.ended), &state, &cancel.at.0, &failure];
    c.execute("end jobs", sql, params).await?;
    for (job, before) in &back.before {
        let (job, before) = (job.to_bytes(), to_json(before)?);
        let sql = "UPDATE job SET before = $2 WHERE id = $1";
        c.execute("change what was before a job", sql, &[&job.as_slice(), &before]).await?;
    }
    Ok(())
}

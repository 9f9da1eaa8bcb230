//! Accepting an update: the path that every call takes, and so the one that has to be short. Per
//! entry it is one look at the state row, one change of it and one new job; for a GB device also a
//! look at its binding, and what it puts on record.

use std::collections::BTreeMap;

use fleet::{Before, Condition, Desired, JobId, Operation, Principal, Refusal, Revision, Values};
use rusqlite::{CachedStatement, Connection, Row, params};

use super::{bindings, camera_patch};
use crate::Error;
use crate::columns::{Columns, column, json, optional, optional_json, parsed, to_json};
use crate::rows::idempotency::accepted_before;
use crate::rules::{self, before};
use crate::sqlite::queries::first;
use crate::sqlite::rows::During;
use crate::words::{OPEN, RECORDED, job_operation};
use crate::write::{Accept, AcceptEntry, AcceptedEntry};

/// What accepting reads of a device's state.
const SELECT: &str = "SELECT project, has_work, frozen, revision, settled, condition, newest_job,
         open_jobs, desired, reported
     FROM device_state WHERE device = ?1";
/// Changes the state of a device that has work already. It does not name `has_work`, so SQLite
/// leaves the index over that alone.
const UPDATE: &str = "UPDATE device_state
     SET revision = ?2, newest_job = ?3, open_jobs = ?4, desired = ?5 WHERE device = ?1";
/// Changes the state of a device that had no work.
const UPDATE_AT_REST: &str = "UPDATE device_state
     SET revision = ?2, newest_job = ?3, open_jobs = ?4, desired = ?5, has_work = 1
     WHERE device = ?1";
/// Changes the state of a device of which nothing is asked but records: its work is what it was.
const UPDATE_RECORDED: &str = "UPDATE device_state
     SET revision = ?2, newest_job = ?3, settled = ?4 WHERE device = ?1";
/// Records a job.
const INSERT: &str = "INSERT INTO job (id, device, project, revision, previous, state, stored,
         door, actor, accepted_at, ended_at, patch, operation, record, before)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// Accepts the entries in their order; each is accepted or refused alone. To one who may not see
/// the project, none of its devices exists.
pub(super) fn accept(
    connection: &Connection,
    principal: &Principal,
    accept: &Accept,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    if !principal.may_see(accept.project) {
        return Ok(accept.entries.iter().map(|_| Err(Refusal::DeviceUnknown)).collect());
    }
    accept_for(connection, principal.name(), accept)
}

/// The same on behalf of `actor`, who may.
pub(super) fn accept_for(
    connection: &Connection,
    actor: &str,
    accept: &Accept,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    let prepare = |sql| connection.prepare_cached(sql).during("prepare to accept");
    let mut statements = Statements {
        connection,
        select: prepare(SELECT)?,
        update: prepare(UPDATE)?,
        update_at_rest: prepare(UPDATE_AT_REST)?,
        insert: prepare(INSERT)?,
    };
    accept.entries.iter().map(|entry| statements.accept_entry(actor, accept, entry)).collect()
}

/// The statements of one call, looked up once for all its entries.
struct Statements<'c> {
    /// For what a GB device's entry needs besides.
    connection: &'c Connection,
    select: CachedStatement<'c>,
    update: CachedStatement<'c>,
    update_at_rest: CachedStatement<'c>,
    insert: CachedStatement<'c>,
}

/// A device's state, as far as accepting needs it.
struct State {
    project: i64,
    has_work: bool,
    frozen: bool,
    revision: Revision,
    settled: Revision,
    condition: Condition,
    /// The last job that was accepted for the device, if there is one: the one before the next.
    newest_job: Option<[u8; 16]>,
    open_jobs: Vec<u8>,
    desired: Desired,
    /// What the device has shown at the names that are asked for.
    shown: Values,
}

impl State {
    /// A row of [`SELECT`], for a patch. Where that is empty, the last column is not looked at.
    fn from_row(row: &Row<'_>, patch: &Values) -> Result<Self, Error> {
        let reported = if patch.is_empty() { None } else { row.text(9)? };
        Ok(Self {
            project: column(row, 0)?,
            has_work: column(row, 1)?,
            frozen: column(row, 2)?,
            revision: Revision(column(row, 3)?),
            settled: Revision(column(row, 4)?),
            condition: parsed(row, 5)?,
            newest_job: optional(row, 6)?,
            open_jobs: column(row, 7)?,
            desired: json(row, 8)?,
            shown: before::shown(reported.unwrap_or_default(), patch)?,
        })
    }
}

impl Statements<'_> {
    /// Accepts one entry, or says why not before anything is written.
    fn accept_entry(
        &mut self,
        actor: &str,
        accept: &Accept,
        entry: &AcceptEntry,
    ) -> Result<Result<AcceptedEntry, Refusal>, Error> {
        let job = rules::job(accept, entry)?;
        if accept.may_repeat
            && let Some(done) = self.accepted_before(job)?
        {
            return Ok(rules::idempotency::repeated(entry, done));
        }
        let mut state = match self.state(entry)? {
            Some(state) if state.project == accept.project.0 => state,
            _ => return Ok(Err(Refusal::DeviceUnknown)),
        };
        let (revision, open_jobs) = (state.revision, state.open_jobs.len() / 16);
        let refusal = rules::refusal_of(revision, state.frozen, open_jobs, &state.desired, entry);
        if let Some(refusal) = refusal {
            return Ok(Err(refusal));
        }
        if let Some(patch) = &entry.camera
            && let Some(refusal) =
                camera_patch::refusal(self.connection, accept.project, entry.device, patch)?
        {
            return Ok(Err(refusal));
        }
        let shown = std::mem::take(&mut state.shown);
        let mut on_record = on_record(self.connection, entry)?;
        if let Some(patch) = &entry.camera {
            on_record.extend(camera_patch::names(self.connection, entry.device, patch)?);
        }
        let before = before::column(entry, &state.desired, shown, on_record)?;
        let ended = rules::is_of_records_alone(entry);
        let revision = state.revision.next();
        if ended {
            self.update_recorded(entry, &state, (revision, job))?;
        } else {
            state.open_jobs.extend_from_slice(&job.to_bytes());
            state.desired.merge(&entry.patch, revision);
            self.update_state(entry, &state, (revision, job))?;
        }
        if let Some(patch) = &entry.camera {
            let (project, at) = (accept.project, accept.at);
            camera_patch::apply(self.connection, project, entry.device, patch, at)?;
        }
        let stored = !ended
            && entry.operation == Operation::Update
            && self.is_away(accept, entry, &state)?;
        let accepted = AcceptedEntry { device: entry.device, job, revision, stored, ended };
        self.insert_job((actor, before, state.newest_job), accept, entry, accepted)?;
        Ok(Ok(accepted))
    }

    /// Changes the state of a device that has got an open job, with the revision that it gave.
    fn update_state(
        &mut self,
        entry: &AcceptEntry,
        state: &State,
        (revision, job): (Revision, JobId),
    ) -> Result<(), Error> {
        let update = if state.has_work { &mut self.update } else { &mut self.update_at_rest };
        let desired = to_json(&state.desired)?;
        update
            .execute(params![entry.device.0, revision.0, job.to_bytes(), state.open_jobs, desired])
            .during("change desired state")?;
        Ok(())
    }

    /// Changes the state of a device whose job has ended with this, with the revision that it gave.
    /// Where all before it was settled, so is this.
    fn update_recorded(
        &self,
        entry: &AcceptEntry,
        state: &State,
        (revision, job): (Revision, JobId),
    ) -> Result<(), Error> {
        let settled = if state.settled == state.revision { revision } else { state.settled };
        self.connection
            .prepare_cached(UPDATE_RECORDED)
            .and_then(|mut update| {
                update.execute(params![entry.device.0, revision.0, job.to_bytes(), settled.0])
            })
            .during("count a revision")?;
        Ok(())
    }

    /// Records the entry's job, with who asks, what there was before it and the device's last job.
    fn insert_job(
        &mut self,
        (actor, before, previous): (&str, Option<String>, Option<[u8; 16]>),
        accept: &Accept,
        entry: &AcceptEntry,
        accepted: AcceptedEntry,
    ) -> Result<(), Error> {
        let state = if accepted.ended { RECORDED } else { OPEN };
        let record = (!entry.record.is_empty()).then(|| to_json(&entry.record)).transpose()?;
        self.insert
            .execute(params![
                accepted.job.to_bytes(),
                entry.device.0,
                accept.project.0,
                accepted.revision.0,
                previous,
                state,
                accepted.stored,
                accept.door.name(),
                actor,
                accept.at.0,
                accepted.ended.then_some(accept.at.0),
                to_json(&entry.patch)?,
                job_operation(entry.operation, entry.clear),
                record,
                before,
            ])
            .during("record a job")?;
        Ok(())
    }

    /// Whether the device is not there to take values. A GB device's binding alone tells that.
    fn is_away(&self, accept: &Accept, entry: &AcceptEntry, state: &State) -> Result<bool, Error> {
        match entry.camera {
            None => Ok(state.condition.stores()),
            Some(_) => Ok(!bindings::is_live(self.connection, entry.device, accept.at)?),
        }
    }

    /// The entry whose job is there already, as it was accepted.
    fn accepted_before(&self, job: JobId) -> Result<Option<AcceptedEntry>, Error> {
        let sql = "SELECT device, revision, stored, state FROM job WHERE id = ?1";
        let read = |row: &Row<'_>| accepted_before(row, job);
        first(self.connection, "look for a job", sql, [job.to_bytes()], read)
    }

    /// The state of the entry's device; `None` if the device is gone.
    fn state(&mut self, entry: &AcceptEntry) -> Result<Option<State>, Error> {
        let mut rows = self.select.query([entry.device.0]).during("read a device's state")?;
        let row = rows.next().during("read a device's state")?;
        row.map(|row| State::from_row(row, &entry.patch)).transpose()
    }
}

/// What is on record now of what the entry puts there. Asked of a GB device alone, and only if
/// there is such a thing.
fn on_record(
    connection: &Connection,
    entry: &AcceptEntry,
) -> Result<BTreeMap<String, Before>, Error> {
    const OF_DEVICE: &str = "SELECT t.record, o.path FROM camera AS t
         LEFT JOIN organization AS o ON o.key = t.organization WHERE t.device = ?1";
    const OF_CHANNEL: &str = "SELECT t.record, o.path FROM channel AS t
         LEFT JOIN organization AS o ON o.key = t.organization WHERE t.device = ?1 AND t.id = ?2";
    let mut found = BTreeMap::new();
    for (channel, asked) in before::places(entry) {
        let read = |row: &Row<'_>| {
            let values: Values = optional_json(row, 0)?.unwrap_or_default();
            Ok(before::on_record(&asked, &values, row.text(1)?).collect::<Vec<_>>())
        };
        let operation = "read what was on record";
        let device = entry.device.0;
        let values = match channel {
            None => first(connection, operation, OF_DEVICE, [device], read)?,
            Some(id) => {
                first(connection, operation, OF_CHANNEL, params![device, id.as_str()], read)?
            }
        };
        found.extend(values.unwrap_or_default());
    }
    Ok(found)
}

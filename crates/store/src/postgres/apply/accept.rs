//! Accepting an update: the path that every call takes, and so the one that has to be short. Per
//! entry it is one look at the state, one change of it and one new job; for a GB device also a look
//! at its binding, and what it puts on record.

use std::collections::BTreeMap;

use fleet::{Before, Operation, Principal, Refusal, Values};
use tokio_postgres::Row;

use super::camera_patch;
use super::hot::{Ledger, NewJob};
use crate::Error;
use crate::columns::{Columns, optional_json, to_json};
use crate::postgres::connection::Connection;
use crate::rules::{self, before};
use crate::words::{OPEN, RECORDED, job_operation};
use crate::write::{Accept, AcceptEntry, AcceptedEntry};

/// Accepts the entries in their order; each is accepted or refused alone. To one who may not see
/// the project, none of its devices exists.
pub(super) async fn accept<'w>(
    c: &Connection,
    ledger: &mut Ledger<'w>,
    principal: &'w Principal,
    accept: &'w Accept,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    if !principal.may_see(accept.project) {
        return Ok(accept.entries.iter().map(|_| Err(Refusal::DeviceUnknown)).collect());
    }
    accept_for(c, ledger, principal.name(), accept).await
}

/// The same on behalf of `actor`, who may.
pub(super) async fn accept_for<'w>(
    c: &Connection,
    ledger: &mut Ledger<'w>,
    actor: &'w str,
    accept: &'w Accept,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    let mut results = Vec::with_capacity(accept.entries.len());
    for entry in &accept.entries {
        results.push(accept_entry(c, ledger, actor, accept, entry).await?);
    }
    Ok(results)
}

/// Accepts one entry, or says why not before anything is changed.
async fn accept_entry<'w>(
    c: &Connection,
    ledger: &mut Ledger<'w>,
    actor: &'w str,
    accept: &'w Accept,
    entry: &'w AcceptEntry,
) -> Result<Result<AcceptedEntry, Refusal>, Error> {
    let (project, device, at) = (accept.project, entry.device, accept.at);
    let job = rules::job(accept, entry)?;
    if accept.may_repeat
        && let Some(done) = ledger.accepted_before(job)
    {
        return Ok(rules::idempotency::repeated(entry, done));
    }
    let ended = rules::is_of_records_alone(entry);
    let Some(state) = ledger.state(device).filter(|state| state.project == project) else {
        return Ok(Err(Refusal::DeviceUnknown));
    };
    let (revision, open_jobs) = (state.revision, state.open_jobs.len() / 16);
    let refusal = rules::refusal_of(revision, state.frozen, open_jobs, &state.desired, entry);
    if let Some(refusal) = refusal {
        return Ok(Err(refusal));
    }
    let mut was_on_record = BTreeMap::new();
    if let Some(patch) = &entry.camera {
        if let Some(refusal) = camera_patch::refusal(c, project, device, patch).await? {
            return Ok(Err(refusal));
        }
        was_on_record = on_record(c, entry).await?;
        was_on_record.extend(camera_patch::names(c, device, patch).await?);
        if camera_patch::apply(c, project, device, patch, at).await? {
            ledger.record_changed(device, at);
        }
    }
    let is_registered = entry.camera.as_ref().map(|_| ledger.is_registered(device, at));
    let Some(state) = ledger.state(device) else {
        return Ok(Err(Refusal::DeviceUnknown));
    };
    let shown = state.shown(&entry.patch)?;
    let before = before::column(entry, &state.desired, shown, was_on_record)?;
    let revision = state.revision.next();
    if ended {
        // Where all before it was settled, so is this: its work is what it was.
        if state.settled == state.revision {
            state.settled = revision;
        }
    } else {
        state.open_jobs.extend_from_slice(&job.to_bytes());
        state.has_work = true;
        if !entry.patch.is_empty() {
            state.desired.merge(&entry.patch, revision);
            state.is_desired_anew = true;
        }
    }
    state.revision = revision;
    let previous = state.newest_job.replace(job.to_bytes());
    state.is_changed = true;
    // A GB device's binding alone tells whether it is there to take values.
    let is_away = match is_registered {
        Some(is_registered) => !is_registered,
        None => state.condition.stores(),
    };
    let stored = !ended && entry.operation == Operation::Update && is_away;
    let accepted = AcceptedEntry { device, job, revision, stored, ended };
    if accept.may_repeat {
        ledger.note_accepted(accepted);
    }
    ledger.jobs.push(new_job((actor, before, previous), accept, entry, accepted)?);
    Ok(Ok(accepted))
}

/// What is on record now of what the entry puts there. Asked only if there is such a thing.
async fn on_record(c: &Connection, entry: &AcceptEntry) -> Result<BTreeMap<String, Before>, Error> {
    const OF_DEVICE: &str = "SELECT t.record, o.path FROM camera AS t
         LEFT JOIN organization AS o ON o.key = t.organization WHERE t.device = $1";
    const OF_CHANNEL: &str = "SELECT t.record, o.path FROM channel AS t
         LEFT JOIN organization AS o ON o.key = t.organization WHERE t.device = $1 AND t.id = $2";
    let mut found = BTreeMap::new();
    for (channel, asked) in before::places(entry) {
        let read = |row: &Row| {
            let values: Values = optional_json(row, 0)?.unwrap_or_default();
            Ok(before::on_record(&asked, &values, row.text(1)?).collect::<Vec<_>>())
        };
        let operation = "read what was on record";
        let device = &entry.device.0;
        let values = match channel {
            None => c.first(operation, OF_DEVICE, &[device], read).await?,
            Some(id) => c.first(operation, OF_CHANNEL, &[device, &id.as_str()], read).await?,
        };
        found.extend(values.unwrap_or_default());
    }
    Ok(found)
}

/// The entry's job, with who asks, what there was before it and the device's last job.
fn new_job<'w>(
    (actor, before, previous): (&'w str, Option<String>, Option<[u8; 16]>),
    accept: &'w Accept,
    entry: &'w AcceptEntry,
    accepted: AcceptedEntry,
) -> Result<NewJob<'w>, Error> {
    Ok(NewJob {
        id: accepted.job.to_bytes(),
        device: entry.device.0,
        project: accept.project.0,
        revision: accepted.revision.0,
        previous,
        state: if accepted.ended { RECORDED } else { OPEN },
        stored: accepted.stored,
        door: accept.door.name(),
        actor,
        accepted_at: accept.at.0,
        ended_at: accepted.ended.then_some(accept.at.0),
        patch: to_json(&entry.patch)?,
        operation: job_operation(entry.operation, entry.clear),
        record: (!entry.record.is_empty()).then(|| to_json(&entry.record)).transpose()?,
        before,
    })
}

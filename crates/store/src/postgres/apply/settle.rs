//! Recording what a step of a lane has found.

use fleet::{JobId, Principal};

use super::hot::{Found, JobEnd, Ledger, State};
use crate::words::job_state;
use crate::write::{Settle, Settled};
use crate::{Error, Refused, Written, rules};

/// Records the result if the fence holds. A fence of another shard than the device's proves
/// nothing about the device, so under that shard it does not exist.
pub(super) fn settle<'w>(
    ledger: &mut Ledger<'w>,
    principal: &Principal,
    settle: &'w Settle,
) -> Result<Result<Written, Refused>, Error> {
    let (fence, device) = (settle.fence, settle.device);
    if !ledger.holds(fence, device, settle.at) {
        return Ok(Err(Refused::Fenced));
    }
    let is_of_the_record = ledger.is_of_the_record(device, settle.record_at);
    let state = match ledger.state(device) {
        Some(state)
            if principal.may_see(state.project) && !rules::is_of_another_shard(fence, device) =>
        {
            state
        }
        _ => return Ok(Err(Refused::NoSuchDevice)),
    };
    if settle.read.is_some_and(|read| read != (state.condition, state.since)) {
        return Ok(Err(Refused::Stale));
    }
    let (ending, open) = rules::end_open(&state.open_jobs, &settle.ended)?;
    state.open_jobs = open;
    if let Some(revision) = settle.forget_below {
        state.desired.0.retain(|_, value| value.revision >= revision);
        state.is_desired_anew = true;
    }
    // Above the revision there is nothing that could be settled.
    state.settled = state.settled.max(settle.settled.min(state.revision));
    if rules::is_about_adoption(settle, state.adopted) && is_of_the_record {
        state.adopted |= settle.adopted;
        if state.adoption == settle.adoption_done {
            state.adoption = None;
        }
        desire(state, settle);
    }
    state.condition = settle.condition;
    state.since = settle.since;
    let before = state.found.unwrap_or_default();
    let found = Found {
        trouble: settle.trouble.as_deref(),
        copy: settle.copy,
        power: settle.power.as_ref(),
        boot: settle.boot.as_ref().or(before.boot),
        reported: settle.reported.as_ref().or(before.reported),
        restart_pending: settle.restart_pending.as_ref().or(before.restart_pending),
    };
    let begun = state.adoption.is_some() || found.copy.is_some() || found.power.is_some();
    state.has_work = rules::has_work(
        state.revision,
        state.settled,
        &state.open_jobs,
        state.condition,
        found.trouble,
        begun,
    );
    state.found = Some(found);
    state.is_changed = true;
    let settled = Settled {
        revision: state.revision,
        settled: state.settled,
        open_jobs: state.open_jobs.len() / 16,
    };
    for ended in ending {
        let (state, failure) = job_state(&ended.end)?;
        ledger.ends.push(JobEnd {
            id: ended.job.to_bytes(),
            state,
            ended_at: settle.at.0,
            finisher_epoch: rules::finisher(fence),
            superseded_by: ended.superseded_by.map(JobId::to_bytes),
            failure,
        });
    }
    if let Some(facts) = &settle.facts {
        ledger.facts.insert(device, facts);
    }
    Ok(Ok(Written::Settled(settled)))
}

/// Takes up the values that an adopted device showed, at a revision of their own.
fn desire(state: &mut State<'_>, settle: &Settle) {
    let new = rules::newly_desired(&state.desired, &settle.desire);
    if new.is_empty() {
        return;
    }
    let revision = state.revision.next();
    state.desired.merge(&new, revision);
    state.is_desired_anew = true;
    if state.settled == state.revision {
        state.settled = revision;
    }
    state.revision = revision;
}

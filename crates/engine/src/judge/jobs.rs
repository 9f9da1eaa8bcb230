//! Which open jobs end, given where each desired value stands.

use std::collections::BTreeMap;

use fleet::{End, Job, JobId, Operation, Proof, Revision};
use store::Work;
use store::write::EndedJob;

use super::stand::{Stand, Stands};

/// The open jobs that end. Those that asked for a restart, reset or stop do only if the device has
/// just come back from it: those up to `restarted`.
pub(super) fn ended(
    work: &Work,
    stands: &Stands<'_>,
    restarted: Option<Revision>,
) -> Vec<EndedJob> {
    // From the newest to the oldest, so that a job's successor has been judged before it.
    let mut ends: BTreeMap<JobId, Option<End>> = BTreeMap::new();
    let mut ended = Vec::new();
    for job in work.jobs.iter().rev() {
        let waits = job.operation.is_power() && restarted.is_none_or(|to| job.revision > to);
        let successors = successors(work, job);
        let end = match successors.as_slice() {
            _ if waits => None,
            [Some(only)] => ends.get(only).cloned().unwrap_or_else(|| own_end(job, stands)),
            _ => own_end(job, stands),
        };
        ends.insert(job.id, end.clone());
        if let Some(end) = end {
            let superseded_by = successors.last().copied().flatten();
            ended.push(EndedJob { job: job.id, end, superseded_by });
        }
    }
    ended.reverse();
    ended
}

/// How the job ends by the values at the names it asked for; `None` while one is undecided.
fn own_end(job: &Job, stands: &Stands<'_>) -> Option<End> {
    let mut failure = None;
    let mut proof = Proof::Verified;
    for name in job.patch.keys() {
        match stands.get(name.as_str()) {
            Some(Stand::Shown) => {}
            Some(Stand::Acknowledged) => proof = Proof::Acknowledged,
            Some(Stand::Recorded) if proof == Proof::Verified => proof = Proof::Recorded,
            Some(Stand::Recorded) => {}
            Some(Stand::Failed(why)) => failure = failure.or_else(|| Some(why.clone())),
            // One that a reset has cleared since is not asked for any more.
            None => {}
            Some(Stand::Undecided) => return None,
        }
    }
    Some(match failure {
        Some(failure) => End::Failed { failure },
        None => End::Succeeded { proof },
    })
}

/// The jobs that took the place of all of this job's values, oldest first, `None` for one that has
/// ended; empty if one of its values still stands, or it asked for more than values.
fn successors(work: &Work, job: &Job) -> Vec<Option<JobId>> {
    if job.operation != Operation::Update {
        return Vec::new();
    }
    let mut revisions = Vec::new();
    for name in job.patch.keys() {
        match work.state.desired.get(name) {
            Some(desired) if desired.revision > job.revision => revisions.push(desired.revision),
            Some(_) => return Vec::new(),
            // A reset has cleared it.
            None => match work.jobs.iter().find(|other| clears(other, job)) {
                Some(other) => revisions.push(other.revision),
                None => return Vec::new(),
            },
        }
    }
    revisions.sort_unstable();
    revisions.dedup();
    revisions
        .iter()
        .map(|revision| work.jobs.iter().find(|other| other.revision == *revision))
        .map(|other| other.map(|other| other.id))
        .collect()
}

/// Whether `other` is a later reset, which may have cleared what `job` asked for.
fn clears(other: &Job, job: &Job) -> bool {
    other.operation == Operation::Reset && other.revision > job.revision
}

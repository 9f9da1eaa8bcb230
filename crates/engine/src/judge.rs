//! How a step's report changes the record: what is reported now, which jobs end and how. Pure.
//!
//! A job ends when each value it asked for is decided. A value is decided when the device has shown
//! it, or was asked often enough and did not. What counts is the value that stands in the desired
//! state now: the job's own, or a later one that took its place. A job all of whose values were
//! replaced by one later job ends as that one does.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fleet::desired::DesiredValue;
use fleet::limits;
use fleet::{Condition, End, Failure, Job, JobId, Proof, Reported, Revision, Timestamp};
use store::Work;
use store::write::EndedJob;

use crate::driver::{Action, Away, Fault, Reached, Report};
use crate::lane::Attempts;

/// What the judge goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long a job may stay open on a device that can't be worked on.
    pub job_deadline: Duration,
    /// Attempts at a value that the device refuses or shows otherwise.
    pub refused_attempts_max: u8,
    /// Attempts at what a boot has wiped.
    pub boot_attempts_max: u8,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            job_deadline: limits::JOB_DEADLINE,
            refused_attempts_max: limits::REFUSED_ATTEMPTS_MAX,
            boot_attempts_max: limits::BOOT_ATTEMPTS_MAX,
        }
    }
}

/// What a step has found, as it is to be recorded, and what follows for the lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether anything of the record changes. If not, nothing needs to be written.
    pub changes: bool,
    /// The new reported state, if the device was read.
    pub reported: Option<Reported>,
    /// The boot to put on record: the one it was read in, once all that it wiped is back.
    pub boot: Option<fleet::BootIdentity>,
    /// What is settled.
    pub settled: Revision,
    /// How the device is doing.
    pub condition: Condition,
    /// Since when the condition or the trouble has lasted.
    pub since: Timestamp,
    /// Why it can't be worked on, if it can't.
    pub trouble: Option<String>,
    /// Whether it has proved to be the one on record.
    pub adopted: bool,
    /// The jobs that end.
    pub ended: Vec<EndedJob>,
    /// What follows.
    pub next: Next,
}

/// What follows a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing, unless there is newer work.
    Rest,
    /// Another attempt after a wait that grows with the attempts.
    Retry(Attempts),
    /// Another attempt after a short wait, and at the latest at the deadline of a job.
    RetrySoon(Attempts),
}

/// Judges the step that was planned as `action` from `work`.
pub fn judge(
    work: &Work,
    action: &Action,
    report: &Report,
    attempts: Attempts,
    rules: Rules,
    now: Timestamp,
) -> Verdict {
    match report {
        Report::Reached(reached) => judge_reached(work, action, reached, attempts, rules, now),
        Report::Away(away) => judge_away(work, away, attempts, rules, now),
    }
}

/// Judges a step that had nothing to do on the device: every open job asked for nothing.
pub fn judge_nothing(work: &Work) -> Verdict {
    let state = &work.state;
    let ended: Vec<EndedJob> = work
        .jobs
        .iter()
        .map(|job| EndedJob {
            job: job.id,
            end: End::Succeeded { proof: Proof::Verified },
            superseded_by: None,
        })
        .collect();
    Verdict {
        changes: !ended.is_empty() || state.settled < state.revision,
        reported: None,
        boot: None,
        settled: state.revision,
        condition: state.condition,
        since: state.since,
        trouble: state.trouble.clone(),
        adopted: state.adopted,
        ended,
        next: Next::Rest,
    }
}

/// Where one desired value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stand {
    Shown,
    Failed(Failure),
    Undecided,
}

fn judge_reached(
    work: &Work,
    action: &Action,
    reached: &Reached,
    attempts: Attempts,
    rules: Rules,
    now: Timestamp,
) -> Verdict {
    let state = &work.state;
    let attempts = attempts_with_this(work, reached, attempts);
    let stands: BTreeMap<&str, Stand> = state
        .desired
        .0
        .iter()
        .map(|(name, desired)| {
            // What was decided once is not tried again for a job that still waits for others.
            let last = desired.revision <= state.settled
                || attempts.refused >= rules.refused_attempts_max
                    && desired.revision <= attempts.through;
            (name.as_str(), stand(name, desired, reached, last))
        })
        .collect();
    let undecided = undecided(work, &stands);
    let settled = undecided.map_or(state.revision, |first| Revision(first.0 - 1));
    let restored = is_restored(work, action, reached, &stands, attempts, rules);

    let mut reported = state.reported.clone();
    reported.revision = state.revision;
    reported.record(&reached.shown, now);

    let ended = ended_jobs(work, &stands);
    let unfinished = undecided.is_some() || !restored || ended.len() < work.jobs.len();
    let well = state.condition == Condition::Running && state.trouble.is_none();
    let attempts = Attempts { wiped: if restored { 0 } else { attempts.wiped }, ..attempts };
    Verdict {
        changes: true,
        reported: Some(reported),
        boot: reached.boot.clone().filter(|_| restored),
        settled: settled.max(state.settled),
        condition: Condition::Running,
        since: if well { state.since } else { now },
        trouble: None,
        adopted: true,
        ended,
        next: if unfinished {
            Next::Retry(decided_up_to(attempts, settled, state.revision))
        } else {
            Next::Rest
        },
    }
}

/// The attempts with the one that was just made. The first one is at all that was desired then.
fn attempts_with_this(work: &Work, reached: &Reached, before: Attempts) -> Attempts {
    let mut hasher = DefaultHasher::new();
    reached.boot.hash(&mut hasher);
    let boot = hasher.finish();
    Attempts {
        away: 0,
        refused: before.refused.saturating_add(1),
        through: if before.refused == 0 { work.state.revision } else { before.through },
        wiped: if before.boot == boot { before.wiped.saturating_add(1) } else { 1 },
        boot,
    }
}

/// What to remember of the attempts once all is decided up to `settled`. If that is all that they
/// were counted for, the values after it begin with the one attempt that they have had.
fn decided_up_to(attempts: Attempts, settled: Revision, revision: Revision) -> Attempts {
    if settled < attempts.through {
        attempts
    } else {
        Attempts { refused: u8::from(settled < revision), through: revision, ..attempts }
    }
}

/// The lowest revision of a value that is undecided.
fn undecided(work: &Work, stands: &BTreeMap<&str, Stand>) -> Option<Revision> {
    let state = &work.state;
    state
        .desired
        .0
        .iter()
        .filter(|(name, desired)| {
            desired.revision > state.settled && stands.get(name.as_str()) == Some(&Stand::Undecided)
        })
        .map(|(_, desired)| desired.revision)
        .min()
}

/// Whether the boot may go on record: all that it wiped is back, or was asked for often enough. A
/// value that was pending when the boot came is among it: it may be refused only while the phone's
/// services come up. Until then, what is missing counts as wiped in the next attempt too.
fn is_restored(
    work: &Work,
    action: &Action,
    reached: &Reached,
    stands: &BTreeMap<&str, Stand>,
    attempts: Attempts,
    rules: Rules,
) -> bool {
    reached.boot == work.state.boot
        || attempts.wiped >= rules.boot_attempts_max
        || action.set_after_boot.keys().chain(action.set.keys()).all(|name| {
            matches!(
                stands.get(name.as_str()),
                Some(Stand::Shown | Stand::Failed(Failure::Unsupported { .. }))
            )
        })
}

fn stand(name: &str, desired: &DesiredValue, reached: &Reached, last: bool) -> Stand {
    let name = name.to_owned();
    match reached.faults.get(&name) {
        Some(Fault::Unsupported(detail)) => {
            return Stand::Failed(Failure::Unsupported { name, detail: detail.clone() });
        }
        Some(Fault::Refused(detail)) if last => {
            return Stand::Failed(Failure::Refused { name, detail: detail.clone() });
        }
        Some(Fault::Refused(_)) => return Stand::Undecided,
        None => {}
    }
    match reached.shown.get(&name) {
        Some(Some(shown)) if *shown == desired.value => Stand::Shown,
        Some(shown) if last => {
            Stand::Failed(Failure::ReadBackDiffers { name, shown: shown.clone() })
        }
        _ if last => Stand::Failed(Failure::ReadBackDiffers { name, shown: None }),
        _ => Stand::Undecided,
    }
}

/// The open jobs that end, given where each desired value stands.
fn ended_jobs(work: &Work, stands: &BTreeMap<&str, Stand>) -> Vec<EndedJob> {
    // From the newest to the oldest, so that a job's successor has been judged before it.
    let mut ends: BTreeMap<JobId, Option<End>> = BTreeMap::new();
    let mut ended = Vec::new();
    for job in work.jobs.iter().rev() {
        let successors = successors(work, job);
        let end = match successors.as_slice() {
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
fn own_end(job: &Job, stands: &BTreeMap<&str, Stand>) -> Option<End> {
    let mut failure = None;
    for name in job.patch.keys() {
        match stands.get(name.as_str()) {
            Some(Stand::Shown) => {}
            Some(Stand::Failed(why)) => failure = failure.or_else(|| Some(why.clone())),
            Some(Stand::Undecided) | None => return None,
        }
    }
    Some(match failure {
        Some(failure) => End::Failed { failure },
        None => End::Succeeded { proof: Proof::Verified },
    })
}

/// The jobs that took the place of all of this job's values, oldest first, `None` for one that has
/// ended; empty if one of its values still stands.
fn successors(work: &Work, job: &Job) -> Vec<Option<JobId>> {
    let mut revisions = Vec::new();
    for name in job.patch.keys() {
        match work.state.desired.get(name) {
            Some(desired) if desired.revision > job.revision => revisions.push(desired.revision),
            _ => return Vec::new(),
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

fn judge_away(
    work: &Work,
    away: &Away,
    attempts: Attempts,
    rules: Rules,
    now: Timestamp,
) -> Verdict {
    let state = &work.state;
    let trouble = away.to_string();
    let trouble_began = if state.trouble.is_some() { state.since } else { now };
    let is_late = |job: &Job| !job.stored && job.accepted_at.plus(rules.job_deadline) <= now;
    let end_away = |job: &Job| {
        if job.patch.is_empty() {
            // It asked for nothing, so there is nothing to wait for.
            Some(End::Succeeded { proof: Proof::Verified })
        } else {
            let failure = Failure::DeadlinePassed { trouble: trouble.clone() };
            is_late(job).then_some(End::Failed { failure })
        }
    };
    let ended: Vec<EndedJob> = work
        .jobs
        .iter()
        .filter_map(|job| Some(EndedJob { job: job.id, end: end_away(job)?, superseded_by: None }))
        .collect();
    let given_up = work.jobs.iter().any(is_late) || now.since(trouble_began) >= rules.job_deadline;
    let condition = if given_up { Condition::Abnormal } else { state.condition };
    let since = if condition == state.condition { trouble_began } else { now };
    let trouble_new = state.trouble.as_deref() != Some(trouble.as_str());
    let attempts = Attempts { away: attempts.away.saturating_add(1), ..attempts };
    Verdict {
        changes: trouble_new || condition != state.condition || !ended.is_empty(),
        reported: None,
        boot: None,
        settled: state.settled,
        condition,
        since,
        trouble: Some(trouble),
        adopted: state.adopted,
        ended,
        next: if *away == Away::Booting {
            Next::RetrySoon(attempts)
        } else {
            Next::Retry(attempts)
        },
    }
}

/// How long after `now` the first deadline of an open job passes; `None` if no job has one.
pub fn next_deadline(work: &Work, rules: Rules, now: Timestamp) -> Option<Duration> {
    work.jobs
        .iter()
        .filter(|job| !job.stored)
        .map(|job| job.accepted_at.plus(rules.job_deadline).since(now))
        .min()
}

#[cfg(test)]
mod tests;

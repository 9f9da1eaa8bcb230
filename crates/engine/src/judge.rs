//! How a step's report changes the record: what is reported now, which jobs end and how. Pure.
//! How a restart changes it is [`crate::power`]'s.
//!
//! A job ends when each value it asked for is decided. A value is decided when the device has shown
//! it, or was asked often enough and did not. What counts is the value that stands in the desired
//! state now: the job's own, or a later one that took its place. A job all of whose values were
//! replaced by one later job ends as that one does.

mod jobs;
mod pending;
mod stand;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fleet::limits;
use fleet::{
    AdoptionRequest, Catalogue, Condition, DeviceKey, End, Facts, Failure, Job, Operation,
    PowerStep, Proof, Reported, RestartPending, Revision, Timestamp, Values,
};
use store::Work;
use store::write::EndedJob;

use crate::driver::{Action, Away, Fault, Reached, Report};
use crate::lane::Attempts;
use crate::power;
use stand::{Stand, Stands};

/// What the judge goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long a job may stay open on a device that can't be worked on.
    pub job_deadline: Duration,
    /// Attempts at a value that the device refuses or shows otherwise.
    pub refused_attempts_max: u8,
    /// Attempts at what a boot has wiped.
    pub boot_attempts_max: u8,
    /// How long a device may take to come back from a restart, reset or start.
    pub boot_deadline: Duration,
    /// How long a device that was told to restart may go on in the same boot.
    pub told_again: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            job_deadline: limits::JOB_DEADLINE,
            refused_attempts_max: limits::REFUSED_ATTEMPTS_MAX,
            boot_attempts_max: limits::BOOT_ATTEMPTS_MAX,
            boot_deadline: limits::BOOT_DEADLINE,
            told_again: limits::RESTART_TOLD_AGAIN,
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
    /// The adoption that was asked for and is done.
    pub adoption_done: Option<AdoptionRequest>,
    /// Values to desire from now on, where nothing is desired.
    pub desire: Values,
    /// What was desired below this revision is forgotten.
    pub forget_below: Option<Revision>,
    /// Another record at whose address this device's marker answers.
    pub copy: Option<DeviceKey>,
    /// The restart that is under way.
    pub power: Option<PowerStep>,
    /// The values that wait for a restart to act, if the device was read.
    pub restart_pending: Option<BTreeMap<String, RestartPending>>,
    /// What the device said of itself, if it did.
    pub facts: Option<Facts>,
    /// The jobs that end.
    pub ended: Vec<EndedJob>,
    /// What follows.
    pub next: Next,
}

impl Verdict {
    /// The record as it is, and nothing to do.
    pub(crate) fn unchanged(work: &Work) -> Self {
        let state = &work.state;
        Self {
            changes: false,
            reported: None,
            boot: None,
            settled: state.settled,
            condition: state.condition,
            since: state.since,
            trouble: state.trouble.clone(),
            adopted: state.adopted,
            adoption_done: None,
            desire: Values::new(),
            forget_below: None,
            copy: state.copy,
            power: state.power.clone(),
            restart_pending: None,
            facts: None,
            ended: Vec::new(),
            next: Next::Rest,
        }
    }

    /// Whether the job ends with it.
    pub(crate) fn ends(&self, job: &Job) -> bool {
        self.ended.iter().any(|ended| ended.job == job.id)
    }

    /// The device is in another condition from now on, and well.
    pub(crate) fn turn(&mut self, condition: Condition, now: Timestamp) {
        if self.condition != condition || self.trouble.is_some() {
            self.since = now;
        }
        self.condition = condition;
        self.trouble = None;
        self.changes = true;
    }
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
    /// What is left to do takes a restart, reset or stop.
    Power(Attempts),
}

/// What a step is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// What was known before the step.
    pub work: &'a Work,
    /// What is known of properties and profiles.
    pub catalogue: &'a Catalogue,
    /// What was planned.
    pub action: &'a Action,
    /// The attempts before.
    pub attempts: Attempts,
    /// The rules.
    pub rules: Rules,
    /// Now.
    pub now: Timestamp,
    /// The device has just come back from the restart that the jobs up to this revision asked for.
    pub restarted: Option<Revision>,
}

/// Judges a step by what the driver reported.
pub fn judge(judged: Judged<'_>, report: &Report) -> Verdict {
    match report {
        Report::Reached(reached) => judge_reached(judged, reached),
        Report::Away(away) => judge_away(judged, away),
    }
}

/// Judges a step that had nothing to do on the device: every open job asked for nothing.
pub fn judge_nothing(work: &Work) -> Verdict {
    let state = &work.state;
    let end = End::Succeeded { proof: Proof::Verified };
    let ended: Vec<EndedJob> = work
        .jobs
        .iter()
        .map(|job| EndedJob { job: job.id, end: end.clone(), superseded_by: None })
        .collect();
    Verdict {
        changes: !ended.is_empty() || state.settled < state.revision,
        settled: state.revision,
        ended,
        ..Verdict::unchanged(work)
    }
}

fn judge_reached(judged: Judged<'_>, reached: &Reached) -> Verdict {
    let Judged { work, rules, now, .. } = judged;
    let state = &work.state;
    let attempts = attempts_with_this(work, reached, judged.attempts);
    let stands = stand::stands(judged, reached, attempts);
    let undecided = undecided(work, &stands);
    let settled = undecided.map_or(state.revision, |first| Revision(first.0 - 1));
    let restored = is_restored(work, judged.action, reached, &stands, attempts, rules);

    let mut reported = state.reported.clone();
    reported.revision = state.revision;
    reported.record(&reached.shown, now);
    reported
        .values
        .retain(|name, _| state.desired.get(name).is_some() || judged.action.read.contains(name));

    let ended = jobs::ended(work, &stands, judged.restarted);
    let is_open = |job: &&Job| !ended.iter().any(|other| other.job == job.id);
    let open: Vec<&Job> = work.jobs.iter().filter(is_open).collect();
    // An update that is open with all values decided waits for a restart that took its place.
    let waits = open.iter().any(|job| job.operation.is_power());
    let decided = undecided.is_none() && restored;
    let attempts = Attempts { wiped: if restored { 0 } else { attempts.wiped }, ..attempts };
    let mut verdict = Verdict {
        reported: Some(reported),
        boot: reached.boot.clone().filter(|_| restored),
        settled: settled.max(state.settled),
        adopted: true,
        adoption_done: state.adoption,
        desire: desire(judged, reached),
        restart_pending: Some(pending::pending(judged, reached, &stands)),
        facts: reached.facts.clone(),
        ended,
        next: if decided && open.is_empty() {
            Next::Rest
        } else if decided && waits {
            Next::Power(Attempts::default())
        } else {
            Next::Retry(decided_up_to(attempts, settled, state.revision))
        },
        ..Verdict::unchanged(work)
    };
    verdict.turn(Condition::Running, now);
    verdict
}

/// The values that an adoption takes over from the phone as it is.
fn desire(judged: Judged<'_>, reached: &Reached) -> Values {
    let Judged { work, catalogue, .. } = judged;
    if !work.state.adoption.is_some_and(|request| request.from_reported) {
        return Values::new();
    }
    let profile = &work.device.profile;
    let identity = work.settings.identity;
    reached
        .shown
        .iter()
        .filter(|(name, _)| work.state.desired.get(name).is_none())
        .filter_map(|(name, shown)| Some((name, shown.as_deref()?)))
        .filter(|(_, shown)| !shown.is_empty())
        .filter(|(name, shown)| catalogue.check(profile, identity, name, shown).is_ok())
        .map(|(name, shown)| (name.clone(), shown.to_owned()))
        .collect()
}

/// The attempts with the one that was just made. The first one is at all that was desired then.
fn attempts_with_this(work: &Work, reached: &Reached, before: Attempts) -> Attempts {
    let mut hasher = DefaultHasher::new();
    reached.boot.hash(&mut hasher);
    let boot = hasher.finish();
    Attempts {
        away: 0,
        // An action that had no time for all that was asked is none of the attempts at it.
        refused: before.refused.saturating_add(u8::from(!is_unfinished(reached))),
        through: if before.refused == 0 { work.state.revision } else { before.through },
        wiped: if before.boot == boot { before.wiped.saturating_add(1) } else { 1 },
        boot,
    }
}

/// Whether the action ended before all of it had its turn.
fn is_unfinished(reached: &Reached) -> bool {
    reached.faults.values().any(|fault| *fault == Fault::Later)
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
fn undecided(work: &Work, stands: &Stands<'_>) -> Option<Revision> {
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
    stands: &Stands<'_>,
    attempts: Attempts,
    rules: Rules,
) -> bool {
    reached.boot == work.state.boot
        || attempts.wiped >= rules.boot_attempts_max
        || action
            .set_after_boot
            .keys()
            .chain(action.set.keys())
            .all(|name| stands.get(name.as_str()).is_some_and(Stand::is_as_good_as_it_gets))
}

fn judge_away(judged: Judged<'_>, away: &Away) -> Verdict {
    let Judged { work, rules, now, attempts, .. } = judged;
    let state = &work.state;
    let trouble = away.to_string();
    let is_unreachable = matches!(away, Away::Unreachable(_));
    let is_stopped = state.condition == Condition::Stopped && is_unreachable;
    let trouble_began = away_since(work, now);
    // One that is told without its device waits for its turn alone.
    let waits_in_line =
        |job: &Job| is_unreachable && power::is_blind(work, judged.catalogue, job.operation);
    let is_late = |job: &Job| {
        !waits_in_line(job)
            && deadline(job, trouble_began, rules).is_some_and(|deadline| deadline <= now)
    };
    let awaited = matches!(away, Away::NotRegistered(_));
    let end_away = |job: &Job| {
        if job.patch.is_empty() && job.operation == Operation::Update {
            // It asked for nothing, so there is nothing to wait for.
            return Some(End::Succeeded { proof: Proof::Verified });
        }
        if job.operation == Operation::Stop && is_stopped {
            return Some(End::Succeeded { proof: Proof::Verified });
        }
        let failure = Failure::DeadlinePassed { trouble: trouble.clone() };
        is_late(job).then_some(End::Failed { failure })
    };
    let ended: Vec<EndedJob> = work
        .jobs
        .iter()
        .filter_map(|job| Some(EndedJob { job: job.id, end: end_away(job)?, superseded_by: None }))
        .collect();
    let attempts = Attempts { away: attempts.away.saturating_add(1), ..attempts };
    let next =
        if *away == Away::Booting { Next::RetrySoon(attempts) } else { Next::Retry(attempts) };
    if awaited {
        return judge_awaited(judged, &trouble, ended);
    }
    let given_up = work.jobs.iter().any(is_late) || now.since(trouble_began) >= rules.job_deadline;
    if is_stopped {
        // That is what stopping it was for.
        return Verdict { changes: !ended.is_empty(), ended, next, ..Verdict::unchanged(work) };
    }
    let condition = if given_up { Condition::Abnormal } else { state.condition };
    let since = if condition == state.condition { trouble_began } else { now };
    let copy = if matches!(away, Away::Copied(_)) { state.copy } else { None };
    Verdict {
        changes: state.trouble.as_deref() != Some(trouble.as_str())
            || condition != state.condition
            || copy != state.copy
            || !ended.is_empty(),
        condition,
        since,
        trouble: Some(trouble),
        copy,
        ended,
        next,
        ..Verdict::unchanged(work)
    }
}

/// A GB device that is not registered: it comes back by itself, so nobody looks for it meanwhile.
/// What stands in the way is on record while a job waits for it.
fn judge_awaited(judged: Judged<'_>, trouble: &str, ended: Vec<EndedJob>) -> Verdict {
    let Judged { work, rules, now, attempts, .. } = judged;
    let state = &work.state;
    let waiting = work.jobs.len() > ended.len();
    let trouble = waiting.then(|| trouble.to_owned());
    let since = if trouble.is_some() { away_since(work, now) } else { now };
    // The deadline of a job is the one thing that its lane has to be there for.
    let next = match next_deadline(work, rules, now) {
        Some(_) if waiting => Next::Retry(Attempts { away: u8::MAX, ..attempts }),
        _ => Next::Rest,
    };
    let condition = Condition::Awaited;
    Verdict {
        changes: state.trouble != trouble || state.condition != condition || !ended.is_empty(),
        condition,
        since,
        trouble,
        ended,
        next,
        ..Verdict::unchanged(work)
    }
}

/// When the job fails if its device, which has been away since `away_since`, does not come back;
/// `None` if it waits for as long as it takes.
fn deadline(job: &Job, away_since: Timestamp, rules: Rules) -> Option<Timestamp> {
    let from = if job.operation.is_power() {
        // It may have waited for its turn, and has its full time from when the device went away.
        job.accepted_at.max(away_since)
    } else {
        job.accepted_at
    };
    (!job.stored).then(|| from.plus(rules.job_deadline))
}

/// Since when the device has been away, as far as is known.
fn away_since(work: &Work, now: Timestamp) -> Timestamp {
    let is_known = work.state.trouble.is_some() || work.state.condition == Condition::Stopped;
    if is_known { work.state.since } else { now }
}

/// How long after `now` the first deadline of an open job passes; `None` if no job has one.
pub fn next_deadline(work: &Work, rules: Rules, now: Timestamp) -> Option<Duration> {
    let away_since = away_since(work, now);
    let deadlines = work.jobs.iter().filter_map(|job| deadline(job, away_since, rules));
    deadlines.map(|deadline| deadline.since(now)).min()
}

#[cfg(test)]
mod tests;

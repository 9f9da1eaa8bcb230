//! Restarts, resets and stops: how they are begun, and how they are seen to be over.
//!
//! What was begun is on record before the device is told ([`PowerStep`]). From then on the boot
//! that the device is in says whether it was told, so that a crash in between costs at most a wait,
//! and the device is not restarted twice for one job. Every open job that asked for a restart when
//! it was begun is served by it.

use std::time::Duration;

use fleet::catalogue::{FactoryReset, Restart};
use fleet::limits;
use fleet::{
    BootIdentity, Catalogue, Condition, End, Failure, Job, Operation, PowerStep, Proof, Revision,
    Timestamp,
};
use store::Work;
use store::write::EndedJob;
use tracing::Instrument as _;

use crate::driver::{Away, PowerReport, Report, Target};
use crate::judge::{Next, Verdict};
use crate::lane::{Attempts, Hold};
use crate::plan;
use crate::shared::Shared;
use crate::spans;
use crate::step::{Halt, Outcome, Step, Then};

/// How long a framework is given to go down before the device may count as back: its boot identity
/// stays, so nothing else tells.
const FRAMEWORK_GOES_DOWN: Duration = Duration::from_secs(2);

/// How often it is looked at, while a device is told, whether it is still ours: well within the
/// time that another node waits.
const CLAIM_LOOKED_AT: Duration = Duration::from_millis(500);

/// What the open jobs ask for, and up to which revision one doing of it serves them. A reset goes
/// first, with what was asked before it; of restarts and stops the last one counts, since it
/// decides how the device is left.
pub(crate) fn asked(work: &Work) -> Option<(Operation, Revision)> {
    asked_by(&work.jobs)
}

fn asked_by(jobs: &[Job]) -> Option<(Operation, Revision)> {
    let last = jobs.iter().rfind(|job| job.operation.is_power())?;
    let Some(reset) = jobs.iter().position(|job| job.operation == Operation::Reset) else {
        return Some((last.operation, last.revision));
    };
    let mut through = Revision(0);
    for (at, job) in jobs.iter().enumerate().filter(|(_, job)| job.operation.is_power()) {
        if at > reset && job.operation == Operation::Stop {
            break;
        }
        through = job.revision;
    }
    Some((Operation::Reset, through))
}

/// Whether the profile does this without the device, so that one that can't be reached can be told.
pub(crate) fn is_blind(work: &Work, catalogue: &Catalogue, operation: Operation) -> bool {
    let Some(profile) = catalogue.profile(&work.device.profile) else { return false };
    match operation {
        Operation::Update => false,
        Operation::Restart => {
            profile.commands.restart.is_some() || profile.commands.start.is_some()
        }
        Operation::Reset => profile.factory_reset == FactoryReset::Command,
        Operation::Stop => profile.commands.stop.is_some(),
    }
}

/// Whether this is done by a program of the operator's.
fn is_by_program(work: &Work, catalogue: &Catalogue, power: &PowerStep) -> bool {
    let profile = catalogue.profile(&work.device.profile);
    power.blind
        || profile.is_some_and(|profile| match power.operation {
            Operation::Update => false,
            Operation::Restart => profile.restart == Restart::Command,
            Operation::Reset => profile.factory_reset == FactoryReset::Command,
            Operation::Stop => true,
        })
}

/// The condition of a device while this is under way.
fn meanwhile(operation: Operation) -> Condition {
    match operation {
        Operation::Update | Operation::Restart => Condition::Restarting,
        Operation::Reset => Condition::Resetting,
        Operation::Stop => Condition::Stopping,
    }
}

/// Proves once more that the device is the right one, brings it up to date, records what is begun,
/// and tells it.
pub(crate) async fn begin(
    step: Step<'_>,
    (operation, through): (Operation, Revision),
) -> Result<Outcome, Halt> {
    let began = step.shared.clock.now();
    let action = plan::action(step.work, step.catalogue);
    let (mut verdict, report) = step.exchange(&action).await?;
    let (from_boot, blind) = match &report {
        Report::Reached(reached) => (reached.boot.clone(), false),
        Report::Away(Away::Unreachable(_)) if is_blind(step.work, step.catalogue, operation) => {
            (step.work.state.boot.clone(), true)
        }
        Report::Away(_) => return step.conclude(&verdict, began).await,
    };
    let now = step.shared.clock.now();
    let power = PowerStep {
        operation,
        through,
        from_boot,
        blind,
        was: step.work.state.condition,
        begun_at: now,
        told: 1,
        told_at: now,
        heard: false,
        back: false,
    };
    if served(step.work, &power).all(|job| verdict.ends(job)) {
        // The device was away for too long.
        return step.conclude(&verdict, began).await;
    }
    verdict.power = Some(power.clone());
    verdict.turn(meanwhile(operation), now);
    #[cfg(feature = "planted-bugs")]
    if step.shared.planted == Some(crate::planted::Bug::ToldBeforeRecorded) {
        return told_before_recorded(step, &verdict, &power).await;
    }
    if step.settle(&verdict).await?.is_none() {
        return Ok(Outcome::new(Then::Rest, Attempts::default()));
    }
    metrics::counter!("fleetwright_restarts_total", "operation" => operation.name()).increment(1);
    let mut work = step.work.clone();
    work.state.condition = verdict.condition;
    work.state.since = verdict.since;
    work.state.trouble = None;
    work.state.power = verdict.power;
    tell(Step { work: &work, ..step }, &power).await
}

/// The planted bug: tells the device first and puts that on record afterwards.
#[cfg(feature = "planted-bugs")]
async fn told_before_recorded(
    step: Step<'_>,
    verdict: &Verdict,
    power: &PowerStep,
) -> Result<Outcome, Halt> {
    let outcome = tell(step, power).await?;
    step.settle(verdict).await?;
    Ok(outcome)
}

/// Tells the device, by now on record.
async fn tell(step: Step<'_>, power: &PowerStep) -> Result<Outcome, Halt> {
    let Step { shared, work, .. } = step;
    let device = &work.device;
    let report = match shared.driver(device.kind) {
        Some(driver) => {
            step.may_begin()?;
            shared.set_running(device.key, Some(step.claim.fence()));
            let target = match (power.blind, power.was) {
                (false, _) => Target::Answers(power.from_boot.as_ref()),
                (true, Condition::Stopped) => Target::Stopped,
                (true, _) => Target::Away,
            };
            let span = spans::power(work, power.operation);
            let told = driver.power(device, power.operation, target).instrument(span.clone());
            let told = tokio::time::timeout(told_within(shared), told);
            let report = tokio::select! {
                biased;
                report = told => Some(report),
                () = lost(step) => None,
            };
            spans::told(&span, report.as_ref().and_then(|report| report.as_ref().ok()));
            shared.set_running(device.key, None);
            // It may take longer than another node waits before it works on the device.
            let report = report.ok_or(Halt::NotOurs)?;
            report.unwrap_or_else(|_| PowerReport::Away(Away::Unreachable("no answer".to_owned())))
        }
        None => PowerReport::Unsupported("this node has no driver for it".to_owned()),
    };
    match report {
        PowerReport::Told => heard(step, power).await,
        PowerReport::OtherBoot => Ok(look_again(Hold::Boot)),
        PowerReport::Away(away) => {
            // It may have been told all the same: the boot it is in next will say.
            tracing::info!(device = device.key.0, %away, "no answer while being told");
            Ok(look_again(Hold::Boot))
        }
        PowerReport::Refused(detail) | PowerReport::Unsupported(detail) => {
            let condition = if power.blind { power.was } else { Condition::Running };
            let operation = power.operation;
            give_up(step, power, condition, Failure::PowerFailed { operation, detail }).await
        }
    }
}

/// How long telling a device may take: a program of the operator's has time of its own.
fn told_within(shared: &Shared) -> Duration {
    shared.action_timeout + limits::COMMAND_TIMEOUT
}

/// Returns once the device is another node's to work on.
async fn lost(step: Step<'_>) {
    while step.claim.holds() {
        tokio::time::sleep(CLAIM_LOOKED_AT).await;
    }
}

/// Puts on record that it said yes: where no boot identity tells, nothing else does.
async fn heard(step: Step<'_>, power: &PowerStep) -> Result<Outcome, Halt> {
    let power = Some(PowerStep { heard: true, ..power.clone() });
    let verdict = Verdict { changes: true, power, ..Verdict::unchanged(step.work) };
    step.settle(&verdict).await?;
    Ok(look_again(Hold::Boot))
}

/// Looks whether what was begun is over.
pub(crate) async fn follow(step: Step<'_>, power: &PowerStep) -> Result<Outcome, Halt> {
    match power.operation {
        Operation::Stop => follow_stop(step, power).await,
        _ => follow_restart(step, power).await,
    }
}

async fn follow_stop(step: Step<'_>, power: &PowerStep) -> Result<Outcome, Halt> {
    let report = step.act(&plan::bare(step.work)).await?;
    let now = step.shared.clock.now();
    let is_gone = matches!(
        report,
        Report::Away(Away::Unreachable(_) | Away::WrongDevice { .. } | Away::Copied(_))
    );
    if is_gone && power.heard {
        // One look without an answer may be a slip of the network.
        if step.turn.attempts.away == 0 {
            let attempts = Attempts { away: 1, ..Attempts::default() };
            return Ok(Outcome { attempts, ..look_again(Hold::Boot) });
        }
        let mut verdict = Verdict { power: None, ..Verdict::unchanged(step.work) };
        let end = End::Succeeded { proof: Proof::Verified };
        verdict.ended = ends(step.work, power, &end);
        verdict.turn(Condition::Stopped, now);
        verdict.next = Next::Retry(Attempts { away: u8::MAX, ..Attempts::default() });
        return step.conclude(&verdict, now).await;
    }
    if now.since(power.begun_at) < step.shared.rules.boot_deadline {
        return not_yet(step, power, now).await;
    }
    let detail = "it still answers".to_owned();
    let failure = Failure::PowerFailed { operation: power.operation, detail };
    give_up(step, power, Condition::Running, failure).await
}

async fn follow_restart(step: Step<'_>, power: &PowerStep) -> Result<Outcome, Halt> {
    let forget_below = forgets(step.work, power);
    let kept = forget_below.map(|revision| {
        // What is to be forgotten is not brought back first.
        let mut work = step.work.clone();
        work.state.desired.0.retain(|_, value| value.revision >= revision);
        work
    });
    let step = Step { work: kept.as_ref().unwrap_or(step.work), ..step };
    let action = plan::action(step.work, step.catalogue);
    let report = step.act(&action).await?;
    let now = step.shared.clock.now();
    match &report {
        Report::Away(away) if now.since(power.begun_at) >= step.shared.rules.boot_deadline => {
            is_lost(step, power, away, now).await
        }
        // It has to be told at least once.
        Report::Away(Away::Unreachable(_)) if power.blind && !power.heard => {
            not_yet(step, power, now).await
        }
        Report::Away(_) => Ok(look_again(if power.back { Hold::Restart } else { Hold::Boot })),
        Report::Reached(reached) if is_back(step, power, reached.boot.as_ref(), now) => {
            let attempts = if power.back { step.turn.attempts } else { Attempts::default() };
            let mut verdict = step.judge(&action, &report, attempts, Some(power.through));
            verdict.copy = None;
            let ended = served(step.work, power).all(|job| verdict.ends(job));
            let over = ended && (verdict.boot.is_some() || reached.boot.is_none());
            verdict.power = (!over).then(|| PowerStep { back: true, ..power.clone() });
            verdict.forget_below = forget_below.filter(|_| over);
            let hold = if over { Hold::Nothing } else { Hold::Restart };
            let outcome = step.conclude(&verdict, now).await?;
            let hold = if outcome.then == Then::Rest { Hold::Nothing } else { hold };
            Ok(Outcome { hold: Some(hold), ..outcome })
        }
        Report::Reached(_) => not_yet(step, power, now).await,
    }
}

/// The revision below which all is forgotten once this is over: that of the last job it serves
/// which asked so.
fn forgets(work: &Work, power: &PowerStep) -> Option<Revision> {
    served(work, power).filter(|job| job.clear).map(|job| job.revision).max()
}

/// Whether the device has come back from what was begun.
fn is_back(step: Step<'_>, power: &PowerStep, boot: Option<&BootIdentity>, now: Timestamp) -> bool {
    let by_framework = power.operation == Operation::Restart
        && !power.blind
        && step
            .catalogue
            .profile(&step.work.device.profile)
            .is_some_and(|profile| profile.restart == Restart::Framework);
    match (&power.from_boot, boot) {
        _ if power.back => true,
        _ if by_framework => {
            boot != power.from_boot.as_ref()
                || power.heard && now.since(power.told_at) >= FRAMEWORK_GOES_DOWN
        }
        (Some(from), Some(boot)) => from != boot,
        // No boot identity tells, so that the word for it has to do.
        _ => power.heard,
    }
}

/// The device answers in the boot that was to end. After a while it is told again, and after that
/// it counts as refused.
async fn not_yet(step: Step<'_>, power: &PowerStep, now: Timestamp) -> Result<Outcome, Halt> {
    // A program that was begun may still be at work if nobody has heard how it ended.
    let unheard = !power.heard && is_by_program(step.work, step.catalogue, power);
    let program = if unheard { told_within(step.shared) } else { Duration::ZERO };
    if now.since(power.told_at) < step.shared.rules.told_again.max(program) {
        return Ok(look_again(Hold::Boot));
    }
    let operation = power.operation;
    if power.told >= limits::RESTART_TOLD_MAX {
        let detail = format!("it was told {} times and goes on in the same boot", power.told);
        let failure = Failure::PowerFailed { operation, detail };
        return give_up(step, power, Condition::Running, failure).await;
    }
    let told = power.told.saturating_add(1);
    let power = PowerStep { told, told_at: now, ..power.clone() };
    let again = Some(power.clone());
    let verdict = Verdict { changes: true, power: again, ..Verdict::unchanged(step.work) };
    if step.settle(&verdict).await?.is_none() {
        return Ok(Outcome::new(Then::Rest, Attempts::default()));
    }
    tell(step, &power).await
}

/// The device has not come back in time. Nobody waits for it any longer; it is looked for like any
/// other that is away, and gets its values when it returns.
async fn is_lost(
    step: Step<'_>,
    power: &PowerStep,
    away: &Away,
    now: Timestamp,
) -> Result<Outcome, Halt> {
    let what = match power.operation {
        Operation::Reset => "it was reset and has not come back",
        _ => "it was restarted and has not come back",
    };
    let trouble = format!("{what}: {away}");
    let mut verdict = Verdict { power: None, ..Verdict::unchanged(step.work) };
    let failure = Failure::DeadlinePassed { trouble: trouble.clone() };
    verdict.ended = ends(step.work, power, &End::Failed { failure });
    verdict.turn(Condition::Abnormal, now);
    verdict.trouble = Some(trouble);
    verdict.next = Next::Retry(Attempts { away: 1, ..Attempts::default() });
    step.conclude(&verdict, now).await
}

/// The jobs that were served fail, and the device is left as it is.
async fn give_up(
    step: Step<'_>,
    power: &PowerStep,
    condition: Condition,
    failure: Failure,
) -> Result<Outcome, Halt> {
    let now = step.shared.clock.now();
    let mut verdict = Verdict { power: None, ..Verdict::unchanged(step.work) };
    verdict.ended = ends(step.work, power, &End::Failed { failure });
    verdict.turn(condition, now);
    verdict.next = Next::Retry(Attempts::default());
    step.conclude(&verdict, now).await
}

/// The open jobs that one doing serves.
fn served<'a>(work: &'a Work, power: &PowerStep) -> impl Iterator<Item = &'a Job> {
    let through = power.through;
    work.jobs.iter().filter(move |job| job.operation.is_power() && job.revision <= through)
}

/// All that are served end so.
fn ends(work: &Work, power: &PowerStep, end: &End) -> Vec<EndedJob> {
    served(work, power)
        .map(|job| EndedJob { job: job.id, end: end.clone(), superseded_by: None })
        .collect()
}

/// The device is looked at again soon.
fn look_again(hold: Hold) -> Outcome {
    let hold = Some(hold);
    Outcome { hold, ..Outcome::new(Then::Wait(limits::BOOTING_RETRY), Attempts::default()) }
}

#[cfg(test)]
mod tests;

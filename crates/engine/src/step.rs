//! One step of a lane: read what is to be done, do it on the device, record what came of it.
//!
//! A step may be cut off anywhere, by a crash or an error. The next one starts again from the store
//! and compares before it sets, so nothing is lost and nothing has a second effect.

use std::sync::Arc;
use std::time::Duration;

use fleet::Principal;
use fleet::fault_point::FaultPoint;
use fleet::limits;
use store::write::Settle;
use store::{Fence, Refused, Work, Write, Written};

use crate::driver::{Away, Report};
use crate::judge::{self, Next, Verdict};
use crate::lane::{Attempts, Turn};
use crate::plan::{Plan, plan};
use crate::shared::Shared;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is left to do.
    Rest,
    /// There is newer work already.
    Again(Attempts),
    /// Try again after this long.
    Wait(Duration, Attempts),
}

/// Runs one step of the device whose turn it is.
pub(crate) async fn run(shared: Arc<Shared>, turn: Turn) -> Outcome {
    match attempt(&shared, turn).await {
        Ok(outcome) => outcome,
        Err(error) => {
            // Nothing is known of the device, so its attempts stay; the store gets time to recover.
            tracing::warn!(
                device = turn.device.0,
                error = chain(&error),
                "a step could not be recorded"
            );
            metrics::counter!("fleetwright_step_store_errors_total").increment(1);
            Outcome::Wait(limits::RETRY_FIRST, turn.attempts)
        }
    }
}

async fn attempt(shared: &Shared, turn: Turn) -> Result<Outcome, store::Error> {
    let Some(work) = shared.store.work(turn.device).await? else { return Ok(Outcome::Rest) };
    let now = shared.clock.now();
    let verdict = match plan(&work, &shared.catalogue, turn.look) {
        Plan::Nothing => judge::judge_nothing(&work),
        Plan::Act(action) => {
            let report = act(shared, &work, action.clone()).await;
            let now = shared.clock.now();
            judge::judge(&work, &action, &report, turn.attempts, shared.rules, now)
        }
    };
    shared.fault_points.pass(FaultPoint::BeforeFinish);
    let newer = if verdict.changes {
        match settle(shared, &work, &verdict).await? {
            Some(newer) => newer,
            None => return Ok(Outcome::Rest),
        }
    } else {
        false
    };
    Ok(match verdict.next {
        Next::Rest if newer => Outcome::Again(Attempts::default()),
        Next::Rest => {
            rest(shared, &work);
            Outcome::Rest
        }
        Next::Retry(attempts) if newer && attempts.away == 0 => Outcome::Again(attempts),
        Next::Retry(attempts) => {
            let wait = backoff(shared, attempts.away.max(attempts.refused).max(attempts.wiped));
            Outcome::Wait(until_deadline(shared, &work, now, wait), attempts)
        }
        Next::RetrySoon(attempts) => {
            Outcome::Wait(until_deadline(shared, &work, now, limits::BOOTING_RETRY), attempts)
        }
    })
}

/// One exchange with the device, bounded in time.
async fn act(shared: &Shared, work: &Work, action: crate::Action) -> Report {
    let Some(driver) = shared.driver(work.device.kind) else {
        let kind = work.device.kind.name();
        return Report::Away(Away::Unreachable(format!("this node has no driver for a {kind}")));
    };
    shared.set_running(work.device.key, true);
    let report =
        tokio::time::timeout(shared.action_timeout, driver.run(&work.device, action)).await;
    shared.set_running(work.device.key, false);
    #[cfg(feature = "planted-bugs")]
    if shared.planted == Some(crate::planted::Bug::LaterValueFirst)
        && let [oldest, _, ..] = work.jobs.as_slice()
    {
        let late = crate::Action { set: oldest.patch.clone(), ..crate::Action::default() };
        drop(driver.run(&work.device, late).await);
    }
    report.unwrap_or_else(|_| {
        let seconds = shared.action_timeout.as_secs();
        Report::Away(Away::Unreachable(format!("no answer within {seconds} s")))
    })
}

/// Records the verdict. Gives whether there is newer work, or `None` if the device is not ours to
/// work on any more.
async fn settle(
    shared: &Shared,
    work: &Work,
    verdict: &Verdict,
) -> Result<Option<bool>, store::Error> {
    let device = work.device.key;
    let Some(epoch) = shared.epoch(device.shard()) else { return Ok(None) };
    let settle = Settle {
        fence: Fence { shard: device.shard(), epoch },
        device,
        at: shared.clock.now(),
        reported: verdict.reported.clone(),
        boot: verdict.boot.clone(),
        settled: verdict.settled,
        condition: verdict.condition,
        since: verdict.since,
        trouble: verdict.trouble.clone(),
        // Only once: looking whether the record is the one that was read costs a look-up.
        adopted: verdict.adopted && !work.state.adopted,
        record_at: work.device.updated_at,
        ended: verdict.ended.clone(),
    };
    count_ends(&verdict.ended);
    let written = shared.store.write(&Principal::engine(), Write::Settle(Box::new(settle))).await?;
    match written {
        Ok(Written::Settled(settled)) => Ok(Some(
            settled.revision > work.state.revision
                || (settled.open_jobs > 0 && verdict.next == Next::Rest),
        )),
        Ok(other) => {
            tracing::error!(?other, "the store answered a settle with something else");
            Ok(None)
        }
        Err(Refused::Fenced { store, given }) => {
            tracing::warn!(device = device.0, ?store, ?given, "this node no longer owns the shard");
            Ok(None)
        }
        Err(refused) => {
            tracing::info!(device = device.0, %refused, "a result could not be recorded");
            Ok(None)
        }
    }
}

fn count_ends(ended: &[store::write::EndedJob]) {
    for job in ended {
        let end = match job.end {
            fleet::End::Succeeded { .. } => "succeeded",
            fleet::End::Failed { .. } => "failed",
        };
        metrics::counter!("fleetwright_jobs_ended_total", "end" => end).increment(1);
    }
}

/// The device is at rest: its driver may keep an eye on it, so that a restart is noticed at once.
fn rest(shared: &Shared, work: &Work) {
    if work.state.desired.0.is_empty() {
        return;
    }
    if let Some(driver) = shared.driver(work.device.kind) {
        driver.watch(&work.device);
    }
}

/// The wait after so many attempts: doubling from the first to the longest, with a jitter of a
/// quarter, so that devices which went away together are not probed together.
fn backoff(shared: &Shared, attempts: u8) -> Duration {
    let doublings = u32::from(attempts.saturating_sub(1).min(16));
    let base = limits::RETRY_FIRST.saturating_mul(1 << doublings).min(limits::RETRY_MAX);
    let mut byte = [0_u8; 1];
    shared.entropy.fill(&mut byte);
    base.mul_f64(0.75 + f64::from(byte[0]) / 512.0)
}

/// `wait`, or less if a job's deadline passes before.
fn until_deadline(shared: &Shared, work: &Work, now: fleet::Timestamp, wait: Duration) -> Duration {
    match judge::next_deadline(work, shared.rules, now) {
        // A deadline that has passed was judged already.
        Some(left) if left > Duration::ZERO => wait.min(left),
        _ => wait,
    }
}

/// An error with all its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

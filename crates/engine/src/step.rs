//! One step of a lane: read what is to be done, do it on the device, record what came of it.
//!
//! A step may be cut off anywhere, by a crash or an error. The next one starts again from the store
//! and compares before it sets, so nothing is lost and nothing has a second effect.

use std::sync::Arc;
use std::time::Duration;

use fleet::fault_point::FaultPoint;
use fleet::limits;
use fleet::{Catalogue, Principal, ProjectKey, Revision, Timestamp};
use store::write::Settle;
use store::{Refused, Work, Write, Written};
use tracing::Instrument as _;

use crate::copies;
use crate::driver::{Action, Away, Report};
use crate::judge::{self, Judged, Next, Verdict};
use crate::lane::{Attempts, Hold, Turn};
use crate::ownership::Claim;
use crate::plan::{self, Plan, plan};
use crate::power;
use crate::shared::Shared;
use crate::spans;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What becomes of the lane.
    pub(crate) then: Then,
    /// What the next step needs to remember.
    pub(crate) attempts: Attempts,
    /// The room for restarts that the device takes up from now on; `None`: as much as before.
    pub(crate) hold: Option<Hold>,
    /// The device's project, if it was learned.
    pub(crate) project: Option<ProjectKey>,
}

/// What becomes of the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing is left to do.
    Rest,
    /// There is newer work already.
    Again,
    /// Try again after this long.
    Wait(Duration),
    /// Its restart has to wait for room.
    Restart,
}

/// What was accepted for a device while its step ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newer {
    Nothing,
    /// What held with its commit. There is nothing to do on the device for it.
    Records,
    /// What a job waits for.
    Values,
}

impl Outcome {
    /// An outcome for a device that takes up no room for restarts.
    pub(crate) fn new(then: Then, attempts: Attempts) -> Self {
        Self { then, attempts, hold: Some(Hold::Nothing), project: None }
    }
}

/// Why a step ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt {
    /// The device is not this node's to work on: it never was, or not any more.
    #[error("the device is not this node's")]
    NotOurs,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Runs one step of the device whose turn it is.
pub(crate) async fn run(shared: Arc<Shared>, turn: Turn) -> Outcome {
    // What is decided must stand on what is owned all the while.
    let before = shared.ownership.glance(turn.device);
    let step = match shared.store.work(turn.device).await {
        Ok(Some(work)) => {
            let project = Some(work.device.project);
            let outcome = match shared.ownership.claim(&work, before) {
                Some(claim) => attempt(&shared, turn, &claim, work).await,
                None => Err(Halt::NotOurs),
            };
            outcome.map(|outcome| Outcome { project, ..outcome })
        }
        Ok(None) => Ok(Outcome::new(Then::Rest, Attempts::default())),
        Err(error) => Err(Halt::Store(error)),
    };
    step.unwrap_or_else(|halt| {
        let error = match halt {
            // Its owner finds it by itself.
            Halt::NotOurs => return Outcome::new(Then::Rest, Attempts::default()),
            Halt::Store(error) => error,
        };
        // Nothing is known of the device, so its attempts stay, and so does the room that it takes
        // up: a restart may be under way. The store gets time to recover.
        let error = chain(&error);
        tracing::warn!(device = turn.device.0, error, "a step could not be recorded");
        metrics::counter!("fleetwright_step_store_errors_total").increment(1);
        let then = Then::Wait(limits::RETRY_FIRST);
        Outcome { then, attempts: turn.attempts, hold: None, project: None }
    })
}

async fn attempt(
    shared: &Shared,
    turn: Turn,
    claim: &Claim<'_>,
    work: Work,
) -> Result<Outcome, Halt> {
    let step = Step { shared, catalogue: &shared.catalogue.get(), work: &work, turn, claim };
    if work.settings.paused || shared.is_paused().await? {
        // What is under way keeps its room.
        let hold = work.state.power.is_none().then_some(Hold::Nothing);
        let wait = Then::Wait(limits::PAUSED_RETRY);
        return Ok(Outcome { hold, ..Outcome::new(wait, turn.attempts) });
    }
    if let Some(power) = &work.state.power {
        return power::follow(step, power).await;
    }
    match power::asked(&work) {
        Some(asked) if turn.may_restart => power::begin(step, asked).await,
        _ => step.ordinary().await,
    }
}

/// One step: what is known before it.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) work: &'a Work,
    pub(crate) turn: Turn,
    /// The right to do it.
    pub(crate) claim: &'a Claim<'a>,
}

impl<'a> Step<'a> {
    /// The step of a device that is not being restarted.
    async fn ordinary(self) -> Result<Outcome, Halt> {
        let Self { shared, catalogue, work, turn, .. } = self;
        let now = shared.clock.now();
        let (verdict, report) = match plan(work, catalogue, turn.look) {
            Plan::Nothing => (judge::judge_nothing(work), None),
            Plan::Act(action) => {
                let (verdict, report) = self.exchange(&action).await?;
                (verdict, Some(report))
            }
        };
        let outcome = self.conclude(&verdict, now).await?;
        let blind = matches!(report, Some(Report::Away(Away::Unreachable(_))))
            && verdict.ended.is_empty()
            && power::asked(work)
                .is_some_and(|(operation, _)| power::is_blind(work, catalogue, operation));
        if blind && matches!(outcome.then, Then::Wait(_)) {
            return Ok(Outcome { then: Then::Restart, ..outcome });
        }
        Ok(outcome)
    }

    /// Does `action` on the device, unless another phone bears its marker, and judges what came of
    /// it.
    pub(crate) async fn exchange(self, action: &Action) -> Result<(Verdict, Report), Halt> {
        let suspicion = copies::suspicion(self);
        let bare = plan::bare(self.work);
        let first = if suspicion.is_some() { &bare } else { action };
        let mut report = self.act(first).await?;
        let mut copy = None;
        if let (Some(suspicion), Report::Reached(reached)) = (&suspicion, &report) {
            match copies::confirm(self, suspicion, reached).await? {
                Some((other, words)) => {
                    copy = Some(other);
                    report = Report::Away(Away::Copied(words));
                }
                None => report = self.act(action).await?,
            }
        }
        let report = copies::note(self, report).await?;
        let mut verdict = self.judge(action, &report, self.turn.attempts, None);
        if copy.is_some() {
            verdict.changes |= copy != self.work.state.copy;
            verdict.copy = copy;
        } else if matches!(report, Report::Reached(_)) {
            verdict.copy = None;
        }
        Ok((verdict, report))
    }

    /// Judges a report; `restarted` if the device has just come back from a restart.
    pub(crate) fn judge(
        self,
        action: &Action,
        report: &Report,
        attempts: Attempts,
        restarted: Option<Revision>,
    ) -> Verdict {
        let Self { shared, catalogue, work, .. } = self;
        let (rules, now) = (shared.rules, shared.clock.now());
        let judged = Judged { work, catalogue, action, attempts, rules, now, restarted };
        judge::judge(judged, report)
    }

    /// Records a verdict and says what follows from it. `began` is when the step did.
    pub(crate) async fn conclude(
        self,
        verdict: &Verdict,
        began: Timestamp,
    ) -> Result<Outcome, Halt> {
        let Self { shared, work, .. } = self;
        shared.fault_points.pass(FaultPoint::BeforeFinish);
        let newer = if verdict.changes {
            match self.settle(verdict).await? {
                Some(newer) => newer,
                None => return Ok(Outcome::new(Then::Rest, Attempts::default())),
            }
        } else {
            Newer::Nothing
        };
        let wait = |wait| Then::Wait(until_deadline(shared, work, began, wait));
        let (then, attempts) = match verdict.next {
            Next::Rest if newer != Newer::Nothing => (Then::Again, Attempts::default()),
            Next::Rest => {
                rest(shared, work);
                (Then::Rest, Attempts::default())
            }
            Next::Power(attempts) if newer == Newer::Values => (Then::Again, attempts),
            Next::Power(attempts) => (Then::Restart, attempts),
            Next::Retry(attempts) if newer == Newer::Values && attempts.away == 0 => {
                (Then::Again, attempts)
            }
            Next::Retry(attempts) => {
                let most = attempts.away.max(attempts.refused).max(attempts.wiped);
                (wait(backoff(shared, most)), attempts)
            }
            Next::RetrySoon(attempts) => (wait(limits::BOOTING_RETRY), attempts),
        };
        Ok(Outcome::new(then, attempts))
    }

    /// Whether something may be begun on the device at this moment.
    pub(crate) fn may_begin(self) -> Result<(), Halt> {
        if self.claim.holds() { Ok(()) } else { Err(Halt::NotOurs) }
    }

    /// One exchange with the device, bounded in time.
    pub(crate) async fn act(self, action: &Action) -> Result<Report, Halt> {
        let Self { shared, work, .. } = self;
        let Some(driver) = shared.driver(work.device.kind) else {
            let kind = work.device.kind.name();
            let why = format!("this node has no driver for a {kind}");
            return Ok(Report::Away(Away::Unreachable(why)));
        };
        self.may_begin()?;
        shared.set_running(work.device.key, Some(self.claim.fence()));
        let span = spans::exchange(work);
        let done = driver.run(&work.device, action.clone()).instrument(span.clone());
        let timeout = driver.action_timeout(shared.action_timeout);
        let report = tokio::time::timeout(timeout, done).await;
        spans::exchanged(&span, report.as_ref().ok());
        shared.set_running(work.device.key, None);
        #[cfg(feature = "planted-bugs")]
        if shared.planted == Some(crate::planted::Bug::LaterValueFirst)
            && let [oldest, _, ..] = work.jobs.as_slice()
        {
            let late = Action { set: oldest.patch.clone(), ..Action::default() };
            drop(driver.run(&work.device, late).await);
        }
        Ok(report.unwrap_or_else(|_| {
            let seconds = timeout.as_secs();
            Report::Away(Away::Unreachable(format!("no answer within {seconds} s")))
        }))
    }

    /// Records the verdict. Gives what was accepted meanwhile, or `None` if the device is not ours
    /// to work on any more.
    pub(crate) async fn settle(self, verdict: &Verdict) -> Result<Option<Newer>, Halt> {
        let Self { shared, work, .. } = self;
        let device = work.device.key;
        self.may_begin()?;
        let settle = Settle {
            fence: self.claim.fence(),
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
            read: Some((work.state.condition, work.state.since)),
            adoption_done: verdict.adoption_done,
            desire: verdict.desire.clone(),
            forget_below: verdict.forget_below,
            copy: verdict.copy,
            power: verdict.power.clone(),
            restart_pending: verdict.restart_pending.clone(),
            facts: verdict.facts.clone(),
            ended: verdict.ended.clone(),
        };
        let write = Write::Settle(Box::new(settle));
        let written = shared.store.write(&Principal::engine(), write).await?;
        match written {
            Ok(Written::Settled(settled)) => {
                // Not before: a result that is not recorded is found again by the next step.
                count_ends(&verdict.ended);
                let left = work.jobs.len().saturating_sub(verdict.ended.len());
                Ok(Some(if settled.open_jobs > left {
                    Newer::Values
                } else if settled.revision > work.state.revision {
                    Newer::Records
                } else {
                    Newer::Nothing
                }))
            }
            Ok(other) => {
                tracing::error!(?other, "the store answered a settle with something else");
                Ok(None)
            }
            Err(Refused::Fenced) => {
                tracing::warn!(device = device.0, "another node works on this device by now");
                metrics::counter!("fleetwright_stale_results_total").increment(1);
                Ok(None)
            }
            Err(refused) => {
                tracing::info!(device = device.0, %refused, "a result could not be recorded");
                Ok(None)
            }
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
fn until_deadline(shared: &Shared, work: &Work, now: Timestamp, wait: Duration) -> Duration {
    match judge::next_deadline(work, shared.rules, now) {
        // A deadline that has passed was judged already.
        Some(left) if left > Duration::ZERO => wait.min(left),
        _ => wait,
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

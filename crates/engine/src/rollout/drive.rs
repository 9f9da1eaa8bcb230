//! Follows the rollouts that this node has to follow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::{Phase, Principal, RequestId, Rollout, Shard, Wave, WaveCounts};
use store::write::RolloutStep;
use tokio::time::{Instant, MissedTickBehavior};

use super::pace::{self, Next, Standing};
use crate::command::Error;
use crate::handle::Handle;
use crate::shared::Shared;

/// How often rollouts are looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A rollout whose look takes long is looked at so much more seldom, that looking at it takes this
/// part of the time at most.
const LOOK_SHARE: u32 = 20;

/// Steps of one rollout in a row, before others have their turn.
const STEPS_IN_A_ROW_MAX: usize = 16;

/// How long writing a rollout's devices down may take. Whoever did it is gone then.
const COLLECTS_WITHIN: Duration = Duration::from_secs(600);

/// Why a rollout was aborted whose devices were not all written down within that time.
const NOT_WHOLE: &str = "the server stopped while its devices were written down";

/// Whether it was aborted before all of its devices were written down: nothing of it has begun, or
/// ever will.
pub(super) fn is_not_whole(rollout: &Rollout) -> bool {
    let is_untouched = rollout.phase == Phase::Aborted && (rollout.next, rollout.wave) == (0, 0);
    is_untouched && rollout.why.as_deref() == Some(NOT_WHOLE)
}

/// Looks at all rollouts that are this node's to follow, every so often and whenever one is made or
/// resumed here.
pub(crate) async fn drive(shared: Arc<Shared>, every: Duration) {
    let handle = Handle { shared };
    let mut looks = Looks::default();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = handle.shared.rollouts.notified() => {}
            _ = ticks.tick() => {}
        }
        match handle.shared.store.rollouts_open().await {
            Ok(rollouts) => {
                looks.fails = false;
                looks.keep(&rollouts);
                for rollout in rollouts {
                    if handle.shared.ownership.owns(shard(rollout.id)) && looks.is_due(rollout.id) {
                        looks.look(&handle, rollout).await;
                    }
                }
            }
            Err(error) => looks.could_not(&error, "the updates that go out in waves"),
        }
    }
}

/// The shard whose owner follows the rollout. The last two bytes of its id are zero.
fn shard(id: RequestId) -> Shard {
    let [.., low, _, _] = id.to_bytes();
    Shard(low)
}

/// What is remembered of looks.
#[derive(Default)]
struct Looks {
    /// When rollouts are to be looked at again, where that is not with each turn.
    due: HashMap<RequestId, Instant>,
    /// Whether the last look failed: of many in a row the first is told.
    fails: bool,
}

impl Looks {
    fn is_due(&self, id: RequestId) -> bool {
        self.due.get(&id).is_none_or(|due| *due <= Instant::now())
    }

    fn keep(&mut self, open: &[Rollout]) {
        self.due.retain(|id, _| open.iter().any(|rollout| rollout.id == *id));
    }

    fn could_not(&mut self, error: &(dyn std::error::Error + 'static), what: &str) {
        if !std::mem::replace(&mut self.fails, true) {
            let error = crate::step::chain(error);
            tracing::warn!(error, "{what} could not be followed");
        }
    }

    async fn look(&mut self, handle: &Handle, rollout: Rollout) {
        let id = rollout.id;
        match handle.follow_rollout(rollout).await {
            Ok(took) => drop(self.due.insert(id, Instant::now() + took * LOOK_SHARE)),
            Err(error) => self.could_not(&error, "an update that goes out in waves"),
        }
    }
}

/// How the waves of a rollout stand: each that is not over, and all that are together.
pub(super) type Counted = (Vec<(Wave, WaveCounts)>, WaveCounts);

impl Handle {
    /// Takes the steps that a rollout has to take now. Gives how long the last look at its jobs
    /// took.
    ///
    /// Errors: the store failed. What was not done then is done with the next look.
    pub(super) async fn follow_rollout(&self, mut rollout: Rollout) -> Result<Duration, Error> {
        let engine = Principal::engine();
        let mut took = Duration::ZERO;
        for _ in 0..STEPS_IN_A_ROW_MAX {
            let began = Instant::now();
            let counted = self.count(&engine, &rollout).await?;
            took = began.elapsed();
            if !self.step(&engine, &rollout, counted).await? {
                break;
            }
            match self.shared.store.rollout(&engine, rollout.id).await? {
                Some(moved) => rollout = moved,
                None => break,
            }
        }
        Ok(took)
    }

    /// Takes the step that a rollout has to take now, given how its waves stand. Gives whether
    /// there was one and it was taken.
    pub(super) async fn step(
        &self,
        engine: &Principal,
        rollout: &Rollout,
        (open, ended): Counted,
    ) -> Result<bool, Error> {
        let now = self.now();
        let stay = RolloutStep::of(rollout);
        if rollout.phase == Phase::Collecting {
            if now.since(rollout.created_at) < COLLECTS_WITHIN {
                return Ok(false);
            }
            let why = Some(NOT_WHOLE.to_owned());
            let step = RolloutStep { phase: Phase::Aborted, why, ended_at: Some(now), ..stay };
            return self.move_rollout(engine, rollout, step, None).await;
        }
        match pace::next(Standing { rollout, open: &open, ended, now }) {
            Next::Wait => Ok(false),
            Next::Begin(count) => {
                let begun = self.begin_wave(engine, rollout, count, stay).await?;
                tracing::info!(update = %rollout.id, count, begun, "a wave");
                Ok(begun)
            }
            Next::End { number, pause } => {
                let next_at = pace::after_wave(&rollout.plan, now);
                let step = match pause {
                    Some(why) => {
                        RolloutStep { phase: Phase::Paused, why: Some(why), next_at, ..stay }
                    }
                    None => RolloutStep { next_at, ..stay },
                };
                self.move_rollout(engine, rollout, step, Some(number)).await
            }
            Next::Stop(why) => {
                tracing::warn!(update = %rollout.id, why, "an update has stopped");
                let step = RolloutStep { phase: Phase::Stopped, why: Some(why), ..stay };
                self.move_rollout(engine, rollout, step, None).await
            }
            Next::Finish(why) => {
                let ended_at = Some(now);
                let step = RolloutStep { phase: Phase::Done, why, next_at: None, ended_at, ..stay };
                self.move_rollout(engine, rollout, step, None).await
            }
        }
    }

    /// How the waves of a rollout stand: each that is not over, and all that are together.
    pub(super) async fn count(
        &self,
        engine: &Principal,
        rollout: &Rollout,
    ) -> Result<Counted, Error> {
        let store = &self.shared.store;
        let waves = store.waves(engine, rollout.id).await?;
        let (open, over): (Vec<Wave>, Vec<Wave>) =
            waves.into_iter().partition(|wave| wave.ended_at.is_none());
        let requests =
            |waves: &[Wave]| waves.iter().map(|wave| wave.request).collect::<Vec<RequestId>>();
        let counts = store.wave_counts(&requests(&open)).await?;
        // What is over matters to a rule alone.
        let has_rule = rollout.plan.stop != fleet::rollout::Stop::default();
        let ended = if has_rule && !over.is_empty() {
            store.wave_counts(&requests(&over)).await?.into_iter().sum()
        } else {
            WaveCounts::default()
        };
        Ok((open.into_iter().zip(counts).collect(), ended))
    }
}

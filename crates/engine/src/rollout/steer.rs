//! What people do with a rollout that is under way.

use fleet::{Phase, Principal, RequestId, Rollout};
use store::Refused;
use store::write::RolloutStep;

use super::pace;
use crate::command::Error;
use crate::handle::Handle;

/// How often it is tried again where the rollout has moved meanwhile.
const ATTEMPTS_MAX: usize = 20;

impl Handle {
    /// Nothing of the update begins any more until it is resumed. What has begun goes on. One that
    /// is paused stays so.
    ///
    /// Errors: [`Error::NoSuchUpdate`], [`Error::NotARollout`]; [`Error::WrongPhase`] unless it
    /// runs; or the store failed.
    pub async fn pause_rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Rollout, Error> {
        let why = format!("paused by {}", principal.name());
        self.steer(principal, id, |rollout| match rollout.phase {
            Phase::Paused => Ok(None),
            Phase::Running => {
                let why = Some(why.clone());
                Ok(Some(RolloutStep { phase: Phase::Paused, why, ..RolloutStep::of(rollout) }))
            }
            phase => Err(Error::WrongPhase { phase, asked: "paused" }),
        })
        .await
    }

    /// The update goes on as its plan says. One that has stopped by its own rule begins its next
    /// wave at once, since somebody has looked, and stops again if that leaves the rule broken. One
    /// that runs goes on running.
    ///
    /// Errors: [`Error::NoSuchUpdate`], [`Error::NotARollout`]; [`Error::WrongPhase`] if it is
    /// over; [`Error::WindowShut`] if it would begin a wave now and may not; or the store failed.
    pub async fn resume_rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Rollout, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let rollout = self.rollout(principal, id).await?;
            let next =
                RolloutStep { phase: Phase::Running, why: None, ..RolloutStep::of(&rollout) };
            let moved = match rollout.phase {
                Phase::Running => return Ok(rollout),
                Phase::Paused => self.move_rollout(principal, &rollout, next, None).await?,
                Phase::Stopped => {
                    let now = self.now();
                    let window = rollout.plan.window.filter(|window| !window.is_open(now));
                    if let Some(window) = window {
                        return Err(Error::WindowShut { opens: window.opens(now) });
                    }
                    let count = pace::next_wave(&rollout);
                    self.begin_wave(principal, &rollout, count, next).await?
                }
                phase => return Err(Error::WrongPhase { phase, asked: "resumed" }),
            };
            if moved {
                self.shared.rollouts.notify_one();
                return self.rollout(principal, id).await;
            }
        }
        Err(Refused::RolloutMoved.into())
    }

    /// The update begins nothing any more, for good. With `cancel`, what of it is open is cancelled
    /// too, as [`Self::cancel_update`] does; then it may also be over already.
    ///
    /// Errors: [`Error::NoSuchUpdate`], [`Error::NotARollout`]; [`Error::WrongPhase`] if it is
    /// over and nothing is to be cancelled; or the store failed.
    pub async fn abort_rollout(
        &self,
        principal: &Principal,
        id: RequestId,
        cancel: bool,
    ) -> Result<Rollout, Error> {
        let aborted = self.give_up(principal, id, &format!("by {}", principal.name())).await;
        match aborted {
            Ok(_) | Err(Error::WrongPhase { .. }) if cancel => {
                self.cancel_open_jobs(principal, id).await?;
                self.rollout(principal, id).await
            }
            aborted => aborted,
        }
    }

    /// The update begins nothing any more, for good; `why` ends a sentence.
    ///
    /// Errors: those of [`Self::abort_rollout`].
    pub(crate) async fn give_up(
        &self,
        principal: &Principal,
        id: RequestId,
        why: &str,
    ) -> Result<Rollout, Error> {
        let ended_at = Some(self.now());
        self.steer(principal, id, |rollout| match rollout.phase {
            phase if phase.is_end() => Err(Error::WrongPhase { phase, asked: "aborted" }),
            _ => {
                let (phase, why) = (Phase::Aborted, Some(format!("aborted {why}")));
                Ok(Some(RolloutStep { phase, why, ended_at, ..RolloutStep::of(rollout) }))
            }
        })
        .await
    }

    /// One rollout.
    ///
    /// Errors: [`Error::NotARollout`] if it is an update that was made at once,
    /// [`Error::NoSuchUpdate`], or the store failed.
    pub(crate) async fn rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Rollout, Error> {
        let store = &self.shared.store;
        if let Some(rollout) = store.rollout(principal, id).await? {
            return Ok(rollout);
        }
        let is_plain = !store.jobs(principal, &[id], 0, 1).await?.is_empty();
        Err(if is_plain { Error::NotARollout(id) } else { Error::NoSuchUpdate(id) })
    }

    /// Has a rollout stand as `next` says of it, or leaves it if that is `None`. Gives it as it
    /// stands then.
    async fn steer(
        &self,
        principal: &Principal,
        id: RequestId,
        next: impl Fn(&Rollout) -> Result<Option<RolloutStep>, Error>,
    ) -> Result<Rollout, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let rollout = self.rollout(principal, id).await?;
            let Some(step) = next(&rollout)? else { return Ok(rollout) };
            if self.move_rollout(principal, &rollout, step, None).await? {
                return self.rollout(principal, id).await;
            }
        }
        Err(Refused::RolloutMoved.into())
    }
}

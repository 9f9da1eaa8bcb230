//! One step of a rollout, as the store takes it; and the wave that begins with one.

use std::collections::HashMap;
use std::sync::Arc;

use fleet::rollout::Source;
use fleet::{Door, Kind, Principal, Rollout};
use store::write::{Accept, RolloutStep, StepRollout, WaveStep};
use store::{AcceptTarget, Refused, Write, Written};

use crate::accept::entries::Call;
use crate::accept::{look_for_what_may_be_there, wake_accepted};
use crate::command::{CameraAsked, Error, UpdateEntry};
use crate::handle::Handle;
use crate::rollout::bounds;

impl Handle {
    /// Begins the next wave, of so many devices: their entries are checked as those of an update
    /// are, and what passes is accepted with the step itself. Gives whether it did: if not, the
    /// rollout does not stand there any more.
    ///
    /// Errors: the store failed.
    pub(super) async fn begin_wave(
        &self,
        principal: &Principal,
        rollout: &Rollout,
        count: u32,
        step: RolloutStep,
    ) -> Result<bool, Error> {
        let shared = &self.shared;
        let (id, first) = (rollout.id, rollout.next);
        let engine = Principal::engine();
        let devices = shared.store.rollout_devices(&engine, id, first, count, false).await?;
        let mut names = match rollout.source {
            Source::RevertOf(of) if rollout.kind == Kind::Camera => {
                self.names_before(of, &devices).await?
            }
            _ => HashMap::new(),
        };
        // It may be of a version that did not bound it, and is copied for each of them.
        let of_all = bounds::refusal(&rollout.patch);
        let entries = devices.into_iter().map(|device| UpdateEntry {
            device: Ok(device.device_id),
            clear: false,
            patch: match (device.refusal, device.patch, &of_all) {
                (Some(refusal), ..) => Err(refusal),
                (None, Some(own), _) => Ok(own.into()),
                (None, None, Some(refusal)) => Err(refusal.clone()),
                (None, None, None) => Ok(rollout.patch.clone().into()),
            },
            camera: CameraAsked {
                names: names.remove(&device.device).unwrap_or_default(),
                ..CameraAsked::default()
            },
            if_revision: None,
        });
        let at = shared.clock.now();
        let call = Call {
            project: (rollout.project, &rollout.project_id),
            kind: Some(rollout.kind),
            operation: rollout.operation,
            at,
        };
        let checked = self.check_entries(call, entries.collect()).await?;
        let request = shared.request_ids.next();
        let number = rollout.wave + 1;
        let refused = checked.refused.into_iter();
        let step = StepRollout {
            id,
            version: rollout.version,
            at,
            next: RolloutStep { next: first + count, wave: number, next_at: None, ..step },
            wave: Some(WaveStep::Begin { number, request, first, count }),
            refusals: refused.map(|(position, why)| (first + u32::from(position), why)).collect(),
            accept: (!checked.passed.is_empty()).then_some(Accept {
                project: rollout.project,
                request,
                may_repeat: false,
                door: Door::Native,
                at,
                entries: checked.passed,
            }),
        };
        self.step_rollout(principal, step, checked.targets).await
    }

    /// Makes a step that begins no wave. Gives whether it did, as [`Self::begin_wave`] does.
    ///
    /// Errors: the store failed.
    pub(super) async fn move_rollout(
        &self,
        principal: &Principal,
        rollout: &Rollout,
        next: RolloutStep,
        ends: Option<u32>,
    ) -> Result<bool, Error> {
        let step = StepRollout {
            id: rollout.id,
            version: rollout.version,
            at: self.shared.clock.now(),
            next,
            wave: ends.map(|number| WaveStep::End { number }),
            refusals: Vec::new(),
            accept: None,
        };
        self.step_rollout(principal, step, Vec::new()).await
    }

    /// Makes the step durable, then tells the lanes of these devices, which it has jobs for. On a
    /// task of its own: once it is handed to the store, the lanes must hear of it.
    async fn step_rollout(
        &self,
        principal: &Principal,
        step: StepRollout,
        targets: Vec<Arc<AcceptTarget>>,
    ) -> Result<bool, Error> {
        let (shared, principal) = (Arc::clone(&self.shared), principal.clone());
        let stepped = tokio::spawn(async move {
            let entries = step.accept.iter().flat_map(|accept| &accept.entries);
            let is_power = entries.into_iter().any(|entry| entry.operation.is_power());
            let write = Write::StepRollout(Box::new(step));
            let written = shared.store.write(&principal, write).await;
            look_for_what_may_be_there(&shared, &written);
            match written? {
                Ok(Written::Stepped(answers)) => {
                    if !answers.is_empty() {
                        wake_accepted(&shared, &answers, &targets, is_power).await;
                    }
                    Ok(true)
                }
                Ok(other) => {
                    tracing::error!(?other, "the store answered a step with something else");
                    Err(Error::Closed)
                }
                Err(Refused::RolloutMoved) => Ok(false),
                Err(refused) => Err(refused.into()),
            }
        });
        stepped.await.map_err(|_| Error::Closed)?
    }
}

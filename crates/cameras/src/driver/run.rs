//! One action on one device: what it is asked, in which order, and what is reported.

use std::time::Duration;

use engine::{Action, Away, Camera, Fault, Handle, Reached};
use fleet::catalogue::GbProfile;
use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, Device, Facts, PushOutcome, Revision};
use gb28181::manscdp::{DeviceInfo, QueryKind};
use tokio::time::Instant;

use super::decision::{Registration, worst};
use super::memory::Turn;
use super::query::Talk;
use super::survey::{self, Catalog};
use super::target::{self, Parts, Target};
use crate::line::LiveBinding;

/// How long one action on a GB device may take: what [`super::ACTION_TIMEOUT`] gives, less the time
/// to record what came of it. Nothing is waited for beyond it.
pub(super) const RUN_MAX: Duration = Duration::from_secs(36);
/// How long into an action another target may still be begun. A setting that is answered late takes
/// 20 s: 15 until the answer ([`super::push::LATE_WAIT`]) and 5 to read it back.
const LAST_TARGET: Duration = Duration::from_secs(15);

/// Why a target was not begun.
const TOO_SLOW: &str = "the device answers too slowly: the time of one action has passed before it \
                        could be asked for this";

/// An action under way.
pub(super) struct Run<'a> {
    /// The engine.
    pub(super) handle: &'a Handle,
    /// Where a test may stop the process.
    pub(super) fault_points: &'a FaultPoints,
    /// The device.
    pub(super) device: &'a Device,
    /// Its registration when the action began.
    pub(super) binding: LiveBinding,
    /// What is known of it.
    pub(super) camera: Camera,
    /// That nobody else speaks to it, and what is remembered of it.
    pub(super) turn: Turn,
    /// What carries the messages.
    pub(super) talk: Talk<'a>,
    /// The desired revision.
    pub(super) revision: Revision,
    /// What it said it is, in this action.
    pub(super) info: Option<DeviceInfo>,
    /// Whether nothing was set since it said so.
    pub(super) info_is_fresh: bool,
    /// Its catalog, as of this action and since anything was set.
    pub(super) catalog: Option<Catalog>,
    /// Whether a channel was given a name.
    pub(super) has_renamed: bool,
    /// What is reported.
    pub(super) reached: Reached,
}

impl Run<'_> {
    /// Does the action.
    ///
    /// Errors: the device can't be worked on.
    pub(super) async fn act(
        mut self,
        catalogue: &Catalogue,
        action: &Action,
    ) -> Result<Reached, Away> {
        let now = self.handle.now();
        let is_due = survey::is_due(self.camera.surveyed_at, &self.binding, now);
        if is_due {
            // A survey asks anew, whatever it was that was not answered the last time.
            self.turn.learned().show_all();
            self.info().await?;
        }
        self.targets(catalogue, action).await?;
        if !self.talk.has_asked() {
            self.be_there().await?;
        }
        if is_due || self.has_renamed {
            self.record_channels().await;
        }
        let facts = self.info.as_ref().map(|info| survey::facts(info, &self.camera.facts));
        if is_due {
            let noted = self.handle.note_survey(self.device.key, facts.clone()).await;
            self.complain(noted, "a survey could not be recorded");
        }
        self.reached.facts = facts.filter(|facts| *facts != self.camera.facts);
        Ok(self.reached)
    }

    /// Makes sure that somebody answers, where nothing else was asked.
    async fn be_there(&mut self) -> Result<(), Away> {
        self.info().await?;
        if !self.talk.has_asked() {
            // It answers no DeviceInfo; that it takes a question is enough.
            self.talk.ask(QueryKind::DeviceStatus, &self.device.id).await?;
        }
        Ok(())
    }

    /// Sets and reads what the action asks for.
    async fn targets(&mut self, catalogue: &Catalogue, action: &Action) -> Result<(), Away> {
        let said = self.info.as_ref().and_then(|info| info.manufacturer.as_deref());
        let manufacturer = said.or_else(|| self.camera.facts.get(Facts::MANUFACTURER));
        let recorded = &self.device.profile;
        let profile = catalogue.camera_profile(recorded, manufacturer);
        let Some((profile, gb)) = profile.and_then(|it| Some((it, it.gb.as_ref()?))) else {
            let why = format!("no profile of cameras is called {recorded:?}");
            let unsupported = |name: &String| (name.clone(), Fault::Unsupported(why.clone()));
            self.reached.faults.extend(action.set.keys().map(unsupported));
            return Ok(());
        };
        let sorted = target::sort(catalogue, profile, &self.device.id, action);
        self.reached.faults.extend(sorted.faults);
        self.reached.recorded.extend(sorted.recorded);
        let to_set = sorted.targets.iter().filter(|target| !target.wanted.is_empty()).count();
        let mut outcomes = Vec::new();
        let mut is_complete = true;
        for target in &sorted.targets {
            if Instant::now() + (RUN_MAX - LAST_TARGET) > self.talk.until {
                // What is left comes with the next action, if there is one.
                let fault = Fault::Refused(TOO_SLOW.to_owned());
                self.fault(target, &Parts::new(), &fault);
                is_complete = false;
                continue;
            }
            outcomes.extend(self.settle(gb, target, to_set == 1).await?);
        }
        if is_complete {
            self.conclude(&outcomes).await;
        }
        Ok(())
    }

    /// Reads one target, and sets there what differs and may be set. Gives what came of the
    /// settings of this revision, if any were sent.
    async fn settle(
        &mut self,
        gb: &GbProfile,
        target: &Target,
        is_alone: bool,
    ) -> Result<Option<PushOutcome>, Away> {
        let shown = self.read(target).await?;
        self.show(target, &shown);
        if target.wanted.is_empty() {
            return Ok(None);
        }
        self.bring_about(gb, target, shown, is_alone).await
    }

    /// When the device registered.
    pub(super) fn registration(&self) -> Registration {
        Registration {
            refreshed_at: self.binding.refreshed_at.max(self.binding.registered_at),
            unregistered_at: self.binding.unregistered_at,
        }
    }

    /// Puts on record what came of the settings of this revision, now that all are decided.
    async fn conclude(&mut self, outcomes: &[PushOutcome]) {
        let Some(push) = self.camera.push.clone() else { return };
        let Some(worst) = worst(outcomes) else { return };
        let is_plain = outcomes.iter().all(|outcome| outcome == worst);
        if is_plain {
            // What is on record says it all.
            self.turn.learned().burst = None;
        }
        if push.revision == self.revision && push.outcome != *worst {
            self.note(worst.clone(), push.at).await;
        }
    }

    /// Records what the catalog says of the channels. Nobody waits for it: if the device does not
    /// answer, the next survey asks again, and the next action finds that it is gone.
    async fn record_channels(&mut self) {
        let device = self.device;
        let catalog = match self.catalog().await {
            Ok(catalog) => catalog,
            Err(away) => {
                tracing::info!(device = device.key.0, %away, "a catalog was not given");
                return;
            }
        };
        let is_complete = catalog.is_complete;
        let channels = survey::channels(&catalog.items, &device.id);
        if channels.is_empty() && !is_complete {
            return;
        }
        let recorded = self.handle.record_channels(device.key, channels, is_complete).await;
        self.complain(recorded, "a catalog could not be recorded");
    }

    /// Logs what could not be recorded. The next survey finds it again.
    pub(super) fn complain(&self, recorded: Result<(), engine::Error>, what: &'static str) {
        if let Err(error) = recorded {
            tracing::warn!(device = self.device.key.0, %error, "{what}");
        }
    }
}

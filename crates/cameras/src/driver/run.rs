//! One action on one device: what it is asked, in which order, and what is reported.

use std::time::Duration;

use engine::{Action, Away, Camera, Fault, Handle, Reached};
use fleet::catalogue::GbProfile;
use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, Device, Facts, Push, PushOutcome, Revision};
use gb28181::manscdp::{DeviceInfo, QueryKind};
use tokio::time::Instant;

use super::decision::{Registration, is_unanswered, worst};
use super::memory::{Burst, Turn};
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
    /// The desired revision; once it is known what is to be set, that of the newest value of it:
    /// the state's goes up with records of ours too, which no device is sent.
    pub(super) revision: Revision,
    /// What it said it is, in this action.
    pub(super) info: Option<DeviceInfo>,
    /// Whether nothing was set since it said so.
    pub(super) info_is_fresh: bool,
    /// Its catalog, as of this action and since anything was set.
    pub(super) catalog: Option<Catalog>,
    /// Whether a channel was given a name.
    pub(super) has_renamed: bool,
    /// Whether what is read is what was just set.
    pub(super) is_after_set: bool,
    /// Whether the last ConfigDownload was not answered by one that has answered it before.
    pub(super) has_missed: bool,
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
        match self.ask_and_set(catalogue, action, is_due).await {
            Ok(()) => {}
            // It is registered, and nobody waits for it: it is asked again with the next survey.
            Err(Away::Unreachable(why)) if is_due && action.set.is_empty() => {
                tracing::info!(device = self.device.key.0, why, "a survey was not answered");
                let noted = self.handle.note_survey(self.device.key, None).await;
                self.complain(noted, "a survey could not be recorded");
                return Ok(Reached::default());
            }
            Err(away) => return Err(away),
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

    /// Asks what it is, if that is due, and sets and reads what the action asks for.
    async fn ask_and_set(
        &mut self,
        catalogue: &Catalogue,
        action: &Action,
        is_due: bool,
    ) -> Result<(), Away> {
        if is_due {
            // A survey asks anew, whatever it was that was not answered the last time.
            self.turn.learned().show_all();
            self.info().await?;
        }
        self.targets(catalogue, action).await?;
        if !self.talk.has_asked() {
            self.be_there().await?;
        }
        Ok(())
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
        let mut targets = sorted.targets;
        let asked = targets.iter().filter(|target| !target.is_record);
        let newest = asked.flat_map(|target| target.revisions.values()).max();
        self.revision = newest.copied().unwrap_or(self.revision);
        let to_set = targets.iter().filter(|target| !target.wanted.is_empty()).count();
        self.expect_burst(&targets, to_set);
        // What an action has no time for comes first in the next one.
        targets.sort_by_cached_key(|target| self.rank(target));
        let mut outcomes = Vec::new();
        let mut is_complete = true;
        for target in &targets {
            if Instant::now() + (RUN_MAX - LAST_TARGET) <= self.talk.until {
                outcomes.extend(self.settle(gb, target, to_set == 1).await?);
            } else if !target.wanted.is_empty() {
                let known = self.recall(target);
                is_complete &= known.is_some();
                outcomes.extend(known);
            }
        }
        self.conclude(&targets, &outcomes, is_complete).await;
        Ok(())
    }

    /// Gets ready to remember what is sent to each, if there are several to set.
    fn expect_burst(&mut self, targets: &[Target], to_set: usize) {
        let before = self.camera.push.clone();
        match &mut self.turn.learned().burst {
            // Of those that are asked for no more nothing has to be known.
            Some(burst) => burst.known.retain(|id, _| targets.iter().any(|it| it.id == *id)),
            burst if to_set > 1 => {
                *burst = Some(Box::new(Burst { before, ..Burst::default() }));
            }
            _ => {}
        }
    }

    /// The place of a target in its action: those of which least is known come first.
    fn rank(&mut self, target: &Target) -> u8 {
        if target.wanted.is_empty() {
            return 3;
        }
        match self.known(target) {
            None => 0,
            Some(PushOutcome::Sent | PushOutcome::Acknowledged) => 1,
            Some(PushOutcome::Verified | PushOutcome::Declined(_)) => 2,
        }
    }

    /// Reports what an earlier action has found of a target that there is no time to read again.
    /// `None` if it has to have its turn in a later one.
    fn recall(&mut self, target: &Target) -> Option<PushOutcome> {
        let known = self.known(target);
        match &known {
            Some(PushOutcome::Verified) => self.show(target, &target.wanted),
            Some(PushOutcome::Declined(why)) => {
                self.fault(target, &Parts::new(), &Fault::Declined(why.clone()));
            }
            Some(PushOutcome::Sent | PushOutcome::Acknowledged) | None => {
                self.fault(target, &Parts::new(), &Fault::Later);
                return None;
            }
        }
        known
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

    /// Puts on record what came of the settings of this revision: of all, or of those that there
    /// was time for. What came of those of an earlier revision is put on record too once it is
    /// seen that they were taken: then what shows something else later is drift.
    async fn conclude(&mut self, targets: &[Target], outcomes: &[PushOutcome], is_complete: bool) {
        let Some(worst) = worst(outcomes) else { return };
        let burst = &mut self.turn.learned().burst;
        let known = burst.iter().flat_map(|burst| burst.known.values().map(|push| &push.outcome));
        if is_complete && outcomes.iter().chain(known).all(|outcome| outcome == worst) {
            // What is on record says it all.
            *burst = None;
        }
        let Some(push) = self.camera.push.clone() else { return };
        if !is_complete && *worst == PushOutcome::Acknowledged {
            // After a restart of ours it would say so of targets that were never sent.
            return;
        }
        // Of what was sent then the newest is still to be shown, and it is.
        let is_of_them = |target: &Target| target.revisions.values().any(|it| *it == push.revision);
        let is_taken = is_complete
            && *worst == PushOutcome::Verified
            && targets.iter().any(is_of_them)
            && !is_unanswered(&push, self.registration());
        if (push.revision == self.revision || is_taken) && push.outcome != *worst {
            self.note(Push { outcome: worst.clone(), ..push }).await;
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

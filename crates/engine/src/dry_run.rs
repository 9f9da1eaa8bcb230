//! What an update would do, device by device, before anything is written: told by the checks of the
//! update itself and by the rules of the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleet::catalogue::{SetBy, Timing};
use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{
    Catalogue, DeviceId, DeviceKey, Kind, Preset, Principal, ProjectId, Refusal, Revision,
    Timestamp, Values,
};
use store::write::AcceptEntry;
use store::{AcceptTarget, DeviceWithState};

use crate::accept::entries::Call;
use crate::command::{CameraAsked, Error, Patch, UpdateEntry};
use crate::handle::Handle;
use crate::holdings::Holdings;
use crate::presets::Meant;
use crate::rollout::{Ask, AskTarget, make};

/// A page of what an update would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicted {
    /// Its devices, in the order in which they would begin. There may be few of them, or none, and
    /// more to come.
    pub devices: Vec<Prediction>,
    /// Where the next page begins; `None`: these were the last.
    pub next: Option<u64>,
}

/// What an update would do with one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The device, as it was named.
    pub id: DeviceId,
    /// What would change.
    pub changes: Vec<PredictedChange>,
    /// Properties that are as asked already.
    pub unchanged: Vec<String>,
    /// Why it would be refused, if it would. Then nothing of it would change.
    pub refused: Option<Refusal>,
    /// Whether the device is away, so that the values would be stored until it comes back.
    pub away: bool,
}

/// What an update would change of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictedChange {
    /// The property, by its canonical name.
    pub name: String,
    /// What is desired of it, or on record; `None` for nothing.
    pub desired: Option<String>,
    /// What the device last showed; `None` for nothing.
    pub shown: Option<String>,
    /// What it would be.
    pub to: String,
    /// When that would act.
    pub acts: Acts,
}

/// When a value acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    /// As soon as the device holds it.
    AtOnce,
    /// Once the device has restarted.
    AfterRestart,
    /// Once the device's container is made anew: no update does that.
    Recreate,
    /// With the update itself: it is a record of ours, which no device reads.
    Record,
}

impl Acts {
    /// The word that stands for it in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::AfterRestart => "after_restart",
            Self::Recreate => "recreate",
            Self::Record => "record",
        }
    }
}

/// A device that is told of.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Its id, as it was named.
    pub(crate) id: DeviceId,
    /// What is asked of it, or why it can't be.
    pub(crate) values: Result<Values, Refusal>,
    /// The revision that it has to be at; `None`: any.
    pub(crate) if_revision: Option<Revision>,
}

impl Handle {
    /// What [`Self::create_update`] or [`Self::update`] would do if it were called now: a page of
    /// it, at most `limit` devices and [`DEVICES_PER_PAGE_MAX`], from `after` on, which is 0 for
    /// the first and then what the last page said. Writes nothing.
    ///
    /// Errors: those of [`Self::create_update`] that are about the whole of it, but for how many
    /// devices there are.
    pub async fn dry_run(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ask: &Ask,
        after: u64,
        limit: u32,
    ) -> Result<Predicted, Error> {
        let key = self.project_key(principal, project).await?;
        let (ask, preset) = self.with_preset(principal, project, ask.clone()).await?;
        make::check(&ask, preset.is_some())?;
        let limit = limit.clamp(1, DEVICES_PER_PAGE_MAX);
        let (kind, (told, found, next)) = match &ask.target {
            AskTarget::Selector(selector) => {
                let selector = make::of_kind(selector, ask.kind)?;
                let from = DeviceKey(i64::try_from(after).unwrap_or(i64::MAX));
                let store = &self.shared.store;
                let page = store.select(principal, Some(project), &selector, from, limit).await?;
                if after == 0 && page.devices.is_empty() && page.next.is_none() {
                    return Err(Error::NoneFound);
                }
                let told = self.told(project, preset.as_ref(), &ask, &page.devices).await?;
                let next = page.next.and_then(|key| u64::try_from(key.0).ok());
                (selector.kind, (told, page.devices, next))
            }
            AskTarget::Devices(named) => {
                let project = (key, project);
                // Where there is none of them, each is told to be refused, as by an update at once.
                let kind = match self.named(project, &ask, named).await {
                    Ok((kind, _)) => Some(kind),
                    Err(Error::NoneFound) if !named.is_empty() => None,
                    Err(error) => return Err(error),
                };
                let (page, next) = of_list(named, after, limit);
                let values = self.values_of_named(project, preset.as_ref(), &ask, &page).await?;
                let told = page.into_iter().zip(values).map(|(device, values)| Told {
                    id: device.id.clone(),
                    values,
                    if_revision: device.if_revision,
                });
                (kind, (told.collect(), Vec::new(), next))
            }
        };
        let at = self.shared.clock.now();
        let call = Call { project: (key, project), kind, operation: ask.operation, at };
        let devices = self.predict(principal, call, told, found).await?;
        Ok(Predicted { devices, next })
    }

    /// What is asked of each of these devices, which a selector means.
    async fn told(
        &self,
        project: &ProjectId,
        preset: Option<&Preset>,
        ask: &Ask,
        found: &[DeviceWithState],
    ) -> Result<Vec<Told>, Error> {
        let values = match preset {
            None => found.iter().map(|_| Ok(ask.patch.clone())).collect(),
            Some(preset) => {
                let meant = found.iter().map(|found| {
                    let device = &found.device;
                    Meant { key: device.key, id: &device.id, asked: None }
                });
                let meant: Vec<Meant<'_>> = meant.collect();
                self.expand(project, preset, ask, &meant).await?
            }
        };
        let ids = found.iter().map(|found| found.device.id.clone());
        let told = ids.zip(values).map(|(id, values)| Told { id, values, if_revision: None });
        Ok(told.collect())
    }

    /// What would become of each of the devices. Of those in `found` it is known how they stand.
    pub(crate) async fn predict(
        &self,
        principal: &Principal,
        call: Call<'_>,
        told: Vec<Told>,
        found: Vec<DeviceWithState>,
    ) -> Result<Vec<Prediction>, Error> {
        let entries = told.iter().map(|told| UpdateEntry {
            device: Ok(told.id.clone()),
            clear: false,
            patch: told.values.clone().map(Patch::from),
            camera: CameraAsked::default(),
            if_revision: told.if_revision,
        });
        let checked = self.check_entries(call, entries.collect()).await?;
        let properties: BTreeSet<String> =
            checked.passed.iter().flat_map(properties).map(|(name, _)| name.clone()).collect();
        let holdings = if found.is_empty() {
            let keys: Vec<DeviceKey> = checked.passed.iter().map(|entry| entry.device).collect();
            let records = self.shared.store.records(&keys).await?;
            let ids = records.into_iter().map(|device| device.id).collect();
            self.holdings(principal, call.project.1, ids, properties).await?
        } else {
            self.holdings_of(principal, found, properties).await?
        };
        let catalogue = self.shared.catalogue.get();
        let mut predictions: Vec<Prediction> = told
            .into_iter()
            .map(|told| Prediction {
                id: told.id,
                changes: Vec::new(),
                unchanged: Vec::new(),
                refused: Some(Refusal::DeviceUnknown),
                away: false,
            })
            .collect();
        for (position, refusal) in checked.refused {
            if let Some(prediction) = predictions.get_mut(usize::from(position)) {
                prediction.refused = Some(refusal);
            }
        }
        for (entry, target) in checked.passed.iter().zip(&checked.targets) {
            if let Some(prediction) = predictions.get_mut(usize::from(entry.position)) {
                let seen = Seen { catalogue: &catalogue, holdings: &holdings };
                seen.foretell(prediction, entry, target, call.at);
            }
        }
        Ok(predictions)
    }
}

/// The page of a list of devices that begins at this position, and where the next one does.
fn of_list<T>(list: &[T], after: u64, limit: u32) -> (Vec<&T>, Option<u64>) {
    let from = usize::try_from(after).unwrap_or(usize::MAX).min(list.len());
    let to = from.saturating_add(limit as usize).min(list.len());
    let page = list.iter().skip(from).take(to - from).collect();
    (page, (to < list.len()).then_some(to as u64))
}

/// What an entry asks for, by canonical name.
fn properties(entry: &AcceptEntry) -> impl Iterator<Item = (&String, &String)> {
    entry.patch.iter().chain(&entry.record)
}

/// What is known of the devices of a page.
#[derive(Clone, Copy)]
struct Seen<'a> {
    catalogue: &'a Catalogue,
    holdings: &'a Holdings,
}

impl Seen<'_> {
    /// Foretells what becomes of an entry that passed the checks.
    fn foretell(
        self,
        prediction: &mut Prediction,
        entry: &AcceptEntry,
        target: &Arc<AcceptTarget>,
        now: Timestamp,
    ) {
        let Some(found) = self.holdings.device(entry.device) else { return };
        prediction.refused = self.refusal(found, entry);
        if prediction.refused.is_some() {
            return;
        }
        let waits = opens_job(entry) && !entry.operation.is_power();
        prediction.away = waits && is_away(found, target.kind, now);
        for (name, to) in properties(entry) {
            match self.change(found, entry, name, to) {
                Some(change) => prediction.changes.push(change),
                None => prediction.unchanged.push(name.clone()),
            }
        }
    }

    /// Why the store would refuse the entry, in the order in which it looks.
    fn refusal(self, found: &DeviceWithState, entry: &AcceptEntry) -> Option<Refusal> {
        let state = &found.state;
        let no_channel = || {
            let has = |name| self.holdings.has_channel(entry.device, name);
            let (name, _) = properties(entry).find(|(name, _)| !has(name))?;
            Some(store::no_such_channel(name))
        };
        let (revision, open_jobs) = (state.revision, state.open_jobs.len());
        store::refusal_of(revision, state.frozen, open_jobs, &state.desired, entry)
            .or_else(no_channel)
    }

    /// What would change of a property; `None` if it is so already.
    fn change(
        self,
        found: &DeviceWithState,
        entry: &AcceptEntry,
        name: &str,
        to: &str,
    ) -> Option<PredictedChange> {
        let key = found.device.key;
        let is_record = entry.record.contains_key(name);
        let desired = self.holdings.now(key, name);
        let shown = if is_record { None } else { self.holdings.shown(key, name) };
        let is_desired = desired.as_deref() == Some(to);
        let is_held = if is_record {
            // An empty value takes what is on record off.
            is_desired || to.is_empty() && desired.is_none()
        } else {
            is_desired && (shown.as_deref() == Some(to) || self.is_settled_unseen(found, name))
        };
        if is_held {
            return None;
        }
        let acts = if is_record { Acts::Record } else { self.acts(found, name) };
        Some(PredictedChange { name: name.to_owned(), desired, shown, to: to.to_owned(), acts })
    }

    /// Whether what is desired was taken by the device, which has no way to show it.
    fn is_settled_unseen(self, found: &DeviceWithState, name: &str) -> bool {
        let state = &found.state;
        let settled = state.desired.get(name).is_some_and(|it| it.revision <= state.settled);
        let route = self.catalogue.route(&found.device.profile, name);
        let unseen = route.is_some_and(|route| {
            matches!(route.set_by, SetBy::Stored | SetBy::Command { get: [], .. })
        });
        settled && unseen
    }

    fn acts(self, found: &DeviceWithState, name: &str) -> Acts {
        match self.catalogue.route(&found.device.profile, name) {
            Some(route) if matches!(route.set_by, SetBy::Stored) => Acts::Record,
            Some(route) if matches!(route.set_by, SetBy::StartArgument { .. }) => Acts::Recreate,
            Some(route) if route.timing == Timing::AfterRestart => Acts::AfterRestart,
            _ => Acts::AtOnce,
        }
    }
}

/// Whether its job is open once it is accepted: one that goes on record alone has ended by then.
fn opens_job(entry: &AcceptEntry) -> bool {
    !entry.patch.is_empty() || entry.record.is_empty() || entry.operation.is_power()
}

/// Whether the device is not there to take values, by the store's rule.
fn is_away(found: &DeviceWithState, kind: Kind, now: Timestamp) -> bool {
    match kind {
        Kind::Phone => found.state.condition.stores(),
        Kind::Camera => {
            let binding = found.camera.as_ref().and_then(|camera| camera.binding.as_ref());
            !binding.is_some_and(|binding| binding.is_live(now))
        }
    }
}

#[cfg(test)]
mod tests;

//! What an update has changed is brought back, or a device to where it was: as an update of its
//! own.

mod dry_run;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleet::catalogue::{NAME, channel_property, record_of};
use fleet::limits::{DEVICES_PER_PAGE_MAX, SCAN_PAGE};
use fleet::rollout::Source;
use fleet::{
    DeviceId, DeviceKey, Door, Job, JobId, Kind, Operation, Phase, Plan, Principal, ProjectId,
    ProjectKey, Refusal, RequestId, Revision, Rollout, RolloutDevice, Values,
};
use store::write::NewRolloutDevice;
use store::{DeviceWithState, JobWithDevice};

use crate::access::invalid;
use crate::command::{CameraAsked, Error, Update, UpdateEntry};
use crate::credentials;
use crate::handle::Handle;
use crate::holdings::Holdings;
use crate::idempotency::CallId;
use crate::rollout::make::{NewRollout, check_plan, check_waves};

pub use dry_run::{CountedRevert, PredictedRevert};

/// How many of the properties that are left out are told of.
const LEFT_OUT_TOLD_MAX: usize = 1_000;

/// Jobs of a device that are read at first to find those of one update among them: it is mostly the
/// last.
const NAMES_PAGE: u32 = 20;

const GONE: &str = "the device is gone";
const SECRET: &str = "a user name or password is not kept, so it can't come back";
const CHANGED: &str = "it was changed since";
const UNTOLD: &str = "what was there before is not on record";
const NOTHING: &str = "nothing was asked for before, and the device had not shown what it held";

/// An update that brings back what another has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// It.
    pub rollout: Rollout,
    /// What it leaves as it is: the first thousand.
    pub left_out: Vec<LeftOut>,
    /// How much that is in all.
    pub left_out_total: u64,
}

/// A device that is brought back to where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertedDevice {
    /// The update that brings it back.
    pub request: RequestId,
    /// Its job, or why it was refused.
    pub job: Result<JobId, Refusal>,
    /// What is asked of the device with it.
    pub values: Values,
    /// What is left as it is.
    pub left_out: Vec<LeftOut>,
}

/// A property that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The device.
    pub device: DeviceId,
    /// The property; empty if it is all of the device.
    pub name: String,
    /// Why, in words.
    pub why: &'static str,
}

/// What the jobs of one update have done to one property of a device.
#[derive(Debug, Clone)]
struct Change {
    /// What was there before the first of them; `None` if that is not known.
    before: Option<fleet::Before>,
    /// What is desired since the last of them, or on record; `None` if that is nothing.
    asked: Option<String>,
    /// Its revision, or the later one at which its value stands again.
    revision: Revision,
}

/// What jobs have done to a device, by property.
type Changes = BTreeMap<String, Change>;

/// What would be asked to bring back what an update has changed.
#[derive(Debug)]
struct BroughtBack {
    project: (ProjectKey, ProjectId),
    kind: Kind,
    /// Its devices with the values of each, in the order in which they began.
    devices: Vec<NewRolloutDevice>,
    leaving: Leaving,
}

impl BroughtBack {
    /// How many devices that is about.
    fn total(&self) -> u32 {
        u32::try_from(self.devices.len()).unwrap_or(u32::MAX)
    }
}

/// A device of an update that something comes back of, with its kind and what would be asked of it.
type DeviceOfUpdate = (DeviceKey, DeviceId, Kind, Values);

/// What would be asked of a device to bring it back to a revision.
#[derive(Debug)]
struct DeviceBack {
    values: Values,
    /// Our names for it and its channels that were on record then, of those that had others.
    names: Values,
    leaving: Leaving,
}

/// What is left out, counted.
#[derive(Debug, Default)]
struct Leaving {
    told: Vec<LeftOut>,
    total: u64,
}

impl Leaving {
    fn add(&mut self, device: &DeviceId, name: &str, why: &'static str) {
        self.total += 1;
        if self.told.len() < LEFT_OUT_TOLD_MAX {
            self.told.push(LeftOut { device: device.clone(), name: name.to_owned(), why });
        }
    }
}

impl Handle {
    /// Brings back what an update has changed, as an update of its own: on each of its devices, in
    /// the order in which they began, the values that were desired before, or else those that the
    /// device had shown. One that goes out in waves and is paused or has stopped is aborted with
    /// it, unless nothing would come back. What something later has changed stays as it is, and so
    /// does what nothing is known of from before: that is told.
    ///
    /// Errors: [`Error::NoSuchUpdate`]; [`Error::WrongPhase`] while it runs;
    /// [`Error::WaveOfOpen`] of a wave of one that is not over; [`Error::NothingToRevert`];
    /// [`Error::NotKept`]; those of [`Self::create_update`].
    pub async fn revert_update(
        &self,
        principal: &Principal,
        call: CallId,
        id: RequestId,
        plan: Plan,
    ) -> Result<Reverted, Error> {
        check_plan(&plan)?;
        if let Some(rollout) = self.made_before(principal, call).await? {
            return Ok(Reverted { rollout, left_out: Vec::new(), left_out_total: 0 });
        }
        let phase = self.phase_to_revert(principal, id).await?;
        let mut back = self.brought_back(principal, id, phase.is_some()).await?;
        check_waves(&plan, back.total())?;
        if phase.is_some_and(|phase| !phase.is_end()) {
            let why = format!("by {}, to bring it back", principal.name());
            match self.give_up(principal, id, &why).await {
                Ok(_) | Err(Error::WrongPhase { .. }) => {}
                Err(error) => return Err(error),
            }
            // Somebody may have had it go on meanwhile.
            back = self.brought_back(principal, id, true).await?;
        }
        self.check_is_kept(principal, id).await?;
        let BroughtBack { project, kind, devices, leaving } = back;
        let new = NewRollout {
            project,
            kind,
            operation: Operation::Update,
            patch: Values::new(),
            plan,
            source: Source::RevertOf(id),
            devices,
        };
        let rollout = self.make_rollout(principal, call, new).await?;
        Ok(Reverted { rollout, left_out: leaving.told, left_out_total: leaving.total })
    }

    /// The phase of an update that may be reverted now; `None` of one that never had any.
    ///
    /// Errors: [`Error::WrongPhase`] while it runs; [`Error::WaveOfOpen`]; [`Error::NotKept`]; or
    /// the store failed.
    async fn phase_to_revert(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Option<Phase>, Error> {
        match self.shared.store.rollout(principal, id).await? {
            Some(Rollout { phase: phase @ (Phase::Running | Phase::Collecting), .. }) => {
                Err(Error::WrongPhase { phase, asked: "reverted" })
            }
            Some(rollout) => {
                self.check_waves_are_kept(principal, &rollout).await?;
                Ok(Some(rollout.phase))
            }
            None => self.check_no_open_wave(principal, id).await.map(|()| None),
        }
    }

    /// Checks that an update whose jobs were read is all there yet: what is forgotten meanwhile may
    /// have been read in part.
    ///
    /// Errors: [`Error::NotKept`]; or the store failed.
    async fn check_is_kept(&self, principal: &Principal, id: RequestId) -> Result<(), Error> {
        let store = &self.shared.store;
        match store.rollout(principal, id).await? {
            Some(rollout) => self.check_waves_are_kept(principal, &rollout).await,
            None if store.jobs(principal, &[id], 0, 1).await?.is_empty() => Err(Error::NotKept(id)),
            None => Ok(()),
        }
    }

    /// Checks that all waves of an update that have begun are on record yet: of one that is being
    /// forgotten the first are gone.
    ///
    /// Errors: [`Error::NotKept`]; or the store failed.
    async fn check_waves_are_kept(
        &self,
        principal: &Principal,
        rollout: &Rollout,
    ) -> Result<(), Error> {
        let waves = self.shared.store.waves(principal, rollout.id).await?;
        if waves.len() < rollout.wave as usize {
            return Err(Error::NotKept(rollout.id));
        }
        Ok(())
    }

    /// Checks that an update is no wave of one that is not over: what that has changed would come
    /// back in part, and its other waves would go on.
    ///
    /// Errors: [`Error::WaveOfOpen`]; or the store failed.
    async fn check_no_open_wave(&self, principal: &Principal, id: RequestId) -> Result<(), Error> {
        let store = &self.shared.store;
        let Some(of) = store.waves_of(&[id]).await?.into_iter().next() else { return Ok(()) };
        match store.rollout(principal, of.rollout).await? {
            Some(rollout) if !rollout.phase.is_end() => Err(Error::WaveOfOpen(rollout.id)),
            _ => Ok(()),
        }
    }

    /// What would be asked to bring back what an update has changed until now. `is_known`: there is
    /// such an update, even if it has no job.
    ///
    /// Errors: [`Error::NoSuchUpdate`], [`Error::NothingToRevert`]; [`Error::Invalid`] if it has
    /// changed phones and cameras; or the store failed.
    async fn brought_back(
        &self,
        principal: &Principal,
        id: RequestId,
        is_known: bool,
    ) -> Result<BroughtBack, Error> {
        let Done { any, project, order, mut changes } = self.done_by(principal, id).await?;
        let (Some(project), false) = (project, order.is_empty()) else {
            return Err(match (any, is_known) {
                (false, false) => Error::NoSuchUpdate(id),
                (false, true) => Error::NothingToRevert("nothing of it has begun".to_owned()),
                (true, _) => {
                    let why = "its jobs have changed nothing, or it went back with a cancel";
                    Error::NothingToRevert(why.to_owned())
                }
            });
        };
        let (mut devices, mut leaving, mut kinds) =
            (Vec::new(), Leaving::default(), BTreeSet::new());
        for piece in order.chunks(DEVICES_PER_PAGE_MAX as usize) {
            let found = self.piece_back(principal, &project.1, piece, &mut changes, &mut leaving);
            for (key, id, kind, values) in found.await? {
                kinds.insert(kind);
                devices.push((key, id, Some(Ok(values))));
            }
        }
        let kind = one_kind(&kinds, &leaving)?;
        Ok(BroughtBack { project, kind, devices, leaving })
    }

    /// What would be asked of those of these devices that something comes back of, at most
    /// [`DEVICES_PER_PAGE_MAX`] of them. Takes out of `changes` what was done to them.
    ///
    /// Errors: the store failed.
    async fn piece_back(
        &self,
        principal: &Principal,
        project: &ProjectId,
        piece: &[(DeviceKey, DeviceId)],
        changes: &mut HashMap<DeviceKey, Changes>,
        leaving: &mut Leaving,
    ) -> Result<Vec<DeviceOfUpdate>, Error> {
        let of_piece = piece.iter().filter_map(|(key, _)| changes.get(key));
        let names = of_piece.flat_map(BTreeMap::keys).cloned().collect();
        let ids = piece.iter().map(|(_, id)| id.clone()).collect();
        let holdings = self.holdings(principal, project, ids, names).await?;
        let mut devices = Vec::new();
        for (key, id) in piece {
            let Some(found) = holdings.device(*key) else {
                leaving.add(id, "", GONE);
                continue;
            };
            let Some(mut changes) = changes.remove(key) else { continue };
            self.note_what_stands_again(principal, found, &mut changes).await?;
            let values = back(&holdings, (*key, id), &changes, true, leaving);
            if !values.is_empty() {
                devices.push((*key, id.clone(), found.device.kind, values));
            }
        }
        Ok(devices)
    }

    /// Where later values have taken the place of what was changed, and were all cancelled, the
    /// change stands again: at the revision that its value has got with that.
    ///
    /// Errors: the store failed.
    async fn note_what_stands_again(
        &self,
        principal: &Principal,
        found: &DeviceWithState,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        let again = |(name, change): (&String, &Change)| {
            let now = found.state.desired.get(name)?;
            let is_again =
                now.revision > change.revision && change.asked.as_ref() == Some(&now.value);
            is_again.then(|| (name.clone(), change.revision, now.revision))
        };
        let again: Vec<(String, Revision, Revision)> = changes.iter().filter_map(again).collect();
        let Some(from) = again.iter().map(|(_, from, _)| *from).min() else { return Ok(()) };
        let (later, is_cut) = self.jobs_after(principal, found.device.key, from).await?;
        if is_cut {
            // Something else may have changed it.
            return Ok(());
        }
        for (name, from, to) in again {
            let changed = |job: &Job| {
                let is_about = job.patch.contains_key(&name) && !job.is_cancelled();
                job.revision > from && (is_about || job.forgotten().any(|it| *it == name))
            };
            if !later.iter().any(changed)
                && let Some(change) = changes.get_mut(&name)
            {
                change.revision = to;
            }
        }
        Ok(())
    }

    /// Our names that were on record before an update, of those devices of its revert that get
    /// others with it: by device, and by the property that is the name.
    ///
    /// Errors: the store failed.
    pub(crate) async fn names_before(
        &self,
        of: RequestId,
        devices: &[RolloutDevice],
    ) -> Result<HashMap<DeviceKey, Values>, Error> {
        let engine = Principal::engine();
        let requests: BTreeSet<RequestId> = self.requests(&engine, of).await?.into_iter().collect();
        let mut names = HashMap::new();
        for device in devices {
            let asks = device.patch.iter().flat_map(Values::keys).any(|name| is_name(name));
            if asks {
                let of_device = self.names_before_one(&engine, device.device, &requests).await?;
                names.insert(device.device, of_device);
            }
        }
        Ok(names)
    }

    /// The same of one device: what its first job of these requests says. They follow each other,
    /// so what is older than the first that is met is not looked at.
    async fn names_before_one(
        &self,
        engine: &Principal,
        device: DeviceKey,
        requests: &BTreeSet<RequestId>,
    ) -> Result<Values, Error> {
        let (mut names, mut is_met) = (Values::new(), false);
        let (mut from, mut limit) = (None, NAMES_PAGE);
        loop {
            let page = self.shared.store.history(engine, device, from, limit).await?;
            for found in page.jobs {
                if requests.contains(&found.job.id.request()) {
                    is_met = true;
                    let before = found.job.before.into_iter();
                    names.extend(before.filter_map(|(name, before)| Some((name, before.name?))));
                } else if is_met {
                    return Ok(names);
                }
            }
            if page.next.is_none() {
                return Ok(names);
            }
            (from, limit) = (page.next, SCAN_PAGE);
        }
    }

    /// Brings a device back to what was desired of it at a revision: each property that a job has
    /// changed since, to what was desired before the first such job, or else to what the device had
    /// shown then. An update of one device, made at once.
    ///
    /// Errors: the project or the device is not the caller's; [`Error::Invalid`] for a revision
    /// that the device never had, or one from before what is kept of its jobs;
    /// [`Error::NothingToRevert`]; or the store failed.
    pub async fn revert_device(
        &self,
        principal: &Principal,
        call: CallId,
        project: &ProjectId,
        id: &DeviceId,
        to: Revision,
    ) -> Result<RevertedDevice, Error> {
        self.project_key(principal, project).await?;
        let request = call.request;
        if let Some(made) = self.first_job(principal, call).await? {
            let (job, values) = (Ok(made.job.id), made.job.patch);
            return Ok(RevertedDevice { request, job, values, left_out: Vec::new() });
        }
        let DeviceBack { values, names, leaving } =
            self.device_back(principal, project, id, to).await?;
        let update = Update {
            call,
            door: Door::Native,
            project: project.clone(),
            kind: None,
            operation: Operation::Update,
            entries: vec![UpdateEntry {
                device: Ok(id.clone()),
                clear: false,
                patch: Ok(values.clone().into()),
                camera: CameraAsked { names, ..CameraAsked::default() },
                if_revision: None,
            }],
        };
        let job = self.update(principal, update).await?;
        let job = job.into_iter().next().ok_or(Error::Closed)?;
        Ok(RevertedDevice { request, job, values, left_out: leaving.told })
    }

    /// What would be asked of a device to bring it back to a revision.
    ///
    /// Errors: those of [`Self::revert_device`], but that of the project.
    async fn device_back(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
        to: Revision,
    ) -> Result<DeviceBack, Error> {
        let found = self.shared.store.device(principal, Some(project), id).await?;
        let found = found.into_iter().next().ok_or(store::Refused::NoSuchDevice)?;
        let revision = found.state.revision;
        if to < Revision(0) || to > revision {
            let detail = format!("the device has had the revisions 0 to {}", revision.0);
            return Err(invalid("to", detail));
        }
        let key = found.device.key;
        let (jobs, is_cut) = self.jobs_after(principal, key, to).await?;
        if is_cut {
            let kept = jobs.last().map_or(revision.0, |oldest| oldest.revision.0 - 1);
            let detail = format!("what was asked of the device is kept back to revision {kept}");
            return Err(invalid("to", detail));
        }
        let mut changes = Changes::new();
        jobs.iter().rev().for_each(|job| note(&mut changes, job));
        let properties = changes.keys().cloned().collect();
        let holdings = self.holdings_of(principal, vec![found], properties).await?;
        let before = changes.iter().filter_map(|(name, change)| {
            Some((name.clone(), change.before.as_ref()?.name.clone()?))
        });
        let names = before.collect();
        let mut leaving = Leaving::default();
        let values = back(&holdings, (key, id), &changes, false, &mut leaving);
        if values.is_empty() {
            return Err(nothing(&leaving));
        }
        Ok(DeviceBack { values, names, leaving })
    }

    /// The jobs of a device with a revision above `to`, newest first, and whether there may be more
    /// of them that are not kept.
    async fn jobs_after(
        &self,
        principal: &Principal,
        device: DeviceKey,
        to: Revision,
    ) -> Result<(Vec<Job>, bool), Error> {
        let (mut jobs, mut from): (Vec<Job>, _) = (Vec::new(), None);
        loop {
            let page = self.shared.store.history(principal, device, from, SCAN_PAGE).await?;
            for found in page.jobs {
                if found.job.revision <= to {
                    return Ok((jobs, false));
                }
                jobs.push(found.job);
            }
            from = page.next;
            if from.is_none() {
                let is_next = jobs.last().is_some_and(|oldest| oldest.revision <= to.next());
                return Ok((jobs, page.is_cut && !is_next));
            }
        }
    }

    /// What the jobs of an update have done.
    async fn done_by(&self, principal: &Principal, id: RequestId) -> Result<Done, Error> {
        let mut done = Done::default();
        for request in self.requests(principal, id).await? {
            self.add_done_by(principal, request, &mut done).await?;
        }
        Ok(done)
    }

    /// Adds what the jobs of one request have done.
    async fn add_done_by(
        &self,
        principal: &Principal,
        request: RequestId,
        done: &mut Done,
    ) -> Result<(), Error> {
        let mut offset = 0;
        loop {
            let page = self.shared.store.jobs(principal, &[request], offset, SCAN_PAGE).await?;
            offset += page.len() as u64;
            let is_last = page.len() < SCAN_PAGE as usize;
            page.into_iter().for_each(|found| done.add(found));
            if is_last {
                return Ok(());
            }
        }
    }
}

/// What the jobs of an update have done.
#[derive(Debug, Default)]
struct Done {
    /// Whether there are any.
    any: bool,
    project: Option<(ProjectKey, ProjectId)>,
    /// The devices, in the order in which they began.
    order: Vec<(DeviceKey, DeviceId)>,
    changes: HashMap<DeviceKey, Changes>,
}

impl Done {
    /// Takes one more job in. What a cancelled one has asked for and what went back with that is
    /// left out: what went on record stays, and where nothing was desired before, the device may
    /// have taken the value.
    fn add(&mut self, found: JobWithDevice) {
        let JobWithDevice { mut job, device_id, project_id, .. } = found;
        self.any = true;
        if job.is_cancelled() {
            let Job { patch, before, .. } = &mut job;
            patch.retain(|name, _| before.get(name).is_none_or(|before| before.desired.is_none()));
        }
        if job.patch.is_empty() && job.record.is_empty() && job.forgotten().next().is_none() {
            return;
        }
        self.project = Some((job.project, project_id));
        let changes = self.changes.entry(job.device).or_insert_with(|| {
            self.order.push((job.device, device_id));
            Changes::new()
        });
        note(changes, &job);
    }
}

/// Takes one more job in, later than those before it.
fn note(changes: &mut Changes, job: &Job) {
    let is_cancelled = job.is_cancelled();
    let of_patch = job.patch.iter().map(|(name, value)| {
        let went_back = || job.before.get(name).and_then(|before| before.desired.clone());
        (name, if is_cancelled { went_back() } else { Some(value.clone()) })
    });
    let on_record = job.record.iter().map(|(name, value)| (name, Some(value.clone())));
    let forgotten = job.forgotten().map(|name| (name, None));
    let revision = job.revision;
    for (name, asked) in of_patch.chain(on_record).chain(forgotten) {
        match changes.get_mut(name) {
            Some(change) => *change = Change { before: change.before.take(), asked, revision },
            None => {
                let before = job.before.get(name).cloned();
                changes.insert(name.clone(), Change { before, asked, revision });
            }
        }
    }
}

/// Whether a property is our name for a GB device or for a channel too.
fn is_name(property: &str) -> bool {
    property == NAME || channel_property(property).is_some()
}

/// The values that bring a device back. `only_own`: what something later has changed is left out.
fn back(
    holdings: &Holdings,
    (key, id): (DeviceKey, &DeviceId),
    changes: &Changes,
    only_own: bool,
    leaving: &mut Leaving,
) -> Values {
    let mut values = Values::new();
    let is_camera = holdings.device(key).is_some_and(|found| found.device.kind == Kind::Camera);
    for (name, change) in changes {
        let is_record = is_camera && record_of(name).is_some();
        let now = holdings.now(key, name);
        let is_own = if is_record {
            // An empty value has taken off what was there.
            now.as_deref().unwrap_or_default() == change.asked.as_deref().unwrap_or_default()
        } else {
            let desired = holdings.device(key).and_then(|found| found.state.desired.get(name));
            match desired {
                Some(desired) => desired.revision <= change.revision,
                None => change.asked.is_none(),
            }
        };
        let target = match &change.before {
            _ if is_camera && credentials::is_secret(name) => Err(SECRET),
            None => Err(UNTOLD),
            Some(before) => match before.desired.as_ref().or(before.shown.as_ref()) {
                Some(value) => Ok(value.clone()),
                None if is_record => Ok(String::new()),
                None => Err(NOTHING),
            },
        };
        // It may have been given the name that it showed anyway.
        let named = change.before.as_ref().and_then(|before| before.name.as_deref());
        let is_named_so = match (named, holdings.name(key, name)) {
            (Some(was), Some(now)) => was == now,
            _ => true,
        };
        match target {
            Ok(value) if now.as_deref().unwrap_or_default() == value && is_record => {}
            Ok(value) if now.as_deref() == Some(value.as_str()) && is_named_so => {}
            Ok(_) | Err(NOTHING) if only_own && !is_own => leaving.add(id, name, CHANGED),
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(why) => leaving.add(id, name, why),
        }
    }
    values
}

/// The kind of all devices that something is brought back of.
fn one_kind(kinds: &BTreeSet<Kind>, leaving: &Leaving) -> Result<Kind, Error> {
    let mut kinds = kinds.iter();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Ok(*kind),
        (None, _) => Err(nothing(leaving)),
        _ => {
            let detail = "the update has changed phones and cameras: revert its devices one by one";
            Err(invalid("update", detail))
        }
    }
}

/// Why nothing is brought back.
fn nothing(leaving: &Leaving) -> Error {
    Error::NothingToRevert(match leaving.told.first() {
        None => "all is as it was".to_owned(),
        Some(LeftOut { device, name, why }) if leaving.total == 1 => {
            format!("{device} {name}: {why}")
        }
        Some(LeftOut { device, name, why }) => {
            format!("{} values are left out, the first: {device} {name}: {why}", leaving.total)
        }
    })
}

#[cfg(test)]
mod tests;

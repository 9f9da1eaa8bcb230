//! What an update has changed is brought back, or a device to where it was: as an update of its
//! own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleet::catalogue::record_of;
use fleet::limits::{DEVICES_PER_PAGE_MAX, SCAN_PAGE};
use fleet::rollout::Source;
use fleet::{
    DeviceId, DeviceKey, Door, End, Ended, Failure, Job, JobId, Kind, Operation, Phase, Plan,
    Principal, ProjectId, ProjectKey, Refusal, RequestId, Revision, Rollout, Values,
};
use store::JobWithDevice;

use crate::access::invalid;
use crate::command::{CameraAsked, Error, Update, UpdateEntry};
use crate::credentials;
use crate::handle::Handle;
use crate::holdings::Holdings;
use crate::rollout::make::{NewRollout, check_plan};

/// How many of the properties that are left out are told of.
const LEFT_OUT_TOLD_MAX: usize = 1_000;

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
    /// What the last of them asked for.
    asked: String,
    /// Its revision.
    revision: Revision,
}

/// What jobs have done to a device, by property.
type Changes = BTreeMap<String, Change>;

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
    /// it. What something later has changed stays as it is, and so does what nothing is known of
    /// from before: that is told.
    ///
    /// Errors: [`Error::NoSuchUpdate`]; [`Error::WrongPhase`] while it runs;
    /// [`Error::NothingToRevert`]; those of [`Self::create_update`].
    pub async fn revert_update(
        &self,
        principal: &Principal,
        id: RequestId,
        plan: Plan,
    ) -> Result<Reverted, Error> {
        check_plan(&plan)?;
        if let Some(rollout) = self.shared.store.rollout(principal, id).await? {
            let phase = rollout.phase;
            if matches!(phase, Phase::Running | Phase::Collecting) {
                return Err(Error::WrongPhase { phase, asked: "reverted" });
            }
            if !phase.is_end() {
                let why = format!("by {}, to bring it back", principal.name());
                self.give_up(principal, id, &why).await?;
            }
        }
        let done = self.done_by(principal, id).await?;
        let (Some(project), false) = (done.project, done.order.is_empty()) else {
            if !done.any {
                return Err(Error::NoSuchUpdate(id));
            }
            let why = "none of its jobs has changed anything";
            return Err(Error::NothingToRevert(why.to_owned()));
        };
        let (mut devices, mut leaving, mut kinds) =
            (Vec::new(), Leaving::default(), BTreeSet::new());
        for piece in done.order.chunks(DEVICES_PER_PAGE_MAX as usize) {
            let changes = piece.iter().filter_map(|(key, _)| done.changes.get(key));
            let names = changes.flat_map(BTreeMap::keys).cloned().collect();
            let ids = piece.iter().map(|(_, id)| id.clone()).collect();
            let holdings = self.holdings(principal, &project.1, ids, names).await?;
            for (key, id) in piece {
                let Some(found) = holdings.device(*key) else {
                    leaving.add(id, "", GONE);
                    continue;
                };
                let Some(changes) = done.changes.get(key) else { continue };
                let values = back(&holdings, (*key, id), changes, true, &mut leaving);
                if !values.is_empty() {
                    kinds.insert(found.device.kind);
                    devices.push((*key, id.clone(), Some(values)));
                }
            }
        }
        let kind = one_kind(&kinds, &leaving)?;
        let new = NewRollout {
            project,
            kind,
            operation: Operation::Update,
            patch: Values::new(),
            plan,
            source: Source::RevertOf(id),
            devices,
        };
        let rollout = self.make_rollout(principal, new).await?;
        Ok(Reverted { rollout, left_out: leaving.told, left_out_total: leaving.total })
    }

    /// Brings a device back to what was desired of it at a revision: each property that a job has
    /// changed since, to what was desired before the first such job, or else to what the device had
    /// shown then. An update of one device, made at once.
    ///
    /// Errors: the project or the device is not the caller's; [`Error::Invalid`] for a revision
    /// that the device never had; [`Error::NothingToRevert`]; or the store failed.
    pub async fn revert_device(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
        to: Revision,
    ) -> Result<RevertedDevice, Error> {
        self.project_key(principal, project).await?;
        let found = self.shared.store.device(principal, Some(project), id).await?;
        let found = found.into_iter().next().ok_or(store::Refused::NoSuchDevice)?;
        let revision = found.state.revision;
        if to < Revision(0) || to > revision {
            let detail = format!("the device has had the revisions 0 to {}", revision.0);
            return Err(invalid("to", detail));
        }
        let key = found.device.key;
        let jobs = self.jobs_after(principal, key, to).await?;
        let mut changes = Changes::new();
        jobs.iter().rev().for_each(|job| note(&mut changes, job));
        let names = changes.keys().cloned().collect();
        let holdings = self.holdings_of(principal, vec![found], names).await?;
        let mut leaving = Leaving::default();
        let values = back(&holdings, (key, id), &changes, false, &mut leaving);
        if values.is_empty() {
            return Err(nothing(&leaving));
        }
        let request = self.next_request_id();
        let update = Update {
            request,
            door: Door::Native,
            project: project.clone(),
            kind: None,
            operation: Operation::Update,
            entries: vec![UpdateEntry {
                device: Ok(id.clone()),
                clear: false,
                patch: Ok(values.clone().into()),
                camera: CameraAsked::default(),
            }],
        };
        let job = self.update(principal, update).await?;
        let job = job.into_iter().next().ok_or(Error::Closed)?;
        Ok(RevertedDevice { request, job, values, left_out: leaving.told })
    }

    /// The jobs of a device with a revision above `to`, newest first.
    async fn jobs_after(
        &self,
        principal: &Principal,
        device: DeviceKey,
        to: Revision,
    ) -> Result<Vec<Job>, Error> {
        let (mut jobs, mut before): (Vec<Job>, _) = (Vec::new(), None);
        loop {
            let page = self.shared.store.history(principal, device, before, SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE as usize;
            for found in page {
                if found.job.revision <= to {
                    return Ok(jobs);
                }
                before = Some(found.job.revision);
                jobs.push(found.job);
            }
            if is_last {
                return Ok(jobs);
            }
        }
    }

    /// What the jobs of an update have done. Those that were cancelled were brought back with that.
    async fn done_by(&self, principal: &Principal, id: RequestId) -> Result<Done, Error> {
        let mut done = Done::default();
        for request in self.requests(principal, id).await? {
            let mut offset = 0;
            loop {
                let store = &self.shared.store;
                let page = store.jobs(principal, &[request], offset, SCAN_PAGE).await?;
                offset += page.len() as u64;
                let is_last = page.len() < SCAN_PAGE as usize;
                page.into_iter().for_each(|found| done.add(found));
                if is_last {
                    break;
                }
            }
        }
        Ok(done)
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
    fn add(&mut self, found: JobWithDevice) {
        let JobWithDevice { job, device_id, project_id, .. } = found;
        self.any = true;
        let is_cancelled = matches!(
            job.end,
            Some(Ended { end: End::Failed { failure: Failure::Cancelled { .. } }, .. })
        );
        if is_cancelled || job.patch.is_empty() && job.record.is_empty() {
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
    for (name, value) in job.patch.iter().chain(&job.record) {
        let (asked, revision) = (value.clone(), job.revision);
        match changes.get_mut(name) {
            Some(change) => *change = Change { before: change.before.take(), asked, revision },
            None => {
                let before = job.before.get(name).cloned();
                changes.insert(name.clone(), Change { before, asked, revision });
            }
        }
    }
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
            now.as_deref().unwrap_or_default() == change.asked
        } else {
            let desired = holdings.device(key).and_then(|found| found.state.desired.get(name));
            desired.is_some_and(|desired| desired.revision <= change.revision)
        };
        let target = match &change.before {
            _ if is_camera && credentials::is_secret(name) => Err(SECRET),
            None => Err(UNTOLD),
            Some(_) if only_own && !is_own => Err(CHANGED),
            Some(before) => match before.desired.as_ref().or(before.shown.as_ref()) {
                Some(value) => Ok(value.clone()),
                None if is_record => Ok(String::new()),
                None => Err(NOTHING),
            },
        };
        match target {
            Ok(value) if now.as_deref().unwrap_or_default() == value && is_record => {}
            Ok(value) if now.as_deref() == Some(value.as_str()) => {}
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

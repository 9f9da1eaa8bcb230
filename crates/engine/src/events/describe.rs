//! What commits did, in words that clients know: the feed names devices and jobs by keys.

use std::collections::{BTreeSet, HashMap};
use std::sync::{MutexGuard, PoisonError};

use fleet::limits::OPEN_JOBS_PER_DEVICE_MAX;
use fleet::{
    Device, DeviceId, DeviceKey, End, Ended, Failure, JobId, Principal, ProjectId, ProjectKey,
    RequestId,
};
use futures_util::future::try_join_all;
use store::{Change, Commit, Error, JobWithDevice};

use super::hub::Hub;
use super::{Aspect, CHANGES_AT_A_TIME, Event, Happened, Part, Parts};

/// Events that one piece of the queue holds at most.
pub(super) const EVENTS_MAX: usize = 128;

/// Devices, and jobs, that are looked up at a time.
const DEVICES_AT_A_TIME: usize = 1_000;
const JOBS_AT_A_TIME: usize = 16;

/// What a device is called.
#[derive(Debug, Clone)]
pub(super) struct Named {
    project: ProjectKey,
    project_id: ProjectId,
    id: DeviceId,
}

/// The first of these commits, as many as are looked at together: at least one, if there is one.
pub(super) fn group(commits: &[Commit]) -> &[Commit] {
    let mut changes = 0;
    let fits = commits.iter().take_while(|commit| {
        let is_first = changes == 0;
        changes += 1 + commit.changes.iter().map(size).sum::<usize>();
        is_first || changes <= CHANGES_AT_A_TIME
    });
    let count = fits.count();
    commits.get(..count).unwrap_or_default()
}

/// How many events a change may be.
fn size(change: &Change) -> usize {
    match change {
        Change::Accepted { records, .. } => 1 + records.len(),
        Change::Settled { ended, .. } => 1 + ended.len(),
        Change::Cancelled { ended, devices } => ended.len() + devices.len(),
        Change::Bound(devices) | Change::Devices(devices) => devices.len(),
        Change::Deleted(_) => 1 + OPEN_JOBS_PER_DEVICE_MAX,
        _ => 1,
    }
}

/// What has to be looked up for some commits, and what was found.
#[derive(Default)]
struct Found {
    devices: HashMap<DeviceKey, Named>,
    /// The jobs that ended with devices that are gone, by device, oldest first.
    left: HashMap<DeviceKey, Vec<JobWithDevice>>,
    jobs: HashMap<JobId, JobWithDevice>,
    projects: HashMap<ProjectKey, ProjectId>,
}

impl Hub {
    /// What these commits did, those left out that did nothing to be told.
    pub(super) async fn describe(&self, commits: &[Commit]) -> Result<Vec<Parts>, Error> {
        let found = self.find(commits).await?;
        let told = commits.iter().map(|commit| (commit, found.events(&commit.changes)));
        Ok(pieces(told))
    }

    /// Looks up what these commits name.
    async fn find(&self, commits: &[Commit]) -> Result<Found, Error> {
        let (mut devices, mut deleted) = (BTreeSet::new(), BTreeSet::new());
        let (mut jobs, mut projects) = (BTreeSet::new(), BTreeSet::new());
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            match change {
                Change::Accepted { project, records, .. } => {
                    projects.insert(*project);
                    devices.extend(records);
                }
                Change::Settled { device, ended } => {
                    devices.insert(*device);
                    jobs.extend(ended);
                }
                Change::Cancelled { ended, devices: keys } => {
                    devices.extend(keys);
                    jobs.extend(ended);
                }
                Change::Bound(keys) | Change::Devices(keys) => devices.extend(keys),
                Change::Channels(device) => {
                    devices.insert(*device);
                }
                Change::Deleted(device) => {
                    deleted.insert(*device);
                }
                _ => {}
            }
        }
        let mut found = Found {
            devices: self.devices(devices).await?,
            left: self.left(deleted.iter().copied().collect()).await?,
            jobs: self.jobs(jobs.into_iter().collect()).await?,
            projects: self.projects(&projects).await?,
        };
        for device in deleted {
            let job = found.left.get(&device).and_then(|jobs| jobs.first());
            let named = job.map(named_by).or_else(|| self.names.get(&device));
            if let Some(named) = named {
                found.devices.insert(device, named);
            }
        }
        for jobs in found.left.values_mut() {
            jobs.retain(|found| ended_by_deletion(found.job.end.as_ref()));
        }
        Ok(found)
    }

    /// What these devices are called, those that are there.
    async fn devices(&self, keys: BTreeSet<DeviceKey>) -> Result<HashMap<DeviceKey, Named>, Error> {
        let keys: Vec<DeviceKey> = keys.into_iter().collect();
        let mut devices = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(DEVICES_AT_A_TIME) {
            for Device { key, project, project_id, id, .. } in
                self.shared.store.records(keys).await?
            {
                let named = Named { project, project_id, id };
                self.names.insert(key, named.clone());
                devices.insert(key, named);
            }
        }
        Ok(devices)
    }

    /// The last jobs of devices that are gone.
    async fn left(
        &self,
        keys: Vec<DeviceKey>,
    ) -> Result<HashMap<DeviceKey, Vec<JobWithDevice>>, Error> {
        const JOBS: u32 = OPEN_JOBS_PER_DEVICE_MAX as u32;
        let engine = Principal::engine();
        let mut left = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(JOBS_AT_A_TIME) {
            let store = &self.shared.store;
            let reads = keys.iter().map(|key| store.history(&engine, *key, None, JOBS));
            for (key, mut page) in keys.iter().zip(try_join_all(reads).await?) {
                page.jobs.reverse();
                left.insert(*key, page.jobs);
            }
        }
        Ok(left)
    }

    /// These jobs, those that are there.
    async fn jobs(&self, ids: Vec<JobId>) -> Result<HashMap<JobId, JobWithDevice>, Error> {
        let engine = Principal::engine();
        let mut jobs = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(JOBS_AT_A_TIME) {
            let reads = ids.iter().map(|id| self.shared.store.job(&engine, *id));
            let found = try_join_all(reads).await?;
            jobs.extend(found.into_iter().flatten().map(|found| (found.job.id, found)));
        }
        Ok(jobs)
    }

    /// The ids of these projects, of those that are there.
    async fn projects(
        &self,
        keys: &BTreeSet<ProjectKey>,
    ) -> Result<HashMap<ProjectKey, ProjectId>, Error> {
        let lacks = |known: &HashMap<_, _>| keys.iter().any(|key| !known.contains_key(key));
        if lacks(&self.known_projects()) {
            let all = self.shared.store.projects(&Principal::engine()).await?;
            let all = all.into_iter().map(|project| (project.key, project.id)).collect();
            *self.known_projects() = all;
        }
        let known = self.known_projects();
        let id = |key: &ProjectKey| known.get(key).map(|id| (*key, id.clone()));
        Ok(keys.iter().filter_map(id).collect())
    }

    fn known_projects(&self) -> MutexGuard<'_, HashMap<ProjectKey, ProjectId>> {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// What one commit did, each thing once.
    fn events(&self, changes: &[Change]) -> Vec<Event> {
        let mut told = Telling { found: self, events: Vec::new(), changed: BTreeSet::new() };
        for change in changes {
            match change {
                Change::Accepted { project, request, entries, records, .. } => {
                    told.accepted(*project, *request, entries.len());
                    told.changed(records, Aspect::Record);
                }
                Change::Settled { device, ended } => {
                    told.all_ended(ended);
                    told.changed(&[*device], Aspect::Settled);
                }
                Change::Cancelled { ended, devices } => {
                    told.all_ended(ended);
                    told.changed(devices, Aspect::Settled);
                }
                Change::Bound(devices) => told.changed(devices, Aspect::Registration),
                Change::Devices(devices) => told.changed(devices, Aspect::Record),
                Change::Channels(device) => told.changed(&[*device], Aspect::Channels),
                Change::Deleted(device) => {
                    let jobs = self.left.get(device).into_iter().flatten();
                    jobs.for_each(|job| told.ended(job));
                    told.deleted(*device);
                }
                Change::Projects => {
                    let is_told = told.events.iter().any(|e| e.what == Happened::ProjectsChanged);
                    if !is_told {
                        told.events.push(Event { project: None, what: Happened::ProjectsChanged });
                    }
                }
                Change::Organizations
                | Change::Keys
                | Change::Users
                | Change::Tags
                | Change::Webhooks
                | Change::Servers
                | Change::Server
                | Change::Cluster
                | Change::Sighted(_) => {}
            }
        }
        told.events
    }
}

/// The events of one commit as they are found.
struct Telling<'a> {
    found: &'a Found,
    events: Vec<Event>,
    /// What was told of which device.
    changed: BTreeSet<(DeviceKey, Aspect)>,
}

impl Telling<'_> {
    fn accepted(&mut self, project: ProjectKey, id: RequestId, jobs: usize) {
        let project_id = self.found.projects.get(&project).cloned();
        let what = Happened::UpdateAccepted { id, project: project_id, jobs };
        self.events.push(Event { project: Some(project), what });
    }

    fn all_ended(&mut self, jobs: &[JobId]) {
        let found = self.found;
        jobs.iter().filter_map(|job| found.jobs.get(job)).for_each(|job| self.ended(job));
    }

    fn ended(&mut self, found: &JobWithDevice) {
        let end = found.job.end.as_ref();
        let succeeded = end.is_some_and(|ended| matches!(ended.end, End::Succeeded { .. }));
        let what = Happened::JobEnded {
            id: found.job.id,
            device: found.device_id.clone(),
            project: found.project_id.clone(),
            succeeded,
        };
        self.events.push(Event { project: Some(found.job.project), what });
    }

    /// Devices that are gone have changed in nothing that could be read: that they are gone is told
    /// where it happened.
    fn changed(&mut self, devices: &[DeviceKey], aspect: Aspect) {
        for device in devices {
            let Some(named) = self.found.devices.get(device) else { continue };
            if self.changed.insert((*device, aspect)) {
                self.events.push(changed(Some(named), aspect));
            }
        }
    }

    fn deleted(&mut self, device: DeviceKey) {
        self.events.push(changed(self.found.devices.get(&device), Aspect::Deleted));
    }
}

fn changed(named: Option<&Named>, what: Aspect) -> Event {
    let (id, project) = named.map(|named| (named.id.clone(), named.project_id.clone())).unzip();
    let what = Happened::DeviceChanged { id, project, what };
    Event { project: named.map(|named| named.project), what }
}

/// The device that a job is of.
fn named_by(found: &JobWithDevice) -> Named {
    Named {
        project: found.job.project,
        project_id: found.project_id.clone(),
        id: found.device_id.clone(),
    }
}

/// Whether a job ended because its device was deleted.
fn ended_by_deletion(ended: Option<&Ended>) -> bool {
    let end = ended.map(|ended| &ended.end);
    matches!(end, Some(End::Failed { failure: Failure::Deleted }))
}

/// What commits did, in pieces of at most [`EVENTS_MAX`] events.
fn pieces<'a>(told: impl Iterator<Item = (&'a Commit, Vec<Event>)>) -> Vec<Parts> {
    let mut pieces: Vec<Parts> = Vec::new();
    let (mut piece, mut room) = (Vec::new(), EVENTS_MAX);
    for (commit, events) in told {
        let mut events = events.into_iter();
        while events.len() > 0 {
            let part: Vec<Event> = events.by_ref().take(room).collect();
            room -= part.len();
            piece.push(Part {
                position: commit.position,
                at: commit.at,
                events: part,
                is_last: events.len() == 0,
            });
            if room == 0 {
                pieces.push(std::mem::take(&mut piece).into());
                room = EVENTS_MAX;
            }
        }
    }
    if !piece.is_empty() {
        pieces.push(piece.into());
    }
    pieces
}

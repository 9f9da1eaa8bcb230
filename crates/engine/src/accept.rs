//! Accepting an update: each entry is checked by itself, what passes is committed as one, and only
//! then is anybody told.

mod check;
pub(crate) mod entries;
pub(crate) mod records;

use std::collections::HashMap;
use std::sync::Arc;

use fleet::limits;
use fleet::{DeviceId, JobId, Principal, ProjectId, ProjectKey, Refusal};
use store::write::{Accept, AcceptedEntry};
use store::{AcceptTarget, JobWithDevice, LaneSeed, Write, Written};

pub(crate) use check::check_organizations;
use entries::Call;

use crate::command::{Error, Update, UpdateResult};
use crate::handle::Handle;
use crate::idempotency::CallId;
use crate::lane::Wake;
use crate::shared::Shared;
use crate::spans;
use crate::sweep::{seed_of, wake_all};

impl Handle {
    /// Accepts an update. Per entry, in order: the device must be named, be known, and take every
    /// one of the properties; the first fault refuses that entry whole and no other. When this
    /// returns, every job it names is durable.
    ///
    /// Errors: the project is not the caller's, there are too many entries, or the store can't take
    /// the change; then nothing has changed (unless the store's answer itself was lost).
    pub async fn update(
        &self,
        principal: &Principal,
        update: Update,
    ) -> Result<UpdateResult, Error> {
        let entries = update.entries.len();
        if entries > limits::PHONES_PER_UPDATE_MAX {
            return Err(Error::TooManyEntries { entries });
        }
        let project = self.project_key(principal, &update.project).await?;
        let at = self.shared.clock.now();
        let call = Call {
            project: (project, &update.project),
            kind: update.kind,
            operation: update.operation,
            at,
        };
        let named = if update.call.may_repeat {
            update.entries.iter().map(|entry| entry.device.clone().ok()).collect()
        } else {
            Vec::new()
        };
        let checked = self.check_entries(call, update.entries).await?;
        // What passed stands so until the store has answered for it.
        let mut results: UpdateResult = vec![Err(Refusal::DeviceUnknown); entries];
        for (position, refusal) in checked.refused {
            if let Some(result) = results.get_mut(usize::from(position)) {
                *result = Err(refusal);
            }
        }
        if update.call.may_repeat {
            let place = (project, &update.project);
            self.keep_accepted(principal, (update.call, place), named, &mut results).await?;
        }
        let accepted = checked.passed;
        if accepted.is_empty() {
            return Ok(results);
        }

        let positions: Vec<u16> = accepted.iter().map(|entry| entry.position).collect();
        let CallId { request, may_repeat } = update.call;
        spans::accepted(request);
        let door = update.door;
        let accept = Accept { project, request, may_repeat, door, at, entries: accepted };
        let (targets, registrants) = (checked.targets, checked.registrants);
        // On a task of its own: once the change is handed to the store, the lanes must hear of it,
        // and what was known of registrants must be forgotten, even if the caller goes away
        // meanwhile.
        let shared = Arc::clone(&self.shared);
        let commit = commit(shared, principal.clone(), accept, targets, registrants);
        let answers = tokio::spawn(commit).await.map_err(|_| Error::Closed)??;
        for (answer, position) in answers.into_iter().zip(positions) {
            if let Some(result) = results.get_mut(usize::from(position)) {
                *result = answer.map(|entry| entry.job);
            }
        }
        Ok(results)
    }

    /// The first job of a call, if it may have been made before and was: what was accepted then is
    /// so still, whatever the checks that come before would say by now.
    ///
    /// Errors: the store failed.
    pub async fn first_job(
        &self,
        principal: &Principal,
        call: CallId,
    ) -> Result<Option<JobWithDevice>, Error> {
        if !call.may_repeat {
            return Ok(None);
        }
        let found = self.shared.store.jobs(principal, &[call.request], 0, 1).await?;
        Ok(found.into_iter().next())
    }

    /// Of a call that may have been made before: what it was answered with a job then is so still,
    /// though the checks may judge otherwise by now. What they let through the store looks for.
    /// `named` are the devices of its entries. A job is an entry's if it is of that device, or of
    /// the one whose channel that is by now.
    ///
    /// Errors: the store failed.
    async fn keep_accepted(
        &self,
        principal: &Principal,
        (call, project): (CallId, (ProjectKey, &ProjectId)),
        named: Vec<Option<DeviceId>>,
        results: &mut UpdateResult,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        let limit = u32::try_from(limits::PHONES_PER_UPDATE_MAX).unwrap_or(u32::MAX);
        let found = shared.store.jobs(principal, &[call.request], 0, limit).await?;
        let mut found: HashMap<JobId, JobWithDevice> =
            found.into_iter().map(|found| (found.job.id, found)).collect();
        let mut others = Vec::new();
        for ((position, result), named) in (0_u16..).zip(results.iter_mut()).zip(named) {
            let job = call.request.job(position).and_then(|job| found.remove(&job));
            let (Some(made), Some(named)) = (job, named) else { continue };
            if made.device_id == named {
                *result = Ok(made.job.id);
            } else {
                others.push((result, made.job, named));
            }
        }
        let ids = others.iter().map(|(.., named)| named.clone()).collect();
        let targets = shared.targets.find(shared, project, ids).await?;
        for ((result, job, _), target) in others.into_iter().zip(targets) {
            if target.is_some_and(|target| target.device == job.device) {
                *result = Ok(job.id);
            }
        }
        Ok(())
    }

    /// The key of a project, if the caller may see it.
    pub(crate) async fn project_key(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<ProjectKey, Error> {
        let shared = &self.shared;
        let known = shared.projects.get(id).filter(|_| shared.freshness.holds());
        let key = match known {
            Some(key) => Some(key),
            None => {
                let deletions = shared.projects.deletions();
                let project = shared.store.project(&Principal::engine(), id).await?;
                if let Some(project) = &project {
                    shared.projects.keep(id, project.key, deletions);
                }
                project.map(|project| project.key)
            }
        };
        key.filter(|key| principal.may_see(*key)).ok_or_else(|| Error::NoSuchProject(id.clone()))
    }
}

/// Makes the change durable, forgets what was known of `registrants`, then tells the lanes.
async fn commit(
    shared: Arc<Shared>,
    principal: Principal,
    accept: Accept,
    targets: Vec<Arc<AcceptTarget>>,
    registrants: Vec<DeviceId>,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    #[cfg(feature = "planted-bugs")]
    if shared.planted == Some(crate::planted::Bug::AnswerBeforeCommit) {
        return Ok(answer_before_commit(shared, principal, accept));
    }
    let is_power = accept.entries.iter().any(|entry| entry.operation.is_power());
    let written = shared.store.write(&principal, Write::Accept(accept)).await;
    // Whether it was made or not: what was known of them may be true no more.
    if !registrants.is_empty() {
        shared.registrants.forget(registrants.iter());
    }
    look_for_what_may_be_there(&shared, &written);
    let answers = match written?? {
        Written::Accepted(answers) => answers,
        other => {
            tracing::error!(?other, "the store answered an accept with something else");
            return Err(Error::Closed);
        }
    };
    wake_accepted(&shared, &answers, &targets, is_power).await;
    Ok(answers)
}

/// Where it is not known whether a change was made, there may be jobs that no lane has heard of:
/// has all devices with work read again.
pub(crate) fn look_for_what_may_be_there<T>(shared: &Shared, written: &Result<T, store::Error>) {
    if matches!(written, Err(store::Error::Unknown { .. })) {
        shared.rescan.notify_one();
    }
}

/// Tells the lanes of what was accepted: per entry its answer and its device. `is_power` if it asks
/// for a restart, reset or stop.
pub(crate) async fn wake_accepted(
    shared: &Shared,
    answers: &[Result<AcceptedEntry, Refusal>],
    targets: &[Arc<AcceptTarget>],
    is_power: bool,
) {
    let seeds: Vec<LaneSeed> = answers
        .iter()
        .zip(targets)
        .filter_map(|(answer, target)| {
            let device = answer.as_ref().ok().filter(|entry| !entry.ended)?.device;
            Some(seed_of(shared, (device, target.kind), target.server.clone()))
        })
        .collect();
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    metrics::counter!("fleetwright_jobs_accepted_total").increment(accepted as u64);
    #[cfg(feature = "planted-bugs")]
    if shared.planted == Some(crate::planted::Bug::LostWakeUp) {
        return;
    }
    // A phone that is stopped is hardly looked at; to be started it need not answer.
    let wake = if is_power { Wake::Now } else { Wake::Work };
    wake_all(shared, seeds, wake).await;
}

/// The planted bug: makes up the answers that the store will probably give.
#[cfg(feature = "planted-bugs")]
fn answer_before_commit(
    shared: Arc<Shared>,
    principal: Principal,
    accept: Accept,
) -> Vec<Result<AcceptedEntry, Refusal>> {
    let answers = accept
        .entries
        .iter()
        .filter_map(|entry| {
            let job = accept.request.job(entry.position)?;
            let revision = fleet::Revision(0);
            let device = entry.device;
            Some(Ok(AcceptedEntry { device, job, revision, stored: false, ended: false }))
        })
        .collect();
    tokio::spawn(async move { shared.store.write(&principal, Write::Accept(accept)).await });
    answers
}

#[cfg(test)]
mod tests;

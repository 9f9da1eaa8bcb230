//! Accepting an update: each entry is checked by itself, what passes is committed as one, and only
//! then is anybody told.

mod check;
pub(crate) mod records;

use std::sync::Arc;

use fleet::limits;
use fleet::{DeviceId, Kind, Principal, ProjectId, ProjectKey, Refusal};
use store::write::{Accept, AcceptEntry, AcceptedEntry};
use store::{LaneSeed, Write, Written};

pub(crate) use check::check_organizations;

use crate::command::{Error, Update, UpdateResult};
use crate::handle::Handle;
use crate::lane::Wake;
use crate::shared::Shared;
use crate::sweep::wake_all;

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
        let shared = &self.shared;
        let ids: Vec<DeviceId> =
            update.entries.iter().filter_map(|entry| entry.device.clone().ok()).collect();
        let project = self.project_key(principal, &update.project).await?;
        let found = shared.targets.find(&*shared.store, (project, &update.project), ids).await?;
        let mut targets = found.into_iter();

        let mut results: Vec<Result<fleet::JobId, Refusal>> = Vec::with_capacity(entries);
        let catalogue = shared.catalogue.get();
        let operation = update.operation;
        let at = shared.clock.now();
        let mut accepted = Vec::with_capacity(entries);
        let mut servers = Vec::with_capacity(entries);
        let mut registrants = Vec::new();
        for (position, entry) in (0_u16..).zip(update.entries) {
            let target = if entry.device.is_ok() { targets.next().flatten() } else { None };
            let target = target.filter(|target| update.kind.is_none_or(|kind| target.kind == kind));
            let clear = entry.clear;
            let is_camera = target.as_ref().is_some_and(|target| target.kind == Kind::Camera);
            let camera_id = if is_camera { entry.device.clone().ok() } else { None };
            let checked = match check::check(&catalogue, entry, target) {
                Ok(checked) => checked,
                Err(refusal) => {
                    results.push(Err(refusal));
                    continue;
                }
            };
            // Stands until the store has answered for this entry.
            results.push(Err(Refusal::DeviceUnknown));
            let check::Checked { target, patch, asked } = checked;
            let device = target.device;
            let (patch, record, camera) = match camera_id {
                Some(id) => {
                    let credentials = self.credentials_patch(
                        &update.project,
                        &id,
                        &asked.credentials,
                        target.password_overlap_seconds,
                        at,
                    )?;
                    if credentials.is_some() {
                        registrants.push(id);
                    }
                    let filed = records::split(patch, &asked, || self.new_organization_id());
                    let camera = records::camera_patch(&filed, credentials);
                    (filed.patch, filed.record, Some(camera))
                }
                None => (patch, fleet::Values::new(), None),
            };
            accepted.push(AcceptEntry {
                position,
                device,
                operation,
                clear,
                patch,
                record,
                camera,
            });
            servers.push(target.server.clone());
        }
        if accepted.is_empty() {
            return Ok(results);
        }

        let positions: Vec<u16> = accepted.iter().map(|entry| entry.position).collect();
        let accept =
            Accept { project, request: update.request, door: update.door, at, entries: accepted };
        // On a task of its own: once the change is handed to the store, the lanes must hear of it,
        // and what was known of registrants must be forgotten, even if the caller goes away
        // meanwhile.
        let commit = commit(Arc::clone(shared), principal.clone(), accept, servers, registrants);
        let answers = tokio::spawn(commit).await.map_err(|_| Error::Closed)??;
        for (answer, position) in answers.into_iter().zip(positions) {
            if let Some(result) = results.get_mut(usize::from(position)) {
                *result = answer.map(|entry| entry.job);
            }
        }
        Ok(results)
    }

    /// The key of a project, if the caller may see it.
    pub(crate) async fn project_key(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<ProjectKey, Error> {
        let shared = &self.shared;
        let key = match shared.projects.get(id) {
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
    servers: Vec<String>,
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
    let answers = match written?? {
        Written::Accepted(answers) => answers,
        other => {
            tracing::error!(?other, "the store answered an accept with something else");
            return Err(Error::Closed);
        }
    };
    let seeds: Vec<LaneSeed> = answers
        .iter()
        .zip(servers)
        .filter_map(|(answer, server)| {
            let device = answer.as_ref().ok().filter(|entry| !entry.ended)?.device;
            Some(LaneSeed { device, shard: device.shard(), server, restarting: None })
        })
        .collect();
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    metrics::counter!("fleetwright_jobs_accepted_total").increment(accepted as u64);
    #[cfg(feature = "planted-bugs")]
    if shared.planted == Some(crate::planted::Bug::LostWakeUp) {
        return Ok(answers);
    }
    // A phone that is stopped is hardly looked at; to be started it need not answer.
    let wake = if is_power { Wake::Now } else { Wake::Work };
    wake_all(&shared, seeds, wake).await;
    Ok(answers)
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

//! Accepting an update: each entry is checked by itself, what passes is committed as one, and only
//! then is anybody told.

use std::sync::Arc;

use fleet::catalogue::{NAME, channel_property};
use fleet::limits;
use fleet::{Catalogue, DeviceId, Kind, Principal, ProjectId, ProjectKey, Refusal, Values};
use store::write::{Accept, AcceptEntry, AcceptedEntry, CameraPatch};
use store::{AcceptTarget, LaneSeed, Write, Written};

use crate::command::{Error, Update, UpdateEntry, UpdateResult};
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
        let mut accepted = Vec::with_capacity(entries);
        let mut servers = Vec::with_capacity(entries);
        for (position, entry) in (0_u16..).zip(update.entries) {
            let target = if entry.device.is_ok() { targets.next().flatten() } else { None };
            let target = target.filter(|target| update.kind.is_none_or(|kind| target.kind == kind));
            let clear = entry.clear;
            match check(&catalogue, entry, target) {
                Ok((target, patch)) => {
                    // Stands until the store has answered for this entry.
                    results.push(Err(Refusal::DeviceUnknown));
                    let device = target.device;
                    let camera = (target.kind == Kind::Camera).then(|| camera_patch(&patch));
                    let entry = AcceptEntry { position, device, operation, clear, patch, camera };
                    accepted.push(entry);
                    servers.push(target.server.clone());
                }
                Err(refusal) => results.push(Err(refusal)),
            }
        }
        if accepted.is_empty() {
            return Ok(results);
        }

        let positions: Vec<u16> = accepted.iter().map(|entry| entry.position).collect();
        let accept = Accept {
            project,
            request: update.request,
            door: update.door,
            at: shared.clock.now(),
            entries: accepted,
        };
        // On a task of its own: once the change is handed to the store, the lanes must hear of it
        // even if the caller goes away meanwhile.
        let commit = commit(Arc::clone(shared), principal.clone(), accept, servers);
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
                let project = shared.store.project(&Principal::engine(), id).await?;
                if let Some(project) = &project {
                    shared.projects.insert(id.clone(), project.key);
                }
                project.map(|project| project.key)
            }
        };
        key.filter(|key| principal.may_see(*key)).ok_or_else(|| Error::NoSuchProject(id.clone()))
    }
}

/// Makes the change durable, then tells the lanes.
async fn commit(
    shared: Arc<Shared>,
    principal: Principal,
    accept: Accept,
    servers: Vec<String>,
) -> Result<Vec<Result<AcceptedEntry, Refusal>>, Error> {
    #[cfg(feature = "planted-bugs")]
    if shared.planted == Some(crate::planted::Bug::AnswerBeforeCommit) {
        return Ok(answer_before_commit(shared, principal, accept));
    }
    let is_power = accept.entries.iter().any(|entry| entry.operation.is_power());
    let answers = match shared.store.write(&principal, Write::Accept(accept)).await?? {
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
            let device = answer.as_ref().ok()?.device;
            Some(LaneSeed { device, shard: device.shard(), server, restarting: None })
        })
        .collect();
    metrics::counter!("fleetwright_jobs_accepted_total").increment(seeds.len() as u64);
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
            Some(Ok(AcceptedEntry { device: entry.device, job, revision, stored: false }))
        })
        .collect();
    tokio::spawn(async move { shared.store.write(&principal, Write::Accept(accept)).await });
    answers
}

/// What an update changes of a GB device's records with the commit itself: our names for it and for
/// its channels.
fn camera_patch(patch: &Values) -> CameraPatch {
    let channel = |(property, name): (&String, &String)| {
        Some((channel_property(property)?, name.clone(), property.clone()))
    };
    CameraPatch {
        name: patch.get(NAME).cloned(),
        channels: patch.iter().filter_map(channel).collect(),
    }
}

/// Checks one entry, in the documented order: id, device, properties.
fn check(
    catalogue: &Catalogue,
    entry: UpdateEntry,
    target: Option<Arc<AcceptTarget>>,
) -> Result<(Arc<AcceptTarget>, Values), Refusal> {
    entry.device?;
    let target = target.ok_or(Refusal::DeviceUnknown)?;
    let asked = entry.patch?;
    let mut patch = Values::new();
    let mut add = |name: &str, canonical: &str, value: String| {
        if patch.insert(canonical.to_owned(), value).is_none() {
            return Ok(());
        }
        let detail = format!("given twice: it and another name stand for {canonical}");
        Err(Refusal::PropertyInvalid { name: name.to_owned(), detail })
    };
    for (name, value) in asked.properties {
        let canonical = catalogue.check(&target.profile, target.identity, &name, &value)?;
        add(&name, canonical, value)?;
    }
    for (name, value) in asked.custom {
        let canonical = catalogue.check_custom(&target.profile, target.identity, &name, &value)?;
        add(&name, canonical, value)?;
    }
    Ok((target, patch))
}

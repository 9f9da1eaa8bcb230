//! Why a device holds what it holds: of each value which update asked for it, who, by which API and
//! when, what the device showed and what there was before; and of what is not as it should be, why,
//! and what to do about it.

mod reasons;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleet::catalogue::{ORGANIZATION, record_of};
use fleet::desired::{DesiredValue, Shown};
use fleet::limits::EXPLAINED_JOBS_MAX;
use fleet::{
    Before, BootIdentity, Catalogue, Device, DeviceId, JobState, Kind, Principal, ProjectId,
    PushOutcome, RequestId, Revision, Timestamp,
};
use store::{DeviceWithState, JobWithDevice};

pub use reasons::{Code, Reason, what_to_do};

use crate::access::invalid;
use crate::check::in_words;
use crate::command::Error;
use crate::credentials::{PASSWORD, USER};
use crate::handle::Handle;
use crate::holdings::Holdings;
use crate::stands::{ValueStands, spoken_to_by};
use reasons::{About, Known, Value};

/// Jobs of a device that are read at a time.
const JOBS_PER_READ: u32 = 200;

/// Why nobody is named for a value that no job gave the device.
const NO_JOB: &str = "no update asked for it: it was taken over from the device when that was \
                      adopted, or put back when a later update was cancelled";
/// The same of a record for which all jobs of the device were looked through.
const NO_RECORD: &str = "no update put it on record: it came with the device's import, or before \
                         this was kept";
/// Of either where there are too many jobs to look through.
const TOO_OLD: &str = "it is older than the last 1,000 updates of this device";
const _: () = assert!(EXPLAINED_JOBS_MAX == 1_000, "the sentence says so");
/// The same where the jobs that come next are not kept any more.
const NOT_KEPT: &str = "it is older than the updates of this device that are kept";
/// The same of a property of which nothing is asked.
const NOT_ASKED: &str = "nothing is asked of it";

/// Why a device holds what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The device.
    pub device: Device,
    /// The boot in which it was last seen.
    pub boot: Option<BootIdentity>,
    /// What is not as it should be with the device as a whole.
    pub reasons: Vec<Reason>,
    /// Its values, those first that are not as they should be, else by name.
    pub values: Vec<ExplainedValue>,
}

/// Why a device holds a value, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedValue {
    /// The property, by its canonical name.
    pub name: String,
    /// Where it stands; `None` if nothing is asked.
    pub stands: Option<ValueStands>,
    /// What is asked of the device, or on record; `None` for nothing, and of a secret.
    pub desired: Option<String>,
    /// The revision that asked for it; `None` of what is on record.
    pub revision: Option<Revision>,
    /// Who asked, or why that is not known.
    pub asked: Result<AskedBy, &'static str>,
    /// What there was before.
    pub before: Option<Before>,
    /// What the device last showed.
    pub shown: Option<Shown>,
    /// Since when it waits for a restart to act.
    pub restart_pending: Option<Timestamp>,
    /// How the device's profile sets it, reads it back and keeps it; or why it does not.
    pub route: String,
    /// Why it is not as it should be; none if it is.
    pub reasons: Vec<Reason>,
}

/// Who asked for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedBy {
    /// The job, which names its request: the update, or a wave of one.
    pub job: JobWithDevice,
    /// The update, if that request is a wave of it.
    pub rollout: Option<RequestId>,
    /// Where it stands.
    pub state: JobState,
}

impl Handle {
    /// Explains a device: all that is asked of it and on record of it, or one `property` alone, by
    /// its name or an alias.
    ///
    /// Errors: no such project or device; [`Error::Invalid`] for a property that the catalogue does
    /// not list and of which the device has nothing; or the store failed.
    pub async fn explain(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
        property: Option<&str>,
    ) -> Result<Explanation, Error> {
        let found = self.device(principal, project, id).await?;
        let reasons = self.reasons(principal, &found).await?;
        let catalogue = self.catalogue();
        let kind = found.device.kind;
        let names: BTreeSet<String> = match property {
            Some(name) => [catalogue.canonical(kind, name).unwrap_or(name).to_owned()].into(),
            None => names(&found),
        };
        let properties = names.clone();
        let holdings = self.holdings_of(principal, vec![found.clone()], properties).await?;
        let took = self.took(&found).await?;
        let seen = Seen { found: &found, catalogue: &catalogue, holdings: &holdings, took };
        if let Some(name) = names.iter().find(|name| !seen.knows(name)) {
            let detail = format!("there is no such property of {}s: {name}", kind.name());
            return Err(invalid("property", detail));
        }
        let jobs = self.jobs_of(principal, seen, &names).await?;
        let rollouts = self.rollouts_of(jobs.values().flatten()).await?;
        let now = self.shared.clock.now();
        let values = names.into_iter().map(|name| {
            let job = jobs.get(&name).cloned().unwrap_or(Err(NOT_ASKED));
            self.explain_value(seen, name, job, &reasons, now)
        });
        let mut values: Vec<ExplainedValue> = values.collect();
        for asked in values.iter_mut().filter_map(|value| value.asked.as_mut().ok()) {
            asked.rollout = rollouts.get(&asked.job.job.id.request()).copied();
        }
        values.sort_by_key(|value| value.reasons.is_empty());
        let DeviceWithState { device, state, .. } = found;
        Ok(Explanation { device, boot: state.boot, reasons, values })
    }

    /// Of the requests of some jobs, those that are waves, each with the update that it is of.
    pub async fn rollouts_of(
        &self,
        jobs: impl IntoIterator<Item = &JobWithDevice>,
    ) -> Result<HashMap<RequestId, RequestId>, Error> {
        let requests: BTreeSet<RequestId> =
            jobs.into_iter().map(|found| found.job.id.request()).collect();
        let requests: Vec<RequestId> = requests.into_iter().collect();
        let waves = self.shared.store.waves_of(&requests).await?;
        Ok(waves.into_iter().map(|of| (of.request, of.rollout)).collect())
    }

    /// What is not as it should be with a device as a whole.
    async fn reasons(
        &self,
        principal: &Principal,
        found: &DeviceWithState,
    ) -> Result<Vec<Reason>, Error> {
        let store = &self.shared.store;
        let project = store.project(principal, &found.device.project_id).await?;
        let copy = match found.state.copy {
            Some(key) => store.records(&[key]).await?.into_iter().next(),
            None => None,
        };
        // Of another project's devices nothing is told.
        let copy = copy.filter(|copy| copy.project == found.device.project);
        Ok(reasons::of_device(Known {
            device: &found.device,
            state: &found.state,
            camera: found.camera.as_ref(),
            copy: copy.as_ref(),
            paused: (
                store.server_settings().await?.paused,
                project.is_some_and(|project| project.settings.paused),
            ),
            now: self.shared.clock.now(),
        }))
    }

    /// Whether a camera said yes to what it was last sent.
    async fn took(&self, found: &DeviceWithState) -> Result<bool, Error> {
        if found.camera.is_none() {
            return Ok(false);
        }
        let work = self.shared.store.camera(found.device.key).await?;
        let outcome = work.and_then(|work| work.push).map(|push| push.outcome);
        Ok(matches!(outcome, Some(PushOutcome::Acknowledged | PushOutcome::Verified)))
    }

    /// By property, the job that asked for what stands there, or why none is known. The jobs are
    /// looked through, newest first, for the revision of what is desired, and for what is on
    /// record.
    async fn jobs_of(
        &self,
        principal: &Principal,
        seen: Seen<'_>,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<JobWithDevice, &'static str>>, Error> {
        let (store, key) = (&self.shared.store, seen.found.device.key);
        let is_there = |name: &&String| seen.desired(name).is_some() || seen.is_recorded(name);
        let mut missing: BTreeSet<String> = names.iter().filter(is_there).cloned().collect();
        let mut jobs = BTreeMap::new();
        let (mut from, mut walked, mut why) = (None, 0, None);
        while !missing.is_empty() {
            let page = store.history(principal, key, from, JOBS_PER_READ).await?;
            walked += page.jobs.len();
            for found in page.jobs {
                missing.retain(|name| match seen.asked_by(name, &found) {
                    Some(is_it) => {
                        let job = if is_it { Ok(found.clone()) } else { Err(NO_JOB) };
                        jobs.insert(name.clone(), job);
                        false
                    }
                    None => true,
                });
            }
            from = page.next;
            if from.is_none() {
                why = page.is_cut.then_some(NOT_KEPT);
                break;
            }
            if walked >= EXPLAINED_JOBS_MAX as usize {
                why = Some(TOO_OLD);
                break;
            }
        }
        jobs.extend(missing.into_iter().map(|name| {
            let none = if seen.desired(&name).is_some() { NO_JOB } else { NO_RECORD };
            (name, Err(why.unwrap_or(none)))
        }));
        Ok(jobs)
    }

    /// Explains one value.
    fn explain_value(
        &self,
        seen: Seen<'_>,
        name: String,
        job: Result<JobWithDevice, &'static str>,
        device: &[Reason],
        now: Timestamp,
    ) -> ExplainedValue {
        let found = seen.found;
        let profile = spoken_to_by(seen.catalogue, &found.device, &found.state);
        let stands = seen.stands(profile, &name);
        let desired = seen.desired(&name);
        let about = About { device: &found.device, property: &name };
        let mut reasons = match (desired, stands) {
            (Some(desired), Some(stands)) => {
                let argument = seen
                    .catalogue
                    .start_argument(profile, &name, &desired.value)
                    .unwrap_or_default();
                let job = job.as_ref().ok().map(|found| &found.job);
                reasons::of_value(about, Value { stands, job, argument: &argument, device })
            }
            _ => Vec::new(),
        };
        if name == PASSWORD
            && let Some(camera) = &found.camera
        {
            reasons.extend(reasons::of_credentials(about, camera, now));
        }
        let is_running = self.is_running(found.device.key);
        let before = job.as_ref().ok().and_then(|found| found.job.before.get(&name).cloned());
        let asked = job.map(|job| {
            let state = job.job.state(job.trouble.is_some(), is_running);
            AskedBy { job, rollout: None, state }
        });
        let route = if seen.is_recorded(&name) && desired.is_none() {
            Ok(A_RECORD.to_owned())
        } else {
            in_words(seen.catalogue, profile, &name)
        };
        ExplainedValue {
            stands,
            desired: seen.value(&name),
            revision: desired.map(|desired| desired.revision),
            asked,
            before,
            shown: found.state.reported.values.get(&name).cloned(),
            restart_pending: found.state.restart_pending.get(&name).map(|pending| pending.since),
            route: route.unwrap_or_else(|why| format!("not set: {why}")),
            reasons,
            name,
        }
    }
}

/// How a record of ours is set.
const A_RECORD: &str = "a record of this server alone: it holds with the update, and no device is \
                        told of it";

/// Whether a job put a property on record.
fn puts(found: &JobWithDevice, name: &str) -> bool {
    let record = &found.job.record;
    // Either of the two changes who may register.
    record.contains_key(name) || name == PASSWORD && record.contains_key(USER)
}

/// All that is asked of a device, and on record of it.
fn names(found: &DeviceWithState) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = found.state.desired.0.keys().cloned().collect();
    if let Some(camera) = &found.camera {
        names.extend(camera.record.keys().cloned());
        names.extend(camera.organization.is_some().then(|| ORGANIZATION.to_owned()));
        names.extend(camera.credentials_at.is_some().then(|| PASSWORD.to_owned()));
    }
    names
}

/// What is known of a device when its values are explained.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    found: &'a DeviceWithState,
    catalogue: &'a Catalogue,
    holdings: &'a Holdings,
    /// Whether it, a camera, said yes to what it was last sent.
    took: bool,
}

impl<'a> Seen<'a> {
    /// What is desired of a property.
    fn desired(self, name: &str) -> Option<&'a DesiredValue> {
        self.found.state.desired.get(name)
    }

    /// Whether a job asked for what stands there, of the device's jobs from the newest on: `None`
    /// if that is not told yet, since an earlier one may have.
    fn asked_by(self, name: &str, found: &JobWithDevice) -> Option<bool> {
        let Some(desired) = self.desired(name) else {
            return puts(found, name).then_some(true);
        };
        let given = found.job.revision;
        (given <= desired.revision).then_some(given == desired.revision)
    }

    /// Whether what stands there is a record of ours.
    fn is_recorded(self, name: &str) -> bool {
        let camera = self.found.camera.as_ref();
        match name {
            PASSWORD => camera.is_some_and(|camera| camera.credentials_at.is_some()),
            _ => camera.is_some() && record_of(name).is_some() && self.value(name).is_some(),
        }
    }

    /// Whether the property can be spoken of: the catalogue lists it, or the device has something
    /// of it.
    fn knows(self, name: &str) -> bool {
        let state = &self.found.state;
        let is_phone = self.found.device.kind == Kind::Phone;
        self.catalogue.property_of(self.found.device.kind, name).is_some()
            || self.desired(name).is_some()
            || state.reported.values.contains_key(name)
            || !is_phone && name == PASSWORD
    }

    /// What is asked of a property, or on record. Never a password.
    fn value(self, name: &str) -> Option<String> {
        self.holdings.now(self.found.device.key, name)
    }

    /// Where a value stands; `None` if nothing is asked of it or on record.
    fn stands(self, profile: &str, name: &str) -> Option<ValueStands> {
        let Some(desired) = self.desired(name) else {
            return self.is_recorded(name).then_some(ValueStands::Recorded);
        };
        let state = &self.found.state;
        Some(ValueStands::of(self.catalogue, profile, state, (name, desired), self.took))
    }
}

#[cfg(test)]
mod tests;

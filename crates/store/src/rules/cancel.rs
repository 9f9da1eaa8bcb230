//! Taking jobs back.

use std::collections::{BTreeMap, HashSet};

use fleet::catalogue::{NAME, channel_property};
use fleet::{Before, Desired, DeviceId, Job, JobId, PowerStep, Revision};

use crate::Error;
use crate::words::open_jobs;

/// A device's state, as far as taking its jobs back looks at it and changes it.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// The last revision given.
    pub(crate) revision: Revision,
    /// The column `open_jobs`.
    pub(crate) open_jobs: Vec<u8>,
    /// What is desired.
    pub(crate) desired: Desired,
    /// A restart, reset or stop that was begun and is not over.
    pub(crate) power: Option<PowerStep>,
}

/// What has come of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenBack {
    /// The jobs that end.
    pub(crate) ended: Vec<JobId>,
    /// Jobs that stay open and before which there was something else, now that others are taken
    /// back.
    pub(crate) before: BTreeMap<JobId, BTreeMap<String, Before>>,
    /// Names on record that go back, in this order.
    pub(crate) names: Vec<NameBack>,
}

/// A name on record that goes back. If it is another than the one that was given, it stays.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NameBack {
    /// The channel that it is of; `None`: the device itself.
    pub(crate) channel: Option<DeviceId>,
    /// What the job had put on record.
    pub(crate) given: String,
    /// What was on record before.
    pub(crate) to: String,
}

/// The name on record that goes back with the value that a job asked for; `None` if the property is
/// no name.
fn name_back(property: &str, value: &str, before: Option<&Before>) -> Option<NameBack> {
    let channel = channel_property(property);
    if channel.is_none() && property != NAME {
        return None;
    }
    let Before { name, given, .. } = before?;
    let given = given.as_deref().unwrap_or(value).to_owned();
    Some(NameBack { channel, given, to: name.clone()? })
}

/// Whether the value that is desired of `name` is there because of the job, which may have a later
/// open one that asks for it too. If not, it may have gone back to what this job asked for, since a
/// later one was taken back before: then it has a revision above that of this job.
fn stands(state: &Taken, job: &Job, name: &str, has_later: bool) -> bool {
    let Some(desired) = state.desired.get(name) else { return false };
    let went_back = !has_later
        && desired.revision > job.revision
        && job.patch.get(name) == Some(&desired.value);
    desired.revision == job.revision || went_back
}

/// Takes those of a device's jobs back that are `asked` for; `jobs` are all that are open, oldest
/// first. A restart, reset or stop that has begun stays. What the device still is to hold because
/// of a job goes back to what was desired before it, or is not desired any more, at a revision of
/// its own, and so does our name with a name. Where a later job has taken a value's place, it is
/// for that one to go back to it.
pub(crate) fn take_back(
    state: &mut Taken,
    mut jobs: Vec<Job>,
    asked: &HashSet<JobId>,
) -> Result<TakenBack, Error> {
    let new = state.revision.next();
    let mut back = TakenBack::default();
    let mut is_desired_anew = false;
    for index in 0..jobs.len() {
        let (done, later) = jobs.split_at_mut(index + 1);
        let Some(job) = done.last().filter(|job| asked.contains(&job.id)) else {
            continue;
        };
        let has_begun = state.power.as_ref().is_some_and(|power| power.through >= job.revision);
        if job.operation.is_power() && has_begun {
            continue;
        }
        back.ended.push(job.id);
        for (name, asked_for) in &job.patch {
            let before = job.before.get(name);
            let next = later.iter_mut().find(|next| next.patch.contains_key(name));
            if !stands(state, job, name, next.is_some()) {
                if let Some(next) = next {
                    let of_next = next.before.entry(name.clone()).or_default();
                    of_next.desired = before.and_then(|before| before.desired.clone());
                    of_next.name = before.and_then(|before| before.name.clone());
                    back.before.insert(next.id, next.before.clone());
                }
                continue;
            }
            is_desired_anew = true;
            back.names.extend(name_back(name, asked_for, before));
            match before.and_then(|before| before.desired.clone()) {
                Some(value) => state.desired.merge(&[(name.clone(), value)].into(), new),
                None => {
                    state.desired.0.remove(name);
                }
            }
        }
    }
    if is_desired_anew {
        state.revision = new;
    }
    let ended: HashSet<JobId> = back.ended.iter().copied().collect();
    back.before.retain(|job, _| !ended.contains(job));
    let open = open_jobs(&state.open_jobs)?.into_iter().filter(|job| !ended.contains(job));
    state.open_jobs = open.flat_map(JobId::to_bytes).collect();
    Ok(back)
}

//! Rules of the record that every engine keeps alike, as functions of what a row holds and of what
//! is to be done to it. Nothing here asks a database.

pub(crate) mod audit;
pub(crate) mod before;
pub(crate) mod cameras;
pub(crate) mod cancel;
pub(crate) mod catalog;
pub(crate) mod enrolment;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod import;
pub(crate) mod operators;
pub(crate) mod organizations;
pub(crate) mod presets;
pub(crate) mod rollouts;
pub(crate) mod select;
pub(crate) mod tags;
pub(crate) mod updates;
pub(crate) mod users;
pub(crate) mod webhooks;

#[cfg(test)]
mod tests;

use fleet::limits::{DESIRED_BYTES_MAX, OPEN_JOBS_PER_DEVICE_MAX};
use fleet::{
    Condition, Desired, Epoch, JobId, Operation, Principal, Refusal, Revision, Timestamp, Values,
};

use crate::Error;
use crate::cluster::SessionKey;
use crate::words::open_jobs;
use crate::write::{Accept, AcceptEntry, EndedJob, Fence, Refused, Settle, Written};

/// Whether a device has work, by the rule of [`fleet::DeviceState::has_work`], from what a write
/// knows. `begun` says whether there is an adoption, a copy or a power step.
pub(crate) fn has_work(
    revision: Revision,
    settled: Revision,
    open_jobs: &[u8],
    condition: Condition,
    trouble: Option<&str>,
    begun: bool,
) -> bool {
    settled < revision || !open_jobs.is_empty() || !condition.is_met() || trouble.is_some() || begun
}

/// Others are told of what was seen: nothing but the feed changes.
pub(crate) fn tell(principal: &Principal) -> Result<Written, Refused> {
    if principal.is_server_admin() {
        Ok(Written::Done)
    } else {
        Err(Refused::NoSuchServer("this server as a whole".to_owned()))
    }
}

/// What the store holds that a fence is compared with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    /// The epoch of the fence's shard and the session that owns it; `None` if there is no such
    /// shard.
    pub(crate) shard: Option<(Epoch, Option<SessionKey>)>,
    /// Whom the device is bound to; `None` if it never was, or to nobody who is known.
    pub(crate) bound: Option<Bound>,
}

/// Whom a GB device is bound to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// The session of its binding.
    pub(crate) session: SessionKey,
    /// Whether that session lasts, by the store's clock.
    pub(crate) lasts: bool,
    /// Whether the binding has neither ended nor run out.
    pub(crate) is_live: bool,
}

impl Bound {
    /// Whether a binding that has ended at `ended_at`, if at all, and runs out at `expires_at` is
    /// live at `now`, by the rule of [`fleet::Binding::is_live`].
    pub(crate) fn is_live(ended: bool, expires_at: Timestamp, now: Timestamp) -> bool {
        !ended && expires_at > now
    }
}

/// Whether a fence holds, by the rule of [`Fence`]. Whether it is a fence for the device at all is
/// another question: see [`is_of_another_shard`].
pub(crate) fn holds(fence: Fence, standing: &Standing) -> bool {
    match fence {
        Fence::Shard { epoch, .. } => {
            let (store, owner) = standing.shard.unwrap_or((Epoch(0), None));
            let is_elsewhere = standing
                .bound
                .is_some_and(|bound| bound.is_live && bound.lasts && Some(bound.session) != owner);
            store == epoch && !is_elsewhere
        }
        // The binding may have run out: its holder speaks for the device until another takes it.
        Fence::Binding(session) => {
            standing.bound.is_some_and(|bound| bound.session == session && bound.lasts)
        }
    }
}

/// Whether a fence is of a shard that the device is not of, and so proves nothing about it.
pub(crate) fn is_of_another_shard(fence: Fence, device: fleet::DeviceKey) -> bool {
    matches!(fence, Fence::Shard { shard, .. } if shard != device.shard())
}

/// The column `finisher_epoch` of a job that ended under this fence.
pub(crate) fn finisher(fence: Fence) -> i64 {
    match fence {
        Fence::Shard { epoch, .. } => epoch.0,
        Fence::Binding(session) => session.0,
    }
}

/// Whether a binding takes the place of the one that is stored: that of another session does only
/// if the device has answered a later nonce, or the same one once more, since. It closes the gap in
/// which one REGISTER, sent to two nodes at once, is good for both, and keeps a node that a device
/// has left from ending what the device has begun elsewhere.
pub(crate) fn takes_over(
    stored: (Option<SessionKey>, i64, u32),
    given: (SessionKey, i64, u32),
) -> bool {
    let (session, nonce_at, nonce_count) = stored;
    session.is_none_or(|session| session == given.0) || (nonce_at, nonce_count) < (given.1, given.2)
}

/// Whether nothing is asked but what goes on record: there is nothing to wait for.
pub(crate) fn is_of_records_alone(entry: &AcceptEntry) -> bool {
    let is_of_records =
        !entry.record.is_empty() || entry.camera.as_ref().is_some_and(cameras::is_of_records);
    is_of_records && entry.patch.is_empty() && entry.operation == Operation::Update
}

/// Why a device that has so many open jobs can't take another one, which asks for `patch`. What is
/// desired of it already, `desired`, may be left out where the patch is empty.
pub(crate) fn busy(open_jobs: usize, desired: &Desired, patch: &Values) -> Option<Refusal> {
    if open_jobs >= OPEN_JOBS_PER_DEVICE_MAX {
        let detail = format!("it has {OPEN_JOBS_PER_DEVICE_MAX} open jobs");
        return Some(Refusal::Busy { detail });
    }
    let given: usize = patch.iter().map(|(name, value)| name.len() + value.len()).sum();
    let replaced: usize =
        patch.keys().filter_map(|name| Some(name.len() + desired.get(name)?.value.len())).sum();
    if desired.bytes() + given > DESIRED_BYTES_MAX + replaced {
        let detail = format!("its values would take more than {DESIRED_BYTES_MAX} bytes");
        return Some(Refusal::Busy { detail });
    }
    None
}

/// Why an entry is refused by the state of its device, which is at a revision, is frozen or not and
/// has so many open jobs; what is desired of it may be left out where the entry asks for no values.
/// What an update and a look at what it would do have to judge alike.
pub fn refusal_of(
    revision: Revision,
    frozen: bool,
    open_jobs: usize,
    desired: &Desired,
    entry: &AcceptEntry,
) -> Option<Refusal> {
    if frozen {
        return Some(Refusal::Frozen);
    }
    if let Some(expected) = entry.if_revision.filter(|expected| *expected != revision) {
        return Some(Refusal::RevisionDiffers { expected, current: revision });
    }
    if is_of_records_alone(entry) {
        return None;
    }
    busy(open_jobs, desired, &entry.patch)
}

/// The id of an entry's job. Errors: no job can be at its position.
pub(crate) fn job(accept: &Accept, entry: &AcceptEntry) -> Result<JobId, Error> {
    accept.request.job(entry.position).ok_or_else(|| Error::Failed {
        operation: "number a job",
        source: format!("no job can be at position {}", entry.position).into(),
    })
}

/// Whether a result would change something of its device's adoption, if the record is still the one
/// that was worked on.
pub(crate) fn is_about_adoption(settle: &Settle, adopted: bool) -> bool {
    (settle.adopted && !adopted) || settle.adoption_done.is_some() || !settle.desire.is_empty()
}

/// Of the values that an adopted device showed, those that are desired from now on: where nothing
/// is desired yet, and as far as there is room.
pub(crate) fn newly_desired(desired: &Desired, shown: &Values) -> Values {
    let mut room = DESIRED_BYTES_MAX.saturating_sub(desired.bytes());
    let mut new = Values::new();
    for (name, value) in shown {
        let bytes = name.len() + value.len();
        if desired.get(name).is_none() && bytes <= room {
            room -= bytes;
            new.insert(name.clone(), value.clone());
        }
    }
    new
}

/// Of the jobs that a result ends, those that are open, and the column `open_jobs` without them.
pub(crate) fn end_open<'s>(
    bytes: &[u8],
    ended: &'s [EndedJob],
) -> Result<(Vec<&'s EndedJob>, Vec<u8>), Error> {
    if ended.is_empty() {
        return Ok((Vec::new(), bytes.to_vec()));
    }
    let mut open = open_jobs(bytes)?;
    let mut ending = Vec::with_capacity(ended.len());
    for ended in ended {
        if let Some(index) = open.iter().position(|id| *id == ended.job) {
            open.remove(index);
            ending.push(ended);
        }
    }
    Ok((ending, open.iter().flat_map(|id| id.to_bytes()).collect()))
}

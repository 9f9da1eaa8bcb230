//! Pages of selections and of updates.

use fleet::limits::FAILURE_GROUPS_MAX;
use fleet::{DeviceId, DeviceKey, Failure, JobId, RequestId};

use crate::{FailureGroup, Failures, JobStands, UpdateHead, UpdatePage, WhyNot, words};

/// Devices that a selection looks at with one statement.
pub(crate) const WALK_CHUNK: usize = 1_000;

/// A page of what was found, one more than fits if there is more, by key. `end` is where the walk
/// ended; `None`: there is nothing beyond.
pub(crate) fn page<T>(
    mut found: Vec<T>,
    limit: usize,
    end: Option<DeviceKey>,
    key: impl Fn(&T) -> DeviceKey,
) -> (Vec<T>, Option<DeviceKey>) {
    if found.len() <= limit {
        return (found, end);
    }
    found.truncate(limit);
    let last = found.last().map(key);
    (found, last)
}

/// A page of updates: of those whose jobs were found on a walk down to the request `end` (`None`:
/// there is nothing beyond), which `requests` are, and of the rollouts. Both newest first, and one
/// more than fits if there is more.
pub(crate) fn newest(
    requests: Vec<UpdateHead>,
    end: Option<RequestId>,
    mut rollouts: Vec<UpdateHead>,
    limit: usize,
) -> UpdatePage {
    if let Some(end) = end {
        rollouts.retain(|rollout| rollout.id > end);
    }
    let mut updates = requests;
    updates.append(&mut rollouts);
    updates.sort_by_key(|update| std::cmp::Reverse(update.id));
    let mut next = end;
    if updates.len() > limit {
        updates.truncate(limit);
        next = updates.last().map(|last| last.id);
    }
    UpdatePage { updates, next }
}

/// The columns `state` of jobs that stand so; `None`: all.
pub(crate) fn job_states(stands: &[JobStands]) -> Option<Vec<i64>> {
    let states = stands.iter().flat_map(|stands| match stands {
        JobStands::Open => [words::OPEN].as_slice(),
        JobStands::Succeeded => &[words::VERIFIED, words::ACKNOWLEDGED, words::RECORDED],
        JobStands::Failed => &[words::FAILED],
    });
    (!stands.is_empty()).then(|| states.copied().collect())
}

/// One of the devices that are named of a reason, with what is told of the reason and of all.
#[derive(Debug)]
pub(crate) struct FailureRow {
    /// The number of the reason.
    pub(crate) group: i64,
    /// The reason.
    pub(crate) why: WhyNot,
    /// How many failed or were refused for it.
    pub(crate) count: u64,
    /// The device.
    pub(crate) device: DeviceId,
    /// Its job, unless it was refused.
    pub(crate) job: Option<JobId>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// For how many reasons.
    pub(crate) reasons: u64,
}

/// What rows tell that come reason by reason. A device that stood in a call twice is named once.
pub(crate) fn failures(rows: Vec<FailureRow>) -> Failures {
    let mut found = Failures::default();
    let mut last = None;
    for row in rows {
        (found.total, found.reasons) = (row.total, row.reasons);
        let FailureRow { group, why, count, device, job, .. } = row;
        if last != Some(group) {
            last = Some(group);
            let why = shared(why);
            found.groups.push(FailureGroup { why, count, devices: Vec::new(), job });
        }
        if let Some(of) = found.groups.last_mut()
            && !of.devices.contains(&device)
        {
            of.devices.push(device);
        }
    }
    debug_assert!(found.groups.len() <= FAILURE_GROUPS_MAX as usize);
    found
}

/// What a reason has in common with those of its group: see [`WhyNot::Failed`].
fn shared(why: WhyNot) -> WhyNot {
    match why {
        WhyNot::Failed(Failure::DeadlinePassed { trouble }) => {
            let trouble = trouble.split(": ").next().unwrap_or_default().to_owned();
            WhyNot::Failed(Failure::DeadlinePassed { trouble })
        }
        why => why,
    }
}

//! Pages of selections and of updates.

use fleet::{DeviceKey, RequestId};

use crate::{UpdateHead, UpdatePage};

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

//! What the queues before both engines' writers have in common: when nothing more is let in, and
//! how much of what waits makes a group.

use std::collections::VecDeque;

/// Why nothing was put into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It holds as much as it may.
    Full,
    /// It was closed.
    Closed,
}

/// The bounds of a group: as many as allowed, except that the first one is always taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupMax {
    /// Things in a group.
    pub(crate) count: usize,
    /// Their weights together.
    pub(crate) weight: usize,
}

impl GroupMax {
    /// Moves what waits into `group`, oldest first, up to the bounds.
    pub(crate) fn take<T>(
        self,
        waiting: &mut VecDeque<T>,
        group: &mut Vec<T>,
        weight: impl Fn(&T) -> usize,
    ) {
        let mut total = 0_usize;
        while group.len() < self.count
            && let Some(next) = waiting.front()
        {
            total = total.saturating_add(weight(next));
            if total > self.weight && !group.is_empty() {
                break;
            }
            group.extend(waiting.pop_front());
        }
    }
}

//! A bounded queue between callers, who never wait on it, and a thread that does.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use crate::group::{GroupMax, Rejected};

/// What came of waiting for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// There is at least one.
    Group,
    /// Nothing came for as long as was to be waited.
    Idle,
    /// The queue is closed and everything in it has been taken.
    Closed,
}

/// First in, first out.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    waiting_max: usize,
}

/// What the lock guards.
struct State<T> {
    waiting: VecDeque<T>,
    /// Threads that sleep until something comes. Waking costs a system call, which is spared while
    /// the thread is busy anyway.
    sleeping: usize,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue in which at most `waiting_max` wait.
    pub(super) fn new(waiting_max: usize) -> Self {
        let state = State { waiting: VecDeque::new(), sleeping: 0, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), waiting_max }
    }

    /// Puts one in, or says at once why not.
    pub(super) fn push(&self, item: T) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.waiting.len() >= self.waiting_max {
            return Err(Rejected::Full);
        }
        state.waiting.push_back(item);
        let wake = state.sleeping > 0;
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes the oldest, waiting for it; `None` when the queue is closed and empty.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state.sleeping += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
    }

    /// Moves what waits into `group`, oldest first, up to the bounds. Waits only if nothing does,
    /// at most for `idle` if that is given.
    pub(super) fn take_group(
        &self,
        group: &mut Vec<T>,
        bounds: GroupMax,
        weight: impl Fn(&T) -> usize,
        idle: Option<Duration>,
    ) -> Took {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return Took::Closed;
            }
            state.sleeping += 1;
            let timed_out;
            (state, timed_out) = self.sleep(state, idle);
            state.sleeping -= 1;
            if timed_out && state.waiting.is_empty() && !state.closed {
                return Took::Idle;
            }
        }
        bounds.take(&mut state.waiting, group, weight);
        Took::Group
    }

    /// Lets nothing more in. What waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Sleeps until something comes, or for `idle`; says whether that passed.
    fn sleep<'a>(
        &'a self,
        state: MutexGuard<'a, State<T>>,
        idle: Option<Duration>,
    ) -> (MutexGuard<'a, State<T>>, bool) {
        match idle {
            None => (self.filled.wait(state).unwrap_or_else(PoisonError::into_inner), false),
            Some(idle) => {
                let slept = self.filled.wait_timeout(state, idle);
                let (state, result) = slept.unwrap_or_else(PoisonError::into_inner);
                (state, result.timed_out())
            }
        }
    }

    /// The state. Nothing that runs under the lock can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        let waiting = state.waiting.len();
        f.debug_struct("Queue").field("waiting", &waiting).field("closed", &state.closed).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: GroupMax = GroupMax { count: 3, weight: 10 };

    fn group(queue: &Queue<usize>) -> (Took, Vec<usize>) {
        let mut group = Vec::new();
        let idle = Some(Duration::from_millis(1));
        let took = queue.take_group(&mut group, BOUNDS, |weight| *weight, idle);
        (took, group)
    }

    #[test]
    fn a_group_keeps_to_both_bounds_and_a_larger_one_goes_alone() {
        let queue = Queue::new(16);
        for weight in [1, 1, 1, 1, 6, 4, 1, 50, 9, 2] {
            queue.push(weight).unwrap();
        }
        let mut groups = Vec::new();
        while let (Took::Group, group) = group(&queue) {
            groups.push(group);
        }
        assert_eq!(groups, [vec![1, 1, 1], vec![1, 6], vec![4, 1], vec![50], vec![9], vec![2]]);
        assert_eq!(group(&queue).0, Took::Idle);
    }

    #[test]
    fn a_full_or_closed_queue_lets_nothing_in_and_gives_what_it_has() {
        let queue = Queue::new(2);
        queue.push(1).unwrap();
        queue.push(2).unwrap();
        assert_eq!(queue.push(3), Err(Rejected::Full));
        queue.close();
        assert_eq!(queue.push(3), Err(Rejected::Closed));
        assert_eq!(queue.take(), Some(1));
        assert_eq!(group(&queue), (Took::Group, vec![2]));
        assert_eq!(group(&queue).0, Took::Closed);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_sleeper_is_woken_by_the_first_and_by_the_close() {
        let queue = std::sync::Arc::new(Queue::new(2));
        let other = std::sync::Arc::clone(&queue);
        let taker = std::thread::spawn(move || (other.take(), other.take()));
        queue.push(7).unwrap();
        queue.close();
        assert_eq!(taker.join().unwrap(), (Some(7), None));
    }
}

//! A bounded queue between callers, who never wait on it, and the tasks that write.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub(super) use crate::group::{GroupMax, Rejected};

/// First in, first out.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Notify,
    waiting_max: usize,
}

/// What the lock guards.
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue in which at most `waiting_max` wait.
    pub(super) fn new(waiting_max: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), filled: Notify::new(), waiting_max }
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
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// What waits, oldest first, up to the bounds, waiting only if nothing does; `None` when the
    /// queue is closed and everything in it has been taken.
    pub(super) async fn take_group(
        &self,
        bounds: GroupMax,
        weight: impl Fn(&T) -> usize,
    ) -> Option<Vec<T>> {
        loop {
            let mut filled = std::pin::pin!(self.filled.notified());
            // Before the look, so that what comes after it wakes us.
            filled.as_mut().enable();
            match self.take_now(bounds, &weight) {
                Taken::Group(group) => return Some(group),
                Taken::Closed => return None,
                Taken::Nothing => filled.await,
            }
        }
    }

    /// Lets nothing more in. What waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_waiters();
    }

    /// What there is now.
    fn take_now(&self, bounds: GroupMax, weight: &impl Fn(&T) -> usize) -> Taken<T> {
        let mut state = self.lock();
        let mut group = Vec::new();
        bounds.take(&mut state.waiting, &mut group, weight);
        let (more, closed) = (!state.waiting.is_empty(), state.closed);
        drop(state);
        if more {
            // Several may have come and only one taker been woken.
            self.filled.notify_one();
        }
        match group.is_empty() {
            false => Taken::Group(group),
            true if closed => Taken::Closed,
            true => Taken::Nothing,
        }
    }

    /// The state. Nothing that runs under the lock can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look into the queue gave.
enum Taken<T> {
    /// At least one.
    Group(Vec<T>),
    /// Nothing, and nothing will come.
    Closed,
    /// Nothing yet.
    Nothing,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const BOUNDS: GroupMax = GroupMax { count: 3, weight: 10 };

    async fn group(queue: &Queue<usize>) -> Option<Vec<usize>> {
        queue.take_group(BOUNDS, |weight| *weight).await
    }

    #[tokio::test]
    async fn a_group_keeps_to_both_bounds_and_a_larger_one_goes_alone() {
        let queue = Queue::new(16);
        for weight in [1, 1, 1, 1, 6, 4, 1, 50, 9, 2] {
            queue.push(weight).unwrap();
        }
        queue.close();
        let mut groups = Vec::new();
        while let Some(next) = group(&queue).await {
            groups.push(next);
        }
        assert_eq!(groups, [vec![1, 1, 1], vec![1, 6], vec![4, 1], vec![50], vec![9], vec![2]]);
    }

    #[tokio::test]
    async fn a_full_or_closed_queue_lets_nothing_in_and_gives_what_it_has() {
        let queue = Queue::new(2);
        queue.push(1).unwrap();
        queue.push(2).unwrap();
        assert_eq!(queue.push(3), Err(Rejected::Full));
        queue.close();
        assert_eq!(queue.push(3), Err(Rejected::Closed));
        assert_eq!(group(&queue).await, Some(vec![1, 2]));
        assert_eq!(group(&queue).await, None);
    }

    #[tokio::test]
    async fn what_one_taker_leaves_wakes_another_and_the_close_wakes_all() {
        let queue = Arc::new(Queue::new(16));
        let mut takers = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let queue = Arc::clone(&queue);
            takers.spawn(async move { group(&queue).await });
        }
        // All wait before anything comes: two groups' worth at once.
        tokio::task::yield_now().await;
        queue.push(10).unwrap();
        queue.push(9).unwrap();
        let mut taken = Vec::new();
        for _ in 0..2 {
            taken.extend(takers.join_next().await.unwrap().unwrap());
        }
        taken.sort();
        assert_eq!(taken, [vec![9], vec![10]]);
        queue.close();
        assert_eq!(takers.join_next().await.unwrap().unwrap(), None);
    }
}

//! Cameras that have shown an enrolment password: kept in memory, and written for all of them
//! together. However often one comes, it is written once a minute; what was not written when a
//! process is killed comes again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{DeviceId, PendingDevice, Principal, ProjectKey, Timestamp, limits};
use quick_cache::sync::Cache;
use store::write::NotePending;
use store::{Write, Written};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::handle::Handle;
use crate::shared::Shared;

/// What tells one pending device from another.
type Key = (ProjectKey, DeviceId);

/// Sightings that are not written yet. Never held across a wait.
pub(super) struct Sightings {
    waiting: Mutex<BTreeMap<Key, PendingDevice>>,
    /// When each was last noted.
    noted: Cache<Key, Timestamp>,
    /// There are some that wait.
    some: Notify,
}

impl Default for Sightings {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            noted: Cache::new(limits::PENDING_CACHED_MAX),
            some: Notify::new(),
        }
    }
}

impl Sightings {
    /// One was seen. That of more than may wait is not noted; it comes again.
    fn note(&self, project: ProjectKey, seen: PendingDevice) {
        let (key, now) = ((project, seen.id.clone()), seen.last_seen);
        let is_due = |at: Timestamp| now < at || now.since(at) >= limits::PENDING_NOTED_AGAIN;
        if !self.noted.get(&key).is_none_or(is_due) || !self.put(key.clone(), seen) {
            return;
        }
        self.noted.insert(key, now);
        self.some.notify_one();
    }

    /// Has one wait; says whether there was room.
    fn put(&self, key: Key, seen: PendingDevice) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = waiting.len() < limits::PENDING_CACHED_MAX || waiting.contains_key(&key);
        if has_room {
            waiting.insert(key, seen);
        }
        has_room
    }

    /// As many as go with one write, which wait no longer.
    fn take(&self) -> Vec<(ProjectKey, PendingDevice)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = std::iter::from_fn(|| waiting.pop_first());
        first
            .take(limits::PENDING_PER_WRITE_MAX)
            .map(|((project, _), seen)| (project, seen))
            .collect()
    }

    /// When they were noted is of no account any more.
    pub(super) fn forget(&self) {
        self.noted.clear();
    }
}

impl Handle {
    /// A camera has shown the enrolment password of a project; it is on that project's list of
    /// pending devices a moment later.
    pub fn note_pending(&self, project: ProjectKey, seen: PendingDevice) {
        self.shared.enrolments.sightings.note(project, seen);
    }
}

/// Writes what was seen, one write each [`limits::PENDING_NOTED_EVERY`] at most.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut warned: Option<Instant> = None;
    loop {
        shared.enrolments.sightings.some.notified().await;
        let left_out = write(&shared).await;
        let is_due = warned.is_none_or(|at| at.elapsed() >= limits::PENDING_NOTED_AGAIN);
        if left_out > 0 && is_due {
            warned = Some(Instant::now());
            let most = limits::ENROLMENTS_PENDING_MAX;
            tracing::warn!(left_out, most, "a project has as many pending cameras as it may have");
        }
        tokio::time::sleep(limits::PENDING_NOTED_EVERY).await;
    }
}

/// Writes what was seen, as much as goes with one write; gives how many there was no room for in
/// their projects. What can't be written waits for the next time.
pub(crate) async fn write(shared: &Shared) -> usize {
    let sightings = &shared.enrolments.sightings;
    let seen = sightings.take();
    if seen.is_empty() {
        return 0;
    }
    if seen.len() == limits::PENDING_PER_WRITE_MAX {
        sightings.some.notify_one();
    }
    let note = NotePending { seen, at: shared.clock.now() };
    match shared.store.write(&Principal::engine(), Write::NotePending(note.clone())).await {
        Ok(Ok(Written::PendingNoted { left_out })) => left_out,
        Ok(other) => {
            tracing::error!(?other, "the store answered about pending cameras otherwise");
            0
        }
        Err(error) => {
            tracing::warn!(%error, "pending cameras could not be written");
            for (project, seen) in note.seen {
                sightings.put((project, seen.id.clone()), seen);
            }
            sightings.some.notify_one();
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: usize, at: i64) -> PendingDevice {
        PendingDevice {
            id: DeviceId::new(format!("3402000000132{number:07}")).unwrap(),
            first_seen: Timestamp(at),
            last_seen: Timestamp(at),
            remote: "192.0.2.9:5060".parse().unwrap(),
            transport: fleet::SipTransport::Udp,
            user_agent: None,
        }
    }

    #[test]
    fn one_that_comes_each_second_is_noted_once_a_minute() {
        let sightings = Sightings::default();
        let mut noted = Vec::new();
        for at in 0..=180 {
            sightings.note(ProjectKey(1), seen(1, at * 1_000));
            noted.extend(sightings.take().into_iter().map(|(_, seen)| seen.last_seen.0 / 1_000));
        }
        assert_eq!(noted, [0, 60, 120, 180]);
        // Of another project it is another one, and a clock that went back stops nothing.
        sightings.note(ProjectKey(2), seen(1, 180_000));
        sightings.note(ProjectKey(1), seen(1, 5_000));
        assert_eq!(sightings.take().len(), 2);
        sightings.note(ProjectKey(1), seen(1, 6_000));
        assert!(sightings.take().is_empty());
        sightings.forget();
        sightings.note(ProjectKey(1), seen(1, 7_000));
        assert_eq!(sightings.take().len(), 1);
    }

    #[test]
    fn so_many_wait_and_no_more_and_go_in_writes_of_a_bound() {
        let sightings = Sightings::default();
        for number in 0..limits::PENDING_CACHED_MAX + 5 {
            sightings.note(ProjectKey(1), seen(number, 1_000));
        }
        let mut writes = Vec::new();
        loop {
            let taken = sightings.take();
            if taken.is_empty() {
                break;
            }
            writes.push(taken.len());
        }
        assert_eq!(writes.iter().sum::<usize>(), limits::PENDING_CACHED_MAX);
        assert!(writes.iter().all(|rows| *rows <= limits::PENDING_PER_WRITE_MAX));
    }
}

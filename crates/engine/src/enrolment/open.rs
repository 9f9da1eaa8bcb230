//! The enrolments that are open, in memory: all of them, for every look-up asks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{DeviceId, ProjectId, ProjectKey, Secret, Timestamp, limits};
use store::StoredEnrolment;

use super::pending::Sightings;
use super::place;
use crate::command::Error;
use crate::handle::Handle;
use crate::import::check_gb_id;
use crate::shared::Shared;

/// A project that cameras may enrol in.
#[derive(Debug)]
pub struct OpenEnrolment {
    /// The project.
    pub project: ProjectKey,
    /// The password that cameras share.
    pub password: Secret<String>,
    /// Until when.
    pub ends_at: Timestamp,
}

/// What is known of enrolments.
#[derive(Default)]
pub(crate) struct Enrolments {
    /// Those that are open, if they are known.
    known: Mutex<Option<Arc<Prefixes>>>,
    /// Goes up with each change, so that a look-up which began before one leaves nothing behind.
    changes: AtomicU64,
    /// Cameras that have come, until that is written.
    pub(super) sightings: Sightings,
}

impl Enrolments {
    /// What is known may not be true any more.
    pub(crate) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // A list that was emptied is filled by those that come, however lately they came before.
        self.sightings.forget();
    }

    fn known(&self) -> Option<Arc<Prefixes>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what was looked up when `changes` stood as given.
    fn keep(&self, found: &Arc<Prefixes>, changes: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == changes {
            *known = Some(found.clone());
        }
    }
}

/// Open enrolments by what ids begin with; those of one prefix in the order of their projects' ids.
#[derive(Default)]
struct Prefixes(HashMap<String, Vec<Arc<OpenEnrolment>>>);

impl Prefixes {
    /// Those that a camera of this id may mean: all with a prefix that fits and are open, those of
    /// the longest prefix first and each once, at most [`limits::ENROLMENTS_TRIED_MAX`]. Says
    /// nothing of whether a device has the id.
    fn of(&self, id: &DeviceId, now: Timestamp) -> Vec<Arc<OpenEnrolment>> {
        if self.0.is_empty() || check_gb_id("id", id).is_err() {
            return Vec::new();
        }
        let prefixes = (1..=limits::ENROLMENT_PREFIX_DIGITS_MAX).rev();
        let fitting = prefixes.filter_map(|digits| self.0.get(id.as_str().get(..digits)?));
        let mut found: Vec<Arc<OpenEnrolment>> = Vec::new();
        for open in fitting.flatten().filter(|enrolment| now < enrolment.ends_at) {
            if found.len() == limits::ENROLMENTS_TRIED_MAX {
                break;
            }
            if found.iter().all(|tried| tried.project != open.project) {
                found.push(open.clone());
            }
        }
        found
    }
}

impl Handle {
    /// For each of the ids, in order, the enrolments that a camera of that id may mean: at most
    /// [`limits::ENROLMENTS_TRIED_MAX`], the same whether a device has the id or not.
    ///
    /// Errors: the store had to be asked, and failed.
    pub async fn enrolments_for(
        &self,
        ids: &[DeviceId],
    ) -> Result<Vec<Vec<Arc<OpenEnrolment>>>, Error> {
        let prefixes = prefixes(&self.shared).await?;
        let now = self.now();
        Ok(ids.iter().map(|id| prefixes.of(id, now)).collect())
    }
}

/// The open enrolments, from memory or from the store.
async fn prefixes(shared: &Shared) -> Result<Arc<Prefixes>, Error> {
    let enrolments = &shared.enrolments;
    // One who has not heard of changes for too long has to ask.
    if let Some(known) = enrolments.known().filter(|_| shared.freshness.holds()) {
        return Ok(known);
    }
    let changes = enrolments.changes.load(Ordering::SeqCst);
    let stored = shared.store.enrolments_open(shared.clock.now()).await?;
    let mut prefixes = Prefixes::default();
    for stored in stored {
        let Some(password) = password(shared, &stored.project_id, &stored) else { continue };
        let StoredEnrolment { project, ends_at, .. } = stored;
        let open = Arc::new(OpenEnrolment { project, password, ends_at });
        for prefix in stored.prefixes {
            prefixes.0.entry(prefix.into()).or_default().push(open.clone());
        }
    }
    let prefixes = Arc::new(prefixes);
    enrolments.keep(&prefixes, changes);
    Ok(prefixes)
}

/// The password of an enrolment; `None` if this master key does not open it.
pub(super) fn password(
    shared: &Shared,
    project: &ProjectId,
    stored: &StoredEnrolment,
) -> Option<Secret<String>> {
    let opened = shared.master_key.open(&place(project), &stored.sealed_password).ok();
    let password = opened.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
    if password.is_none() {
        tracing::warn!(%project, "an enrolment password can't be opened with this master key");
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    /// Enrolments by prefix, each told from the others by its project's key.
    fn prefixes(of: &[(&str, i64, i64)]) -> Prefixes {
        let mut prefixes = Prefixes::default();
        for (prefix, project, ends_at) in of {
            let open = OpenEnrolment {
                project: ProjectKey(*project),
                password: Secret::new("shared-secret".to_owned()),
                ends_at: Timestamp(*ends_at),
            };
            prefixes.0.entry((*prefix).to_owned()).or_default().push(Arc::new(open));
        }
        prefixes
    }

    fn found(prefixes: &Prefixes, id: &str) -> Vec<i64> {
        let found = prefixes.of(&DeviceId::new(id).unwrap(), NOW);
        found.into_iter().map(|enrolment| enrolment.project.0).collect()
    }

    #[test]
    fn all_that_fit_and_are_open_are_tried_the_longest_prefix_first() {
        let id = "34020000001320000001";
        let open = prefixes(&[("3402", 1, 2_000), ("34020000", 2, 2_000), (id, 3, 1_000)]);
        assert_eq!(found(&open, id), [2, 1], "the time of the longest is over");
        assert_eq!(found(&open, "34020001001320000001"), [1]);
        assert!(found(&open, "44020000001320000001").is_empty());
        assert_eq!(found(&prefixes(&[(id, 3, 1_001)]), id), [3]);
        assert!(found(&prefixes(&[]), id).is_empty());
        // What no camera can be called is none's.
        for id in ["3402", "3402000000132000000x", "340200000013200000012"] {
            assert!(found(&open, id).is_empty());
        }
    }

    #[test]
    fn of_equal_ones_four_are_tried() {
        let equal: Vec<_> = (1..=6).map(|project| ("34", project, 2_000)).collect();
        assert_eq!(found(&prefixes(&equal), "34020000001320000001"), [1, 2, 3, 4]);
        let mut ended = equal;
        ended[1].2 = 500;
        assert_eq!(found(&prefixes(&ended), "34020000001320000001"), [1, 3, 4, 5]);
    }

    #[test]
    fn longer_prefixes_of_another_project_take_one_place() {
        let id = "34020000001320000001";
        let longer = (9..=20).map(|digits| (&id[..digits], 2, 2_000));
        let open: Vec<_> = longer.chain([("34020000", 1, 2_000)]).collect();
        assert_eq!(found(&prefixes(&open), id), [2, 1]);
        // Those of four others take all.
        let longer = (9..=20).map(|digits| (&id[..digits], digits as i64, 2_000));
        let open: Vec<_> = longer.chain([("34020000", 1, 2_000)]).collect();
        assert_eq!(found(&prefixes(&open), id), [20, 19, 18, 17]);
    }
}

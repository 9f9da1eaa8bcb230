//! Devices as accepting knows them: key, profile and server by id, kept in bounded memory.
//!
//! A record changes only by an import or a deletion, which come through this engine too, or through
//! another node's, of which the feed tells; then it is forgotten. What a channel's id names changes
//! with each catalog, so that is looked up each time.
//! Without this, every accepted entry would cost a look-up nearly as dear as the change itself,
//! since each commit empties the readers' page caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::limits;
use fleet::{DeviceId, Principal, ProjectId, ProjectKey};
use quick_cache::sync::Cache;
use store::AcceptTarget;

use crate::shared::Shared;

/// The devices that were asked for lately.
pub(crate) struct Targets {
    known: Cache<(ProjectKey, DeviceId), Arc<AcceptTarget>>,
    /// Goes up with each import, so that a look-up which began before one leaves nothing behind.
    imports: AtomicU64,
}

impl Targets {
    pub(crate) fn new() -> Self {
        Self { known: Cache::new(limits::DEVICES_CACHED_MAX), imports: AtomicU64::new(0) }
    }

    /// For each id, in order, the device that it names in the project; `None` where there is none.
    /// The caller has checked that the principal may see the project.
    pub(crate) async fn find(
        &self,
        shared: &Shared,
        project: (ProjectKey, &ProjectId),
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Arc<AcceptTarget>>>, store::Error> {
        let (key, id) = project;
        let imports = self.imports.load(Ordering::SeqCst);
        let ids: Vec<(ProjectKey, DeviceId)> = ids.into_iter().map(|id| (key, id)).collect();
        // Who has not heard of changes for too long has to ask.
        let holds = shared.freshness.holds();
        let known = |id| if holds { self.known.get(id) } else { None };
        let mut found: Vec<Option<Arc<AcceptTarget>>> = ids.iter().map(known).collect();
        let missing: Vec<DeviceId> = ids
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|((_, id), _)| id.clone())
            .collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let read = shared.store.accept_targets(&Principal::engine(), id, missing).await?;
        let mut read = read.into_iter();
        for (id, slot) in ids.into_iter().zip(&mut found) {
            if slot.is_some() {
                continue;
            }
            if let Some(target) = read.next().flatten() {
                let target = Arc::new(target);
                *slot = Some(target.clone());
                if target.channel.is_some() {
                    continue;
                }
                self.known.insert(id.clone(), target);
                if self.imports.load(Ordering::SeqCst) != imports {
                    self.known.remove(&id);
                }
            }
        }
        Ok(found)
    }

    /// What holds for a whole project has changed.
    pub(crate) fn forget_all(&self) {
        self.imports.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }

    /// The records of these devices have changed.
    pub(crate) fn forget(&self, ids: impl Iterator<Item = (ProjectKey, DeviceId)>) {
        self.imports.fetch_add(1, Ordering::SeqCst);
        for id in ids {
            self.known.remove(&id);
        }
    }
}

//! Access keys whose secrets have been opened, kept in bounded memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::{Principal, ProjectId, ProjectKey, Secret, limits};
use quick_cache::sync::Cache;

/// An access key that works: who signs with its secret is a client of its project, or of all.
#[derive(Debug)]
pub struct AccessKey {
    /// Its id.
    pub ak: String,
    /// The project it opens, and that project's public id; `None` opens all.
    pub project: Option<(ProjectKey, ProjectId)>,
    /// Whether ISS's signatures by it have to cover the whole request.
    pub strict: bool,
    /// The secret that requests are signed with.
    pub secret: Secret<String>,
}

impl AccessKey {
    /// Who signs with it.
    pub fn principal(&self) -> Principal {
        match &self.project {
            Some((project, _)) => Principal::client(*project, self.ak.as_str()),
            None => Principal::account(self.ak.as_str()),
        }
    }
}

/// Opened access keys. A key is forgotten the moment it is revoked.
pub(crate) struct Keys {
    opened: Cache<String, Arc<AccessKey>>,
    /// Goes up with each revocation, so that a look-up which began before one leaves nothing
    /// behind.
    revocations: AtomicU64,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { opened: Cache::new(limits::ACCESS_KEYS_CACHED_MAX), revocations: AtomicU64::new(0) }
    }

    /// The key has been revoked.
    pub(crate) fn forget(&self, ak: &str) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.opened.remove(ak);
    }

    /// A project was deleted, and its keys with it.
    pub(crate) fn forget_all(&self) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.opened.clear();
    }

    /// Keeps a key that was looked up when `revocations` stood as given.
    pub(crate) fn keep(&self, key: &Arc<AccessKey>, revocations: u64) {
        self.opened.insert(key.ak.clone(), key.clone());
        if self.revocations.load(Ordering::SeqCst) != revocations {
            self.opened.remove(&key.ak);
        }
    }

    /// The key, if it has been opened.
    pub(crate) fn get(&self, ak: &str) -> Option<Arc<AccessKey>> {
        self.opened.get(ak)
    }

    /// How many revocations there were, to be handed to [`Self::keep`].
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::SeqCst)
    }
}

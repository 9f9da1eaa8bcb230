//! What all parts of the engine share: the store, the drivers, the time, and what is kept in
//! memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{DeviceKey, Kind, ProjectId, ProjectKey, limits};
use quick_cache::sync::Cache;
use store::seal::MasterKey;
use store::{Fence, Store};
use tokio::sync::{Notify, mpsc};

use crate::clock::{Clock, Entropy, RequestIds};
use crate::copies::Copies;
use crate::driver::Driver;
use crate::enrolment::Enrolments;
use crate::feed::Freshness;
use crate::judge::Rules;
use crate::keys::Keys;
use crate::lane::Wake;
use crate::last_use::LastUse;
use crate::operate::CatalogueSource;
use crate::ownership::Ownership;
use crate::registrants::{RefusedRegistrations, Registrants};
use crate::renewal::Node;
use crate::targets::Targets;
use crate::users::{PasswordChecks, Tokens};
use crate::webhooks::Webhooks;

/// Something that the lanes should know of.
#[derive(Debug)]
pub(crate) enum Message {
    /// There is, or may be, something to do for a device.
    Wake {
        /// The device.
        device: DeviceKey,
        /// The host it lives on; empty if none is known.
        server: Arc<str>,
        /// Its project, if a restart of it was under way when it was read.
        restarting: Option<ProjectKey>,
        /// Why.
        wake: Wake,
    },
    /// All devices with work have been read once, of what was owned after so many gains.
    Scanned {
        /// See [`Ownership::gains`].
        gains: u64,
    },
}

/// What all parts of the engine share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    /// What is known of properties and profiles. One piece of work takes it once.
    pub(crate) catalogue: Arc<CatalogueCell>,
    /// Where another catalogue comes from when operators ask for it.
    pub(crate) catalogue_source: CatalogueSource,
    pub(crate) drivers: HashMap<Kind, Arc<dyn Driver>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) master_key: MasterKey,
    pub(crate) rules: Rules,
    pub(crate) action_timeout: Duration,
    pub(crate) fault_points: FaultPoints,
    /// What this node owns.
    pub(crate) ownership: Ownership,
    /// What this node is.
    pub(crate) node: Node,
    /// Whether what is cached may be used.
    pub(crate) freshness: Freshness,
    pub(crate) request_ids: RequestIds,
    /// Devices with an action in flight, each with the fence that it was begun under.
    pub(crate) running: Mutex<HashMap<DeviceKey, Fence>>,
    pub(crate) keys: Keys,
    pub(crate) tokens: Tokens,
    /// When keys and tokens were used, as far as it is not written yet.
    pub(crate) last_use: LastUse,
    pub(crate) password_checks: PasswordChecks,
    /// How long a token works.
    pub(crate) token_lifetime: Duration,
    /// Whether nothing is to be done on any device for now.
    pub(crate) server_paused: AtomicBool,
    /// Phones that bear another's marker.
    pub(crate) copies: Copies,
    /// Asks for a rescan at once.
    pub(crate) rescan: Notify,
    /// Whether the next rescan ends the waits of devices that were away.
    pub(crate) rescan_ends_waits: AtomicBool,
    /// Asks for a look at the rollouts at once.
    pub(crate) rollouts: Notify,
    /// What is told of happenings by itself.
    pub(crate) webhooks: Webhooks,
    pub(crate) targets: Targets,
    pub(crate) registrants: Registrants,
    /// Who may enrol, and who has come.
    pub(crate) enrolments: Enrolments,
    /// Registrations that were refused.
    pub(crate) refused_registrations: RefusedRegistrations,
    /// Project keys by id.
    pub(crate) projects: Projects,
    /// Held while GB devices are given ids.
    pub(crate) numbering: tokio::sync::Mutex<()>,
    pub(crate) messages: mpsc::Sender<Message>,
    #[cfg(feature = "planted-bugs")]
    pub(crate) planted: Option<crate::planted::Bug>,
}

/// Keys of projects that were asked for lately. That of a project that is deleted is forgotten.
pub(crate) struct Projects {
    known: Cache<ProjectId, ProjectKey>,
    /// Goes up with each deletion, so that a look-up which began before one leaves nothing behind.
    deletions: AtomicU64,
}

impl Projects {
    pub(crate) fn new() -> Self {
        Self { known: Cache::new(limits::PROJECTS_CACHED_MAX), deletions: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self, id: &ProjectId) -> Option<ProjectKey> {
        self.known.get(id)
    }

    /// How many were deleted, to be handed to [`Self::keep`].
    pub(crate) fn deletions(&self) -> u64 {
        self.deletions.load(Ordering::SeqCst)
    }

    /// Keeps a key that was looked up when `deletions` stood as given.
    pub(crate) fn keep(&self, id: &ProjectId, key: ProjectKey, deletions: u64) {
        self.known.insert(id.clone(), key);
        if self.deletions() != deletions {
            self.known.remove(id);
        }
    }

    /// Projects have changed, and it is not known which.
    pub(crate) fn forget_all(&self) {
        self.deletions.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }

    pub(crate) fn forget(&self, id: &ProjectId) {
        self.deletions.fetch_add(1, Ordering::SeqCst);
        self.known.remove(id);
    }
}

impl Shared {
    pub(crate) fn driver(&self, kind: Kind) -> Option<&Arc<dyn Driver>> {
        self.drivers.get(&kind)
    }

    /// An action begins on the device under this fence, or, with `None`, has ended.
    pub(crate) fn set_running(&self, device: DeviceKey, fence: Option<Fence>) {
        let mut running = self.running();
        match fence {
            Some(fence) => drop(running.insert(device, fence)),
            None => drop(running.remove(&device)),
        }
    }

    /// The fence under which an action is in flight on the device.
    pub(crate) fn running_under(&self, device: DeviceKey) -> Option<Fence> {
        self.running().get(&device).copied()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<DeviceKey, Fence>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is to be done on any device for now.
    ///
    /// Errors: the store has to be asked, and failed.
    pub(crate) async fn is_paused(&self) -> Result<bool, store::Error> {
        if self.freshness.holds() {
            return Ok(self.server_paused.load(Ordering::Relaxed));
        }
        Ok(self.store.server_settings().await?.paused)
    }

    /// Whether an action is in flight on the device.
    pub(crate) fn is_running(&self, device: DeviceKey) -> bool {
        self.running().contains_key(&device)
    }
}

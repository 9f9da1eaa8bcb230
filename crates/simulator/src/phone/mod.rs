//! One phone: what it is, what it holds, and how it boots.
//!
//! All of a phone's state is behind one lock that is never held across a wait. `power` moves it
//! through its boots and opens and closes its port; `session` is what a shell command sees of
//! it; `files`, `faults` and `history` are parts of the state.

pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod power;
pub(crate) mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use faults::{ANY, FaultMix, Faults, MARKER};
pub use history::{Effect, Effects};
pub use power::Power;

use crate::adb::auth::Door;
use crate::property::Properties;
use files::Files;
use history::History;

/// Most connections that a phone serves at once.
pub(crate) const CONNECTIONS_MAX: usize = 16;
/// Most shell commands that run on a phone at once, over all connections.
pub(crate) const SCRIPTS_MAX: usize = 32;

/// What is the same for all phones of a fleet.
#[derive(Debug)]
pub(crate) struct Common {
    /// How long a boot takes.
    pub boot: Duration,
    /// The shell is root.
    pub root: bool,
    /// A reboot keeps the kernel: only pid 1 is new.
    pub container: bool,
    /// Who may connect.
    pub door: Door,
    /// Ends everything.
    pub stop: CancellationToken,
    /// Every task of the fleet.
    pub tasks: TaskTracker,
}

/// Which phone it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub id: String,
    pub name: String,
    pub server: String,
    pub address: SocketAddr,
}

/// A simulated phone. Its methods are the hand of a test; what a client does goes over ADB.
#[derive(Debug)]
pub struct Phone {
    pub(crate) identity: Identity,
    pub(crate) common: Arc<Common>,
    state: Mutex<State>,
    /// Something that decides about the port changed.
    changed: Notify,
    /// What the port's task last did: whether the port listens, and in which state of power.
    port: watch::Sender<(bool, Power)>,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) scripts: Arc<Semaphore>,
}

/// What changes about a phone.
#[derive(Debug)]
pub(crate) struct State {
    pub properties: Properties,
    /// `settings` values by `NAMESPACE/KEY`.
    pub settings: BTreeMap<String, String>,
    pub files: Files,
    pub faults: Faults,
    pub power: Power,
    /// When the next phase of the boot begins.
    pub next_phase: Option<Instant>,
    pub boot_id: String,
    /// Start time of pid 1, in ticks of 10 ms since the kernel started.
    pub start_ticks: u64,
    pub boot_count: u64,
    pub booted_at: Instant,
    /// Ends with the boot: connections and scripts hang on it.
    pub session: CancellationToken,
    pub history: History,
}

impl Phone {
    /// A phone that has booted. Its port is the caller's business.
    pub(crate) fn new(identity: Identity, common: Arc<Common>, faults: Faults) -> Self {
        let now = Instant::now();
        let mut properties = Properties::default();
        properties.reboot(serial(&identity.id), power::INIT_STARTED_NS);
        properties.complete_boot();
        let state = State {
            properties,
            settings: BTreeMap::new(),
            files: Files::default(),
            faults,
            power: Power::Up,
            next_phase: None,
            boot_id: power::new_boot_id(),
            start_ticks: power::INIT_STARTED_TICKS,
            boot_count: 1,
            booted_at: now,
            session: common.stop.child_token(),
            history: History::default(),
        };
        Phone {
            identity,
            common,
            state: Mutex::new(state),
            changed: Notify::new(),
            port: watch::Sender::new((false, Power::Off)),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            scripts: Arc::new(Semaphore::new(SCRIPTS_MAX)),
        }
    }

    /// The phone's id: 32 hex digits unless the caller gave another.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// `phone-0001` and on.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// The server that the phone counts to: `server-001` and on.
    pub fn server(&self) -> &str {
        &self.identity.server
    }

    /// Where its ADB daemon listens.
    pub fn address(&self) -> SocketAddr {
        self.identity.address
    }

    /// A property's value; empty when it is not set.
    pub fn get(&self, name: &str) -> String {
        self.lock().properties.get(name).to_owned()
    }

    /// Writes a property past all rules, as somebody with the phone in his hand might. It is no
    /// effect and no application.
    pub fn set(&self, name: &str, value: &str) {
        self.lock().properties.put(name, value);
    }

    /// Every property, sorted by name.
    pub fn properties(&self) -> BTreeMap<String, String> {
        self.lock().properties.all()
    }

    /// A value of `settings`, such as `("secure", "android_id")`.
    pub fn setting(&self, namespace: &str, key: &str) -> Option<String> {
        self.lock().settings.get(&format!("{namespace}/{key}")).cloned()
    }

    /// The faults as they are now.
    pub fn faults(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Gives the phone other faults; returns when its port is as they say.
    pub async fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
        self.settle().await;
    }

    /// The sets that took effect.
    pub fn effects(&self) -> Effects {
        self.lock().history.effects()
    }

    /// The latest shell commands received, oldest first (16 KiB of them).
    pub fn commands(&self) -> Vec<String> {
        self.lock().history.commands()
    }

    /// How many shell commands changed at least one property or setting.
    pub fn applications(&self) -> u64 {
        self.lock().history.applications
    }

    /// The kernel's boot id, a UUID.
    pub fn boot_id(&self) -> String {
        self.lock().boot_id.clone()
    }

    /// How often the phone has booted; 1 after the start.
    pub fn boot_count(&self) -> u64 {
        self.lock().boot_count
    }

    /// What the phone is doing.
    pub fn power(&self) -> Power {
        self.lock().power
    }

    /// The phone's state. A poisoned lock still holds whole values: no step leaves one half
    /// changed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The serial number that a phone's properties show: the id's first 16 digits.
pub(crate) fn serial(id: &str) -> &str {
    id.get(..16).unwrap_or(id)
}

//! One phone: what it is, what it holds, and how it boots.
//!
//! All of a phone's state is behind one lock that is never held across a wait. `power` moves it
//! through its boots and opens and closes its `port`; `session` and `programs` are what a shell
//! command sees of it; `files`, `faults`, `history` and `log` are parts of the state; `server` is
//! what it shares with others.

pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod log;
pub mod make;
pub(crate) mod port;
pub(crate) mod power;
mod programs;
pub(crate) mod server;
pub(crate) mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use faults::{ANY, FaultMix, Faults, MARKER, MARKER_FILE, NAMED};
pub use history::{Effect, Effects};
pub use log::{Done, Told};
pub use make::Make;
pub use power::Power;
pub use server::Load;

use crate::adb::auth::Door;
use crate::framework::Framework;
use crate::property::Properties;
use files::Files;
use history::History;
use port::Port;
use server::Server;

/// Most connections that a phone serves at once.
pub(crate) const CONNECTIONS_MAX: usize = 16;
/// Most shell commands that run on a phone at once, over all connections.
pub(crate) const SCRIPTS_MAX: usize = 32;

/// What is the same for all phones of a fleet.
#[derive(Debug)]
pub(crate) struct Common {
    /// What make they are.
    pub make: Make,
    /// How long a boot takes.
    pub boot: Duration,
    /// The shell is root.
    pub root: bool,
    /// A reboot keeps the kernel: only pid 1 is new.
    pub container: bool,
    /// How many bytes each phone's log keeps.
    pub log_bytes: usize,
    /// Who may connect.
    pub door: Door,
    /// Ends everything.
    pub stop: CancellationToken,
    /// Every task of the fleet.
    pub tasks: TaskTracker,
    /// Held while phones change addresses.
    pub moving: tokio::sync::Mutex<()>,
}

/// Which phone it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub id: String,
    pub name: String,
    pub server: Arc<Server>,
    /// Its place on the server, from 0.
    pub place: u64,
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
    /// Frozen: nothing on the phone moves.
    frozen: watch::Sender<bool>,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) scripts: Arc<Semaphore>,
}

/// What changes about a phone.
#[derive(Debug)]
pub(crate) struct State {
    pub properties: Properties,
    pub framework: Framework,
    pub files: Files,
    pub faults: Faults,
    /// `su` is there.
    pub su: bool,
    pub address: SocketAddr,
    /// Somebody waits for the phone's port.
    pub give_port: Option<oneshot::Sender<Port>>,
    /// The port that the phone gets instead of its own.
    pub take_port: Option<Port>,
    pub power: Power,
    /// How long the boot under way takes.
    pub boot_takes: Duration,
    /// When the next phase of the boot begins.
    pub next_phase: Option<Instant>,
    /// When the framework, started alone, is up again.
    pub framework_up: Option<Instant>,
    /// The boot under way is counted as a boot, and as a restart that somebody asked for.
    pub counted: (bool, bool),
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
    pub(crate) fn new(
        identity: Identity,
        address: SocketAddr,
        common: Arc<Common>,
        faults: Faults,
    ) -> Self {
        let now = Instant::now();
        let mut properties = Properties::new(common.make);
        let (boot_id, start_ticks) = power::first_boot(&identity, &common);
        properties.reboot(serial(&identity.id), start_ticks.saturating_mul(power::TICK_NS));
        properties.complete_boot();
        let state = State {
            properties,
            framework: Framework::default(),
            files: Files::default(),
            faults,
            su: common.make.has_root_shell(),
            address,
            give_port: None,
            take_port: None,
            power: Power::Up,
            boot_takes: common.boot,
            next_phase: None,
            framework_up: None,
            counted: (false, false),
            boot_id,
            start_ticks,
            boot_count: 1,
            booted_at: now,
            session: common.stop.child_token(),
            history: History::new(common.log_bytes),
        };
        Phone {
            identity,
            common,
            state: Mutex::new(state),
            changed: Notify::new(),
            port: watch::Sender::new((false, Power::Off)),
            frozen: watch::Sender::new(false),
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
        &self.identity.server.name
    }

    /// What make it is.
    pub fn make(&self) -> Make {
        self.common.make
    }

    /// Where its ADB daemon listens now.
    pub fn address(&self) -> SocketAddr {
        self.lock().address
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
        self.lock().framework.setting(namespace, key).map(str::to_owned)
    }

    /// The value of a restart property that acts since the last boot, whatever was set since; none
    /// for a name that is none of the make's restart properties.
    pub fn acting(&self, name: &str) -> Option<String> {
        self.lock().properties.acting(name).map(str::to_owned)
    }

    /// A file's content, as root reads it; none when there is no such file.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.lock().files.read(path.as_bytes(), make::User::Root).ok()
    }

    /// Roots the phone, or takes the root away: whether `su` is there.
    pub fn set_su(&self, su: bool) {
        self.lock().su = su;
    }

    /// Gives this phone a copy of all that another one keeps under /data: kept properties,
    /// settings and files, a driver's marker included. Both must be of one make.
    pub fn copy_data(&self, from: &Phone) {
        let (properties, framework, files) = {
            let from = from.lock();
            (from.properties.clone(), from.framework.clone(), from.files.clone())
        };
        let mut state = self.lock();
        state.properties.copy_data(&properties);
        (state.framework, state.files) = (framework, files);
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

    /// What the phone was told to run and what came of it, oldest first, as far as
    /// [`crate::phones::Options::log_bytes`] goes.
    pub fn log(&self) -> Vec<Told> {
        self.lock().history.log.entries()
    }

    /// The same, and the log begins anew.
    pub fn take_log(&self) -> Vec<Told> {
        self.lock().history.log.take()
    }

    /// How many shell commands changed at least one property, setting, screen or file.
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

//! The engine as the binary starts it and as the doors hold it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::limits;
use fleet::{Catalogue, DeviceKey, RequestId, Timestamp};
use store::seal::MasterKey;
use store::{Reads, Store};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Entropy, RequestIds};
use crate::copies::Copies;
use crate::driver::{Driver, EventReceiver};
use crate::judge::Rules;
use crate::keys::Keys;
use crate::lane::Bounds;
use crate::operate::CatalogueSource;
use crate::registrants::{RefusedRegistrations, Registrants};
use crate::runner::Runner;
use crate::shared::{Projects, Shared};
use crate::sweep;
use crate::targets::Targets;
use crate::users::{PasswordChecks, Tokens};

/// How much the engine may do at a time and how long it waits. The defaults are those of
/// [`fleet::limits`].
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How much may be in flight.
    pub bounds: Bounds,
    /// How jobs are judged.
    pub rules: Rules,
    /// How long one action on a device may take.
    pub action_timeout: Duration,
    /// Devices at rest that are looked at each second. 0 switches the sweep off.
    pub sweep_per_second: u32,
    /// How often all devices with work are read again.
    pub rescan_every: Duration,
    /// How long a token works.
    pub token_lifetime: Duration,
    /// A bug that the simulation must find.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::planted::Bug>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bounds: Bounds {
                per_server: limits::ACTIONS_PER_SERVER_MAX,
                per_node: limits::ACTIONS_PER_NODE_MAX,
                restarts_per_server: limits::RESTARTS_PER_SERVER_MAX,
                boots_per_server: limits::BOOTS_PER_SERVER_MAX,
                restarts_per_project: limits::RESTARTS_PER_PROJECT_MAX,
            },
            rules: Rules::default(),
            action_timeout: limits::PHONE_ACTION_TIMEOUT,
            sweep_per_second: limits::SWEEP_PER_SECOND,
            rescan_every: limits::RESCAN_EVERY,
            token_lifetime: limits::TOKEN_LIFETIME,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}

/// What the engine is made from.
pub struct Options {
    /// What is durable.
    pub store: Arc<dyn Store>,
    /// What is known of properties and profiles. The drivers hold the same.
    pub catalogue: Arc<CatalogueCell>,
    /// Where another catalogue comes from when operators ask for it.
    pub catalogue_source: CatalogueSource,
    /// One driver a kind of device.
    pub drivers: Vec<Arc<dyn Driver>>,
    /// The drivers' events.
    pub events: EventReceiver,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Opens and seals secrets.
    pub master_key: MasterKey,
    /// Bounds and waits.
    pub settings: Settings,
    /// Where a test may stop the process.
    pub fault_points: FaultPoints,
}

/// A running engine. Dropping it ends it at once; [`Engine::stop`] lets the actions in flight end.
pub struct Engine {
    handle: Handle,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<()>,
}

/// What the doors hold of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// Starts the engine: reads which shards this node owns and begins to work on what is open.
    ///
    /// Errors: only if the store can't be read.
    pub async fn start(options: Options) -> Result<Self, store::Error> {
        let server_paused = options.store.server_settings().await?.paused;
        let epochs = options.store.epochs().await?.into_iter().collect();
        let (messages, inbox) = mpsc::channel(limits::LANE_MESSAGES_MAX);
        let shared = Arc::new(Shared {
            store: options.store,
            catalogue: options.catalogue,
            catalogue_source: options.catalogue_source,
            drivers: options.drivers.into_iter().map(|driver| (driver.kind(), driver)).collect(),
            request_ids: RequestIds::new(options.clock.clone(), options.entropy.clone()),
            registrants: Registrants::new(&options.master_key, &*options.entropy),
            refused_registrations: RefusedRegistrations::default(),
            clock: options.clock,
            entropy: options.entropy,
            master_key: options.master_key,
            rules: options.settings.rules,
            action_timeout: options.settings.action_timeout,
            fault_points: options.fault_points,
            epochs,
            running: Mutex::default(),
            keys: Keys::new(),
            tokens: Tokens::new(),
            password_checks: PasswordChecks::new(),
            token_lifetime: options.settings.token_lifetime,
            server_paused: AtomicBool::new(server_paused),
            copies: Copies::new(),
            rescan: Notify::new(),
            rescan_ends_waits: AtomicBool::new(false),
            targets: Targets::new(),
            projects: Projects::new(),
            numbering: tokio::sync::Mutex::default(),
            messages,
            #[cfg(feature = "planted-bugs")]
            planted: options.settings.planted,
        });
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        let runner = Runner::new(shared.clone(), options.settings.bounds, inbox);
        tasks.spawn(runner.run(stop.clone()));
        tasks.spawn(until(
            stop.clone(),
            sweep::rescan(shared.clone(), options.settings.rescan_every),
        ));
        tasks.spawn(until(
            stop.clone(),
            sweep::sweep(shared.clone(), options.settings.sweep_per_second),
        ));
        tasks.spawn(until(stop.clone(), sweep::events(shared.clone(), options.events)));
        Ok(Self { handle: Handle { shared }, stop, tasks })
    }

    /// What the doors hold.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts no further actions and returns when those in flight have ended and are recorded,
    /// which takes at most the action time-out and the store's answer.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Runs `work` until it ends or `stop` is cancelled.
async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = work => {}
    }
}

impl Handle {
    /// What can be asked of the store.
    pub fn reads(&self) -> &dyn Reads {
        &*self.shared.store
    }

    /// What is known of properties and profiles at this moment.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.shared.catalogue.get()
    }

    /// Reads all devices with work again at once: what kept them may be gone.
    pub fn rescan_now(&self) {
        self.shared.rescan.notify_one();
    }

    /// A driver can reach its devices from now on: those with work that were away are looked at
    /// again, as if each had returned.
    pub fn driver_is_ready(&self) {
        self.shared.rescan_ends_waits.store(true, Ordering::SeqCst);
        self.rescan_now();
    }

    /// Now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// An id for a call: time-ordered and never given twice.
    pub fn next_request_id(&self) -> RequestId {
        self.shared.request_ids.next()
    }

    /// Whether an action is in flight on the device.
    pub fn is_running(&self, device: DeviceKey) -> bool {
        self.shared.is_running(device)
    }
}

//! The engine as the binary starts it and as the doors hold it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::limits;
use fleet::{Catalogue, DeviceKey, RequestId, Timestamp};
use store::seal::MasterKey;
use store::{ClusterState, NewSession, Reads, Session, Store};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Entropy, RequestIds};
use crate::command::Error;
use crate::copies::Copies;
use crate::driver::{Driver, EventReceiver};
use crate::enrolment::{self, Enrolments};
use crate::events::Events;
use crate::feed::{self, Freshness};
use crate::history::{self, History};
use crate::idempotency;
use crate::judge::Rules;
use crate::keys::Keys;
use crate::lane::Bounds;
use crate::last_use::{self, LastUse};
use crate::operate::CatalogueSource;
use crate::overview;
use crate::ownership::Ownership;
use crate::registrants::{RefusedRegistrations, Registrants};
use crate::renewal::{self, Node, NodeStanding, StartError, begin};
use crate::rollout;
use crate::runner::Runner;
use crate::shared::{Projects, Shared};
use crate::sweep;
use crate::targets::Targets;
use crate::users::{PasswordChecks, Tokens};
use crate::webhooks::{self, Deliver, Webhooks};

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
    /// How long this node's session lasts after a renewal.
    pub lease: Duration,
    /// How often this node's session is renewed.
    pub renew_every: Duration,
    /// How often it is read what other nodes have committed.
    pub feed_every: Duration,
    /// How often the updates that go out in waves are looked at.
    pub rollouts_every: Duration,
    /// How often devices are counted at most. 0 switches that off.
    pub count_every: Duration,
    /// What is kept of what is over.
    pub history: History,
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
            lease: limits::LEASE,
            renew_every: limits::LEASE_RENEW_EVERY,
            feed_every: limits::FEED_EVERY,
            rollouts_every: rollout::LOOK_EVERY,
            count_every: limits::COUNT_WAIT.0,
            history: History::default(),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}

/// What the engine is made from.
pub struct Options {
    /// What is durable.
    pub store: Arc<dyn Store>,
    /// What this node says of itself; its instance is made when the engine starts.
    pub node: NewSession,
    /// Whether a start whose name another node has waits once until that node's lease has run out.
    pub wait_for_name: bool,
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
    /// From then on no further steps start.
    stop: CancellationToken,
    /// From then on the session is not kept.
    ended: CancellationToken,
    /// The lanes.
    runner: JoinSet<()>,
    tasks: JoinSet<()>,
}

/// What the doors hold of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// Starts the engine: begins this node's session, takes shards if it has that role, and begins
    /// to work on what is open.
    ///
    /// Errors: another node has the name, or the store failed.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Settings { lease, renew_every, action_timeout, .. } = options.settings;
        let mut instance = [0; 16];
        options.entropy.fill(&mut instance);
        let node = NewSession { instance: hex::encode(instance), ..options.node };
        let node = Node::new(node, (lease, renew_every), action_timeout);
        let ownership = Ownership::new(lease);
        #[cfg(feature = "planted-bugs")]
        let ownership = ownership.with_bug(options.settings.planted, options.clock.clone());
        // Before anything is read that is kept in memory.
        let feed = options.store.feed_end().await?;
        let freshness = Freshness::new();
        begin((&*options.store, &ownership, &node), &*options.clock, options.wait_for_name).await?;
        let alone = ownership.session().is_some_and(|session| !session.expires);
        freshness.set_alone(alone);
        let server_paused = options.store.server_settings().await?.paused;
        let (messages, inbox) = mpsc::channel(limits::LANE_MESSAGES_MAX);
        let shared = Arc::new(Shared {
            store: options.store,
            catalogue: options.catalogue,
            catalogue_source: options.catalogue_source,
            drivers: options.drivers.into_iter().map(|driver| (driver.kind(), driver)).collect(),
            request_ids: RequestIds::new(options.clock.clone(), options.entropy.clone()),
            registrants: Registrants::new(&options.master_key, &*options.entropy),
            refused_registrations: RefusedRegistrations::default(),
            enrolments: Enrolments::default(),
            clock: options.clock,
            entropy: options.entropy,
            master_key: options.master_key,
            rules: options.settings.rules,
            action_timeout: options.settings.action_timeout,
            fault_points: options.fault_points,
            ownership,
            node,
            freshness,
            running: Mutex::default(),
            keys: Keys::new(),
            tokens: Tokens::new(),
            last_use: LastUse::default(),
            password_checks: PasswordChecks::new(),
            token_lifetime: options.settings.token_lifetime,
            server_paused: AtomicBool::new(server_paused),
            copies: Copies::new(),
            rescan: Notify::new(),
            rescan_ends_waits: AtomicBool::new(false),
            rollouts: Notify::new(),
            webhooks: Webhooks::new(),
            targets: Targets::new(),
            projects: Projects::new(),
            numbering: tokio::sync::Mutex::default(),
            messages,
            #[cfg(feature = "planted-bugs")]
            planted: options.settings.planted,
        });
        // Before anything is answered here: a client sends again what this node did not answer.
        idempotency::free_own(&shared).await?;
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let (mut runner, mut tasks) = (JoinSet::new(), JoinSet::new());
        let lanes = Runner::new(shared.clone(), options.settings.bounds, inbox);
        runner.spawn(lanes.run(stop.clone()));
        tasks.spawn(renewal::keep(shared.clone(), ended.clone()));
        let roles = shared.node.new.roles;
        if roles.engine || roles.sip {
            let Settings { rescan_every, sweep_per_second, .. } = options.settings;
            let (rescan, sweep) = (sweep::rescan, sweep::sweep);
            tasks.spawn(until(stop.clone(), rescan(shared.clone(), rescan_every)));
            tasks.spawn(until(stop.clone(), sweep(shared.clone(), sweep_per_second)));
        }
        if roles.engine {
            let drive = rollout::drive(shared.clone(), options.settings.rollouts_every);
            tasks.spawn(until(stop.clone(), drive));
            let count = overview::keep(shared.clone(), options.settings.count_every);
            tasks.spawn(until(stop.clone(), count));
            let forget = history::keep(shared.clone(), options.settings.history);
            tasks.spawn(until(stop.clone(), forget));
        }
        tasks.spawn(until(stop.clone(), sweep::events(shared.clone(), options.events)));
        tasks.spawn(until(stop.clone(), feed::prune(shared.clone())));
        tasks.spawn(until(stop.clone(), last_use::keep(shared.clone())));
        tasks.spawn(until(stop.clone(), enrolment::keep(shared.clone())));
        tasks.spawn(until(stop.clone(), webhooks::keep(shared.clone())));
        if !alone {
            let follow = feed::follow(shared.clone(), options.settings.feed_every, feed);
            tasks.spawn(until(ended.clone(), follow));
        }
        Ok(Self { handle: Handle { shared }, stop, ended, runner, tasks })
    }

    /// Begins to deliver what happens, as `events` tells it, to the receivers of webhooks, and lets
    /// doors try one. It is told once.
    pub fn deliver_webhooks(&mut self, events: Events, deliver: Arc<dyn Deliver>) {
        let shared = &self.handle.shared;
        if shared.webhooks.deliver.set(deliver.clone()).is_ok() && shared.node.new.roles.engine {
            self.tasks.spawn(webhooks::drive(shared.clone(), events, deliver, self.stop.clone()));
        }
    }

    /// What the doors hold.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts no further actions and returns when those in flight have ended and are recorded,
    /// which takes at most the action time-out and the store's answer. Shards are given back as
    /// soon as nothing is in flight on their devices, and then the session ends: other nodes take
    /// over at once. What is accepted afterwards is theirs to do.
    pub async fn stop(mut self) {
        let shared = &self.handle.shared;
        shared.ownership.leave_all();
        self.stop.cancel();
        while self.runner.join_next().await.is_some() {}
        self.ended.cancel();
        while self.tasks.join_next().await.is_some() {}
        last_use::write(shared).await;
        enrolment::write(shared).await;
        webhooks::write(shared).await;
        renewal::end(shared).await;
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

    /// This node's session; `None` only before the first one has begun.
    pub fn session(&self) -> Option<Session> {
        self.shared.ownership.session()
    }

    /// Returns once another process has taken this node's session over, which runs on a copy of its
    /// data directory: says so in words. This one owns nothing any more and does not fight for it,
    /// so that it has to be stopped.
    pub async fn ousted(&self) -> String {
        self.shared.node.ousted().await
    }

    /// How this node stands: whether it can do what it is there for, and if not, why.
    pub fn standing(&self) -> NodeStanding {
        self.shared.standing()
    }

    /// The store and all its nodes, with their registrations counted, for which all of those are
    /// read.
    ///
    /// Errors: the store failed.
    pub async fn cluster(&self) -> Result<ClusterState, Error> {
        Ok(self.shared.store.cluster(true).await?)
    }

    /// The store and all its nodes, without their registrations.
    ///
    /// Errors: the store failed.
    pub async fn nodes(&self) -> Result<ClusterState, Error> {
        Ok(self.shared.store.cluster(false).await?)
    }

    /// Whether an action of this node's is in flight on the device.
    pub fn is_running(&self, device: DeviceKey) -> bool {
        self.shared.is_running(device)
    }
}

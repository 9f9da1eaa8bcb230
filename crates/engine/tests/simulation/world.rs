//! One run: nodes on one store that are killed, stopped and started again, their phones and
//! cameras, and clients that keep a ledger of what was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engine::judge::Rules;
use engine::lane::Bounds;
use engine::planted::Bug;
use engine::{CatalogueSourceError, Clock, Engine, Options, Settings};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, DeviceId, Kind, NewCamera, NewDevice, Principal, ProjectId, Secret};
use store::seal::MasterKey;
use store::sqlite::{Inline, InlineNode};
use store::{NewSession, Roles};
use tokio::task::JoinSet;

use crate::archive::{self, Archive};
use crate::camera::{Cameras, PASSWORD, camera_id};
use crate::camera_checks;
use crate::chance::{Chance, Life, SimulatedClock};
use crate::checks;
use crate::clients::{self, Client, Ledger};
use crate::nodes::{self, Node, Nodes};
use crate::phone::{Phones, SimulatedDriver};
use crate::scenario::{Outcome, Scenario};
use crate::shaky_store::ShakyStore;
use crate::tokens::{Tokens, Worker};

/// Names that a boot wipes and one that it does not.
pub const NAMES: [&str; 4] =
    ["sys.prop.writephonenum", "sys.prop.writeimsi", "gsm.operator.numeric", "persist.sys.locale"];

/// What outlives the processes: the store, the phones, the clients' ledger.
pub struct World {
    pub scenario: Scenario,
    /// The store as whoever checks it holds it.
    pub store: InlineNode,
    pub store_clock: SimulatedClock,
    pub phones: Phones,
    pub cameras: Cameras,
    pub nodes: Nodes,
    /// The true time.
    pub clock: SimulatedClock,
    pub ledger: Ledger,
    /// Jobs that the store may have forgotten.
    pub archive: Archive,
    pub tokens: Tokens,
    pub chance: Chance,
    planted: Option<Bug>,
    dies_one_in: Arc<AtomicU32>,
    store_fails_one_in: Arc<AtomicU32>,
    catalogue: Arc<CatalogueCell>,
}

/// A running node.
pub struct Process {
    pub engine: Engine,
    pub sip: cameras::Sip,
}

/// A node that can't start: its store can't be read.
#[derive(Debug)]
pub struct Broken;

pub fn project() -> ProjectId {
    ProjectId::new("simulated").unwrap()
}

pub fn phone_id(number: usize) -> DeviceId {
    DeviceId::new(format!("phone-{number}")).unwrap()
}

const ACTIONS_PER_SERVER: usize = 2;
const BOOTS_PER_SERVER: usize = 1;

/// How long a phone may take to come back in the simulation.
const BOOT_DEADLINE: Duration = Duration::from_secs(40);

/// How long a job may wait in the simulation.
pub const JOB_DEADLINE: Duration = Duration::from_secs(60);

const CLIENTS: usize = 3;

/// Runs a scenario to its end and checks the promise.
pub fn run(scenario: Scenario, planted: Option<Bug>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async { World::new(scenario, planted).live().await })
}

impl World {
    fn new(scenario: Scenario, planted: Option<Bug>) -> Arc<Self> {
        let chance = Chance::of(scenario.seed);
        let clock = SimulatedClock::start();
        let store_clock = clock.another();
        let store = {
            let clock = store_clock.clone();
            Inline::new(Arc::new(move || clock.now()), FaultPoints::none()).unwrap()
        };
        if scenario.no_epoch_check {
            store.let_stale_fences_through();
        }
        let dies_one_in: Arc<AtomicU32> = Arc::default();
        let life = || Life::none(chance.clone(), dies_one_in.clone());
        let shaky = scenario.network_shaky_one_in;
        Arc::new(Self {
            scenario,
            planted,
            store: store.node(),
            store_clock,
            phones: Phones::new(scenario.phones, chance.clone(), scenario.misfortune),
            cameras: Cameras::new(scenario.cameras, scenario.nodes, chance.clone(), shaky),
            nodes: Nodes::new(scenario.nodes, &clock, life),
            clock,
            ledger: Ledger::default(),
            archive: Archive::default(),
            tokens: Tokens::default(),
            dies_one_in: dies_one_in.clone(),
            store_fails_one_in: Arc::default(),
            catalogue: Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap())),
            chance,
        })
    }

    async fn live(self: Arc<Self>) -> Outcome {
        self.set_up().await;

        let scenario = self.scenario;
        let mut living = JoinSet::new();
        living.spawn(self.cameras.clone().live());
        for number in 0..scenario.nodes {
            living.spawn(nodes::live(self.clone(), number));
        }
        if scenario.forgets_jobs {
            living.spawn(archive::forget(self.clone()));
        }
        self.dies_one_in.store(scenario.dies_one_in, Ordering::SeqCst);
        self.store_fails_one_in.store(scenario.store_fails_one_in, Ordering::SeqCst);
        let mut misfortune = JoinSet::new();
        misfortune.spawn(nodes::suffer(self.clone()));
        if scenario.restless {
            let (phones, chance) = (self.phones.clone(), self.chance.clone());
            misfortune.spawn(clients::restless(phones, chance, scenario.phones));
            let (cameras, chance) = (self.cameras.clone(), self.chance.clone());
            misfortune.spawn(clients::troubled(cameras, chance, scenario));
        }
        self.let_clients_call().await;

        // All misfortune ends; what is open must now come to its end.
        misfortune.shutdown().await;
        self.dies_one_in.store(0, Ordering::SeqCst);
        self.store_fails_one_in.store(0, Ordering::SeqCst);
        self.nodes.calm();
        self.store_clock.set_ahead(0);
        self.phones.calm();
        self.cameras.calm();
        self.nodes.all_well().await;
        let mut outcome = checks::check(&self).await;
        let bindings = async || {
            let all = store::Reads::bindings(&self.store, fleet::DeviceKey(0), 1_000).await;
            all.unwrap().into_iter().map(|stored| stored.binding).collect()
        };
        let known = || {
            let counts = |process: &Arc<Process>| process.sip.counts();
            let counts: Vec<_> = self.nodes.processes().iter().map(counts).collect();
            counts.iter().any(|counts| !counts.is_empty()).then(|| format!("{counts:?}"))
        };
        camera_checks::all_is_forgotten(&self, known, bindings, &mut outcome.broken).await;
        living.shutdown().await;
        self.note(&mut outcome);
        outcome
    }

    fn note(&self, outcome: &mut Outcome) {
        let scenario = self.scenario;
        self.nodes.note(outcome);
        outcome.stale = self.tokens.stale();
        outcome.registrations = self.cameras.registrations();
        let named = (0..scenario.cameras).map(|number| self.cameras.names(number).len() - 1);
        outcome.cameras_named = named.sum::<usize>() as u64;
        outcome.restarts = self.phones.restarts();
        let told = (0..scenario.phones).map(|number| self.phones.told(number).len() as u64);
        outcome.told = told.sum();
        let shared = (0..scenario.phones).filter(|number| self.phones.worked_on(*number).1 > 1);
        outcome.shared_phones = shared.count() as u64;
    }

    async fn let_clients_call(&self) {
        self.ledger.left.store(self.scenario.calls, Ordering::SeqCst);
        self.ledger.names_left.store(self.scenario.calls.min(40) / 4, Ordering::SeqCst);
        let client = Client {
            nodes: self.nodes.clone(),
            scenario: self.scenario,
            chance: self.chance.clone(),
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
        };
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(clients::client(client.clone()));
        }
        clients.spawn(clients::namer(client));
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
    }

    /// Makes the project and its devices, on a day on which nothing goes wrong.
    async fn set_up(&self) {
        let life = Life::none(self.chance.clone(), Arc::default()).next();
        let Process { engine, sip } = self.start(self.nodes.first(), &life).await.unwrap();
        let admin = Principal::admin();
        let handle = engine.handle();
        handle
            .create_project(&admin, "simulated".to_owned(), Some(project()), String::new())
            .await
            .unwrap();
        let phones = (0..self.scenario.phones)
            .map(|number| NewDevice {
                project: project(),
                kind: Kind::Phone,
                id: phone_id(number),
                name: format!("phone {number}"),
                server: format!("server-{}", number % 2),
                address: format!("phone:{}", number + 1),
                container: String::new(),
                profile: "simulated".to_owned(),
                camera: None,
            })
            .collect();
        if self.scenario.has_foreign_phone() {
            self.phones.put_foreign_marker(0);
        }
        handle.import(&admin, phones).await.unwrap();
        let cameras = (0..self.scenario.cameras).map(|number| NewDevice {
            project: project(),
            kind: Kind::Camera,
            id: camera_id(number),
            name: format!("camera {number}"),
            server: String::new(),
            address: String::new(),
            container: String::new(),
            profile: fleet::catalogue::GENERIC_PROFILE.to_owned(),
            camera: Some(NewCamera {
                password: Some(Secret::new(PASSWORD.to_owned())),
                ..NewCamera::default()
            }),
        });
        handle.import(&admin, cameras.collect()).await.unwrap();
        engine.stop().await;
        sip.stop().await;
    }

    /// Starts a node.
    pub async fn start(&self, node: &Node, life: &Life) -> Result<Process, Broken> {
        let scenario = self.scenario;
        let (events, inbox) = engine::driver::events();
        let clock = Arc::new(node.clock.clone());
        let cameras = cameras::Cameras::new(cameras::Options {
            catalogue: self.catalogue.clone(),
            settings: cameras::Settings::default(),
            events: events.clone(),
            entropy: Arc::new(self.chance.clone()),
            clock: clock.clone(),
            fault_points: FaultPoints::none(),
        });
        let worker = Worker { node: node.number, life: life.number() };
        let driver = SimulatedDriver {
            phones: self.phones.clone(),
            life: life.clone(),
            worker,
            tokens: self.tokens.clone(),
            may_overlap: scenario.may_overlap(),
            events,
            // At worst a node has not heard yet that it is not alone any more, nor another that
            // it has taken over what is under way.
            actions_per_server: ACTIONS_PER_SERVER * scenario.nodes,
            boots_per_server: if scenario.nodes > 1 { usize::MAX } else { BOOTS_PER_SERVER },
            clock: self.clock.clone(),
        };
        let store = ShakyStore {
            inner: self.store.store().node(),
            worker,
            tokens: self.tokens.clone(),
            life: life.clone(),
            chance: self.chance.clone(),
            fails_one_in: self.store_fails_one_in.clone(),
            forgets_pushes: scenario.forgets_pushes,
        };
        let engine = Engine::start(Options {
            store: Arc::new(store),
            node: NewSession {
                node: format!("node-{}", node.number),
                directory: node.directory(),
                instance: String::new(),
                roles: Roles::ALL,
                version: String::new(),
                http: String::new(),
                sip: String::new(),
            },
            wait_for_name: true,
            catalogue: self.catalogue.clone(),
            catalogue_source: Arc::new(|_| Err(CatalogueSourceError::Closed)),
            drivers: vec![Arc::new(driver), cameras.clone()],
            events: inbox,
            clock,
            entropy: Arc::new(self.chance.clone()),
            master_key: MasterKey::from_bytes([7; 32]),
            settings: self.settings(),
            fault_points: FaultPoints::none(),
        })
        .await
        .map_err(|_| Broken)?;
        let wire = self.cameras.wire(node.number, life);
        let sip = cameras.run_with(wire, engine.handle()).await;
        Ok(Process { engine, sip: sip.map_err(|_| Broken)? })
    }

    fn settings(&self) -> Settings {
        Settings {
            bounds: Bounds {
                per_server: ACTIONS_PER_SERVER,
                per_node: 3,
                restarts_per_server: 2,
                boots_per_server: BOOTS_PER_SERVER,
                restarts_per_project: 3,
            },
            rules: Rules {
                job_deadline: JOB_DEADLINE,
                boot_deadline: BOOT_DEADLINE,
                told_again: Duration::from_secs(10),
                ..Rules::default()
            },
            // Seldom enough for hundreds of seeds.
            feed_every: Duration::from_millis(if self.scenario.seed.is_multiple_of(10) {
                100
            } else {
                500
            }),
            // Nothing goes out in waves here.
            rollouts_every: Duration::from_secs(60),
            // Nobody here asks how many devices there are.
            count_every: Duration::ZERO,
            planted: self.planted,
            ..Settings::default()
        }
    }
}

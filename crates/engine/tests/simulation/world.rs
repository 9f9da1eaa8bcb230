//! One run: a server that is killed and started again, its phones and cameras, and clients that
//! keep a ledger of what was answered.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::judge::Rules;
use engine::lane::Bounds;
use engine::planted::Bug;
use engine::{
    CameraAsked, CatalogueSourceError, Clock, Engine, Handle, Options, Settings, Update,
    UpdateEntry,
};
use fleet::catalogue::{CatalogueCell, DESCRIPTION};
use fleet::fault_point::FaultPoints;
use fleet::{
    Catalogue, DeviceId, Door, JobId, Kind, NewCamera, NewDevice, Operation, Principal, ProjectId,
    RequestId, Secret, Timestamp, Values,
};
use store::seal::MasterKey;
use store::sqlite::Inline;
use tokio::task::JoinSet;

use crate::camera::{Cameras, PASSWORD, camera_id};
use crate::camera_checks;
use crate::chance::{Chance, Life, SimulatedClock};
use crate::checks;
use crate::phone::{Misfortune, Phones, SimulatedDriver};
use crate::shaky_store::ShakyStore;

/// Names that a boot wipes and one that it does not.
pub const NAMES: [&str; 4] =
    ["sys.prop.writephonenum", "sys.prop.writeimsi", "gsm.operator.numeric", "persist.sys.locale"];

/// What a run is made of. All of it follows from the seed.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub seed: u64,
    pub phones: usize,
    pub cameras: usize,
    /// Calls that clients make in all.
    pub calls: u64,
    /// One step of the process in so many is its last; 0 for none.
    pub dies_one_in: u32,
    /// One call of the store in so many fails; 0 for none.
    pub store_fails_one_in: u32,
    pub misfortune: Misfortune,
    /// One datagram between cameras and server in so many is lost, doubled or late; 0 for none.
    pub network_shaky_one_in: u32,
    /// Phones go off and come back, and restart by themselves.
    pub restless: bool,
    /// A planted bug: what is sent to cameras is not put on record.
    pub forgets_pushes: bool,
}

impl Scenario {
    pub fn of(seed: u64) -> Self {
        let calm = seed % 5 == 1;
        let harsh = |one_in: u32| if calm { 0 } else { one_in };
        Self {
            seed,
            phones: 3 + usize::try_from(seed % 7).unwrap(),
            cameras: 1 + usize::try_from(seed % 3).unwrap(),
            calls: 40,
            dies_one_in: harsh(if seed.is_multiple_of(3) { 60 } else { 400 }),
            store_fails_one_in: harsh(if seed.is_multiple_of(4) { 15 } else { 80 }),
            misfortune: Misfortune {
                answer_lost: harsh(12),
                restart_within: harsh(15),
                late: harsh(25),
                refuse: harsh(if seed.is_multiple_of(2) { 4 } else { 40 }),
                deaf: harsh(4),
            },
            network_shaky_one_in: harsh(if seed.is_multiple_of(2) { 8 } else { 40 }),
            restless: !calm,
            forgets_pushes: false,
        }
    }

    /// Whether nothing goes wrong, so that every job must end soon.
    pub fn is_calm(&self) -> bool {
        !self.restless
    }

    /// Whether at the address of the first phone another one answers.
    pub fn has_foreign_phone(&self) -> bool {
        self.restless && self.seed.is_multiple_of(6)
    }
}

/// One accepted entry, as the client remembers it.
#[derive(Debug, Clone)]
pub struct Answered {
    pub phone: usize,
    pub job: JobId,
    pub asked_at: Timestamp,
    pub answered_at: Timestamp,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub answered: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub superseded: u64,
    pub crashes: u64,
    pub restarts: u64,
    /// Restarts that jobs asked for.
    pub told: u64,
    /// Registrations that cameras know of.
    pub registrations: u64,
    /// Names that cameras took.
    pub cameras_named: u64,
    /// What broke the promise, in sentences.
    pub broken: Vec<String>,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.superseded += other.superseded;
        self.crashes += other.crashes;
        self.restarts += other.restarts;
        self.told += other.told;
        self.registrations += other.registrations;
        self.cameras_named += other.cameras_named;
    }
}

/// What outlives the process: the store, the phones, the clients' ledger.
pub struct World {
    pub scenario: Scenario,
    pub store: Arc<Inline>,
    pub phones: Phones,
    pub cameras: Cameras,
    pub clock: SimulatedClock,
    pub ledger: Ledger,
    planted: Option<Bug>,
    chance: Chance,
    store_fails_one_in: Arc<AtomicU32>,
    catalogue: Arc<CatalogueCell>,
}

/// What the clients remember.
#[derive(Clone, Default)]
pub struct Ledger {
    /// Every call that was made, answered or not.
    pub calls: Arc<Mutex<Vec<RequestId>>>,
    /// Every entry that was answered with a job.
    pub answered: Arc<Mutex<Vec<Answered>>>,
    /// Calls that are still to be made.
    left: Arc<AtomicU64>,
    /// The same of calls that name cameras.
    names_left: Arc<AtomicU64>,
    /// Numbers the values, so that each is seen once.
    values: Arc<AtomicU64>,
}

/// A running server.
struct Process {
    engine: Engine,
    sip: cameras::Sip,
}

/// A server that can't read its store.
#[derive(Debug)]
struct Broken;

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

/// Runs a scenario to its end and checks the promise.
pub fn run(scenario: Scenario, planted: Option<Bug>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let chance = Chance::of(scenario.seed);
        let world = World {
            scenario,
            planted,
            store: Arc::new(Inline::new(Timestamp(0), FaultPoints::none()).unwrap()),
            phones: Phones::new(scenario.phones, chance.clone(), scenario.misfortune),
            cameras: Cameras::new(scenario.cameras, chance.clone(), scenario.network_shaky_one_in),
            chance,
            clock: SimulatedClock::start(),
            ledger: Ledger::default(),
            store_fails_one_in: Arc::new(AtomicU32::new(0)),
            catalogue: Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap())),
        };
        world.live().await
    })
}

impl World {
    async fn live(&self) -> Outcome {
        let mut life = Life::first(self.chance.clone());
        self.set_up(&life).await;

        let mut living = JoinSet::new();
        living.spawn(self.cameras.clone().live());
        self.ledger.left.store(self.scenario.calls, Ordering::SeqCst);
        self.ledger.names_left.store(self.scenario.calls / 4, Ordering::SeqCst);
        self.store_fails_one_in.store(self.scenario.store_fails_one_in, Ordering::SeqCst);
        let mut crashes = 0;
        loop {
            life = life.next(self.scenario.dies_one_in);
            let died = tokio::select! {
                biased;
                () = life.died() => true,
                () = self.work_day(&life) => false,
            };
            if !died {
                break;
            }
            crashes += 1;
            self.phones.forget_actions();
            self.chance.pause(3_000).await;
        }

        // All misfortune ends; what is open must now come to its end.
        life = life.next(0);
        self.store_fails_one_in.store(0, Ordering::SeqCst);
        self.phones.calm();
        self.cameras.calm();
        self.phones.forget_actions();
        let process = self.start(&life).await.expect("a calm store can be read");
        let mut outcome = checks::check(self).await;
        let bindings = async || {
            let all = store::Reads::bindings(&*self.store, fleet::DeviceKey(0), 1_000).await;
            all.unwrap().into_iter().map(|stored| stored.binding).collect()
        };
        camera_checks::all_is_forgotten(self, &process.sip, bindings, &mut outcome.broken).await;
        drop(process);
        outcome.registrations = self.cameras.registrations();
        let named = (0..self.scenario.cameras).map(|number| self.cameras.names(number).len() - 1);
        outcome.cameras_named = named.sum::<usize>() as u64;
        outcome.crashes = crashes;
        outcome.restarts = self.phones.restarts();
        let told = (0..self.scenario.phones).map(|number| self.phones.told(number).len() as u64);
        outcome.told = told.sum();
        outcome
    }

    /// Makes the project and its phones, on a day on which nothing goes wrong.
    async fn set_up(&self, life: &Life) {
        let process = self.start(life).await.unwrap();
        let admin = Principal::admin();
        let handle = process.engine.handle();
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
    }

    /// Starts the process: takes the shards over and starts the engine.
    async fn start(&self, life: &Life) -> Result<Process, Broken> {
        self.store.bump_epoch(self.clock.now()).unwrap();
        let (events, inbox) = engine::driver::events();
        let cameras = cameras::Cameras::new(cameras::Options {
            catalogue: self.catalogue.clone(),
            settings: cameras::Settings::default(),
            events: events.clone(),
            entropy: Arc::new(self.chance.clone()),
            clock: Arc::new(self.clock),
            fault_points: FaultPoints::none(),
        });
        let driver = SimulatedDriver {
            phones: self.phones.clone(),
            life: life.clone(),
            events,
            actions_per_server: ACTIONS_PER_SERVER,
            boots_per_server: BOOTS_PER_SERVER,
            clock: self.clock,
        };
        let store = ShakyStore {
            inner: self.store.clone(),
            life: life.clone(),
            chance: self.chance.clone(),
            fails_one_in: self.store_fails_one_in.clone(),
            forgets_pushes: self.scenario.forgets_pushes,
        };
        let settings = Settings {
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
            planted: self.planted,
            ..Settings::default()
        };
        let engine = Engine::start(Options {
            store: Arc::new(store),
            catalogue: self.catalogue.clone(),
            catalogue_source: Arc::new(|_| Err(CatalogueSourceError::Closed)),
            drivers: vec![Arc::new(driver), cameras.clone()],
            events: inbox,
            clock: Arc::new(self.clock),
            entropy: Arc::new(self.chance.clone()),
            master_key: MasterKey::from_bytes([7; 32]),
            settings,
            fault_points: FaultPoints::none(),
        })
        .await
        .map_err(|_| Broken)?;
        let sip = cameras.run_with(self.cameras.wire(life), engine.handle()).await;
        Ok(Process { engine, sip: sip.map_err(|_| Broken)? })
    }

    /// One life of the process, until its clients have made all their calls.
    async fn work_day(&self, life: &Life) {
        let process = loop {
            // A server that can't read its store at the start is started again.
            if let Ok(process) = self.start(life).await {
                break process;
            }
        };
        let mut others = JoinSet::new();
        if self.scenario.restless {
            others.spawn(restless(self.phones.clone(), self.chance.clone(), self.scenario.phones));
            others.spawn(troubled(self.cameras.clone(), self.chance.clone(), self.scenario));
        }
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(
                process.engine.handle(),
                self.scenario.phones,
                self.chance.clone(),
                self.ledger.clone(),
            ));
        }
        clients.spawn(namer(
            process.engine.handle(),
            self.scenario,
            self.chance.clone(),
            self.ledger.clone(),
        ));
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        if self.scenario.is_calm() {
            // What is sent to a camera and cut off is not sent again, and that is misfortune.
            let Process { engine, sip } = process;
            engine.stop().await;
            sip.stop().await;
        }
    }
}

const CLIENTS: usize = 3;

/// A client: makes its calls one after the other, and forgets what was not answered.
async fn client(handle: Handle, phones: usize, chance: Chance, ledger: Ledger) {
    let take_one =
        || ledger.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    while take_one().is_ok() {
        // Sometimes in quick succession, so that values pile up; sometimes after a while.
        chance.pause(if chance.strikes(3) { 8_000 } else { 60 }).await;
        let request = handle.next_request_id();
        ledger.calls.lock().unwrap().push(request);
        let touched: Vec<usize> = (0..=chance.below(3))
            .map(|_| usize::try_from(chance.below(phones as u64)).unwrap())
            .collect();
        let entries = touched
            .iter()
            .map(|number| UpdateEntry {
                device: Ok(phone_id(*number)),
                clear: false,
                patch: Ok(patch(&chance, &ledger).into()),
                camera: CameraAsked::default(),
            })
            .collect();
        let operation = if chance.strikes(5) { Operation::Restart } else { Operation::Update };
        let (project, door) = (project(), Door::Native);
        let update = Update { request, door, project, kind: None, operation, entries };
        let asked_at = handle.now();
        let Ok(results) = handle.update(&Principal::admin(), update).await else { continue };
        let answered_at = handle.now();
        let mut answered = ledger.answered.lock().unwrap();
        for (phone, result) in touched.into_iter().zip(results) {
            if let Ok(job) = result {
                answered.push(Answered { phone, job, asked_at, answered_at });
            }
        }
    }
}

/// A client that gives cameras names, each of which no other has, and puts on record what else is
/// said of them.
async fn namer(handle: Handle, scenario: Scenario, chance: Chance, ledger: Ledger) {
    let left = &ledger.names_left;
    let take_one =
        || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    while take_one().is_ok() {
        chance.pause(if chance.strikes(3) { 40_000 } else { 2_000 }).await;
        let request = handle.next_request_id();
        ledger.calls.lock().unwrap().push(request);
        let camera = usize::try_from(chance.below(scenario.cameras as u64)).unwrap();
        let number = ledger.values.fetch_add(1, Ordering::SeqCst) + 1;
        let text = format!("东门-{number}-𠮷");
        // One of three a name, one a record of ours, one both.
        let named = (number % 3 != 1).then(|| (camera_checks::NAME.to_owned(), text.clone()));
        let recorded = (!number.is_multiple_of(3)).then(|| (DESCRIPTION.to_owned(), text));
        let values: Values = named.into_iter().chain(recorded).collect();
        let update = Update {
            request,
            door: Door::Native,
            project: project(),
            kind: None,
            operation: Operation::Update,
            entries: vec![UpdateEntry {
                device: Ok(camera_id(camera)),
                clear: false,
                patch: Ok(values.into()),
                camera: CameraAsked::default(),
            }],
        };
        let asked_at = handle.now();
        let Ok(results) = handle.update(&Principal::admin(), update).await else { continue };
        let answered_at = handle.now();
        let mut answered = ledger.answered.lock().unwrap();
        for job in results.into_iter().flatten() {
            // Cameras were recorded after the phones.
            let phone = scenario.phones + camera;
            answered.push(Answered { phone, job, asked_at, answered_at });
        }
    }
}

/// Cameras with which something goes wrong for a while.
async fn troubled(cameras: Cameras, chance: Chance, scenario: Scenario) {
    loop {
        chance.pause(20_000).await;
        let number = usize::try_from(chance.below(scenario.cameras as u64)).unwrap();
        if chance.strikes(3) {
            cameras.restart(number);
        } else {
            cameras.trouble(number);
            chance.pause(30_000).await;
            cameras.set_faults(number, simulator::camera::Faults::default());
        }
    }
}

/// Up to three values, each with a number that no other value has.
fn patch(chance: &Chance, ledger: &Ledger) -> Values {
    let mut patch = Values::new();
    for _ in 0..chance.below(4) {
        let name = NAMES[usize::try_from(chance.below(NAMES.len() as u64)).unwrap()];
        let number = ledger.values.fetch_add(1, Ordering::SeqCst) + 1;
        patch.insert(name.to_owned(), number.to_string());
    }
    patch
}

/// Phones that go off and come back, and restart by themselves.
async fn restless(phones: Phones, chance: Chance, count: usize) {
    loop {
        chance.pause(6_000).await;
        let number = usize::try_from(chance.below(count as u64)).unwrap();
        if chance.strikes(2) {
            phones.restart(number);
        } else {
            phones.set_off(number, true);
            chance.pause(if chance.strikes(4) { 100_000 } else { 3_000 }).await;
            phones.set_off(number, false);
        }
    }
}

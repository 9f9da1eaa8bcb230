//! An engine for tests: its store is in memory, its clock stands still until it is set, and its
//! phones are what each test says of their addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleet::catalogue::{CatalogueCell, LoadError, Source};
use fleet::fault_point::FaultPoints;
use fleet::{
    BootIdentity, Catalogue, Condition, Device, DeviceId, DeviceKey, Facts, Kind, NewDevice,
    Operation, Principal, ProjectId, Revision, Timestamp, Values,
};
use store::seal::MasterKey;
use store::sqlite::Inline;
use store::write::Settle;
use store::{NewSession, Roles, Write};

use super::CatalogueSourceError;
use crate::driver::{Away, Driver, Examination, PowerReport, Report, Target, events};
use crate::{Action, Clock, Engine, Handle, Options, Settings, SystemEntropy};

/// When each test begins.
const BEGAN: Timestamp = Timestamp(1_800_000_000_000);

/// What a phone says its model is.
pub(crate) const MODEL: &str = "Pixel 9";

/// A running engine and what a test holds of it.
pub(crate) struct Stage {
    /// Ends its work when it is dropped.
    pub(crate) engine: Engine,
    pub(crate) handle: Handle,
    pub(crate) phones: Arc<Phones>,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) source: Arc<Files>,
    pub(crate) admin: Principal,
}

impl Stage {
    /// An engine with the projects `p` and `q`.
    pub(crate) async fn new() -> Self {
        Self::with(Catalogue::built_in().unwrap()).await
    }

    /// The same with this catalogue.
    pub(crate) async fn with(catalogue: Catalogue) -> Self {
        // Its time stands still even if that of the engine is set: no lease ends.
        let store = Inline::new(Arc::new(|| BEGAN), FaultPoints::none()).unwrap();
        let stage = Self::node(&store, "stage", catalogue).await;
        for id in ["p", "q"] {
            let made = stage.handle.create_project(
                &stage.admin,
                id.to_owned(),
                Some(project(id)),
                String::new(),
            );
            made.await.unwrap();
        }
        stage
    }

    /// An engine that is the node of this name on a store.
    pub(crate) async fn node(store: &Arc<Inline>, name: &str, catalogue: Catalogue) -> Self {
        // Tests of counting count themselves.
        Self::node_that_counts(store, name, catalogue, Duration::ZERO).await
    }

    /// The same that counts devices so often.
    pub(crate) async fn node_that_counts(
        store: &Arc<Inline>,
        name: &str,
        catalogue: Catalogue,
        count_every: Duration,
    ) -> Self {
        let clock = Arc::new(StillClock(AtomicI64::new(BEGAN.0)));
        let phones = Arc::new(Phones::default());
        let source = Arc::new(Files::default());
        let files = source.clone();
        let engine = Engine::start(Options {
            store: Arc::new(store.node()),
            node: new_node(name),
            wait_for_name: false,
            catalogue: Arc::new(CatalogueCell::new(catalogue)),
            catalogue_source: Arc::new(move |replace: &dyn Fn(Catalogue)| {
                files.load().map(replace)
            }),
            drivers: vec![phones.clone()],
            events: events().1,
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            master_key: MasterKey::from_bytes([7; 32]),
            settings: Settings { sweep_per_second: 0, count_every, ..Settings::default() },
            fault_points: FaultPoints::none(),
        })
        .await
        .unwrap();
        let handle = engine.handle();
        Self { engine, handle, phones, clock, source, admin: Principal::admin() }
    }

    /// Puts a phone on record.
    pub(crate) async fn import(&self, project: &str, id: &str, address: &str, profile: &str) {
        self.handle.import(&self.admin, vec![record(project, id, address, profile)]).await.unwrap();
    }

    /// The record of a device.
    pub(crate) async fn device(&self, project_id: &str, id: &str) -> Device {
        let project = project(project_id);
        self.handle.device(&self.admin, &project, &device_id(id)).await.unwrap().device
    }

    /// Puts the boot on record in which a device was last seen, and nothing else of it.
    pub(crate) async fn seen_in(&self, project_id: &str, id: &str, boot: BootIdentity) {
        let device = self.device(project_id, id).await;
        let shared = &self.handle.shared;
        let settle = Settle {
            fence: shared.ownership.fence(device.key, None).unwrap(),
            device: device.key,
            at: self.clock.now(),
            reported: None,
            boot: Some(boot),
            settled: Revision(0),
            condition: Condition::New,
            since: self.clock.now(),
            trouble: None,
            adopted: false,
            record_at: device.updated_at,
            read: None,
            adoption_done: None,
            desire: Values::default(),
            forget_below: None,
            copy: None,
            power: None,
            restart_pending: None,
            facts: None,
            ended: Vec::new(),
        };
        let write = Write::Settle(Box::new(settle));
        shared.store.write(&Principal::engine(), write).await.unwrap().unwrap();
    }
}

/// What the node of this name says of itself.
fn new_node(name: &str) -> NewSession {
    NewSession {
        node: name.to_owned(),
        // One of its own: of two sessions on the same one, the earlier has ended.
        directory: hex::encode(name),
        instance: String::new(),
        roles: Roles::ALL,
        version: String::new(),
        http: String::new(),
        sip: String::new(),
    }
}

pub(crate) fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

pub(crate) fn device_id(id: &str) -> DeviceId {
    DeviceId::new(id).unwrap()
}

pub(crate) fn boot(number: u32) -> BootIdentity {
    BootIdentity { kernel: "k".to_owned(), init_start: number.to_string() }
}

pub(crate) fn record(project_id: &str, id: &str, address: &str, profile: &str) -> NewDevice {
    NewDevice {
        project: project(project_id),
        kind: Kind::Phone,
        id: device_id(id),
        name: format!("phone {id}"),
        server: "host-1".to_owned(),
        address: address.to_owned(),
        container: format!("box-{id}"),
        profile: profile.to_owned(),
        camera: None,
    }
}

/// A phone that answers, bears this marker and is in this boot.
pub(crate) fn answering(marker: &str, boot: BootIdentity) -> Examination {
    let facts = [(Facts::MODEL, MODEL), (Facts::USER, "2000"), (Facts::RIGHTS, "shell")];
    Examination {
        away: None,
        marker: Some(marker.to_owned()),
        boot: Some(boot),
        facts: Facts(facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        clock_seconds: Some(1_800_000_000),
    }
}

/// A catalogue source whose next catalogue a test chooses.
#[derive(Default)]
pub(crate) struct Files(pub(crate) Mutex<Option<(String, String)>>);

impl Files {
    fn load(&self) -> Result<Catalogue, CatalogueSourceError> {
        let (properties, profiles) = self.0.lock().unwrap().clone().unwrap();
        Ok(catalogue(&properties, &profiles)?)
    }
}

/// The catalogue of these two files.
pub(crate) fn catalogue(properties: &str, profiles: &str) -> Result<Catalogue, LoadError> {
    let properties = Source { name: "properties.toml", text: properties };
    let profiles = Source { name: "profile.toml", text: profiles };
    Catalogue::load(&[properties], &[profiles])
}

/// A clock that moves when a test says so.
pub(crate) struct StillClock(AtomicI64);

impl StillClock {
    pub(crate) fn forward(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Whoever answers, by address. Lanes find nobody where a test does not say what they meet.
#[derive(Default)]
pub(crate) struct Phones {
    at: Mutex<BTreeMap<String, Examination>>,
    met: Mutex<BTreeMap<String, Report>>,
    looking: AtomicUsize,
    /// The most that were looked at at one time.
    pub(crate) looking_max: AtomicUsize,
    /// How often a lane has asked.
    pub(crate) runs: AtomicUsize,
    /// Whom lanes have asked, and how often.
    asked: Mutex<BTreeMap<DeviceKey, usize>>,
}

impl Phones {
    pub(crate) fn put(&self, address: &str, answer: Examination) {
        self.at.lock().unwrap().insert(address.to_owned(), answer);
    }

    /// The devices that lanes have asked.
    pub(crate) fn asked(&self) -> BTreeSet<DeviceKey> {
        self.asked.lock().unwrap().keys().copied().collect()
    }

    /// How often a lane has asked this device.
    pub(crate) fn asked_times(&self, device: DeviceKey) -> usize {
        self.asked.lock().unwrap().get(&device).copied().unwrap_or(0)
    }

    /// What a lane meets at this address from now on.
    pub(crate) fn meet(&self, address: &str, report: Report) {
        self.met.lock().unwrap().insert(address.to_owned(), report);
    }

    pub(crate) fn take(&self, address: &str) {
        self.at.lock().unwrap().remove(address);
    }
}

fn nobody() -> Away {
    Away::Unreachable("connection refused".to_owned())
}

#[async_trait]
impl Driver for Phones {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, _: Action) -> Report {
        *self.asked.lock().unwrap().entry(device.key).or_default() += 1;
        self.runs.fetch_add(1, Ordering::SeqCst);
        let met = self.met.lock().unwrap().get(&device.address).cloned();
        met.unwrap_or_else(|| Report::Away(nobody()))
    }

    async fn power(&self, _: &Device, _: Operation, _: Target<'_>) -> PowerReport {
        PowerReport::Away(nobody())
    }

    async fn examine(&self, device: &Device) -> Examination {
        let looking = self.looking.fetch_add(1, Ordering::SeqCst) + 1;
        self.looking_max.fetch_max(looking, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.looking.fetch_sub(1, Ordering::SeqCst);
        let found = self.at.lock().unwrap().get(&device.address).cloned();
        found.unwrap_or_else(|| Examination { away: Some(nobody()), ..Examination::default() })
    }

    fn watch(&self, _: &Device) {}
}

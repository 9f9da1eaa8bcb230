//! Phones that do what they are told, refuse it, or are off; and engines that speak to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{
    Catalogue, Device, DeviceId, Door, JobId, Kind, NewDevice, Operation, Phase, Plan, Principal,
    ProjectId, Refusal, Rollout, Selector, Timestamp, Values,
};
use store::seal::MasterKey;
use store::sqlite::{Inline, InlineNode};
use store::{JobWithDevice, NewSession, Reads, Roles};
use tokio::time::Instant;

use crate::driver::{
    Away, Driver, Examination, Fault, PowerReport, Reached, Report, Target, events,
};
use crate::operate::stage::{boot, device_id, project};
use crate::{
    Action, Ask, AskTarget, AskedDevice, CameraAsked, CatalogueSourceError, Clock, Engine, Handle,
    Options, Settings, SystemEntropy, Update, UpdateEntry,
};

/// When each test begins.
const BEGAN: Timestamp = Timestamp(1_800_000_000_000);

/// A property that phones keep and show.
pub(crate) const LOCALE: &str = "persist.sys.locale";

/// The wall clock goes as tokio's does.
#[derive(Clone, Copy)]
struct Paced(Instant);

impl Clock for Paced {
    fn now(&self) -> Timestamp {
        BEGAN.plus(self.0.elapsed())
    }
}

/// What outlives engines.
pub(crate) struct World {
    pub(crate) store: Arc<Inline>,
    pub(crate) phones: Arc<Phones>,
    clock: Paced,
    pub(crate) admin: Principal,
}

/// Phones, by id.
#[derive(Default)]
pub(crate) struct Phones {
    values: Mutex<BTreeMap<String, Values>>,
    refusing: Mutex<BTreeSet<String>>,
    off: Mutex<BTreeSet<String>>,
    /// The boots that they are in.
    boots: Mutex<BTreeMap<String, u32>>,
}

impl Phones {
    /// What a phone shows.
    pub(crate) fn value(&self, id: &str, name: &str) -> Option<String> {
        self.values.lock().unwrap().get(id)?.get(name).cloned()
    }

    /// From now on a phone takes nothing.
    pub(crate) fn refuse(&self, number: usize) {
        self.refusing.lock().unwrap().insert(id(number));
    }

    /// A phone goes off, or comes back.
    pub(crate) fn set_off(&self, number: usize, off: bool) {
        let mut all = self.off.lock().unwrap();
        if off {
            all.insert(id(number))
        } else {
            all.remove(&id(number))
        };
    }
}

#[async_trait]
impl Driver for Phones {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        let id = device.id.as_str();
        if self.off.lock().unwrap().contains(id) {
            return Report::Away(Away::Unreachable("connection refused".to_owned()));
        }
        let refuses = self.refusing.lock().unwrap().contains(id);
        let mut all = self.values.lock().unwrap();
        let values = all.entry(id.to_owned()).or_default();
        let booted = self.boots.lock().unwrap().get(id).copied().unwrap_or(1);
        let mut reached = Reached { boot: Some(boot(booted)), ..Reached::default() };
        for (name, value) in &action.set {
            if refuses {
                let fault = Fault::Declined("not on this phone".to_owned());
                reached.faults.insert(name.clone(), fault);
            } else {
                values.insert(name.clone(), value.clone());
            }
        }
        let names = action.set.keys().chain(action.set_after_boot.keys()).chain(&action.read);
        reached.shown = names.map(|name| (name.clone(), values.get(name).cloned())).collect();
        Report::Reached(reached)
    }

    /// It boots, and one that is reset holds nothing any more.
    async fn power(&self, device: &Device, operation: Operation, _: Target<'_>) -> PowerReport {
        let id = device.id.as_str();
        *self.boots.lock().unwrap().entry(id.to_owned()).or_insert(1) += 1;
        if operation == Operation::Reset {
            self.values.lock().unwrap().remove(id);
        }
        PowerReport::Told
    }

    async fn examine(&self, _: &Device) -> Examination {
        Examination::default()
    }

    fn watch(&self, _: &Device) {}
}

/// The id of a phone.
pub(crate) fn id(number: usize) -> String {
    format!("phone-{number:03}")
}

impl World {
    /// A project `p` with so many phones, and an engine that has met them.
    pub(crate) async fn with(phones: usize) -> (Self, Engine) {
        let clock = Paced(Instant::now());
        let store = Inline::new(Arc::new(move || clock.now()), FaultPoints::none()).unwrap();
        let phones_there = Arc::new(Phones::default());
        let world = Self { store, phones: phones_there, clock, admin: Principal::admin() };
        let engine = world.engine("node").await;
        let handle = engine.handle();
        let made =
            handle.create_project(&world.admin, "p".to_owned(), Some(project("p")), String::new());
        made.await.unwrap();
        let record = |number| NewDevice {
            project: project("p"),
            kind: Kind::Phone,
            id: device_id(&id(number)),
            name: id(number),
            server: format!("host-{}", number % 4),
            address: format!("phone:{}", number + 1),
            container: String::new(),
            profile: "simulated".to_owned(),
            camera: None,
        };
        handle.import(&world.admin, (0..phones).map(record).collect()).await.unwrap();
        world.settled().await;
        (world, engine)
    }

    /// A node of this name, in the place of one that had it.
    pub(crate) async fn engine(&self, name: &str) -> Engine {
        self.engine_that_looks(name, Duration::from_millis(500)).await
    }

    /// The same, which looks at rollouts every so often.
    pub(crate) async fn engine_that_looks(&self, name: &str, every: Duration) -> Engine {
        let node = NewSession {
            node: name.to_owned(),
            directory: hex::encode(name),
            instance: String::new(),
            roles: Roles::ALL,
            version: String::new(),
            http: String::new(),
            sip: String::new(),
        };
        let options = Options {
            store: Arc::new(self.store.node()),
            node,
            wait_for_name: false,
            catalogue: Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap())),
            catalogue_source: Arc::new(|_| Err(CatalogueSourceError::Closed)),
            drivers: vec![self.phones.clone()],
            events: events().1,
            clock: Arc::new(self.clock),
            entropy: Arc::new(SystemEntropy),
            master_key: MasterKey::from_bytes([7; 32]),
            settings: Settings { rollouts_every: every, ..Settings::default() },
            fault_points: FaultPoints::none(),
        };
        Engine::start(options).await.unwrap()
    }

    /// The store as whoever looks into it holds it.
    pub(crate) fn reads(&self) -> InlineNode {
        self.store.node()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until no device has work.
    pub(crate) async fn settled(&self) {
        for _ in 0..600 {
            let page = self.reads().devices_with_work(fleet::DeviceKey(0), 1).await.unwrap();
            if page.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("devices have work after ten minutes");
    }

    /// Waits until the rollout stands so, and gives it.
    pub(crate) async fn comes_to(
        &self,
        rollout: &Rollout,
        is_so: impl Fn(&Rollout) -> bool,
    ) -> Rollout {
        let mut last = None;
        for _ in 0..4_000 {
            let now = self.reads().rollout(&self.admin, rollout.id).await.unwrap().unwrap();
            if is_so(&now) {
                return now;
            }
            last = Some(now);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("it never came to it: {last:?}");
    }

    /// Waits until the rollout is in this phase.
    pub(crate) async fn comes_to_be(&self, rollout: &Rollout, phase: Phase) -> Rollout {
        self.comes_to(rollout, |it| it.phase == phase).await
    }

    /// All jobs of an update, over all its waves.
    pub(crate) async fn jobs(&self, rollout: &Rollout) -> Vec<JobWithDevice> {
        let waves = self.reads().waves(&self.admin, rollout.id).await.unwrap();
        let requests: Vec<_> = waves.iter().map(|wave| wave.request).collect();
        self.reads().jobs(&self.admin, &requests, 0, 10_000).await.unwrap()
    }
}

/// Asks for a value of all phones of the project.
pub(crate) fn ask(value: &str, plan: Plan) -> Ask {
    Ask {
        target: AskTarget::Selector(Selector::default()),
        kind: Some(Kind::Phone),
        operation: Operation::Update,
        preset: None,
        patch: Values::from([(LOCALE.to_owned(), value.to_owned())]),
        plan,
    }
}

/// A device that is named, with values of its own.
pub(crate) fn asked(id: DeviceId, values: Values) -> AskedDevice {
    AskedDevice { id, values, variables: Values::new(), if_revision: None }
}

/// An update of some devices at once.
pub(crate) async fn set(
    handle: &Handle,
    ids: impl IntoIterator<Item = String>,
    values: &[(&str, &str)],
) -> (fleet::RequestId, Vec<Result<JobId, Refusal>>) {
    let request = handle.next_request_id();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let values: Values = values.iter().map(owned).collect();
    let entries = ids.into_iter().map(|id| UpdateEntry {
        device: Ok(device_id(&id)),
        clear: false,
        patch: Ok(values.clone().into()),
        camera: CameraAsked::default(),
        if_revision: None,
    });
    let update = Update {
        call: request.into(),
        door: Door::Native,
        project: project("p"),
        kind: None,
        operation: Operation::Update,
        entries: entries.collect(),
    };
    (request, handle.update(&Principal::admin(), update).await.unwrap())
}

/// A project and a device's id, typed.
pub(crate) fn named(number: usize) -> (ProjectId, DeviceId) {
    (project("p"), device_id(&id(number)))
}

//! A server with its store, which outlives it, and the devices around it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cameras::{Cameras, Settings, Sip};
use engine::{
    CameraAsked, CatalogueSourceError, Clock, Driver, Engine, Examination, Handle, SystemEntropy,
    Update, UpdateEntry,
};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{
    Catalogue, Channel, Device, DeviceId, Door, DriftPolicy, End, Failure, JobId, Kind, NewCamera,
    NewDevice, Operation, Principal, ProjectId, ProjectSettings, Proof, Secret, Timestamp, Values,
};
use store::seal::MasterKey;
use store::sqlite::Inline;
use store::{DeviceWithState, NewSession, Roles};
use tokio::time::Instant;

use crate::camera::{Camera, Script};
use crate::network::{Network, SERVER};

pub const IPC: &str = "34020000001320000001";
pub const NVR: &str = "34020000001180000001";

/// The wall clock: follows the runtime's.
#[derive(Clone, Copy)]
pub struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000).plus(self.0.elapsed())
    }
}

/// All of it.
pub struct World {
    pub network: Network,
    pub server: Server,
    store: Arc<Inline>,
    clock: TestClock,
}

/// One life of the server.
pub struct Server {
    pub handle: Handle,
    pub cameras: Arc<Cameras>,
    pub catalogue: Arc<CatalogueCell>,
    pub sip: Option<Sip>,
    _engine: Engine,
}

pub fn project() -> ProjectId {
    ProjectId::new("p").unwrap()
}

pub fn id(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

/// The id of a recorder's channel.
pub fn channel(number: usize) -> String {
    format!("340200000013100{number:05}")
}

/// The property that is its name.
pub fn channel_name(number: usize) -> String {
    format!("Channel.{}.Name", channel(number))
}

impl World {
    /// A server on the simulated network, which knows one project.
    pub async fn new() -> Self {
        let clock = TestClock(Instant::now());
        let store = Inline::new(Arc::new(move || clock.now()), FaultPoints::none()).unwrap();
        let network = Network::default();
        let mut server = serve(&store, clock).await;
        let wire = network.server();
        let cameras = server.cameras.clone();
        server.sip = Some(cameras.run_with(wire, server.handle.clone()).await.unwrap());
        create_project(&server).await;
        Self { network, server, store, clock }
    }

    /// Kills the server and starts another over the same store.
    pub async fn restart(&mut self) {
        self.server.sip = None;
        let mut server = serve(&self.store, self.clock).await;
        let wire = self.network.server();
        let cameras = server.cameras.clone();
        server.sip = Some(cameras.run_with(wire, server.handle.clone()).await.unwrap());
        self.server = server;
    }

    /// Puts a device on record and on the network, not registered yet.
    pub async fn camera(&self, camera_id: &str, profile: &str, script: Script) -> Camera {
        import(&self.server, camera_id, profile).await;
        let last = u8::try_from(camera_id.bytes().map(usize::from).sum::<usize>() % 200).unwrap();
        let address = SocketAddr::from(([192, 0, 2, last], 5060));
        let inbox = self.network.device(address);
        let network = self.network.clone();
        let send = Arc::new(move |bytes| network.to_server(address, bytes));
        Camera::start(camera_id, script, address, SERVER.parse().unwrap(), inbox, send)
    }
}

/// Starts an engine with its driver over a store.
pub async fn serve(store: &Arc<Inline>, clock: TestClock) -> Server {
    let (events, inbox) = engine::driver::events();
    let catalogue = Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap()));
    let entropy = Arc::new(SystemEntropy);
    let cameras = Cameras::new(cameras::Options {
        catalogue: catalogue.clone(),
        settings: Settings::default(),
        events,
        entropy: entropy.clone(),
        clock: Arc::new(clock),
        fault_points: FaultPoints::none(),
    });
    let engine = Engine::start(engine::Options {
        store: Arc::new(store.node()),
        catalogue: catalogue.clone(),
        catalogue_source: Arc::new(|_| Err(CatalogueSourceError::Closed)),
        drivers: vec![cameras.clone()],
        events: inbox,
        clock: Arc::new(clock),
        entropy,
        master_key: MasterKey::from_bytes([7; 32]),
        settings: engine::Settings { sweep_per_second: 1, ..engine::Settings::default() },
        fault_points: FaultPoints::none(),
        node: NewSession {
            node: "node".to_owned(),
            directory: "0".repeat(32),
            instance: String::new(),
            roles: Roles::ALL,
            version: "0".to_owned(),
            http: String::new(),
            sip: String::new(),
        },
        wait_for_name: false,
    })
    .await
    .unwrap();
    Server { handle: engine.handle(), cameras, catalogue, sip: None, _engine: engine }
}

/// A server on real sockets, which knows one project.
pub async fn serve_sockets() -> Server {
    let clock = TestClock(Instant::now());
    let store = Inline::new(Arc::new(move || clock.now()), FaultPoints::none()).unwrap();
    let mut server = serve(&store, clock).await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let cameras = server.cameras.clone();
    server.sip = Some(cameras.listen(server.handle.clone(), listen).await.unwrap());
    create_project(&server).await;
    server
}

async fn create_project(server: &Server) {
    let admin = Principal::admin();
    let named = Some(project());
    server.handle.create_project(&admin, "p".to_owned(), named, String::new()).await.unwrap();
}

/// Puts a device on record.
pub async fn import(server: &Server, camera_id: &str, profile: &str) {
    let device = NewDevice {
        project: project(),
        kind: Kind::Camera,
        id: id(camera_id),
        name: "ours".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: profile.to_owned(),
        camera: Some(NewCamera {
            password: Some(Secret::new("12345678".to_owned())),
            ..NewCamera::default()
        }),
    };
    server.handle.import(&Principal::admin(), vec![device]).await.unwrap();
}

impl Server {
    /// A device with its state.
    pub async fn found(&self, camera_id: &str) -> DeviceWithState {
        let (reads, admin) = (self.handle.reads(), Principal::admin());
        let found = reads.device(&admin, Some(&project()), &id(camera_id)).await.unwrap();
        found.into_iter().next().unwrap()
    }

    /// The record of a device.
    pub async fn device(&self, camera_id: &str) -> Device {
        self.found(camera_id).await.device
    }

    /// What the device last showed of a property.
    pub async fn reported(&self, camera_id: &str, name: &str) -> Option<String> {
        let found = self.found(camera_id).await;
        found.state.reported.values.get(name).and_then(|shown| shown.value.clone())
    }

    /// A fact of a device.
    pub async fn fact(&self, camera_id: &str, name: &str) -> Option<String> {
        let found = self.found(camera_id).await;
        found.state.facts.get(name).map(str::to_owned)
    }

    /// The device's channels.
    pub async fn channels(&self, camera_id: &str) -> Vec<Channel> {
        let key = self.device(camera_id).await.key;
        self.handle.reads().channels(&Principal::admin(), key, "", 1_000).await.unwrap()
    }

    /// Waits until the device was asked what it is since it registered.
    pub async fn surveyed(&self, camera_id: &str) {
        let key = self.device(camera_id).await.key;
        until("the device is surveyed", async || {
            let Some(binding) = self.cameras.line().binding(key) else { return false };
            let camera = self.handle.camera(key).await.unwrap().unwrap();
            camera.surveyed_at.is_some_and(|at| at >= binding.registered_at)
                && !self.handle.is_running(key)
        })
        .await;
    }

    /// Waits until the device is registered, or until it is not.
    pub async fn registered(&self, camera_id: &str, expected: bool) {
        let key = self.device(camera_id).await.key;
        until("the device registers or goes", async || {
            let binding = self.cameras.line().binding(key);
            binding.is_some_and(|binding| binding.is_live(self.handle.now())) == expected
        })
        .await;
    }

    /// Asks for values.
    pub async fn update(&self, camera_id: &str, values: &[(&str, &str)]) -> JobId {
        let values: Values =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let update = Update {
            call: self.handle.new_call(),
            door: Door::Native,
            project: project(),
            kind: None,
            operation: Operation::Update,
            entries: vec![UpdateEntry {
                device: Ok(id(camera_id)),
                clear: false,
                patch: Ok(values.into()),
                camera: CameraAsked::default(),
                if_revision: None,
            }],
        };
        let results = self.handle.update(&Principal::admin(), update).await.unwrap();
        *results[0].as_ref().unwrap()
    }

    /// How a job ended, if it has.
    pub async fn end(&self, job: JobId) -> Option<End> {
        let found = self.handle.reads().job(&Principal::admin(), job).await.unwrap().unwrap();
        found.job.end.map(|ended| ended.end)
    }

    /// Waits for a job's end.
    pub async fn ended(&self, job: JobId) -> End {
        until("the job ends", async || self.end(job).await.is_some()).await;
        self.end(job).await.unwrap()
    }

    /// Asks for values and waits for the end.
    pub async fn set(&self, camera_id: &str, values: &[(&str, &str)]) -> End {
        let job = self.update(camera_id, values).await;
        self.ended(job).await
    }

    /// What stands in the way of working on the device.
    pub async fn trouble(&self, camera_id: &str) -> Option<String> {
        let found = self.found(camera_id).await;
        found.state.trouble
    }

    /// Looks at the device.
    pub async fn examine(&self, camera_id: &str) -> Examination {
        self.cameras.examine(&self.device(camera_id).await).await
    }

    /// Makes the project repair drift.
    pub async fn repair(&self) {
        let admin = Principal::admin();
        let settings = ProjectSettings { drift: DriftPolicy::Repair, ..Default::default() };
        self.handle.set_project(&admin, &project(), settings).await.unwrap();
    }
}

pub fn verified() -> End {
    End::Succeeded { proof: Proof::Verified }
}

pub fn acknowledged() -> End {
    End::Succeeded { proof: Proof::Acknowledged }
}

/// The words in which a device refused `name`.
pub fn refused(end: &End, name: &str) -> String {
    match end {
        End::Failed { failure: Failure::Refused { name: found, detail } } if found == name => {
            detail.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// Waits for a condition, for at most half an hour of the paused clock.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(1_800);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets time pass.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

//! A server: database, engine, SIP. It can be stopped and started, and can die.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cameras::{Cameras, Settings, Sip};
use engine::operate::CatalogueSource;
use engine::{
    CameraAsked, Clock, Credentials, Engine, Handle, Patch, SystemClock, SystemEntropy, Update,
    UpdateEntry,
};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{
    Catalogue, DeviceId, Door, Kind, NewCamera, NewDevice, Operation, Principal, ProjectId, Secret,
};
use store::seal::MasterKey;
use store::sqlite::{self, Sqlite};
use store::{NewSession, Roles, StoredBinding};

/// No wait of a test takes longer.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "12345678";

pub struct Server {
    pub handle: Handle,
    pub cameras: Arc<Cameras>,
    pub sip: Sip,
    engine: Engine,
}

/// The id of a device by number.
pub fn id(number: usize) -> String {
    format!("340200000013{number:08}")
}

/// A port that is free for both transports, also while one server stops and another starts: the
/// kernel takes the ports of outgoing connections from above these, and tests that run side by side
/// have processes of different numbers.
fn free_port() -> u16 {
    let first = u16::try_from(std::process::id().wrapping_mul(8) % 9_000).unwrap();
    let free = |port: &u16| {
        UdpSocket::bind(("127.0.0.1", *port)).is_ok()
            && TcpListener::bind(("127.0.0.1", *port)).is_ok()
    };
    (11_000 + first..32_768).find(free).expect("a free port")
}

impl Server {
    /// Starts one on what is in the directory.
    pub async fn start(directory: &Path, settings: Settings, listen: &str) -> Self {
        let mut options = sqlite::Options::new(directory.join("db"), SystemClock.now());
        options.disk_free_min_bytes = 0;
        let catalogue = Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap()));
        let (sender, events) = engine::driver::events();
        let cameras = Cameras::new(cameras::Options {
            catalogue: catalogue.clone(),
            settings,
            events: sender,
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(SystemClock),
            fault_points: FaultPoints::none(),
        });
        let catalogue_source: CatalogueSource = Arc::new(|_| Ok(()));
        let engine = Engine::start(engine::Options {
            store: Arc::new(Sqlite::open(options).unwrap()),
            catalogue,
            catalogue_source,
            drivers: vec![cameras.clone()],
            events,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            master_key: MasterKey::from_bytes([7; 32]),
            settings: engine::Settings { sweep_per_second: 0, ..engine::Settings::default() },
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
        let handle = engine.handle();
        let sip = cameras.listen(handle.clone(), listen.parse().unwrap()).await.unwrap();
        Self { handle, cameras, sip, engine }
    }

    /// Starts one on an empty directory, with so many cameras on record.
    pub async fn with_cameras(directory: &Path, settings: Settings, cameras: usize) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let server = Self::start(directory, settings, &listen).await;
        let admin = Principal::admin();
        let project = project();
        let named = Some(project.clone());
        server.handle.create_project(&admin, "P".to_owned(), named, String::new()).await.unwrap();
        let records: Vec<_> = (1..=cameras).map(|number| record(&project, number)).collect();
        for records in records.chunks(fleet::limits::DEVICES_PER_IMPORT_MAX) {
            server.handle.import(&admin, records.to_vec()).await.unwrap();
        }
        server
    }

    /// Gives a device another password; the one before works for `overlap` yet.
    pub async fn set_password(&self, number: usize, password: &str, overlap: Duration) {
        let credentials = Credentials {
            user: None,
            password: Some(Secret::new(password.to_owned())),
            overlap: Some(overlap),
        };
        let entry = UpdateEntry {
            device: Ok(DeviceId::new(id(number)).unwrap()),
            clear: false,
            patch: Ok(Patch::default()),
            camera: CameraAsked { credentials, ..CameraAsked::default() },
            if_revision: None,
        };
        let update = Update {
            call: self.handle.new_call(),
            door: Door::Native,
            project: project(),
            kind: None,
            operation: Operation::Update,
            entries: vec![entry],
        };
        let results = self.handle.update(&Principal::admin(), update).await.unwrap();
        results[0].as_ref().unwrap();
    }

    /// Deletes a device.
    pub async fn delete(&self, number: usize) {
        let id = DeviceId::new(id(number)).unwrap();
        self.handle.delete_device(&Principal::admin(), &project(), &id).await.unwrap();
    }

    pub fn address(&self) -> SocketAddr {
        self.sip.address()
    }

    /// Stops it in good order.
    pub async fn stop(self) {
        self.sip.stop().await;
        drop((self.handle, self.cameras));
        self.engine.stop().await;
    }

    /// Ends it as a crash would, as far as that can be had in one process.
    pub async fn die(self) {
        let Self { sip, engine, .. } = self;
        drop(sip);
        engine.stop().await;
    }

    /// What the store has of live bindings.
    pub async fn stored(&self) -> Vec<StoredBinding> {
        let mut found = Vec::new();
        let mut after = fleet::DeviceKey(0);
        loop {
            let page = self.handle.bindings(after, 1_000).await.unwrap();
            let Some(last) = page.last() else { return found };
            after = last.binding.device;
            found.extend(page);
        }
    }
}

fn project() -> ProjectId {
    ProjectId::new("p").unwrap()
}

fn record(project: &ProjectId, number: usize) -> NewDevice {
    let camera =
        NewCamera { password: Some(Secret::new(PASSWORD.to_owned())), ..NewCamera::default() };
    NewDevice {
        project: project.clone(),
        kind: Kind::Camera,
        id: DeviceId::new(id(number)).unwrap(),
        name: format!("camera {number}"),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: "generic".to_owned(),
        camera: Some(camera),
    }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

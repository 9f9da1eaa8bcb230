//! A server in the test's own process: doors on a socket, an engine, a store in memory, phones and
//! cameras that do as they are told, a clock that the test moves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use api::iss::SipServer;
use api::listener::{self, Listener};
use api::native::{AdminToken, OperatorFiles};
use api::router::{self, router};
use engine::driver::EventSender;
use engine::events::Events;
use engine::operate::CatalogueSource;
use engine::{Clock, Engine, Entropy, Handle, Settings};
use fleet::catalogue::{CatalogueCell, Source};
use fleet::fault_point::FaultPoints;
use fleet::{Catalogue, DeviceId, Kind, NewDevice, Principal, ProjectId, Secret, Timestamp};
use store::seal::MasterKey;
use store::sqlite::Inline;
use store::{NewSession, Roles};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cameras::Cameras;
use crate::phones::Phones;

/// The time at which every test begins.
pub const START: &str = "20261121T120000Z";
/// The project of [`KEY`], and one that is somebody else's.
pub const PROJECT: &str = "0123456789abcdef0123456789abcdef";
pub const FOREIGN: &str = "ffffffffffffffffffffffffffffffff";
/// The keys of the two projects.
pub const KEY: (&str, &str) = ("AKTESTVECTOR00000001", "sk/Test+Vector/0123456789abcdefghijklmnop");
pub const FOREIGN_KEY: (&str, &str) =
    ("AKTESTVECTOR00000002", "another/secret/of+forty/characters+long");
/// What opens the native door.
pub const TOKEN: &str = "the-admin-token-of-this-test";
/// The phones of the project: those of the vendor's sample and two more; the last has a profile
/// that can't set `ro.*`.
pub const PHONES: [&str; 4] = [
    "a7f3a1c5258347d6b6f1def79e11f2bc",
    "1678567b8bab40f93711234cb80d0764",
    "00000000000000000000000000000003",
    "00000000000000000000000000000004",
];
/// A phone of the foreign project.
pub const FOREIGN_PHONE: &str = "f0000000000000000000000000000001";
/// No wait of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server.
pub struct Site {
    pub address: SocketAddr,
    pub handle: Handle,
    pub phones: Arc<Phones>,
    pub cameras: Arc<Cameras>,
    /// What drivers tell the engine by.
    pub events: EventSender,
    pub clock: Arc<TestClock>,
    engine: Option<Engine>,
    shutdown: CancellationToken,
    _listening: JoinHandle<listener::Drained>,
    /// The server's own files.
    directory: TempDir,
}

/// A clock that goes only when it is told to.
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Bytes that never repeat.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (byte, value) in bytes.iter_mut().zip(count.to_be_bytes().iter().cycle()) {
            *byte = *value;
        }
    }
}

impl Site {
    /// Starts one, with both projects, their keys and their phones.
    pub async fn start() -> Self {
        let site = Self::empty().await;
        let admin = Principal::admin();
        for (project, (ak, sk)) in [(PROJECT, KEY), (FOREIGN, FOREIGN_KEY)] {
            let id = ProjectId::new(project).unwrap();
            site.handle
                .create_project(&admin, "a project".to_owned(), Some(id.clone()), String::new())
                .await
                .unwrap();
            let given = Some((ak.to_owned(), Secret::new(sk.to_owned())));
            site.handle.create_key(&admin, Some(&id), given, false).await.unwrap();
        }
        let mut records: Vec<_> =
            PHONES.iter().map(|id| record(PROJECT, id, "simulated")).collect();
        records[3].profile = "android".to_owned();
        records.push(record(FOREIGN, FOREIGN_PHONE, "simulated"));
        site.handle.import(&admin, records).await.unwrap();
        for id in PHONES {
            site.until("a phone to be met", async || site.device(id).await.adopted).await;
        }
        site
    }

    /// Starts one without anything in it.
    pub async fn empty() -> Self {
        let start = Timestamp::from_basic_text(START).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(start.0)));
        let phones = Arc::new(Phones::default());
        let cameras = Arc::new(Cameras::default());
        let directory = tempfile::tempdir().unwrap();
        let catalogue = Arc::new(CatalogueCell::new(Catalogue::built_in().unwrap()));
        let (sender, events) = engine::driver::events();
        let settings = Settings { action_timeout: Duration::from_secs(5), ..Settings::default() };
        // Its own time stands still: a test that moves the clock is no node that has died.
        let store = Inline::new(Arc::new(move || start), FaultPoints::none()).unwrap();
        let engine = Engine::start(engine::Options {
            store: Arc::new(store.node()),
            catalogue,
            catalogue_source: source(directory.path().join("own.toml")),
            drivers: vec![phones.clone(), cameras.clone()],
            events,
            clock: clock.clone(),
            entropy: Arc::new(Counting(AtomicU64::new(1))),
            master_key: MasterKey::from_bytes([7; 32]),
            settings,
            fault_points: FaultPoints::none(),
            node: NewSession {
                node: "node-1".to_owned(),
                directory: "0".repeat(32),
                instance: String::new(),
                roles: Roles::ALL,
                version: "0.0".to_owned(),
                http: "127.0.0.1:8080".to_owned(),
                sip: String::new(),
            },
            wait_for_name: false,
        })
        .await
        .unwrap();
        let router = router(router::Options {
            handle: engine.handle(),
            events: Events::new(&engine.handle()),
            admin_token: AdminToken::new(TOKEN),
            metrics_render: Arc::new(|| "fleetwright_test 1\n".to_owned()),
            operator_files: OperatorFiles {
                backups: directory.path().join("backups"),
                catalogue: Arc::new(|| vec!["own.toml".to_owned()]),
            },
            public_hosts: vec!["cph.example.com".to_owned()],
            trusted_proxies: Vec::new(),
            sip_servers: Arc::new(sip_servers),
        });
        let options = listener::Options::new("127.0.0.1:0".parse().unwrap());
        let listener = Listener::bind(options).await.unwrap();
        let (address, shutdown) = (listener.local_addr(), CancellationToken::new());
        Self {
            address,
            handle: engine.handle(),
            phones,
            cameras,
            events: sender,
            clock,
            engine: Some(engine),
            _listening: tokio::spawn(listener.run(router, shutdown.clone())),
            shutdown,
            directory,
        }
    }

    /// Waits until the condition holds.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("waited in vain for {what}"));
    }

    /// The state of one of the project's phones.
    pub async fn device(&self, id: &str) -> fleet::DeviceState {
        let id = DeviceId::new(id).unwrap();
        let project = ProjectId::new(PROJECT).unwrap();
        let reads = self.handle.reads();
        let found = reads.device(&Principal::admin(), Some(&project), &id).await.unwrap();
        found.into_iter().next().unwrap().state
    }

    /// Everything that a call could change: each phone's revision and what is asked of it.
    pub async fn fingerprint(&self) -> Vec<(i64, fleet::Desired)> {
        let mut all = Vec::new();
        for id in PHONES {
            let state = self.device(id).await;
            all.push((state.revision.0, state.desired));
        }
        all
    }

    /// The server's own files.
    pub fn files(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Ends the engine, after which the doors answer on without it.
    pub async fn stop_engine(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The catalogue of the product, with the properties of this file if there is one.
fn source(own: PathBuf) -> CatalogueSource {
    Arc::new(move |replace| {
        let text = std::fs::read_to_string(&own).unwrap_or_default();
        replace(Catalogue::with(&[Source { name: "own.toml", text: &text }], &[])?);
        Ok(())
    })
}

/// Where cameras register.
fn sip_servers() -> Vec<SipServer> {
    vec![SipServer {
        id: "34020000002000000001".to_owned(),
        domain: "3402000000".to_owned(),
        host: "192.0.2.1".to_owned(),
        port: 5060,
        timeout_seconds: 180,
    }]
}

/// A phone's record.
fn record(project: &str, id: &str, profile: &str) -> NewDevice {
    NewDevice {
        project: ProjectId::new(project).unwrap(),
        kind: Kind::Phone,
        id: DeviceId::new(id).unwrap(),
        name: format!("phone {}", &id[..4]),
        server: "server-1".to_owned(),
        address: "127.0.0.1:5555".to_owned(),
        container: String::new(),
        profile: profile.to_owned(),
        camera: None,
    }
}

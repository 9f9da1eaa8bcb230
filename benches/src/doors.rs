//! The doors in this process, on a real engine and store, with or without the check of signatures.
//!
//! Nothing of the program can leave the check out, so what it costs is measured here: both sides
//! are put together alike, on a runtime of their own beside the load's, and differ in the check
//! alone. Their drivers find nobody, at no cost.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use api::listener::{self, Listener};
use api::native::{AdminToken, OperatorFiles};
use async_trait::async_trait;
use engine::{
    Action, Away, Clock as _, Driver, Engine, Entropy as _, Examination, Handle, PowerReport,
    Report, SystemClock, SystemEntropy, Target,
};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use fleet::{
    Catalogue, Device, DeviceId, Kind, NewCamera, NewDevice, Operation, Principal, ProjectId,
    RecordPatch, Secret,
};
use store::seal::MasterKey;
use store::sqlite::{self, Sqlite};
use store::{NewSession, Roles};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::cameras;
use crate::requests::Signer;

/// The project that everything happens in.
const PROJECT: &str = "bench";

/// The access key, and what opens the native API.
const AK: &str = "AKOFTHEBENCHMARKS000";
const SK: &str = "skOfTheBenchmarksWhichOpensNothingElse00";
const TOKEN: &str = "the-token-of-the-benchmarks";

/// Devices that one import takes.
const IMPORT: usize = fleet::limits::DEVICES_PER_IMPORT_MAX;

/// Whether signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// As the program does.
    Signed,
    /// Whoever asks is taken for the holder of the access key.
    Unsigned,
}

/// Doors that answer. [`Doors::stop`] ends them in order.
pub struct Doors {
    /// What all of it runs on; `None` once it is ended.
    runtime: Option<Runtime>,
    running: Running,
    address: SocketAddr,
    signer: Signer,
    /// The ids of the devices, in the order in which they were imported.
    ids: Vec<String>,
    /// The data.
    _scratch: TempDir,
}

/// What runs.
struct Running {
    engine: Option<Engine>,
    store: Arc<Sqlite>,
    shutdown: CancellationToken,
}

impl Doors {
    /// Starts doors with fresh data below `dir`, and so many devices of a kind on record.
    pub async fn start(dir: &Path, check: Check, kind: Kind, devices: u32) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("benches-doors-").tempdir_in(dir);
        let scratch = scratch.context("could not make a directory for the doors")?;
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("could not start a runtime")?;
        let starting = start(scratch.path().to_owned(), check, kind, devices);
        let started = runtime.spawn(starting).await;
        let started = started.context("the doors' start ended").flatten();
        let (running, address, ids) = match started {
            Ok(started) => started,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let signer = Signer::new(address, PROJECT, AK, SK);
        let signer = if check == Check::Signed { signer } else { signer.unsigned() };
        Ok(Self { runtime: Some(runtime), running, address, signer, ids, _scratch: scratch })
    }

    /// Where they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes requests as they are taken: signed, or not.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What opens the native API: its token is checked on both sides.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The ids of the devices.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Ends everything, and closes the store.
    pub async fn stop(mut self) -> Result<()> {
        self.running.shutdown.cancel();
        if let Some(engine) = self.running.engine.take() {
            engine.stop().await;
        }
        let store = self.running.store.clone();
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed.context("the store's closing ended")
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        // Not by waiting: this may be a thread of the load's runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Puts it all together; gives what runs, where it listens and the devices' ids.
async fn start(
    data: std::path::PathBuf,
    check: Check,
    kind: Kind,
    devices: u32,
) -> Result<(Running, SocketAddr, Vec<String>)> {
    let store = Sqlite::open(sqlite::Options::new(data.join("fleetwright.db"), SystemClock.now()));
    let store = Arc::new(store.context("could not open a database")?);
    let engine = engine(store.clone(), kind).await?;
    let handle = engine.handle();
    let (admin, id) = (Principal::admin(), ProjectId::new(PROJECT)?);
    let project =
        handle.create_project(&admin, PROJECT.to_owned(), Some(id.clone()), String::new());
    let project = project.await?;
    let given = Some((AK.to_owned(), Secret::new(SK.to_owned())));
    handle.create_key(&admin, Some(&id), given, false).await?;
    let ids = import(&handle, &id, kind, devices).await?;

    let router = api::router::router(api::router::Options {
        events: engine::events::Events::new(&handle),
        handle,
        admin_token: AdminToken::new(TOKEN),
        metrics_render: Arc::new(String::new),
        operator_files: OperatorFiles {
            backups: data.join("backups"),
            catalogue: Arc::new(Vec::new),
        },
        public_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        sip_servers: Arc::new(Vec::new),
    });
    let router = match check {
        Check::Signed => router,
        Check::Unsigned => api::unsigned::router(router, Principal::client(project.key, AK), id),
    };
    let listener = Listener::bind(listener::Options::new(([127, 0, 0, 1], 0).into())).await?;
    let (address, shutdown) = (listener.local_addr(), CancellationToken::new());
    tokio::spawn(listener.run(router, shutdown.clone()));
    Ok((Running { engine: Some(engine), store, shutdown }, address, ids))
}

/// An engine as the program starts it, but for the driver.
async fn engine(store: Arc<Sqlite>, kind: Kind) -> Result<Engine> {
    let mut key = [0; 32];
    SystemEntropy.fill(&mut key);
    let (_, events) = engine::driver::events();
    let options = engine::Options {
        store,
        catalogue: Arc::new(CatalogueCell::new(Catalogue::built_in()?)),
        catalogue_source: Arc::new(|take| {
            take(Catalogue::built_in()?);
            Ok(())
        }),
        drivers: vec![Arc::new(Nobody(kind))],
        events,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        master_key: MasterKey::from_bytes(key),
        settings: engine::Settings::default(),
        fault_points: FaultPoints::none(),
        node: NewSession {
            node: "bench".to_owned(),
            directory: "0".repeat(32),
            instance: String::new(),
            roles: Roles::ALL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            http: String::new(),
            sip: String::new(),
        },
        wait_for_name: false,
    };
    Engine::start(options).await.context("could not start an engine")
}

/// Puts devices on record; gives their ids.
async fn import(
    handle: &Handle,
    project: &ProjectId,
    kind: Kind,
    devices: u32,
) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut records = Vec::new();
    for number in 0..devices {
        let record = record(project, kind, number)?;
        ids.push(record.id.as_str().to_owned());
        records.push(record);
        if records.len() == IMPORT || number + 1 == devices {
            handle.import(&Principal::admin(), std::mem::take(&mut records)).await?;
        }
    }
    Ok(ids)
}

/// What is on record of one device.
fn record(project: &ProjectId, kind: Kind, number: u32) -> Result<NewDevice> {
    let text = |phone: &str| if kind == Kind::Phone { phone.to_owned() } else { String::new() };
    let id = match kind {
        Kind::Phone => format!("{number:032x}"),
        Kind::Camera => cameras::id(number),
    };
    let camera = (kind == Kind::Camera).then(|| NewCamera {
        user: None,
        password: Some(Secret::new(cameras::PASSWORD.to_owned())),
        channels: Vec::new(),
        record: RecordPatch::default(),
    });
    Ok(NewDevice {
        project: project.clone(),
        kind,
        id: DeviceId::new(id)?,
        name: format!("device-{number}"),
        server: text(&format!("server-{}", number / 60)),
        address: text("127.0.0.1:1"),
        container: String::new(),
        profile: text("simulated"),
        camera,
    })
}

/// Finds nobody, at once.
struct Nobody(Kind);

impl Nobody {
    fn away(&self) -> Away {
        match self.0 {
            Kind::Phone => Away::Unreachable("nobody is there".to_owned()),
            Kind::Camera => Away::NotRegistered("it never was".to_owned()),
        }
    }
}

#[async_trait]
impl Driver for Nobody {
    fn kind(&self) -> Kind {
        self.0
    }

    async fn run(&self, _: &Device, _: Action) -> Report {
        Report::Away(self.away())
    }

    async fn power(&self, _: &Device, _: Operation, _: Target<'_>) -> PowerReport {
        PowerReport::Away(self.away())
    }

    async fn examine(&self, _: &Device) -> Examination {
        Examination { away: Some(self.away()), ..Examination::default() }
    }

    fn watch(&self, _: &Device) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asking::{self, Standing};
    use crate::load::{Answered, Connection, Said};
    use crate::requests::{Asks, Updates};

    /// The status of an update of three devices that `signer` has made, and what was said.
    async fn update(doors: &Doors, signer: &Signer, asks: Asks) -> (u16, Said) {
        let updates = Updates { asks, devices: doors.ids(), per_request: 3, first: 0, count: 1 };
        let request = signer.updates(updates).unwrap().pop().unwrap();
        let mut connection = Connection::open(doors.address()).await.unwrap();
        let answer = connection.exchange(&request).await.unwrap();
        (answer.status, Said::of(answer.body))
    }

    /// Asks something of the doors as they want it asked, and looks up how the jobs stand.
    async fn taken(doors: &Doors, asks: Asks) -> Standing {
        let (status, said) = update(doors, doors.signer(), asks).await;
        assert_eq!((status, said.jobs, said.refuses), (200, 3, false), "{asks:?}");
        let answered = Answered { number: 0, request: said.request.unwrap(), jobs: said.jobs };
        asking::updates(doors.address(), doors.token(), &[answered]).await.unwrap()
    }

    #[tokio::test]
    async fn only_unsigned_doors_take_what_is_not_signed() {
        let calls = [
            (Kind::Phone, Asks::Properties, 401, 3),
            (Kind::Camera, Asks::Records, 403, 0),
            (Kind::Camera, Asks::RecordsAndName, 403, 3),
        ];
        for (kind, asks, refused, open) in calls {
            let expected = Standing { jobs: 3, open, failed: 0 };
            let dir = tempfile::tempdir().unwrap();
            let signed = Doors::start(dir.path(), Check::Signed, kind, 3).await.unwrap();
            assert_eq!(taken(&signed, asks).await, expected, "{asks:?}");
            let unsigned = signed.signer().clone().unsigned();
            let (status, said) = update(&signed, &unsigned, asks).await;
            assert_eq!((status, said.jobs), (refused, 0), "{asks:?}");
            signed.stop().await.unwrap();

            let unsigned = Doors::start(dir.path(), Check::Unsigned, kind, 3).await.unwrap();
            assert_eq!(taken(&unsigned, asks).await, expected, "{asks:?}");
            unsigned.stop().await.unwrap();
        }
    }
}

//! The one place that puts the product together: store, driver, engine, doors, listener.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::iss::{SipServer, SipServers};
use api::listener::{self, Drained, Listener, ProxyError};
use api::native::OperatorFiles;
use api::tls::Reloading;
use cameras::{AdvertiseError, Cameras, Sip};
use engine::{Clock, Engine, Entropy, Handle, SystemClock, SystemEntropy};
use fleet::Principal;
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use phones::Phones;
use phones::adb::HostKey;
use store::sqlite::{self, DirectoryLock, Sqlite};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::catalogue_files::CatalogueFiles;
use crate::config::Config;
use crate::data_dir::DataDir;

/// How often the histograms are condensed. Without it they grow until somebody reads them.
const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The upper ends, in seconds, of what durations are sorted into: from a commit to a time-out.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What a server is put together from.
pub struct Options {
    /// What the operator has set.
    pub config: Config,
    /// Where a test may stop the process.
    pub fault_points: FaultPoints,
    /// Bytes of the disk that must be free before anything is added.
    pub disk_free_min_bytes: u64,
}

impl Options {
    /// By this configuration. Errors: a fault point that is none, in a build that has them.
    pub fn new(config: Config) -> Result<Self> {
        #[cfg(feature = "fault-points")]
        let fault_points = crate::fault_points::from_environment()?;
        #[cfg(not(feature = "fault-points"))]
        let fault_points = FaultPoints::none();
        let disk_free_min_bytes = sqlite::Options::DISK_FREE_MIN_BYTES;
        Ok(Self { config, fault_points, disk_free_min_bytes })
    }
}

/// A server that answers. Dropping it ends everything at once; [`Server::stop`] ends it in order.
pub struct Server {
    address: SocketAddr,
    engine: Engine,
    phones: Arc<Phones>,
    /// Where cameras register, if they may.
    sip: Option<Sip>,
    store: Arc<Sqlite>,
    certificate: Option<Arc<Reloading>>,
    shutdown: CancellationToken,
    listening: JoinHandle<Drained>,
    upkeep: JoinHandle<()>,
    /// The data directory's own lock, where the database lies elsewhere.
    _lock: Option<DirectoryLock>,
}

impl Server {
    /// Starts everything; when this returns, the address answers.
    pub async fn start(options: Options) -> Result<Self> {
        let Options { config, fault_points, disk_free_min_bytes } = options;
        let (listener, certificate) = listen(&config).await?;
        // Before anything is made: a server that does not start for it leaves nothing behind.
        let catalogue_files = CatalogueFiles::new(&config.data);
        let catalogue =
            catalogue_files.load(|loaded| loaded).context("the catalogue can't be loaded")?;
        let clock = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);

        let data = DataDir::open(&config.data)?;
        let database = config.database();
        // The keys before what they seal: a first start that ends between the two can be repeated.
        let master_key = data.master_key(!database.exists(), &*entropy)?;
        let admin_token = data.admin_token(&*entropy)?;
        let host_key = data.host_key(&master_key, &*entropy, HostKey::generate)?;
        data.publish_host_key(&host_key)?;
        let host_key = Arc::new(host_key);
        let lock = lock_apart(&config.data, &database)?;
        let store = Arc::new(Sqlite::open(sqlite::Options {
            faults: fault_points.clone(),
            disk_free_min_bytes,
            ..sqlite::Options::new(&database, clock.now())
        })?);

        let catalogue = Arc::new(CatalogueCell::new(catalogue));
        let (sender, events) = engine::driver::events();
        let mut driver = phones::Options::new(entropy.clone());
        driver.fault_points = fault_points.clone();
        let phones = Arc::new(Phones::new(host_key, catalogue.clone(), sender.clone(), driver));
        let cameras = Cameras::new(cameras::Options {
            catalogue: catalogue.clone(),
            settings: camera_settings(&config.sip)?,
            events: sender,
            entropy: entropy.clone(),
            clock: clock.clone(),
            fault_points: fault_points.clone(),
        });
        // Before the engine begins to work: a port that is taken ends a start that did nothing.
        let bound = config.sip.listen.map(|address| bind_sip(&cameras, address)).transpose()?;
        let engine = Engine::start(engine::Options {
            store: store.clone(),
            catalogue,
            catalogue_source: catalogue_files.source(),
            drivers: vec![phones.clone(), cameras.clone()],
            events,
            clock,
            entropy,
            master_key,
            settings: settings(&config),
            fault_points,
        })
        .await
        .context("the engine can't be started")?;

        let sip = match bound {
            Some(bound) => {
                let sip = cameras.serve(engine.handle(), bound).await?;
                // What was looked at before it could be reached need not wait for its next turn.
                engine.handle().rescan_now();
                Some(sip)
            }
            None => None,
        };
        let proxies = config.http.trusted_proxies.iter().map(|proxy| proxy.parse());
        let trusted_proxies = proxies.collect::<Result<_, ProxyError>>()?;
        let recorder = record_metrics()?;
        let router = api::router::router(api::router::Options {
            handle: engine.handle(),
            admin_token: api::native::AdminToken::new(admin_token.expose()),
            metrics_render: render(recorder.clone()),
            operator_files: OperatorFiles {
                backups: config.data.join("backups"),
                catalogue: Arc::new(move || catalogue_files.in_force()),
            },
            public_hosts: config.http.public_hosts,
            trusted_proxies,
            sip_servers: sip_servers(&cameras),
        });
        let shutdown = CancellationToken::new();
        let address = listener.local_addr();
        let upkeep = tokio::spawn(upkeep(recorder, engine.handle()));
        Ok(Self {
            address,
            engine,
            phones,
            sip,
            store,
            certificate,
            listening: tokio::spawn(listener.run(router, shutdown.clone())),
            shutdown,
            upkeep,
            _lock: lock,
        })
    }

    /// Where it answers; the port is the true one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where cameras register; the port is the true one. `None` if they may not.
    pub fn sip_address(&self) -> Option<SocketAddr> {
        self.sip.as_ref().map(Sip::address)
    }

    /// What the doors hold of the engine.
    pub fn handle(&self) -> Handle {
        self.engine.handle()
    }

    /// Reads the TLS certificate again. One that can't be used leaves the old one in place.
    pub fn reload_certificate(&self) {
        match self.certificate.as_ref().map(|certificate| certificate.reload()) {
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => {
                let error = anyhow::Error::from(error);
                tracing::error!("the certificate stays as it was: {error:#}");
            }
            None => tracing::info!("there is no certificate to read again"),
        }
    }

    /// Reads the operator's catalogue files again. If one is not right, what was in force stays.
    pub async fn reload_catalogue(&self) {
        match self.handle().reload_catalogue(&Principal::admin()).await {
            Ok(()) => tracing::info!("the catalogue was read again"),
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!("the catalogue stays as it was: {error:#}");
            }
        }
    }

    /// Takes no more connections, lets open requests be answered and actions in flight end, and
    /// closes the store.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Ok(drained) = self.listening.await
            && drained.cut_off > 0
        {
            tracing::warn!(connections = drained.cut_off, "cut off with their requests open");
        }
        // The engine first: what it has in flight with cameras still needs SIP.
        self.engine.stop().await;
        if let Some(sip) = self.sip {
            sip.stop().await;
        }
        self.phones.close().await;
        self.upkeep.abort();
        let store = self.store;
        // It blocks for as long as the database takes to take its log in.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

/// Binds the address, in TLS if there is a certificate.
async fn listen(config: &Config) -> Result<(Listener, Option<Arc<Reloading>>)> {
    let http = &config.http;
    let mut options = listener::Options::new(http.listen);
    options.plain_http = http.insecure;
    let mut certificate = None;
    if let (Some(cert), Some(key)) = (&http.tls_cert, &http.tls_key) {
        let (tls, reloading) = api::tls::server_config(cert, key)?;
        options.tls = Some(tls);
        certificate = Some(reloading);
    }
    Ok((Listener::bind(options).await?, certificate))
}

/// Locks the data directory itself where the database, whose directory the store locks, lies in
/// another.
pub fn lock_apart(data: &Path, database: &Path) -> Result<Option<DirectoryLock>> {
    let database_directory = match database.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => return Ok(None),
    };
    let same = match (data.canonicalize(), database_directory.canonicalize()) {
        (Ok(data), Ok(database)) => data == database,
        _ => false,
    };
    if same { Ok(None) } else { Ok(Some(DirectoryLock::take(data)?)) }
}

/// What an installer types into a camera: every address that this server is reached at. None where
/// it does not serve cameras.
fn sip_servers(cameras: &Arc<Cameras>) -> SipServers {
    let cameras = cameras.clone();
    Arc::new(move || {
        let timeout_seconds = cameras.keepalive_timeout_seconds();
        let advertised = cameras.advertised().into_iter();
        let server = |address: cameras::ServerAddress| SipServer {
            id: address.id,
            domain: address.domain,
            host: address.host,
            port: address.port,
            timeout_seconds,
        };
        advertised.map(server).collect()
    })
}

/// Takes the address that cameras register at.
fn bind_sip(cameras: &Cameras, address: SocketAddr) -> Result<cameras::Bound> {
    cameras.bind(address).context(
        "set sip.listen (--sip ADDR) to an address that is free, or to none if this server has no \
         cameras",
    )
}

/// How cameras are served, by the configuration.
fn camera_settings(sip: &crate::config::Sip) -> Result<cameras::Settings> {
    let advertise = sip.advertise.iter().map(|address| address.parse());
    Ok(cameras::Settings {
        id: sip.id.clone(),
        domain: sip.domain.clone(),
        realm: sip.realm.clone().unwrap_or_else(|| sip.domain.clone()),
        advertise: advertise.collect::<Result<_, AdvertiseError>>()?,
        follow: sip.follow,
        date_header: sip.date_header,
        sha256: sip.sha256,
        keepalive_seconds: sip.keepalive_seconds,
        keepalive_misses: sip.keepalive_misses,
        expires_min_seconds: sip.expires_min_seconds,
        expires_max_seconds: sip.expires_max_seconds,
        survey_per_second: sip.survey_per_second,
        ..cameras::Settings::default()
    })
}

/// The engine's settings by the configuration.
fn settings(config: &Config) -> engine::Settings {
    let mut settings = engine::Settings::default();
    settings.bounds.per_server = config.engine.actions_per_server;
    settings.bounds.per_node = config.engine.actions_per_node;
    settings.bounds.restarts_per_server = config.engine.restarts_per_server;
    settings.bounds.boots_per_server = config.engine.boots_per_server;
    settings.bounds.restarts_per_project = config.engine.restarts_per_project;
    settings.rules.job_deadline = Duration::from_secs(config.engine.job_deadline_seconds);
    settings.rules.boot_deadline = Duration::from_secs(config.engine.boot_deadline_seconds);
    settings.token_lifetime = Duration::from_secs(config.http.token_lifetime_seconds);
    settings.sweep_per_second = config.engine.sweep_per_second;
    settings
}

/// Starts the collection of this process's metrics.
fn record_metrics() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .context("the metrics' buckets")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| anyhow::anyhow!("the metrics can't be started: {error}"))?;
    Ok(handle)
}

/// What `/metrics` calls for its text.
fn render(recorder: PrometheusHandle) -> Arc<dyn Fn() -> String + Send + Sync> {
    Arc::new(move || recorder.render())
}

/// Condenses the histograms and says what operators have paused, again and again.
async fn upkeep(recorder: PrometheusHandle, handle: Handle) {
    let mut turns = tokio::time::interval(METRICS_UPKEEP_EVERY);
    loop {
        turns.tick().await;
        recorder.run_upkeep();
        if let Err(error) = show_paused(&handle).await {
            tracing::debug!(%error, "what is paused can't be shown");
        }
    }
}

/// Sets the metrics of what operators have paused.
async fn show_paused(handle: &Handle) -> Result<(), store::Error> {
    let reads = handle.reads();
    let settings = reads.server_settings().await?;
    let projects = reads.projects(&Principal::engine()).await?;
    let paused = projects.iter().filter(|project| project.settings.paused).count();
    metrics::gauge!("fleetwright_paused").set(if settings.paused { 1.0 } else { 0.0 });
    metrics::gauge!("fleetwright_projects_paused").set(paused as f64);
    Ok(())
}

//! The one place that puts the product together: store, driver, engine, doors, listener.

mod metrics;
mod settings;
mod warnings;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use api::iss::{SipServer, SipServers};
use api::listener::{self, Drained, Listener, ProxyError};
use api::native::OperatorFiles;
use api::tls::Reloading;
use cameras::{Cameras, Sip};
use engine::events::Events;
use engine::{Engine, Entropy, Handle, SystemClock, SystemEntropy};
use fleet::Principal;
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use phones::Phones;
use store::sqlite::{self, DirectoryLock};
use store::{NewSession, Roles};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::catalogue_files::CatalogueFiles;
use crate::config::Config;
use crate::opening::{OpenStore, Opened, Opening};
use crate::webhook_sender::WebhookSender;

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
        let fault_points = fault_points()?;
        let disk_free_min_bytes = sqlite::Options::DISK_FREE_MIN_BYTES;
        Ok(Self { config, fault_points, disk_free_min_bytes })
    }
}

/// Where a test may stop the process, as the environment says. Errors: a point that is none, in a
/// build that has them.
pub fn fault_points() -> Result<FaultPoints> {
    #[cfg(feature = "fault-points")]
    let fault_points = crate::fault_points::from_environment()?;
    #[cfg(not(feature = "fault-points"))]
    let fault_points = FaultPoints::none();
    Ok(fault_points)
}

/// A server that answers. Dropping it ends everything at once; [`Server::stop`] ends it in order.
pub struct Server {
    address: SocketAddr,
    /// Whether the doors are open here, and the console is there.
    answers_apis: bool,
    node: String,
    engine: Engine,
    phones: Arc<Phones>,
    cameras: Arc<Cameras>,
    /// Where cameras register, if they may.
    sip: Option<Sip>,
    store: OpenStore,
    certificate: Option<Arc<Reloading>>,
    shutdown: CancellationToken,
    listening: JoinHandle<Drained>,
    upkeep: JoinHandle<()>,
    /// The data directory's own lock, where the store has not taken it.
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
        let catalogue = Arc::new(CatalogueCell::new(catalogue));
        let clock = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let opening = Opening {
            config: &config,
            fault_points: &fault_points,
            disk_free_min_bytes,
            clock: &*clock,
            entropy: &*entropy,
        };
        let Opened { store, master_key, admin_token, host_key, node_id, lock } =
            opening.open().await?;

        let (sender, events) = engine::driver::events();
        let mut driver = phones::Options::new(entropy.clone());
        driver.fault_points = fault_points.clone();
        let host_key = Arc::new(host_key);
        let phones = Arc::new(Phones::new(host_key, catalogue.clone(), sender.clone(), driver));
        let cameras = Cameras::new(cameras::Options {
            catalogue: catalogue.clone(),
            settings: settings::cameras(&config.sip)?,
            events: sender,
            entropy: entropy.clone(),
            clock: clock.clone(),
            fault_points: fault_points.clone(),
        });
        let roles = config.cluster.roles;
        // Before the engine begins to work: a port that is taken ends a start that did nothing.
        let sip_listen = config.sip.listen.filter(|_| roles.sip);
        let bound = sip_listen.map(|address| bind_sip(&cameras, address)).transpose()?;
        let node = NewSession {
            node: config.node(),
            directory: node_id,
            // The engine makes it.
            instance: String::new(),
            roles: Roles { sip: bound.is_some(), ..roles },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            http: listener.local_addr().to_string(),
            sip: bound.as_ref().map(|bound| bound.address().to_string()).unwrap_or_default(),
        };
        let name = node.node.clone();
        let mut engine = Engine::start(engine::Options {
            store: store.store(),
            catalogue,
            catalogue_source: catalogue_files.source(),
            drivers: vec![phones.clone(), cameras.clone()],
            events,
            clock,
            entropy,
            master_key,
            settings: settings::engine(&config),
            fault_points,
            node,
            wait_for_name: store.has_several_nodes(),
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
            None => {
                cameras.stand_by(engine.handle());
                None
            }
        };
        let recorder = metrics::record()?;
        let (handle, render) = (engine.handle(), metrics::render(recorder.clone()));
        warnings::of_namesakes(&handle).await;
        let happenings = Events::new(&handle);
        engine.deliver_webhooks(happenings.clone(), Arc::new(WebhookSender::new()));
        let router = if roles.api {
            let admin_token = api::native::AdminToken::new(admin_token.expose());
            let proxies = config.http.trusted_proxies.iter().map(|proxy| proxy.parse());
            api::router::router(api::router::Options {
                handle,
                events: happenings,
                admin_token,
                metrics_render: render,
                operator_files: OperatorFiles {
                    backups: config.data.join("backups"),
                    catalogue: Arc::new(move || catalogue_files.in_force()),
                },
                public_hosts: config.http.public_hosts,
                trusted_proxies: proxies.collect::<Result<_, ProxyError>>()?,
                sip_servers: sip_servers(&cameras),
            })
        } else {
            api::router::probes(handle, render)
        };
        let warnings = warnings::Warnings::new(&config.engine);
        let shutdown = CancellationToken::new();
        let address = listener.local_addr();
        let upkeep = tokio::spawn(metrics::upkeep(recorder, engine.handle(), warnings));
        Ok(Self {
            address,
            answers_apis: roles.api,
            node: name,
            engine,
            phones,
            cameras,
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

    /// Where the web console is, by the address that is listened at; `None` on a node that does not
    /// answer the APIs.
    pub fn console(&self) -> Option<String> {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        self.answers_apis.then(|| format!("{scheme}://{}/ui/", self.address))
    }

    /// The node's name, where others may work on the same store.
    pub fn node(&self) -> Option<&str> {
        self.store.has_several_nodes().then_some(&self.node)
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
        // What has registered is written while this node may still write. What the engine has in
        // flight with cameras still needs SIP.
        if let Some(sip) = &self.sip {
            sip.close_registrar().await;
        }
        self.engine.stop().await;
        if let Some(sip) = self.sip {
            sip.stop().await;
        }
        self.cameras.leave();
        self.phones.close().await;
        self.upkeep.abort();
        self.store.close().await;
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

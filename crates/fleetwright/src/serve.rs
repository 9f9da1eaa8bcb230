//! `fleetwright serve`: the server, from its first line to its last.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{self, Config, Flag};
use crate::traces::Traces;
use crate::wiring::{self, Server};
use crate::{logging, open_files, output};

/// Runs the server: `fleetwright serve --data /var/lib/fleetwright`
///
/// It writes one line `ready http=ADDR sip=ADDR` to stderr as soon as it answers, the ports being
/// the true ones. SIGTERM and SIGINT end it: open requests are answered and actions in flight
/// recorded, then the status is 0; a second signal ends it at once, and nothing that was answered
/// is lost by it. It ends by itself, with status 1, when another process has taken its place.
/// SIGHUP reads the TLS certificate and the operator's catalogue files (DATA/catalogue/*.toml,
/// DATA/catalogue/profiles/*.toml) again; what is not right is logged, and the old stays in force.
///
/// The first start makes the data directory with the master key and the admin token in it.
///
/// Several nodes work on one store if that is PostgreSQL: each with a data directory of its own, in
/// which it has copies of the first one's master-key and admin-token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  fleetwright serve --data /var/lib/fleetwright \\\n    \
    --http 0.0.0.0:443 --tls-cert tls.crt --tls-key tls.key --sip 0.0.0.0:5060\n  \
    FLEETWRIGHT_STORE=postgres://fw:PASSWORD@db/fleetwright fleetwright serve --node n2 --data D2\n\n\
    A password belongs into FLEETWRIGHT_STORE or the configuration file: what is given by --store\n\
    everybody on the machine can read.\n\n\
    Everything that can be set, with its environment variable: fleetwright config default")]
pub struct Serve {
    /// The configuration file; see `fleetwright config default`.
    #[arg(long, value_name = "FILE", env = "FLEETWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory. [default: fleetwright-data; env: FLEETWRIGHT_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The store, sqlite:PATH or postgres://USER@HOST/DATABASE.
    /// [default: sqlite:DIR/fleetwright.db; env: FLEETWRIGHT_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// This node's name among those on the store. [default: the host name; env: FLEETWRIGHT_NODE]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// What this node does: api, engine and sip, or some of them.
    /// [default: api,engine,sip; env: FLEETWRIGHT_ROLES]
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
    /// Where to answer, IP:PORT. [default: 127.0.0.1:8080; env: FLEETWRIGHT_HTTP]
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// Where cameras register over UDP and TCP, IP:PORT, or none.
    /// [default: 127.0.0.1:5060; env: FLEETWRIGHT_SIP]
    #[arg(long, value_name = "ADDR")]
    sip: Option<String>,
    /// The certificate chain, PEM. [env: FLEETWRIGHT_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key, PEM. [env: FLEETWRIGHT_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// How the log looks: text or json. [default: text; env: FLEETWRIGHT_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
}

impl Serve {
    /// The configuration by the file, the environment and the flags.
    fn config(self) -> Result<Config, config::Error> {
        let flags: [Flag; 9] = [
            ("data", "--data", self.data),
            ("store", "--store", self.store),
            ("cluster.node", "--node", self.node),
            ("cluster.roles", "--roles", self.roles),
            ("http.listen", "--http", self.http),
            ("sip.listen", "--sip", self.sip),
            ("http.tls_cert", "--tls-cert", self.tls_cert),
            ("http.tls_key", "--tls-key", self.tls_key),
            ("log.format", "--log", self.log),
        ];
        config::load(self.config.as_deref(), |name| std::env::var(name).ok(), &flags)
    }

    /// Serves until a signal.
    pub fn run(self) -> Result<ExitCode> {
        let config = self.config()?;
        let traces = Traces::start(&config.telemetry, &config.node())?;
        logging::start(&config.log, traces.as_ref())?;
        open_files::raise();
        let options = wiring::Options::new(config)?;
        let runtime = runtime()?;
        let ended = runtime.block_on(serve(options));
        // What still runs has nothing to tell.
        drop(runtime);
        if let Some(traces) = traces {
            traces.end();
        }
        ended
    }
}

/// The runtime of everything that runs until it is told to stop.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the runtime can't be started")
}

async fn serve(options: wiring::Options) -> Result<ExitCode> {
    let mut stop = Stop::listen()?;
    let mut reload = signal(SignalKind::hangup()).context("SIGHUP can't be waited for")?;
    let server = Server::start(options).await?;
    let sip = server.sip_address().map_or_else(String::new, |address| format!(" sip={address}"));
    let node = server.node().map_or_else(String::new, |node| format!(" node={node}"));
    output::tell(&format!("ready http={}{sip}{node}", server.address()));
    if let Some(url) = server.console() {
        tracing::info!(url, "the web console is there");
    }
    let handle = server.handle();
    let mut ousted = std::pin::pin!(handle.ousted());
    let why = loop {
        tokio::select! {
            name = stop.asked() => {
                tracing::info!(signal = name, "stopping");
                break None;
            }
            words = &mut ousted => {
                tracing::error!("{words}: stopping");
                break Some(words);
            }
            _ = reload.recv() => {
                server.reload_certificate();
                server.reload_catalogue().await;
            }
        }
    };
    tokio::select! {
        () = server.stop() => {
            tracing::info!("stopped");
            why.map_or(Ok(ExitCode::SUCCESS), |words| Err(anyhow::anyhow!(words)))
        }
        name = stop.asked() => {
            output::tell(&format!("{name} again: ending at once"));
            std::process::exit(1);
        }
    }
}

/// The signals that ask the process to end.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone; `None` where SIGHUP means something else.
    hangup: Option<Signal>,
}

impl Stop {
    /// From now on SIGTERM and SIGINT are for us.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM can't be waited for")?,
            interrupt: signal(SignalKind::interrupt()).context("SIGINT can't be waited for")?,
            hangup: None,
        })
    }

    /// And SIGHUP too: for programs that end with their terminal.
    pub fn listen_at_terminal() -> Result<Self> {
        let hangup = signal(SignalKind::hangup()).context("SIGHUP can't be waited for")?;
        Ok(Self { hangup: Some(hangup), ..Self::listen()? })
    }

    /// Waits for the next one and gives its name.
    pub async fn asked(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = hangup => "SIGHUP",
        }
    }
}

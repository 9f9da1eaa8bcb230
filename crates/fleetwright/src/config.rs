//! The server's configuration: a TOML file, then the environment, then flags.
//!
//! All that can be set is listed once, in [`key`], with its words: the file that `config default`
//! prints, what is accepted, and what is said of a mistake come from that list.

mod file;
mod key;
mod store_url;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use fleet::{Timestamp, limits};
use store::Roles;
use store::postgres::Tls;

pub use key::{Key, keys};
pub use store_url::{PostgresUrl, StoreUrl};

/// Seconds of a day.
pub const SECONDS_PER_DAY: u64 = 24 * 3_600;

/// Everything that can be set of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the server keeps what is its own: keys, tokens and, unless said otherwise, the store.
    pub data: PathBuf,
    /// Where the store is; `None` is a database in the data directory.
    pub store: Option<StoreUrl>,
    /// This node among others.
    pub cluster: Cluster,
    /// The connection to a store on PostgreSQL.
    pub postgres: Postgres,
    /// The HTTP address.
    pub http: Http,
    /// How much the engine does at a time.
    pub engine: Engine,
    /// What is kept of what is over.
    pub history: History,
    /// Where cameras register, and by what rules.
    pub sip: Sip,
    /// What is logged.
    pub log: Log,
    /// Where traces go.
    pub telemetry: Telemetry,
}

/// This node among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name; `None` is the machine's host name.
    pub node: Option<String>,
    /// What it does.
    pub roles: Roles,
}

/// The connection to a store on PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Whether it is encrypted; `None` if nobody has said, which is right on one machine alone.
    pub tls: Option<Tls>,
    /// The certificate, PEM, of the authority that signed the server's.
    pub tls_ca: Option<PathBuf>,
    /// Whether the server must have a synchronous standby.
    pub synchronous_standby: bool,
}

/// The HTTP address and who may come in by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate chain, PEM.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Allows plain HTTP on an address that isn't loopback.
    pub insecure: bool,
    /// Host names that clients sign when a proxy in front rewrites `Host`.
    pub public_hosts: Vec<String>,
    /// Proxies whose word about their clients' addresses is taken: addresses and networks, each
    /// checked to be one.
    pub trusted_proxies: Vec<String>,
    /// How long a token works.
    pub token_lifetime_seconds: u64,
}

/// Bounds and waits of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// How long a job may wait for a device that can't be worked on.
    pub job_deadline_seconds: u64,
    /// How long a phone may take to come back from a restart.
    pub boot_deadline_seconds: u64,
    /// Applications at a time on one host of phones.
    pub actions_per_server: usize,
    /// Actions at a time in all.
    pub actions_per_node: usize,
    /// Phones of one host that are being restarted at a time.
    pub restarts_per_server: usize,
    /// Phones of one host that boot at a time because they were told to.
    pub boots_per_server: usize,
    /// Phones of one project that are being restarted at a time.
    pub restarts_per_project: usize,
    /// Devices at rest that are read back each second; 0 for none.
    pub sweep_per_second: u32,
}

/// What is kept of what is over: jobs that have ended, and updates with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// For how many days; 0: for ever.
    pub keep_days: u64,
    /// How many jobs, about; 0: all.
    pub keep_jobs: u64,
    /// How many hundredths of the disk it leaves free; 0: none.
    pub disk_free_percent: u8,
}

impl Default for History {
    fn default() -> Self {
        Self {
            keep_days: limits::HISTORY_KEPT.as_secs() / SECONDS_PER_DAY,
            keep_jobs: limits::HISTORY_JOBS_MAX,
            disk_free_percent: limits::HISTORY_DISK_FREE_PERCENT,
        }
    }
}

/// Where cameras register, and by what rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sip {
    /// The address, over UDP and TCP; `None` serves no cameras.
    pub listen: Option<SocketAddr>,
    /// The addresses that cameras are told, each checked to be one.
    pub advertise: Vec<String>,
    /// This server's 20-digit id.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// Its realm; `None` is the domain.
    pub realm: Option<String>,
    /// What a keepalive may move.
    pub follow: cameras::Follow,
    /// Whether cameras are told the time.
    pub date_header: bool,
    /// Whether SHA-256 is offered before MD5.
    pub sha256: bool,
    /// Seconds between keepalives; 0 expects none.
    pub keepalive_seconds: u32,
    /// Missed keepalives after which a camera is gone.
    pub keepalive_misses: u32,
    /// The shortest registration.
    pub expires_min_seconds: u32,
    /// The longest.
    pub expires_max_seconds: u32,
    /// Cameras that are looked at each second because they have registered.
    pub survey_per_second: u32,
}

impl Default for Sip {
    fn default() -> Self {
        let settings = cameras::Settings::default();
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 5060))),
            advertise: Vec::new(),
            id: settings.id,
            domain: settings.domain,
            realm: None,
            follow: settings.follow,
            date_header: settings.date_header,
            sha256: settings.sha256,
            keepalive_seconds: settings.keepalive_seconds,
            keepalive_misses: settings.keepalive_misses,
            expires_min_seconds: settings.expires_min_seconds,
            expires_max_seconds: settings.expires_max_seconds,
            survey_per_second: settings.survey_per_second,
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What is logged: a level, or levels by target, as `tracing`'s `EnvFilter` reads them.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where traces go, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The collector's address, checked to be one; `None` makes no traces.
    pub otlp_endpoint: Option<String>,
    /// Of 100 requests or actions, how many are traced.
    pub sampled_percent: u32,
}

impl Default for Config {
    fn default() -> Self {
        let engine = engine::Settings::default();
        Self {
            data: PathBuf::from("fleetwright-data"),
            store: None,
            cluster: Cluster { node: None, roles: Roles::ALL },
            postgres: Postgres { tls: None, tls_ca: None, synchronous_standby: false },
            http: Http {
                listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
                tls_cert: None,
                tls_key: None,
                insecure: false,
                public_hosts: Vec::new(),
                trusted_proxies: Vec::new(),
                token_lifetime_seconds: engine.token_lifetime.as_secs(),
            },
            engine: Engine {
                job_deadline_seconds: engine.rules.job_deadline.as_secs(),
                boot_deadline_seconds: engine.rules.boot_deadline.as_secs(),
                actions_per_server: engine.bounds.per_server,
                actions_per_node: engine.bounds.per_node,
                restarts_per_server: engine.bounds.restarts_per_server,
                boots_per_server: engine.bounds.boots_per_server,
                restarts_per_project: engine.bounds.restarts_per_project,
                sweep_per_second: engine.sweep_per_second,
            },
            history: History::default(),
            sip: Sip::default(),
            log: Log { filter: "info".to_owned(), format: LogFormat::Text },
            telemetry: Telemetry { otlp_endpoint: None, sampled_percent: 100 },
        }
    }
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// On this line of this file.
    Line(PathBuf, usize),
    /// In this environment variable.
    Variable(&'static str),
    /// By this flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// The key, as `section.name`; empty where the file is no TOML.
    pub key: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// All that is wrong.
    #[error("the configuration has {} problem{}:\n{}", .0.len(),
        if .0.len() == 1 { "" } else { "s" }, lines(.0))]
    Problems(Vec<Problem>),
}

/// Each problem on a line of its own.
fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    lines.join("\n")
}

/// A value given by a flag: the key, the flag's name, the text.
pub type Flag = (&'static str, &'static str, Option<String>);

/// The configuration by `file`, the `environment`'s answers, and `flags`, later ones over earlier
/// ones. All problems are found at once.
pub fn load(
    file: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
    flags: &[Flag],
) -> Result<Config, Error> {
    draft(file, environment, flags)?.finish()
}

/// Where a server by this configuration keeps what is its own, for commands that work on that while
/// it does not run: of the result only [`Config::data`], [`Config::store`] and [`Config::postgres`]
/// count. What concerns serving alone is not asked of the environment, and not checked together:
/// the flags or variables that complete it may be the server's own.
pub fn load_places(
    file: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
    flags: &[Flag],
) -> Result<Config, Error> {
    let of_places = |name: &str| {
        let key = keys().find(|key| key.variable == name)?;
        if PLACES.contains(&key.name) { environment(name) } else { None }
    };
    let draft = draft(file, of_places, flags)?;
    if draft.problems.is_empty() { Ok(draft.config) } else { Err(Error::Problems(draft.problems)) }
}

/// The keys that say where a server keeps what is its own.
const PLACES: [&str; 5] =
    ["data", "store", "postgres.tls", "postgres.tls_ca", "postgres.synchronous_standby"];

/// What was given, each key checked by itself.
fn draft(
    file: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
    flags: &[Flag],
) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        file::read(&mut draft, path, &text);
    }
    for key in keys() {
        if let Some(text) = environment(key.variable) {
            draft.set(key, key::Given::Text(&text), Origin::Variable(key.variable));
        }
    }
    for (name, flag, text) in flags {
        let key = keys().find(|key| key.name == *name);
        if let (Some(key), Some(text)) = (key, text) {
            draft.set(key, key::Given::Text(text), Origin::Flag(flag));
        }
    }
    Ok(draft)
}

/// The file that says every default, with its words. `load` accepts it and changes nothing by it.
pub fn default_file() -> String {
    file::write(&Config::default())
}

/// A configuration that is being put together.
#[derive(Default)]
struct Draft {
    config: Config,
    /// Where each key was set last.
    origins: Vec<(&'static str, Origin)>,
    problems: Vec<Problem>,
}

impl Draft {
    /// Sets one key, or notes why not.
    fn set(&mut self, key: &'static Key, given: key::Given<'_>, origin: Origin) {
        match (key.set)(&mut self.config, given) {
            Ok(()) => {
                self.origins.retain(|(name, _)| *name != key.name);
                self.origins.push((key.name, origin));
            }
            Err(what) => self.problem(origin, key.name, what),
        }
    }

    fn problem(&mut self, origin: Origin, key: &str, what: impl Into<String>) {
        self.problems.push(Problem { origin, key: key.to_owned(), what: what.into() });
    }

    /// Where a key was set last.
    fn origin(&self, key: &str) -> Origin {
        let origin = self.origins.iter().find(|(name, _)| *name == key);
        origin.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// Notes a problem of a key that was set, where it was set.
    fn problem_with(&mut self, key: &'static str, what: impl Into<String>) {
        let origin = self.origin(key);
        self.problem(origin, key, what);
    }

    /// Checks what concerns several keys.
    fn finish(mut self) -> Result<Config, Error> {
        let http = &self.config.http;
        let listen = http.listen;
        let has_tls = http.tls_cert.is_some() || http.tls_key.is_some();
        if http.tls_cert.is_some() && http.tls_key.is_none() {
            self.problem_with("http.tls_cert", "needs http.tls_key, the certificate's private key");
        } else if http.tls_key.is_some() && http.tls_cert.is_none() {
            self.problem_with("http.tls_key", "needs http.tls_cert, the key's certificate");
        }
        let insecure = self.config.http.insecure;
        if !has_tls && !insecure && !listen.ip().is_loopback() {
            let what = format!(
                "{listen} is not loopback, and plain HTTP would show every token and secret on the \
                 network: set http.tls_cert and http.tls_key, or, behind a proxy that does TLS, \
                 http.insecure = true"
            );
            self.problem_with("http.listen", what);
        }
        if self.config.sip.expires_min_seconds > self.config.sip.expires_max_seconds {
            let what = "is more than sip.expires_max_seconds, the longest";
            self.problem_with("sip.expires_min_seconds", what);
        }
        self.check_cluster();
        if self.problems.is_empty() { Ok(self.config) } else { Err(Error::Problems(self.problems)) }
    }
}

impl Draft {
    /// Checks what concerns the store and the nodes on it.
    fn check_cluster(&mut self) {
        let Config { cluster, postgres, store, .. } = &self.config;
        let is_postgres = matches!(store, Some(StoreUrl::Postgres(_)));
        let (roles, standby) = (cluster.roles, postgres.synchronous_standby);
        let (tls, has_ca) = (postgres.tls, postgres.tls_ca.is_some());
        if is_postgres && cluster.node.is_none() && key::host_name().is_none() {
            let what = "this machine's host name can't be used: give the node a name";
            self.problem_with("cluster.node", what);
        }
        if !is_postgres && roles != Roles::ALL {
            let what = "a store on SQLite has one node, which does everything: leave roles out, or \
                        set store to postgres://...";
            self.problem_with("cluster.roles", what);
        }
        if !is_postgres && standby {
            let what = "SQLite has no standby: set store to postgres://..., or leave this out";
            self.problem_with("postgres.synchronous_standby", what);
        }
        if matches!(tls, None | Some(Tls::Disable)) && has_ca {
            let what = "is of no use without postgres.tls: set that to \"verify-full\"";
            self.problem_with("postgres.tls_ca", what);
        }
        if tls == Some(Tls::VerifyFull) && !has_ca {
            let what = "\"verify-full\" needs postgres.tls_ca, the authority's certificate";
            self.problem_with("postgres.tls", what);
        }
        let undecided = match &self.config.store {
            Some(StoreUrl::Postgres(url)) => self.config.check_tls(url).err(),
            _ => None,
        };
        if let Some(what) = undecided {
            self.problem_with("store", what);
        }
        self.check_roles();
    }

    /// Refuses a role that does nothing, and an address that nobody listens at.
    fn check_roles(&mut self) {
        let (roles, listen) = (self.config.cluster.roles, self.config.sip.listen);
        if roles.sip && roles != Roles::ALL && listen.is_none() {
            let what = "the role \"sip\" does nothing without sip.listen (--sip ADDR): set that to \
                        an address, or leave the role out";
            self.problem_with("cluster.roles", what);
        }
        // The printed file names the default's address, which says nothing of this node.
        let is_asked_for = match self.origin("sip.listen") {
            Origin::Default => false,
            Origin::Line(..) => listen != Sip::default().listen,
            Origin::Variable(_) | Origin::Flag(_) => true,
        };
        if !roles.sip && listen.is_some() && is_asked_for {
            let what = "nobody listens there: cluster.roles (--roles) lacks \"sip\". Add it, or set \
                        this to \"none\"";
            self.problem_with("sip.listen", what);
        }
    }
}

impl Config {
    /// Where the store is.
    pub fn store_url(&self) -> StoreUrl {
        let own = || StoreUrl::Sqlite(self.data.join("fleetwright.db"));
        self.store.clone().unwrap_or_else(own)
    }

    /// This node's name.
    pub fn node(&self) -> String {
        // One that is alone on its store may have any.
        let host_name = || key::host_name().unwrap_or_else(|| "node".to_owned());
        self.cluster.node.clone().unwrap_or_else(host_name)
    }

    /// Refuses a connection that would go over a network in the clear because nobody has said how
    /// it is to go. Errors: what to set.
    pub fn check_tls(&self, url: &PostgresUrl) -> Result<(), String> {
        if self.postgres.tls.is_some() || url.is_local() {
            return Ok(());
        }
        Err(format!(
            "{url} is not on this machine alone, and without TLS its password and every record \
             would be on the network for all to see: set postgres.tls (FLEETWRIGHT_POSTGRES_TLS) \
             to \"verify-full\", with postgres.tls_ca; or to \"disable\" if that network is nobody \
             else's"
        ))
    }

    /// How a store on PostgreSQL at this URL is connected to, by a process started at `now`.
    pub fn postgres_options(&self, url: &PostgresUrl, now: Timestamp) -> store::postgres::Options {
        let Postgres { tls, tls_ca, synchronous_standby } = self.postgres.clone();
        store::postgres::Options {
            tls: tls.unwrap_or(Tls::Disable),
            tls_ca,
            synchronous_standby,
            ..store::postgres::Options::new(url.expose(), now)
        }
    }
}

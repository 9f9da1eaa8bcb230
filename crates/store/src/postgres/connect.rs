//! Where the database is, and how a connection to it is made ready.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::checks::{self, ServerError};
use super::link::Link;
use super::tls;
use super::{Options, writer};

/// How long one server may take to answer and to make a session ready.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// How long a transaction waits for a row that another holds: longer than one that has stopped
/// midway is let live.
const LOCK_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a transaction may stand open with nothing asked: its node has stopped.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(3);

/// After how long without a word a connection is probed, how often then, and how many probes may
/// stay without answer; and how long what was sent may. All so that a server, or for the server a
/// node, that is cut off is noticed within some ten seconds.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_PROBES: u32 = 3;
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// What is wrong with the URL.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It is none.
    #[error("it does not begin with postgres://")]
    Scheme,
    /// It has an `@` too many, so that part of the password would be taken for a host.
    #[error("it has more than one '@': write one that belongs to the password as %40")]
    At,
    /// TLS is chosen elsewhere.
    #[error("it speaks of TLS ({0}): that is set by `tls` and `tls_ca`")]
    Tls(&'static str),
    /// It names no host.
    #[error("it names no host")]
    NoHost,
    /// It names no user.
    #[error("it names no user")]
    NoUser,
    /// The library can't read it. Its words do not repeat what it read.
    #[error("it can't be read")]
    Unreadable(#[source] tokio_postgres::Error),
}

/// Why there is no connection to one server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// It does not answer.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// It can't be reached, or refuses us.
    #[error("{}", words(.0))]
    Refused(#[source] tokio_postgres::Error),
    /// It is not one that can be used.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Why there is no connection to any of the servers: what each said.
#[derive(Debug, thiserror::Error)]
#[error("can't connect to the database: {}", all_words(.0))]
pub struct ConnectError(pub Vec<(String, ConnectFailure)>);

/// What the server or the library said, down to its cause.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// What each server said.
fn all_words(servers: &[(String, ConnectFailure)]) -> String {
    let each = servers.iter().map(|(server, why)| format!("{server}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading, for at most so long a statement.
    Read(Duration),
    /// Writing.
    Write,
}

/// Makes connections. Holds the password, so that it shows nothing of itself.
pub(super) struct Connector {
    /// One for each server, in the order given.
    servers: Vec<(String, Config)>,
    tls: Option<MakeRustlsConnect>,
    /// The one that was right the last time.
    right: AtomicUsize,
    /// How often it was another than before.
    generation: AtomicU64,
}

impl Connector {
    /// Reads the URL and the files of TLS. Connects to nothing.
    pub(super) fn new(options: &Options) -> Result<Self, super::OpenError> {
        let servers = servers(&options.url).map_err(super::OpenError::Url)?;
        let tls = tls::connector(options.tls, options.tls_ca.as_deref())?;
        let mode = if tls.is_some() { SslMode::Require } else { SslMode::Disable };
        let servers = servers.into_iter().map(|(name, mut config)| {
            config.ssl_mode(mode);
            (name, config)
        });
        Ok(Self {
            servers: servers.collect(),
            tls,
            right: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
        })
    }

    /// A connection to the first server that takes changes, beginning with the one that last did.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Link, ConnectError> {
        let first = self.right.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        let numbered = self.servers.iter().enumerate();
        for (number, (name, config)) in numbered.clone().skip(first).chain(numbered.take(first)) {
            let attempt = timeout(CONNECT_DEADLINE, self.connect_to(config, purpose));
            match attempt.await.unwrap_or(Err(ConnectFailure::Deadline(CONNECT_DEADLINE))) {
                Ok(link) => {
                    if self.right.swap(number, Ordering::AcqRel) != number {
                        self.generation.fetch_add(1, Ordering::AcqRel);
                        tracing::info!(server = name, "this server takes the changes now");
                    }
                    metrics::gauge!("fleetwright_store_connected").set(1);
                    return Ok(link.of_generation(self.generation.load(Ordering::Acquire)));
                }
                Err(failure) => failures.push((name.clone(), failure)),
            }
        }
        metrics::gauge!("fleetwright_store_connected").set(0);
        Err(ConnectError(failures))
    }

    /// Whether a connection can be used on: it is open, and none was made since to another server.
    /// One that has been replaced may go on answering, with what it knew then.
    pub(super) fn is_current(&self, link: &Link) -> bool {
        !link.is_closed() && link.generation() == self.generation.load(Ordering::Acquire)
    }

    /// A connection to one server, with its session made ready.
    async fn connect_to(&self, config: &Config, purpose: Purpose) -> Result<Link, ConnectFailure> {
        let link = match &self.tls {
            None => {
                let (client, stream) =
                    config.connect(NoTls).await.map_err(ConnectFailure::Refused)?;
                Link::new(client, stream)
            }
            Some(tls) => {
                let (client, stream) =
                    config.connect(tls.clone()).await.map_err(ConnectFailure::Refused)?;
                Link::new(client, stream)
            }
        };
        let session = session(purpose);
        link.client().batch_execute(&session).await.map_err(ConnectFailure::Refused)?;
        checks::server(&link).await?;
        Ok(link)
    }

    /// The same for writing, with the statement prepared that is sent together with the commit.
    pub(super) async fn connect_to_write(&self) -> Result<Link, ConnectError> {
        let link = self.connect(Purpose::Write).await?;
        match link.prepare(writer::EVENT).await {
            Ok(_) => Ok(link),
            Err(error) => {
                let server = "the database".to_owned();
                Err(ConnectError(vec![(server, ConnectFailure::Refused(error))]))
            }
        }
    }
}

/// What each session sets. Warnings are asked for, whatever the user's own setting is: one says
/// that a commit is not on its standby.
fn session(purpose: Purpose) -> String {
    let limits = match purpose {
        Purpose::Read(deadline) => {
            format!("SET statement_timeout = {}; SET lock_timeout = 0;", deadline.as_millis())
        }
        // No time-out for statements: it would end the wait for the standby in the middle of a
        // commit, and the server would then call it done. The writer has its own deadlines.
        Purpose::Write => {
            // And a plan for each execution: one that is made while a table is small is to read it
            // whole, and would be kept until the table is next analysed.
            let lock = LOCK_TIMEOUT.as_millis();
            format!(
                "SET statement_timeout = 0; SET lock_timeout = {lock};
                 SET plan_cache_mode = force_custom_plan;"
            )
        }
    };
    format!(
        "{limits}
         SET client_min_messages = warning;
         SET idle_in_transaction_session_timeout = {idle};
         SET tcp_keepalives_idle = {keepalive};
         SET tcp_keepalives_interval = {interval};
         SET tcp_keepalives_count = {KEEPALIVE_PROBES};
         SET tcp_user_timeout = {unacknowledged};
         SET default_transaction_isolation = 'read committed';
         SET jit = off;
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')",
        idle = IDLE_IN_TRANSACTION.as_millis(),
        keepalive = KEEPALIVE_IDLE.as_secs(),
        interval = KEEPALIVE_INTERVAL.as_secs(),
        unacknowledged = UNACKNOWLEDGED_MAX.as_millis(),
    )
}

/// Whether a URL can be used, as far as can be told without a connection.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    servers(url).map(drop)
}

/// The servers that a URL names, each with what it takes to connect to it.
fn servers(url: &str) -> Result<Vec<(String, Config)>, UrlError> {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let rest = rest.ok_or(UrlError::Scheme)?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    if address.matches('@').count() > 1 {
        return Err(UrlError::At);
    }
    for key in ["sslmode", "sslrootcert", "sslnegotiation"] {
        if query.split('&').any(|pair| pair.split('=').next() == Some(key)) {
            return Err(UrlError::Tls(key));
        }
    }
    let whole: Config = url.parse().map_err(UrlError::Unreadable)?;
    if whole.get_user().is_none_or(str::is_empty) {
        return Err(UrlError::NoUser);
    }
    let (hosts, ports) = (whole.get_hosts(), whole.get_ports());
    let each = hosts.iter().enumerate().map(|(number, host)| {
        let port = ports.get(number).or_else(|| ports.first()).copied().unwrap_or(5432);
        server(&whole, host, port)
    });
    let servers: Vec<_> = each.collect();
    if servers.is_empty() { Err(UrlError::NoHost) } else { Ok(servers) }
}

/// One of the servers of a URL, and a name for it that can be shown.
fn server(whole: &Config, host: &Host, port: u16) -> (String, Config) {
    let mut config = Config::new();
    config.user(whole.get_user().unwrap_or_default()).port(port);
    if let Some(password) = whole.get_password() {
        config.password(password);
    }
    // As libpq: without a name, the database is called as the user is.
    config.dbname(whole.get_dbname().or_else(|| whole.get_user()).unwrap_or_default());
    if let Some(options) = whole.get_options() {
        config.options(options);
    }
    config.application_name(whole.get_application_name().unwrap_or("fleetwright"));
    config.channel_binding(whole.get_channel_binding());
    config.connect_timeout(CONNECT_DEADLINE).tcp_user_timeout(UNACKNOWLEDGED_MAX);
    config.keepalives(true).keepalives_idle(KEEPALIVE_IDLE);
    config.keepalives_interval(KEEPALIVE_INTERVAL).keepalives_retries(KEEPALIVE_PROBES);
    let name = match host {
        Host::Tcp(host) => {
            config.host(host);
            format!("{host}:{port}")
        }
        Host::Unix(path) => {
            config.host_path(path);
            path.display().to_string()
        }
    };
    (name, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let error = servers(url).map(|servers| servers.len()).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    }

    #[test]
    fn each_host_is_a_server_with_its_own_port() {
        let url = "postgres://fleet:se%40cret@db1:5433,db2/fleetwright?application_name=x";
        let servers = servers(url).unwrap();
        let names: Vec<_> = servers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["db1:5433", "db2:5432"]);
        for (_, config) in &servers {
            assert_eq!(config.get_hosts().len(), 1);
            assert_eq!(config.get_user(), Some("fleet"));
            assert_eq!(config.get_password(), Some(&b"se@cret"[..]));
            assert_eq!(config.get_dbname(), Some("fleetwright"));
            assert!(!format!("{config:?}").contains("cret"), "{config:?}");
        }
        let socket = super::servers("postgresql://fleet@%2Frun%2Fpostgresql").unwrap();
        assert_eq!(socket[0].0, "/run/postgresql");
        assert_eq!(socket[0].1.get_dbname(), Some("fleet"));
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        let cases = [
            ("mysql://fleet:hunter2@db/x", "postgres://"),
            ("postgres://fleet:hunt@er2@db/x", "%40"),
            ("postgres://fleet:hunter2@db/x?sslmode=verify-full", "tls_ca"),
            ("postgres://fleet:hunter2@db:hunter2/x", "can't be read"),
            ("postgres://fleet:hunter2@db/x?hunter2", "can't be read"),
            ("postgres://db/x", "no user"),
            ("postgres:///x?user=fleet&password=hunter2", "no host"),
        ];
        for (url, expected) in cases {
            let said = refused(url);
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains("hunt"), "{said}");
        }
    }
}

//! Where the store is. A password in the URL is never shown.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use tokio_postgres::config::Host;

/// What a store's URL begins with.
const SQLITE: &str = "sqlite:";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

/// PostgreSQL's port, unless a URL names another.
const PORT: u16 = 5432;

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A database in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, or several of which one is the primary.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL server. Shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// As it was given.
    whole: String,
    /// What is shown: user, hosts and database.
    shown: String,
    /// Whether all its hosts are this machine: a loopback address or the directory of a socket.
    is_local: bool,
}

impl StoreUrl {
    /// Reads a URL.
    ///
    /// Errors: what is wrong with it, in words that repeat nothing of one that is meant for
    /// PostgreSQL: where its password begins and ends is not known.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix(SQLITE).filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if POSTGRES.iter().any(|scheme| url.starts_with(scheme)) {
            let read = PostgresUrl::parse(url);
            return read
                .map(Self::Postgres)
                .map_err(|why| format!("this {}... can't be used: {why}", POSTGRES[0]));
        }
        let wanted = format!("it must be {SQLITE}PATH or {}USER@HOST/DATABASE", POSTGRES[0]);
        // It may be meant for a database all the same, password and all.
        Err(if url.contains('@') || url.contains("password") {
            format!("is no store: {wanted}")
        } else {
            format!("{url:?} is no store: {wanted}")
        })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{SQLITE}{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl PostgresUrl {
    /// Errors: why it can't be used.
    fn parse(url: &str) -> Result<Self, String> {
        // What stands before an `@` is taken for user and password, wherever that `@` is.
        if url.split_once('?').is_some_and(|(_, query)| query.contains('@')) {
            return Err("it has an '@' behind its '?': write it as %40".to_owned());
        }
        let words = |error| crate::output::chain(&anyhow::Error::from(error));
        store::postgres::check_url(url).map_err(words)?;
        let parsed: tokio_postgres::Config =
            url.parse().map_err(|_| "it can't be read".to_owned())?;
        let is_local = parsed.get_hosts().iter().all(is_this_machine);
        Ok(Self { whole: url.to_owned(), shown: shown(&parsed), is_local })
    }

    /// All of it. For whoever connects, and for nobody else.
    pub fn expose(&self) -> &str {
        &self.whole
    }

    /// Whether all its hosts are this machine, so that what is sent to them is on no network.
    pub fn is_local(&self) -> bool {
        self.is_local
    }
}

/// Whether what is sent to a host stays on this machine.
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) if name.eq_ignore_ascii_case("localhost") => true,
        Host::Tcp(name) => name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    }
}

/// The user, the hosts and the database, as a URL.
fn shown(config: &tokio_postgres::Config) -> String {
    let user = config.get_user().unwrap_or_default();
    let ports = config.get_ports();
    let host = |(number, host): (usize, &Host)| {
        let port = ports.get(number).or_else(|| ports.first()).copied().unwrap_or(PORT);
        let host = match host {
            Host::Unix(path) => return path.display().to_string(),
            Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
            Host::Tcp(name) => name.clone(),
        };
        if port == PORT { host } else { format!("{host}:{port}") }
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().unwrap_or(user);
    format!("{}{user}@{}/{database}", POSTGRES[0], hosts.join(","))
}

impl fmt::Display for PostgresUrl {
    /// The user, the hosts and the database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(url: &str) -> PostgresUrl {
        match StoreUrl::parse(url) {
            Ok(StoreUrl::Postgres(url)) => url,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn no_password_is_shown_however_it_is_written() {
        for (url, expected) in [
            ("postgres://fw:hunter2@db1,db2:6432/fw", "postgres://fw@db1,db2:6432/fw"),
            ("postgres://fw:hun%40ter2@db/fw?application_name=hunter2", "postgres://fw@db/fw"),
            ("postgresql://fw@[::1]:6432/x?password=p%40hunter2", "postgres://fw@[::1]:6432/x"),
            ("postgres:///x?host=db&user=fw&password=hunter2", "postgres://fw@db/x"),
            ("postgres://fw:hunter2@%2Frun%2Fpostgresql", "postgres://fw@/run/postgresql/fw"),
        ] {
            let shown = postgres(url);
            assert_eq!(shown.to_string(), expected, "{url}");
            assert_eq!(format!("{shown:?}"), shown.to_string());
            assert_eq!(shown.expose(), url);
        }
        for url in [
            "postgres://fw@127.0.0.1/x?password=p@hunter2&connect_timeout=1",
            "postgres://fw@127.0.0.1:6432/x?password=p@hunter2&connect_timeout=1",
            "postgres:///x?host=127.0.0.1&user=fw&password=p@hunter2",
            "postgres://127.0.0.1/x?user=fw&password=hunter2@",
            "postgresql://fw:hunter2?x@db1,db2:6432/fleetwright?password=hunter2",
            "postgres://fw:hunter2/a@b@db1,db2:6432/fleetwright",
            "postgres://fw:hunter2/fleetwright",
            "postgres://fw:hunter2@db/x?sslmode=require",
            "postgres://fw:hunter2@/fleetwright",
            "mysql://fw:hunter2@db/x",
            "postgres:fw:hunter2@db",
            "host=db password=hunter2",
        ] {
            let why = StoreUrl::parse(url).unwrap_err();
            assert!(!why.contains("hunter2") && why.contains("postgres://"), "{url}: {why}");
        }
        let why = StoreUrl::parse("postgres://fw@db/x?password=p@w").unwrap_err();
        assert!(why.contains("write it as %40"), "{why}");
    }

    #[test]
    fn what_stays_on_this_machine_is_told_from_what_goes_over_a_network() {
        for (url, is_local) in [
            ("postgres://fw@127.0.0.1/x", true),
            ("postgres://fw@localhost,[::1]:6432/x", true),
            ("postgres://fw@%2Frun%2Fpostgresql/x", true),
            ("postgres:///x?user=fw&host=/run/postgresql", true),
            ("postgres://fw@127.0.0.1,db2/x", false),
            ("postgres://fw@10.0.0.1/x", false),
            ("postgres://fw@127.0.0.1.example.com/x", false),
        ] {
            assert_eq!(postgres(url).is_local(), is_local, "{url}");
        }
    }

    #[test]
    fn a_store_is_a_file_or_a_server() {
        let file = StoreUrl::parse("sqlite:/srv/x.db").unwrap();
        assert_eq!(file, StoreUrl::Sqlite("/srv/x.db".into()));
        assert_eq!(file.to_string(), "sqlite:/srv/x.db");
        assert!(StoreUrl::parse("sqlite:").is_err() && StoreUrl::parse("x.db").is_err());
        assert_eq!(postgres("postgres://fw:pw@db/fw").expose(), "postgres://fw:pw@db/fw");
    }
}

//! A database for our nodes on the peer's own server, so that both sides have the same PostgreSQL,
//! on the same disk, with the same settings.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::peer::succeed;

/// The database's name.
const NAME: &str = "fleetwright";

/// A database that is made anew for each fresh server.
#[derive(Debug, Clone)]
pub struct Database {
    psql: PathBuf,
    connection: Vec<OsString>,
    port: u16,
    /// How many nodes work on it.
    pub nodes: usize,
}

impl Database {
    /// The database that `psql` reaches by these arguments, and nodes by TCP at this port.
    pub fn new(
        psql: PathBuf,
        connection: impl IntoIterator<Item = OsString>,
        port: u16,
        nodes: usize,
    ) -> Self {
        Self { psql, connection: connection.into_iter().collect(), port, nodes }
    }

    /// Drops it, makes it anew, empty, and gives its URL.
    pub fn make_anew(&self) -> Result<String> {
        self.sql(&format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"))?;
        self.sql(&format!("CREATE DATABASE {NAME}"))?;
        self.sql("CHECKPOINT")?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{NAME}", self.port))
    }

    /// Runs one statement. Trust, not a password, lets it in.
    fn sql(&self, statement: &str) -> Result<()> {
        let mut psql = Command::new(&self.psql);
        psql.args(&self.connection).args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        succeed("psql", psql.arg("postgres")).map(drop)
    }
}

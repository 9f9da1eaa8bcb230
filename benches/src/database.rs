//! A database for our nodes on the peer's own server, so that both sides have the same PostgreSQL,
//! on the same disk, with the same settings.

use std::ffi::{OsStr, OsString};
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
        Ok(self.url())
    }

    /// Where nodes find it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{NAME}", self.port)
    }

    /// Where clients on this machine find it, for a program of PostgreSQL's own.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        self.connection.iter().map(OsString::as_os_str).chain([NAME.as_ref()])
    }

    /// Runs one statement in it.
    pub fn run(&self, statement: &str) -> Result<()> {
        self.ask(statement).map(drop)
    }

    /// What one statement gives in it: a line a row, with bars between the columns.
    pub fn ask(&self, statement: &str) -> Result<String> {
        self.said(statement, NAME)
    }

    /// Runs one statement beside it.
    fn sql(&self, statement: &str) -> Result<()> {
        self.said(statement, "postgres").map(drop)
    }

    /// What one statement gives. Trust, not a password, lets it in.
    fn said(&self, statement: &str, database: &str) -> Result<String> {
        let mut psql = Command::new(&self.psql);
        psql.args(&self.connection).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        succeed("psql", psql.args(["-c", statement, database]))
    }
}

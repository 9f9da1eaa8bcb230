//! The product's command line, as an operator calls it.

use std::process::{Command, Output};

use super::server::own_environment;
use super::{Server, tools};

/// An operator's shell: where the server is, and the token.
pub struct Cli {
    url: String,
    token: String,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// What it printed as data.
    pub stdout: String,
    /// What it printed besides.
    pub stderr: String,
}

impl Ran {
    /// What it printed, given that it succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.stdout
    }

    /// Checks that it ended with this status and said why.
    #[track_caller]
    pub fn ended(self, status: i32, why: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(why), "{self:?} does not say {why:?}");
    }
}

impl Cli {
    /// For a server.
    pub fn new(server: &Server) -> Self {
        Self { url: server.url(), token: server.admin_token() }
    }

    /// For a server, with this token.
    pub fn with_token(server: &Server, token: &str) -> Self {
        Self { url: server.url(), token: token.to_owned() }
    }

    /// For whatever answers, or not, at a URL.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), token: "none".to_owned() }
    }

    /// Runs `fleetwright ARGS` to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(tools::fleetwright());
        command.args(args);
        command.env("FLEETWRIGHT_URL", &self.url).env("FLEETWRIGHT_TOKEN", &self.token);
        own_environment(&mut command);
        let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let Output { status, stdout, stderr } = output;
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

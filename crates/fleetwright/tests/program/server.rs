//! A server to run commands against.

use std::path::Path;

use serde_json::Value;

use crate::process::{Ran, Running, fleetwright, run};

/// A server, and how to reach it.
pub struct Server {
    pub running: Running,
    pub url: String,
    pub token: String,
    /// Where cameras register; empty where they may not.
    pub sip: String,
}

impl Server {
    /// On a free port, with its data in `directory`.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// The same with more flags. It serves no cameras unless they say so.
    pub fn start_with(directory: &Path, more: &[&str]) -> Self {
        let data = directory.join("data");
        let mut command =
            fleetwright(&["serve", "--http", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        if !more.contains(&"--sip") {
            command.args(["--sip", "none"]);
        }
        let running = Running::start(command.args(more));
        let ready = running.says("ready http=");
        let (http, sip) = ready.split_once(" sip=").unwrap_or((&ready, ""));
        let token = std::fs::read_to_string(data.join("admin-token")).unwrap();
        Self { url: format!("http://{http}"), token, sip: sip.to_owned(), running }
    }

    /// Runs a command for this server.
    pub fn run(&self, args: &[&str]) -> Ran {
        let mut command = fleetwright(args);
        run(command.env("FLEETWRIGHT_URL", &self.url).env("FLEETWRIGHT_TOKEN", &self.token))
    }

    /// Runs a command that must succeed, and gives its data.
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.stderr);
        ran.stdout
    }

    /// The same as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.push("--json");
        serde_json::from_str(&self.ok(&args)).unwrap()
    }
}

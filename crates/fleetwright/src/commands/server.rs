//! `fleetwright status`, `pause` and `resume`: the server as a whole.

use std::process::ExitCode;

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Value, json};

use super::project;
use crate::client::answers::ServerSettings;
use crate::client::{Client, ServerOptions};
use crate::output;

/// Shows whether the server works or is paused, and its projects: `fleetwright status`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  fleetwright status --url https://fleet.example.com")]
pub struct Status {
    #[command(flatten)]
    server: ServerOptions,
}

/// Pauses the server, or one project: `fleetwright pause --project acme`
///
/// While paused, nothing is done on any device. Updates are accepted and wait; what is in flight
/// ends. It stays so over a restart of the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright pause\n  fleetwright pause --project acme")]
pub struct Pause {
    /// This project only.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    #[command(flatten)]
    server: ServerOptions,
}

/// Lets a paused server, or one project, go on: `fleetwright resume`
///
/// A project that was paused by itself stays paused when the server is resumed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright resume\n  fleetwright resume --project acme")]
pub struct Resume {
    /// This project only.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    #[command(flatten)]
    server: ServerOptions,
}

impl Status {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        let settings = client.get(&["settings"], &[])?;
        let mut projects = client.get(&["projects"], &[])?;
        if self.server.json {
            let projects = projects.get_mut("projects").map(Value::take);
            output::json(&json!({ "url": self.server.url, "settings": settings,
                "projects": projects }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let settings: ServerSettings = client.read(&settings)?;
        let state =
            if settings.paused { "PAUSED: nothing is done on any device" } else { "active" };
        let fields = [("server", self.server.url), ("state", state.to_owned())];
        let projects = project::table(client.read(&projects)?);
        output::data(&format!("{}\n{projects}", output::fields(&fields)))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Pause {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        set_paused(&self.server, self.project.as_ref(), true)
    }
}

impl Resume {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        set_paused(&self.server, self.project.as_ref(), false)
    }
}

/// Pauses or resumes the project, or without one the server.
fn set_paused(
    server: &ServerOptions,
    project: Option<&ProjectId>,
    paused: bool,
) -> Result<ExitCode> {
    let client = Client::new(server)?;
    let body = json!({ "paused": paused });
    let (answer, what) = match project {
        Some(id) => (client.patch(&["projects", id.as_str()], &body)?, format!("project {id}")),
        None => (client.put(&["settings"], &[], &body)?, "the server".to_owned()),
    };
    if server.json {
        output::json(&answer)?;
    } else {
        output::tell(&format!("{what} is {}", if paused { "paused" } else { "at work" }));
    }
    Ok(ExitCode::SUCCESS)
}

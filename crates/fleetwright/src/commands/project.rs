//! `fleetwright project`: tenants, and what holds for all devices of one.

use std::process::ExitCode;

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Map, Value, json};

use crate::client::answers::{self, Projects};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists and sets projects: tenants, each with its own devices and access keys.
#[derive(Debug, clap::Args)]
pub struct Project {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a project.
    #[command(after_help = "Example:\n  fleetwright project create Acme --id acme")]
    Create {
        /// Its name, for people.
        name: String,
        /// Its id, CPH's project_id; 32 new hexadecimal digits unless given.
        #[arg(long)]
        id: Option<ProjectId>,
    },
    /// Lists all projects.
    #[command(after_help = "Example:\n  fleetwright project list --json")]
    List,
    /// Shows a project: what holds for its devices, and how they are doing.
    #[command(after_help = "Example:\n  fleetwright project show acme")]
    Show {
        /// Its id.
        id: ProjectId,
    },
    /// Sets what holds for all devices of a project. What is not named stays as it is.
    #[command(after_help = "Examples:\n  \
        fleetwright project set acme --drift repair\n  \
        fleetwright project set acme --adoption explicit --identity allow\n\n\
        What a boot wipes is applied again whatever --drift says.")]
    Set {
        /// Its id.
        id: ProjectId,
        #[command(flatten)]
        changes: Changes,
    },
    /// Pauses a project: nothing is done on its devices. Updates are accepted and wait; what is in
    /// flight ends.
    #[command(after_help = "Example:\n  fleetwright project pause acme\n\n\
        For all projects at once: fleetwright pause")]
    Pause {
        /// Its id.
        id: ProjectId,
    },
    /// Lets a paused project go on.
    #[command(after_help = "Example:\n  fleetwright project resume acme")]
    Resume {
        /// Its id.
        id: ProjectId,
    },
}

/// What is to hold from now on.
#[derive(Debug, Default, clap::Args)]
struct Changes {
    /// What becomes of values that changed on a device: `report` shows them, `repair` sets what is
    /// asked for again.
    #[arg(long, value_name = "POLICY", value_parser = ["report", "repair"])]
    drift: Option<String>,
    /// Which phones get the record's marker at first contact: `unmarked`, those without one, or
    /// `explicit`, none, so that `device adopt` is needed for each.
    #[arg(long, value_name = "POLICY", value_parser = ["unmarked", "explicit"])]
    adoption: Option<String>,
    /// Whether properties that tell a phone from others (IMEI, serial number, model, ...) may be
    /// changed although the vendor does not list them.
    #[arg(long, value_name = "POLICY", value_parser = ["allow", "refuse"])]
    identity: Option<String>,
    /// Nothing is done on its devices for now.
    #[arg(long, conflicts_with = "resume")]
    paused: bool,
    /// Lets a paused project go on.
    #[arg(long)]
    resume: bool,
}

impl Changes {
    /// As the server takes them. Errors: there are none.
    fn body(self) -> Result<Value> {
        let mut body = Map::new();
        body.extend(self.drift.map(|drift| ("drift".to_owned(), json!(drift))));
        body.extend(self.adoption.map(|adoption| ("adoption".to_owned(), json!(adoption))));
        let identity = self.identity.map(|identity| identity == "allow");
        body.extend(identity.map(|identity| ("identity".to_owned(), json!(identity))));
        if self.paused || self.resume {
            body.insert("paused".to_owned(), json!(self.paused));
        }
        if body.is_empty() {
            let what = "nothing to set: name --drift, --adoption, --identity, --paused or --resume";
            return Err(Failure::usage(what).into());
        }
        Ok(Value::Object(body))
    }
}

impl Project {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        let pause = |id: &ProjectId, paused: bool| {
            client.patch(&["projects", id.as_str()], &json!({ "paused": paused }))
        };
        let answer = match self.command {
            Command::Create { name, id } => {
                let mut body = json!({ "name": name });
                if let (Some(id), Some(fields)) = (id, body.as_object_mut()) {
                    fields.insert("id".to_owned(), json!(id));
                }
                client.post(&["projects"], &body)?
            }
            Command::List => {
                let answer = client.get(&["projects"], &[])?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&table(client.read(&answer)?))?;
                }
                return Ok(ExitCode::SUCCESS);
            }
            Command::Show { id } => client.get(&["projects", id.as_str()], &[])?,
            Command::Set { id, changes } => {
                client.patch(&["projects", id.as_str()], &changes.body()?)?
            }
            Command::Pause { id } => pause(&id, true)?,
            Command::Resume { id } => pause(&id, false)?,
        };
        if is_json {
            output::json(&answer)?;
        } else {
            output::data(&words(&client.read(&answer)?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A project for people.
fn words(project: &answers::Project) -> String {
    let settings = &project.settings;
    let count = |name: &str| project.devices.get(name).copied().unwrap_or_default();
    let others = ["running", "new", "restarting", "resetting", "stopping", "stopped", "abnormal"];
    let parts = others.into_iter().filter(|name| count(name) > 0);
    let parts: Vec<String> = parts.map(|name| format!("{} {name}", count(name))).collect();
    let frozen = match count("frozen") {
        0 => String::new(),
        frozen => format!("; {frozen} of them frozen"),
    };
    let devices = match (project.devices.is_empty(), count("total")) {
        (true, _) => String::new(),
        (false, 0) => "none".to_owned(),
        (false, total) => format!("{total}: {}{frozen}", parts.join(", ")),
    };
    output::fields(&[
        ("id", project.id.clone()),
        ("name", project.name.clone()),
        ("created", project.created_at.clone()),
        ("state", state(settings).to_owned()),
        ("drift", settings.drift.clone()),
        ("adoption", settings.adoption.clone()),
        ("identity", if settings.identity { "allow" } else { "refuse" }.to_owned()),
        ("devices", devices),
    ])
}

/// Whether a project is at work.
fn state(settings: &answers::Settings) -> &'static str {
    if settings.paused { "PAUSED" } else { "active" }
}

/// Projects for people.
pub fn table(list: Projects) -> String {
    let rows = list.projects.into_iter().map(|project| {
        let state = state(&project.settings).to_owned();
        let identity = if project.settings.identity { "allow" } else { "refuse" }.to_owned();
        let settings = project.settings;
        vec![
            project.id,
            project.name,
            state,
            settings.drift,
            settings.adoption,
            identity,
            project.created_at,
        ]
    });
    let header = ["ID", "NAME", "STATE", "DRIFT", "ADOPTION", "IDENTITY", "CREATED"];
    output::table(&header, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> answers::Project {
        serde_json::from_value(json!({
            "id": "acme", "name": "Acme", "created_at": "2026-11-22T01:02:03.000Z",
            "settings": {"paused": true, "drift": "repair", "adoption": "unmarked",
                "identity": false},
            "devices": {"total": 12, "new": 0, "running": 10, "restarting": 0, "resetting": 0,
                "stopping": 0, "stopped": 0, "abnormal": 2, "frozen": 1},
        }))
        .unwrap()
    }

    #[test]
    fn a_project_is_shown_with_its_settings_and_how_its_devices_are_doing() {
        insta::assert_snapshot!(words(&project()), @r"
        id        acme
        name      Acme
        created   2026-11-22T01:02:03.000Z
        state     PAUSED
        drift     repair
        adoption  unmarked
        identity  refuse
        devices   12: 10 running, 2 abnormal; 1 of them frozen
        ");
    }

    #[test]
    fn only_what_is_named_is_sent() {
        let drift = Changes { drift: Some("repair".into()), ..Changes::default() };
        assert_eq!(drift.body().unwrap(), json!({ "drift": "repair" }));
        let resumed =
            Changes { resume: true, identity: Some("allow".into()), ..Changes::default() };
        assert_eq!(resumed.body().unwrap(), json!({ "identity": true, "paused": false }));
        assert!(Changes::default().body().is_err());
    }
}

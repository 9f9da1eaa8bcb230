//! `fleetwright project`: tenants, and what holds for all devices of one.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Map, Value, json};

use super::duration;
use crate::client::answers::{self, Projects};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists, sets and deletes projects: tenants, each with its own devices and access keys.
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
        /// What you say of it: up to 1,024 bytes.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
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
    /// Sets what a project is called and what holds for all of its devices. What is not named stays
    /// as it is.
    #[command(after_help = "Examples:\n  \
        fleetwright project set acme --drift repair\n  \
        fleetwright project set acme --adoption explicit --identity allow\n  \
        fleetwright project set acme --password-overlap 1h --iss-profile 1344\n\n\
        What a boot wipes is applied again whatever --drift says.\n\
        The --iss-* settings decide what the published pages of Tencent's ISS leave open or say\n\
        in two ways; client programs see nothing else of them.")]
    Set {
        /// Its id.
        id: ProjectId,
        #[command(flatten)]
        changes: Box<Changes>,
    },
    /// Deletes a project that has no devices, with its access keys, users and organizations.
    #[command(after_help = "Examples:\n  fleetwright project delete acme\n  \
        fleetwright device list --project acme --json | jq -r '.devices[].id' | \\\n    \
        xargs -n1 fleetwright device delete --project acme     # what keeps it from being deleted")]
    Delete {
        /// Its id.
        id: ProjectId,
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
    /// Its name, for people.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What you say of it: up to 1,024 bytes; empty for nothing.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
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
    /// How long the user name and password of a camera go on working after others took their place,
    /// so that it can be given the new ones in time: up to 30 days; 0s for not at all.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    password_overlap: Option<Duration>,
    /// By which published form of ISS's API requests are checked: `460` wants a `Pwd` of 6 to 64
    /// digits in each update, `1344` takes one of up to 64 characters, or none.
    #[arg(long, value_name = "FORM", value_parser = ["460", "1344"])]
    iss_profile: Option<String>,
    /// Whether ISS's `Ip` may be a private address: the vendor refuses one, and cameras of one's
    /// own mostly have one.
    #[arg(long, value_name = "POLICY", value_parser = ["allow", "refuse"])]
    iss_private_ip: Option<String>,
    /// Whether ISS's answers show the passwords of cameras, as the vendor's do, or asterisks.
    #[arg(long, value_name = "POLICY", value_parser = ["show", "mask"])]
    iss_passwords: Option<String>,
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
        let mut iss = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            iss.extend(value.map(|value| (name.to_owned(), value)));
        };
        set("profile", self.iss_profile.map(|form| json!(form)));
        set("private_ip", self.iss_private_ip.map(|policy| json!(policy == "allow")));
        set("mask_passwords", self.iss_passwords.map(|policy| json!(policy == "mask")));
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            body.extend(value.map(|value| (name.to_owned(), value)));
        };
        set("name", self.name.map(|name| json!(name)));
        set("description", self.description.map(|text| json!(text)));
        set("drift", self.drift.map(|policy| json!(policy)));
        set("adoption", self.adoption.map(|policy| json!(policy)));
        set("identity", self.identity.map(|policy| json!(policy == "allow")));
        let overlap = self.password_overlap.map(|overlap| json!(overlap.as_secs()));
        set("password_overlap_seconds", overlap);
        set("iss", (!iss.is_empty()).then_some(Value::Object(iss)));
        set("paused", (self.paused || self.resume).then(|| json!(self.paused)));
        if body.is_empty() {
            let what = "nothing to set: name --drift, --password-overlap, --iss-profile or another \
                        of the options that --help lists";
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
            Command::Create { name, id, description } => {
                let mut body = json!({ "name": name });
                if let Some(fields) = body.as_object_mut() {
                    fields.extend(id.map(|id| ("id".to_owned(), json!(id))));
                    fields.extend(description.map(|text| ("description".to_owned(), json!(text))));
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
            Command::Delete { id } => {
                client.delete(&["projects", id.as_str()], &[])?;
                output::tell(&format!("{id} is deleted"));
                return Ok(ExitCode::SUCCESS);
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
    let phones = match (project.devices.is_empty(), count("total")) {
        (true, _) => String::new(),
        (false, 0) => "none".to_owned(),
        (false, total) => format!("{total}: {}{frozen}", parts.join(", ")),
    };
    let cameras = project.cameras.map(|count| match count {
        0 => "none".to_owned(),
        count => count.to_string(),
    });
    output::fields(&[
        ("id", project.id.clone()),
        ("name", project.name.clone()),
        ("description", project.description.clone()),
        ("created", project.created_at.clone()),
        ("state", state(settings).to_owned()),
        ("drift", settings.drift.clone()),
        ("adoption", settings.adoption.clone()),
        ("identity", policy(settings.identity).to_owned()),
        ("overlap", overlap(settings.password_overlap_seconds)),
        ("iss", iss(&settings.iss)),
        ("phones", phones),
        ("cameras", cameras.unwrap_or_default()),
    ])
}

/// A policy that allows something or does not.
fn policy(is_allowed: bool) -> &'static str {
    if is_allowed { "allow" } else { "refuse" }
}

/// How long replaced passwords of cameras go on working; empty for not at all.
fn overlap(seconds: u64) -> String {
    match seconds {
        0 => String::new(),
        _ => format!("replaced passwords work for {seconds} s"),
    }
}

/// How the ISS door treats a project.
fn iss(iss: &answers::IssSettings) -> String {
    let passwords = if iss.mask_passwords { "mask" } else { "show" };
    format!("profile {}, private IP {}, passwords {passwords}", iss.profile, policy(iss.private_ip))
}

/// Whether a project is at work.
fn state(settings: &answers::Settings) -> &'static str {
    if settings.paused { "PAUSED" } else { "active" }
}

/// Projects for people.
pub fn table(list: Projects) -> String {
    let rows = list.projects.into_iter().map(|project| {
        let state = state(&project.settings).to_owned();
        let identity = policy(project.settings.identity).to_owned();
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
            "id": "acme", "name": "Acme", "description": "the gates",
            "created_at": "2026-11-22T01:02:03.000Z",
            "settings": {"paused": true, "drift": "repair", "adoption": "unmarked",
                "identity": false, "password_overlap_seconds": 3600,
                "iss": {"profile": "460", "private_ip": true, "mask_passwords": false}},
            "devices": {"total": 12, "new": 0, "running": 10, "restarting": 0, "resetting": 0,
                "stopping": 0, "stopped": 0, "abnormal": 2, "frozen": 1},
            "cameras": 3,
        }))
        .unwrap()
    }

    #[test]
    fn a_project_is_shown_with_its_settings_and_how_its_devices_are_doing() {
        insta::assert_snapshot!(words(&project()), @r"
        id           acme
        name         Acme
        description  the gates
        created      2026-11-22T01:02:03.000Z
        state        PAUSED
        drift        repair
        adoption     unmarked
        identity     refuse
        overlap      replaced passwords work for 3600 s
        iss          profile 460, private IP allow, passwords show
        phones       12: 10 running, 2 abnormal; 1 of them frozen
        cameras      3
        ");
    }

    #[test]
    fn only_what_is_named_is_sent() {
        let drift = Changes { drift: Some("repair".into()), ..Changes::default() };
        assert_eq!(drift.body().unwrap(), json!({ "drift": "repair" }));
        let resumed =
            Changes { resume: true, identity: Some("allow".into()), ..Changes::default() };
        assert_eq!(resumed.body().unwrap(), json!({ "identity": true, "paused": false }));
        let iss = Changes {
            password_overlap: Some(Duration::from_secs(60)),
            iss_private_ip: Some("refuse".into()),
            iss_passwords: Some("mask".into()),
            ..Changes::default()
        };
        assert_eq!(
            iss.body().unwrap(),
            json!({ "password_overlap_seconds": 60,
                "iss": { "private_ip": false, "mask_passwords": true } })
        );
        assert!(Changes::default().body().is_err());
    }
}

//! `fleetwright device`: the fleet.

mod check;
mod discover;
mod docker;
mod import;
mod power;
mod range;
mod show;
mod target;
mod upload;

use std::process::ExitCode;

use anyhow::Result;
use fleet::{Condition, ProjectId};
use serde_json::{Value, json};

use crate::client::answers;
use crate::client::{Client, ServerOptions};
use crate::output;
use discover::Discover;
use power::{Setting, Waiting};
use target::Target;

/// Devices in one page of a list: the most that the server gives.
const PAGE: usize = fleet::limits::DEVICES_PER_PAGE_MAX as usize;

/// Finds, imports, lists, checks, adopts and restarts devices.
#[derive(Debug, clap::Args)]
pub struct Device {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Imports devices from a file of one JSON object a line; a device that exists already takes
    /// the new record and keeps its values.
    #[command(after_help = "Example:\n  fleetwright device import phones.jsonl\n\n\
        A line:\n  {\"kind\":\"phone\",\"project\":\"acme\",\"id\":\"...\",\"name\":\"desk 1\",\
        \"server\":\"rack-7\",\n   \"address\":\"10.0.0.7:5555\",\"container\":\"phone-1\",\
        \"profile\":\"redroid\"}\n`server` and `container` may be left out.\n\n\
        A line that is not right is named, and nothing of its piece of 10,000 lines is imported;\n\
        pieces before it are. Importing a file again does no harm.")]
    Import {
        /// The file; - is stdin.
        file: String,
    },
    /// Finds phones by the output of `docker ps` or in ranges of addresses, and shows which are
    /// new, known, moved, copies, or not to be reached. Changes nothing without --apply.
    #[command(after_help = "Examples:\n  \
        ssh farm-1 docker ps | fleetwright device discover --project acme --docker-ps - \\\n    \
        --host 10.0.3.11 --server farm-1\n  \
        fleetwright device discover --project acme --range '10.0.3.[11-70]:[5555-5604]' --apply\n\n\
        Phones are known again by the marker that adoption left on them, not by their address:\n\
        run it again after addresses have changed, and it records where they are now, with no\n\
        duplicates.")]
    Discover(Discover),
    /// Lists devices.
    #[command(after_help = "Examples:\n  fleetwright device list --condition abnormal\n  \
        fleetwright device list --project acme --json")]
    List {
        /// Those of this project.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
        /// Those on this server.
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
        /// Those in this condition: new, running, restarting, resetting, stopping, stopped or
        /// abnormal.
        #[arg(long)]
        condition: Option<Condition>,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Shows a device: what is asked of it, what it shows and how long ago, and its open jobs.
    #[command(after_help = "Example:\n  fleetwright device show 1678567b8bab40f93711234cb80d0764")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Looks at a device step by step, from its address to each property, and says what to do about
    /// what does not hold. Changes nothing on it.
    #[command(after_help = "Example:\n  \
        fleetwright device check 1678567b8bab40f93711234cb80d0764 && echo ready\n\n\
        Status 0: all holds; what the profile does not support is no failure. Status 1: something\n\
        does not hold. Status 2: it could not be asked.")]
    Check {
        #[command(flatten)]
        target: Target,
    },
    /// Prints the arguments with which a device's container has to be made, so that it shows the
    /// values that are fixed at its start; one a line.
    #[command(after_help = "Examples:\n  fleetwright device start-args ID\n  \
        eval docker run -d --privileged -p 5555:5555 redroid/redroid:12.0.0-latest \\\n    \
        $(fleetwright device start-args ID --shell)")]
    StartArgs {
        #[command(flatten)]
        target: Target,
        /// Quotes each for a POSIX shell.
        #[arg(long)]
        shell: bool,
    },
    /// Adopts the phone at a device's address: leaves the record's marker on it, by which it is
    /// known from then on. Needed where the project's adoption is `explicit`, or after a phone was
    /// made anew.
    #[command(after_help = "Examples:\n  fleetwright device adopt ID\n  \
        fleetwright device adopt ID --from-reported\n  \
        fleetwright device adopt ID --replace-marker\n\n\
        It is done when the phone answers: see `adopted` in fleetwright device show.")]
    Adopt {
        #[command(flatten)]
        target: Target,
        /// Takes the phone as it is: what it shows becomes what is asked of it, where nothing is
        /// asked yet, and no value is changed on it.
        #[arg(long)]
        from_reported: bool,
        /// Does so even if it bears another marker: that of a phone whose place it took, or another
        /// server's.
        #[arg(long)]
        replace_marker: bool,
    },
    /// Restarts a device in the way of its profile, or starts it if it is stopped.
    #[command(after_help = "Examples:\n  fleetwright device restart ID --wait\n  \
        fleetwright device restart ID --set ro.permission.changed=1 --wait --timeout 5m\n\n\
        Values are set before the restart, and the job ends when the device is back and shows them.")]
    Restart {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        setting: Setting,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Takes a device back to how it left the factory, and starts it. What is on it is lost; what
    /// is asked of it is applied anew.
    #[command(after_help = "Examples:\n  fleetwright device reset ID --wait\n  \
        fleetwright device reset ID --factory-reset --set com.cph.mainkeys=1")]
    Reset {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        setting: Setting,
        /// Forgets all that was asked of it before.
        #[arg(long)]
        factory_reset: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Stops a device. It stays stopped until it is restarted; values for it are stored.
    #[command(after_help = "Example:\n  fleetwright device stop ID --wait")]
    Stop {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Freezes a device: it takes no updates until it is unfrozen.
    #[command(after_help = "Example:\n  fleetwright device freeze ID")]
    Freeze {
        #[command(flatten)]
        target: Target,
    },
    /// Unfreezes a device.
    #[command(after_help = "Example:\n  fleetwright device unfreeze ID")]
    Unfreeze {
        #[command(flatten)]
        target: Target,
    },
    /// Says that a device was stopped by other means, so that nobody waits for it.
    #[command(after_help = "Example:\n  docker stop phone-1 && \
        fleetwright device mark-stopped ID")]
    MarkStopped {
        #[command(flatten)]
        target: Target,
    },
    /// Says that a device that was stopped has been started.
    #[command(after_help = "Example:\n  docker start phone-1 && \
        fleetwright device mark-started ID")]
    MarkStarted {
        #[command(flatten)]
        target: Target,
    },
}

impl Device {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = match &self.command {
            Command::Discover(_) => Client::patient(&self.server)?,
            _ => Client::new(&self.server)?,
        };
        match self.command {
            Command::Import { file } => upload::import(&client, &file, is_json)?,
            Command::Discover(discover) => discover.run(&client, is_json)?,
            Command::List { project, server, condition, limit } => {
                let mut query = Vec::new();
                query.extend(project.map(|project| ("project", project.to_string())));
                query.extend(server.map(|server| ("server", server)));
                query.extend(condition.map(|condition| ("condition", condition.to_string())));
                list(&client, &query, limit, is_json)?;
            }
            Command::Show { target } => {
                let answer = client.get(&["devices", target.id.as_str()], &target.query())?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&show::words(&client.read(&answer)?))?;
                }
            }
            Command::Check { target } => check::check(&client, &target, is_json)?,
            Command::StartArgs { target, shell } => {
                check::start_arguments(&client, &target, shell, is_json)?;
            }
            Command::Adopt { target, from_reported, replace_marker } => {
                let body =
                    json!({ "from_reported": from_reported, "replace_marker": replace_marker });
                client.post_with(&target.path("adopt"), &target.query(), &body)?;
                output::tell(&format!("{} is adopted as soon as its phone answers", target.id));
            }
            Command::Restart { target, setting, waiting } => {
                power::ask(&client, &target, "restart", setting.body(), &waiting, is_json)?;
            }
            Command::Reset { target, setting, factory_reset, waiting } => {
                let mut body = setting.body();
                body.insert("factory_reset".to_owned(), json!(factory_reset));
                power::ask(&client, &target, "reset", body, &waiting, is_json)?;
            }
            Command::Stop { target, waiting } => {
                power::ask(&client, &target, "stop", serde_json::Map::new(), &waiting, is_json)?;
            }
            Command::Freeze { target } => tell(&client, &target, "freeze", "is frozen")?,
            Command::Unfreeze { target } => tell(&client, &target, "unfreeze", "takes updates")?,
            Command::MarkStopped { target } => {
                tell(&client, &target, "mark-stopped", "counts as stopped")?;
            }
            Command::MarkStarted { target } => {
                tell(&client, &target, "mark-started", "counts as started")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Changes one thing of a device, and says so.
fn tell(client: &Client, target: &Target, verb: &str, done: &str) -> Result<()> {
    client.post_with(&target.path(verb), &target.query(), &json!({}))?;
    output::tell(&format!("{} {done}", target.id));
    Ok(())
}

/// Lists devices, page by page, at most `limit`.
fn list(
    client: &Client,
    filter: &[(&'static str, String)],
    limit: usize,
    is_json: bool,
) -> Result<()> {
    let mut whole: Vec<Value> = Vec::new();
    let mut devices = Vec::new();
    let mut after: Option<String> = None;
    let mut is_more = true;
    while is_more && whole.len() < limit {
        let mut query = filter.to_vec();
        query.push(("limit", PAGE.min(limit - whole.len()).to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&["devices"], &query)?;
        let page: answers::Devices = client.read(&answer)?;
        after = page.next;
        is_more = after.is_some() && !page.devices.is_empty();
        devices.extend(page.devices);
        if let Some(Value::Array(page)) = answer.get_mut("devices").map(Value::take) {
            whole.extend(page);
        }
    }
    if is_json {
        output::json(&json!({ "devices": whole }))?;
    } else {
        output::data(&table(devices))?;
    }
    if is_more {
        output::tell(&format!("There are more than {limit}: see --limit."));
    }
    Ok(())
}

/// Devices for people.
fn table(devices: Vec<answers::Device>) -> String {
    let rows = devices.into_iter().map(|device| {
        let pending = device.restart_pending.len();
        let work = match (device.open_jobs.len(), device.drift.len()) {
            (0, 0) if pending > 0 => format!("{pending} wait for a restart"),
            (0, 0) => String::new(),
            (0, drift) => format!("{drift} drifted"),
            (jobs, _) => format!("{jobs} open"),
        };
        let trouble = device.trouble.unwrap_or_default();
        let frozen = if device.frozen { ", frozen" } else { "" };
        vec![
            device.id,
            device.project,
            device.name,
            device.server,
            device.address,
            device.condition + frozen,
            work,
            trouble,
        ]
    });
    let header = ["ID", "PROJECT", "NAME", "SERVER", "ADDRESS", "CONDITION", "WORK", "TROUBLE"];
    output::table(&header, rows.collect())
}

#[cfg(test)]
mod tests;

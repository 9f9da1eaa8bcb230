//! `fleetwright enrolment`: cameras that come by a password that they share.

mod accept;
mod file;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ArgGroup;
use fleet::limits::REGISTRANT_BYTES_MAX;
use fleet::{IdPrefix, ProjectId, Secret, Timestamp};
use serde_json::{Map, Value, json};

use crate::client::answers::{Enrolment as Terms, PendingDevice, PendingDevices};
use crate::client::{Client, ServerOptions};
use crate::commands::user::read_password;
use crate::output;

/// Cameras in one page: the most that the server gives.
const PAGE: u32 = 1_000;

/// Lets cameras enrol in a project by a password that they share, and accepts or rejects those that
/// have come: until then a camera is no device, and nothing is sent to it.
#[derive(Debug, clap::Args)]
pub struct Enrolment {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows on what terms cameras may enrol in a project.
    #[command(after_help = "Example:\n  fleetwright enrolment show --project acme")]
    Show {
        #[command(flatten)]
        of: Of,
    },
    /// Opens a project for enrolment, or changes on what terms it is open.
    #[command(after_help = "Examples:\n  \
        fleetwright enrolment open --project acme --prefix 34020000 --days 14 \\\n    \
        --password-file secret.txt\n  \
        fleetwright enrolment open --project acme --prefix 34020000 --prefix 34020100 \\\n    \
        --until 2026-12-31T23:59:59+08:00\n\n\
        A camera enrols by its own id as the user name. Without a password the one that is there\n\
        stays.")]
    #[command(group(ArgGroup::new("end").required(true).args(["days", "until"])))]
    Open {
        #[command(flatten)]
        of: Of,
        /// What the cameras' ids begin with: 1 to 20 digits. May be given up to 32 times.
        #[arg(long = "prefix", value_name = "DIGITS", required = true)]
        prefixes: Vec<IdPrefix>,
        /// For how many days: 1 to 90.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: Option<u32>,
        /// Until when: a date and a time with its offset, at most 90 days from now.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// A file with the password that the cameras share, 8 to 256 bytes; - is stdin.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Closes a project for enrolment, and forgets the password and all cameras that are pending.
    #[command(after_help = "Example:\n  fleetwright enrolment close --project acme")]
    Close {
        #[command(flatten)]
        of: Of,
    },
    /// Lists the cameras of a project that wait to be accepted, by id.
    #[command(after_help = "Example:\n  fleetwright enrolment pending --project acme")]
    Pending {
        #[command(flatten)]
        of: Of,
    },
    /// Accepts pending cameras: each becomes a device of the project with a password of its own.
    #[command(after_help = "Examples:\n  \
        fleetwright enrolment accept --project acme 34020000001320000001\n  \
        fleetwright enrolment accept --project acme --all --generate --json > passwords.json\n  \
        fleetwright enrolment accept --project acme --csv accepted.csv\n\n\
        A password that is made is shown once and never again: keep the output.\n\
        The file has a first line with the names of its columns: id, and of name, password and\n\
        profile those that are known; where a password is empty, one is made.\n\
        The password that the cameras came with works for as long as the project's\n\
        `project set --password-overlap` says.\n\
        Ends with 1 if a camera is not accepted.")]
    Accept {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        which: accept::Which,
    },
    /// Rejects pending cameras: they are off the list for a day, and may come again after it.
    #[command(after_help = "Examples:\n  \
        fleetwright enrolment reject --project acme 34020000001320000001\n  \
        fleetwright enrolment reject --project acme --all --prefix 34020000")]
    Reject {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        which: accept::Rejected,
    },
}

/// Whose enrolment.
#[derive(Debug, clap::Args)]
struct Of {
    /// The project.
    #[arg(long, value_name = "ID")]
    project: ProjectId,
}

impl Of {
    /// Where its terms are.
    fn terms(&self) -> [&str; 3] {
        ["projects", self.project.as_str(), "enrolment"]
    }

    /// Where its pending cameras are.
    fn pending(&self) -> [&str; 3] {
        ["projects", self.project.as_str(), "pending"]
    }

    /// What is done with pending cameras by the call of this name.
    fn call<'a>(&'a self, name: &'a str) -> [&'a str; 4] {
        let [projects, project, pending] = self.pending();
        [projects, project, pending, name]
    }
}

impl Enrolment {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Show { of } => {
                let answer = client.get(&of.terms(), &[])?;
                show(&client, &answer, is_json)?;
            }
            Command::Open { of, prefixes, days, until, password_file } => {
                let read = |path: PathBuf| read_password(&path, REGISTRANT_BYTES_MAX);
                let password = password_file.map(read).transpose()?;
                let mut body = Map::from_iter([("prefixes".to_owned(), json!(prefixes))]);
                body.extend(days.map(|days| ("ends_in_days".to_owned(), json!(days))));
                let until = until.map(|until| ("ends_at".to_owned(), json!(until.to_string())));
                body.extend(until);
                let password = password.as_ref().map(Secret::expose);
                body.extend(password.map(|password| ("password".to_owned(), json!(password))));
                let answer = client.put(&of.terms(), &[], &Value::Object(body))?;
                show(&client, &answer, is_json)?;
            }
            Command::Close { of } => {
                client.delete(&of.terms(), &[])?;
                output::tell(&format!("no camera may enrol in {}", of.project));
            }
            Command::Pending { of } => list(&client, &of, is_json)?,
            Command::Accept { of, which } => return which.accept(&client, &of, is_json),
            Command::Reject { of, which } => which.reject(&client, &of, is_json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows the terms.
fn show(client: &Client, answer: &Value, is_json: bool) -> Result<()> {
    if is_json {
        return Ok(output::json(answer)?);
    }
    let terms: Terms = client.read(answer)?;
    let open = if terms.open { "yes" } else { "no: its time is over" };
    let fields = [
        ("open", open.to_owned()),
        ("prefixes", terms.prefixes.join(" ")),
        ("until", terms.ends_at),
        ("set", format!("{} by {}", terms.set_at, terms.set_by)),
    ];
    Ok(output::data(&output::fields(&fields))?)
}

/// Lists the pending cameras of a project: all of them.
fn list(client: &Client, of: &Of, is_json: bool) -> Result<()> {
    let mut whole: Vec<Value> = Vec::new();
    let mut devices = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&of.pending(), &query)?;
        let page: PendingDevices = client.read(&answer)?;
        after = page.next;
        devices.extend(page.devices);
        if let Some(Value::Array(page)) = answer.get_mut("devices").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            break;
        }
    }
    if is_json {
        output::json(&json!({ "devices": whole }))?;
    } else {
        output::data(&table(devices))?;
    }
    Ok(())
}

/// Pending cameras for people.
fn table(devices: Vec<PendingDevice>) -> String {
    let rows = devices.into_iter().map(|device| {
        vec![
            device.id,
            format!("{} {}", device.transport, device.remote),
            device.user_agent.unwrap_or_default(),
            device.first_seen,
            device.last_seen,
        ]
    });
    output::table(&["ID", "FROM", "USER AGENT", "FIRST", "LAST"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_cameras_are_shown_with_where_they_come_from() {
        let page: PendingDevices = serde_json::from_value(json!({ "next": null, "devices": [{
            "id": "34020000001320000001", "first_seen": "01:00:00", "last_seen": "02:00:00",
            "remote": "192.0.2.10:5060", "transport": "udp", "user_agent": null
        }]}))
        .unwrap();
        insta::assert_snapshot!(table(page.devices), @r"
        ID                    FROM                 USER AGENT  FIRST     LAST
        34020000001320000001  udp 192.0.2.10:5060  -           01:00:00  02:00:00
        ");
    }
}

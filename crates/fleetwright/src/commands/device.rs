//! `fleetwright device`: the fleet.

mod import;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

use anyhow::{Context, Result};
use fleet::{Condition, DeviceId, ProjectId};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::client::answers::{self, Imported};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;
use import::Pieces;

/// Devices in one page of a list: the most that the server gives.
const PAGE: usize = fleet::limits::DEVICES_PER_PAGE_MAX as usize;

/// Imports, lists and shows devices.
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
        \"server\":\"rack-7\",\n   \"address\":\"10.0.0.7:5555\",\"profile\":\"android\"}\n\n\
        A line that is not right is named, and nothing of its piece of 10,000 lines is imported;\n\
        pieces before it are. Importing a file again does no harm.")]
    Import {
        /// The file; - is stdin.
        file: String,
    },
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
        /// Those in this condition: new, running or abnormal.
        #[arg(long)]
        condition: Option<Condition>,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Shows a device: what is asked of it, what it shows, and its open jobs.
    #[command(after_help = "Example:\n  fleetwright device show 1678567b8bab40f93711234cb80d0764")]
    Show {
        /// Its id.
        id: DeviceId,
        /// Its project; needed only where the id exists in several.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
    },
}

impl Device {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Import { file } => import(&client, &file, is_json)?,
            Command::List { project, server, condition, limit } => {
                let mut query = Vec::new();
                query.extend(project.map(|project| ("project", project.to_string())));
                query.extend(server.map(|server| ("server", server)));
                query.extend(condition.map(|condition| ("condition", condition.to_string())));
                list(&client, &query, limit, is_json)?;
            }
            Command::Show { id, project } => {
                let query: Vec<(&str, String)> =
                    project.map(|project| ("project", project.to_string())).into_iter().collect();
                let answer = client.get(&["devices", id.as_str()], &query)?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&words(&client.read(&answer)?))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Imports a file piece by piece.
fn import(client: &Client, file: &str, is_json: bool) -> Result<()> {
    let (source, bytes): (Box<dyn BufRead>, Option<u64>) = if file == "-" {
        (Box::new(std::io::stdin().lock()), None)
    } else {
        let open = || -> std::io::Result<(File, u64)> {
            let file = File::open(file)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (opened, bytes) = open().with_context(|| format!("{file} can't be read"))?;
        (Box::new(BufReader::new(opened)), Some(bytes))
    };
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}  {msg}")?);
    let mut pieces = Pieces::new(if file == "-" { "stdin" } else { file }, source);
    let mut total = Imported::default();
    let outcome = import_pieces(client, &mut pieces, &mut total, &bar);
    bar.finish_and_clear();
    let done = total.new + total.updated;
    outcome.with_context(|| match done {
        0 => "nothing was imported".to_owned(),
        _ => format!("the first {done} devices were imported, and no more"),
    })?;
    if is_json {
        output::json(&json!({ "new": total.new, "updated": total.updated }))?;
    } else {
        output::data(&format!(
            "imported {done} devices: {} new, {} known",
            total.new, total.updated
        ))?;
    }
    Ok(())
}

fn import_pieces<R: BufRead>(
    client: &Client,
    pieces: &mut Pieces<R>,
    total: &mut Imported,
    bar: &ProgressBar,
) -> Result<()> {
    loop {
        let piece = match pieces.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(()),
            Err(error @ import::Error::Line { .. }) => {
                return Err(Failure::usage(error.to_string()).into());
            }
            Err(error) => return Err(error.into()),
        };
        let (first, last) = piece.lines;
        let answer = client
            .post(&["devices", "import"], &serde_json::to_value(&piece.devices)?)
            .with_context(|| format!("lines {first} to {last}"))?;
        let imported: Imported = client.read(&answer)?;
        total.new += imported.new;
        total.updated += imported.updated;
        bar.set_position(pieces.bytes());
        bar.set_message(format!("{} devices", total.new + total.updated));
    }
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
        let work = match (device.open_jobs.len(), device.drift.len()) {
            (0, 0) => String::new(),
            (0, drift) => format!("{drift} drifted"),
            (jobs, _) => format!("{jobs} open"),
        };
        let trouble = device.trouble.unwrap_or_default();
        vec![
            device.id,
            device.project,
            device.name,
            device.server,
            device.address,
            device.condition,
            work,
            trouble,
        ]
    });
    let header = ["ID", "PROJECT", "NAME", "SERVER", "ADDRESS", "CONDITION", "WORK", "TROUBLE"];
    output::table(&header, rows.collect())
}

/// A device for people.
fn words(device: &answers::Device) -> String {
    let text = output::fields(&[
        ("device", device.id.clone()),
        ("kind", device.kind.clone()),
        ("project", device.project.clone()),
        ("name", device.name.clone()),
        ("server", device.server.clone()),
        ("address", device.address.clone()),
        ("profile", device.profile.clone()),
        ("adopted", if device.adopted { "yes" } else { "not yet" }.to_owned()),
        ("condition", format!("{} since {}", device.condition, device.since)),
        ("trouble", device.trouble.clone().unwrap_or_default()),
        ("open jobs", device.open_jobs.join(", ")),
    ]);
    if device.desired.is_empty() && device.reported.is_empty() {
        return text;
    }
    format!("{text}\n{}", properties(device))
}

/// A table of all that is asked of a device or shown by it.
fn properties(device: &answers::Device) -> String {
    let names: BTreeSet<&String> = device.desired.keys().chain(device.reported.keys()).collect();
    let rows = names.into_iter().map(|name| {
        let desired = device.desired.get(name).map(|desired| value(desired));
        let reported = device.reported.get(name);
        let shown =
            reported.map(|shown| shown.value.as_deref().map_or_else(|| "(none)".into(), value));
        let drifts = if device.drift.contains(name) { "DIFFERS" } else { "" };
        vec![
            name.clone(),
            desired.unwrap_or_default(),
            shown.unwrap_or_default(),
            reported.map(|shown| ago(shown.age_seconds)).unwrap_or_default(),
            drifts.to_owned(),
        ]
    });
    output::table(&["PROPERTY", "DESIRED", "SHOWN", "READ", "DRIFT"], rows.collect())
}

/// A value as it is printed: one that is empty, or has blanks at its ends, in quotes.
fn value(text: &str) -> String {
    if text.is_empty() || text.trim() != text { format!("{text:?}") } else { text.to_owned() }
}

/// How long ago, in the largest unit that has passed once.
fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;

//! `fleetwright audit`: what was done by whom.

use std::process::ExitCode;

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Value, json};

use crate::client::answers::{Act, Audit as Page};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Acts that one answer has at most.
const PAGE_MAX: u32 = 1_000;

/// Lists administrative acts: `fleetwright audit list --project ID`
///
/// They are changes of projects, users, keys, tokens, records and settings, and that updates in
/// waves were made, paused, resumed, aborted or cancelled. What was asked of devices is in their
/// jobs.
#[derive(Debug, clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists acts, the newest first.
    #[command(after_help = "Examples:\n  fleetwright audit list\n  \
        fleetwright audit list --project acme --actor user:ada\n  \
        fleetwright audit list --action key.revoke --limit 20")]
    List {
        /// Of this project only.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
        /// By this actor only: admin, engine, user:NAME or key:ID.
        #[arg(long)]
        actor: Option<String>,
        /// Of this action only, such as key.revoke.
        #[arg(long)]
        action: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100,
            value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
}

impl Audit {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        let Command::List { project, actor, action, limit } = self.command;
        let project = project.map(|project| project.to_string());
        let given = [("project", project), ("actor", actor), ("action", action)];
        let given: Vec<(&str, String)> =
            given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let acts = fetch(&client, &given, limit)?;
        if self.server.json {
            output::json(&json!({ "acts": acts }))?;
        } else {
            let acts: Result<Vec<Act>, _> = acts.iter().map(|act| client.read(act)).collect();
            output::data(&table(acts?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The first `limit` acts, page by page.
fn fetch(client: &Client, given: &[(&str, String)], limit: u32) -> Result<Vec<Value>> {
    let mut acts = Vec::new();
    let mut after = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(acts.len()).unwrap_or(u32::MAX));
        let mut query = given.to_vec();
        query.push(("limit", left.min(PAGE_MAX).to_string()));
        query.extend(after.map(|after| ("after", after)));
        let page: Page = client.read(&client.get(&["audit"], &query)?)?;
        acts.extend(page.acts);
        after = page.next;
        if after.is_none() || acts.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Ok(acts);
        }
    }
}

fn table(acts: Vec<Act>) -> String {
    let rows = acts.into_iter().map(|act| {
        let detail = match &act.detail {
            Value::Object(fields) if fields.is_empty() => String::new(),
            detail => detail.to_string(),
        };
        vec![act.at, act.actor, act.action, act.project.unwrap_or_default(), act.target, detail]
    });
    let header = ["AT", "ACTOR", "ACTION", "PROJECT", "TARGET", "DETAIL"];
    output::table(&header, rows.collect())
}

//! `fleetwright webhook`: where what happens is delivered to.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use fleet::{EventType, ProjectId};
use serde_json::{Map, Value, json};

use super::key::read_secret;
use crate::client::answers::{Trial, Webhook as Shown, Webhooks};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists, changes, deletes and tries webhooks: a receiver is told what happens, as it
/// happens, by signed POSTs of JSON.
#[derive(Debug, clap::Args)]
pub struct Webhook {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a webhook, which is told of what happens from then on.
    #[command(after_help = "Examples:\n  fleetwright webhook create --project acme --to \
        https://receiver.example/fleet\n  fleetwright webhook create --all-projects --types \
        job.ended --to http://127.0.0.1:8000/\n\n\
        The secret that deliveries are signed with is shown once and never again, unless it is\n\
        given by --secret-file.")]
    Create {
        #[command(flatten)]
        of: Of,
        /// Where deliveries go: https://, or http:// to the server's own machine.
        #[arg(long, value_name = "URL")]
        to: String,
        #[command(flatten)]
        shared: Shared,
        /// It makes no deliveries until it is enabled.
        #[arg(long)]
        disabled: bool,
    },
    /// Lists webhooks, and how their deliveries stand.
    #[command(after_help = "Examples:\n  fleetwright webhook list --project acme\n  \
        fleetwright webhook list --json")]
    List {
        /// Of this project only.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
    },
    /// Shows a webhook, and how its deliveries stand.
    #[command(after_help = "Example:\n  fleetwright webhook show ID")]
    Show {
        /// The webhook's id.
        id: String,
    },
    /// Changes a webhook, and tries at once what it waited with.
    #[command(after_help = "Examples:\n  fleetwright webhook change ID --enable\n  \
        fleetwright webhook change ID --new-secret\n  \
        fleetwright webhook change ID --to https://receiver.example/other\n\n\
        What happened while it was disabled is delivered then, as far back as a day.")]
    Change {
        /// The webhook's id.
        id: String,
        /// Where deliveries go from now on.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        #[command(flatten)]
        shared: Shared,
        /// Makes another secret, which is shown once.
        #[arg(long, conflicts_with = "secret_file")]
        new_secret: bool,
        /// Deliveries are made from now on.
        #[arg(long)]
        enable: bool,
        /// Deliveries are made no longer.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
    },
    /// Deletes a webhook.
    #[command(after_help = "Example:\n  fleetwright webhook delete ID")]
    Delete {
        /// The webhook's id.
        id: String,
    },
    /// Sends a webhook's receiver one event of the type test, and tells what came back.
    #[command(after_help = "Example:\n  fleetwright webhook test ID\n\n\
        It ends with status 1 if the receiver does not take it.")]
    Test {
        /// The webhook's id.
        id: String,
    },
}

/// What a webhook is told of.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// The project whose events it is told of.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// It is told of the events of the whole server, which takes the admin token.
    #[arg(long)]
    all_projects: bool,
}

/// What is said of a webhook both when it is made and when it changes.
#[derive(Debug, clap::Args)]
struct Shared {
    /// The types of events that it is told of, parted by commas: update.accepted, job.ended,
    /// device.changed, projects.changed. Unless given: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<EventType>,
    /// The URL may be http:// to another machine: everybody in between can read what goes there.
    #[arg(long, requires = "to")]
    insecure: bool,
    /// A file with the secret that deliveries are signed with; - is stdin.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl Shared {
    /// As the API takes it.
    fn body(&self, url: Option<&str>) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        if let Some(url) = url {
            body.insert("url".to_owned(), json!(url));
        }
        if self.insecure {
            body.insert("insecure".to_owned(), json!(true));
        }
        if !self.types.is_empty() {
            let types: Vec<_> = self.types.iter().map(|known| known.name()).collect();
            body.insert("types".to_owned(), json!(types));
        }
        if let Some(file) = &self.secret_file {
            body.insert("secret".to_owned(), json!(read_secret(file)?.expose()));
        }
        Ok(body)
    }
}

impl Webhook {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Create { of, to, shared, disabled } => {
                let mut body = shared.body(Some(&to))?;
                body.insert("project".to_owned(), json!(of.project));
                body.insert("enabled".to_owned(), json!(!disabled));
                let answer = client.post(&["webhooks"], &Value::Object(body))?;
                show(&client, &answer, is_json)?;
            }
            Command::List { project } => {
                let query = project.map(|project| ("project", project.to_string()));
                let answer = client.get(&["webhooks"], query.as_slice())?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&table(client.read(&answer)?))?;
                }
            }
            Command::Show { id } => {
                show(&client, &client.get(&["webhooks", &id], &[])?, is_json)?;
            }
            Command::Change { id, to, shared, new_secret, enable, disable } => {
                let mut body = shared.body(to.as_deref())?;
                if new_secret {
                    body.insert("new_secret".to_owned(), json!(true));
                }
                if enable || disable {
                    body.insert("enabled".to_owned(), json!(enable));
                }
                let answer = client.put(&["webhooks", &id], &[], &Value::Object(body))?;
                show(&client, &answer, is_json)?;
            }
            Command::Delete { id } => {
                client.delete(&["webhooks", &id], &[])?;
                output::tell(&format!("{} is deleted", output::clean(&id)));
            }
            Command::Test { id } => test(&client, &id, is_json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Tries a webhook. Errors: its receiver has not taken it.
fn test(client: &Client, id: &str, is_json: bool) -> Result<()> {
    let answer = client.post(&["webhooks", id, "test"], &json!({}))?;
    let trial: Trial = client.read(&answer)?;
    if is_json {
        output::json(&answer)?;
    } else {
        let status = trial.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        output::data(&output::fields(&[
            ("status", status),
            ("took", format!("{} ms", trial.took_ms)),
            ("detail", trial.detail),
        ]))?;
    }
    if trial.taken { Ok(()) } else { Err(Failure::failed("the receiver has not taken it").into()) }
}

/// One webhook.
fn show(client: &Client, answer: &Value, is_json: bool) -> Result<()> {
    if is_json {
        return Ok(output::json(answer)?);
    }
    let webhook: Shown = client.read(answer)?;
    if webhook.secret.is_some() {
        output::tell("The secret is shown now and never again.");
    }
    let deliveries = deliveries(&webhook);
    Ok(output::data(&output::fields(&[
        ("id", webhook.id),
        ("project", webhook.project.unwrap_or_else(|| "all".to_owned())),
        ("url", webhook.url),
        ("types", webhook.types.join(", ")),
        ("deliveries", deliveries),
        ("last success", webhook.last_success_at.unwrap_or_default()),
        ("last failure", webhook.last_failure_at.unwrap_or_default()),
        ("reason", webhook.last_failure.unwrap_or_default()),
        ("next attempt", webhook.next_attempt_at.unwrap_or_default()),
        ("created", format!("{} by {}", webhook.created_at, webhook.created_by)),
        ("secret", webhook.secret.unwrap_or_default()),
    ]))?)
}

/// How its deliveries stand, in a few words.
fn deliveries(webhook: &Shown) -> String {
    match (webhook.enabled, webhook.failures) {
        (false, _) => "disabled".to_owned(),
        (true, 0) => "enabled".to_owned(),
        (true, 1) => "failing: 1 failure".to_owned(),
        (true, failures) => format!("failing: {failures} failures in a row"),
    }
}

fn table(list: Webhooks) -> String {
    let rows = list.webhooks.into_iter().map(|webhook| {
        let deliveries = deliveries(&webhook);
        let project = webhook.project.unwrap_or_else(|| "all".to_owned());
        let last = webhook.last_success_at.unwrap_or_default();
        vec![webhook.id, project, webhook.url, deliveries, last]
    });
    output::table(&["ID", "PROJECT", "URL", "DELIVERIES", "LAST SUCCESS"], rows.collect())
}

//! `fleetwright project`: tenants.

use std::process::ExitCode;

use anyhow::Result;
use fleet::ProjectId;
use serde_json::json;

use crate::client::answers::{self, Projects};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Makes and lists projects: tenants, each with its own devices and access keys.
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
}

impl Project {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Create { name, id } => {
                let mut body = json!({ "name": name });
                if let (Some(id), Some(fields)) = (id, body.as_object_mut()) {
                    fields.insert("id".to_owned(), json!(id));
                }
                let answer = client.post(&["projects"], &body)?;
                if self.server.json {
                    output::json(&answer)?;
                } else {
                    let project: answers::Project = client.read(&answer)?;
                    output::data(&output::fields(&[("id", project.id), ("name", project.name)]))?;
                }
            }
            Command::List => {
                let answer = client.get(&["projects"], &[])?;
                if self.server.json {
                    output::json(&answer)?;
                } else {
                    output::data(&table(client.read(&answer)?))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(list: Projects) -> String {
    let rows =
        list.projects.into_iter().map(|project| vec![project.id, project.name, project.created_at]);
    output::table(&["ID", "NAME", "CREATED"], rows.collect())
}

//! `fleetwright organization`: where cameras and channels are filed.

use std::process::ExitCode;

use anyhow::Result;
use fleet::{OrganizationId, OrganizationPath, ProjectId};
use serde_json::{Value, json};

use crate::client::answers::{self, Organizations};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Organizations in one page: the most that the server gives.
const PAGE: u32 = 1_000;

/// Makes, lists, moves and deletes organizations: paths of up to four names, in which cameras and
/// channels are filed by the property Organization.
#[derive(Debug, clap::Args)]
pub struct Organization {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists the organizations of a project, by path.
    #[command(after_help = "Example:\n  fleetwright organization list --project acme")]
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Makes an organization. Filing a camera in a path that is none yet makes it too.
    #[command(after_help = "Examples:\n  \
        fleetwright organization create 北京/海淀/学院路 --project acme\n  \
        fleetwright update --project acme --device 34020000001320000001 \\\n    \
        --set Organization=北京/海淀/学院路")]
    Create {
        /// Its path: one to four names, joined by `/`.
        path: OrganizationPath,
        #[command(flatten)]
        of: Of,
    },
    /// Gives an organization another path. What is filed in it stays so.
    #[command(after_help = "Example:\n  \
        fleetwright organization move 0b6d3c0e9c2f4d8e8b2f0d2c4a6e8f10 北京/昌平 --project acme")]
    Move {
        /// Its id.
        id: OrganizationId,
        /// The path that it gets.
        path: OrganizationPath,
        #[command(flatten)]
        of: Of,
    },
    /// Deletes an organization in which nothing is filed.
    #[command(after_help = "Example:\n  \
        fleetwright organization delete 0b6d3c0e9c2f4d8e8b2f0d2c4a6e8f10 --project acme")]
    Delete {
        /// Its id.
        id: OrganizationId,
        #[command(flatten)]
        of: Of,
    },
}

/// Whose organizations.
#[derive(Debug, clap::Args)]
struct Of {
    /// The project.
    #[arg(long, value_name = "ID")]
    project: ProjectId,
}

impl Of {
    /// Where they are.
    fn path(&self) -> [&str; 3] {
        ["projects", self.project.as_str(), "organizations"]
    }
}

impl Organization {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        let answer = match self.command {
            Command::List { of } => {
                list(&client, &of, is_json)?;
                return Ok(ExitCode::SUCCESS);
            }
            Command::Create { path, of } => {
                client.post(&of.path(), &json!({ "path": path.to_string() }))?
            }
            Command::Move { id, path, of } => {
                let [projects, project, organizations] = of.path();
                let body = json!({ "path": path.to_string() });
                client.patch(&[projects, project, organizations, id.as_str()], &body)?
            }
            Command::Delete { id, of } => {
                let [projects, project, organizations] = of.path();
                client.delete(&[projects, project, organizations, id.as_str()], &[])?;
                output::tell(&format!("{id} is deleted"));
                return Ok(ExitCode::SUCCESS);
            }
        };
        if is_json {
            output::json(&answer)?;
        } else {
            let made: answers::Organization = client.read(&answer)?;
            output::data(&output::fields(&[("id", made.id), ("path", made.path)]))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Lists the organizations of a project: all of them.
fn list(client: &Client, of: &Of, is_json: bool) -> Result<()> {
    let mut whole: Vec<Value> = Vec::new();
    let mut organizations = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&of.path(), &query)?;
        let page: Organizations = client.read(&answer)?;
        after = page.next.filter(|_| !page.organizations.is_empty());
        organizations.extend(page.organizations);
        if let Some(Value::Array(page)) = answer.get_mut("organizations").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            break;
        }
    }
    if is_json {
        output::json(&json!({ "organizations": whole }))?;
    } else {
        output::data(&table(organizations))?;
    }
    Ok(())
}

/// Organizations for people.
fn table(organizations: Vec<answers::Organization>) -> String {
    let rows = organizations.into_iter().map(|found| vec![found.id, found.path, found.created_at]);
    output::table(&["ID", "PATH", "CREATED"], rows.collect())
}

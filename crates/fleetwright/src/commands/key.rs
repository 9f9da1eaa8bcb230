//! `fleetwright key`: access keys, by which client programs prove who they are.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use fleet::{ProjectId, Secret};
use serde_json::json;

use crate::client::answers::{Keys, NewKey};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists and revokes access keys. A key opens one project; client programs sign with it.
#[derive(Debug, clap::Args)]
pub struct Key {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes an access key, or takes over one that clients hold already.
    #[command(after_help = "Examples:\n  fleetwright key create --project acme\n  \
        fleetwright key create --project acme --ak AKIDEXAMPLE --sk-file secret.txt\n\n\
        A new key's secret is shown once and never again.")]
    Create {
        /// The project that it opens.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
        /// The id of a key that exists elsewhere; needs its secret.
        #[arg(long)]
        ak: Option<String>,
        /// That key's secret. Everybody on this machine can see it in the list of processes while
        /// the command runs: prefer --sk-file.
        #[arg(long, requires = "ak", conflicts_with = "sk_file")]
        sk: Option<String>,
        /// A file with that key's secret; - is stdin.
        #[arg(long, value_name = "FILE", requires = "ak")]
        sk_file: Option<PathBuf>,
    },
    /// Lists a project's keys, without their secrets.
    #[command(after_help = "Example:\n  fleetwright key list --project acme")]
    List {
        /// The project.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
    },
    /// Revokes a key: no request signed with it is accepted from then on.
    #[command(after_help = "Example:\n  fleetwright key revoke AKIDEXAMPLE")]
    Revoke {
        /// The key's id.
        ak: String,
    },
}

impl Key {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Create { project, ak, sk, sk_file } => {
                let given = given(ak, sk, sk_file.as_deref())?;
                create(&client, &project, given.as_ref(), is_json)?;
            }
            Command::List { project } => {
                let answer = client.get(&["projects", project.as_str(), "keys"], &[])?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&table(client.read(&answer)?))?;
                }
            }
            Command::Revoke { ak } => {
                client.delete(&["keys", &ak])?;
                output::tell(&format!("{} is revoked", output::clean(&ak)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn create(
    client: &Client,
    project: &ProjectId,
    given: Option<&(String, Secret<String>)>,
    is_json: bool,
) -> Result<()> {
    let body = match given {
        Some((ak, secret)) => json!({ "ak": ak, "sk": secret.expose() }),
        None => json!({}),
    };
    let answer = client.post(&["projects", project.as_str(), "keys"], &body)?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let key: NewKey = client.read(&answer)?;
    let mut fields = vec![("project", project.to_string()), ("ak", key.ak)];
    if given.is_none() {
        fields.push(("sk", key.sk));
        output::tell("The secret (sk) is shown now and never again.");
    }
    Ok(output::data(&output::fields(&fields))?)
}

/// The key that the command line gives; `None` asks for a new one.
fn given(
    ak: Option<String>,
    sk: Option<String>,
    sk_file: Option<&Path>,
) -> Result<Option<(String, Secret<String>)>> {
    let secret = match (sk, sk_file) {
        (Some(secret), _) => Some(Secret::new(secret)),
        (None, Some(path)) => Some(read_secret(path)?),
        (None, None) => None,
    };
    match (ak, secret) {
        (Some(ak), Some(secret)) => Ok(Some((ak, secret))),
        (Some(_), None) => {
            let what = "--ak names a key that exists elsewhere, and takes its secret: --sk-file";
            Err(Failure::usage(what).into())
        }
        (None, _) => Ok(None),
    }
}

/// A secret in a file, without the blanks around it.
pub fn read_secret(path: &Path) -> Result<Secret<String>> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.map_err(|error| Failure::unreadable(path.display(), &error))?;
    let text = Secret::new(text);
    Ok(Secret::new(text.expose().trim().to_owned()))
}

fn table(list: Keys) -> String {
    let rows = list
        .keys
        .into_iter()
        .map(|key| vec![key.ak, key.created_at, key.revoked_at.unwrap_or_default()]);
    output::table(&["AK", "CREATED", "REVOKED"], rows.collect())
}

//! `fleetwright key`: access keys, by which client programs prove who they are.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use fleet::{ProjectId, Secret};
use serde_json::{Map, Value, json};

use crate::client::answers::{Keys, NewKey};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists and revokes access keys. A key opens one project, or all; client programs sign with
/// it.
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
        fleetwright key create --project acme --ak AKIDEXAMPLE --sk-file secret.txt\n  \
        fleetwright key create --all-projects --strict\n\n\
        A new key's secret is shown once and never again.\n\
        ISS names a project in each request: a key for all projects works as the vendor's account\n\
        keys do, and may make and delete projects there. CPH takes either.")]
    Create {
        #[command(flatten)]
        opens: Opens,
        /// ISS's signatures by it have to cover the whole request: the host, all of the query, the
        /// body by its length and MD5; and each is taken once. The vendor's own SDKs sign less.
        #[arg(long)]
        strict: bool,
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
    /// Lists a project's keys, or those that open all projects, without their secrets.
    #[command(after_help = "Examples:\n  fleetwright key list --project acme\n  \
        fleetwright key list --all-projects")]
    List {
        #[command(flatten)]
        opens: Opens,
    },
    /// Revokes a key: no request signed with it is accepted from then on.
    #[command(after_help = "Example:\n  fleetwright key revoke AKIDEXAMPLE")]
    Revoke {
        /// The key's id.
        ak: String,
    },
}

/// What a key opens.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Opens {
    /// The project that it opens.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// It opens all projects, those that are made later too.
    #[arg(long)]
    all_projects: bool,
}

impl Opens {
    /// Where such keys are made and listed.
    fn path(&self) -> Vec<&str> {
        match &self.project {
            Some(project) => vec!["projects", project.as_str(), "keys"],
            None => vec!["keys"],
        }
    }
}

impl Key {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Create { opens, strict, ak, sk, sk_file } => {
                let given = given(ak, sk, sk_file.as_deref())?;
                create(&client, &opens, strict, given.as_ref(), is_json)?;
            }
            Command::List { opens } => {
                let answer = client.get(&opens.path(), &[])?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&table(client.read(&answer)?))?;
                }
            }
            Command::Revoke { ak } => {
                client.delete(&["keys", &ak], &[])?;
                output::tell(&format!("{} is revoked", output::clean(&ak)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn create(
    client: &Client,
    opens: &Opens,
    strict: bool,
    given: Option<&(String, Secret<String>)>,
    is_json: bool,
) -> Result<()> {
    let mut body = Map::new();
    body.insert("strict".to_owned(), json!(strict));
    if opens.all_projects {
        body.insert("all_projects".to_owned(), json!(true));
    }
    if let Some((ak, secret)) = given {
        body.insert("ak".to_owned(), json!(ak));
        body.insert("sk".to_owned(), json!(secret.expose()));
    }
    let answer = client.post(&opens.path(), &Value::Object(body))?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let key: NewKey = client.read(&answer)?;
    let project = opens.project.as_ref().map_or("all", ProjectId::as_str).to_owned();
    let mut fields = vec![("project", project), ("ak", key.ak)];
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
    let rows = list.keys.into_iter().map(|key| {
        let strict = if key.strict { "yes" } else { "no" }.to_owned();
        let (revoked, used) = (key.revoked_at, key.last_used_at);
        vec![key.ak, strict, key.created_at, revoked.unwrap_or_default(), used.unwrap_or_default()]
    });
    output::table(&["AK", "STRICT", "CREATED", "REVOKED", "LAST USED"], rows.collect())
}

//! `fleetwright user`: who signs in by name and password, what they may do, and their tokens.

mod grants;
mod token;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use fleet::limits::USER_BYTES_MAX;
use fleet::{Grant, ProjectId, Secret};
use serde_json::json;

use crate::client::answers::{self, Users};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Makes, lists, disables and enables users, says what they may do in which project, and gives
/// them tokens. A user is of one project, for which the user signs in at the vendors' APIs (CPH's
/// POST /v3/auth/tokens); at this server's own (POST /api/v1/session) the user's token opens all
/// projects in which the user may do something.
#[derive(Debug, clap::Args)]
pub struct User {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a user of a project.
    #[command(after_help = "Examples:\n  \
        fleetwright user create ada --project acme --password-file ada.txt\n  \
        pass show ada | fleetwright user create ada --project acme --password-file -\n\n\
        One line feed at the file's end is no part of the password. The server keeps only a hash.")]
    Create {
        /// The user's name, unique on the server whatever the case of its letters: 1 to 64 ASCII
        /// letters, digits, spaces, - _ and . and neither a digit nor a space first.
        name: String,
        /// The project that manages the user, and for which the user signs in at the vendors' APIs.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
        /// A file with the password; - is stdin.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// What the user may do in the project: viewer, operator or admin.
        #[arg(long, default_value = "operator")]
        role: Grant,
    },
    /// Says what a user, of whichever project, may do in a project from now on.
    #[command(after_help = "Examples:\n  \
        fleetwright user grant ada --project acme --role viewer\n  \
        fleetwright user grant ada --project tests --role admin\n\n\
        A viewer looks; an operator changes devices; an admin changes the project, its keys and\n\
        its users as well.")]
    Grant {
        /// The user's name.
        name: String,
        /// The project.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
        /// viewer, operator or admin.
        #[arg(long)]
        role: Grant,
    },
    /// Takes from a user what the user may do in a project.
    #[command(after_help = "Example:\n  fleetwright user ungrant ada --project acme")]
    Ungrant {
        /// The user's name.
        name: String,
        /// The project.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
    },
    /// Lists what a user may do, or who may do something in a project.
    #[command(after_help = "Examples:\n  \
        fleetwright user grants ada\n  \
        fleetwright user grants --project acme\n\n\
        Those who may do something in a project need not be users of it.")]
    Grants {
        /// The user's name.
        #[arg(required_unless_present = "project", conflicts_with = "project")]
        name: Option<String>,
        /// The project.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
    },
    /// Makes, lists and revokes tokens of users.
    #[command(
        subcommand,
        after_help = "Example:\n  fleetwright user token create ada --name nightly --days 90"
    )]
    Token(token::Command),
    /// Lists a project's users.
    #[command(after_help = "Example:\n  fleetwright user list --project acme")]
    List {
        /// The project.
        #[arg(long, value_name = "ID")]
        project: ProjectId,
    },
    /// Gives a user another password. All of the user's tokens stop working.
    #[command(after_help = "Example:\n  \
        fleetwright user password ada --password-file new.txt")]
    Password {
        /// The user's name.
        name: String,
        /// A file with the password; - is stdin.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
    /// Disables a user, whose tokens stop working at once.
    #[command(after_help = "Example:\n  fleetwright user disable ada\n\n\
        The way back: fleetwright user enable ada")]
    Disable {
        /// The user's name.
        name: String,
    },
    /// Lets a user who was disabled sign in again, with the password from before.
    #[command(after_help = "Example:\n  fleetwright user enable ada\n\n\
        Roles are as they were; tokens do not come back. Another password first is no use: it is\n\
        refused to one who is disabled.")]
    Enable {
        /// The user's name.
        name: String,
    },
}

impl User {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Create { name, project, password_file, role } => {
                let password = read_password(&password_file, USER_BYTES_MAX)?;
                let body = json!({
                    "name": name,
                    "password": password.expose(),
                    "role": role.name(),
                });
                let answer = client.post(&["projects", project.as_str(), "users"], &body)?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    let user: answers::User = client.read(&answer)?;
                    let fields = [("user", user.name), ("project", user.project)];
                    output::data(&output::fields(&fields))?;
                }
            }
            Command::Grant { name, project, role } => {
                grants::set(&client, &name, &project, Some(role))?;
            }
            Command::Ungrant { name, project } => grants::set(&client, &name, &project, None)?,
            Command::Grants { project: Some(project), .. } => {
                grants::holders(&client, &project, is_json)?;
            }
            Command::Grants { name, .. } => {
                grants::list(&client, &name.unwrap_or_default(), is_json)?;
            }
            Command::Token(token) => token.run(&client, is_json)?,
            Command::List { project } => {
                let answer = client.get(&["projects", project.as_str(), "users"], &[])?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    let list: Users = client.read(&answer)?;
                    if list.users.iter().any(|user| user.has_namesake) {
                        output::tell(NAMESAKES);
                    }
                    output::data(&table(list))?;
                }
            }
            Command::Password { name, password_file } => {
                let password = read_password(&password_file, USER_BYTES_MAX)?;
                client.put(
                    &["users", &name, "password"],
                    &[],
                    &json!({ "password": password.expose() }),
                )?;
                let name = output::clean(&name);
                output::tell(&format!("{name} has another password, and no token works any more"));
            }
            Command::Disable { name } => {
                client.delete(&["users", &name], &[])?;
                output::tell(&format!("{} is disabled", output::clean(&name)));
            }
            Command::Enable { name } => {
                client.post(&["users", &name, "enable"], &json!({}))?;
                output::tell(&format!("{} may sign in again", output::clean(&name)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A password in a file, - being stdin: all of it but one line feed at its end. It has at most
/// `bytes_max`.
pub fn read_password(path: &Path, bytes_max: usize) -> Result<Secret<String>> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        // Room for a password that is too long to be told so, and no more.
        let most = bytes_max as u64 + 3;
        if path == Path::new("-") {
            std::io::stdin().lock().take(most).read_to_string(&mut text)?;
        } else {
            std::fs::File::open(path)?.take(most).read_to_string(&mut text)?;
        }
        Ok(text)
    };
    let text = read().map_err(|error| Failure::unreadable(path.display(), &error))?;
    let text = Secret::new(text);
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let password = Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned());
    if password.expose().is_empty() {
        return Err(Failure::usage(format!("{} holds no password", path.display())).into());
    }
    if password.expose().len() > bytes_max {
        let what = format!("{}: a password has at most {bytes_max} bytes", path.display());
        return Err(Failure::usage(what).into());
    }
    Ok(password)
}

/// What is said of a list in which a user has a name that another has but for the case.
const NAMESAKES: &str = "SAME NAME: another user of this server has it but for the case of its \
     letters; each signs in by exactly its own, until one is made anew with another";

fn table(list: Users) -> String {
    let rows = list.users.into_iter().map(|user| {
        let namesake = if user.has_namesake { "yes" } else { "" };
        let disabled = user.disabled_at.unwrap_or_default();
        vec![user.name, user.project, user.created_at, disabled, namesake.to_owned()]
    });
    output::table(&["NAME", "PROJECT", "CREATED", "DISABLED", "SAME NAME"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_file_but_for_its_last_line_feed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read_password(&file, USER_BYTES_MAX).map(|password| password.expose().clone())
        };
        for (text, password) in
            [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), (" a b \n\n", " a b \n"), ("ä\n", "ä")]
        {
            assert_eq!(read(text).unwrap(), password, "{text:?}");
        }
        assert!(read("").is_err() && read("\n").is_err());
        assert_eq!(read(&format!("{}\n", "x".repeat(128))).unwrap().len(), 128);
        let error = read(&"secret".repeat(50)).unwrap_err().to_string();
        assert!(error.contains("at most 128 bytes") && !error.contains("secret"), "{error}");
    }
}

//! `fleetwright device credentials`: whom a camera must register as.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::ArgGroup;
use fleet::CredentialsInUse;
use fleet::limits::REGISTRANT_BYTES_MAX;
use serde_json::{Map, Value, json};

use super::power::{Waiting, follow};
use super::target::Target;
use crate::client::Client;
use crate::commands::duration;
use crate::commands::user::read_password;

/// What changes.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group(
    ArgGroup::new("what")
        .required(true)
        .multiple(true)
        .args(["user", "password_stdin", "password_file"])
))]
pub struct Change {
    /// The digest user name that it must register with.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Reads the password that it must register with from stdin.
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// A file with that password; - is stdin.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How long those that are replaced work besides, up to 30 days; unless given, as long as the
    /// project says: see `project set --password-overlap`.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    overlap: Option<Duration>,
}

impl Change {
    /// Asks for it, and shows the job.
    pub fn ask(
        self,
        client: &Client,
        target: &Target,
        waiting: &Waiting,
        is_json: bool,
    ) -> Result<()> {
        let path = target.path("credentials");
        let answer = client.put(&path, &target.query(), &self.body()?)?;
        follow(client, target, &answer, waiting, is_json)
    }

    /// As the server takes it. Errors: the password can't be read.
    fn body(self) -> Result<Value> {
        let stdin = self.password_stdin.then(|| PathBuf::from("-"));
        let file: Option<PathBuf> = stdin.or(self.password_file);
        let read = |path: &Path| read_password(path, REGISTRANT_BYTES_MAX);
        let password = file.as_deref().map(read).transpose()?;
        let mut body = Map::new();
        body.extend(self.user.map(|user| ("user".to_owned(), json!(user))));
        let password = password.map(|password| ("password".to_owned(), json!(password.expose())));
        body.extend(password);
        let overlap = self.overlap.map(|overlap| overlap.as_secs());
        body.extend(overlap.map(|seconds| ("overlap_seconds".to_owned(), json!(seconds))));
        Ok(Value::Object(body))
    }
}

/// Reads the word for what a camera registered with, which may have a hyphen.
pub fn in_use(text: &str) -> std::result::Result<CredentialsInUse, String> {
    let found = text.replace('-', "_").parse();
    found.map_err(|_| format!("{text:?} is none of current, old, not-renewed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_is_sent_and_the_password_comes_from_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        std::fs::write(&file, "12345678\n").unwrap();
        let change = Change {
            user: None,
            password_stdin: false,
            password_file: Some(file),
            overlap: Some(Duration::from_secs(3_600)),
        };
        let body = change.body().unwrap();
        assert_eq!(body, json!({ "password": "12345678", "overlap_seconds": 3_600 }));
        let user = Some("gate".to_owned());
        let change = Change { user, password_stdin: false, password_file: None, overlap: None };
        assert_eq!(change.body().unwrap(), json!({ "user": "gate" }));
    }

    #[test]
    fn what_is_in_use_is_named_as_the_server_does_or_with_a_hyphen() {
        assert_eq!(in_use("not-renewed"), Ok(CredentialsInUse::NotRenewed));
        assert_eq!(in_use("not_renewed"), Ok(CredentialsInUse::NotRenewed));
        assert_eq!(in_use("old"), Ok(CredentialsInUse::Old));
        assert!(in_use("older").is_err());
    }
}

//! `fleetwright device restart`, `reset` and `stop`.

use std::time::Duration;

use anyhow::Result;
use fleet::Values;
use serde_json::{Map, Value, json};

use super::target::Target;
use crate::client::Client;
use crate::client::answers::Accepted;
use crate::commands::{duration, job};
use crate::output;

/// What is asked for besides the operation.
#[derive(Debug, clap::Args)]
pub struct Setting {
    /// A value to set with it; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
}

/// Whether the end is waited for.
#[derive(Debug, clap::Args)]
pub struct Waiting {
    /// Waits until the job has ended: status 0 if it succeeded, 1 if it failed, 3 if the time was
    /// over first.
    #[arg(long)]
    wait: bool,
    /// How long to wait; unless given, until it ends.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    timeout: Option<Duration>,
}

/// Reads `NAME=VALUE`. A value may have further equals signs, a name none.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

impl Setting {
    /// As the server takes it.
    pub fn body(self) -> Map<String, Value> {
        let values: Values = self.values.into_iter().collect();
        let mut body = Map::new();
        if !values.is_empty() {
            body.insert("property".to_owned(), json!(values));
        }
        body
    }
}

/// Asks for `verb`, shows the job, and waits for its end if that is wanted.
pub fn ask(
    client: &Client,
    target: &Target,
    verb: &str,
    body: Map<String, Value>,
    waiting: &Waiting,
    is_json: bool,
) -> Result<()> {
    let answer = client.post_with(&target.path(verb), &target.query(), &Value::Object(body))?;
    follow(client, target, &answer, waiting, is_json)
}

/// Shows the job that was accepted, and waits for its end if that is wanted.
pub fn follow(
    client: &Client,
    target: &Target,
    answer: &Value,
    waiting: &Waiting,
    is_json: bool,
) -> Result<()> {
    let accepted: Accepted = client.read(answer)?;
    if waiting.wait {
        return job::wait(client, accepted.job, waiting.timeout, is_json);
    }
    if is_json {
        output::json(answer)?;
    } else {
        let fields = [("job", accepted.job.to_string()), ("device", target.id.to_string())];
        output::data(&output::fields(&fields))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_all_after_the_first_equals_sign() {
        assert_eq!(assignment("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(assignment("a="), Ok(("a".into(), String::new())));
        assert!(assignment("=b").is_err() && assignment("a").is_err() && assignment("").is_err());
        let values = vec![("a".into(), "1".into()), ("b".into(), "x y".into())];
        let body = Value::Object(Setting { values }.body());
        assert_eq!(body, json!({ "property": { "a": "1", "b": "x y" } }));
        assert!(Setting { values: Vec::new() }.body().is_empty());
    }
}

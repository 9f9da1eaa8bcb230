//! Pausing, resuming, ending, cancelling and reverting updates.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::pace::Pace;
use super::{predict, rollout, show};
use crate::client::Client;
use crate::client::answers::{BegunUpdate, Update};
use crate::output;

/// What is done with an update.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    /// Begins nothing new until it is resumed.
    Pause,
    /// Goes on.
    Resume,
    /// Begins nothing new any more.
    Abort {
        /// Whether its open jobs are cancelled too.
        cancel: bool,
    },
    /// Its open jobs end.
    Cancel,
}

impl Verb {
    /// The word for it in a path.
    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort { .. } => "abort",
            Self::Cancel => "cancel",
        }
    }

    /// What is said with it.
    fn body(self) -> Value {
        match self {
            Self::Abort { cancel } => json!({ "cancel": cancel }),
            Self::Pause | Self::Resume | Self::Cancel => json!({}),
        }
    }
}

/// Does it, and shows the update as it stands then.
pub fn ask(client: &Client, id: &str, verb: Verb, is_json: bool) -> Result<()> {
    let answer = client.post(&["updates", id, verb.name()], &verb.body())?;
    if is_json {
        output::json(&answer)?;
    } else {
        let update: Update = client.read(&answer)?;
        output::data(&show::whole(&update, &[]))?;
    }
    Ok(())
}

/// Takes an update back, shows what is left out, and waits for the end if that is wanted. A dry run
/// shows what would come of it.
pub fn revert(
    client: &Client,
    id: &str,
    pace: &Pace,
    dry_run: bool,
    wait: Option<Option<Duration>>,
    is_json: bool,
) -> Result<()> {
    let mut body = Map::new();
    body.extend(pace.body().map(|pace| ("rollout".to_owned(), pace)));
    if dry_run {
        return predict::predict_revert(client, &["updates", id, "revert"], &[], body, is_json);
    }
    let answer = client.post(&["updates", id, "revert"], &Value::Object(body))?;
    let begun: BegunUpdate = client.read(&answer)?;
    rollout::begun(client, &answer, &begun, wait, is_json)
}

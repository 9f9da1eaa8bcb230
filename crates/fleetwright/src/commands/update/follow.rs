//! Waiting for the end of an update.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::show;
use crate::client::Client;
use crate::client::answers::{AcceptedUpdate, Update};
use crate::commands::rest;
use crate::exit::Failure;
use crate::output;

/// Between two looks at an update: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Waits until all jobs have ended, at most as long as `within`, and shows the update as it stands
/// then with what was refused and what failed.
pub fn wait(
    client: &Client,
    accepted: &AcceptedUpdate,
    within: Option<Duration>,
    is_json: bool,
) -> Result<()> {
    if accepted.jobs.iter().all(|outcome| outcome.job.is_none()) {
        // Of an update all of whose devices were refused the server keeps nothing.
        let answer = json!({ "id": accepted.id, "refused": refusals(accepted) });
        print(&answer, is_json, || show::accepted(accepted))?;
        return show::verdict(accepted, None);
    }
    // Who breaks off has to know what goes on.
    output::tell(&format!("update {} is accepted", accepted.id));
    let (mut answer, update) = look_until_ended(client, &accepted.id, within)?;
    let failed = show::failed_jobs(client, &accepted.id, update.jobs)?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("refused".to_owned(), json!(refusals(accepted)));
    }
    let words = || {
        let parts = [show::whole(&update, &failed), show::refused(accepted)];
        let parts = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n\n")
    };
    print(&answer, is_json, words)?;
    let open = update.jobs.total - update.jobs.succeeded - update.jobs.failed;
    if open > 0 {
        let what = format!(
            "the time is over and {open} of {} jobs are open, which go on: fleetwright update show \
             {}",
            update.jobs.total, accepted.id
        );
        return Err(Failure::timed_out(what).into());
    }
    show::verdict(accepted, Some(update.jobs))
}

/// Looks at an update again and again until no job of it is open or the time is over.
fn look_until_ended(
    client: &Client,
    id: &str,
    within: Option<Duration>,
) -> Result<(Value, Update)> {
    let start = Instant::now();
    let bar = ProgressBar::no_length();
    let style = "{bar:40} {pos} of {len}  {elapsed}  {wide_msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut pause = LOOK_FIRST;
    loop {
        let answer = client.get(&["updates", id], &[])?;
        let update: Update = client.read(&answer)?;
        let ended = update.jobs.succeeded + update.jobs.failed;
        let left = within.map(|within| within.saturating_sub(start.elapsed()));
        if ended >= update.jobs.total || left.is_some_and(|left| left.is_zero()) {
            bar.finish_and_clear();
            return Ok((answer, update));
        }
        bar.set_length(update.jobs.total);
        bar.set_position(ended);
        bar.set_message(show::counts(update.jobs));
        rest(left.map_or(pause, |left| left.min(pause)));
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// The devices that were refused, for programs: as the server said it.
fn refusals(accepted: &AcceptedUpdate) -> Vec<Value> {
    let refused = accepted.jobs.iter().filter_map(|outcome| {
        let error = outcome.error.as_ref()?;
        let mut said = json!({ "code": error.code, "detail": error.detail });
        if let (Some(property), Some(said)) = (&error.property, said.as_object_mut()) {
            said.insert("property".to_owned(), json!(property));
        }
        Some(json!({ "device": outcome.device, "error": said }))
    });
    refused.collect()
}

/// Prints for programs or for people.
fn print(answer: &Value, is_json: bool, words: impl Fn() -> String) -> Result<()> {
    if is_json {
        output::json(answer)?;
    } else {
        output::data(&words())?;
    }
    Ok(())
}

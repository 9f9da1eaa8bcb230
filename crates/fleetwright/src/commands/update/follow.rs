//! Waiting for the end of an update.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{rollout, show};
use crate::client::Client;
use crate::client::answers::{AcceptedUpdate, RefusedDevice, Update};
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
    let failed = show::failed_jobs(client, &update)?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("refused".to_owned(), json!(refusals(accepted)));
    }
    print(&answer, is_json, || joined(&[show::whole(&update, &failed), show::refused(accepted)]))?;
    check_time(&update)?;
    show::verdict(accepted, Some(update.jobs))
}

/// Waits until an update of this id has ended, as [`wait`] does.
pub fn wait_for(client: &Client, id: &str, within: Option<Duration>, is_json: bool) -> Result<()> {
    let (mut answer, update) = look_until_ended(client, id, within)?;
    let failed = show::failed_jobs(client, &update)?;
    let has_refused = update.rollout.as_ref().is_some_and(|rollout| rollout.refused > 0);
    let (whole, refused) = if has_refused {
        rollout::all_refused(client, &update.id)?
    } else {
        (Vec::new(), Vec::new())
    };
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("refused".to_owned(), json!(whole));
    }
    print(&answer, is_json, || {
        let table = |refused| if has_refused { rollout::refused_table(refused) } else { "".into() };
        joined(&[show::whole(&update, &failed), table(&refused)])
    })?;
    check_time(&update)?;
    verdict(&update, &refused)
}

/// Texts that are not empty, parted by an empty line.
pub fn joined(parts: &[String]) -> String {
    let parts = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

/// Whether nothing more happens for an update. Where somebody has to look at it first, devices that
/// were away are not waited for: they may be so for days.
fn has_ended(update: &Update) -> bool {
    let ended = update.jobs.succeeded + update.jobs.failed;
    let open = update.jobs.total.saturating_sub(ended);
    match &update.rollout {
        None => open == 0,
        Some(rollout) if rollout.waits_for_people() => open <= rollout.away,
        Some(rollout) => open == 0 && rollout.is_over(),
    }
}

/// An error if an update goes on: the time was over first.
fn check_time(update: &Update) -> Result<()> {
    if has_ended(update) {
        return Ok(());
    }
    let open = update.jobs.total - update.jobs.succeeded - update.jobs.failed;
    let mut what = format!("the time is over and {open} of {} jobs are open", update.jobs.total);
    if let Some(rollout) = update.rollout.as_ref().filter(|rollout| !rollout.is_over()) {
        let left = rollout.devices.saturating_sub(rollout.begun);
        what.push_str(&format!(", {left} of {} devices not begun", rollout.devices));
    }
    let what = format!("{what}, which go on: fleetwright update show {}", update.id);
    Err(Failure::timed_out(what).into())
}

/// An error if devices were refused or failed, or the update did not come to all of them.
fn verdict(update: &Update, refused: &[RefusedDevice]) -> Result<()> {
    let mut what = Vec::new();
    if let Some(rollout) = &update.rollout {
        let left = rollout.devices.saturating_sub(rollout.begun);
        if rollout.phase != "done" {
            let phase = &rollout.phase;
            what.push(format!("the update is {phase} with {left} devices not begun"));
        }
        if !refused.is_empty() {
            what.push(format!("{} of {} devices were refused", refused.len(), rollout.devices));
        }
    }
    if update.jobs.failed > 0 {
        what.push(format!("{} of {} jobs failed", update.jobs.failed, update.jobs.total));
    }
    if what.is_empty() { Ok(()) } else { Err(Failure::failed(what.join(", ")).into()) }
}

/// Looks at an update again and again until nothing more happens for it or the time is over.
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
        let left = within.map(|within| within.saturating_sub(start.elapsed()));
        if has_ended(&update) || left.is_some_and(|left| left.is_zero()) {
            bar.finish_and_clear();
            return Ok((answer, update));
        }
        let (done, of, said) = progress(&update);
        bar.set_length(of);
        bar.set_position(done);
        bar.set_message(said);
        rest(left.map_or(pause, |left| left.min(pause)));
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// How many of how many are done with, and what is said of it.
fn progress(update: &Update) -> (u64, u64, String) {
    let ended = update.jobs.succeeded + update.jobs.failed;
    let counts = show::counts(update.jobs);
    match &update.rollout {
        None => (ended, update.jobs.total, counts),
        Some(rollout) => {
            let said = format!("{}, wave {}, {counts}", rollout.phase, rollout.wave);
            (ended + rollout.refused, rollout.devices, said)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An update of four jobs in waves, of which so many are open and so many of those away.
    fn update(phase: &str, open: u64, away: u64) -> Update {
        let jobs = json!({ "total": 4, "pending": 0, "waiting": open, "running": 0,
            "succeeded": 4 - open, "failed": 0 });
        let rollout = json!({ "phase": phase, "why": null, "devices": 9, "begun": 4, "refused": 0,
            "wave": 1, "next_at": null, "away": away, "plan": { "window": null },
            "revert_of": null, "waves": [] });
        let update = json!({ "id": "u", "iss_request_id": null, "project": "p", "door": "native",
            "actor": "a", "accepted_at": "", "ended_at": null, "jobs": jobs, "rollout": rollout });
        serde_json::from_value(update).unwrap()
    }

    #[test]
    fn what_waits_for_people_does_not_wait_for_devices_that_are_away() {
        for phase in ["paused", "stopped"] {
            assert!(has_ended(&update(phase, 2, 2)), "{phase}");
            assert!(!has_ended(&update(phase, 3, 2)), "{phase}");
            assert!(verdict(&update(phase, 2, 2), &[]).is_err(), "{phase}");
        }
        for phase in ["done", "aborted"] {
            assert!(!has_ended(&update(phase, 2, 2)), "{phase}");
            assert!(has_ended(&update(phase, 0, 0)), "{phase}");
        }
        assert!(!has_ended(&update("running", 0, 0)));
    }
}

//! `fleetwright job`: what became of an update on one device.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use fleet::JobId;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::{duration, rest};
use crate::client::answers::Job as Found;
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Between two looks at a job: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Shows jobs and waits for their end. A job is one device's part of an update.
#[derive(Debug, clap::Args)]
pub struct Job {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows a job: where it stands, what it asks for, how it ended.
    #[command(after_help = "Example:\n  fleetwright job show 019a7c6e4b3d7a1c8e5f000000000001")]
    Show {
        /// The job's id.
        id: JobId,
    },
    /// Waits until a job has ended: status 0 if it succeeded, 1 if it failed, 3 if the time was
    /// over first.
    #[command(after_help = "Example:\n  fleetwright job wait ID --timeout 2m && echo done")]
    Wait {
        /// The job's id.
        id: JobId,
        /// How long to wait; unless given, until it ends.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        timeout: Option<Duration>,
    },
}

impl Job {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let client = Client::new(&self.server)?;
        match self.command {
            Command::Show { id } => {
                let answer = client.get(&["jobs", &id.to_string()], &[])?;
                if self.server.json {
                    output::json(&answer)?;
                } else {
                    output::data(&words(&client.read(&answer)?))?;
                }
            }
            Command::Wait { id, timeout } => wait(&client, id, timeout, self.server.json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits, and shows the job as it ended.
pub fn wait(client: &Client, id: JobId, timeout: Option<Duration>, is_json: bool) -> Result<()> {
    let start = Instant::now();
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {elapsed}  {wide_msg}")?);
    let mut pause = LOOK_FIRST;
    loop {
        let answer = client.get(&["jobs", &id.to_string()], &[])?;
        let job: Found = client.read(&answer)?;
        let has_failed = job.state == "failed";
        if has_failed || job.state == "succeeded" {
            bar.finish_and_clear();
            if is_json {
                output::json(&answer)?;
            } else {
                output::data(&words(&job))?;
            }
            if has_failed {
                let why = job.detail.unwrap_or_else(|| "it does not say why".to_owned());
                return Err(
                    Failure::failed(format!("job {id} failed: {}", output::clean(&why))).into()
                );
            }
            return Ok(());
        }
        bar.set_message(state(&job));
        let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            bar.finish_and_clear();
            let what = format!("the time is over and job {id} is still {}", state(&job));
            return Err(Failure::timed_out(what).into());
        }
        rest(left.map_or(pause, |left| left.min(pause)));
        bar.tick();
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// Where a job stands, in words.
fn state(job: &Found) -> String {
    let state = job.state.replace('_', " ");
    match &job.detail {
        Some(detail) => output::clean(&format!("{state} ({detail})")),
        None => state,
    }
}

/// A job for people.
fn words(job: &Found) -> String {
    let mut fields = vec![
        ("job", job.id.clone()),
        ("state", job.state.replace('_', " ")),
        ("operation", job.operation.clone()),
        ("device", job.device.clone()),
        ("project", job.project.clone()),
        ("door", job.door.clone()),
        ("by", job.actor.clone()),
        ("accepted", job.accepted_at.clone()),
        ("ended", job.ended_at.clone().unwrap_or_default()),
        ("proof", job.proof.clone().unwrap_or_default()),
        ("detail", job.detail.clone().unwrap_or_default()),
        ("superseded by", job.superseded_by.clone().unwrap_or_default()),
    ];
    let said = |name: &String, value: &String| format!("{name} = {value}");
    fields.extend(job.patch.iter().map(|(name, value)| ("asks for", said(name, value))));
    fields.extend(job.record.iter().map(|(name, value)| ("on record", said(name, value))));
    output::fields(&fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_shown_with_what_it_asks_for_and_how_it_ended() {
        let job: Found = serde_json::from_value(serde_json::json!({
            "id": "019a7c6e4b3d7a1c8e5f000000000001", "request": "019a7c6e4b3d7a1c8e5f000000000000",
            "project": "acme", "device": "1678567b8bab40f93711234cb80d0764", "operation": "restart",
            "state": "failed",
            "patch": {"com.cph.mainkeys": "1", "sys.prop.writewifissid": "a b"}, "revision": 3,
            "record": {"Desc": "lobby", "Pwd": "changed"},
            "stored": false, "door": "cph", "actor": "AKIDEXAMPLE",
            "accepted_at": "2026-11-22T01:02:03.000Z", "ended_at": "2026-11-22T01:12:03.000Z",
            "proof": null, "detail": "not done by its deadline: unreachable: no connection",
            "superseded_by": null
        }))
        .unwrap();
        insta::assert_snapshot!(words(&job), @r#"
    job            019a7c6e4b3d7a1c8e5f000000000001
    state          failed
    operation      restart
    device         1678567b8bab40f93711234cb80d0764
    project        acme
    door           cph
    by             AKIDEXAMPLE
    accepted       2026-11-22T01:02:03.000Z
    ended          2026-11-22T01:12:03.000Z
    detail         not done by its deadline: unreachable: no connection
    asks for       com.cph.mainkeys = 1
    asks for       sys.prop.writewifissid = a b
    on record      Desc = lobby
    on record      Pwd = changed
    "#);
        assert_eq!(state(&job), "failed (not done by its deadline: unreachable: no connection)");
    }
}

//! `fleetwright update`: values for many devices in one call, and what became of them.

mod entries;
mod follow;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use fleet::{DeviceId, Kind, ProjectId};
use serde_json::json;

use super::device::power::assignment;
use super::duration;
use crate::client::answers::AcceptedUpdate;
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Asks values of devices, phones and cameras alike:
/// `fleetwright update --project acme --device ID --set Name=Gate --wait`
///
/// What is accepted is durable: it reaches a device that is away when it returns. Devices that are
/// refused are named with the reason, and the others go on.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
    fleetwright update --project acme --device 34020000001320000001 \\\n    \
    --set 'Name=East gate' --wait\n  \
    fleetwright update --project acme --device phone-1 phone-2 \\\n    \
    --set com.cph.mainkeys=1 --restart\n  \
    fleetwright update --project acme --file names.jsonl --wait 10m --json\n  \
    fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000\n\n\
    A line of the file:\n  {\"id\":\"34020000001320000001\",\"set\":{\"Name\":\"East gate\"}}\n\
    Values of --set are asked of each device; what its line says of a property goes before them,\n\
    and `set` may be left out of it. At most 8,096 devices in one update.\n\n\
    Which properties there are: fleetwright catalogue show\n\n\
    Status 0: all devices were accepted (with --wait: and all jobs succeeded). Status 1: some\n\
    device was refused, or its job failed. Status 3: the time to wait was over first; the jobs go\n\
    on."
)]
pub struct Update {
    #[command(subcommand)]
    command: Option<Command>,
    /// The project that the devices belong to.
    #[arg(long, value_name = "ID", required = true)]
    project: Option<ProjectId>,
    /// A device; several may follow each other, and it may be given several times.
    #[arg(long = "device", value_name = "ID", num_args = 1.., required_unless_present = "file")]
    devices: Vec<DeviceId>,
    /// A file of devices, one JSON object a line; - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "devices")]
    file: Option<String>,
    /// A value to ask of each device; may be given several times.
    #[arg(long = "set", value_name = "PROPERTY=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
    /// Means devices of this kind alone, phone or camera: no other is found by its id.
    #[arg(long)]
    kind: Option<Kind>,
    /// Restarts the phones too, once they hold the values.
    #[arg(long)]
    restart: bool,
    /// Waits until all jobs have ended, or so long as this says, and shows what failed.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, value_parser = duration)]
    wait: Option<Option<Duration>>,
    /// The same as --wait DURATION.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    timeout: Option<Duration>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows how far an update has come, and which of its jobs failed. It may have come by any of
    /// the APIs.
    #[command(after_help = "Examples:\n  \
        fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000\n  \
        fleetwright update show NjBmOTVhOWZfOTBmYTUwNjRfN2I4OF84N2I=\n  \
        fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000 --json | jq .jobs.succeeded")]
    Show {
        /// The update's id: CPH's request_id, or ISS's RequestId (x-iss-request-id).
        id: String,
    },
    /// Lists the jobs of an update: one for each device, in the order of the call.
    #[command(after_help = "Examples:\n  \
        fleetwright update jobs 019a7c6e4b3d7a1c8e5f000000000000\n  \
        fleetwright update jobs 019a7c6e4b3d7a1c8e5f000000000000 --json | \\\n    \
        jq -r '.jobs[] | select(.state==\"failed\") | .device'")]
    Jobs {
        /// The update's id: CPH's request_id, or ISS's RequestId (x-iss-request-id).
        id: String,
    },
}

impl Update {
    /// Does it.
    pub fn run(mut self) -> Result<ExitCode> {
        let is_json = self.server.json;
        match self.command.take() {
            Some(Command::Show { id }) => show::show(&Client::new(&self.server)?, &id, is_json)?,
            Some(Command::Jobs { id }) => show::jobs(&Client::new(&self.server)?, &id, is_json)?,
            None => self.ask()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks for the update, and waits for its end if that is wanted.
    fn ask(self) -> Result<()> {
        let is_json = self.server.json;
        let Some(project) = &self.project else {
            return Err(Failure::usage("--project is missing").into());
        };
        let shared = entries::shared(self.values)?;
        let devices = match &self.file {
            Some(file) => entries::of_file(file, &shared)?,
            None => entries::of_ids(self.devices, &shared),
        };
        entries::check(&devices, self.restart)?;
        let client = Client::new(&self.server)?;
        let mut body = json!({ "project": project, "restart": self.restart, "devices": devices });
        if let (Some(kind), Some(body)) = (self.kind, body.as_object_mut()) {
            body.insert("kind".to_owned(), json!(kind));
        }
        let answer = client.post(&["updates"], &body)?;
        let accepted: AcceptedUpdate = client.read(&answer)?;
        match self.wait {
            Some(within) => follow::wait(&client, &accepted, within.or(self.timeout), is_json),
            None if is_json => {
                output::json(&answer)?;
                show::verdict(&accepted, None)
            }
            None => {
                output::data(&show::accepted(&accepted))?;
                show::verdict(&accepted, None)
            }
        }
    }
}

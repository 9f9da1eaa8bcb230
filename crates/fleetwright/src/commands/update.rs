//! `fleetwright update`: values for many devices in one call, and what became of them.

mod ask;
mod control;
mod csv_file;
mod entries;
mod follow;
mod list;
mod pace;
mod predict;
mod rollout;
mod selection;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use fleet::{DeviceId, JobId, Kind, PresetName, ProjectId};

use super::device::power::assignment;
use super::{at_least_one, duration};
use crate::client::{Client, ServerOptions};
use pace::Pace;
pub use predict::predict_revert;
pub use rollout::left_out;
pub use selection::{Parts, Selection};

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
    fleetwright update --project acme --preset lobby --csv numbers.csv --dry-run\n  \
    fleetwright update --project acme --kind phone --where server=farm-1,tag=floor:2 \\\n    \
    --set com.cph.mainkeys=1 --dry-run\n  \
    fleetwright update --project acme --kind phone --set com.cph.mainkeys=1 \\\n    \
    --canary 10 --wave 500 --pause 30s --stop-failed-percent 5 --wait\n  \
    fleetwright update --project acme --device phone-1 --set com.cph.mainkeys=1 \\\n    \
    --if-revision 4 --idempotency-key order-4711\n  \
    fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000\n\n\
    A line of the file:\n  {\"id\":\"34020000001320000001\",\"set\":{\"Name\":\"East gate\"}}\n\
    Values of --set are asked of each device; what its line says of a property goes before them,\n\
    and `set` may be left out of it. At most 8,096 devices in one file.\n\
    The first line of --csv names its columns: `id`, and properties, or with --preset variables\n\
    of it. An empty cell says nothing. With --preset, a line of --file may have `variables`,\n\
    too.\n\n\
    Words of --where, parted by commas; all must hold, and of several servers, conditions,\n\
    reasons for attention, statuses, credentials or ids one:\n  \
    server=NAME  condition=WORD  id=ID  tag=KEY  tag=KEY:VALUE\n  \
    attention=WORD  (drift, say, any or none, as `device list` takes them)\n  \
    status=WORD  credentials=WORD  (of cameras, as `device list` takes them)\n  \
    desired=PROPERTY:VALUE  reported=PROPERTY:VALUE  (!PROPERTY: has no value)\n  \
    organization=PATH  (with those below)  manufacturer=NAME  text=PART  (of the id, name,\n  \
    server or address)\n\
    Without --device, --file and --where, and with --kind: all devices of that kind of the\n\
    project. At most 100,000 devices.\n\n\
    Which properties there are: fleetwright catalogue show\n\n\
    Status 0: all devices were accepted (with --wait: and all jobs succeeded). Status 1: some\n\
    device was refused, or its job failed, or the update stopped or was paused. Status 3: the\n\
    time to wait was over first; the jobs go on."
)]
pub struct Update {
    #[command(subcommand)]
    command: Option<Command>,
    /// The project that the devices belong to.
    #[arg(long, value_name = "ID", required = true)]
    project: Option<ProjectId>,
    /// A device; several may follow each other, and it may be given several times.
    #[arg(long = "device", value_name = "ID", num_args = 1..)]
    devices: Vec<DeviceId>,
    /// A file of devices, one JSON object a line; - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "devices")]
    file: Option<String>,
    /// A file of devices, comma-separated values under a line with the columns' names; - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["devices", "file"])]
    csv: Option<String>,
    /// Means the devices of which this holds; may be given several times. The words are below.
    #[arg(
        id = "selection",
        long = "where",
        value_name = "WORD=VALUE,...",
        conflicts_with_all = ["devices", "file", "csv"]
    )]
    selection: Vec<Parts>,
    /// A value to ask of each device; may be given several times.
    #[arg(long = "set", value_name = "PROPERTY=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
    /// Asks for the values of this preset, but for those that --set names.
    #[arg(long, value_name = "NAME")]
    preset: Option<PresetName>,
    /// A variable of the preset; may be given several times. What a file says of a device goes
    /// before it.
    #[arg(
        long = "var",
        value_name = "NAME=VALUE",
        value_parser = assignment,
        requires = "preset"
    )]
    variables: Vec<(String, String)>,
    /// Means devices of this kind alone, phone or camera: no other is found by its id.
    #[arg(long)]
    kind: Option<Kind>,
    /// Restarts the phones too, once they hold the values.
    #[arg(long)]
    restart: bool,
    /// Only if what is asked of the device is at this revision: see `fleetwright device show`. Of
    /// one device.
    #[arg(
        long,
        value_name = "REVISION",
        requires = "devices",
        conflicts_with_all = ["file", "csv", "selection"]
    )]
    if_revision: Option<u64>,
    /// What this update is known by, 1 to 255 characters: asked again with the same key within 24
    /// hours, it is answered as before and changes nothing.
    #[arg(long, value_name = "KEY", conflicts_with = "dry_run")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    pace: Pace,
    /// Changes nothing, and says of each device what would change and what would be refused.
    /// Status 1: some would be refused.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Waits until all jobs have ended, or so long as this says, and shows what failed.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, value_parser = duration)]
    wait: Option<Option<Duration>>,
    /// The same as --wait DURATION.
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with_all = ["wait", "dry_run"])]
    timeout: Option<Duration>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists updates, newest first, by whichever of the APIs they came.
    #[command(after_help = "Examples:\n  \
        fleetwright update list --project acme\n  \
        fleetwright update list --limit 5 --json | jq -r '.updates[].id'")]
    List {
        /// Those of this project.
        #[arg(long, value_name = "ID")]
        project: Option<ProjectId>,
        /// At most so many.
        #[arg(long, default_value_t = 20, value_parser = at_least_one)]
        limit: usize,
    },
    /// Shows how far an update has come, and why jobs of it failed. It may have come by any of the
    /// APIs.
    #[command(after_help = "Examples:\n  \
        fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000\n  \
        fleetwright update show NjBmOTVhOWZfOTBmYTUwNjRfN2I4OF84N2I=\n  \
        fleetwright update show 019a7c6e4b3d7a1c8e5f000000000000 --json | jq .jobs.succeeded")]
    Show {
        /// The update's id: CPH's request_id, or ISS's RequestId (x-iss-request-id).
        id: String,
    },
    /// Waits until an update has ended: status 0 if all its jobs succeeded, 1 if some failed or it
    /// stopped, 3 if the time was over first.
    #[command(after_help = "Example:\n  \
        fleetwright update wait 019a7c6e4b3d7a1c8e5f000000000000 --timeout 10m && echo done")]
    Wait {
        /// The update's id.
        id: String,
        /// How long to wait; unless given, until it ends.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        timeout: Option<Duration>,
    },
    /// Lists the jobs of an update: one for each device, in the order of the call.
    #[command(after_help = "Examples:\n  \
        fleetwright update jobs 019a7c6e4b3d7a1c8e5f000000000000\n  \
        fleetwright update jobs 019a7c6e4b3d7a1c8e5f000000000000 --state failed --json | \\\n    \
        jq -r '.jobs[].device'\n  \
        fleetwright update jobs 019a7c6e4b3d7a1c8e5f000000000000 --code read_back_differs")]
    Jobs {
        /// The update's id: CPH's request_id, or ISS's RequestId (x-iss-request-id).
        id: String,
        /// Those alone that stand so: open (not ended), succeeded or failed. Given several times:
        /// in one of these ways.
        #[arg(long, value_parser = ["open", "succeeded", "failed"])]
        state: Vec<String>,
        /// Those alone that failed for this reason, by its word: `update show` tells them. Given
        /// several times: for one of them.
        #[arg(long, value_name = "WORD", value_parser = fleet::Failure::CODES)]
        code: Vec<String>,
        /// Those alone that failed for the reason for which this job did.
        #[arg(long, value_name = "JOB")]
        same_reason_as: Option<JobId>,
    },
    /// Lists the devices that a rollout refused, each with the reason.
    #[command(after_help = "Example:\n  \
        fleetwright update refused 019a7c6e4b3d7a1c8e5f000000000000")]
    Refused {
        /// The update's id.
        id: String,
    },
    /// Lets a rollout begin nothing new until it is resumed. What is begun goes on.
    #[command(after_help = "Example:\n  \
        fleetwright update pause 019a7c6e4b3d7a1c8e5f000000000000")]
    Pause {
        /// The update's id.
        id: String,
    },
    /// Lets a rollout go on that was paused, or that stopped by itself: that one begins its next
    /// wave at once, and stops again if too many of all have failed after it.
    #[command(after_help = "Example:\n  \
        fleetwright update resume 019a7c6e4b3d7a1c8e5f000000000000")]
    Resume {
        /// The update's id.
        id: String,
    },
    /// Ends a rollout: it begins nothing new any more. What is begun goes on, unless --cancel.
    #[command(after_help = "Examples:\n  \
        fleetwright update abort 019a7c6e4b3d7a1c8e5f000000000000\n  \
        fleetwright update abort 019a7c6e4b3d7a1c8e5f000000000000 --cancel")]
    Abort {
        /// The update's id.
        id: String,
        /// Cancels the jobs that are open, too.
        #[arg(long)]
        cancel: bool,
    },
    /// Cancels the jobs of an update that are open: what was asked of those devices before is asked
    /// of them again. Restarts, resets and stops that have begun go on.
    #[command(after_help = "Example:\n  \
        fleetwright update cancel 019a7c6e4b3d7a1c8e5f000000000000")]
    Cancel {
        /// The update's id.
        id: String,
    },
    /// Takes an update back: asks of its devices what was asked of them before it, or else what
    /// they showed. Is an update of its own.
    #[command(after_help = "Examples:\n  \
        fleetwright update revert 019a7c6e4b3d7a1c8e5f000000000000 --wait\n  \
        fleetwright update revert 019a7c6e4b3d7a1c8e5f000000000000 --wave 500\n  \
        fleetwright update revert 019a7c6e4b3d7a1c8e5f000000000000 --dry-run\n\n\
        Left out, and named: values that a later update has changed, values that there were none\n\
        of before, and passwords.")]
    Revert {
        /// The update's id.
        id: String,
        #[command(flatten)]
        pace: Pace,
        /// Shows what would come of each device, and writes nothing.
        #[arg(long, conflicts_with = "wait")]
        dry_run: bool,
        /// Waits until all jobs have ended, or so long as this says, and shows what failed.
        #[arg(long, value_name = "DURATION", num_args = 0..=1, value_parser = duration)]
        wait: Option<Option<Duration>>,
    },
}

impl Update {
    /// Does it.
    pub fn run(mut self) -> Result<ExitCode> {
        let is_json = self.server.json;
        match self.command.take() {
            Some(command) => command.run(&Client::new(&self.server)?, is_json)?,
            None => self.ask()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    /// Does it with a server.
    fn run(self, client: &Client, is_json: bool) -> Result<()> {
        match self {
            Self::List { project, limit } => list::list(client, project.as_ref(), limit, is_json),
            Self::Show { id } => show::show(client, &id, is_json),
            Self::Wait { id, timeout } => follow::wait_for(client, &id, timeout, is_json),
            Self::Jobs { id, state, code, same_reason_as } => {
                let states = state.into_iter().map(|state| ("state", state));
                let codes = code.into_iter().map(|code| ("code", code));
                let reason = same_reason_as.map(|job| ("same_reason_as", job.to_string()));
                let filter: Vec<_> = states.chain(codes).chain(reason).collect();
                show::jobs(client, &id, &filter, is_json)
            }
            Self::Refused { id } => rollout::refused(client, &id, is_json),
            Self::Pause { id } => control::ask(client, &id, control::Verb::Pause, is_json),
            Self::Resume { id } => control::ask(client, &id, control::Verb::Resume, is_json),
            Self::Abort { id, cancel } => {
                control::ask(client, &id, control::Verb::Abort { cancel }, is_json)
            }
            Self::Cancel { id } => control::ask(client, &id, control::Verb::Cancel, is_json),
            Self::Revert { id, pace, dry_run, wait } => {
                control::revert(client, &id, &pace, dry_run, wait, is_json)
            }
        }
    }
}

//! `fleetwright device`: the fleet.

mod channels;
mod check;
mod credentials;
mod discover;
mod docker;
mod explain;
mod export;
mod freeze;
mod history;
mod import;
mod list;
pub mod power;
mod range;
mod report;
mod show;
mod target;
mod upload;
mod wvp;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{at_least_one, duration};
use crate::client::{Client, ServerOptions};
use crate::output;
use credentials::Change;
pub use credentials::in_use;
use discover::Discover;
use freeze::Which;
use list::Filter;
pub use list::{attention, condition, status};
use power::{Setting, Waiting};
use target::Target;
pub use upload::open_file;

/// Finds, imports, lists, checks, adopts, restarts and deletes devices.
#[derive(Debug, clap::Args)]
pub struct Device {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Imports phones and cameras from files: CSV, one JSON object a line, or one JSON list; or
    /// cameras from the tables of another platform. A device that exists already takes the new
    /// record and keeps its values.
    #[command(after_help = upload::HELP)]
    Import(upload::Import),
    /// Exports devices to a file that can be imported: CSV, or one JSON object a line.
    #[command(after_help = export::HELP)]
    Export(export::Export),
    /// Prints a file to begin an import with: its columns, which are needed, and an example.
    #[command(after_help = "Example:\n  \
        fleetwright device template --kind phone --output phones.csv\n\n\
        The example in it is refused until a device of yours stands in its place.")]
    Template(export::Template),
    /// Finds phones by the output of `docker ps` or in ranges of addresses, and shows which are
    /// new, known, moved, copies, or not to be reached. Changes nothing without --apply.
    #[command(after_help = "Examples:\n  \
        ssh farm-1 docker ps | fleetwright device discover --project acme --docker-ps - \\\n    \
        --host 10.0.3.11 --server farm-1\n  \
        fleetwright device discover --project acme --range '10.0.3.[11-70]:[5555-5604]' --apply\n\n\
        Phones are known again by the marker that adoption left on them, not by their address:\n\
        run it again after addresses have changed, and it records where they are now, with no\n\
        duplicates.")]
    Discover(Discover),
    /// Lists devices.
    #[command(after_help = "Examples:\n  fleetwright device list --condition abnormal\n  \
        fleetwright device list --project acme --attention any\n  \
        fleetwright device list --kind phone --server farm-1 --tag floor:2\n  \
        fleetwright device list --kind phone --reported com.cph.mainkeys:1\n  \
        fleetwright device list --kind camera --project acme\n  \
        fleetwright device list --status offline --status register\n  \
        fleetwright device list --project acme --json\n  \
        fleetwright device list --credentials old --json | jq -r '.devices[].camera.remote'\n\n\
        Of a camera: STATUS is Register (on record, never registered), OnLine or OffLine; NAME is\n\
        the name on record, SHOWN what the camera itself shows; FROM and EXPIRES are of its\n\
        registration; OLD password is said of one that uses what was replaced.\n\
        Why one can't register: fleetwright registrations")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many.
        #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
        limit: usize,
    },
    /// Lists what was asked of a device, newest first: when, by whom, and what there was before.
    #[command(after_help = "Examples:\n  \
        fleetwright device history 1678567b8bab40f93711234cb80d0764\n  \
        fleetwright device history ID --json | jq '.changes[] | {revision, actor, values}'")]
    History {
        #[command(flatten)]
        target: Target,
        /// At most so many updates.
        #[arg(long, default_value_t = 20, value_parser = at_least_one)]
        limit: usize,
    },
    /// Asks a device again for what was asked of it at a revision of its history. Is an update of
    /// its own.
    #[command(after_help = "Examples:\n  \
        fleetwright device revert 1678567b8bab40f93711234cb80d0764 --to 3 --wait\n  \
        fleetwright device revert 1678567b8bab40f93711234cb80d0764 --to 3 --dry-run\n\n\
        Left out, and named: values that there were none of then, and passwords.")]
    Revert {
        #[command(flatten)]
        target: Target,
        /// The revision to go back to.
        #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(i64).range(0..))]
        to: i64,
        /// Shows what would come of it, and writes nothing.
        #[arg(long, conflicts_with = "wait")]
        dry_run: bool,
        /// Waits until the job has ended, or so long as this says.
        #[arg(long, value_name = "DURATION", num_args = 0..=1, value_parser = duration)]
        wait: Option<Option<Duration>>,
    },
    /// Shows a device: what is asked of it, what it shows and how long ago, and its open jobs.
    #[command(after_help = "Example:\n  fleetwright device show 1678567b8bab40f93711234cb80d0764")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Explains a device: of each value which update asked for it, who and when, what it showed and
    /// what there was before; and of what is not as it should be, why, and what to do about it.
    #[command(after_help = "Examples:\n  \
        fleetwright device explain 1678567b8bab40f93711234cb80d0764\n  \
        fleetwright device explain ID --property com.cph.mainkeys\n  \
        fleetwright device explain ID --json | jq -r '.reasons[].code'\n\n\
        What is not as it should be comes first. It tells what is on record: `device check` looks\n\
        at the device itself.")]
    Explain {
        #[command(flatten)]
        target: Target,
        /// This property alone, by its name or an alias.
        #[arg(long, value_name = "PROPERTY")]
        property: Option<String>,
    },
    /// Gives a camera another user name or password to register with. Its next registration or
    /// renewal must have them; the camera itself is not told, and is to be set there.
    #[command(after_help = "Examples:\n  \
        fleetwright device credentials 34020000001320000001 --password-file new --overlap 1h\n  \
        pass show gate | fleetwright device credentials 34020000001320000001 --password-stdin\n  \
        fleetwright device credentials 34020000001320000001 --user gate\n\n\
        With --overlap the ones before go on working for so long, and it is kept which cameras\n\
        still use them: fleetwright device list --kind camera --credentials old\n\
        One line feed at the file's end is no part of the password.")]
    Credentials {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Lists the channels of a camera or a recorder: the names on record and those that it shows.
    #[command(after_help = "Examples:\n  fleetwright device channels 34020000001180000001\n  \
        fleetwright device channels 34020000001180000001 --json | jq -r '.channels[].id'\n\n\
        To give one another name, here and on the device:\n  \
        fleetwright update --project acme --device 34020000001180000001 \\\n    \
        --set Channel.34020000001310000001.Name=Gate")]
    Channels {
        #[command(flatten)]
        target: Target,
    },
    /// Looks at a device step by step, from its address to each property, and says what to do about
    /// what does not hold. Changes nothing on it.
    #[command(after_help = "Example:\n  \
        fleetwright device check 1678567b8bab40f93711234cb80d0764 && echo ready\n\n\
        Status 0: all holds; what the profile does not support is no failure. Status 1: something\n\
        does not hold. Status 2: it could not be asked.")]
    Check {
        #[command(flatten)]
        target: Target,
    },
    /// Prints the arguments with which a device's container has to be made, so that it shows the
    /// values that are fixed at its start; one a line.
    #[command(after_help = "Examples:\n  fleetwright device start-args ID\n  \
        eval docker run -d --privileged -p 5555:5555 redroid/redroid:12.0.0-latest \\\n    \
        $(fleetwright device start-args ID --shell)")]
    StartArgs {
        #[command(flatten)]
        target: Target,
        /// Quotes each for a POSIX shell.
        #[arg(long)]
        shell: bool,
    },
    /// Adopts the phone at a device's address: leaves the record's marker on it, by which it is
    /// known from then on. Needed where the project's adoption is `explicit`, or after a phone was
    /// made anew.
    #[command(after_help = "Examples:\n  fleetwright device adopt ID\n  \
        fleetwright device adopt ID --from-reported\n  \
        fleetwright device adopt ID --replace-marker\n\n\
        It is done when the phone answers: see `adopted` in fleetwright device show.")]
    Adopt {
        #[command(flatten)]
        target: Target,
        /// Takes the phone as it is: what it shows becomes what is asked of it, where nothing is
        /// asked yet, and no value is changed on it.
        #[arg(long)]
        from_reported: bool,
        /// Does so even if it bears another marker: that of a phone whose place it took, or another
        /// server's.
        #[arg(long)]
        replace_marker: bool,
    },
    /// Restarts a device in the way of its profile, or starts it if it is stopped.
    #[command(after_help = "Examples:\n  fleetwright device restart ID --wait\n  \
        fleetwright device restart ID --set ro.permission.changed=1 --wait --timeout 5m\n\n\
        Values are set before the restart, and the job ends when the device is back and shows them.")]
    Restart {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        setting: Setting,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Takes a device back to how it left the factory, and starts it. What is on it is lost; what
    /// is asked of it is applied anew.
    #[command(after_help = "Examples:\n  fleetwright device reset ID --wait\n  \
        fleetwright device reset ID --factory-reset --set com.cph.mainkeys=1")]
    Reset {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        setting: Setting,
        /// Forgets all that was asked of it before.
        #[arg(long)]
        factory_reset: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Stops a device. It stays stopped until it is restarted; values for it are stored.
    #[command(after_help = "Example:\n  fleetwright device stop ID --wait")]
    Stop {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Freezes a device, or all that are meant: they take no updates until they are unfrozen.
    #[command(after_help = "Examples:\n  fleetwright device freeze ID\n  \
        fleetwright device freeze --project acme --where tag=floor:2 --dry-run\n  \
        fleetwright device freeze --project acme --kind camera\n\n\
        At most 100,000 devices. Doing it again is harmless.")]
    Freeze {
        #[command(flatten)]
        which: Which,
    },
    /// Unfreezes a device, or all that are meant.
    #[command(after_help = "Examples:\n  fleetwright device unfreeze ID\n  \
        fleetwright device unfreeze --project acme --where tag=floor:2\n\n\
        At most 100,000 devices. Doing it again is harmless.")]
    Unfreeze {
        #[command(flatten)]
        which: Which,
    },
    /// Says that a device was stopped by other means, so that nobody waits for it.
    #[command(after_help = "Example:\n  docker stop phone-1 && \
        fleetwright device mark-stopped ID")]
    MarkStopped {
        #[command(flatten)]
        target: Target,
    },
    /// Says that a device that was stopped has been started.
    #[command(after_help = "Example:\n  docker start phone-1 && \
        fleetwright device mark-started ID")]
    MarkStarted {
        #[command(flatten)]
        target: Target,
    },
    /// Deletes a device and all that is on record of it. Its open jobs end as failed; all its jobs
    /// can be shown still. Nothing is done to the device itself: a camera can't register any more.
    #[command(after_help = "Example:\n  fleetwright device delete 34020000001320000001")]
    Delete {
        #[command(flatten)]
        target: Target,
    },
}

impl Device {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            // It asks no server, so it needs no token.
            Command::Import(import) if import.is_alone() => import.rehearse(self.server.json)?,
            command => {
                let client = match &command {
                    Command::Discover(_)
                    | Command::Export(_)
                    | Command::Freeze { .. }
                    | Command::Unfreeze { .. } => Client::patient(&self.server)?,
                    _ => Client::new(&self.server)?,
                };
                command.run(&client, self.server.json)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    /// Does it with a server.
    fn run(self, client: &Client, is_json: bool) -> Result<()> {
        match self {
            Self::Import(import) => import.upload(client, is_json)?,
            Self::Export(export) => export.run(client)?,
            Self::Template(template) => template.run(client)?,
            Self::Discover(discover) => discover.run(client, is_json)?,
            Self::List { filter, limit } => list::list(client, filter, limit, is_json)?,
            Self::History { target, limit } => history::list(client, &target, limit, is_json)?,
            Self::Revert { target, to, dry_run: true, .. } => {
                history::foretell(client, &target, to, is_json)?;
            }
            Self::Revert { target, to, wait, .. } => {
                history::revert(client, &target, to, wait, is_json)?;
            }
            Self::Show { target } => {
                let answer = client.get(&["devices", target.id.as_str()], &target.query())?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    output::data(&show::words(&client.read(&answer)?))?;
                }
            }
            Self::Explain { target, property } => {
                explain::explain(client, &target, property, is_json)?;
            }
            Self::Channels { target } => channels::list(client, &target, is_json)?,
            Self::Credentials { target, change, waiting } => {
                change.ask(client, &target, &waiting, is_json)?;
            }
            Self::Check { target } => check::check(client, &target, is_json)?,
            Self::StartArgs { target, shell } => {
                check::start_arguments(client, &target, shell, is_json)?;
            }
            Self::Adopt { target, from_reported, replace_marker } => {
                let body =
                    json!({ "from_reported": from_reported, "replace_marker": replace_marker });
                client.post_with(&target.path("adopt"), &target.query(), &body)?;
                output::tell(&format!("{} is adopted as soon as its phone answers", target.id));
            }
            Self::Restart { target, setting, waiting } => {
                power::ask(client, &target, "restart", setting.body(), &waiting, is_json)?;
            }
            Self::Reset { target, setting, factory_reset, waiting } => {
                let mut body = setting.body();
                body.insert("factory_reset".to_owned(), json!(factory_reset));
                power::ask(client, &target, "reset", body, &waiting, is_json)?;
            }
            Self::Stop { target, waiting } => {
                power::ask(client, &target, "stop", serde_json::Map::new(), &waiting, is_json)?;
            }
            Self::Freeze { which } => which.freeze(client, true, is_json)?,
            Self::Unfreeze { which } => which.freeze(client, false, is_json)?,
            Self::MarkStopped { target } => {
                tell(client, &target, "mark-stopped", "counts as stopped")?;
            }
            Self::MarkStarted { target } => {
                tell(client, &target, "mark-started", "counts as started")?;
            }
            Self::Delete { target } => {
                client.delete(&["devices", target.id.as_str()], &target.query())?;
                output::tell(&format!("{} is deleted", target.id));
            }
        }
        Ok(())
    }
}

/// Changes one thing of a device, and says so.
fn tell(client: &Client, target: &Target, verb: &str, done: &str) -> Result<()> {
    client.post_with(&target.path(verb), &target.query(), &json!({}))?;
    output::tell(&format!("{} {done}", target.id));
    Ok(())
}

#[cfg(test)]
mod tests;

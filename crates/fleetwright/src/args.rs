//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    audit, backup, catalogue, cluster, completions, config, device, enrolment, events, job, key,
    man, organization, overview, preset, project, registrations, server, simulate, store, update,
    user, webhook,
};
use crate::{demo, exit, serve};

/// The command line, whole.
#[derive(Debug, Parser)]
#[command(
    name = "fleetwright",
    version,
    about = "Sets the configuration of device fleets and makes it stick.",
    after_help = exit::TABLE,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    // The words of some, which are longer, stand at their own types.
    Serve(serve::Serve),
    Demo(demo::Demo),
    Status(server::Status),
    Pause(server::Pause),
    Resume(server::Resume),
    /// Makes, lists, sets and deletes projects (tenants): `fleetwright project create Acme`
    Project(project::Project),
    /// Makes, lists and revokes access keys: `fleetwright key create --project ID`
    Key(key::Key),
    /// Makes, lists, disables and enables users, says what they may do and gives them tokens:
    /// `fleetwright user create ada --project ID --password-file F`
    User(user::User),
    Audit(audit::Audit),
    /// Finds, imports, shows, checks and restarts devices: `fleetwright device import phones.jsonl`
    Device(Box<device::Device>),
    Overview(overview::Overview),
    /// Lets cameras enrol by a password that they share, and accepts those that came:
    /// `fleetwright enrolment open --project ID --prefix DIGITS --days N`
    Enrolment(enrolment::Enrolment),
    /// Makes, lists, moves and deletes organizations, in which cameras are filed:
    /// `fleetwright organization list --project ID`
    Organization(organization::Organization),
    /// Sets, lists, shows and deletes presets, named values for updates:
    /// `fleetwright preset list --project ID`
    Preset(preset::Preset),
    Update(Box<update::Update>),
    Events(events::Events),
    /// Makes, lists, changes, deletes and tries webhooks, which are told what happens:
    /// `fleetwright webhook create --project ID --to URL`
    Webhook(webhook::Webhook),
    Registrations(registrations::Registrations),
    /// Shows jobs and waits for their end: `fleetwright job wait ID`
    Job(job::Job),
    /// Shows, reloads and checks the catalogue of properties: `fleetwright catalogue show`
    Catalogue(catalogue::Catalogue),
    Backup(backup::Backup),
    Restore(backup::Restore),
    /// Shows the nodes that work on one store: `fleetwright cluster status`
    Cluster(cluster::Cluster),
    /// Copies a store into another, or changes the key that seals its secrets:
    /// `fleetwright store rekey --data DIR`
    Store(store::Store),
    /// Prints and checks the server's configuration: `fleetwright config default`
    Config(config::Config),
    /// Runs simulated phones and cameras: `fleetwright simulate phones --count 100 --emit
    /// phones.jsonl`
    Simulate(simulate::Simulate),
    Completions(completions::Completions),
    Man(man::Man),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_command_with_an_example_and_every_exit_status() {
        let text = Args::command().render_long_help().to_string();
        // However the lines are broken.
        let help = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for command in Args::command().get_subcommands() {
            let name = command.get_name();
            let whole = ["demo", "status", "resume", "registrations"].contains(&name);
            assert!(help.contains(&format!("`fleetwright {name} ")) || whole, "{name}");
            assert!(command.get_about().is_some(), "{name}");
        }
        for status in 0..=5 {
            assert!(text.contains(&format!("\n  {status}  ")), "{status}");
        }
    }

    #[test]
    fn every_command_below_has_a_sentence_and_an_example() {
        for command in Args::command().get_subcommands() {
            for below in command.get_subcommands() {
                let name = format!("{} {}", command.get_name(), below.get_name());
                let about = below.get_about().map(ToString::to_string).unwrap_or_default();
                let after = below.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(!about.is_empty(), "{name}");
                assert!(after.contains(&format!("fleetwright {name}")), "{name}: {after}");
            }
        }
    }
}

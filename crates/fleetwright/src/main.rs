//! The program `fleetwright`: the server, the commands that operate it, and simulated devices.
//!
//! This crate puts the others together and holds what people see of them: configuration, command
//! line, terminal output. It must never decide anything about devices or updates, never speak a
//! door's protocol but as a client, and never go on after a broken invariant.
//!
//! Start with [`args`] for the commands, [`serve`] for the server's life, and [`wiring`], the one
//! place that knows all parts.

mod args;
mod catalogue_files;
mod client;
mod commands;
mod config;
mod data_dir;
mod demo;
mod exit;
#[cfg(feature = "fault-points")]
mod fault_points;
mod logging;
mod open_files;
mod opening;
mod output;
#[cfg(test)]
mod reference;
mod serve;
mod traces;
mod webhook_sender;
mod wiring;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(end_by_panic));
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            let exit = exit_of(&error);
            if exit != Exit::Ok {
                output::tell(&format!("fleetwright: {}", output::chain(&error)));
            }
            exit.into()
        }
    }
}

fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Status(status) => status.run(),
        Command::Pause(pause) => pause.run(),
        Command::Resume(resume) => resume.run(),
        Command::Project(project) => project.run(),
        Command::Key(key) => key.run(),
        Command::User(user) => user.run(),
        Command::Audit(audit) => audit.run(),
        Command::Device(device) => device.run(),
        Command::Overview(overview) => overview.run(),
        Command::Enrolment(enrolment) => enrolment.run(),
        Command::Organization(organization) => organization.run(),
        Command::Preset(preset) => preset.run(),
        Command::Update(update) => update.run(),
        Command::Events(events) => events.run(),
        Command::Webhook(webhook) => webhook.run(),
        Command::Registrations(registrations) => registrations.run(),
        Command::Job(job) => job.run(),
        Command::Catalogue(catalogue) => catalogue.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Cluster(cluster) => cluster.run(),
        Command::Store(store) => store.run(),
        Command::Config(config) => config.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// How the program ends by an error.
fn exit_of(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.exit;
        }
        if let Some(error) = cause.downcast_ref::<client::Error>() {
            return error.exit();
        }
        if cause.is::<config::Error>() || cause.is::<engine::operate::CatalogueSourceError>() {
            return Exit::Usage;
        }
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            // Whoever read our data has seen enough, as `head` does.
            return Exit::Ok;
        }
    }
    Exit::Failed
}

/// Says what a panic means, and ends the process: a part of it that is broken must not linger
/// beside parts that go on.
fn end_by_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => String::new(),
    };
    output::tell(&format!(
        "fleetwright: a mistake in the program: {panic}{backtrace}\n\
         It ends now, rather than go on with a broken part. Everything that was answered is \
         durable: start it again, and please report the lines above."
    ));
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_ends_with_its_own_status_however_deep_it_lies() {
        let failure = anyhow::Error::from(Failure::timed_out("too late")).context("waiting");
        assert_eq!(exit_of(&failure), Exit::TimedOut);
        let error = anyhow::Error::from(client::Error::NoToken).context("listing");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert_eq!(exit_of(&anyhow::anyhow!("other")), Exit::Failed);
        let problems = anyhow::Error::from(config::Error::Problems(Vec::new()));
        assert_eq!(exit_of(&problems), Exit::Usage);
        let pipe = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(exit_of(&anyhow::Error::from(pipe)), Exit::Ok);
    }
}

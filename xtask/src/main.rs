//! `cargo xtask`: how the repository is built, tested and kept in order.
//!
//! It must never hold anything of the product: no crate of the workspace depends on it and it
//! depends on none, so that it builds in seconds on a fresh machine and can judge the others.
//! Start reading at [`phases`] (what a test run is) and [`tidy`] (the repository's own rules).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is its product"
)]

mod console;
mod deb;
mod fuzz;
mod install;
mod phases;
mod product;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The command line of `cargo xtask`.
#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, test and measure Fleetwright")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What `cargo xtask` can do.
#[derive(Subcommand)]
enum Command {
    /// Build the product and run `fleetwright demo` with the given arguments
    Demo {
        /// Arguments of `fleetwright demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the tests, phase by phase; all phases unless some are named
    Test(phases::TestArgs),
    /// Check the repository's own rules
    Tidy,
    /// Make the Debian package
    Deb(deb::DebArgs),
    /// Build for release and run the measurements (all, or those named)
    Bench {
        /// Arguments of the `benches` program
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// Runs one command. An error goes to stderr with what led to it, and the status is 1.
fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Workspace::find().and_then(|workspace| match cli.command {
        Command::Demo { args } => product::demo(&workspace, &args),
        Command::Test(args) => phases::run(&workspace, &args),
        Command::Tidy => tidy::run(&workspace),
        Command::Deb(args) => deb::make(&workspace, &args),
        Command::Bench { args } => product::bench(&workspace, &args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

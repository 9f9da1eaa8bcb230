//! `fleetwright config`: the server's configuration file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::{config, output};

/// Prints and checks the server's configuration.
#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints a configuration file with every default and what it means.
    #[command(after_help = "Example:\n  fleetwright config default > fleetwright.toml")]
    Default,
    /// Checks a configuration file and names everything that is wrong with it, each with its line.
    #[command(after_help = "Example:\n  fleetwright config check fleetwright.toml")]
    Check {
        /// The file.
        file: PathBuf,
    },
}

impl Config {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Default => output::data(&config::default_file())?,
            Command::Check { file } => {
                // The file alone: what this shell's environment says is not the server's.
                config::load(Some(&file), |_| None, &[])?;
                output::tell(&format!("{} is in order", file.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `fleetwright completions`: what a shell needs to complete commands.

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::output;

/// Prints a shell's completions of all commands: `fleetwright completions bash`
///
/// bash and zsh read them from a file of a directory of theirs, fish from one below
/// ~/.config/fish/completions; see the examples.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    fleetwright completions bash > /etc/bash_completion.d/fleetwright\n  \
    fleetwright completions zsh > /usr/local/share/zsh/site-functions/_fleetwright\n  \
    fleetwright completions fish > ~/.config/fish/completions/fleetwright.fish")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        output::data(&text(self.shell)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The completions of a shell.
fn text(shell: Shell) -> Result<String> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "fleetwright", &mut bytes);
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn each_shell_gets_every_command() {
        for shell in Shell::value_variants() {
            let text = text(*shell).unwrap();
            for command in Args::command().get_subcommands() {
                let name = command.get_name();
                assert!(text.contains(name), "{shell}: {name}");
                for below in command.get_subcommands() {
                    assert!(text.contains(below.get_name()), "{shell}: {name} {below}");
                }
            }
        }
    }
}

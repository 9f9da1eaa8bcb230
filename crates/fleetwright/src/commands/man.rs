//! `fleetwright man`: the manual, a page for each command.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};

use crate::args::Args;
use crate::output;

/// Writes the manual, a page for each command, into a directory: `fleetwright man
/// /usr/local/share/man/man1`
///
/// The directory is made if it is not there; pages that are there are written anew. `man
/// fleetwright-device-import` then shows what `fleetwright device import --help` does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright man /usr/local/share/man/man1\n  \
    fleetwright man ./man && man ./man/fleetwright.1")]
pub struct Man {
    /// The directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let directory = &self.directory;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("{} can't be made", directory.display()))?;
        let pages = pages()?;
        for (name, page) in &pages {
            let path = directory.join(name);
            std::fs::write(&path, page)
                .with_context(|| format!("{} can't be written", path.display()))?;
        }
        output::tell(&format!("{} pages are in {}", pages.len(), directory.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Every page, by the name of its file.
fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Args::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages)?;
    Ok(pages)
}

/// Adds the page of a command and those of the commands below it.
fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let man = clap_mangen::Man::new(command.clone()).manual("Fleetwright");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        notes(&after.to_string()).to_writer(&mut page)?;
    }
    pages.push((man.get_filename(), page));
    for below in command.get_subcommands() {
        add(below, pages)?;
    }
    Ok(())
}

/// What stands below the options in `--help`, line for line as there: commands and tables.
fn notes(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_of_its_own_with_all_that_help_says() {
        let pages = pages().unwrap();
        let names: std::collections::BTreeSet<&str> =
            pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), pages.len());
        for command in Args::command().get_subcommands() {
            let name = format!("fleetwright-{}", command.get_name());
            assert!(names.contains(format!("{name}.1").as_str()), "{name}");
            for below in command.get_subcommands() {
                let name = format!("{name}-{}.1", below.get_name());
                assert!(names.contains(name.as_str()), "{name}");
            }
        }
        let (_, page) =
            pages.iter().find(|(name, _)| name == "fleetwright-device-import.1").unwrap();
        let page = String::from_utf8(page.clone()).unwrap();
        for part in ["dry\\-run", "fleetwright device import phones.jsonl", ".SH NOTES"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}

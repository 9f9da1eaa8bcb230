//! `fleetwright simulate`: simulated devices.

mod cameras;
mod phones;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use simulator::control::{self, ControlAddress};

use crate::config::Log;
use crate::{logging, open_files, output, serve};

/// Runs simulated devices, which speak the real protocols.
#[derive(Debug, clap::Args)]
pub struct Simulate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Runs simulated Android phones that speak ADB, on consecutive ports, until it is stopped.
    #[command(after_help = "Example:\n  \
        fleetwright simulate phones --count 100 --listen 127.0.0.1:6000 --emit phones.jsonl &\n  \
        fleetwright device import phones.jsonl\n  \
        adb connect 127.0.0.1:6000 && adb -s 127.0.0.1:6000 shell getprop\n\n\
        SIGTERM and Ctrl-C stop it. Their properties are kept in memory only.")]
    Phones(Box<phones::Phones>),
    /// Runs simulated GB/T 28181 cameras or recorders, which register with a SIP server, until it
    /// is stopped.
    #[command(after_help = cameras::HELP)]
    Cameras(Box<cameras::Cameras>),
    /// Tells simulated phones what an operator's command would tell real ones, or does to simulated
    /// cameras what somebody who stands before them could.
    #[command(after_help = "Phones: stop, start, restart, factory-reset, freeze, thaw ID; \
        recreate ID [NAME=VALUE...];\n\
        swap ID ADDRESS (it moves there, in exchange with the phone that is there); \
        fault ID FAULT;\nclear ID. FAULT is away, silent, slow, refuses, ignores, \
        wrong-read-back, drops, reboots,\nnever-back, or JSON as for --fault.\n\
        Cameras, or `all` of them: stop, start, restart, register, unregister ID; \
        set-name ID NAME;\nset-name ID/CHANNEL NAME; set-password ID PASSWORD; \
        set-user ID USER [PASSWORD];\nfault ID FAULT; clear ID. FAULT is silent, refuses, \
        answers-403, ignores,\nno-answers, slow, restarts, wrong-password, old-password, or JSON \
        as for --fault.\nAnd show ID, which prints as JSON what a camera holds: names, the \
        SHA-256 of its password,\n\
        state, last_status, and how many\nregisters, keepalives, device_configs there \
        were.\n\n\
        Examples:\n  \
        fleetwright simulate phones --make redroid --control 127.0.0.1:6999 &\n  \
        fleetwright simulate control 127.0.0.1:6999 restart phone-0001\n  \
        fleetwright simulate control 127.0.0.1:6999 fault phone-0001 away\n  \
        fleetwright simulate control 127.0.0.1:6999 clear phone-0001\n  \
        fleetwright simulate control 127.0.0.1:6999 swap phone-0001 127.0.0.1:6001\n  \
        fleetwright simulate control ./cameras.sock fault 34020000001320000001 \
        '{\"silence\":true}'\n  \
        fleetwright simulate control ./cameras.sock show 34020000001320000001\n\n\
        In a profile, as its command: restart = [\"fleetwright\", \"simulate\", \"control\",\n\
        \"127.0.0.1:6999\", \"restart\", \"{device}\"]. Status 1: there is no such device or \
        command,\nor nothing listens there.")]
    Control {
        /// Where the devices are controlled: what --control said.
        #[arg(value_name = "ADDR")]
        address: ControlAddress,
        /// What to do: see below.
        verb: String,
        /// A phone's id or its name, or a camera's id.
        id: String,
        /// What the verb takes besides.
        #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Reads `SEED:SHARE`.
fn fault_mix(text: &str) -> Result<(u64, f64), String> {
    let mix = text
        .split_once(':')
        .and_then(|(seed, share)| Some((seed.parse().ok()?, share.parse::<f64>().ok()?)));
    let mix = mix.filter(|(_, share)| (0.0..=1.0).contains(share));
    mix.ok_or_else(|| format!("{text:?} is not SEED:SHARE, as 7:0.2 is"))
}

/// Reads a fault as JSON.
fn fault<F: DeserializeOwned>(text: &str) -> Result<F, String> {
    serde_json::from_str(text).map_err(|error| format!("{text:?} is no fault: {error}"))
}

impl Simulate {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        if let Command::Control { address, verb, id, arguments } = &self.command {
            let mut words = vec![verb.as_str(), id.as_str()];
            words.extend(arguments.iter().map(String::as_str));
            let answer = serve::runtime()?.block_on(control::ask(address, &words))?;
            if !answer.is_empty() {
                output::data(&answer)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let filter = std::env::var("FLEETWRIGHT_LOG").unwrap_or_else(|_| "warn".to_owned());
        logging::start(&Log { filter, format: crate::config::LogFormat::Text }, None)?;
        open_files::raise();
        match self.command {
            Command::Phones(phones) => serve::runtime()?.block_on(phones.run()),
            Command::Cameras(cameras) => serve::runtime()?.block_on(cameras.run()),
            Command::Control { .. } => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Writes what is said of the devices to this file, or without one to stdout.
fn emit(path: Option<&Path>, text: &str) -> Result<()> {
    match path {
        Some(path) => {
            write_whole(path, text).with_context(|| format!("{} can't be written", path.display()))
        }
        None => Ok(output::data(text)?),
    }
}

/// Writes a file whole or not at all: whoever waits for it never reads half of it.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    // As any file that a command writes: what the umask leaves of rw for all.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(parent.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_mix_is_a_seed_and_a_share() {
        assert_eq!(fault_mix("7:0.2"), Ok((7, 0.2)));
        assert_eq!(fault_mix("0:1"), Ok((0, 1.0)));
        for text in ["", "7", "7:", ":1", "7:1.1", "7:-0.1", "7:NaN", "x:0.5", "-1:0.5"] {
            assert!(fault_mix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("phones.jsonl");
        write_whole(&path, "one\n").unwrap();
        write_whole(&path, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

//! `fleetwright simulate`: simulated devices.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::ProjectId;
use simulator::control::{self, ControlAddress};
use simulator::phones::{Auth, FaultMix, Faults, Fleet, Make, Options, PHONES_MAX};

use super::duration;
use crate::config::Log;
use crate::exit::Failure;
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
    Phones(Box<Phones>),
    /// Tells simulated phones what an operator's command would tell real ones: to stop, to start,
    /// to restart, and so on.
    #[command(after_help = "Examples:\n  \
        fleetwright simulate phones --make redroid --control 127.0.0.1:6999 &\n  \
        fleetwright simulate control 127.0.0.1:6999 restart phone-0001\n  \
        fleetwright simulate control 127.0.0.1:6999 swap phone-0001 127.0.0.1:6001\n\n\
        In a profile, as its command: restart = [\"fleetwright\", \"simulate\", \"control\",\n\
        \"127.0.0.1:6999\", \"restart\", \"{device}\"]. Status 1: there is no such phone or command,\n\
        or no phones listen there.")]
    Control {
        /// Where the phones are controlled: what --control said.
        #[arg(value_name = "ADDR")]
        address: ControlAddress,
        /// stop, start, restart, factory-reset, freeze, thaw, or swap.
        verb: String,
        /// The phone's id or its name.
        id: String,
        /// For swap: the address that the phone moves to, in exchange with the phone there.
        #[arg(value_name = "ADDRESS")]
        to: Option<SocketAddr>,
    },
}

#[derive(Debug, clap::Args)]
struct Phones {
    /// How many phones.
    #[arg(long, default_value_t = 10)]
    count: usize,
    /// The first phone's address; with port 0 each phone takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Writes one JSON object a phone to this file, as `device import` takes it, as soon as all
    /// phones listen. Without it they go to stdout.
    #[arg(long, value_name = "FILE")]
    emit: Option<PathBuf>,
    /// The project that the phones are for.
    #[arg(long, value_name = "ID", default_value = "demo")]
    project: ProjectId,
    /// How long a reboot takes.
    #[arg(long, visible_alias = "boot-time", default_value = "2s", value_parser = duration)]
    boot: Duration,
    /// What make they are: simulated, android, redroid or kbox. It is their profile too.
    #[arg(long, default_value = "simulated")]
    make: Make,
    /// How many phones count to one server.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    phones_per_server: usize,
    /// Shell commands run as root, whatever the make.
    #[arg(long)]
    root: bool,
    /// `su` is there, whatever the make.
    #[arg(long)]
    su: bool,
    /// Makes this share (0 to 1) of the phones faulty, the same ones for the same seed: they refuse
    /// connections, drop them, are slow, reboot in the middle, refuse values or ignore them.
    #[arg(long, value_name = "SEED:SHARE", value_parser = fault_mix)]
    faults: Option<FaultMix>,
    /// Gives every phone this fault, as JSON: refuse, silent, hang_up, drop_after_bytes, slow,
    /// reboot_mid_script, never_back, refuse_set, ignore_set, clock_ahead, ...
    #[arg(long, value_name = "JSON", value_parser = fault, conflicts_with = "faults")]
    fault: Option<Faults>,
    /// Lets an operator's commands control the phones here: a loopback address, or a path with a
    /// slash for a Unix socket. See `simulate control`.
    #[arg(long, value_name = "ADDR")]
    control: Option<ControlAddress>,
    /// Lets in only those whose public keys are in this file, lines as in adb's adbkey.pub.
    #[arg(long, value_name = "FILE")]
    authorized_keys: Option<PathBuf>,
}

/// Reads `SEED:SHARE`.
fn fault_mix(text: &str) -> Result<FaultMix, String> {
    let mix = text.split_once(':').and_then(|(seed, share)| {
        Some(FaultMix { seed: seed.parse().ok()?, share: share.parse().ok()? })
    });
    let mix = mix.filter(|mix| (0.0..=1.0).contains(&mix.share));
    mix.ok_or_else(|| format!("{text:?} is not SEED:SHARE, as 7:0.2 is"))
}

/// Reads a fault as JSON.
fn fault(text: &str) -> Result<Faults, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{text:?} is no fault, as {{\"never_back\":true}} is: {error}"))
}

impl Simulate {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let phones = match self.command {
            Command::Phones(phones) => phones,
            Command::Control { address, verb, id, to } => {
                let to = to.map(|to| to.to_string());
                let mut words = vec![verb.as_str(), id.as_str()];
                words.extend(to.as_deref());
                serve::runtime()?.block_on(control::ask(&address, &words))?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        let filter = std::env::var("FLEETWRIGHT_LOG").unwrap_or_else(|_| "warn".to_owned());
        logging::start(&Log { filter, format: crate::config::LogFormat::Text })?;
        open_files::raise();
        serve::runtime()?.block_on(phones.run())
    }
}

impl Phones {
    async fn run(self) -> Result<ExitCode> {
        let mut stop = serve::Stop::listen_at_terminal()?;
        let count = self.count;
        if count == 0 || count > PHONES_MAX {
            return Err(Failure::usage(format!("--count must be 1 to {PHONES_MAX}")).into());
        }
        let options = Options {
            listen: self.listen,
            count,
            project: self.project.to_string(),
            boot: self.boot,
            make: self.make,
            phones_per_server: self.phones_per_server,
            root: self.root,
            su: self.su,
            faults: self.faults,
            auth: auth(self.authorized_keys.as_deref())?,
            ..Options::default()
        };
        let fleet = Fleet::start(options).await?;
        if let Some(faults) = &self.fault {
            for phone in fleet.phones() {
                phone.set_faults(faults.clone()).await;
            }
        }
        let control = match &self.control {
            Some(address) => Some(fleet.control(address).await?),
            None => None,
        };
        match &self.emit {
            Some(path) => {
                write_whole(path, &fleet.emit())
                    .with_context(|| format!("{} can't be written", path.display()))?;
            }
            None => output::data(&fleet.emit())?,
        }
        let first = fleet.phone(0).map(|phone| phone.address().to_string()).unwrap_or_default();
        if let Some(control) = &control {
            output::tell(&format!("control={}", control.address()));
        }
        output::tell(&format!("{count} phones listen from {first} on; Ctrl-C stops them"));
        stop.asked().await;
        fleet.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Who may connect.
fn auth(authorized_keys: Option<&Path>) -> Result<Auth> {
    let Some(path) = authorized_keys else { return Ok(Auth::Off) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} can't be read", path.display()))?;
    let lines: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(Failure::usage(format!("{} holds no key", path.display())).into());
    }
    Ok(Auth::Keys(lines))
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
        assert_eq!(fault_mix("7:0.2"), Ok(FaultMix { seed: 7, share: 0.2 }));
        assert_eq!(fault_mix("0:1"), Ok(FaultMix { seed: 0, share: 1.0 }));
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

//! `fleetwright simulate phones`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::ProjectId;
use simulator::control::ControlAddress;
use simulator::phones::{Auth, FaultMix, Faults, Fleet, Make, Options, PHONES_MAX};

use super::super::duration;
use super::{emit, fault, fault_mix};
use crate::exit::Failure;
use crate::{output, serve};

#[derive(Debug, clap::Args)]
pub struct Phones {
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
    #[arg(long, value_name = "SEED:SHARE", value_parser = dealt)]
    faults: Option<FaultMix>,
    /// Gives every phone this fault, as JSON: refuse, silent, hang_up, drop_after_bytes, slow,
    /// reboot_mid_script, never_back, refuse_set, ignore_set, clock_ahead, ...
    #[arg(long, value_name = "JSON", value_parser = fault::<Faults>, conflicts_with = "faults")]
    fault: Option<Faults>,
    /// Lets an operator's commands control the phones here: a loopback address, or a path with a
    /// slash for a Unix socket. See `simulate control`.
    #[arg(long, value_name = "ADDR")]
    control: Option<ControlAddress>,
    /// Lets in only those whose public keys are in this file, lines as in adb's adbkey.pub.
    #[arg(long, value_name = "FILE")]
    authorized_keys: Option<PathBuf>,
}

/// Reads how faults are dealt out.
fn dealt(text: &str) -> Result<FaultMix, String> {
    fault_mix(text).map(|(seed, share)| FaultMix { seed, share })
}

impl Phones {
    /// Runs them until it is told to stop.
    pub async fn run(self) -> Result<ExitCode> {
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
        emit(self.emit.as_deref(), &fleet.emit())?;
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

//! `fleetwright simulate cameras`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::ProjectId;
use simulator::camera::{
    self, CHANNELS_MAX, DigestForm, Edition, FaultMix, Faults, Make, Secret, Transport,
};
use simulator::cameras::{Fleet, Options, Progress};
use simulator::control::ControlAddress;

use super::super::duration;
use super::{emit, fault, fault_mix};
use crate::exit::Failure;
use crate::{output, serve};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// The first id of recorders: a type of its own in the code (GB/T 28181-2016 Annex D).
const FIRST_RECORDER: &str = "34020000001180000001";

/// What stands below the options.
pub const HELP: &str = "\
The file is written first, and the cameras register then. Those that the server does not know yet
are refused, and try again after --retry; so import first, or be patient for a minute:

  fleetwright simulate cameras --count 100 --server 127.0.0.1:5060 --emit cameras.jsonl --emit-only
  fleetwright device import cameras.jsonl
  fleetwright simulate cameras --count 100 --server 127.0.0.1:5060 --emit cameras.jsonl

The same options and --seed give the same ids, names and passwords each time. The names in the file
are an operator's, in Chinese; the cameras start with their factory's, as new cameras do.

Faults, as JSON, several at a time if you like:
  {\"wrong_password\":true}          registers with a password that was never its own
  {\"old_password\":true}            registers with the password before the present one
  {\"lost_answers\":true}            does what it is told; its answers never come
  {\"late_answers\":{\"ms\":3000}}     its answers come late
  {\"error_answers\":true}           answers every DeviceConfig with ERROR and takes nothing of it
  {\"unregister_and_restart\":true}  takes a DeviceConfig, un-registers and restarts, no answer
  {\"loses_config\":true}            such a restart loses what was set
  {\"changed_port\":true}            keepalives come from another port, without a REGISTER
  {\"changed_address\":true}         the same from another address (127.28.x.x, on the loopback)
  {\"silence\":true}                 nothing comes from it and nothing reaches it
  {\"forgets_name\":true}            answers OK to a new name and goes on showing the old one
  {\"catalog_incomplete\":true}      the last channel of its catalog never comes
  {\"no_config_download\":true}      never answers a ConfigDownload
  {\"status\":403}                   refuses every MESSAGE with this SIP status

SIGTERM and Ctrl-C stop it: the cameras then fall silent, as if their power were cut. `simulate
control ADDR unregister all` has them take themselves off before. Nothing is kept.";

/// The options of `simulate cameras`.
#[derive(Debug, clap::Args)]
pub struct Cameras {
    /// How many cameras.
    #[arg(long, default_value_t = 10)]
    count: usize,
    /// Where the server listens for SIP: an address, or a name with a port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5060")]
    server: String,
    /// Writes one JSON object a camera to this file, as `device import` takes it. Without it they
    /// go to stdout.
    #[arg(long, value_name = "FILE")]
    emit: Option<PathBuf>,
    /// Ends when that is written; no camera starts.
    #[arg(long)]
    emit_only: bool,
    /// The project that the cameras are for.
    #[arg(long, value_name = "ID", default_value = "demo")]
    project: ProjectId,
    /// What carries their messages: udp or tcp.
    #[arg(long, default_value = "udp", value_parser = transport)]
    transport: Transport,
    /// How they answer a challenge: md5 (with qop if it is offered), md5-no-qop, or sha256 (if it
    /// is offered).
    #[arg(long, default_value = "md5")]
    digest: DigestForm,
    /// The edition of GB/T 28181: 2011 (no DeviceConfig), 2014 (its DeviceConfig carries the
    /// password), 2016 or 2022 (bodies declared GB18030).
    #[arg(long, value_name = "YEAR", default_value = "2016")]
    gb: Edition,
    /// What make they are: generic, hikvision, dahua (DeviceConfig at a channel's id is an ERROR)
    /// or uniview (un-registers and restarts instead of answering).
    #[arg(long, default_value = "generic")]
    make: Make,
    /// What they are: ipc (a camera with one channel) or nvr (a recorder with several).
    #[arg(long, default_value = "ipc")]
    kind: Kind,
    /// How many channels a recorder has.
    #[arg(long, value_name = "COUNT", default_value_t = 32,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CHANNELS_MAX)))]
    channels: u32,
    /// The user name in the digest, of all of them; by default each one's id.
    #[arg(long, value_name = "TEXT")]
    user: Option<String>,
    /// The password of all of them; by default each has one of its own, made from --seed.
    #[arg(long, value_name = "TEXT")]
    password: Option<String>,
    /// What passwords, and all that is random, are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// For how many seconds they register; most of that later they refresh.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..))]
    expires: u32,
    /// The time between keepalives, in whole seconds.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = whole_seconds)]
    keepalive: u32,
    /// How long they wait after a registration that failed; up to a quarter more at random.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    retry: Duration,
    /// How long a restart takes.
    #[arg(long, visible_alias = "boot-time", default_value = "2s", value_parser = duration)]
    boot: Duration,
    /// The first one's 20-digit id; the others count on from it. By default 34020000001320000001,
    /// and 34020000001180000001 for recorders.
    #[arg(long, value_name = "ID")]
    first_id: Option<String>,
    /// The server's 20-digit id.
    #[arg(long, value_name = "ID", default_value = "34020000002000000001")]
    server_id: String,
    /// The server's domain.
    #[arg(long, value_name = "DOMAIN", default_value = "3402000000")]
    domain: String,
    /// The address that their messages come from; by default the one towards the server.
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,
    /// How many begin to register in a second.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..))]
    register_rate: u32,
    /// Makes this share (0 to 1) of the cameras faulty, the same ones for the same seed: each has
    /// one of the faults below.
    #[arg(long, value_name = "SEED:SHARE", value_parser = dealt)]
    faults: Option<FaultMix>,
    /// Gives every camera these faults: see below.
    #[arg(long, value_name = "JSON", value_parser = fault::<Faults>, conflicts_with = "faults")]
    fault: Option<Faults>,
    /// Lets the cameras be controlled here: a loopback address, or a path with a slash for a Unix
    /// socket. See `simulate control`.
    #[arg(long, value_name = "ADDR")]
    control: Option<ControlAddress>,
}

/// What devices are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Ipc,
    Nvr,
}

/// Reads a transport.
fn transport(text: &str) -> Result<Transport, String> {
    match text {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        _ => Err(format!("{text:?} is neither udp nor tcp")),
    }
}

/// Reads how faults are dealt out.
fn dealt(text: &str) -> Result<FaultMix, String> {
    fault_mix(text).map(|(seed, share)| FaultMix { seed, share })
}

/// Reads a duration of whole seconds, one at least.
fn whole_seconds(text: &str) -> Result<u32, String> {
    let time = duration(text)?;
    let seconds = u32::try_from(time.as_secs()).ok();
    let seconds = seconds.filter(|seconds| *seconds > 0 && time.subsec_nanos() == 0);
    seconds.ok_or_else(|| format!("{text:?} is not a number of whole seconds, as 60s is"))
}

impl Cameras {
    /// Runs them until it is told to stop.
    pub async fn run(mut self) -> Result<ExitCode> {
        let mut stop = serve::Stop::listen_at_terminal()?;
        let (path, control) = (self.emit.take(), self.control.take());
        let (count, emit_only) = (self.count, self.emit_only);
        let server = resolve(&self.server).await?;
        let options = self.options(server);
        let text = options.emit().map_err(|error| Failure::usage(error.to_string()))?;
        emit(path.as_deref(), &text)?;
        if emit_only {
            return Ok(ExitCode::SUCCESS);
        }
        let fleet = Fleet::start(options).await?;
        let control = match &control {
            Some(address) => Some(fleet.control(address).await?),
            None => None,
        };
        if let Some(control) = &control {
            output::tell(&format!("control={}", control.address()));
        }
        tokio::select! {
            () = tell_progress(&fleet) => {}
            () = fleet.all_registered() => {
                let able = fleet.progress().able;
                output::tell(&registered(able, count));
                stop.asked().await;
            }
            _ = stop.asked() => {}
        }
        fleet.stop().await;
        Ok(ExitCode::SUCCESS)
    }

    /// What fleet that is.
    fn options(self, server: SocketAddr) -> Options {
        let recorder = (self.kind == Kind::Nvr).then_some(self.channels);
        let defaults = Options::default();
        let usual = if recorder.is_some() { FIRST_RECORDER } else { &defaults.first_id };
        Options {
            count: self.count,
            project: self.project.to_string(),
            first_id: self.first_id.unwrap_or_else(|| usual.to_owned()),
            password: self.password.map(Secret::new),
            seed: self.seed,
            bind: self.bind,
            register_rate: self.register_rate,
            fault: self.fault.unwrap_or_default(),
            faults: self.faults,
            camera: camera::Options {
                user: self.user,
                server,
                server_id: self.server_id,
                domain: self.domain,
                transport: self.transport,
                digest: self.digest,
                edition: self.gb,
                make: self.make,
                recorder,
                expires_seconds: self.expires,
                keepalive_seconds: self.keepalive,
                retry: self.retry,
                boot: self.boot,
                ..camera::Options::default()
            },
            ..defaults
        }
    }
}

/// The server's address: the first that its name has.
async fn resolve(server: &str) -> Result<SocketAddr> {
    let mut found =
        tokio::net::lookup_host(server).await.with_context(|| format!("--server {server}"))?;
    found.next().with_context(|| format!("--server {server} has no address"))
}

/// Tells how far the cameras are, whenever that has changed.
async fn tell_progress(fleet: &Fleet) {
    let mut told = None;
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let progress = fleet.progress();
        if told.replace(progress) != Some(progress) {
            output::tell(&under_way(progress));
        }
    }
}

/// The line while some are not registered yet.
fn under_way(progress: Progress) -> String {
    let Progress { registered, able, waiting, last_status } = progress;
    let mut line = format!("{registered} of {able} cameras are registered");
    if waiting > 0 {
        let why = match last_status {
            Some(status) => format!("the last answer was {status}"),
            None => "no answer came".to_owned(),
        };
        line += &format!("; {waiting} wait to try again ({why})");
    }
    line
}

/// The line when all are registered that can be.
fn registered(able: usize, count: usize) -> String {
    if able == count {
        return format!("{count} cameras are registered; Ctrl-C stops them");
    }
    let others = count - able;
    format!("{able} cameras are registered, {others} can't for their faults; Ctrl-C stops them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_what_is_wrong() {
        let progress = Progress { registered: 2, able: 5, waiting: 0, last_status: None };
        assert_eq!(under_way(progress), "2 of 5 cameras are registered");
        let refused = Progress { waiting: 3, last_status: Some(401), ..progress };
        let expected =
            "2 of 5 cameras are registered; 3 wait to try again (the last answer was 401)";
        assert_eq!(under_way(refused), expected);
        assert_eq!(registered(5, 5), "5 cameras are registered; Ctrl-C stops them");
    }

    #[test]
    fn a_keepalive_is_a_number_of_seconds() {
        assert_eq!(whole_seconds("60s"), Ok(60));
        assert_eq!(whole_seconds("2m"), Ok(120));
        assert!(whole_seconds("500ms").is_err() && whole_seconds("0s").is_err());
    }
}

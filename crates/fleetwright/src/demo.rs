//! `fleetwright demo`: a server, simulated phones and cameras on loopback, and both vendors' own
//! requests sent to them.
//!
//! [`stage`] sets up what is shown, [`show`] shows it and checks it, [`cph`] and [`iss`] are
//! clients that sign as the vendors' SDKs do, and [`read_back`] reads the phones over an ADB
//! connection of its own: what the show says of a device comes from the device. [`in_use`] then
//! gives whoever looks around something to see.

mod cph;
mod in_use;
mod iss;
mod native;
mod read_back;
mod show;
mod stage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::{ProjectId, Secret};
use simulator::control::ControlAddress;

use crate::commands::duration;
use crate::config::{Log, LogFormat};
use crate::exit::Failure;
use crate::{logging, open_files, output, serve};
use stage::Stage;

/// Cameras that are shown.
const CAMERAS: usize = 3;

/// Shows everything at work on simulated phones and cameras: `fleetwright demo`
///
/// A server, simulated phones and simulated cameras run on this machine's loopback address, with a
/// fresh data directory that is removed at the end. The demo sends the request of Huawei's own
/// documentation, byte for byte, signed with an access key, then a valid one for all phones; it
/// shows each answer, follows the jobs, and reads the values back from the phones over ADB. Then it
/// sends the requests of Tencent's documentation, and a valid one that gives each camera another
/// name and password; a camera that has the new password registers, one with the old is refused,
/// and each, asked over SIP, shows its name. Then it gives the fleet what one in use has (a rollout
/// that has stopped by itself, a phone that is off, cameras that wait to be accepted, and more),
/// says how to sign in to the web console, and keeps serving until Ctrl-C. Whatever is not as
/// expected ends it with status 1 and is named.
///
/// With --quiet it shows nothing, has no cameras unless --cameras says how many, and is a server
/// for other programs' tests: within two seconds it writes `ready http=ADDR` to stderr, then one
/// JSON object a device to stdout, as `simulate phones` and `simulate cameras` do. The ids of the
/// phones depend only on the project and on their number; the first two are those of the vendor's
/// request. With --control that line has `control=ADDR` too, where `simulate control` gives a
/// device faults, and `data=DIR`, the data directory, in which the file admin-token is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  fleetwright demo\n  fleetwright demo --exit --phones 200\n  \
    fleetwright demo --quiet --project P --ak AK --sk-file sk --http 127.0.0.1:8080 --phones 20 \
    --boot 0s\n  fleetwright demo --quiet --cameras 2 --control 127.0.0.1:6999 \
    --job-deadline 10s")]
pub struct Demo {
    /// Ends after the show: 0 if everything was as expected.
    #[arg(long, conflicts_with = "quiet")]
    exit: bool,
    /// Shows nothing and only serves.
    #[arg(long)]
    quiet: bool,
    /// How many phones: 2 to 8096.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(2..=8096))]
    phones: u16,
    /// The project's id.
    #[arg(long, value_name = "ID", default_value = "demo")]
    project: ProjectId,
    /// The access key's id; a new one unless given.
    #[arg(long, requires = "sk_file")]
    ak: Option<String>,
    /// A file with the access key's secret.
    #[arg(long, value_name = "FILE", requires = "ak")]
    sk_file: Option<PathBuf>,
    /// Where to answer; loopback only, port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// How long a phone's reboot takes.
    #[arg(long, default_value = "2s", value_parser = duration)]
    boot: Duration,
    /// How many cameras, with --quiet: 1 to 1000. Without it, none.
    #[arg(long, requires = "quiet", value_parser = clap::value_parser!(u16).range(1..=1000))]
    cameras: Option<u16>,
    /// Lets the phones and cameras be controlled here, and given faults: a loopback address (port 0
    /// takes a free one), or a path with a slash for a Unix socket. See `simulate control`.
    #[arg(long, value_name = "ADDR")]
    control: Option<ControlAddress>,
    /// How long a job may wait for a device that is away before it fails; a server's default unless
    /// given.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    job_deadline: Option<Duration>,
}

impl Demo {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        if !self.http.ip().is_loopback() {
            let what = format!(
                "a demo answers on loopback only, and {} is not: its keys and tokens are printed. \
                 Use `fleetwright serve` for others to reach it",
                self.http
            );
            return Err(Failure::usage(what).into());
        }
        let key = self.key()?;
        let filter = std::env::var("FLEETWRIGHT_LOG").unwrap_or_else(|_| "error".to_owned());
        logging::start(&Log { filter, format: LogFormat::Text }, None)?;
        open_files::raise();
        let options = stage::Options {
            http: self.http,
            project: self.project.clone(),
            key,
            phones: usize::from(self.phones),
            boot: self.boot,
            cameras: if self.quiet { usize::from(self.cameras.unwrap_or(0)) } else { CAMERAS },
            control: self.control.clone(),
            job_deadline: self.job_deadline,
        };
        let runtime = serve::runtime()?;
        let ended = runtime.block_on(self.serve(options));
        // What the show was doing when a signal ended it is not waited for.
        runtime.shutdown_background();
        ended
    }

    /// The access key that was given.
    fn key(&self) -> Result<Option<(String, Secret<String>)>> {
        let (Some(ak), Some(path)) = (&self.ak, &self.sk_file) else { return Ok(None) };
        let secret = std::fs::read_to_string(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        Ok(Some((ak.clone(), Secret::new(secret.trim().to_owned()))))
    }

    async fn serve(self, options: stage::Options) -> Result<ExitCode> {
        let mut stop = serve::Stop::listen_at_terminal()?;
        let stage = Stage::set(options).await?;
        if self.quiet {
            output::tell(&stage.ready());
            let devices = stage.emit()?;
            // Whoever does not read the devices is served all the same.
            let _printing = tokio::task::spawn_blocking(move || output::data(&devices));
            stop.asked().await;
            stage.clear().await;
            return Ok(ExitCode::SUCCESS);
        }
        let shown = tokio::select! {
            shown = show::run(&stage) => shown,
            name = stop.asked() => Err(Failure::failed(format!("{name}: ended early")).into()),
        };
        let differences = match shown {
            Ok(differences) => differences,
            Err(error) => {
                stage.clear().await;
                return Err(error);
            }
        };
        if differences == 0 && !self.exit {
            let in_use = tokio::select! {
                begun = in_use::begin(&stage) => begun,
                name = stop.asked() => Err(Failure::failed(format!("{name}: ended early")).into()),
            };
            let in_use = match in_use {
                Ok(in_use) => in_use,
                Err(error) => {
                    stage.clear().await;
                    return Err(error);
                }
            };
            let password = stage.make_user().await?;
            output::data(&show::how_to_try(&stage, &password)?)?;
            stop.asked().await;
            in_use.stop().await;
        }
        stage.clear().await;
        match differences {
            0 => Ok(ExitCode::SUCCESS),
            _ => Err(Failure::failed(format!("{differences} not as expected; see above")).into()),
        }
    }
}

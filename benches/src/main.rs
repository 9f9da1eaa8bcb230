//! `benches`: what the product does, measured side by side with a peer on the same machine in the
//! same minutes.
//!
//! It must never measure anything but real programs in their default configuration: the built
//! `fleetwright serve`, asked over a socket with signed requests, beside Debian's PostgreSQL, asked
//! by `pgbench`; or with cameras that register by digest, beside Debian's Kamailio. The one
//! exception is [`p10`]: no program of ours can leave out what it measures. Everything stays on
//! loopback and on one disk, is bounded in count and time, and is cleaned away at the end, on an
//! error and on an interrupt.
//!
//! Start reading at [`pairs`] (what a figure is), then [`p1`] (a whole measurement), [`bed`] (our
//! side of it) and [`peer`] (the other side).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is its product"
)]

mod asking;
mod bed;
mod cameras;
mod clock;
mod database;
mod disk;
mod doors;
mod herd;
mod kamailio;
mod load;
mod machine;
mod memory;
mod million;
mod ours;
mod p1;
mod p10;
mod p11;
mod p13;
mod p14;
mod p2;
mod p20;
mod p6;
mod p7;
mod p9;
mod pairs;
mod peer;
mod ports;
mod process;
mod requests;
mod side_by_side;
mod sipp;
mod statistics;
mod task;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::bed::Phones;
use crate::disk::Disk;

/// Measures the product side by side with its peers.
///
/// Each figure is one line on stdout, `name ratio min max pairs`: the median of the ratios of the
/// pairs, the lowest, the highest, and how many pairs there were. Details go to stderr.
#[derive(Parser)]
#[command(name = "benches", version)]
struct Args {
    /// What to measure; all but `peer` unless some are named
    #[arg(value_enum)]
    which: Vec<Which>,
    #[command(flatten)]
    options: Options,
}

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
struct Options {
    /// Pairs of a figure: ours and the peer's in turn. Those taken while the disk changed its speed
    /// are dropped, and up to twice as many are tried
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=20))]
    pairs: u32,
    /// Length of one slot, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=5))]
    slot: u32,
    /// Where both servers keep their data: a directory on the disk to measure
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    dir: PathBuf,
    /// The program; `fleetwright` beside this one unless given
    #[arg(long, value_name = "FILE", env = "FLEETWRIGHT_BIN")]
    fleetwright: Option<PathBuf>,
    /// What the phones do meanwhile; both, one after the other, unless given
    #[arg(long, value_enum)]
    phones: Option<Phones>,
    /// Where our side of P1 and P2 keeps its data: in SQLite, or on the peer's own server
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// How many simulated phones run with `--phones running`
    #[arg(long, value_name = "COUNT", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(100..=16_000))]
    running_phones: u32,
}

/// What a server's data is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    /// SQLite, in the server's own directory
    Sqlite,
    /// PostgreSQL
    Postgresql,
}

impl Store {
    /// The word in the figures' names; none for the default.
    fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgresql => "postgresql-",
        }
    }
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Updates of one phone a request, against single-row inserts in PostgreSQL
    P1,
    /// Updates of 100 phones a request, against 100 rows a transaction in PostgreSQL
    P2,
    /// The 99th percentile of an update's time at half the top rate, against that of fdatasync
    P9,
    /// Processor time of a camera's registration, against Kamailio's
    P6,
    /// Memory of a registered camera, against Kamailio's
    P7,
    /// Updates with signatures checked, against the same without, in this process
    P10,
    /// Device records of `PUT /device`, 100 cameras a request, against our own P2
    P11,
    /// The first page of a list of a million devices, against the same query in PostgreSQL
    P13,
    /// Updates of one phone a request to three nodes on a replicated PostgreSQL, against
    /// single-row inserts into the same
    P14,
    /// How long a server's phones that restart all at once are without their values
    P20,
    /// PostgreSQL alone: no figure, only what it does on this machine
    Peer,
    /// All but `peer`
    All,
}

impl Options {
    /// What the phones do, one after the other.
    fn phones(&self) -> Vec<Phones> {
        self.phones.map_or_else(|| Phones::value_variants().to_vec(), |phones| vec![phones])
    }

    /// The program to measure.
    fn program(&self) -> Result<PathBuf> {
        let program = match &self.fleetwright {
            Some(program) => program.clone(),
            None => {
                let own = std::env::current_exe().context("could not find this program's place")?;
                own.with_file_name("fleetwright")
            }
        };
        if !program.is_file() {
            bail!(
                "{} is not there: build it (cargo build --release -p fleetwright) or set \
                 FLEETWRIGHT_BIN",
                program.display()
            );
        }
        Ok(program)
    }
}

/// Measures until done or interrupted. Two threads, as pgbench is given two.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = tokio::select! {
        done = measure(&args) => done,
        interrupted = interrupted() => interrupted,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for, one after the other. An interrupt drops this future, and with it every
/// process and directory that it holds.
async fn measure(args: &Args) -> Result<()> {
    let options = &args.options;
    let disk = Disk::of(&options.dir)?;
    eprintln!("{}", machine::describe(&disk));
    for which in plan(&args.which) {
        match which {
            Which::P1 => Box::pin(p1::run(options, &disk)).await?,
            Which::P2 => Box::pin(p2::run(options, &disk)).await?,
            Which::P9 => Box::pin(p9::run(options, &disk)).await?,
            Which::P6 => Box::pin(p6::run(options, &disk)).await?,
            Which::P7 => Box::pin(p7::run(options, &disk)).await?,
            Which::P10 => Box::pin(p10::run(options, &disk)).await?,
            Which::P11 => Box::pin(p11::run(options, &disk)).await?,
            Which::P13 => Box::pin(p13::run(options, &disk)).await?,
            Which::P14 => Box::pin(p14::run(options, &disk)).await?,
            Which::P20 => Box::pin(p20::run(options, &disk)).await?,
            Which::Peer => Box::pin(peer::alone(options, &disk)).await?,
            Which::All => {}
        }
    }
    Ok(())
}

/// The measurements to run, each once, in their order.
fn plan(asked: &[Which]) -> Vec<Which> {
    let all = asked.is_empty() || asked.contains(&Which::All);
    let wanted = |which: &Which| match which {
        Which::Peer => asked.contains(which),
        Which::All => false,
        _ => all || asked.contains(which),
    };
    Which::value_variants().iter().copied().filter(wanted).collect()
}

/// Ends with an error at the first SIGINT or SIGTERM.
async fn interrupted() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("could not watch for SIGTERM")?;
    tokio::select! {
        heard = tokio::signal::ctrl_c() => heard.context("could not watch for SIGINT")?,
        _ = terminate.recv() => {}
    }
    bail!("interrupted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn nothing_asked_for_is_everything_but_the_peer_alone() {
        use Which::{All, P1, P2, P6, P7, P9, P10, P11, P13, P14, P20, Peer};
        assert_eq!(plan(&[]), [P1, P2, P9, P6, P7, P10, P11, P13, P14, P20]);
        assert_eq!(plan(&[All, Peer]), [P1, P2, P9, P6, P7, P10, P11, P13, P14, P20, Peer]);
        assert_eq!(plan(&[P9, P1, P9]), [P1, P9]);
        assert_eq!(plan(&[P11, P10]), [P10, P11]);
        assert_eq!(plan(&[Peer]), [Peer]);
    }
}

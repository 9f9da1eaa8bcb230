//! `fleetwright store`: a store copied into another, and one master key changed for another.

mod rekey;

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use engine::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use store::copy::{self, CopiedTable, Place, Progress, Step};

use crate::config::{self, Config, StoreUrl};
use crate::exit::Failure;
use crate::{output, serve};

/// What is to be done when the copy is whole.
const NEXT: &str = "\
Start servers with --store set to the copy (or FLEETWRIGHT_STORE, or store in the configuration), \
and never again one on the source: both would set the same devices. Not in a store, and needed \
beside it: master-key, admin-token and adb-host-key of the data directory, and the directory \
catalogue. Start the first server on the copy with the data directory that has them.";

/// How often at most it is said how far something is, where nobody watches a bar.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Copies a store into another, and changes the master key.
#[derive(Debug, clap::Args)]
pub struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Copy(Copy),
    Rekey(rekey::Rekey),
}

/// Copies a store into an empty one, of SQLite or PostgreSQL, and checks the copy.
///
/// Neither may be in use: stop all servers first. Every table is copied, then read back on both
/// sides and compared by counts and checksums. A copy that was broken off goes on where it was when
/// the same command is given again; until it ends with status 0, no server starts on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    fleetwright store copy --from sqlite:/var/lib/fleetwright/fleetwright.db \\\n    \
    --to postgres://fleetwright@db/fleetwright --config /etc/fleetwright/fleetwright.toml\n\n\
    A password belongs into FLEETWRIGHT_COPY_FROM or FLEETWRIGHT_COPY_TO, with the URL: what is\n\
    given by a flag everybody on the machine can read.")]
struct Copy {
    /// What is copied: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, value_name = "URL", env = "FLEETWRIGHT_COPY_FROM", hide_env_values = true)]
    from: String,
    /// Where to, the same.
    #[arg(long, value_name = "URL", env = "FLEETWRIGHT_COPY_TO", hide_env_values = true)]
    to: String,
    /// The server's configuration file, for the section [postgres].
    #[arg(long, value_name = "FILE", env = "FLEETWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// Prints what was copied as JSON.
    #[arg(long)]
    json: bool,
}

impl Store {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Copy(copy) => copy.run(),
            Command::Rekey(rekey) => rekey.run(),
        }
    }
}

impl Copy {
    fn run(self) -> Result<ExitCode> {
        let config =
            config::load_places(self.config.as_deref(), |name| std::env::var(name).ok(), &[])?;
        let from = place("--from", &self.from, &config)?;
        let to = place("--to", &self.to, &config)?;
        let copied = serve::runtime()?.block_on(copied(&from, &to))?;
        if self.json {
            let tables = copied.iter().map(
                |table| json!({ "table": table.table, "rows": table.rows, "sha256": table.sha256 }),
            );
            output::json(&json!({ "tables": tables.collect::<Vec<_>>() }))?;
        } else {
            let row = |table: &CopiedTable| {
                vec![table.table.to_owned(), table.rows.to_string(), table.sha256.clone()]
            };
            let rows = copied.iter().map(row).collect();
            output::data(&output::table(&["TABLE", "ROWS", "SHA256"], rows))?;
        }
        output::tell(NEXT);
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a URL leads.
fn place(flag: &str, url: &str, config: &Config) -> Result<Place, Failure> {
    let url = StoreUrl::parse(url).map_err(|why| Failure::usage(format!("{flag}: {why}")))?;
    Ok(match url {
        StoreUrl::Sqlite(file) => Place::Sqlite(file),
        StoreUrl::Postgres(url) => {
            config.check_tls(&url).map_err(|why| Failure::usage(format!("{flag}: {why}")))?;
            Place::Postgres(Box::new(config.postgres_options(&url, SystemClock.now())))
        }
    })
}

/// Copies; a signal breaks it off between two batches.
async fn copied(from: &Place, to: &Place) -> Result<Vec<CopiedTable>> {
    let mut stop = serve::Stop::listen_at_terminal()?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = is_stopped.clone();
    let waiting = tokio::spawn(async move {
        stop.asked().await;
        stopped.store(true, Ordering::Relaxed);
    });
    let mut teller = Teller::new();
    let mut watch = |progress: Progress| {
        teller.tell(what(progress), progress.rows, progress.of);
        if is_stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let copied = copy::copy(from, to, SystemClock.now(), &mut watch).await;
    waiting.abort();
    teller.bar.finish_and_clear();
    Ok(copied?)
}

/// Tells how far it is: by a bar on a terminal, by lines elsewhere.
struct Teller {
    bar: ProgressBar,
    is_terminal: bool,
    /// What was last told of, and when.
    last: Option<(String, tokio::time::Instant)>,
}

impl Teller {
    /// Nothing is told yet.
    fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar, is_terminal, last: None }
    }

    /// So many of these are done of so many.
    fn tell(&mut self, what: String, done: u64, of: u64) {
        if self.is_terminal {
            self.bar.set_length(of.max(done));
            self.bar.set_position(done);
            self.bar.set_message(what);
            return;
        }
        let now = tokio::time::Instant::now();
        let is_news = self
            .last
            .as_ref()
            .is_none_or(|(told, at)| *told != what || now.duration_since(*at) >= TELL_EVERY);
        if is_news {
            output::tell(&format!("{what}: {done} of {of}"));
            self.last = Some((what, now));
        }
    }
}

/// What a step of a copy is called, with its table.
fn what(progress: Progress) -> String {
    let verb = match progress.step {
        Step::Copying => "copying",
        Step::Checking => "checking",
    };
    format!("{verb} {}", progress.table)
}

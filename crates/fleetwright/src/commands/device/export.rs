//! `fleetwright device export` and `fleetwright device template`: files that an import takes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fleet::Kind;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::NamedTempFile;

use super::import::Format;
use super::list::Filter;
use crate::client::Client;
use crate::exit::Failure;

/// Bytes that are read from the server at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// The words below the command's own.
pub const HELP: &str = "\
Examples:
  fleetwright device export --project acme --output devices.csv
  fleetwright device export --kind phone --server farm-1 --format jsonl
  fleetwright device export --kind phone --state --property com.cph.mainkeys
  fleetwright device export --project acme | fleetwright device import - --format csv

A camera's channels that have a name on record follow it, a line each. No password is ever in it.
In CSV an apostrophe stands before a text that a spreadsheet would take for a formula; an import
takes it off again. With --output the file gets its name once it is whole, and replaces what had
it.";

/// Exports devices.
#[derive(Debug, clap::Args)]
pub struct Export {
    #[command(flatten)]
    filter: Filter,
    /// How the file is written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file; stdout unless given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Says how each device is doing too: its status, and how long ago it last showed a value. In
    /// JSON lines also all that is asked of it, and what it showed.
    #[arg(long)]
    state: bool,
    /// In CSV, with --state: a property of which it is said what is asked and what was shown; may
    /// be given several times.
    #[arg(long, value_name = "PROPERTY", requires = "state")]
    property: Vec<String>,
}

impl Export {
    /// Does it.
    pub fn run(self, client: &Client) -> Result<()> {
        let mut query = self.filter.query_with_kind();
        query.push(("format", self.format.name().to_owned()));
        query.extend(self.state.then(|| ("state", "true".to_owned())));
        query.extend(self.property.into_iter().map(|property| ("property", property)));
        write(client, &["devices", "export"], &query, self.output.as_deref())
    }
}

/// Which template.
#[derive(Debug, clap::Args)]
pub struct Template {
    /// Of which kind of device: phone or camera.
    #[arg(long)]
    kind: Kind,
    /// How the file is written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file; stdout unless given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Template {
    /// Prints it.
    pub fn run(&self, client: &Client) -> Result<()> {
        let query =
            [("kind", self.kind.name().to_owned()), ("format", self.format.name().to_owned())];
        write(client, &["devices", "import", "template"], &query, self.output.as_deref())
    }
}

/// Brings a file from the server: to stdout, or whole or not at all to a file.
fn write(
    client: &Client,
    path: &[&str],
    query: &[(&str, String)],
    to: Option<&Path>,
) -> Result<()> {
    // Before the server is asked, which may take long.
    let target = to.map(Target::make).transpose()?;
    let mut content = client.stream(path, query)?;
    let Some(mut target) = target else {
        return pass_on(&mut content, &mut std::io::stdout().lock());
    };
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{spinner} {bytes} ({bytes_per_sec})")?);
    let passed = pass_on(&mut bar.wrap_read(&mut content), &mut target.file);
    bar.finish_and_clear();
    passed?;
    target.finish()
}

/// Passes on all that there is to read.
fn pass_on(from: &mut impl Read, to: &mut impl Write) -> Result<()> {
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk);
        // Not as it is: a pipe that broke there is no reader of ours who has seen enough.
        let read =
            read.map_err(|error| Failure::failed(format!("the server broke off: {error}")))?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        to.write_all(part)?;
    }
    to.flush()?;
    Ok(())
}

/// A file that is being written.
struct Target {
    /// Its name to be.
    to: PathBuf,
    /// The file, which goes away unless it gets that name.
    file: NamedTempFile,
}

impl Target {
    /// Makes the file, in the directory where it is to be. What it tells of a fleet is its owner's
    /// alone.
    fn make(to: &Path) -> Result<Self> {
        let directory = to.parent().filter(|parent| *parent != Path::new(""));
        let directory = directory.unwrap_or_else(|| Path::new("."));
        let file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory);
        let file = file.map_err(|error| {
            Failure::usage(format!("{} can't be written: {error}", to.display()))
        })?;
        Ok(Self { to: to.to_owned(), file })
    }

    /// Gives the file its name.
    fn finish(self) -> Result<()> {
        let Self { to, file } = self;
        let failed = || format!("{} can't be written", to.display());
        file.as_file().sync_all().with_context(failed)?;
        file.persist(&to).map_err(|error| error.error).with_context(failed)?;
        Ok(())
    }
}

//! `fleetwright device import`: sending files of devices to the server.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fleet::ProjectId;
use fleet::limits::REGISTRANT_BYTES_MAX;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::import::{Error, Pieces};
use super::wvp;
use crate::client::Client;
use crate::client::answers::Imported;
use crate::commands::user::read_password;
use crate::exit::Failure;
use crate::output;

/// The words below the command's own.
pub const HELP: &str = "\
Examples:
  fleetwright device import phones.jsonl
  fleetwright device import --from wvp devices.csv channels.csv --project acme --dry-run
  fleetwright device import --from wvp devices.csv channels.csv --project acme \\
    --password-file sip-password.txt

A phone and a camera:
  {\"kind\":\"phone\",\"project\":\"acme\",\"id\":\"...\",\"name\":\"desk 1\",\"server\":\"rack-7\",
   \"address\":\"10.0.0.7:5555\",\"container\":\"phone-1\",\"profile\":\"redroid\"}
  {\"kind\":\"camera\",\"project\":\"acme\",\"id\":\"34020000001320000001\",\"name\":\"east gate\",
   \"password\":\"...\",\"channels\":[{\"id\":\"34020000001310000001\",\"name\":\"gate\"}]}
Of a phone, `server` and `container` may be left out. Of a camera all but project, id and name:
`user` is its id unless given, `profile` is generic, channels are found when it registers; without
a password it can't register. A user or password that is left out stays as it was on record. A name
that is imported is recorded, and not sent to the device.

A line that is not right is named, and nothing of its piece of 10,000 devices is imported; pieces
before it are. Importing a file again does no harm.

--from wvp takes the tables wvp_device and wvp_device_channel of WVP-GB28181-pro (up to 2.7.4) as
CSV with a header line, in any order; it knows which is which by the header. Its custom names win.
Lines that can't be taken are listed with file and line, the others go in, and the status is 1.
More: docs/moving-from-wvp.md";

/// Imports phones and cameras.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The files; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Reads another platform's tables.
    #[arg(long, value_name = "PLATFORM", requires = "project")]
    from: Option<Platform>,
    /// The project that the devices of another platform go to.
    #[arg(long, value_name = "ID", requires = "from")]
    project: Option<ProjectId>,
    /// A file with the password of the devices that have none of their own in the tables; - is
    /// stdin. WVP's is sip.password in its application.yml.
    #[arg(long, value_name = "FILE", requires = "from")]
    password_file: Option<PathBuf>,
    /// Says what would be imported, and imports nothing. Asks no server.
    #[arg(long, requires = "from")]
    dry_run: bool,
    /// Imports nothing if a line can't be taken.
    #[arg(long, requires = "from")]
    strict: bool,
}

/// Whose tables can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Platform {
    /// WVP-GB28181-pro.
    Wvp,
}

impl Import {
    /// Whether it only says what it would do.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Says what would be imported.
    pub fn rehearse(&self, is_json: bool) -> Result<()> {
        match &self.project {
            Some(project) => wvp::rehearse(&self.tables(project)?, is_json),
            None => Err(Failure::usage("--dry-run is for --from").into()),
        }
    }

    /// Imports.
    pub fn upload(&self, client: &Client, is_json: bool) -> Result<()> {
        match &self.project {
            Some(project) => wvp::upload(client, &self.tables(project)?, is_json),
            None => import(client, &self.files, is_json),
        }
    }

    /// What is asked of another platform's tables.
    fn tables(&self, project: &ProjectId) -> Result<wvp::Asked> {
        let read = |path: &Path| read_password(path, REGISTRANT_BYTES_MAX);
        let password = self.password_file.as_deref().map(read);
        Ok(wvp::Asked {
            files: self.files.clone(),
            project: project.clone(),
            password: password.transpose()?,
            is_strict: self.strict,
        })
    }
}

/// Opens a file, - being stdin, and gives its size if that is known.
fn open(file: &str) -> Result<(Box<dyn BufRead>, Option<u64>)> {
    if file == "-" {
        return Ok((Box::new(std::io::stdin().lock()), None));
    }
    let open = || -> std::io::Result<(File, u64)> {
        let file = File::open(file)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    };
    let (opened, bytes) = open().map_err(|error| Failure::unreadable(file, &error))?;
    Ok((Box::new(BufReader::new(opened)), Some(bytes)))
}

/// Opens a file, - being stdin, and gives what errors call it.
pub fn open_file(file: &str) -> Result<(String, Box<dyn BufRead>)> {
    Ok((called(file).to_owned(), open(file)?.0))
}

/// What errors call a file.
fn called(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

/// Imports files of devices, piece by piece.
fn import(client: &Client, files: &[String], is_json: bool) -> Result<()> {
    let mut total = Imported::default();
    for file in files {
        let (source, bytes) = open(file)?;
        let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
        bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}  {msg}")?);
        let mut pieces = Pieces::new(called(file), source);
        let outcome = import_pieces(client, &mut pieces, &mut total, &bar);
        bar.finish_and_clear();
        outcome.with_context(|| match total.new + total.updated {
            0 => "nothing was imported".to_owned(),
            done => format!("the first {done} devices were imported, and no more"),
        })?;
    }
    if is_json {
        output::json(&json!({ "new": total.new, "updated": total.updated }))?;
    } else {
        output::data(&format!(
            "imported {} devices: {} new, {} known",
            total.new + total.updated,
            total.new,
            total.updated
        ))?;
    }
    Ok(())
}

fn import_pieces<R: BufRead>(
    client: &Client,
    pieces: &mut Pieces<R>,
    total: &mut Imported,
    bar: &ProgressBar,
) -> Result<()> {
    loop {
        let piece = match pieces.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(()),
            Err(error @ Error::Line { .. }) => {
                return Err(Failure::usage(error.to_string()).into());
            }
            Err(Error::Read { file, source }) => {
                return Err(Failure::unreadable(file, &source).into());
            }
        };
        let answer = client
            .post(&["devices", "import"], &serde_json::to_value(&piece.devices)?)
            .with_context(|| piece.part)?;
        let imported: Imported = client.read(&answer)?;
        total.new += imported.new;
        total.updated += imported.updated;
        bar.set_position(pieces.bytes());
        bar.set_message(format!("{} devices", total.new + total.updated));
    }
}

//! `fleetwright device import`: sending files of devices to the server.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fleet::ProjectId;
use fleet::limits::REGISTRANT_BYTES_MAX;
use indicatif::{ProgressBar, ProgressStyle};

use super::import::{Error, Format, Pieces};
use super::report::Total;
use super::wvp;
use crate::client::Client;
use crate::client::answers::NothingImported;
use crate::commands::user::read_password;
use crate::exit::Failure;

/// The words below the command's own.
pub const HELP: &str = "\
Examples:
  fleetwright device import phones.csv
  fleetwright device import phones.csv --project acme --dry-run
  fleetwright device import phones.jsonl --good-lines
  fleetwright device export --project acme | fleetwright device import - --format csv
  fleetwright device import --from wvp devices.csv channels.csv --project acme --dry-run
  fleetwright device import --from wvp devices.csv channels.csv --project acme \\
    --password-file sip-password.txt

CSV has a header with the names of its columns, in any order; fleetwright device template --kind
phone prints one to begin with. It is UTF-8 or GB18030, as spreadsheets save it; a cell =\"...\" is
the text in it, and any other formula is refused. JSON lines have the same fields:
  {\"kind\":\"phone\",\"project\":\"acme\",\"id\":\"...\",\"name\":\"desk 1\",\"server\":\"rack-7\",
   \"address\":\"10.0.0.7:5555\",\"container\":\"phone-1\",\"profile\":\"redroid\"}
  {\"kind\":\"camera\",\"project\":\"acme\",\"id\":\"34020000001320000001\",\"name\":\"east gate\",
   \"password\":\"...\",\"channels\":[{\"id\":\"34020000001310000001\",\"name\":\"gate\"}]}
Of a phone, `server` and `container` may be left out. Of a camera all but project, id and name:
`user` is its id unless given, `profile` is generic, channels are found when it registers; without
a password it can't register. What is left out stays as it was on record. A name that is imported
is recorded, and not sent to the device.

Each line that is not right is named, and nothing of its piece of 10,000 lines is imported; pieces
before it are. With --good-lines the others go in, and the status is 1. Importing a file again
does no harm. More: docs/operate/import.md

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
    /// The project of lines that name none, and of the devices of another platform.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// How the files are written. Unless given, a file whose name ends with .csv is CSV, and any
    /// other one JSON object a line, or one JSON list.
    #[arg(long, conflicts_with = "from")]
    format: Option<Format>,
    /// Imports the lines that are right, though others are not.
    #[arg(long, conflicts_with = "from")]
    good_lines: bool,
    /// A file with the password of the devices that have none of their own in the tables; - is
    /// stdin. WVP's is sip.password in its application.yml.
    #[arg(long, value_name = "FILE", requires = "from")]
    password_file: Option<PathBuf>,
    /// Says what would be imported, and imports nothing. With --from it asks no server.
    #[arg(long)]
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
    /// Whether it asks no server.
    pub fn is_alone(&self) -> bool {
        self.dry_run && self.from.is_some()
    }

    /// Says what would be imported from another platform's tables.
    pub fn rehearse(&self, is_json: bool) -> Result<()> {
        match &self.project {
            Some(project) => wvp::rehearse(&self.tables(project)?, is_json),
            None => Err(Failure::usage("--from takes --project").into()),
        }
    }

    /// Imports.
    pub fn upload(&self, client: &Client, is_json: bool) -> Result<()> {
        match (&self.from, &self.project) {
            (Some(Platform::Wvp), Some(project)) => {
                wvp::upload(client, &self.tables(project)?, is_json)
            }
            _ => self.import(client, is_json),
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

    /// Imports files of devices, piece by piece.
    fn import(&self, client: &Client, is_json: bool) -> Result<()> {
        let mut total = Total::new(self.dry_run, self.good_lines);
        for file in &self.files {
            let (source, bytes) = open(file)?;
            let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
            bar.set_style(ProgressStyle::with_template(
                "{bar:40} {bytes} of {total_bytes}  {msg}",
            )?);
            let format = self.format.unwrap_or_else(|| Format::of(file));
            let mut pieces = Pieces::new(called(file), source, format);
            total.begin(called(file));
            let outcome = self.import_pieces(client, &mut pieces, &mut total, &bar);
            bar.finish_and_clear();
            outcome.with_context(|| total.so_far())?;
            if total.is_over() {
                break;
            }
        }
        total.show(is_json)?;
        total.verdict()
    }

    /// Imports a file, up to the first piece of which nothing can be taken unless good lines go in
    /// alone.
    fn import_pieces<R: BufRead>(
        &self,
        client: &Client,
        pieces: &mut Pieces<R>,
        total: &mut Total,
        bar: &ProgressBar,
    ) -> Result<()> {
        while !total.is_over() {
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
            let query = self.query(piece.first_line);
            let (answer, is_taken) = client
                .post_file(&["devices", "import"], &query, piece.content_type, piece.body)
                .with_context(|| piece.part)?;
            let report = if is_taken {
                client.read(&answer)?
            } else {
                client.read::<NothingImported>(&answer)?.report
            };
            // Each further piece has the same header.
            let is_unread = report.lines == 0 && !report.errors.is_empty();
            total.add(report);
            if is_unread {
                return Ok(());
            }
            bar.set_position(pieces.bytes());
            bar.set_message(format!("{} devices", total.devices()));
        }
        Ok(())
    }

    /// How the server is to import a piece that begins on this line.
    fn query(&self, first_line: usize) -> Vec<(&'static str, String)> {
        let mut query = vec![("first_line", first_line.to_string())];
        query.extend(self.project.as_ref().map(|project| ("project", project.to_string())));
        query.extend(self.dry_run.then(|| ("dry_run", "true".to_owned())));
        query.extend(self.good_lines.then(|| ("mode", "good_lines".to_owned())));
        query
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

//! Reading a file of devices in pieces, each of which one call takes. What its lines mean, the
//! server says.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use api::native::{Rows, charset_of};
use fleet::limits::DEVICES_PER_IMPORT_MAX;
use serde_json::value::RawValue;

/// Bytes of a line: a recorder with as many channels as it may have takes some 3 MB.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a piece before its last line: with that below the 12 MB that the server takes in one
/// body.
const PIECE_BYTES_MAX: usize = 7 * 1024 * 1024;

/// Bytes of a file that is CSV, or one list: it is read whole. One object a line has no bound.
const WHOLE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How a file names its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// CSV with a header.
    Csv,
    /// One JSON object a line, or one JSON list.
    Jsonl,
}

impl Format {
    /// That of a file of this name: CSV if it ends so.
    pub fn of(file: &str) -> Self {
        let extension = std::path::Path::new(file).extension();
        let is_csv = extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Jsonl }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// What one call imports.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which part of the file it is, for people.
    pub part: String,
    /// What the server calls its first line.
    pub first_line: usize,
    /// What it is, for the server.
    pub content_type: &'static str,
    /// Its text.
    pub body: Vec<u8>,
}

/// What the server calls one object a line.
const JSON_LINES: &str = "application/x-ndjson";

/// Why a file can't be read further.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("{file} can't be read")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is too long, or what follows it is no list.
    #[error("{file}:{line}: {reason}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

/// What is left of a file.
enum Rest {
    /// It is not known yet what there is.
    Unknown,
    /// Lines.
    Lines,
    /// Pieces that were made already.
    Made(VecDeque<Piece>),
}

/// The pieces of a file, read as they are asked for.
pub struct Pieces<R> {
    file: String,
    source: R,
    format: Format,
    line: usize,
    bytes: u64,
    rest: Rest,
}

impl<R: BufRead> Pieces<R> {
    /// The pieces of `source`, which errors call `file`.
    pub fn new(file: impl Into<String>, source: R, format: Format) -> Self {
        Self { file: file.into(), source, format, line: 0, bytes: 0, rest: Rest::Unknown }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece; `None` at the end. Of CSV there is at least one, for its header.
    pub fn next(&mut self) -> Result<Option<Piece>, Error> {
        if matches!(self.rest, Rest::Unknown) {
            let format = self.format;
            self.rest = match format {
                Format::Csv => Rest::Made(self.read_csv()?),
                Format::Jsonl if self.begins_with_bracket()? => Rest::Made(self.read_list()?),
                Format::Jsonl => Rest::Lines,
            };
        }
        match &mut self.rest {
            Rest::Made(pieces) => Ok(pieces.pop_front()),
            Rest::Lines | Rest::Unknown => self.piece_of_lines(),
        }
    }

    /// Passes over blank lines, and says whether a list begins behind them.
    fn begins_with_bracket(&mut self) -> Result<bool, Error> {
        loop {
            let buffer = self.source.fill_buf();
            let buffer =
                buffer.map_err(|source| Error::Read { file: self.file.clone(), source })?;
            let Some(first) = buffer.first() else { return Ok(false) };
            if !first.is_ascii_whitespace() {
                return Ok(*first == b'[');
            }
            self.line += usize::from(*first == b'\n');
            self.bytes += 1;
            self.source.consume(1);
        }
    }

    /// Reads all that is left.
    fn read_whole(&mut self) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        let read = self.source.by_ref().take(WHOLE_BYTES_MAX as u64 + 1).read_to_end(&mut text);
        read.map_err(|source| Error::Read { file: self.file.clone(), source })?;
        self.bytes += text.len() as u64;
        if text.len() > WHOLE_BYTES_MAX {
            let what = format!("is longer than {WHOLE_BYTES_MAX} bytes: part it, or make it lines");
            return Err(self.bad(self.line + 1, what));
        }
        Ok(text)
    }

    /// Makes pieces of a file that is one list: each has its devices as lines.
    fn read_list(&mut self) -> Result<VecDeque<Piece>, Error> {
        let text = self.read_whole()?;
        let before = self.line;
        let read: Result<Vec<Box<RawValue>>, _> = serde_json::from_slice(&text);
        let list = read.map_err(|error| self.bad(before + error.line(), without_line(&error)))?;
        let mut pieces = VecDeque::new();
        let (mut first, mut body) = (1, Vec::new());
        for (index, device) in list.iter().enumerate() {
            // A text in JSON has no ends of lines in it.
            let device = device.get().replace(['\r', '\n'], " ");
            if index + 1 - first >= DEVICES_PER_IMPORT_MAX || body.len() >= PIECE_BYTES_MAX {
                pieces.push_back(of_list(first, index, std::mem::take(&mut body)));
                first = index + 1;
            }
            body.extend(device.bytes());
            body.push(b'\n');
        }
        if !body.is_empty() {
            pieces.push_back(of_list(first, list.len(), body));
        }
        Ok(pieces)
    }

    /// Makes pieces of a CSV file: each has the header before its rows.
    fn read_csv(&mut self) -> Result<VecDeque<Piece>, Error> {
        let text = self.read_whole()?;
        // The whole is asked, for a part of a file in GB18030 may happen to be UTF-8.
        let content_type = match charset_of(&text) {
            Ok("utf-8") => "text/csv; charset=utf-8",
            Ok(_) => "text/csv; charset=gb18030",
            Err(error) => return Err(self.bad(1, error.to_string())),
        };
        let mut rows = Rows::new(&text);
        let mut cuts: Vec<Cut> = Vec::new();
        let mut header_end = text.len();
        let mut before = None;
        rows.next_row();
        while let Some(row) = rows.next_row() {
            if let Some((line, start)) = before
                && row.start - start > LINE_BYTES_MAX
            {
                return Err(self.too_long(line));
            }
            before = Some((row.line, row.start));
            match cuts.last_mut() {
                Some(cut)
                    if cut.rows < DEVICES_PER_IMPORT_MAX
                        && row.start - cut.start < PIECE_BYTES_MAX =>
                {
                    cut.rows += 1;
                    cut.last_line = row.line;
                }
                Some(_) => cuts.push(Cut::at(row.line, row.start)),
                None => {
                    header_end = row.start;
                    cuts.push(Cut::at(row.line, row.start));
                }
            }
        }
        if let Some((line, start)) = before
            && text.len() - start > LINE_BYTES_MAX
        {
            return Err(self.too_long(line));
        }
        let header = text.get(..header_end).unwrap_or_default();
        if header.len() > LINE_BYTES_MAX {
            return Err(self.too_long(1));
        }
        if cuts.is_empty() {
            let part = "the header".to_owned();
            return Ok([Piece { part, first_line: 1, content_type, body: text }].into());
        }
        let ends = cuts.iter().skip(1).map(|cut| cut.start).chain([text.len()]);
        let piece = |(cut, end): (&Cut, usize)| Piece {
            part: format!("lines {} to {}", cut.line, cut.last_line),
            first_line: cut.line,
            content_type,
            body: [header, text.get(cut.start..end).unwrap_or_default()].concat(),
        };
        Ok(cuts.iter().zip(ends).map(piece).collect())
    }

    /// The next piece of a file of one object a line.
    fn piece_of_lines(&mut self) -> Result<Option<Piece>, Error> {
        let mut body = Vec::new();
        let (mut lines, mut named) = (0, (0, 0));
        let first_line = self.line + 1;
        while lines < DEVICES_PER_IMPORT_MAX && body.len() < PIECE_BYTES_MAX {
            let Some(text) = self.read_line()? else { break };
            if !text.trim_ascii().is_empty() {
                lines += 1;
                named = (if named.0 == 0 { self.line } else { named.0 }, self.line);
            }
            body.extend(text);
        }
        let part = format!("lines {} to {}", named.0, named.1);
        let piece = Piece { part, first_line, content_type: JSON_LINES, body };
        Ok((lines > 0).then_some(piece))
    }

    /// The next line with its end; `None` at the end of the file.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut text = Vec::new();
        let bound = LINE_BYTES_MAX as u64 + 1;
        let read = self.source.by_ref().take(bound).read_until(b'\n', &mut text);
        let read = read.map_err(|source| Error::Read { file: self.file.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        self.bytes += read as u64;
        if text.len() > LINE_BYTES_MAX {
            return Err(self.too_long(self.line));
        }
        Ok(Some(text))
    }

    /// A line that has no end where one is to be.
    fn too_long(&self, line: usize) -> Error {
        self.bad(line, format!("is longer than {LINE_BYTES_MAX} bytes"))
    }

    fn bad(&self, line: usize, reason: String) -> Error {
        Error::Line { file: self.file.clone(), line, reason }
    }
}

/// Where a piece of a CSV file begins.
struct Cut {
    /// Its first line, and that on which its last row begins.
    line: usize,
    last_line: usize,
    /// Its first byte.
    start: usize,
    /// How many rows it has.
    rows: usize,
}

impl Cut {
    /// A piece with one row.
    fn at(line: usize, start: usize) -> Self {
        Self { line, last_line: line, start, rows: 1 }
    }
}

/// The piece of a list that has the devices `first` to `last`.
fn of_list(first: usize, last: usize, body: Vec<u8>) -> Piece {
    let part = format!("devices {first} to {last}");
    Piece { part, first_line: first, content_type: JSON_LINES, body }
}

/// What is wrong with a list, without the line, which is told apart.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} (column {})", error.column()),
        _ => text,
    }
}

#[cfg(test)]
mod tests;

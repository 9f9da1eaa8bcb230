//! Reading a file of devices, one JSON object a line or one JSON list, in pieces that one call
//! takes.

mod line;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use fleet::limits::DEVICES_PER_IMPORT_MAX;

pub use line::{Line, NewChannel, check_gb_id};

/// Bytes of a line: a recorder with as many channels as it may have takes some 3 MB.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a piece before its last device: with that below the 12 MB that the server takes in one
/// body.
const PIECE_BYTES_MAX: usize = 7 * 1024 * 1024;

/// Bytes of a file that is one list: it is read whole. One object a line has no bound.
const LIST_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What one call imports.
#[derive(Debug)]
pub struct Piece {
    /// Which part of the file it is, for people.
    pub part: String,
    /// Its devices, at least one.
    pub devices: Vec<Line>,
}

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
    /// A line is no device.
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

/// The pieces of a file, read as they are asked for.
pub struct Pieces<R> {
    file: String,
    source: R,
    line: usize,
    bytes: u64,
    /// Whether it is known if the file is one list.
    is_begun: bool,
    /// If it is: how many of its devices were given, and those that were not.
    list: Option<(usize, VecDeque<Line>)>,
}

impl<R: BufRead> Pieces<R> {
    /// The pieces of `source`, which errors call `file`.
    pub fn new(file: impl Into<String>, source: R) -> Self {
        Self { file: file.into(), source, line: 0, bytes: 0, is_begun: false, list: None }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece: all of it are devices. `None` at the end.
    pub fn next(&mut self) -> Result<Option<Piece>, Error> {
        if !self.is_begun {
            self.is_begun = true;
            if self.begins_with_bracket()? {
                self.list = Some((0, self.read_list()?));
            }
        }
        match &mut self.list {
            Some((given, list)) => Ok(piece_of_list(given, list)),
            None => self.piece_of_lines(),
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

    /// Reads the whole of a file that is one list.
    fn read_list(&mut self) -> Result<VecDeque<Line>, Error> {
        let mut text = Vec::new();
        let read = self.source.by_ref().take(LIST_BYTES_MAX as u64 + 1).read_to_end(&mut text);
        read.map_err(|source| Error::Read { file: self.file.clone(), source })?;
        self.bytes += text.len() as u64;
        let first = self.line;
        self.line = first + 1;
        if text.len() > LIST_BYTES_MAX {
            let what =
                format!("is a list of more than {LIST_BYTES_MAX} bytes: make it a line each");
            return Err(self.bad(what));
        }
        let read: Result<Vec<Line>, _> = serde_json::from_slice(&text);
        let list = read.map_err(|error| {
            self.line = first + error.line();
            self.bad(reason(&error))
        })?;
        for (index, device) in list.iter().enumerate() {
            device.check().map_err(|why| self.bad(format!("device {}: {why}", index + 1)))?;
        }
        Ok(list.into())
    }

    /// The next piece of a file of one object a line.
    fn piece_of_lines(&mut self) -> Result<Option<Piece>, Error> {
        let mut devices = Vec::new();
        let mut lines = (0, 0);
        let mut piece_bytes = 0;
        while devices.len() < DEVICES_PER_IMPORT_MAX && piece_bytes < PIECE_BYTES_MAX {
            let Some(text) = self.read_line()? else { break };
            piece_bytes += text.len();
            if text.trim_ascii().is_empty() {
                continue;
            }
            let device: Line =
                serde_json::from_slice(&text).map_err(|error| self.bad(reason(&error)))?;
            device.check().map_err(|why| self.bad(why))?;
            devices.push(device);
            lines = (if lines.0 == 0 { self.line } else { lines.0 }, self.line);
        }
        let part = format!("lines {} to {}", lines.0, lines.1);
        Ok(if devices.is_empty() { None } else { Some(Piece { part, devices }) })
    }

    /// The next line without its end; `None` at the end of the file.
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
            return Err(self.bad(format!("is longer than {LINE_BYTES_MAX} bytes")));
        }
        Ok(Some(text))
    }

    fn bad(&self, reason: String) -> Error {
        Error::Line { file: self.file.clone(), line: self.line, reason }
    }
}

/// The next piece of a list, of which `given` devices were given before.
fn piece_of_list(given: &mut usize, list: &mut VecDeque<Line>) -> Option<Piece> {
    let before = *given;
    let devices = take_piece(list);
    *given += devices.len();
    let part = format!("devices {} to {}", before + 1, *given);
    if devices.is_empty() { None } else { Some(Piece { part, devices }) }
}

/// Takes as many devices as one call takes from the front of `list`.
pub fn take_piece(list: &mut VecDeque<Line>) -> Vec<Line> {
    let mut devices = Vec::new();
    let mut piece_bytes = 0;
    while devices.len() < DEVICES_PER_IMPORT_MAX && piece_bytes < PIECE_BYTES_MAX {
        let Some(device) = list.pop_front() else { break };
        piece_bytes += device.bytes();
        devices.push(device);
    }
    devices
}

/// What is wrong with a line. serde_json's own line number is always 1 here, so only its column
/// stays.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} (column {})", error.column()),
        _ => text,
    }
}

#[cfg(test)]
mod tests;

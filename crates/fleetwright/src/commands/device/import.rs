//! Reading a file of devices: one JSON object a line, in pieces that one call takes.

use std::io::{self, BufRead, Read};

use fleet::limits::DEVICES_PER_IMPORT_MAX;
use fleet::{DeviceId, Kind, ProjectId};
use serde::{Deserialize, Serialize};

/// Bytes of a line: the longest record that the server takes has about 1 kB, escaped 6 kB.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a piece: below the 12 MB that the server takes in one body.
const PIECE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One device, as it stands on a line and as the server takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is.
    kind: Kind,
    /// Its project.
    project: ProjectId,
    /// Its id.
    id: DeviceId,
    /// The operator's name for it.
    name: String,
    /// The host it lives on; empty if there is none to name.
    #[serde(default)]
    server: String,
    /// `host:port`.
    address: String,
    /// What its server calls it; empty if there is nothing to name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    container: String,
    /// The profile.
    profile: String,
}

/// What one call imports.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first and the last line of it, from 1.
    pub lines: (usize, usize),
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
}

impl<R: BufRead> Pieces<R> {
    /// The pieces of `source`, which errors call `file`.
    pub fn new(file: impl Into<String>, source: R) -> Self {
        Self { file: file.into(), source, line: 0, bytes: 0 }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece: every line of it is a device. `None` at the end.
    pub fn next(&mut self) -> Result<Option<Piece>, Error> {
        let mut devices = Vec::new();
        let mut lines = (0, 0);
        let mut piece_bytes = 0;
        while devices.len() < DEVICES_PER_IMPORT_MAX && piece_bytes < PIECE_BYTES_MAX {
            let Some(text) = self.read_line()? else { break };
            piece_bytes += text.len();
            if text.trim_ascii().is_empty() {
                continue;
            }
            let device = serde_json::from_slice(&text).map_err(|error| self.bad(reason(&error)))?;
            devices.push(device);
            lines = (if lines.0 == 0 { self.line } else { lines.0 }, self.line);
        }
        Ok(if devices.is_empty() { None } else { Some(Piece { lines, devices }) })
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
mod tests {
    use super::*;

    const GOOD: &str = r#"{"kind":"phone","project":"p","id":"a","name":"n","server":"s","address":"127.0.0.1:1","profile":"android"}"#;

    fn all(text: &str) -> Result<Vec<Piece>, Error> {
        let mut pieces = Pieces::new("phones.jsonl", text.as_bytes());
        let mut found = Vec::new();
        while let Some(piece) = pieces.next()? {
            found.push(piece);
        }
        Ok(found)
    }

    #[test]
    fn lines_become_devices_and_empty_ones_are_passed_over() {
        let found = all(&format!("\n{GOOD}\r\n\n  \n{GOOD}")).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].lines, found[0].devices.len()), ((2, 5), 2));
        let sent = serde_json::to_string(&found[0].devices[0]).unwrap();
        assert_eq!(sent, GOOD, "a device goes to the server as it stood in the file");
        assert!(all("").unwrap().is_empty());
    }

    #[test]
    fn a_bad_line_is_named_with_its_reason() {
        let check = |line: &str, expected: &str| {
            let error = all(&format!("{GOOD}\n{line}\n{GOOD}\n")).unwrap_err().to_string();
            assert!(error.starts_with("phones.jsonl:2: "), "{error}");
            assert!(error.contains(expected), "{line}\ngives\n{error}\nnot\n{expected}");
        };
        check("{", "EOF while parsing");
        check("x", "expected value (column 1)");
        check(
            &GOOD.replace("\"name\"", "\"nmae\""),
            "unknown field `nmae`, expected one of `kind`",
        );
        check(&GOOD.replace("\"profile\":\"android\"", "\"id\":\"b\""), "duplicate field `id`");
        check(&GOOD.replace(",\"profile\":\"android\"", ""), "missing field `profile`");
        check(&GOOD.replace("\"phone\"", "\"toaster\""), "unknown variant `toaster`");
        check(&GOOD.replace("\"id\":\"a\"", "\"id\":\"\""), "device id is empty");
        check(&GOOD.replace("\"a\"", &format!("\"{}\"", "a".repeat(33))), "at most 32");
        check(&GOOD.replace("\"p\"", "\"a/b\""), "project id has a character");
        check(&GOOD.replace("\"n\"", "7"), "invalid type");
        check(&format!("{GOOD}{GOOD}"), "trailing characters");
        check(&"x".repeat(LINE_BYTES_MAX + 1), "longer than");
    }

    #[test]
    fn a_large_file_comes_in_pieces_with_the_lines_they_are_from() {
        let text = format!("{GOOD}\n").repeat(DEVICES_PER_IMPORT_MAX + 5);
        let found = all(&text).unwrap();
        let shape: Vec<_> = found.iter().map(|piece| (piece.lines, piece.devices.len())).collect();
        assert_eq!(shape, [((1, 10_000), 10_000), ((10_001, 10_005), 5)]);
    }
}

//! What was read of a file, before it is known what its lines mean.

use std::collections::HashMap;

use super::line::Line;
use super::report::LineError;

/// What was read of a file.
#[derive(Default)]
pub(super) struct Read {
    /// How many lines of devices and channels it has.
    pub(super) lines: usize,
    /// Those that could be read.
    pub(super) good: Vec<Line>,
    /// What is wrong with the header and with the others.
    pub(super) errors: Vec<LineError>,
    /// Of CSV, the charset that it was read as.
    pub(super) encoding: Option<&'static str>,
    /// Of CSV, the number of each column, from 1.
    pub(super) columns: HashMap<&'static str, usize>,
}

/// A file has more lines than one call takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

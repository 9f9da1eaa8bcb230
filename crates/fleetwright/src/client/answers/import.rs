//! What the import of a file is answered.

use serde::Deserialize;

/// What an import did, or would do.
#[derive(Debug, Default, Deserialize)]
pub struct ImportReport {
    /// Of CSV, the charset that it was read as.
    pub encoding: Option<String>,
    /// Lines of devices and channels.
    pub lines: usize,
    /// Devices that are new.
    pub new: usize,
    /// Devices that existed and took the new record.
    pub changed: usize,
    /// Channels that were named in lines of their own.
    pub channels: usize,
    /// Lines that can't be taken.
    pub failed: usize,
    /// Why.
    pub errors: Vec<LineError>,
    /// How many more faults there are.
    pub more: usize,
}

/// What is wrong with a line.
#[derive(Debug, Deserialize)]
pub struct LineError {
    /// The line.
    pub line: usize,
    /// The cell or the character.
    pub column: Option<usize>,
    /// The field.
    pub field: Option<String>,
    /// What is wrong, for programs.
    pub code: String,
    /// The same for people.
    pub detail: String,
}

/// The problem that says that nothing of a file went in.
#[derive(Debug, Deserialize)]
pub struct NothingImported {
    /// Why.
    pub report: ImportReport,
}

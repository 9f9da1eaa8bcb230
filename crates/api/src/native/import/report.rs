//! What an import of lines did, line by line.

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use fleet::limits::IMPORT_ERRORS_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Imported, Problem};

/// What an import of a file did, or would do.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub(in crate::native) struct Report {
    /// Whether nothing was done because only that was asked.
    dry_run: bool,
    /// Of CSV, the charset that it was read as: `utf-8` or `gb18030`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "gb18030")]
    encoding: Option<&'static str>,
    /// Lines of devices and channels; the header, blank lines and comments are none.
    lines: usize,
    /// Devices that are new.
    new: usize,
    /// Devices that existed and took the new record. They keep their values.
    changed: usize,
    /// Channels that were named in lines of their own.
    channels: usize,
    /// Lines that can't be taken.
    failed: usize,
    /// Why, by line: the first 1,000.
    errors: Vec<LineError>,
    /// How many more there are.
    more: usize,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = ImportLineError)]
pub(in crate::native) struct LineError {
    /// The line, counted from 1 as an editor does; the header is one. Of a device that stands on
    /// several lines, the first.
    line: usize,
    /// Of CSV the number of the cell, from 1; of JSON lines the character up to which it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The name of the column or the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "address")]
    field: Option<String>,
    /// What is wrong, for programs: `unknown_column`, `repeated_column`, `missing_column`,
    /// `unreadable`, `missing`, `invalid`, `formula`, `not_of_kind`, `repeated_id`, `example`,
    /// `no_device`, `device_failed`, or the code of a problem, as `no_such_project`.
    #[schema(value_type = String, example = "invalid")]
    code: &'static str,
    /// The same for people. Never a password.
    #[schema(example = "\"10.0.0.7\" is not host:port")]
    detail: String,
}

impl LineError {
    /// A fault of this line as a whole.
    pub(super) fn new(line: usize, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, column: None, field: None, code, detail: detail.into() }
    }

    /// The same of this field.
    pub(super) fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same at this column.
    pub(super) fn at(self, column: usize) -> Self {
        Self { column: Some(column), ..self }
    }

    /// Its line.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The name of its field.
    pub(super) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong, for programs.
    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong, for people.
    #[cfg(test)]
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

/// What went in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// Devices that are new.
    pub(super) new: usize,
    /// Devices that existed.
    pub(super) changed: usize,
    /// Channels of lines of their own.
    pub(super) channels: usize,
}

impl Report {
    /// Of a file of so many lines, if it is CSV with the charset that it was read as.
    pub(super) fn new(
        dry_run: bool,
        (lines, encoding): (usize, Option<&'static str>),
        taken: Taken,
        mut errors: Vec<LineError>,
    ) -> Self {
        errors.sort();
        let failed: BTreeSet<usize> = errors.iter().map(LineError::line).collect();
        let failed = failed.len().min(lines);
        let more = errors.len().saturating_sub(IMPORT_ERRORS_MAX);
        errors.truncate(IMPORT_ERRORS_MAX);
        let Taken { new, changed, channels } = taken;
        Self { dry_run, encoding, lines, new, changed, channels, failed, errors, more }
    }

    /// The answer: of success if anything went in, or nothing was wrong.
    pub(super) fn answer(self) -> Answer {
        let is_in = self.new + self.changed + self.channels > 0;
        if self.errors.is_empty() || is_in { Answer::Done(self) } else { Answer::Nothing(self) }
    }
}

/// What an import is answered.
#[derive(Debug)]
pub(in crate::native) enum Answer {
    /// A list of devices went in.
    List(Imported),
    /// Lines went in.
    Done(Report),
    /// No line went in.
    Nothing(Report),
}

/// What an import that was done is answered: the first for a list of devices, the second for lines.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ImportAnswer)]
#[expect(dead_code, reason = "only its description is used")]
pub(in crate::native) enum Success {
    /// Of a list.
    List(Imported),
    /// Of lines.
    Lines(Report),
}

/// The problem that says that no line went in.
#[derive(Serialize, ToSchema)]
#[schema(as = NothingImported)]
pub(in crate::native) struct Nothing {
    /// As of any problem.
    #[serde(flatten)]
    problem: Problem,
    /// Why, line by line. Absent where it is another problem: see `code`.
    #[schema(required = false)]
    report: Report,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::List(imported) => Json(imported).into_response(),
            Self::Done(report) => Json(report).into_response(),
            Self::Nothing(report) => {
                let lines = report.failed.max(1);
                let detail = format!("nothing is imported: {lines} lines can't be taken");
                let problem = Problem::unprocessable("lines_invalid", detail);
                problem.clone().with_body(&Nothing { problem, report })
            }
        }
    }
}

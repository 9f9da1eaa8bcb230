//! What the import of files did, over all their pieces.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::answers::{ImportReport, LineError};
use crate::exit::Failure;
use crate::output;

/// Faults that are listed: more say nothing new, and fill the terminal.
const LISTED_MAX: usize = 1_000;

/// What became of all files so far.
pub struct Total {
    is_dry_run: bool,
    /// Whether good lines go in alone.
    good_lines: bool,
    /// What the files are called, in their order; the last one is being imported.
    files: Vec<String>,
    /// Of those that are CSV, the charset that each was read as, by its place.
    encodings: BTreeMap<usize, String>,
    lines: usize,
    new: usize,
    changed: usize,
    channels: usize,
    failed: usize,
    /// What is wrong, with the file by its place.
    errors: Vec<(usize, LineError)>,
    /// How many more faults there are.
    more: usize,
}

impl Total {
    /// Of no file yet.
    pub fn new(is_dry_run: bool, good_lines: bool) -> Self {
        Self {
            is_dry_run,
            good_lines,
            files: Vec::new(),
            encodings: BTreeMap::new(),
            lines: 0,
            new: 0,
            changed: 0,
            channels: 0,
            failed: 0,
            errors: Vec::new(),
            more: 0,
        }
    }

    /// What comes now is of this file.
    pub fn begin(&mut self, file: &str) {
        self.files.push(file.to_owned());
    }

    /// Adds what became of a piece.
    pub fn add(&mut self, report: ImportReport) {
        let ImportReport { encoding, lines, new, changed, channels, failed, mut errors, more } =
            report;
        let file = self.files.len().saturating_sub(1);
        self.encodings.extend(encoding.map(|encoding| (file, encoding)));
        self.lines += lines;
        self.new += new;
        self.changed += changed;
        self.channels += channels;
        self.failed += failed;
        let room = LISTED_MAX.saturating_sub(self.errors.len()).min(errors.len());
        let unlisted = errors.split_off(room);
        self.more += more + unlisted.len();
        self.errors.extend(errors.into_iter().map(|error| (file, error)));
    }

    /// Devices that went in, or would.
    pub fn devices(&self) -> usize {
        self.new + self.changed
    }

    /// Whether nothing more is to go in.
    pub fn is_over(&self) -> bool {
        !self.good_lines && !self.errors.is_empty()
    }

    /// What is done when it goes no further.
    pub fn so_far(&self) -> String {
        match (self.devices(), self.is_dry_run) {
            (0, false) => "nothing was imported".to_owned(),
            (0, true) => "nothing would be imported".to_owned(),
            (done, false) => format!("the first {done} devices were imported, and no more"),
            (done, true) => format!("the first {done} devices would be imported, and no more"),
        }
    }

    /// Prints it.
    pub fn show(&self, is_json: bool) -> Result<()> {
        if is_json {
            output::json(&self.as_json())?;
            return Ok(());
        }
        if !self.errors.is_empty() {
            output::tell(&self.table());
        }
        if self.is_over() {
            return Ok(());
        }
        output::data(&self.words())?;
        Ok(())
    }

    /// The lines that can't be taken, for people.
    fn table(&self) -> String {
        let rows = self.errors.iter().map(|(file, error)| {
            let file = self.files.get(*file).map_or("", String::as_str);
            let cell = error.column.map(|column| column.to_string());
            vec![
                format!("{file}:{}", error.line),
                error.field.clone().unwrap_or_default(),
                cell.unwrap_or_default(),
                error.detail.clone(),
            ]
        });
        let table = output::table(&["LINE", "FIELD", "AT", "WHY"], rows.collect());
        match self.more {
            0 => table,
            more => format!("{table}\n... and {more} more"),
        }
    }

    /// What went in, for people.
    fn words(&self) -> String {
        let Self { new, changed, .. } = self;
        let done = if self.is_dry_run { "would import" } else { "imported" };
        let channels = match self.channels {
            0 => String::new(),
            count => format!(" and {count} channels"),
        };
        let others = self.encodings.iter().filter(|(_, encoding)| *encoding != "utf-8");
        let read_as = others.filter_map(|(file, encoding)| {
            Some(format!("\n{} was read as {encoding}", self.files.get(*file)?))
        });
        let read_as: String = read_as.collect();
        format!("{done} {} devices{channels}: {new} new, {changed} known{read_as}", self.devices())
    }

    /// For programs.
    fn as_json(&self) -> Value {
        let errors = self.errors.iter().map(|(file, error)| {
            let LineError { line, column, field, code, detail } = error;
            json!({
                "file": self.files.get(*file),
                "line": line,
                "column": column,
                "field": field,
                "code": code,
                "detail": detail,
            })
        });
        let encodings: BTreeMap<&str, &str> = self
            .encodings
            .iter()
            .filter_map(|(file, encoding)| {
                Some((self.files.get(*file)?.as_str(), encoding.as_str()))
            })
            .collect();
        json!({
            "dry_run": self.is_dry_run,
            "encodings": encodings,
            "lines": self.lines,
            "new": self.new,
            "changed": self.changed,
            "channels": self.channels,
            "failed": self.failed,
            "errors": errors.collect::<Vec<Value>>(),
            "more": self.more,
        })
    }

    /// An error if lines can't be taken. It says how the program ends: as by a file that is not
    /// right, or, where the others went in, as by a part that failed.
    pub fn verdict(&self) -> Result<()> {
        let lines = match self.failed.max(1) {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        if self.errors.is_empty() {
            Ok(())
        } else if self.good_lines {
            Err(Failure::failed(format!("{lines} can't be taken; see above")).into())
        } else {
            Err(Failure::usage(format!("{}: {lines} can't be taken; see above", self.so_far()))
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn report(first: usize, failed: usize) -> ImportReport {
        let error = |line| LineError {
            line,
            column: Some(2),
            field: Some("address".to_owned()),
            code: "invalid".to_owned(),
            detail: "\"x\" is not host:port".to_owned(),
        };
        ImportReport {
            lines: 10,
            new: 10 - failed,
            failed,
            errors: (first..first + failed).map(error).collect(),
            ..ImportReport::default()
        }
    }

    fn exit(total: &Total) -> Option<Exit> {
        let error = total.verdict().err()?;
        error.downcast_ref::<Failure>().map(|failure| failure.exit)
    }

    #[test]
    fn each_fault_is_shown_with_its_file_and_line() {
        let mut total = Total::new(false, true);
        total.begin("a.csv");
        total.add(report(2, 1));
        total.begin("b.csv");
        total.add(report(7, 2));
        insta::assert_snapshot!(total.table(), @r#"
        LINE     FIELD    AT  WHY
        a.csv:2  address  2   "x" is not host:port
        b.csv:7  address  2   "x" is not host:port
        b.csv:8  address  2   "x" is not host:port
        "#);
        assert_eq!(total.words(), "imported 17 devices: 17 new, 0 known");
        assert_eq!((total.is_over(), exit(&total)), (false, Some(Exit::Failed)));
        let shown = total.as_json();
        assert_eq!((&shown["failed"], &shown["errors"][2]["file"]), (&json!(3), &json!("b.csv")));
    }

    #[test]
    fn what_a_file_was_read_as_is_told_where_it_is_no_utf_8() {
        let mut total = Total::new(false, false);
        for (file, encoding) in
            [("a.csv", Some("utf-8")), ("b.csv", Some("gb18030")), ("c.jsonl", None)]
        {
            total.begin(file);
            let encoding = encoding.map(str::to_owned);
            total.add(ImportReport { encoding: encoding.clone(), ..report(2, 0) });
            total.add(ImportReport { encoding, ..report(12, 0) });
        }
        assert_eq!(
            total.words(),
            "imported 60 devices: 60 new, 0 known\nb.csv was read as gb18030"
        );
        let encodings = json!({ "a.csv": "utf-8", "b.csv": "gb18030" });
        assert_eq!(total.as_json()["encodings"], encodings);
    }

    #[test]
    fn a_file_that_is_not_right_ends_it_and_one_that_is_does_not() {
        let mut total = Total::new(false, false);
        total.begin("a.csv");
        total.add(report(2, 0));
        assert_eq!((total.is_over(), exit(&total)), (false, None));
        total.add(ImportReport { new: 0, ..report(12, 2) });
        assert_eq!((total.is_over(), exit(&total)), (true, Some(Exit::Usage)));
        let error = total.verdict().unwrap_err().to_string();
        assert_eq!(
            error,
            "the first 10 devices were imported, and no more: 2 lines can't be taken; see above"
        );
    }

    #[test]
    fn no_more_than_a_thousand_faults_are_listed() {
        let mut total = Total::new(true, true);
        total.begin("a.csv");
        let many = ImportReport { new: 0, more: 5, ..report_of(LISTED_MAX + 3) };
        total.add(many);
        assert!(total.table().ends_with("\n... and 8 more"));
        assert_eq!(total.words(), "would import 0 devices: 0 new, 0 known");
    }

    fn report_of(failed: usize) -> ImportReport {
        let errors = (0..failed).flat_map(|first| report(first, 1).errors).collect();
        ImportReport { failed, errors, ..ImportReport::default() }
    }
}

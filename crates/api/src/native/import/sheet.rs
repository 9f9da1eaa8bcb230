//! Files as spreadsheets write them: CSV with a header.

use std::borrow::Cow;

use fleet::limits::{DEVICES_PER_IMPORT_MAX, IMPORT_COLUMNS_MAX, IMPORT_ERRORS_MAX};

use super::charset::{Text, decode};
use super::columns::{Column, Formula, is_read_only, nearest, shown, uncovered};
use super::line::Line;
use super::read::{Read, TooMany};
use super::report::LineError;
use super::rows::{Row, Rows};

/// Each column has one fault at most, so that no header has more than a report lists.
const _: () = assert!(IMPORT_COLUMNS_MAX + NEEDED.len() < IMPORT_ERRORS_MAX);

/// The columns that each file has.
const NEEDED: [Column; 3] = [Column::Kind, Column::Id, Column::Name];

/// What a column of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// One that is taken.
    Taken(Column),
    /// One that an export has added.
    PassedOver,
    /// One that has no name: nothing may stand in it.
    Nameless,
}

/// Reads a file. `charset` is what its text is said to be of, `first` the number of the line on
/// which the first row behind the header begins, where the header was put before a part of a file.
/// Unless all lines are of one project (`has_project`), there has to be a column for it.
pub(super) fn read(
    bytes: &[u8],
    charset: Option<&str>,
    first: Option<usize>,
    has_project: bool,
) -> Result<Read, TooMany> {
    let mut read = Read::default();
    let text = match decode(bytes, charset) {
        Ok(Text { text, charset }) => {
            read.encoding = Some(charset);
            text
        }
        Err(error) => {
            read.errors.push(LineError::new(1, "unreadable", error.to_string()));
            return Ok(read);
        }
    };
    let mut rows = Rows::new(text.as_bytes());
    let Some(header) = rows.next_row() else {
        let detail = "there is no header, which names the columns";
        read.errors.push(LineError::new(1, "missing_column", detail));
        return Ok(read);
    };
    let meanings = meanings(&header, has_project, &mut read);
    if !read.errors.is_empty() {
        return Ok(read);
    }
    let mut begin = None;
    while let Some(row) = rows.next_row() {
        // What is before the first row is not of the part.
        let begin = *begin.get_or_insert(row.line);
        let number = first.map_or(row.line, |first| first.saturating_add(row.line - begin));
        if is_passed_over(&row) {
            continue;
        }
        read.lines += 1;
        if read.lines > DEVICES_PER_IMPORT_MAX {
            return Err(TooMany);
        }
        match line(&row, number, &meanings) {
            Ok(line) => read.good.push(line),
            Err(error) => read.errors.push(error),
        }
    }
    Ok(read)
}

/// What the columns are. What is wrong with them goes to `read`, and so do their numbers. Of too
/// many none is looked at.
fn meanings(header: &Row, has_project: bool, read: &mut Read) -> Vec<Meaning> {
    let columns = header.cells.len();
    if columns > IMPORT_COLUMNS_MAX {
        let detail = format!("has {columns} columns; at most {IMPORT_COLUMNS_MAX} are allowed");
        read.errors.push(LineError::new(header.line, "unreadable", detail));
        return Vec::new();
    }
    let mut meanings = Vec::with_capacity(columns);
    for (index, cell) in header.cells.iter().enumerate() {
        let name = String::from_utf8_lossy(cell);
        let name = uncovered(&name).unwrap_or_else(|Formula| Cow::Borrowed(&*name));
        let name = name.trim();
        let fault = |code, detail| {
            let error = LineError::new(header.line, code, detail).at(index + 1);
            error.of(name.chars().take(60).collect::<String>())
        };
        meanings.push(match Column::headed(name) {
            Some(column) => {
                if read.columns.insert(column.name(), index + 1).is_some() {
                    let detail = format!("the column `{name}` stands there twice");
                    read.errors.push(fault("repeated_column", detail));
                }
                Meaning::Taken(column)
            }
            None if name.is_empty() => Meaning::Nameless,
            None => {
                if !is_read_only(name) {
                    let near = nearest(name).map(|near| format!("; the nearest known is `{near}`"));
                    let near = near.unwrap_or_default();
                    let detail = format!("unknown column {}{near}", shown(name));
                    read.errors.push(fault("unknown_column", detail));
                }
                Meaning::PassedOver
            }
        });
    }
    let project = (!has_project).then_some(Column::Project);
    for column in NEEDED.into_iter().chain(project) {
        if !read.columns.contains_key(column.name()) {
            let detail = format!("the column `{}` is missing", column.name());
            let error = LineError::new(header.line, "missing_column", detail);
            read.errors.push(error.of(column.name()));
        }
    }
    meanings
}

/// A text without what spreadsheets and their tools put around it: a tab at an id, so that it does
/// not become a number, blanks, and the upper case of words at the beginning of a cell.
fn plain(column: Column, text: &str) -> Cow<'_, str> {
    match column {
        Column::Kind => Cow::Owned(text.trim().to_lowercase()),
        Column::Id | Column::Parent => {
            let bare = text.trim();
            let is_code = bare.len() == 20 && bare.bytes().all(|byte| byte.is_ascii_digit());
            // Other ids may have blanks at their ends, and none has control characters.
            Cow::Borrowed(if is_code { bare } else { text.trim_matches(char::is_control) })
        }
        _ => Cow::Borrowed(text),
    }
}

/// Whether a row says nothing: all its cells are empty, or it is a comment, whose first cell begins
/// with `#` and is the only one.
fn is_passed_over(row: &Row) -> bool {
    let mut cells = row.cells.iter().map(<[u8]>::trim_ascii);
    let first = cells.next().unwrap_or_default();
    (first.is_empty() || first.starts_with(b"#")) && cells.all(<[u8]>::is_empty)
}

/// Reads a row. Cells that are missing at its end are empty: spreadsheets leave such out.
fn line(row: &Row, number: usize, meanings: &[Meaning]) -> Result<Line, LineError> {
    let mut line = Line::new(number);
    for (index, cell) in row.cells.iter().enumerate() {
        match meanings.get(index) {
            Some(Meaning::Taken(column)) => {
                let text = String::from_utf8_lossy(cell);
                let text = uncovered(&text).map_err(|Formula| {
                    let detail = "this is a formula, and nobody works it out here: put its value \
                        there, or an apostrophe before it if it is the text";
                    let error = LineError::new(number, "formula", detail).at(index + 1);
                    error.of(column.name())
                })?;
                line.put(*column, plain(*column, &text).into_owned());
            }
            Some(Meaning::PassedOver) => {}
            Some(Meaning::Nameless) | None if cell.trim_ascii().is_empty() => {}
            Some(Meaning::Nameless) => {
                let detail = "something stands in a column that has no name";
                return Err(LineError::new(number, "unreadable", detail).at(index + 1));
            }
            None => {
                let (cells, columns) = (row.cells.len(), meanings.len());
                let detail = format!("has {cells} cells, and the header {columns}");
                return Err(LineError::new(number, "unreadable", detail).at(index + 1));
            }
        }
    }
    Ok(line)
}

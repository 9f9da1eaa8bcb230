//! The file of cameras to accept: a line each, with the names of the columns in the first.

use std::io::Read;

use anyhow::Result;
use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value, json};

use crate::commands::device::open_file;
use crate::exit::Failure;

/// Bytes of a file at most: each of 10,000 pending cameras has a line of some hundred.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The columns that a file may have. The first it must have.
const COLUMNS: [&str; 4] = ["id", "name", "password", "profile"];

/// Reads a file, - being stdin: the cameras as the server takes them.
///
/// Errors: it can't be read, or is not like that; they name the line, never what a password is.
pub fn read(file: &str) -> Result<Vec<Value>> {
    let (name, source) = open_file(file)?;
    let mut text = Vec::new();
    let read = source.take(FILE_BYTES_MAX + 1).read_to_end(&mut text);
    read.map_err(|error| Failure::unreadable(&name, &error))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let what = format!("{name} has more than {FILE_BYTES_MAX} bytes");
        return Err(Failure::usage(what).into());
    }
    Ok(parse(&name, &text)?)
}

/// Reads what a file called `name` holds.
fn parse(name: &str, text: &[u8]) -> Result<Vec<Value>, Failure> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(text);
    let columns = reader.headers().map_err(|error| unread(name, &error))?.clone();
    if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(column)) {
        let known = COLUMNS.join(", ");
        let what = format!("{name}:1: no column {unknown:?}; there are {known}");
        return Err(Failure::usage(what));
    }
    for column in COLUMNS {
        if columns.iter().filter(|named| *named == column).count() > 1 {
            let what = format!("{name}:1: column {column}: is there twice");
            return Err(Failure::usage(what));
        }
    }
    if !columns.iter().any(|column| column == "id") {
        return Err(Failure::usage(format!("{name}:1: the column id is missing")));
    }
    let mut cameras = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| unread(name, &error))?;
        let line = row.position().map_or(0, csv::Position::line);
        cameras.push(
            camera(&columns, &row)
                .ok_or_else(|| Failure::usage(format!("{name}:{line}: the id is missing")))?,
        );
    }
    Ok(cameras)
}

/// A camera as the server takes it: what is empty is left out. `None` without an id.
fn camera(columns: &StringRecord, row: &StringRecord) -> Option<Value> {
    let mut camera = Map::new();
    for (column, cell) in columns.iter().zip(row) {
        // A password may begin or end with a blank, an id can't.
        let cell = if column == "password" { cell } else { cell.trim() };
        if !cell.is_empty() {
            camera.insert(column.to_owned(), json!(cell));
        }
    }
    camera.contains_key("id").then_some(Value::Object(camera))
}

/// Why a line can't be read. What stands in it is not told: it may be a password.
fn unread(name: &str, error: &csv::Error) -> Failure {
    let line = error.position().map_or(1, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is no UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} cells, and the first line {expected_len}")
        }
        _ => "is no line of CSV".to_owned(),
    };
    Failure::usage(format!("{name}:{line}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "34020000001320000001";

    #[test]
    fn columns_stand_in_any_order_and_what_is_empty_is_left_out() {
        let text = format!("\u{feff}password, id,name\r\n8765 4321 ,{ID},东门\r\n,{ID} ,\r\n");
        let read = parse("f", text.as_bytes()).unwrap();
        let expected =
            [json!({ "id": ID, "name": "东门", "password": "8765 4321 " }), json!({ "id": ID })];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_fault_is_named_with_its_line_and_no_password() {
        for (text, expected) in [
            ("ident\n1\n", "f:1: no column \"ident\"; there are id, name, password, profile"),
            ("name\nx\n", "f:1: the column id is missing"),
            ("id,id\n1,2\n", "f:1: column id: is there twice"),
            ("id,password\n1,secret\n,secret\n", "f:3: the id is missing"),
            ("id,password\n1,secret\n2,secret,x\n", "f:3: has 3 cells, and the first line 2"),
        ] {
            assert_eq!(parse("f", text.as_bytes()).unwrap_err().to_string(), expected);
        }
        let error = parse("f", b"id,password\n1,secret\xff\n").unwrap_err().to_string();
        assert_eq!(error, "f:2: is no UTF-8");
    }
}

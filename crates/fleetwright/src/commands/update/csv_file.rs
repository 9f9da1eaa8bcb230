//! Which device is asked for what, by a CSV file: its column `id` names the devices, and each other
//! column is a property, or a variable of the preset.

use std::io::{BufRead, Read};

use anyhow::Result;
use api::native::{Row, Rows};
use fleet::limits::{BODY_BYTES_MAX, PHONES_PER_UPDATE_MAX};
use fleet::template::is_variable_name;
use fleet::{DeviceId, Values};

use super::entries::Entry;
use crate::commands::device::open_file;
use crate::exit::Failure;

/// The column that names the devices.
const ID: &str = "id";

/// What some editors put at the beginning of a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The devices of a file, - being stdin, each with its own values, or with its own variables if
/// `has_preset`, and the values of `shared` that it has none of its own for. An empty cell says
/// nothing.
pub fn of_csv(file: &str, shared: &Values, has_preset: bool) -> Result<Vec<Entry>> {
    let (name, source) = open_file(file)?;
    read(&name, source, shared, has_preset)
}

/// Reads a file. Errors name it, which they call `name`, the line and the column.
fn read(name: &str, source: impl BufRead, shared: &Values, preset: bool) -> Result<Vec<Entry>> {
    let mut bytes = Vec::new();
    let most = BODY_BYTES_MAX as u64;
    let read = source.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::unreadable(name, &error))?;
    if bytes.len() as u64 > most {
        let why = format!("{name} has more than {most} bytes: make several updates");
        return Err(Failure::usage(why).into());
    }
    let mut rows = Rows::new(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes));
    let head = rows.next_row();
    let columns = head.as_ref().map(|head| columns(name, head)).transpose()?.unwrap_or_default();
    check_columns(name, head.map_or(1, |head| head.line), &columns, preset)?;
    let mut entries = Vec::new();
    while let Some(Row { line, cells, .. }) = rows.next_row() {
        let bad = |why: String| Failure::usage(format!("{name}:{line}: {why}"));
        if cells.len() != columns.len() {
            let (has, head) = (cells.len(), columns.len());
            return Err(bad(format!("has {has} cells, and the first line {head}")).into());
        }
        if entries.len() == PHONES_PER_UPDATE_MAX {
            let why = format!("more than {PHONES_PER_UPDATE_MAX} devices: make several updates");
            return Err(bad(why).into());
        }
        let mut own = Values::new();
        for (column, cell) in columns.iter().zip(&cells) {
            let cell = std::str::from_utf8(cell);
            let cell = cell.map_err(|_| bad(format!("column {column}: is no UTF-8")))?;
            if !cell.is_empty() {
                own.insert(column.clone(), cell.to_owned());
            }
        }
        let id = own.remove(ID).unwrap_or_default();
        let id = DeviceId::new(id).map_err(|error| bad(format!("column {ID}: {error}")))?;
        let (mut set, variables) = if preset { (Values::new(), own) } else { (own, Values::new()) };
        for (name, value) in shared {
            set.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if set.is_empty() && !preset {
            return Err(bad(format!("no value is asked of {id}: see --set")).into());
        }
        entries.push(Entry { id, set, variables });
    }
    Ok(entries)
}

/// The names of the columns, which the first row has. What stands around them is left out.
fn columns(name: &str, head: &Row) -> Result<Vec<String>> {
    let cells = head.cells.iter().map(|cell| match std::str::from_utf8(cell) {
        Ok(cell) => Ok(cell.trim().to_owned()),
        Err(_) => Err(Failure::usage(format!("{name}:{}: is no UTF-8", head.line)).into()),
    });
    cells.collect()
}

/// Checks the names of the columns, which stand on this line: none twice, and one that names the
/// devices.
fn check_columns(name: &str, line: usize, columns: &[String], preset: bool) -> Result<()> {
    let bad = |why: String| Failure::usage(format!("{name}:{line}: {why}"));
    let mut seen = std::collections::BTreeSet::new();
    for (column, number) in columns.iter().zip(1..) {
        if column.is_empty() {
            return Err(bad(format!("column {number} has no name")).into());
        }
        if !seen.insert(column.as_str()) {
            return Err(bad(format!("column {column}: is there twice")).into());
        }
        if preset && column != ID && !is_variable_name(column) {
            let why = "is no name of a variable: 1 to 64 letters, digits and . _ -";
            return Err(bad(format!("column {column}: {why}")).into());
        }
    }
    if !seen.contains(ID) {
        return Err(bad(format!("there is no column {ID}, which names the devices")).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn entry(id: &str, set: &[(&str, &str)], variables: &[(&str, &str)]) -> Entry {
        let id = DeviceId::new(id).unwrap();
        Entry { id, set: values(set), variables: values(variables) }
    }

    #[test]
    fn columns_are_properties_and_an_empty_cell_leaves_its_own() {
        let text = "\u{feff}Name, id,Desc\r\n\"Gate, east\",a,\r\n,b,\"x\ny\"\r\n";
        let shared = values(&[("Desc", "all"), ("Expiration", "3600")]);
        let found = read("f", text.as_bytes(), &shared, false).unwrap();
        let a = [("Name", "Gate, east"), ("Desc", "all"), ("Expiration", "3600")];
        let expected =
            [entry("a", &a, &[]), entry("b", &[("Desc", "x\ny"), ("Expiration", "3600")], &[])];
        assert_eq!(found, expected);
    }

    #[test]
    fn cells_are_parted_by_what_the_first_line_has() {
        let found = read("f", "id;Name\na;\"Gate, east\"\n".as_bytes(), &Values::new(), false);
        assert_eq!(found.unwrap(), [entry("a", &[("Name", "Gate, east")], &[])]);
    }

    #[test]
    fn with_a_preset_columns_are_variables() {
        let text = "id,n,city\na,1,Ulm\nb,,\n";
        let found = read("f", text.as_bytes(), &values(&[("Name", "x")]), true).unwrap();
        let set = [("Name", "x")];
        assert_eq!(
            found,
            [entry("a", &set, &[("n", "1"), ("city", "Ulm")]), entry("b", &set, &[])]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_column() {
        let check = |bytes: &[u8], preset: bool, why: &str| {
            let error = read("f.csv", bytes, &Values::new(), preset).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        check(b"", false, "f.csv:1: there is no column id");
        check(b"ID,Name\na,b\n", false, "f.csv:1: there is no column id");
        check(b"id,\na,b\n", false, "f.csv:1: column 2 has no name");
        check(b"id,Name,Name\na,b,c\n", false, "f.csv:1: column Name: is there twice");
        check(b"id,a b\nx,y\n", true, "f.csv:1: column a b: is no name of a variable");
        check(b"id,Name\na,x\n\nb\n", false, "f.csv:4: has 1 cells, and the first line 2");
        check(b"id,Name\na,\"x\ny\"\n,z\n", false, "f.csv:4: column id: device id is empty");
        check(b"id,Name\na,\xff\n", false, "f.csv:2: column Name: is no UTF-8");
        check(b"id,N\xffme\na,b\n", false, "f.csv:1: is no UTF-8");
        check(b"\n\nid,Name,Name\na,b,c\n", false, "f.csv:3: column Name: is there twice");
        check(b"id,Name\na,\n", false, "f.csv:2: no value is asked of a");
        let many = format!("id,Name\n{}", "a,b\n".repeat(PHONES_PER_UPDATE_MAX + 1));
        check(many.as_bytes(), false, "f.csv:8098: more than 8096 devices");
        check(&vec![b'x'; BODY_BYTES_MAX + 1], false, "more than 12582912 bytes");
    }
}

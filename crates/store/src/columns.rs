//! Columns of rows, read alike whichever engine gave the row.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::during::During;

/// A column's name, or its number: looking a name up costs, which the shortest paths spare.
pub(crate) trait Column:
    rusqlite::RowIndex + tokio_postgres::row::RowIndex + Display + Copy
{
}

impl<T> Column for T where T: rusqlite::RowIndex + tokio_postgres::row::RowIndex + Display + Copy {}

/// A row. Each of these gives `None` for null, and an error for a value of another type.
pub(crate) trait Columns {
    /// A number.
    fn integer(&self, at: impl Column) -> Result<Option<i64>, Error>;
    /// Yes or no.
    fn flag(&self, at: impl Column) -> Result<Option<bool>, Error>;
    /// Text, not copied.
    fn text(&self, at: impl Column) -> Result<Option<&str>, Error>;
    /// Bytes, not copied.
    fn bytes(&self, at: impl Column) -> Result<Option<&[u8]>, Error>;
}

impl Columns for rusqlite::Row<'_> {
    fn integer(&self, at: impl Column) -> Result<Option<i64>, Error> {
        let value = self.get_ref(at).map_err(|error| damaged(at, error))?;
        value.as_i64_or_null().map_err(|error| damaged(at, error))
    }

    fn flag(&self, at: impl Column) -> Result<Option<bool>, Error> {
        Ok(self.integer(at)?.map(|flag| flag != 0))
    }

    fn text(&self, at: impl Column) -> Result<Option<&str>, Error> {
        let value = self.get_ref(at).map_err(|error| damaged(at, error))?;
        value.as_str_or_null().map_err(|error| damaged(at, error))
    }

    fn bytes(&self, at: impl Column) -> Result<Option<&[u8]>, Error> {
        let value = self.get_ref(at).map_err(|error| damaged(at, error))?;
        value.as_blob_or_null().map_err(|error| damaged(at, error))
    }
}

impl Columns for tokio_postgres::Row {
    fn integer(&self, at: impl Column) -> Result<Option<i64>, Error> {
        self.try_get(at).map_err(|error| damaged(at, error))
    }

    fn flag(&self, at: impl Column) -> Result<Option<bool>, Error> {
        self.try_get(at).map_err(|error| damaged(at, error))
    }

    fn text(&self, at: impl Column) -> Result<Option<&str>, Error> {
        self.try_get(at).map_err(|error| damaged(at, error))
    }

    fn bytes(&self, at: impl Column) -> Result<Option<&[u8]>, Error> {
        self.try_get(at).map_err(|error| damaged(at, error))
    }
}

/// What a column can be read as; an `Option` of it takes null too.
pub(crate) trait Value: Sized {
    /// The value; `None` for null.
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error>;
}

impl Value for i64 {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        row.integer(at)
    }
}

impl Value for u32 {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        narrow(row, at)
    }
}

impl Value for u8 {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        narrow(row, at)
    }
}

impl Value for bool {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        row.flag(at)
    }
}

impl Value for String {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        Ok(row.text(at)?.map(str::to_owned))
    }
}

impl Value for Vec<u8> {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        Ok(row.bytes(at)?.map(<[u8]>::to_vec))
    }
}

impl<const N: usize> Value for [u8; N] {
    fn read(row: &impl Columns, at: impl Column) -> Result<Option<Self>, Error> {
        let bytes = row.bytes(at)?;
        bytes.map(Self::try_from).transpose().map_err(|error| damaged(at, error))
    }
}

/// A number of a type that does not hold every number.
fn narrow<T>(row: &impl Columns, at: impl Column) -> Result<Option<T>, Error>
where
    T: TryFrom<i64>,
    T::Error: Display,
{
    row.integer(at)?.map(T::try_from).transpose().map_err(|error| damaged(at, error))
}

/// The error for a row that can't be read back: which column, and what is wrong with it.
pub(crate) fn damaged(column: impl Display, detail: impl Display) -> Error {
    Error::Damaged { what: format!("column {column}"), detail: format!("{detail}") }
}

/// One column of `row`, which is not null.
pub(crate) fn column<T: Value>(row: &impl Columns, at: impl Column) -> Result<T, Error> {
    optional(row, at)?.ok_or_else(|| damaged(at, "it is null"))
}

/// One column of `row`; `None` for null.
pub(crate) fn optional<T: Value>(row: &impl Columns, at: impl Column) -> Result<Option<T>, Error> {
    T::read(row, at)
}

/// A column that holds a word or an id, parsed.
pub(crate) fn parsed<T>(row: &impl Columns, at: impl Column) -> Result<T, Error>
where
    T: FromStr,
    T::Err: Display,
{
    present(row, at)?.parse().map_err(|error: T::Err| damaged(at, error))
}

/// A column that holds JSON, parsed. Borrows the text from the row: no copy.
pub(crate) fn json<T: DeserializeOwned>(row: &impl Columns, at: impl Column) -> Result<T, Error> {
    serde_json::from_str(present(row, at)?).map_err(|error| damaged(at, error))
}

/// The same of a column that may be null.
pub(crate) fn optional_json<T: DeserializeOwned>(
    row: &impl Columns,
    at: impl Column,
) -> Result<Option<T>, Error> {
    let text = row.text(at)?;
    text.map(serde_json::from_str).transpose().map_err(|error| damaged(at, error))
}

/// The JSON text of `value`, as [`json`] reads it.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).during("write a value as JSON")
}

/// Text that is not null, borrowed.
fn present(row: &impl Columns, at: impl Column) -> Result<&str, Error> {
    row.text(at)?.ok_or_else(|| damaged(at, "it is null"))
}

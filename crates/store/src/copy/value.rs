//! Values as they are between two databases.

use std::error::Error;
use std::fmt::Write as _;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sha2::{Digest, Sha256};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Yes or no. SQLite has 0 and 1 for it.
    Flag(bool),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The values of a row, in the order of its table's columns.
pub(crate) type Row = Vec<Value>;

impl Value {
    /// Adds the value to a checksum, so that no two rows add the same: a byte for what it is, then
    /// numbers as 8 bytes, big-endian, and text and bytes with their length before them.
    pub(crate) fn add_to(&self, hash: &mut Sha256) {
        let mut long = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        match self {
            Self::Text(text) => long(3, text.as_bytes()),
            Self::Bytes(bytes) => long(4, bytes),
            Self::Null => hash.update([0]),
            Self::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            Self::Flag(flag) => hash.update([2, u8::from(*flag)]),
        }
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                _ => 0,
            }
    }
}

/// A key, for people: its values with commas between.
pub(crate) fn key_text(key: &[Value]) -> String {
    let mut text = String::new();
    for value in key {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing to a string can't fail.
        let _ = match value {
            Value::Null => write!(text, "null"),
            Value::Integer(number) => write!(text, "{number}"),
            Value::Flag(flag) => write!(text, "{flag}"),
            Value::Text(part) => write!(text, "{part:?}"),
            Value::Bytes(bytes) => write!(text, "{}", hex::encode(bytes)),
        };
    }
    text
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        to: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(to, out),
            Self::Flag(flag) => flag.to_sql_checked(to, out),
            Self::Text(text) => text.to_sql_checked(to, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(to, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each kind of value looks itself whether it fits.
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(row: &[Value]) -> String {
        let mut hash = Sha256::new();
        row.iter().for_each(|value| value.add_to(&mut hash));
        hex::encode(hash.finalize())
    }

    #[test]
    fn rows_that_differ_have_checksums_that_differ() {
        let text = |text: &str| Value::Text(text.to_owned());
        let rows: [&[Value]; 9] = [
            &[text("ab"), text("c")],
            &[text("a"), text("bc")],
            &[text("abc"), text("")],
            &[text("abc"), Value::Null],
            &[text("abc"), Value::Bytes(vec![])],
            &[Value::Integer(1)],
            &[Value::Flag(true)],
            &[Value::Flag(false)],
            &[Value::Integer(1), Value::Null],
        ];
        let sums: std::collections::BTreeSet<_> = rows.iter().map(|row| sum(row)).collect();
        assert_eq!(sums.len(), rows.len());
    }

    #[test]
    fn a_key_is_told_to_people() {
        let key = [Value::Integer(7), Value::Text("a\0b".to_owned()), Value::Bytes(vec![1, 255])];
        assert_eq!(key_text(&key), r#"7, "a\0b", 01ff"#);
    }
}

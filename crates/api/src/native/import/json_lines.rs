//! Files of one JSON object a line.

use std::collections::HashSet;
use std::fmt;

use fleet::NewChannel;
use fleet::limits::DEVICES_PER_IMPORT_MAX;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::columns::{AGE, Column, DESIRED, REPORTED, STATUS, nearest, shown};
use super::line::Line;
use super::read::{Read, TooMany};
use super::report::LineError;

/// The fields of an object in their order, none of them twice.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let (mut fields, mut names) = (Vec::new(), HashSet::new());
                while let Some(name) = map.next_key::<String>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("field {} twice", shown(&name))));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Reads a file whose first line is that of this number. Blank lines and those that begin with `#`
/// are passed over.
pub(super) fn read(text: &[u8], first: usize) -> Result<Read, TooMany> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut read = Read::default();
    for (index, text) in text.split(|byte| *byte == b'\n').enumerate() {
        let text = text.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        read.lines += 1;
        if read.lines > DEVICES_PER_IMPORT_MAX {
            return Err(TooMany);
        }
        match line(text, first.saturating_add(index)) {
            Ok(line) => read.good.push(line),
            Err(error) => read.errors.push(error),
        }
    }
    Ok(read)
}

/// Reads a line. No error says what stood in a field: it may be a password.
fn line(text: &[u8], number: usize) -> Result<Line, LineError> {
    if text.first() != Some(&b'{') {
        return Err(LineError::new(number, "unreadable", "is not a JSON object"));
    }
    let Object(fields) = serde_json::from_slice(text).map_err(|error| {
        let detail = error.to_string();
        // The line is always 1 there.
        let what = detail.split_once(" at line ").map_or(detail.as_str(), |(what, _)| what);
        LineError::new(number, "unreadable", what).at(error.column())
    })?;
    let mut line = Line::new(number);
    for (name, value) in fields {
        if let Some(column) = Column::of(&name) {
            match value {
                Value::Null => {}
                Value::String(text) => line.put(column, text),
                _ => {
                    let detail = format!("{} is not a text", column.name());
                    return Err(LineError::new(number, "invalid", detail).of(column.name()));
                }
            }
        } else if name == "channels" {
            let channels = serde_json::from_value(value);
            let Channels(channels) = channels.map_err(|error| {
                LineError::new(number, "invalid", error.to_string()).of("channels")
            })?;
            line.put_channels(channels);
        } else if ![STATUS, AGE, DESIRED, REPORTED].contains(&name.as_str()) {
            let near = nearest(&name).map(|near| format!("; the nearest known is `{near}`"));
            let detail = format!("unknown field {}{}", shown(&name), near.unwrap_or_default());
            let error = LineError::new(number, "unknown_column", detail);
            return Err(error.of(name.chars().take(60).collect::<String>()));
        }
    }
    Ok(line)
}

/// Channels in the object of their device; null stands for none.
struct Channels(Vec<NewChannel>);

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let channels: Option<Vec<super::NewChannel>> = Option::deserialize(deserializer)?;
        Ok(Self(channels.unwrap_or_default().into_iter().map(NewChannel::from).collect()))
    }
}

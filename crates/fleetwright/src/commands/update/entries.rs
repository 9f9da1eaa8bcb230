//! What is asked of which device.

use std::collections::btree_map;
use std::fmt;
use std::io::{BufRead, Read};

use anyhow::Result;
use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::{DeviceId, Values};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::commands::device::open_file;
use crate::exit::Failure;

/// Bytes of a line: all values that a device may have take 64 KiB, escaped six times that.
const LINE_BYTES_MAX: usize = 512 * 1024;

/// What is asked of one device.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The device.
    pub id: DeviceId,
    /// The values, by property.
    #[serde(default, deserialize_with = "values")]
    pub set: Values,
    /// Variables of the preset, by name.
    #[serde(default, deserialize_with = "values", skip_serializing_if = "Values::is_empty")]
    pub variables: Values,
}

/// Reads values by property, none of them twice.
fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Values;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of values, each a text, by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
            let mut values = Values::new();
            while let Some((name, value)) = map.next_entry::<String, String>()? {
                put(&mut values, name, value).map_err(A::Error::custom)?;
            }
            Ok(values)
        }
    }

    deserializer.deserialize_map(Reader)
}

/// Adds a value. Errors: there is one already, in words.
fn put(values: &mut Values, name: String, value: String) -> Result<(), String> {
    match values.entry(name) {
        btree_map::Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        btree_map::Entry::Occupied(place) => Err(format!("{} is set twice", place.key())),
    }
}

/// The values of --set.
pub fn shared(given: Vec<(String, String)>) -> Result<Values> {
    let mut values = Values::new();
    for (name, value) in given {
        put(&mut values, name, value).map_err(|why| Failure::usage(format!("--set: {why}")))?;
    }
    Ok(values)
}

/// The variables of --var.
pub fn variables(given: Vec<(String, String)>) -> Result<Values> {
    let mut values = Values::new();
    for (name, value) in given {
        put(&mut values, name, value).map_err(|why| Failure::usage(format!("--var: {why}")))?;
    }
    Ok(values)
}

/// The same values for each of these devices.
pub fn of_ids(ids: Vec<DeviceId>, shared: &Values) -> Vec<Entry> {
    let entry = |id| Entry { id, set: shared.clone(), variables: Values::new() };
    ids.into_iter().map(entry).collect()
}

/// The devices of a file, - being stdin, each with its own values and those of `shared` that it has
/// none of its own for. It may have neither if there is a preset.
pub fn of_file(file: &str, shared: &Values, has_preset: bool) -> Result<Vec<Entry>> {
    let (name, source) = open_file(file)?;
    read(&name, source, shared, has_preset)
}

/// Reads one object a line. Errors name the line of the file, which they call `name`.
fn read(
    name: &str,
    mut source: impl BufRead,
    shared: &Values,
    has_preset: bool,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut line = 0;
    loop {
        let mut text = Vec::new();
        let mut bounded = source.by_ref().take(LINE_BYTES_MAX as u64 + 1);
        let read = bounded.read_until(b'\n', &mut text);
        if read.map_err(|error| Failure::unreadable(name, &error))? == 0 {
            return Ok(entries);
        }
        line += 1;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let bad = |why: String| Failure::usage(format!("{name}:{line}: {why}"));
        if text.len() > LINE_BYTES_MAX {
            return Err(bad(format!("is longer than {LINE_BYTES_MAX} bytes")).into());
        }
        if entries.len() == PHONES_PER_UPDATE_MAX {
            let what = format!("more than {PHONES_PER_UPDATE_MAX} devices: make several updates");
            return Err(bad(what).into());
        }
        let mut entry: Entry =
            serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        for (name, value) in shared {
            entry.set.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if entry.set.is_empty() && !has_preset {
            return Err(bad(format!("no value is asked of {}: see --set", entry.id)).into());
        }
        entries.push(entry);
    }
}

/// Refuses what asks for nothing, unless something is asked of each device `besides` values, and
/// what asks it of more devices than one update takes.
pub fn check(entries: &[Entry], besides: bool) -> Result<()> {
    if entries.is_empty() {
        return Err(Failure::usage("there is no device in the file").into());
    }
    if entries.len() > PHONES_PER_UPDATE_MAX {
        let what = format!("more than {PHONES_PER_UPDATE_MAX} devices: make several updates");
        return Err(Failure::usage(what).into());
    }
    if !besides && entries.iter().any(|entry| entry.set.is_empty()) {
        return Err(Failure::usage("nothing is asked for: see --set").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(given: &[(&str, &str)]) -> Values {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_line_has_its_own_values_before_those_of_all() {
        let text = "\n{\"id\":\"a\",\"set\":{\"Name\":\"x\"}}\r\n{\"id\":\"b\"}\n";
        let shared = values(&[("Name", "y"), ("Expiration", "3600")]);
        let found = read("f", text.as_bytes(), &shared, false).unwrap();
        let expected = [
            Entry {
                id: DeviceId::new("a").unwrap(),
                set: values(&[("Name", "x"), ("Expiration", "3600")]),
                variables: Values::new(),
            },
            Entry { id: DeviceId::new("b").unwrap(), set: shared, variables: Values::new() },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_bad_line_is_named() {
        let check = |line: &str, expected: &str| {
            let text = format!("{{\"id\":\"a\",\"set\":{{\"b\":\"c\"}}}}\n{line}\n");
            let error =
                read("f.jsonl", text.as_bytes(), &Values::new(), false).unwrap_err().to_string();
            assert!(error.starts_with("f.jsonl:2: ") && error.contains(expected), "{error}");
        };
        check("{\"id\":\"a\",\"sett\":{}}", "unknown field `sett`");
        check("{\"id\":\"a\",\"set\":{\"b\":1}}", "invalid type: integer `1`, expected a string");
        check("{\"id\":\"a\",\"set\":{\"b\":\"1\",\"b\":\"2\"}}", "b is set twice");
        check("{\"id\":\"a\"}", "no value is asked of a");
        check("{\"set\":{}}", "missing field `id`");
        check(&" ".repeat(LINE_BYTES_MAX).replacen(' ', "x", 1), "is longer than");
        let many = "{\"id\":\"a\",\"set\":{\"b\":\"c\"}}\n".repeat(PHONES_PER_UPDATE_MAX + 1);
        let error = read("f", many.as_bytes(), &Values::new(), false).unwrap_err().to_string();
        assert!(error.starts_with("f:8097: more than 8096 devices"), "{error}");
    }

    #[test]
    fn what_asks_for_nothing_is_refused() {
        let ids = || vec![DeviceId::new("a").unwrap()];
        assert!(check(&[], false).is_err());
        assert!(check(&of_ids(ids(), &Values::new()), false).is_err());
        assert!(check(&of_ids(ids(), &Values::new()), true).is_ok(), "a restart alone");
        let twice = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
        assert_eq!(shared(twice).unwrap_err().to_string(), "--set: a is set twice");
    }
}

//! What a phone's entry asks for: the text of `property`, which holds a JSON object, and
//! `custom_property`, which is one.
//!
//! The vendor's documents say little here. Ours: strings, whole numbers and booleans are values,
//! all kept as text, a number as it is written; a key may stand once.

use std::io;

use engine::Patch;
use fleet::limits::{CPH_PROPERTIES_BYTES_MAX, CPH_PROPERTY_CHARS_MAX};
use fleet::{Refusal, Values};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::body::{Entry, Given, Raw, Text};

/// Whether an entry must have `property`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It must: the call is for nothing else.
    Required,
    /// It may: the call does something without.
    Optional,
}

/// The values that an entry asks for, by the names that it uses, unchecked.
///
/// # Errors
/// What makes either of the two unreadable as a whole comes before what is wrong with a single
/// value; of those the first is named.
pub(super) fn patch(entry: &Entry<'_>, need: Need) -> Result<Patch, Refusal> {
    let text = match &entry.property {
        Given::Text(text) => &**text,
        Given::Absent | Given::Other("null") if need == Need::Optional => "{}",
        Given::Absent => return Err(malformed("it is missing".to_owned())),
        Given::Twice => return Err(malformed("it stands there more than once".to_owned())),
        Given::Other(kind) => {
            return Err(malformed(format!("it is {kind}, not a text that holds an object")));
        }
    };
    // A character has at least a byte, so short texts need no count.
    if text.len() > CPH_PROPERTY_CHARS_MAX && text.chars().count() > CPH_PROPERTY_CHARS_MAX {
        return Err(malformed(format!("it is longer than {CPH_PROPERTY_CHARS_MAX} characters")));
    }
    let pairs = parse(text).map_err(malformed)?;
    let customs = custom_pairs(&entry.custom_property, text.len()).map_err(malformed)?;

    let mut properties = Values::new();
    for (name, json) in pairs {
        let value = value(json).map_err(|detail| invalid(&name.0, detail))?;
        put(&mut properties, name, value)?;
    }
    let mut custom = Values::new();
    for (name, value) in customs {
        if properties.contains_key(&*name.0) {
            return Err(invalid(&name.0, MORE_THAN_ONCE));
        }
        put(&mut custom, name, value)?;
    }
    Ok(Patch { properties, custom })
}

/// Whether an entry asks that all earlier values be forgotten.
///
/// # Errors
/// What is no boolean.
pub(super) fn factory_reset(entry: &Entry<'_>) -> Result<bool, Refusal> {
    let (what, expected) = ("factory_reset_enabled", "true or false");
    match &entry.factory_reset_enabled {
        Raw::Absent => Ok(false),
        Raw::Json(json) if json.get() == "true" => Ok(true),
        Raw::Json(json) if json.get() == "false" => Ok(false),
        Raw::Json(_) => Err(malformed(format!("{what} is not {expected}"))),
        Raw::Twice => Err(malformed(format!("{what} stands there more than once"))),
    }
}

/// What is wrong with a key that stands there again.
const MORE_THAN_ONCE: &str = "it stands there more than once";

/// Adds a value, whose name must be new.
fn put(values: &mut Values, name: Text<'_>, value: String) -> Result<(), Refusal> {
    if values.contains_key(&*name.0) {
        return Err(invalid(&name.0, MORE_THAN_ONCE));
    }
    values.insert(name.0.into_owned(), value);
    Ok(())
}

/// `property` can't be read.
fn malformed(detail: String) -> Refusal {
    Refusal::PropertiesInvalid { detail }
}

/// One value is bad.
fn invalid(name: &str, detail: &str) -> Refusal {
    Refusal::PropertyInvalid { name: name.to_owned(), detail: detail.to_owned() }
}

/// The pairs of an object, in its order.
type Pairs<'a> = Vec<(Text<'a>, &'a RawValue)>;

/// Reads the text of an object; the error says where it stops being one.
fn parse(text: &str) -> Result<Pairs<'_>, String> {
    let object: Object<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            "it is not a JSON object".to_owned()
        } else {
            format!("it is not JSON: {error}")
        }
    })?;
    Ok(object.0)
}

/// The pairs of `custom_property`, all of whose values are texts. `property_bytes` count with it
/// towards the bound.
fn custom_pairs<'a>(
    custom: &Raw<'a>,
    property_bytes: usize,
) -> Result<Vec<(Text<'a>, String)>, String> {
    let json = match custom {
        Raw::Absent => return Ok(Vec::new()),
        Raw::Twice => return Err("custom_property stands there more than once".to_owned()),
        Raw::Json(json) => json,
    };
    let no_object = || "custom_property is not an object of texts".to_owned();
    let object: Object<'a> = serde_json::from_str(json.get()).map_err(|_| no_object())?;
    let mut compact = Counter { bytes: 2 + object.0.len().saturating_sub(1) };
    let mut pairs = Vec::with_capacity(object.0.len());
    for (name, json) in object.0 {
        let value: String = serde_json::from_str(json.get()).map_err(|_| no_object())?;
        let count = |text: &str, counter: &mut Counter| serde_json::to_writer(counter, text);
        let counted = count(&name.0, &mut compact).and_then(|()| count(&value, &mut compact));
        counted.map_err(|_| no_object())?;
        compact.bytes += 1;
        pairs.push((name, value));
    }
    let bytes = property_bytes.saturating_add(compact.bytes);
    if bytes > CPH_PROPERTIES_BYTES_MAX {
        return Err(format!(
            "with custom_property it has {bytes} bytes; at most {CPH_PROPERTIES_BYTES_MAX} are allowed"
        ));
    }
    Ok(pairs)
}

/// The text of one value, or why it is none.
fn value(json: &RawValue) -> Result<String, &'static str> {
    let json = json.get();
    match json.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(json).map_err(|_| "it has half a surrogate pair, which is no text")
        }
        Some(b't') => Ok("1".to_owned()),
        Some(b'f') => Ok("0".to_owned()),
        Some(b'-' | b'0'..=b'9') => {
            let digits = json.strip_prefix('-').unwrap_or(json);
            if json == "-0" || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("a number must be a whole one, written in plain digits");
            }
            Ok(json.to_owned())
        }
        Some(b'n') => Err("null is no value"),
        _ => Err("a list or an object is no value"),
    }
}

/// An object, its keys in their order and its values as they are written.
struct Object<'a>(Pairs<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Counts what is written to it.
struct Counter {
    bytes: usize,
}

impl io::Write for &mut Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

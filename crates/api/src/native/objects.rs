//! Objects within bodies, read as objects alone.
//!
//! What serde derives takes a list for a struct too, its fields by position: `[]` for a selector
//! would mean all devices.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// What is read from an object, and from nothing else.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// Reads a field that is an object.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// Reads a field that is an object or null.
pub(super) fn object_or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let read: Option<Object<T>> = Option::deserialize(deserializer)?;
    Ok(read.map(|Object(value)| value))
}

/// Reads a field that is a list of objects.
pub(super) fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let read: Vec<Object<T>> = Vec::deserialize(deserializer)?;
    Ok(read.into_iter().map(|Object(value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Asked {
        #[serde(deserialize_with = "object")]
        one: Pair,
        #[serde(deserialize_with = "object_or_null")]
        perhaps: Option<Pair>,
        #[serde(deserialize_with = "objects")]
        many: Vec<Pair>,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Pair {
        a: u8,
        b: u8,
    }

    #[test]
    fn a_list_is_no_object() {
        let whole = r#"{"one":{"a":1},"perhaps":{"b":2},"many":[{"a":3},{}]}"#;
        let read: Asked = serde_json::from_str(whole).unwrap();
        assert_eq!((read.one.a, read.perhaps.unwrap().b, read.many[0].a), (1, 2, 3));
        let null: Asked = serde_json::from_str(r#"{"perhaps":null}"#).unwrap();
        assert_eq!(null, Asked::default());
        for list in [r#"{"one":[1,2]}"#, r#"{"perhaps":[]}"#, r#"{"many":[[1,2]]}"#] {
            let error = serde_json::from_str::<Asked>(list).unwrap_err().to_string();
            assert!(error.starts_with("invalid type: sequence, expected an object"), "{error}");
        }
        let unknown = serde_json::from_str::<Asked>(r#"{"one":{"c":1}}"#).unwrap_err().to_string();
        assert!(unknown.starts_with("unknown field `c`"), "{unknown}");
    }
}

//! The body of UpdateCloudPhoneProperty, as it stands in JSON.
//!
//! What is wrong with one phone's entry is carried along, for it is that entry's fault alone; an
//! error is only what makes the whole call unreadable. Text is borrowed from the body where it has
//! no escapes.

use std::borrow::Cow;
use std::fmt;

use fleet::limits::PHONES_PER_UPDATE_MAX;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{Code, Failure};

/// One phone's entry, unchecked.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    /// `phone_id`.
    pub(super) phone_id: Given<'a>,
    /// `property`.
    pub(super) property: Given<'a>,
    /// `custom_property`.
    pub(super) custom_property: Custom<'a>,
}

/// What stands where a text should.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Given<'a> {
    /// Nothing.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// Something else, in a word.
    Other(&'static str),
    /// The key stands there more than once.
    Twice,
}

/// What stands where an object of texts should.
#[derive(Debug, Default)]
pub(super) enum Custom<'a> {
    /// Nothing, or null.
    #[default]
    Absent,
    /// Some JSON.
    Json(&'a RawValue),
    /// The key stands there more than once.
    Twice,
}

/// Reads the entries, in their order; unknown keys are passed over, since the vendor adds some with
/// each version.
///
/// # Errors
/// CPS.0077 for what is not JSON or has no list of `phones`, and for an empty list; CPS.0190 for
/// too long a one.
pub(super) fn entries(body: &[u8]) -> Result<Vec<Entry<'_>>, Failure> {
    let invalid = |detail: &str| Failure::because(Code::PhonesInvalid, detail);
    let text = std::str::from_utf8(body).map_err(|_| invalid("The body is not UTF-8."))?;
    let body: Body<'_> = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if error.is_data() {
            invalid(&format!("The body does not hold one list of phones (line {line})."))
        } else {
            invalid(&format!("The body is not JSON (line {line}, column {column})."))
        }
    })?;
    match body.phones {
        Phones::TooMany => Err(Failure::of(Code::TooManyPhones)),
        Phones::List(entries) if entries.is_empty() => Err(invalid("It is empty.")),
        Phones::List(entries) => Ok(entries),
        Phones::NoList => Err(invalid("It is not a list.")),
    }
}

/// The whole body: an object, of which only `phones` matters.
struct Body<'a> {
    /// What stands there.
    phones: Phones<'a>,
}

/// What stands at `phones`.
enum Phones<'a> {
    /// So many as may be.
    List(Vec<Entry<'a>>),
    /// More than may be.
    TooMany,
    /// Something else.
    NoList,
}

/// Passes over whatever else is there in a visitor that yields a word for it.
macro_rules! other_kinds {
    ($($method:ident($type:ty) => $value:expr,)*) => {
        $(fn $method<E: serde::de::Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok($value)
        })*
    };
}

// Not derived: a derived one would take a list for an object too.
impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Body<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with phones")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut phones = None;
                while let Some(Text(key)) = map.next_key()? {
                    if key != "phones" {
                        map.next_value::<IgnoredAny>()?;
                    } else if phones.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("phones"));
                    }
                }
                let phones = phones.ok_or_else(|| A::Error::missing_field("phones"))?;
                Ok(Body { phones })
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Phones<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Phones<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of phones")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while entries.len() < PHONES_PER_UPDATE_MAX {
                    match list.next_element()? {
                        Some(entry) => entries.push(entry),
                        None => return Ok(Phones::List(entries)),
                    }
                }
                let mut beyond = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    beyond = true;
                }
                Ok(if beyond { Phones::TooMany } else { Phones::List(entries) })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Phones::NoList)
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(Phones::NoList)
            }

            other_kinds! {
                visit_bool(bool) => Phones::NoList,
                visit_i64(i64) => Phones::NoList,
                visit_u64(u64) => Phones::NoList,
                visit_f64(f64) => Phones::NoList,
                visit_str(&str) => Phones::NoList,
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entry = Entry::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "phone_id" => entry.phone_id.take_in(map.next_value()?),
                        "property" => entry.property.take_in(map.next_value()?),
                        "custom_property" => entry.custom_property.take_in(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(entry)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry::default())
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(Entry::default())
            }

            // What is no object has no phone_id.
            other_kinds! {
                visit_bool(bool) => Entry::default(),
                visit_i64(i64) => Entry::default(),
                visit_u64(u64) => Entry::default(),
                visit_f64(f64) => Entry::default(),
                visit_str(&str) => Entry::default(),
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl<'a> Given<'a> {
    /// Takes in what stands at the key.
    fn take_in(&mut self, given: Self) {
        *self = if *self == Self::Absent { given } else { Self::Twice };
    }
}

impl<'a> Custom<'a> {
    /// Takes in what stands at the key.
    fn take_in(&mut self, json: &'a RawValue) {
        *self = match self {
            Self::Absent if json.get() == "null" => Self::Absent,
            Self::Absent => Self::Json(json),
            _ => Self::Twice,
        };
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Given<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Given::Text(Cow::Borrowed(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Given::Other("an object"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Given::Other("a list"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Given::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Given::Other("null"))
            }

            other_kinds! {
                visit_bool(bool) => Given::Other("a boolean"),
                visit_i64(i64) => Given::Other("a number"),
                visit_u64(u64) => Given::Other("a number"),
                visit_f64(f64) => Given::Other("a number"),
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

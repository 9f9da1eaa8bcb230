//! The bodies of the calls about many phones, as they stand in JSON.
//!
//! What is wrong with one phone's entry is carried along, for it is that entry's fault alone; an
//! error is only what makes the whole call unreadable. Text is borrowed from the body where it has
//! no escapes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

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
    pub(super) custom_property: Raw<'a>,
    /// `factory_reset_enabled`.
    pub(super) factory_reset_enabled: Raw<'a>,
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

/// What stands where something else than a text should.
#[derive(Debug, Default)]
pub(super) enum Raw<'a> {
    /// Nothing, or null.
    #[default]
    Absent,
    /// Some JSON.
    Json(&'a RawValue),
    /// The key stands there more than once.
    Twice,
}

/// A call about many phones.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// One entry a phone.
    pub(super) entries: Vec<Entry<'a>>,
    /// `image_id`.
    pub(super) image_id: Given<'a>,
}

/// Reads a body with `phones`, the entries in their order; unknown keys are passed over, since the
/// vendor adds some with each version.
///
/// # Errors
/// CPS.0077 for what is not JSON or has no list of `phones`, and for an empty list; CPS.0190 for
/// too long a one.
pub(super) fn batch(body: &[u8]) -> Result<Batch<'_>, Failure> {
    let invalid = |detail: &str| Failure::because(Code::PhonesInvalid, detail);
    let body: Body<'_> = json(body, invalid, "one list of phones")?;
    let phones = body.phones.ok_or_else(|| invalid("It is missing."))?;
    match phones {
        Listed::TooMany => Err(Failure::of(Code::TooManyPhones)),
        Listed::Items(entries) if entries.is_empty() => Err(invalid("It is empty.")),
        Listed::Items(entries) => Ok(Batch { entries, image_id: body.image_id }),
        Listed::NoList => Err(invalid("It is not a list.")),
    }
}

/// Reads a body with `phone_ids`: the entries have an id and nothing else.
///
/// # Errors
/// CPS.0080 for what is not JSON and where `phone_ids` is no list; CPS.0081 if it is missing or
/// empty; CPS.0190 if it is too long.
pub(super) fn ids(body: &[u8]) -> Result<Vec<Entry<'_>>, Failure> {
    let invalid = |detail: &str| Failure::because(Code::PhoneIdsInvalid, detail);
    let body: Body<'_> = json(body, invalid, "one list of phone_ids")?;
    match body.phone_ids {
        None => Err(Failure::of(Code::PhoneIdsEmpty)),
        Some(Listed::TooMany) => Err(Failure::of(Code::TooManyPhones)),
        Some(Listed::NoList) => Err(invalid("It is not a list.")),
        Some(Listed::Items(ids)) if ids.is_empty() => Err(Failure::of(Code::PhoneIdsEmpty)),
        Some(Listed::Items(ids)) => {
            let entry = |phone_id| Entry { phone_id, ..Entry::default() };
            Ok(ids.into_iter().map(entry).collect())
        }
    }
}

/// Reads the text of a body that should hold `what`.
fn json<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    invalid: impl Fn(&str) -> Failure,
    what: &str,
) -> Result<T, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("The body is not UTF-8."))?;
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if error.is_data() {
            invalid(&format!("The body does not hold {what} (line {line})."))
        } else {
            invalid(&format!("The body is not JSON (line {line}, column {column})."))
        }
    })
}

/// The whole body: an object, of which only these matter.
#[derive(Default)]
struct Body<'a> {
    /// `phones`.
    phones: Option<Listed<Entry<'a>>>,
    /// `phone_ids`.
    phone_ids: Option<Listed<Given<'a>>>,
    /// `image_id`.
    image_id: Given<'a>,
}

/// What stands where a list of phones should.
enum Listed<T> {
    /// So many as may be.
    Items(Vec<T>),
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
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut body = Body::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "phones" => {
                            if body.phones.replace(map.next_value()?).is_some() {
                                return Err(A::Error::duplicate_field("phones"));
                            }
                        }
                        "phone_ids" => {
                            if body.phone_ids.replace(map.next_value()?).is_some() {
                                return Err(A::Error::duplicate_field("phone_ids"));
                            }
                        }
                        "image_id" => body.image_id.take_in(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(body)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Listed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of phones")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while items.len() < PHONES_PER_UPDATE_MAX {
                    match list.next_element()? {
                        Some(item) => items.push(item),
                        None => return Ok(Listed::Items(items)),
                    }
                }
                let mut beyond = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    beyond = true;
                }
                Ok(if beyond { Listed::TooMany } else { Listed::Items(items) })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Listed::NoList)
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(Listed::NoList)
            }

            other_kinds! {
                visit_bool(bool) => Listed::NoList,
                visit_i64(i64) => Listed::NoList,
                visit_u64(u64) => Listed::NoList,
                visit_f64(f64) => Listed::NoList,
                visit_str(&str) => Listed::NoList,
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
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
                        "factory_reset_enabled" => {
                            entry.factory_reset_enabled.take_in(map.next_value()?);
                        }
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

impl<'a> Raw<'a> {
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

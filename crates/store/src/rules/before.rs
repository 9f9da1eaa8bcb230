//! What there was before an update. Accepting looks it up in the row that it reads in any case, and
//! of the long column with what a device shows it takes nothing but what it needs.

use std::collections::BTreeMap;
use std::fmt;

use fleet::catalogue::{ORGANIZATION, record_of};
use fleet::{Before, Desired, DeviceId, Reported, Values};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::Error;
use crate::columns::{damaged, to_json};
use crate::write::AcceptEntry;

/// Of a column `reported`, the values at the names of `patch`.
pub(crate) fn shown(reported: &str, patch: &Values) -> Result<Values, Error> {
    if patch.is_empty() {
        return Ok(Values::new());
    }
    let mut json = serde_json::Deserializer::from_str(reported);
    json.deserialize_map(OfReported(patch)).map_err(|error| damaged("reported", error))
}

/// The same of what is to be written there.
pub(crate) fn of_reported(reported: &Reported, patch: &Values) -> Values {
    let shown = |name: &String| Some((name.clone(), reported.values.get(name)?.value.clone()?));
    patch.keys().filter_map(shown).collect()
}

/// What there was before an entry: what is desired now and what the device has shown, and of what
/// goes on record what is on record now. Of one that clears, all that is desired besides: it is
/// forgotten once that has succeeded. The column `before`: null for nothing.
pub(crate) fn column(
    entry: &AcceptEntry,
    desired: &Desired,
    mut shown: Values,
    on_record: BTreeMap<String, Before>,
) -> Result<Option<String>, Error> {
    let mut before = on_record;
    let forgotten = desired.0.keys().filter(|name| entry.clear && !entry.patch.contains_key(*name));
    for name in entry.patch.keys().chain(forgotten) {
        let before = before.entry(name.clone()).or_default();
        before.desired = desired.get(name).map(|desired| desired.value.clone());
        before.shown = shown.remove(name);
        // What is on record is mostly what the device gets.
        before.given = before.given.take().filter(|given| entry.patch.get(name) != Some(given));
    }
    (!before.is_empty()).then(|| to_json(&before)).transpose()
}

/// Whether [`column`] looks at what is desired before an entry.
pub(crate) fn is_of_desired(entry: &AcceptEntry) -> bool {
    entry.clear || !entry.patch.is_empty()
}

/// Before a name is `given`: the one that we have on record, `None` where we have none.
pub(crate) fn named(name: Option<String>, given: &str) -> Before {
    let (name, given) = (name.unwrap_or_default(), given.to_owned());
    Before { name: Some(name), given: Some(given), ..Before::default() }
}

/// A record's place and the names that are asked for there, each with the property that asks:
/// `None` is the device itself.
type Places<'e> = BTreeMap<Option<DeviceId>, Vec<(&'e str, &'e str)>>;

/// Where what goes on record with an entry is now, and what it is called there. Who may register is
/// no part of it: a password is told to nobody.
pub(crate) fn places(entry: &AcceptEntry) -> Places<'_> {
    let mut places = Places::new();
    for property in entry.record.keys() {
        if let Some(of) = record_of(property) {
            places.entry(of.channel).or_default().push((of.name, property));
        }
    }
    places
}

/// What is on record in one place, at the names that are asked for.
pub(crate) fn on_record<'e>(
    asked: &'e [(&'e str, &'e str)],
    values: &'e Values,
    path: Option<&'e str>,
) -> impl Iterator<Item = (String, Before)> + 'e {
    asked.iter().map(move |(name, property)| {
        let value = if *name == ORGANIZATION {
            path.map(str::to_owned)
        } else {
            values.get(*name).cloned()
        };
        ((*property).to_owned(), Before { desired: value, ..Before::default() })
    })
}

/// Reads [`fleet::Reported`].
struct OfReported<'p>(&'p Values);

impl<'de> Visitor<'de> for OfReported<'_> {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a device shows")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut found = None;
        while let Some(is_values) = map.next_key_seed(IsKey("values"))? {
            if is_values {
                found = Some(map.next_value_seed(OfValues(self.0))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        found.ok_or_else(|| A::Error::missing_field("values"))
    }
}

/// Reads [`fleet::Reported::values`].
struct OfValues<'p>(&'p Values);

impl<'de> DeserializeSeed<'de> for OfValues<'_> {
    type Value = Values;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Values, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfValues<'_> {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values by property")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut found = Values::new();
        while let Some(name) = map.next_key_seed(KeyOf(self.0))? {
            match name {
                Some(name) => {
                    let (value, _): (Option<String>, IgnoredAny) = map.next_value()?;
                    if let Some(value) = value {
                        found.insert(name.to_owned(), value);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Whether a key is this one.
struct IsKey(&'static str);

impl<'de> DeserializeSeed<'de> for IsKey {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// The key of the map that a key is, without a copy of it.
struct KeyOf<'p>(&'p Values);

impl<'de, 'p> DeserializeSeed<'de> for KeyOf<'p> {
    type Value = Option<&'p str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for KeyOf<'p> {
    type Value = Option<&'p str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.get_key_value(key).map(|(name, _)| name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fleet::Timestamp;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn of_what_is_shown_only_what_is_asked_for_is_read() {
        let mut reported = Reported::default();
        let given = [("a", Some("1")), ("b", None), ("c\"\n", Some("3")), ("d", Some("4"))];
        let given: BTreeMap<String, Option<String>> =
            given.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect();
        reported.record(&given, Timestamp(7));
        let text = to_json(&reported).unwrap();
        let patch = values(&[("a", "x"), ("b", "x"), ("c\"\n", "x"), ("e", "x")]);
        let expected = values(&[("a", "1"), ("c\"\n", "3")]);
        assert_eq!(shown(&text, &patch).unwrap(), expected);
        assert_eq!(of_reported(&reported, &patch), expected);
        assert_eq!(shown("nothing is looked at", &Values::new()).unwrap(), Values::new());
        assert!(shown("{}", &patch).is_err() && shown("[", &patch).is_err());
    }
}

//! Which devices are meant, where they are not named one by one.

use std::collections::BTreeMap;
use std::str::FromStr;

use fleet::{CameraStatus, Condition, CredentialsInUse, DeviceId, OrganizationPath};
use serde::Serialize;

use crate::commands::device::{attention, condition, in_use, status};

/// What devices have to be. What is not given lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// On one of these servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<String>,
    /// With all of these tags; `None` lets any value of the tag through.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Option<String>>,
    /// In one of these conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Condition>,
    /// Not as they should be, for one of these reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attention: Vec<&'static str>,
    /// Cameras that stand so: one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<CameraStatus>,
    /// Cameras that are registered with one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<CredentialsInUse>,
    /// With all of these values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<ValueIs>,
    /// Filed there or below.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// Made by this manufacturer.
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    /// With this in the id, the name, the server or the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// One of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<DeviceId>,
}

/// A value that a device must have, or must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ValueIs {
    /// The property.
    name: String,
    /// The value; `None`: there is none.
    value: Option<String>,
    /// `desired` or `reported`.
    of: &'static str,
}

/// The words that a selection is made of.
const WORDS: [&str; 12] = [
    "server",
    "tag",
    "condition",
    "attention",
    "status",
    "credentials",
    "desired",
    "reported",
    "organization",
    "manufacturer",
    "text",
    "id",
];

/// Parts of a selection, `WORD=VALUE`, parted by commas. What follows a comma and begins with none
/// of the words belongs to the value before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts(Vec<(&'static str, String)>);

impl FromStr for Parts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts: Vec<(&'static str, String)> = Vec::new();
        for piece in text.split(',') {
            if let Some((word, value)) = part(piece) {
                parts.push((word, value.to_owned()));
            } else if let Some((_, value)) = parts.last_mut() {
                value.push(',');
                value.push_str(piece);
            } else {
                let words = WORDS.join(", ");
                return Err(format!("{piece:?} is not WORD=VALUE with one of the words {words}"));
            }
        }
        Ok(Self(parts))
    }
}

/// The word of a part, and its value.
fn part(text: &str) -> Option<(&'static str, &str)> {
    let (word, value) = text.split_once('=')?;
    let word = WORDS.into_iter().find(|known| *known == word.trim())?;
    Some((word, value))
}

impl Selection {
    /// All parts together. Errors name the part, in words.
    pub fn of(given: Vec<Parts>) -> Result<Self, String> {
        let mut selection = Self::default();
        for (word, value) in given.into_iter().flat_map(|parts| parts.0) {
            selection.add(word, &value).map_err(|why| format!("{word}: {why}"))?;
        }
        Ok(selection)
    }

    /// Adds a part.
    fn add(&mut self, word: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("is empty".to_owned());
        }
        match word {
            "server" => self.servers.push(value.to_owned()),
            "tag" => {
                let (key, value) = match value.split_once(':') {
                    Some((key, value)) => (key, Some(value.to_owned())),
                    None => (value, None),
                };
                if self.tags.insert(key.to_owned(), value).is_some() {
                    return Err(format!("{key} is given twice"));
                }
            }
            "condition" => self.conditions.push(condition(value)?),
            "attention" => self.attention.push(attention(value)?),
            "status" => self.statuses.push(status(value)?),
            "credentials" => self.credentials.push(in_use(value)?),
            "desired" => self.values.push(value_is(value, "desired")?),
            "reported" => self.values.push(value_is(value, "reported")?),
            "organization" => {
                value.parse::<OrganizationPath>().map_err(|error| error.to_string())?;
                once(&mut self.organization, value)?;
            }
            "manufacturer" => once(&mut self.manufacturer, value)?,
            "text" => once(&mut self.text, value)?,
            _ => self.ids.push(DeviceId::new(value).map_err(|error| error.to_string())?),
        }
        Ok(())
    }
}

/// Takes what may be said once.
fn once(place: &mut Option<String>, value: &str) -> Result<(), String> {
    match place.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err("is given twice".to_owned()),
    }
}

/// Reads `NAME:VALUE`, or `!NAME` for none.
fn value_is(text: &str, of: &'static str) -> Result<ValueIs, String> {
    let (name, value) = match (text.strip_prefix('!'), text.split_once(':')) {
        (Some(name), _) => (name, None),
        (None, Some((name, value))) => (name, Some(value.to_owned())),
        (None, None) => return Err(format!("{text:?} is neither NAME:VALUE nor !NAME")),
    };
    if name.is_empty() {
        return Err(format!("{text:?} names no property"));
    }
    Ok(ValueIs { name: name.to_owned(), value, of })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The selection of these options, as it is sent.
    fn selected(given: &[&str]) -> Result<Value, String> {
        let parts: Vec<Parts> = given.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Selection::of(parts).map(|selection| json!(selection))
    }

    #[test]
    fn parts_are_parted_by_commas_that_a_word_follows() {
        let check =
            |given: &[&str], expected: Value| assert_eq!(selected(given).unwrap(), expected);
        check(&[], json!({}));
        check(
            &["server=farm-1,condition=running,tag=floor:2,tag=vip", "server=farm-2"],
            json!({"servers": ["farm-1", "farm-2"], "conditions": ["running"],
                   "tags": {"floor": "2", "vip": null}}),
        );
        check(
            &["status=offline,status=Register,credentials=not-renewed,credentials=old"],
            json!({"statuses": ["OffLine", "Register"], "credentials": ["not_renewed", "old"]}),
        );
        check(
            &["attention=drift,attention=restart-pending"],
            json!({"attention": ["drift", "restart_pending"]}),
        );
        check(&["attention=any"], json!({"attention": ["any"]}));
        check(&["attention=none,attention=drift"], json!({"attention": ["none", "drift"]}));
        check(&["text=a, b,tag=x"], json!({"text": "a, b", "tags": {"x": null}}));
        check(
            &["desired=Name:a:b,reported=!com.cph.mainkeys,reported=Name:"],
            json!({"values": [{"name": "Name", "value": "a:b", "of": "desired"},
                {"name": "com.cph.mainkeys", "value": null, "of": "reported"},
                {"name": "Name", "value": "", "of": "reported"}]}),
        );
        check(
            &["organization=East/Gate 3,manufacturer=Hikvision,id=a,id=b"],
            json!({"organization": "East/Gate 3", "manufacturer": "Hikvision", "ids": ["a", "b"]}),
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |given: &[&str], expected: &str| {
            let why = selected(given).unwrap_err();
            assert!(why.contains(expected), "{given:?}: {why}");
        };
        check(&["floor=2"], "\"floor=2\" is not WORD=VALUE");
        check(&[""], "is not WORD=VALUE");
        check(&["server="], "server: is empty");
        check(&["condition=ill"], "condition: \"ill\" is none of new, awaited, running, ");
        check(&["attention=ill"], "attention: \"ill\" is not one of trouble");
        check(&["status=ill"], "status: \"ill\" is none of Register");
        check(&["credentials=ill"], "credentials: \"ill\" is none of current");
        check(&["text=a", "text=b"], "text: is given twice");
        check(&["tag=a,tag=a:1"], "tag: a is given twice");
        check(&["desired=Name"], "neither NAME:VALUE nor !NAME");
        check(&["desired=:x"], "names no property");
        check(&["organization=a//b"], "organization: ");
    }
}

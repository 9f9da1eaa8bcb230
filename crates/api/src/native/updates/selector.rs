//! Which devices are meant, in a body; [`crate::native::devices::query`] has it of a query.

use std::collections::BTreeMap;

use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::selector::{ValueIs, ValueOf};
use fleet::{
    Attention, CameraStatus, Catalogue, Condition, CredentialsInUse, DeviceId, Kind,
    OrganizationPath, Selector,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::native::{Problem, objects};

/// The most servers, conditions, tags or values that a selection may name of each.
const NAMED_MAX: usize = 100;

/// What stands for a device that is as it should be among the words of why others are not.
const NO_ATTENTION: &str = "none";

/// Characters of a text that is looked for.
pub(in crate::native) const TEXT_CHARS_MAX: usize = 128;

/// Which devices are meant: those for which all of it holds. What is left out lets all through, so
/// that `{}` means all devices of the kind and the project.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Selector)]
pub(in crate::native) struct SelectorBody {
    /// On one of these servers: at most 100. An empty list is refused, here and below: a script
    /// whose list came out empty does not mean all devices.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    servers: Vec<String>,
    /// With all of these tags, each with this value; null lets any value through. At most 100.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Option<String>>,
    /// In one of these conditions, as a device shows it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schema(value_type = Vec<String>)]
    conditions: Vec<Condition>,
    /// Not as they should be, for one of these reasons, as `attention` of a device shows them:
    /// `trouble`, `drift`, `restart_pending` or `pending`; `any` stands for all of them. `none`:
    /// as they should be.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "write_attention",
        deserialize_with = "attention_words"
    )]
    #[schema(value_type = Vec<String>)]
    attention: Vec<Option<Attention>>,
    /// Frozen by an operator, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<bool>,
    /// Cameras that stand so, one of these: `Register`, `OnLine` or `OffLine`, as `camera.status`
    /// of a device shows it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schema(value_type = Vec<String>)]
    statuses: Vec<CameraStatus>,
    /// Cameras that are registered with one of these: `current`, `old` or `not_renewed`, as
    /// `camera.credentials.in_use` of a device shows it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schema(value_type = Vec<String>)]
    credentials: Vec<CredentialsInUse>,
    /// With all of these values: at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_objects")]
    values: Vec<SelectedValue>,
    /// Filed in the organization of this path, its names joined by `/`, or in one below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// Made by this manufacturer, as the device says it, whatever the case of ASCII letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    /// With this in the id, the name, the server or the address, whatever the case of ASCII
    /// letters: 1 to 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// One of these: at most 8,096.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    #[schema(value_type = Vec<String>)]
    ids: Vec<DeviceId>,
}

/// A value that a device must have, or must not have.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SelectedValue {
    /// The property, by its name or an alias.
    name: String,
    /// The value, whole; null means devices that have none.
    #[serde(deserialize_with = "value_or_null")]
    #[schema(required)]
    value: Option<String>,
    /// Which value: `desired`, what is asked of the device, or `reported`, what it last showed.
    #[schema(value_type = String, pattern = "^(desired|reported)$", example = "reported")]
    of: ValueOf,
}

/// Reads a text or null: leaving it out is no way to mean null.
fn value_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// Reads a list with something in it: one that came out empty is no way to mean all.
fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    not_empty(Vec::deserialize(from)?)
}

/// Reads a list of objects with something in it.
fn some_objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    not_empty(objects::objects(from)?)
}

/// Reads a list of words of attention with something in it.
fn attention_words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Option<Attention>>, D::Error> {
    let words: Vec<String> = some(from)?;
    let mut attention = Vec::with_capacity(words.len());
    for word in words {
        add_attention(&mut attention, &word).map_err(serde::de::Error::custom)?;
    }
    Ok(attention)
}

/// Writes what [`attention_words`] reads.
fn write_attention<S: Serializer>(
    attention: &[Option<Attention>],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_seq(attention.iter().map(|word| word.map_or(NO_ATTENTION, Attention::name)))
}

/// Adds the reason that a word names, or with `any` all there are; each is there once.
pub(in crate::native) fn add_attention(
    attention: &mut Vec<Option<Attention>>,
    word: &str,
) -> Result<(), String> {
    let named = match word {
        "any" => Attention::ALL.map(Some).to_vec(),
        NO_ATTENTION => vec![None],
        word => vec![Some(word.parse::<Attention>().map_err(|unknown| unknown.to_string())?)],
    };
    for one in named {
        if !attention.contains(&one) {
            attention.push(one);
        }
    }
    Ok(())
}

/// A list, or why it is not acceptable.
fn not_empty<T, E: serde::de::Error>(list: Vec<T>) -> Result<Vec<T>, E> {
    if list.is_empty() {
        return Err(E::custom("a list in selector is empty: leave it out to let all through"));
    }
    Ok(list)
}

impl SelectorBody {
    /// The selector of this body, which stands at `selector`, for devices of this kind.
    pub(in crate::native) fn selector(
        self,
        kind: Option<Kind>,
        catalogue: &Catalogue,
    ) -> Result<Selector, Problem> {
        let Self {
            servers,
            tags,
            conditions,
            attention,
            frozen,
            statuses,
            credentials,
            values,
            organization,
            manufacturer,
            text,
            ids,
        } = self;
        let organization = organization.map(|path| path_of(&path)).transpose();
        let selector = Selector {
            kind,
            servers,
            tags: tags.into_iter().collect(),
            conditions,
            attention,
            frozen,
            statuses,
            credentials,
            values: values
                .into_iter()
                .map(|SelectedValue { name, value, of }| ValueIs { name, value, of })
                .collect(),
            organization: organization.map_err(|why| invalid("selector.organization", &why))?,
            manufacturer,
            text,
            ids,
        };
        checked(selector, catalogue)
            .map_err(|(field, why)| invalid(&format!("selector.{field}"), &why))
    }
}

impl From<Selector> for SelectorBody {
    fn from(selector: Selector) -> Self {
        let values = selector.values.into_iter();
        Self {
            servers: selector.servers,
            tags: selector.tags.into_iter().collect(),
            conditions: selector.conditions,
            attention: selector.attention,
            frozen: selector.frozen,
            statuses: selector.statuses,
            credentials: selector.credentials,
            values: values
                .map(|ValueIs { name, value, of }| SelectedValue { name, value, of })
                .collect(),
            organization: selector.organization.map(|path| path.to_string()),
            manufacturer: selector.manufacturer,
            text: selector.text,
            ids: selector.ids,
        }
    }
}

/// A field that can't be meant.
pub(in crate::native) fn invalid(field: &str, why: &str) -> Problem {
    Problem::invalid(format!("{field}: {why}"))
}

/// Reads a path.
pub(in crate::native) fn path_of(text: &str) -> Result<OrganizationPath, String> {
    text.parse().map_err(|error: fleet::organization::OrganizationPathError| error.to_string())
}

/// Checks the bounds of a selector and turns properties' aliases into names. Errors: the field that
/// is not acceptable, and why.
pub(in crate::native) fn checked(
    mut selector: Selector,
    catalogue: &Catalogue,
) -> Result<Selector, (&'static str, String)> {
    let lengths = [
        ("servers", selector.servers.len(), NAMED_MAX),
        ("tags", selector.tags.len(), NAMED_MAX),
        ("conditions", selector.conditions.len(), NAMED_MAX),
        ("statuses", selector.statuses.len(), NAMED_MAX),
        ("credentials", selector.credentials.len(), NAMED_MAX),
        ("values", selector.values.len(), NAMED_MAX),
        ("ids", selector.ids.len(), PHONES_PER_UPDATE_MAX),
    ];
    for (field, length, most) in lengths {
        if length > most {
            return Err((field, format!("has {length} entries, and may have {most}")));
        }
    }
    if selector.tags.iter().any(|(key, _)| key.is_empty()) {
        return Err(("tags", "names no tag".to_owned()));
    }
    if selector.manufacturer.as_deref() == Some("") {
        return Err(("manufacturer", "must have a character or more".to_owned()));
    }
    if let Some(text) = &selector.text
        && (text.is_empty() || text.chars().nth(TEXT_CHARS_MAX).is_some())
    {
        return Err(("text", format!("must have 1 to {TEXT_CHARS_MAX} characters")));
    }
    for ValueIs { name, .. } in &mut selector.values {
        if name.is_empty() {
            return Err(("values", "names no property".to_owned()));
        }
        let kinds =
            selector.kind.map_or_else(|| vec![Kind::Phone, Kind::Camera], |kind| vec![kind]);
        let mut canonical = Err(String::new());
        for kind in kinds {
            if canonical.is_err() {
                canonical = catalogue.canonical_or_free(kind, name).map(str::to_owned);
            }
        }
        *name = canonical.map_err(|why| ("values", format!("{name}: {why}")))?;
    }
    Ok(selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_out_empty_is_not_all_devices() {
        for body in
            ["servers", "conditions", "attention", "statuses", "credentials", "values", "ids"]
        {
            let text = format!(r#"{{"{body}":[]}}"#);
            let error = serde_json::from_str::<SelectorBody>(&text).unwrap_err().to_string();
            assert!(error.starts_with("a list in selector is empty"), "{error}");
        }
        let pair = r#"{"values":[["Name","x","desired"]]}"#;
        let error = serde_json::from_str::<SelectorBody>(pair).unwrap_err().to_string();
        assert!(error.starts_with("invalid type: sequence, expected an object"), "{error}");
        let all: SelectorBody = serde_json::from_str("{}").unwrap();
        let all = all.selector(Some(Kind::Phone), &Catalogue::built_in().unwrap()).unwrap();
        assert_eq!(all, Selector { kind: Some(Kind::Phone), ..Selector::default() });
    }

    #[test]
    fn any_stands_for_every_reason_and_none_for_a_device_without() {
        let catalogue = Catalogue::built_in().unwrap();
        let body = |text: &str| serde_json::from_str::<SelectorBody>(text);
        let selector =
            body(r#"{"attention":["any"]}"#).unwrap().selector(None, &catalogue).unwrap();
        assert_eq!(selector.attention, Attention::ALL.map(Some));
        let shown = serde_json::to_value(SelectorBody::from(selector)).unwrap();
        let words = ["trouble", "drift", "restart_pending", "pending"];
        assert_eq!(shown, serde_json::json!({ "attention": words }));
        let text = r#"{"attention":["drift","none"]}"#;
        let selector = body(text).unwrap().selector(None, &catalogue).unwrap();
        assert_eq!(selector.attention, [Some(Attention::Drift), None]);
        let shown = serde_json::to_string(&SelectorBody::from(selector)).unwrap();
        assert_eq!(shown, text);
        let error = body(r#"{"attention":["some"]}"#).unwrap_err();
        assert!(error.to_string().starts_with("unknown attention"), "{error}");
    }
}

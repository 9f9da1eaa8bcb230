//! Which devices are meant, in a body and in a query.

use std::collections::BTreeMap;

use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::selector::{ValueIs, ValueOf};
use fleet::{
    Attention, CameraStatus, Catalogue, Condition, CredentialsInUse, DeviceId, Kind,
    OrganizationPath, ProjectId, Selector,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::native::{Problem, objects};

/// The most servers, conditions, tags or values that a selection may name of each.
const NAMED_MAX: usize = 100;

/// Characters of a text that is looked for.
const TEXT_CHARS_MAX: usize = 128;

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
    /// `trouble`, `drift`, `restart_pending` or `pending`; `any` stands for all of them.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "attention_words")]
    #[schema(value_type = Vec<String>)]
    attention: Vec<Attention>,
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
fn attention_words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Attention>, D::Error> {
    let words: Vec<String> = some(from)?;
    let mut attention = Vec::with_capacity(words.len());
    for word in words {
        add_attention(&mut attention, &word).map_err(serde::de::Error::custom)?;
    }
    Ok(attention)
}

/// Adds the reason that a word names, or with `any` all there are; each is there once.
fn add_attention(attention: &mut Vec<Attention>, word: &str) -> Result<(), String> {
    let named = match word {
        "any" => Attention::ALL.to_vec(),
        word => vec![parsed(word)?],
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
    pub(super) fn selector(
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
fn invalid(field: &str, why: &str) -> Problem {
    Problem::invalid(format!("{field}: {why}"))
}

/// Reads a path.
fn path_of(text: &str) -> Result<OrganizationPath, String> {
    text.parse().map_err(|error: fleet::organization::OrganizationPathError| error.to_string())
}

/// Checks the bounds of a selector and turns properties' aliases into names. Errors: the field that
/// is not acceptable, and why.
fn checked(
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

/// Which devices a query asks for, and which page of them.
#[derive(Debug, Default)]
pub(in crate::native) struct DevicesQuery {
    /// Of this project only.
    pub(in crate::native) project: Option<ProjectId>,
    /// Those.
    pub(in crate::native) selector: Selector,
    /// After the page that said so.
    pub(in crate::native) after: Option<String>,
    /// At most so many.
    pub(in crate::native) limit: Option<u32>,
}

impl DevicesQuery {
    /// Reads the keys and values of a query. Errors name the key.
    pub(in crate::native) fn of(
        pairs: Vec<(String, String)>,
        catalogue: &Catalogue,
    ) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (key, value) in pairs {
            query.take(&key, value).map_err(|why| invalid(&key, &why))?;
        }
        let selector = checked(std::mem::take(&mut query.selector), catalogue);
        let selector = selector.map_err(|(field, why)| invalid(field, &why))?;
        Ok(Self { selector, ..query })
    }

    /// Takes one key of a query.
    fn take(&mut self, key: &str, value: String) -> Result<(), String> {
        let selector = &mut self.selector;
        match key {
            "project" => once(&mut self.project, parsed(&value)?),
            "kind" => once(&mut selector.kind, parsed(&value)?),
            "server" => {
                selector.servers.push(value);
                Ok(())
            }
            "tag" => {
                let (key, value) = match value.split_once(':') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (value, None),
                };
                selector.tags.push((key, value));
                Ok(())
            }
            "condition" => {
                selector.conditions.push(parsed(&value)?);
                Ok(())
            }
            "attention" => add_attention(&mut selector.attention, &value),
            "frozen" => once(&mut selector.frozen, parsed(&value)?),
            "status" => {
                selector.statuses.push(parsed(&value)?);
                Ok(())
            }
            "credentials" => {
                selector.credentials.push(parsed(&value)?);
                Ok(())
            }
            "desired" => {
                selector.values.push(value_is(&value, ValueOf::Desired)?);
                Ok(())
            }
            "reported" => {
                selector.values.push(value_is(&value, ValueOf::Reported)?);
                Ok(())
            }
            "organization" => once(&mut selector.organization, path_of(&value)?),
            "manufacturer" => once(&mut selector.manufacturer, value),
            "text" => once(&mut selector.text, value),
            "id" => {
                selector.ids.push(parsed(&value)?);
                Ok(())
            }
            "after" => once(&mut self.after, value),
            "limit" => once(&mut self.limit, parsed(&value)?),
            _ => Err("is no parameter of this call".to_owned()),
        }
    }
}

/// Reads a value of a query.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Takes what may be said once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("is given twice".to_owned()),
    }
}

/// Reads `NAME:VALUE`, or `!NAME` for devices that have none.
fn value_is(text: &str, of: ValueOf) -> Result<ValueIs, String> {
    let (name, value) = match (text.strip_prefix('!'), text.split_once(':')) {
        (Some(name), _) => (name, None),
        (None, Some((name, value))) => (name, Some(value.to_owned())),
        (None, None) => return Err("must be NAME:VALUE, or !NAME for none".to_owned()),
    };
    if name.is_empty() {
        return Err("names no property".to_owned());
    }
    Ok(ValueIs { name: name.to_owned(), value, of })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<DevicesQuery, Problem> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        DevicesQuery::of(pairs.collect(), &Catalogue::built_in().unwrap())
    }

    #[test]
    fn a_query_names_what_devices_have_to_be() {
        let query = read(&[
            ("kind", "phone"),
            ("server", "a"),
            ("server", "b"),
            ("tag", "floor:2"),
            ("tag", "vip"),
            ("condition", "running"),
            ("attention", "pending"),
            ("attention", "drift"),
            ("attention", "pending"),
            ("frozen", "true"),
            ("status", "OffLine"),
            ("status", "Register"),
            ("credentials", "not_renewed"),
            ("desired", "hide_navigate:1"),
            ("reported", "!Name"),
            ("limit", "7"),
        ])
        .unwrap();
        let value = |name: &str, value: Option<&str>, of| ValueIs {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            of,
        };
        let expected = Selector {
            kind: Some(Kind::Phone),
            servers: vec!["a".to_owned(), "b".to_owned()],
            tags: vec![("floor".to_owned(), Some("2".to_owned())), ("vip".to_owned(), None)],
            conditions: vec![Condition::Running],
            attention: vec![Attention::Pending, Attention::Drift],
            frozen: Some(true),
            statuses: vec![CameraStatus::OffLine, CameraStatus::Register],
            credentials: vec![CredentialsInUse::NotRenewed],
            values: vec![
                value("com.cph.mainkeys", Some("1"), ValueOf::Desired),
                value("Name", None, ValueOf::Reported),
            ],
            ..Selector::default()
        };
        assert_eq!((query.selector, query.limit), (expected, Some(7)));
    }

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
    fn any_stands_for_every_reason() {
        let query = read(&[("attention", "drift"), ("attention", "any")]).unwrap();
        let [trouble, drift, restart, pending] = Attention::ALL;
        assert_eq!(query.selector.attention, [drift, trouble, restart, pending]);
        let body: SelectorBody = serde_json::from_str(r#"{"attention":["any"]}"#).unwrap();
        let selector = body.selector(None, &Catalogue::built_in().unwrap()).unwrap();
        assert_eq!(selector.attention, Attention::ALL);
        let shown = serde_json::to_value(SelectorBody::from(selector)).unwrap();
        let words = ["trouble", "drift", "restart_pending", "pending"];
        assert_eq!(shown, serde_json::json!({ "attention": words }));
        let error = serde_json::from_str::<SelectorBody>(r#"{"attention":["some"]}"#).unwrap_err();
        assert!(error.to_string().starts_with("unknown attention"), "{error}");
    }

    #[test]
    fn what_is_wrong_in_a_query_is_named() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        for (key, value, part) in [
            ("colour", "red", "colour: is no parameter"),
            ("kind", "toaster", "kind: unknown device kind"),
            ("condition", "ill", "condition: unknown"),
            ("attention", "some", "attention: unknown attention"),
            ("frozen", "yes", "frozen: "),
            ("status", "online", "status: unknown camera status"),
            ("credentials", "older", "credentials: unknown credentials in use"),
            ("desired", "Name", "desired: must be NAME:VALUE"),
            ("reported", ":x", "reported: names no property"),
            ("desired", "!com.cph.mainkey", "values: com.cph.mainkey: "),
            ("tag", "", "tags: names no tag"),
            ("tag", ":red", "tags: names no tag"),
            ("manufacturer", "", "manufacturer: must have"),
            ("organization", "a//b", "organization: level 2"),
            ("limit", "x", "limit: "),
            ("text", "", "text: must have 1 to 128"),
            ("text", &long, "text: must have 1 to 128"),
        ] {
            let problem = serde_json::to_value(read(&[(key, value)]).unwrap_err()).unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(part), "{part}: {detail}");
        }
        assert!(read(&[("text", "a"), ("text", "b")]).is_err());
    }
}

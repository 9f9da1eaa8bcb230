//! Templates: values in which names stand for what each device has of its own.
//!
//! `${id}`, `${name}`, `${server}`, `${tag:KEY}` and `${var:NAME}` stand for the device's id, name,
//! server, the value of one of its tags, and a variable that the caller gives for it.
//! `${X:-default}` gives what stands there for a device that lacks X. `$$` is a `$`. All else is
//! itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::desired::Values;
use crate::limits::{TAG_BYTES_MAX, TEMPLATE_BYTES_MAX, VARIABLE_NAME_BYTES_MAX};

/// A value in which names stand for what each device has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    /// As it was written.
    text: String,
    /// What it is made of, in order.
    parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text that stands for itself.
    Text(String),
    /// What the device has of its own; if it lacks that, the default.
    Own(Variable, Option<String>),
}

/// Something that a device may have of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Variable {
    /// Its id.
    Id,
    /// The operator's name for it. An empty one is none.
    Name,
    /// The host that it lives on. An empty one is none.
    Server,
    /// The value of its tag with this key. A tag without a value has the empty one.
    Tag(String),
    /// What the caller gives for it under this name.
    Given(String),
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => f.write_str("id"),
            Self::Name => f.write_str("name"),
            Self::Server => f.write_str("server"),
            Self::Tag(key) => write!(f, "tag:{key}"),
            Self::Given(name) => write!(f, "var:{name}"),
        }
    }
}

/// What one device has of its own.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// Its id, as it was named.
    pub id: &'a str,
    /// The operator's name for it; empty if there is none.
    pub name: &'a str,
    /// The host that it lives on; empty if none is known.
    pub server: &'a str,
    /// Its tags.
    pub tags: &'a Values,
    /// What the caller gives for it.
    pub given: &'a Values,
    /// What the caller gives for all devices: where it is given for this one, that goes before.
    pub given_all: &'a Values,
}

impl<'a> Own<'a> {
    /// What the device has of this; `None` if it lacks it.
    fn get(&self, variable: &Variable) -> Option<&'a str> {
        let unless_empty = |text: &'a str| (!text.is_empty()).then_some(text);
        match variable {
            Variable::Id => Some(self.id),
            Variable::Name => unless_empty(self.name),
            Variable::Server => unless_empty(self.server),
            Variable::Tag(key) => self.tags.get(key).map(String::as_str),
            Variable::Given(name) => {
                self.given.get(name).or_else(|| self.given_all.get(name)).map(String::as_str)
            }
        }
    }
}

/// Why a text is no template, and where in it, in characters counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {fault}")]
pub struct TemplateError {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub fault: TemplateFault,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// A `$` that begins nothing.
    #[error("a $ begins ${{...}}; one that is meant as it is must be written $$")]
    Dollar,
    /// `${` without its `}`.
    #[error("${{ has no }}")]
    Open,
    /// What stands in `${...}` is nothing that a device has.
    #[error("{0:?} is none of id, name, server, tag:KEY and var:NAME")]
    Unknown(String),
    /// A default with something in it that could be taken for a variable.
    #[error("a default holds no variable; a $ in it must be written $$")]
    Default,
    /// It is longer than a template may be.
    #[error("a template has at most {TEMPLATE_BYTES_MAX} bytes")]
    TooLong,
}

/// Why a template can't be made into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexpanded<'a> {
    /// The device lacks this, and it has no default.
    Lacks(&'a Variable),
    /// The value would be longer than it may be.
    TooLong,
}

/// Whether a caller may give a variable under this name: 1 to [`VARIABLE_NAME_BYTES_MAX`] bytes,
/// letters, digits and `. _ -`.
pub fn is_variable_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=VARIABLE_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

impl Template {
    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is for every device, if nothing in it stands for what is a device's own.
    pub fn constant(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Own(..) => None,
        };
        self.parts.iter().map(text).collect()
    }

    /// The variables in it, as often as they stand there.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Own(variable, _) => Some(variable),
        })
    }

    /// What it is for one device: at most `bytes_max` bytes, over which nothing is held.
    ///
    /// # Errors
    ///
    /// The first thing that the device lacks and that has no default, or that the value would be
    /// too long, whichever comes first.
    pub fn expand(&self, own: &Own<'_>, bytes_max: usize) -> Result<String, Unexpanded<'_>> {
        let mut value = String::new();
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => text.as_str(),
                Part::Own(variable, default) => {
                    let own = own.get(variable).or(default.as_deref());
                    own.ok_or(Unexpanded::Lacks(variable))?
                }
            };
            if text.len() > bytes_max.saturating_sub(value.len()) {
                return Err(Unexpanded::TooLong);
            }
            value.push_str(text);
        }
        Ok(value)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        let parts = parts(&text)?;
        Ok(Self { text, parts })
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::try_from(text.to_owned())
    }
}

/// Takes a text apart.
fn parts(text: &str) -> Result<Vec<Part>, TemplateError> {
    let fail = |rest: &str, fault| {
        let before = text.len() - rest.len();
        let at = text.get(..before).map_or(0, |before| before.chars().count()) + 1;
        Err(TemplateError { at, fault })
    };
    if text.len() > TEMPLATE_BYTES_MAX {
        return fail(text, TemplateFault::TooLong);
    }
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, from)) = rest.split_once('$') {
        plain.push_str(before);
        // What follows the `$`, and the `$` with it.
        let dollar = rest.get(before.len()..).unwrap_or_default();
        if let Some(after) = from.strip_prefix('$') {
            plain.push('$');
            rest = after;
            continue;
        }
        let Some(inner) = from.strip_prefix('{') else {
            return fail(dollar, TemplateFault::Dollar);
        };
        let Some((inside, after)) = inner.split_once('}') else {
            return fail(dollar, TemplateFault::Open);
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let Some(variable) = variable(name) else {
            return fail(inner, TemplateFault::Unknown(name.to_owned()));
        };
        let default = match default.map(undoubled) {
            None => None,
            Some(Some(default)) => Some(default),
            Some(None) => {
                let from = inner.get(name.len() + ":-".len()..).unwrap_or(inner);
                return fail(from, TemplateFault::Default);
            }
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Own(variable, default));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// What stands in `${...}`, without its default.
fn variable(name: &str) -> Option<Variable> {
    match name {
        "id" => return Some(Variable::Id),
        "name" => return Some(Variable::Name),
        "server" => return Some(Variable::Server),
        _ => {}
    }
    if let Some(key) = name.strip_prefix("tag:") {
        let is_key = !key.is_empty() && key.len() <= TAG_BYTES_MAX && !key.contains(['$', '{']);
        return is_key.then(|| Variable::Tag(key.to_owned()));
    }
    let name = name.strip_prefix("var:").filter(|name| is_variable_name(name))?;
    Some(Variable::Given(name.to_owned()))
}

/// A text in which each `$` is doubled, with single ones; `None` if one is not.
fn undoubled(text: &str) -> Option<String> {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        plain.push('$');
        rest = after.strip_prefix('$')?;
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What a text is for a phone that has a tag and two variables; errors in words.
    fn expanded(text: &str) -> Result<String, String> {
        let template: Template = text.parse().map_err(|error: TemplateError| error.to_string())?;
        assert_eq!(template.as_str(), text);
        let (tags, none) = (values(&[("city", "Ulm"), ("empty", "")]), values(&[("floor", "9")]));
        let given = values(&[("n", "7"), ("floor", "2")]);
        let own = Own {
            id: "phone-1",
            name: "",
            server: "farm-1",
            tags: &tags,
            given: &given,
            given_all: &none,
        };
        template.expand(&own, TEMPLATE_BYTES_MAX).map_err(|error| match error {
            Unexpanded::Lacks(variable) => format!("lacks {variable}"),
            Unexpanded::TooLong => "too long".to_owned(),
        })
    }

    #[test]
    fn names_stand_for_what_the_device_has() {
        for (text, value) in [
            ("", ""),
            ("plain {text} }", "plain {text} }"),
            ("${id}@${server}", "phone-1@farm-1"),
            ("${tag:city}-${var:n}", "Ulm-7"),
            ("${tag:empty}", ""),
            ("${var:floor}", "2"),
            ("$$", "$"),
            ("$${id}", "${id}"),
            ("$$$$${id}$$", "$$phone-1$"),
            ("${name:-unnamed}", "unnamed"),
            ("${name:-}", ""),
            ("${tag:zone:-a:-b}", "a:-b"),
            ("${tag:zone:-$$5 一}", "$5 一"),
            ("${tag:a:b:-c}", "c"),
            ("${id:-x}", "phone-1"),
        ] {
            assert_eq!(expanded(text), Ok(value.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_the_device_lacks_is_named() {
        for (text, lacks) in [
            ("${name}", "lacks name"),
            ("a${id}${tag:zone}${var:x}", "lacks tag:zone"),
            ("${var:m}", "lacks var:m"),
        ] {
            assert_eq!(expanded(text), Err(lacks.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
        for (text, why) in [
            ("$", "character 1: a $ begins ${...}"),
            ("一$x", "character 2: a $ begins ${...}"),
            ("ab$$$c", "character 5: a $ begins"),
            ("ab${id", "character 3: ${ has no }"),
            ("${}", "character 3: \"\" is none of"),
            ("x${ID}", "character 4: \"ID\" is none of"),
            ("${tag:}", "character 3: \"tag:\" is none of"),
            ("${var:a b}", "\"var:a b\" is none of"),
            ("${var:a/b}", "\"var:a/b\" is none of"),
            ("${tag:${id}}", "\"tag:${id\" is none of"),
            ("${name:-${id}}", "character 9: a default holds no variable"),
            ("${name:-a$}", "character 9: a default holds no variable"),
            (long.as_str(), "character 1: a template has at most 8192 bytes"),
        ] {
            let error = expanded(text).unwrap_err();
            assert!(error.contains(why), "{text:.20}: {error}");
        }
    }

    #[test]
    fn a_value_is_as_long_as_it_may_be_and_no_longer() {
        let (none, given) = (Values::new(), values(&[("n", "12345")]));
        let own =
            Own { id: "d", name: "", server: "", tags: &none, given: &given, given_all: &none };
        let of = |text: &str, most| {
            let template: Template = text.parse().unwrap();
            template.expand(&own, most).map_err(|error| error == Unexpanded::TooLong)
        };
        assert_eq!(of("a${var:n}${id}", 7), Ok("a12345d".to_owned()));
        for (text, most) in [("a${var:n}${id}", 6), ("${var:n}", 4), ("a", 0)] {
            assert_eq!(of(text, most), Err(true), "{text}");
        }
        assert_eq!(of("", 0), Ok(String::new()));
        // What does not fit is seen before what stands behind it.
        assert_eq!(of("${var:n}${name}", 4), Err(true));
        assert_eq!(of("${var:n}${name}", 5), Err(false));
    }

    #[test]
    fn a_template_without_variables_is_the_same_for_all() {
        let of = |text: &str| text.parse::<Template>().unwrap().constant();
        assert_eq!(of("a$$b").as_deref(), Some("a$b"));
        assert_eq!(of("").as_deref(), Some(""));
        assert_eq!(of("a${id:-b}"), None);
    }

    proptest! {
        /// Whatever a text is, doubling its `$` makes a template that stands for it.
        #[test]
        fn any_text_can_be_written(text in "\\PC*") {
            let template: Template = text.replace('$', "$$").parse().unwrap();
            prop_assert_eq!(template.constant(), Some(text));
        }

        /// Hostile text is refused, with a place that is in it, or taken and kept as it is.
        #[test]
        fn hostile_text_is_refused_or_kept(text in "[${}:a-z一 -]{0,40}") {
            match text.parse::<Template>() {
                Ok(template) => {
                    let json = serde_json::to_string(&template).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
                }
                Err(error) => {
                    prop_assert!(error.at >= 1 && error.at <= text.chars().count().max(1));
                }
            }
        }

        /// What a variable stands for is never read as a template.
        #[test]
        fn values_are_not_expanded(value in "\\PC*") {
            let tags = values(&[("k", &value)]);
            let none = Values::new();
            let own =
                Own { id: "", name: "", server: "", tags: &tags, given: &none, given_all: &none };
            let template: Template = "<${tag:k}>".parse().unwrap();
            let expanded = template.expand(&own, usize::MAX).unwrap();
            prop_assert_eq!(expanded, format!("<{value}>"));
        }
    }
}

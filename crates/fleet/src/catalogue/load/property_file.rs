//! Files of properties.

use std::collections::HashSet;

use regex_lite::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::super::basic_param;
use super::super::names::{NameForm, is_reserved};
use super::super::property::{Check, Property, Timing, ValueKind};
use super::super::record::record_of;
use super::super::{Catalogue, Source};
use super::{LoadError, Misplaced, PATTERN_BYTES_MAX, PROPERTIES_MAX, Problem, locate, parse};
use crate::device::Kind;

/// A file of properties: of phones, unless it says otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyFile {
    kind: Option<Kind>,
    #[serde(default)]
    property: Vec<PropertyEntry>,
}

/// One `[[property]]` as written; `catalogue/cph.toml` says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyEntry {
    name: Spanned<String>,
    #[serde(default)]
    aliases: Vec<Spanned<String>>,
    kind: ValueKind,
    pattern: Option<Spanned<String>>,
    allows: Option<String>,
    one_of: Option<Vec<String>>,
    chars_max: Option<usize>,
    bytes_max: Option<usize>,
    min: Option<i64>,
    max: Option<i64>,
    default: Option<Spanned<String>>,
    timing: Spanned<Timing>,
    #[serde(default = "yes")]
    updatable: bool,
    #[serde(default)]
    identity: bool,
    #[serde(default)]
    record: bool,
    meaning: String,
    source: String,
}

/// A property may be changed unless its entry says otherwise.
fn yes() -> bool {
    true
}

/// The properties of one file, before they are added to a catalogue.
pub(super) struct Parsed<'a> {
    source: Source<'a>,
    kind: Kind,
    entries: Vec<PropertyEntry>,
}

/// Reads the form of a property file.
pub(super) fn read<'a>(source: &Source<'a>) -> Result<Parsed<'a>, LoadError> {
    let file = parse::<PropertyFile>(source.text).map_err(|at| locate(source, at))?;
    let kind = file.kind.unwrap_or(Kind::Phone);
    Ok(Parsed { source: *source, kind, entries: file.property })
}

impl Parsed<'_> {
    /// The names of its properties, without their aliases, and what sort of device has them.
    pub(super) fn names(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.entries.iter().map(|entry| (self.kind, entry.name.get_ref().as_str()))
    }

    /// Adds its properties to a catalogue, all but those named in `replaced`.
    pub(super) fn add(
        self,
        catalogue: &mut Catalogue,
        replaced: &HashSet<(Kind, String)>,
    ) -> Result<(), LoadError> {
        let Self { source, kind, entries } = self;
        entries
            .into_iter()
            .filter(|entry| !replaced.contains(&(kind, entry.name.get_ref().clone())))
            .try_for_each(|entry| add(catalogue, kind, entry))
            .map_err(|at| locate(&source, at))
    }
}

/// Adds one property.
fn add(catalogue: &mut Catalogue, kind: Kind, entry: PropertyEntry) -> Result<(), Misplaced> {
    let names: Vec<Spanned<String>> =
        std::iter::once(&entry.name).chain(&entry.aliases).cloned().collect();
    let index = catalogue.properties.len();
    if index >= PROPERTIES_MAX {
        return Err((entry.name.span(), Problem::TooMany("properties", PROPERTIES_MAX)));
    }
    // It goes in before its names, so that a name given twice within the entry has an owner.
    catalogue.properties.push(property(kind, entry)?);
    for (position, name) in names.iter().enumerate() {
        let form = property_name(kind, name, position > 0)?;
        if let Some(owner) = catalogue.names.of(kind).same(form) {
            let owner = catalogue.properties.get(*owner);
            let owner = owner.map_or_else(String::new, |owner| owner.name.clone());
            let taken = name.get_ref().clone();
            return Err((name.span(), Problem::Taken { name: taken, owner }));
        }
        catalogue.names.of_mut(kind).insert(form, index);
    }
    Ok(())
}

/// What a property's name or alias stands for.
fn property_name(
    kind: Kind,
    name: &Spanned<String>,
    alias: bool,
) -> Result<NameForm<'_>, Misplaced> {
    let refuse = |problem: fn(String) -> Problem| (name.span(), problem(name.get_ref().clone()));
    let form = match NameForm::parse(name.get_ref()) {
        None | Some(NameForm::Prefix("")) => return Err(refuse(Problem::Name)),
        Some(NameForm::Prefix(_)) if alias => return Err(refuse(Problem::Name)),
        Some(form) => form,
    };
    let (NameForm::Exact(stem) | NameForm::Prefix(stem)) = form;
    if is_reserved(stem) {
        return Err(refuse(Problem::Reserved));
    }
    if kind == Kind::Camera
        && basic_param::is_of_channels(form)
        && form != NameForm::Prefix(basic_param::CHANNEL_PREFIX)
    {
        let problem = "all names that begin with Channel. are those of Channel.*";
        return Err((name.span(), Problem::Fields(problem)));
    }
    Ok(form)
}

/// Makes a property of its entry. Its names are checked by the caller.
fn property(kind: Kind, entry: PropertyEntry) -> Result<Property, Misplaced> {
    check_fields(&entry).map_err(|problem| (entry.name.span(), Problem::Fields(problem)))?;
    let timing = *entry.timing.get_ref();
    if kind == Kind::Camera && timing != Timing::AtOnce {
        let problem = "what a camera is told acts at once: nobody here restarts it";
        return Err((entry.timing.span(), Problem::Fields(problem)));
    }
    // The server itself goes by the names, so that no file can have one of them sent to a camera.
    if entry.record != (kind == Kind::Camera && is_record(entry.name.get_ref())) {
        let problem = "record = true belongs to Desc, Organization, Ip, Port, Manufacturer and \
                       Transport of cameras: to all of these, and to no other";
        return Err((entry.name.span(), Problem::Fields(problem)));
    }
    let (check, mut allows) = check(&entry)?;
    if entry.record {
        allows.push_str(", or nothing: then it is taken off the record");
    }
    let property = Property {
        device_kind: kind,
        name: entry.name.into_inner(),
        aliases: entry.aliases.into_iter().map(Spanned::into_inner).collect(),
        kind: entry.kind,
        allows,
        default: entry.default.as_ref().map(|default| default.get_ref().clone()),
        timing,
        updatable: entry.updatable,
        identity: entry.identity,
        record: entry.record,
        meaning: entry.meaning,
        source: entry.source,
        check,
    };
    match entry.default {
        Some(default) if !property.takes(default.get_ref()) => {
            let allows = property.allows;
            Err((default.span(), Problem::Default { default: default.into_inner(), allows }))
        }
        _ => Ok(property),
    }
}

/// Whether a camera's property of this name is a record of ours.
fn is_record(name: &str) -> bool {
    record_of(name).is_some_and(|record| record.channel.is_none())
}

/// Whether the fields of an entry go together; says what does not.
fn check_fields(entry: &PropertyEntry) -> Result<(), &'static str> {
    let bounds = entry.chars_max.is_some() || entry.bytes_max.is_some();
    let words = entry.pattern.is_some() || entry.allows.is_some();
    let range = entry.min.is_some() || entry.max.is_some();
    if entry.kind != ValueKind::Text && (bounds || words || entry.one_of.is_some()) {
        return Err("pattern, allows, one_of, chars_max and bytes_max are for kind \"text\"");
    }
    if entry.kind != ValueKind::Integer && range {
        return Err("min and max are for kind \"integer\"");
    }
    if entry.min.zip(entry.max).is_some_and(|(min, max)| min > max) {
        return Err("min is greater than max");
    }
    if entry.one_of.is_some() && (bounds || words) {
        return Err("one_of goes with no other check");
    }
    if entry.one_of.as_ref().is_some_and(Vec::is_empty) {
        return Err("one_of allows nothing");
    }
    if entry.kind == ValueKind::Text && entry.one_of.is_none() && !bounds {
        return Err("text needs chars_max, bytes_max or one_of");
    }
    if entry.pattern.is_some() != entry.allows.is_some() {
        return Err("pattern and allows go together");
    }
    Ok(())
}

/// The check of an entry whose fields go together, and what it allows in words.
fn check(entry: &PropertyEntry) -> Result<(Check, String), Misplaced> {
    Ok(match (entry.kind, &entry.one_of) {
        (ValueKind::Bool01, _) => (Check::Bool01, "0 or 1".to_owned()),
        (ValueKind::Integer, _) => {
            let (min, max) = (entry.min.unwrap_or(i64::MIN), entry.max.unwrap_or(i64::MAX));
            (Check::Integer { min, max }, format!("a whole number from {min} to {max}"))
        }
        (ValueKind::Text, Some(values)) => {
            (Check::OneOf(values.clone()), format!("one of {}", values.join(", ")))
        }
        (ValueKind::Text, None) => {
            let pattern = entry.pattern.as_ref().map(whole).transpose()?;
            let bounds = [(entry.chars_max, "characters"), (entry.bytes_max, "bytes")]
                .into_iter()
                .filter_map(|(max, unit)| Some(format!("at most {} {unit}", max?)));
            let bounds = bounds.collect::<Vec<_>>().join(" and ");
            let check = Check::Text {
                chars_max: entry.chars_max.unwrap_or(usize::MAX),
                bytes_max: entry.bytes_max.unwrap_or(usize::MAX),
                pattern,
            };
            (check, entry.allows.clone().unwrap_or(bounds))
        }
    })
}

/// Compiles a pattern so that it must match a whole value.
pub(super) fn whole(pattern: &Spanned<String>) -> Result<Regex, Misplaced> {
    let refuse = |error: regex_lite::Error| (pattern.span(), Problem::Pattern(error.to_string()));
    let compile = |text: &str| RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
    // Alone first: `a)|(b` would be one expression only within the anchors.
    compile(pattern.get_ref()).map_err(refuse)?;
    compile(&format!("^(?:{})$", pattern.get_ref())).map_err(refuse)
}

//! Reading catalogue and profile files. Every rule about them is checked here, so that what is
//! loaded can be used without a further question.

use std::collections::BTreeMap;
use std::ops::Range;

use regex_lite::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::names::{NameForm, Names, is_reserved};
use super::profile::{How, Profile, Restart, Retention, Rule};
use super::property::{Check, Property, Timing, ValueKind};
use super::{Catalogue, Source};

/// Why the files can't be loaded: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct LoadError {
    /// The file, by the name that its [`Source`] gave.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("{0}")]
    Form(String),
    /// This can't be the name of a property.
    #[error("{0:?} is no property name: letters, digits and . _ : @ - only, .* at most at its end")]
    Name(String),
    /// This name is the server's own.
    #[error("{0:?} is reserved for the server itself")]
    Reserved(String),
    /// Another entry has this name or alias.
    #[error("{name:?} is taken by {owner:?}")]
    Taken {
        /// The name.
        name: String,
        /// The property or profile that has it.
        owner: String,
    },
    /// The fields of an entry don't go together.
    #[error("{0}")]
    Fields(&'static str),
    /// The pattern is no regular expression.
    #[error("the pattern is no regular expression: {0}")]
    Pattern(String),
    /// The default would be refused.
    #[error("the default {default:?} is not one of the values allowed: {allows}")]
    Default {
        /// The default.
        default: String,
        /// What is allowed.
        allows: String,
    },
    /// A rule of a profile is for a property that no catalogue file has.
    #[error("no property is called {0:?}")]
    UnknownProperty(String),
}

/// A file of properties.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyFile {
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
    timing: Timing,
    #[serde(default = "yes")]
    updatable: bool,
    meaning: String,
    source: String,
}

/// A property may be changed unless its entry says otherwise.
fn yes() -> bool {
    true
}

/// A file with one profile; `catalogue/profiles/android.toml` says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: Spanned<String>,
    restart: Restart,
    meaning: String,
    #[serde(default)]
    apply: Vec<RuleEntry>,
}

/// One `[[apply]]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    names: Vec<Spanned<String>>,
    how: Spanned<HowWord>,
    reason: Option<String>,
    retention: Option<Retention>,
    timing: Option<Timing>,
}

/// How a rule sets its properties, as written.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HowWord {
    Setprop,
    Unsupported,
}

/// A problem and the bytes of the file that have it.
type Misplaced = (Range<usize>, Problem);

/// Loads property files, then profile files; the first problem ends it.
pub(super) fn load(
    properties: &[Source<'_>],
    profiles: &[Source<'_>],
) -> Result<Catalogue, LoadError> {
    let mut catalogue =
        Catalogue { properties: Vec::new(), names: Names::new(), profiles: BTreeMap::new() };
    for source in properties {
        add_properties(&mut catalogue, source.text).map_err(|at| locate(source, at))?;
    }
    for source in profiles {
        add_profile(&mut catalogue, source.text).map_err(|at| locate(source, at))?;
    }
    Ok(catalogue)
}

/// Turns the bytes of a problem into line and column.
fn locate(source: &Source<'_>, (span, problem): Misplaced) -> LoadError {
    let before = source.text.get(..span.start).unwrap_or(source.text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LoadError {
        file: source.name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        problem,
    }
}

/// Reads a file's text into its form.
fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Misplaced> {
    toml::from_str(text).map_err(|error| {
        (error.span().unwrap_or(0..0), Problem::Form(error.message().trim_end().to_owned()))
    })
}

/// Adds all properties of one file.
fn add_properties(catalogue: &mut Catalogue, text: &str) -> Result<(), Misplaced> {
    for entry in parse::<PropertyFile>(text)?.property {
        let names: Vec<Spanned<String>> =
            std::iter::once(&entry.name).chain(&entry.aliases).cloned().collect();
        let index = catalogue.properties.len();
        // It goes in before its names, so that a name given twice within the entry has an owner.
        catalogue.properties.push(property(entry)?);
        for (position, name) in names.iter().enumerate() {
            let form = property_name(name, position > 0)?;
            if let Some(owner) = catalogue.names.same(form) {
                let owner = catalogue.properties.get(*owner);
                let owner = owner.map_or_else(String::new, |owner| owner.name.clone());
                let taken = name.get_ref().clone();
                return Err((name.span(), Problem::Taken { name: taken, owner }));
            }
            catalogue.names.insert(form, index);
        }
    }
    Ok(())
}

/// What a property's name or alias stands for.
fn property_name(name: &Spanned<String>, alias: bool) -> Result<NameForm<'_>, Misplaced> {
    let refuse = |problem: fn(String) -> Problem| (name.span(), problem(name.get_ref().clone()));
    let form = match NameForm::parse(name.get_ref()) {
        None | Some(NameForm::Prefix("")) => return Err(refuse(Problem::Name)),
        Some(NameForm::Prefix(_)) if alias => return Err(refuse(Problem::Name)),
        Some(form) => form,
    };
    let (NameForm::Exact(stem) | NameForm::Prefix(stem)) = form;
    if is_reserved(stem) { Err(refuse(Problem::Reserved)) } else { Ok(form) }
}

/// Makes a property of its entry. Its names are checked by the caller.
fn property(entry: PropertyEntry) -> Result<Property, Misplaced> {
    check_fields(&entry).map_err(|problem| (entry.name.span(), Problem::Fields(problem)))?;
    let (check, allows) = check(&entry)?;
    let property = Property {
        name: entry.name.into_inner(),
        aliases: entry.aliases.into_iter().map(Spanned::into_inner).collect(),
        kind: entry.kind,
        allows,
        default: entry.default.as_ref().map(|default| default.get_ref().clone()),
        timing: entry.timing,
        updatable: entry.updatable,
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
fn whole(pattern: &Spanned<String>) -> Result<Regex, Misplaced> {
    let refuse = |error: regex_lite::Error| (pattern.span(), Problem::Pattern(error.to_string()));
    // Alone first: `a)|(b` would be one expression only within the anchors.
    Regex::new(pattern.get_ref()).map_err(refuse)?;
    Regex::new(&format!("^(?:{})$", pattern.get_ref())).map_err(refuse)
}

/// Adds the profile of one file. All properties are known by now.
fn add_profile(catalogue: &mut Catalogue, text: &str) -> Result<(), Misplaced> {
    let file = parse::<ProfileFile>(text)?;
    if catalogue.profiles.contains_key(file.name.get_ref()) {
        let name = file.name.get_ref().clone();
        return Err((file.name.span(), Problem::Taken { owner: name.clone(), name }));
    }
    let mut rules = Names::new();
    for entry in file.apply {
        let rule = rule(&entry)?;
        for name in &entry.names {
            let form = rule_name(catalogue, name)?;
            if rules.same(form).is_some() {
                let (name, span) = (name.get_ref().clone(), name.span());
                let owner = file.name.get_ref().clone();
                return Err((span, Problem::Taken { name, owner }));
            }
            rules.insert(form, rule.clone());
        }
    }
    let name = file.name.into_inner();
    let profile =
        Profile { name: name.clone(), restart: file.restart, meaning: file.meaning, rules };
    catalogue.profiles.insert(name, profile);
    Ok(())
}

/// What a rule's name stands for: a property under its canonical name, or a prefix that some
/// property has.
fn rule_name<'a>(
    catalogue: &Catalogue,
    name: &'a Spanned<String>,
) -> Result<NameForm<'a>, Misplaced> {
    let refuse = |problem: fn(String) -> Problem| (name.span(), problem(name.get_ref().clone()));
    let form = NameForm::parse(name.get_ref()).ok_or_else(|| refuse(Problem::Name))?;
    let known = match form {
        NameForm::Exact(text) => {
            catalogue.find(text).is_some_and(|(_, canonical)| canonical == text)
        }
        NameForm::Prefix("") => true,
        NameForm::Prefix(_) => catalogue.names.meets(form),
    };
    if known { Ok(form) } else { Err(refuse(Problem::UnknownProperty)) }
}

/// Makes a rule of its entry.
fn rule(entry: &RuleEntry) -> Result<Rule, Misplaced> {
    let how = match (*entry.how.get_ref(), &entry.reason) {
        (HowWord::Setprop, None) => How::Setprop,
        (HowWord::Unsupported, Some(reason)) => How::Unsupported(reason.clone()),
        (HowWord::Setprop, Some(_)) | (HowWord::Unsupported, None) => {
            let problem = "a rule has a reason if, and only if, it is \"unsupported\"";
            return Err((entry.how.span(), Problem::Fields(problem)));
        }
    };
    Ok(Rule { how, retention: entry.retention, timing: entry.timing })
}

#[cfg(test)]
mod tests;

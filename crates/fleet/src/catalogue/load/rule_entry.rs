//! The rules of a profile, as written.

use serde::Deserialize;
use toml::Spanned;

use super::super::names::{NameForm, is_legal, is_reserved};
use super::super::profile::Retention;
use super::super::property::Timing;
use super::super::rule::{How, Narrow, Rule};
use super::argv::{self, Argv};
use super::property_file::whole;
use super::{Misplaced, Problem};
use crate::device::Kind;

/// One `[[apply]]`; `catalogue/profiles/android.toml` says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    pub(super) names: Vec<Spanned<String>>,
    how: Spanned<HowWord>,
    reason: Option<String>,
    property: Option<Spanned<String>>,
    namespace: Option<Namespace>,
    key: Option<Spanned<String>>,
    set: Option<Argv>,
    get: Option<Argv>,
    path: Option<Spanned<String>>,
    argument: Option<Spanned<String>>,
    retention: Option<Spanned<Retention>>,
    timing: Option<Spanned<Timing>>,
    effect: Option<Argv>,
    pattern: Option<Spanned<String>>,
    allows: Option<String>,
    note: Option<String>,
}

/// How a rule sets its properties.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HowWord {
    Setprop,
    SetpropOncePerBoot,
    Settings,
    Command,
    File,
    StartArgs,
    BasicParam,
    Stored,
    Unsupported,
}

/// Where a setting is kept.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Namespace {
    System,
    Secure,
    Global,
}

impl RuleEntry {
    /// Whether what it says depends on the name that it is for.
    pub(super) fn expands(&self) -> bool {
        let texts = [&self.property, &self.key, &self.path, &self.argument];
        let texts = texts.into_iter().flatten().map(Spanned::get_ref);
        let argvs = [&self.set, &self.get, &self.effect].into_iter().flatten();
        let arguments = argvs.flat_map(|argv| argv.get_ref().iter().map(Spanned::get_ref));
        argv::has(texts.chain(arguments), "name")
    }

    /// Makes the rule for one of its names, for that sort of device.
    pub(super) fn rule(&self, kind: Kind, name: NameForm<'_>) -> Result<Rule, Misplaced> {
        self.check_kind(kind)?;
        self.check_fields().map_err(|problem| (self.how.span(), Problem::Fields(problem)))?;
        let name = match name {
            NameForm::Exact(name) => Some(name),
            NameForm::Prefix(_) => None,
        };
        let how = self.how(name)?;
        self.check_place(&how, name)?;
        self.check_retention()?;
        let narrow = match (&self.pattern, &self.allows) {
            (Some(pattern), Some(allows)) => {
                Some(Narrow { pattern: whole(pattern)?, allows: allows.clone() })
            }
            _ => None,
        };
        Ok(Rule {
            how,
            retention: self.retention.as_ref().map(|retention| *retention.get_ref()),
            timing: self.timing.as_ref().map(|timing| *timing.get_ref()),
            effect: expand_argv(&self.effect, argv::VALUE, name)?,
            narrow,
            note: self.note.clone(),
        })
    }

    /// Whether it is by BasicParam.
    pub(super) fn is_basic_param(&self) -> bool {
        *self.how.get_ref() == HowWord::BasicParam
    }

    /// Whether that sort of device can be spoken to in this way.
    fn check_kind(&self, kind: Kind) -> Result<(), Misplaced> {
        use HowWord::{BasicParam, Stored, Unsupported};
        let refuse = |span, problem| Err((span, Problem::Fields(problem)));
        match (kind, *self.how.get_ref()) {
            (Kind::Phone, BasicParam) => {
                return refuse(self.how.span(), "\"basic-param\" is for cameras");
            }
            (Kind::Phone, _) => return Ok(()),
            (Kind::Camera, BasicParam | Stored | Unsupported) => {}
            (Kind::Camera, _) => {
                let problem = "this is for phones; a camera has \"basic-param\", \"stored\" and \
                               \"unsupported\"";
                return refuse(self.how.span(), problem);
            }
        }
        if let Some(timing) = &self.timing {
            return refuse(timing.span(), "timing is for phones: a camera acts at once");
        }
        if let Some(effect) = &self.effect {
            return refuse(effect.span(), "effect is for phones: it is a program on one");
        }
        match &self.retention {
            Some(retention) if self.is_basic_param() => {
                refuse(retention.span(), "retention is for phones: a camera keeps what it is told")
            }
            _ => Ok(()),
        }
    }

    /// Whether the fields go together; says what does not.
    fn check_fields(&self) -> Result<(), &'static str> {
        use HowWord::{
            Command, File, Setprop, SetpropOncePerBoot, Settings, StartArgs, Unsupported,
        };
        let how = *self.how.get_ref();
        if self.reason.is_some() != (how == Unsupported) {
            return Err("a rule has a reason if, and only if, it is \"unsupported\"");
        }
        if self.property.is_some() && !matches!(how, Setprop | SetpropOncePerBoot | StartArgs) {
            return Err(
                "property is for \"setprop\", \"setprop-once-per-boot\" and \"start-args\"",
            );
        }
        if [self.namespace.is_some(), self.key.is_some()] != [how == Settings; 2] {
            return Err("namespace and key belong to \"settings\", which needs both");
        }
        if self.set.is_some() != (how == Command) || self.get.is_some() && how != Command {
            return Err("set and get belong to \"command\", which needs set");
        }
        if self.path.is_some() != (how == File) {
            return Err("path belongs to \"file\", which needs it");
        }
        if self.argument.is_some() != (how == StartArgs) {
            return Err("argument belongs to \"start-args\", which needs it");
        }
        let more = self.retention.is_some() || self.timing.is_some() || self.effect.is_some();
        if how == Unsupported && (more || self.pattern.is_some()) {
            return Err("an \"unsupported\" rule has names and a reason only");
        }
        if self.pattern.is_some() != self.allows.is_some() {
            return Err("pattern and allows go together");
        }
        Ok(())
    }

    /// How the property `name` (none for a prefix) is set.
    fn how(&self, name: Option<&str>) -> Result<How, Misplaced> {
        let property = match &self.property {
            None => None,
            Some(property) => Some(device_name(property, name)?),
        };
        let text = |text: &Option<Spanned<String>>, known| match text {
            None => Ok(String::new()),
            Some(text) => {
                argv::text(text, known)?;
                Ok(expand(text.get_ref(), name))
            }
        };
        Ok(match self.how.get_ref() {
            HowWord::Setprop => How::Setprop { property },
            HowWord::SetpropOncePerBoot => How::SetpropOncePerBoot { property },
            HowWord::Settings => {
                let namespace = match self.namespace {
                    Some(Namespace::System) => "system",
                    Some(Namespace::Secure) => "secure",
                    Some(Namespace::Global) | None => "global",
                };
                How::Settings { namespace, key: text(&self.key, argv::NAME)? }
            }
            HowWord::Command => How::Command {
                set: with_value(&self.set, expand_argv(&self.set, argv::VALUE, name)?)?,
                get: expand_argv(&self.get, argv::NAME, name)?,
            },
            HowWord::File => {
                let path = text(&self.path, argv::NAME)?;
                match &self.path {
                    Some(written) if !path.starts_with('/') => {
                        return Err((written.span(), Problem::Fields("a path begins with /")));
                    }
                    _ => How::File { path },
                }
            }
            HowWord::StartArgs => {
                let argument = text(&self.argument, argv::VALUE)?;
                match &self.argument {
                    Some(written) if !argv::has([&argument], "value") => {
                        return Err((written.span(), NO_VALUE));
                    }
                    _ => How::StartArgument { property, argument },
                }
            }
            HowWord::BasicParam => How::BasicParam,
            HowWord::Stored => How::Stored,
            HowWord::Unsupported => How::Unsupported(self.reason.clone().unwrap_or_default()),
        })
    }

    /// Whether two of the rule's names would be set in one place.
    fn check_place(&self, how: &How, name: Option<&str>) -> Result<(), Misplaced> {
        let one_place = match how {
            How::Setprop { property } | How::SetpropOncePerBoot { property } => property.is_some(),
            How::Settings { .. }
            | How::Command { .. }
            | How::File { .. }
            | How::StartArgument { .. } => true,
            How::BasicParam | How::Stored | How::Unsupported(_) => false,
        };
        let expands = self.expands();
        if one_place && !expands && (self.names.len() > 1 || name.is_none()) {
            let problem = "this names one place for several properties: put {name} into it, or \
                           give the rule one name";
            return Err((argv::span_of(&self.names), Problem::Fields(problem)));
        }
        if expands && name.is_none() {
            let problem = "a prefix has no one name that {name} could stand for";
            return Err((argv::span_of(&self.names), Problem::Fields(problem)));
        }
        Ok(())
    }

    /// Whether the retention is one that this way of setting can have.
    fn check_retention(&self) -> Result<(), Misplaced> {
        let Some(retention) = &self.retention else { return Ok(()) };
        let how = *self.how.get_ref();
        let own = match retention.get_ref() {
            Retention::Record => how == HowWord::Stored,
            Retention::StartArgs => how == HowWord::StartArgs,
            Retention::Data | Retention::Boot => {
                !matches!(how, HowWord::Stored | HowWord::StartArgs)
            }
        };
        if own {
            return Ok(());
        }
        let problem = "retention \"record\" is that of \"stored\", \"start-args\" that of \
                       \"start-args\", and neither has another";
        Err((retention.span(), Problem::Fields(problem)))
    }
}

/// What is wrong with a text that should carry the value.
const NO_VALUE: Problem = Problem::Fields("{value} must stand in it, for the value to be set");

/// The device's own name for the property `name`, as a rule gives it.
fn device_name(written: &Spanned<String>, name: Option<&str>) -> Result<String, Misplaced> {
    argv::text(written, argv::NAME)?;
    let own = expand(written.get_ref(), name);
    // Under a prefix, {name} still stands in it, which is refused with the rule's names.
    let legal = is_legal(&own) || name.is_none() && argv::has([&own], "name");
    if !legal {
        return Err((written.span(), Problem::Name(own)));
    }
    if is_reserved(&own) {
        return Err((written.span(), Problem::Reserved(own)));
    }
    Ok(own)
}

/// `text` with the property's name in it; a prefix has none to put there.
fn expand(text: &str, name: Option<&str>) -> String {
    name.map_or_else(|| text.to_owned(), |name| text.replace("{name}", name))
}

/// A program and its arguments with the property's name in them; empty if there is none.
fn expand_argv(
    written: &Option<Argv>,
    known: &'static [&'static str],
    name: Option<&str>,
) -> Result<Vec<String>, Misplaced> {
    let Some(written) = written else { return Ok(Vec::new()) };
    Ok(argv::argv(written, known)?.iter().map(|text| expand(text, name)).collect())
}

/// `set`, if the value has a place in it.
fn with_value(written: &Option<Argv>, set: Vec<String>) -> Result<Vec<String>, Misplaced> {
    match written {
        Some(written) if !argv::has(&set, "value") => Err((written.span(), NO_VALUE)),
        _ => Ok(set),
    }
}

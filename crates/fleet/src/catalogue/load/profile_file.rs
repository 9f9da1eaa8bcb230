//! Files with one profile each.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::super::Catalogue;
use super::super::names::{NameForm, Names};
use super::super::profile::{Commands, FactoryReset, Privilege, Profile, Restart};
use super::super::rule::Rule;
use super::argv::{self, Argv};
use super::rule_entry::RuleEntry;
use super::{Misplaced, PROFILES_MAX, Problem, RULES_MAX, parse};

/// A profile as written; `catalogue/profiles/android.toml` says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: Spanned<String>,
    base: Option<Spanned<String>>,
    restart: Option<Spanned<Restart>>,
    factory_reset: Option<Spanned<FactoryReset>>,
    privilege: Option<Privilege>,
    meaning: Option<String>,
    #[serde(default)]
    commands: CommandEntries,
    #[serde(default)]
    apply: Vec<RuleEntry>,
}

/// `[commands]` as written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CommandEntries {
    restart: Option<Argv>,
    start: Option<Argv>,
    stop: Option<Argv>,
    factory_reset: Option<Argv>,
}

/// Adds the profile of one file. All properties are known by now. `names` are those of the profiles
/// that came from the same hand: none of them may come twice.
pub(super) fn add(
    catalogue: &mut Catalogue,
    names: &mut HashSet<String>,
    text: &str,
) -> Result<(), Misplaced> {
    let file = parse::<ProfileFile>(text)?;
    let name = file.name.get_ref().clone();
    if name.is_empty() || name.len() > crate::limits::NAME_BYTES_MAX {
        return Err((file.name.span(), Problem::Fields("a profile's name has 1 to 256 bytes")));
    }
    if !names.insert(name.clone()) {
        return Err((file.name.span(), Problem::Taken { owner: name.clone(), name }));
    }
    if catalogue.profiles.len() >= PROFILES_MAX && !catalogue.profiles.contains_key(&name) {
        return Err((file.name.span(), Problem::TooMany("profiles", PROFILES_MAX)));
    }
    let base = match &file.base {
        None => None,
        Some(base) => match catalogue.profiles.get(base.get_ref()) {
            Some(known) => Some(known),
            None => return Err((base.span(), Problem::UnknownProfile(base.get_ref().clone()))),
        },
    };
    let profile = profile(catalogue, base, file)?;
    catalogue.profiles.insert(name, profile);
    Ok(())
}

/// Makes a profile of its file and the one that it is based on.
fn profile(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    file: ProfileFile,
) -> Result<Profile, Misplaced> {
    let missing = |field: &str| {
        (
            file.name.span(),
            Problem::Form(format!("missing field `{field}`, and no base to have it")),
        )
    };
    let restart = file.restart.as_ref().map(|restart| *restart.get_ref());
    let restart = restart.or_else(|| base.map(|base| base.restart));
    let restart = restart.ok_or_else(|| missing("restart"))?;
    let reset = file.factory_reset.as_ref().map(|reset| *reset.get_ref());
    let reset = reset.or_else(|| base.map(|base| base.factory_reset));
    let privilege = file.privilege.or_else(|| base.map(|base| base.privilege));
    let factory_reset = reset.unwrap_or(FactoryReset::None);
    let meaning = file.meaning.clone().or_else(|| base.map(|base| base.meaning.clone()));
    let meaning = meaning.ok_or_else(|| missing("meaning"))?;

    let commands = commands(file.commands, base.map(|base| &base.commands))?;
    if restart == Restart::Command && commands.restart.is_none() {
        let span = file.restart.map_or_else(|| file.name.span(), |restart| restart.span());
        return Err((span, Problem::Fields("\"command\" needs restart under [commands]")));
    }
    if factory_reset == FactoryReset::Command && commands.factory_reset.is_none() {
        let span = file.factory_reset.map_or_else(|| file.name.span(), |reset| reset.span());
        return Err((span, Problem::Fields("\"command\" needs factory_reset under [commands]")));
    }
    let rules = rules(catalogue, base, file.name.get_ref(), &file.apply)?;
    Ok(Profile {
        name: file.name.into_inner(),
        restart,
        factory_reset,
        privilege: privilege.unwrap_or(Privilege::None),
        commands,
        meaning,
        rules,
    })
}

/// The operator's commands; each that is not given is the base's.
fn commands(own: CommandEntries, base: Option<&Commands>) -> Result<Commands, Misplaced> {
    let one = |own: Option<Argv>, base: Option<&Option<Vec<String>>>| match own {
        Some(own) => argv::argv(&own, argv::RECORD).map(Some),
        None => Ok(base.cloned().flatten()),
    };
    Ok(Commands {
        restart: one(own.restart, base.map(|base| &base.restart))?,
        start: one(own.start, base.map(|base| &base.start))?,
        stop: one(own.stop, base.map(|base| &base.stop))?,
        factory_reset: one(own.factory_reset, base.map(|base| &base.factory_reset))?,
    })
}

/// The rules of the profile `profile`: its own, and the base's for names that it has none for.
fn rules(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    profile: &str,
    entries: &[RuleEntry],
) -> Result<Names<Arc<Rule>>, Misplaced> {
    let mut rules = Names::new();
    for entry in entries {
        let mut shared: Option<Arc<Rule>> = None;
        for name in &entry.names {
            let form = rule_name(catalogue, name)?;
            if rules.same(form).is_some() {
                let (name, span) = (name.get_ref().clone(), name.span());
                return Err((span, Problem::Taken { name, owner: profile.to_owned() }));
            }
            if rules.len() >= RULES_MAX {
                let problem = Problem::TooMany("names in the rules of a profile", RULES_MAX);
                return Err((name.span(), problem));
            }
            let rule = match (&shared, entry.expands()) {
                (Some(rule), false) => rule.clone(),
                _ => Arc::new(entry.rule(form)?),
            };
            rules.insert(form, shared.insert(rule).clone());
        }
    }
    if let Some(base) = base {
        rules.extend_from(&base.rules);
    }
    Ok(rules)
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

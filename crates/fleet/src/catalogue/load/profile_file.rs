//! Files with one profile each.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::super::Catalogue;
use super::super::basic_param;
use super::super::names::{NameForm, Names};
use super::super::profile::{Commands, FactoryReset, Privilege, Profile, Restart};
use super::super::record::record_of;
use super::super::rule::Rule;
use super::argv::{self, Argv};
use super::gb_table::{self, GbTable};
use super::rule_entry::RuleEntry;
use super::{Misplaced, PROFILES_MAX, Problem, RULES_MAX, parse};
use crate::device::Kind;

/// A profile as written; `catalogue/profiles/android.toml` and `generic.toml` say what the fields
/// mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: Spanned<String>,
    kind: Option<Spanned<Kind>>,
    base: Option<Spanned<String>>,
    restart: Option<Spanned<Restart>>,
    factory_reset: Option<Spanned<FactoryReset>>,
    privilege: Option<Spanned<Privilege>>,
    meaning: Option<String>,
    commands: Option<Spanned<CommandEntries>>,
    gb: Option<Spanned<GbTable>>,
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
    let kind = kind(catalogue, base, &file)?;
    let profile = match kind {
        Kind::Phone => phone(catalogue, base, file)?,
        Kind::Camera => camera(catalogue, base, file)?,
    };
    catalogue.profiles.insert(name, profile);
    Ok(())
}

/// What sort of device a file's profile is for: what it says, else what its base is for, else
/// phones. A base and a profile whose place it takes are for the same sort.
fn kind(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    file: &ProfileFile,
) -> Result<Kind, Misplaced> {
    let inherited = base.map(|base| base.kind);
    let own = file.kind.as_ref().map(|kind| *kind.get_ref());
    let kind = own.or(inherited).unwrap_or(Kind::Phone);
    if let (Some(written), true) = (&file.kind, inherited.is_some_and(|base| base != kind)) {
        return Err((written.span(), Problem::Fields("the base is for the other kind of device")));
    }
    if catalogue.profiles.get(file.name.get_ref()).is_some_and(|replaced| replaced.kind != kind) {
        let problem = "a profile of this name is there for the other kind of device";
        return Err((file.name.span(), Problem::Fields(problem)));
    }
    Ok(kind)
}

/// What is wrong with a file that does not say `field` and has no base that does.
fn missing(file: &ProfileFile, field: &str) -> Misplaced {
    let problem = format!("missing field `{field}`, and no base to have it");
    (file.name.span(), Problem::Form(problem))
}

/// What a profile is for: by its own words, or by its base's.
fn meaning(base: Option<&Profile>, file: &ProfileFile) -> Result<String, Misplaced> {
    let meaning = file.meaning.clone().or_else(|| base.map(|base| base.meaning.clone()));
    meaning.ok_or_else(|| missing(file, "meaning"))
}

/// Makes a camera's profile of its file and the one that it is based on.
fn camera(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    file: ProfileFile,
) -> Result<Profile, Misplaced> {
    let of_phones = [
        file.restart.as_ref().map(Spanned::span),
        file.factory_reset.as_ref().map(Spanned::span),
        file.privilege.as_ref().map(Spanned::span),
        file.commands.as_ref().map(Spanned::span),
    ];
    if let Some(span) = of_phones.into_iter().flatten().min_by_key(|span| span.start) {
        let problem = "restart, factory_reset, privilege and commands are for phones";
        return Err((span, Problem::Fields(problem)));
    }
    let meaning = meaning(base, &file)?;
    let gb = gb_table::gb(catalogue, base, &file.name, file.gb.as_ref())?;
    let mut rules = rules(catalogue, Kind::Camera, file.name.get_ref(), &file.apply)?;
    rules.insert(
        NameForm::Prefix(basic_param::CHANNEL_PREFIX),
        Arc::new(gb_table::channel_rule(gb.channel_names)),
    );
    if let Some(base) = base {
        rules.extend_from(&base.rules);
    }
    Ok(Profile {
        name: file.name.into_inner(),
        kind: Kind::Camera,
        restart: Restart::None,
        factory_reset: FactoryReset::None,
        privilege: Privilege::None,
        commands: Commands::default(),
        gb: Some(gb),
        meaning,
        rules,
    })
}

/// Makes a phone's profile of its file and the one that it is based on.
fn phone(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    file: ProfileFile,
) -> Result<Profile, Misplaced> {
    if let Some(gb) = &file.gb {
        return Err((gb.span(), Problem::Fields("[gb] is for cameras: say kind = \"camera\"")));
    }
    let restart = file.restart.as_ref().map(|restart| *restart.get_ref());
    let restart = restart.or_else(|| base.map(|base| base.restart));
    let restart = restart.ok_or_else(|| missing(&file, "restart"))?;
    let reset = file.factory_reset.as_ref().map(|reset| *reset.get_ref());
    let reset = reset.or_else(|| base.map(|base| base.factory_reset));
    let privilege = file.privilege.as_ref().map(|privilege| *privilege.get_ref());
    let privilege = privilege.or_else(|| base.map(|base| base.privilege));
    let factory_reset = reset.unwrap_or(FactoryReset::None);
    let meaning = meaning(base, &file)?;

    let own = file.commands.map(Spanned::into_inner).unwrap_or_default();
    let commands = commands(own, base.map(|base| &base.commands))?;
    if restart == Restart::Command && commands.restart.is_none() {
        let span = file.restart.map_or_else(|| file.name.span(), |restart| restart.span());
        return Err((span, Problem::Fields("\"command\" needs restart under [commands]")));
    }
    if factory_reset == FactoryReset::Command && commands.factory_reset.is_none() {
        let span = file.factory_reset.map_or_else(|| file.name.span(), |reset| reset.span());
        return Err((span, Problem::Fields("\"command\" needs factory_reset under [commands]")));
    }
    let mut rules = rules(catalogue, Kind::Phone, file.name.get_ref(), &file.apply)?;
    if let Some(base) = base {
        rules.extend_from(&base.rules);
    }
    Ok(Profile {
        name: file.name.into_inner(),
        kind: Kind::Phone,
        restart,
        factory_reset,
        privilege: privilege.unwrap_or(Privilege::None),
        commands,
        gb: None,
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

/// The rules that the profile `profile`, for that sort of device, has of its own.
fn rules(
    catalogue: &Catalogue,
    kind: Kind,
    profile: &str,
    entries: &[RuleEntry],
) -> Result<Names<Arc<Rule>>, Misplaced> {
    let mut rules = Names::new();
    for entry in entries {
        let mut shared: Option<Arc<Rule>> = None;
        for name in &entry.names {
            let form = rule_name(catalogue, kind, name)?;
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
                _ => Arc::new(entry.rule(kind, form)?),
            };
            if entry.is_basic_param() && !basic_param::has(form) {
                let problem = "BasicParam has Name, Expiration, HeartBeatInterval and \
                               HeartBeatCount only";
                return Err((name.span(), Problem::Fields(problem)));
            }
            rules.insert(form, shared.insert(rule).clone());
        }
    }
    Ok(rules)
}

/// What a rule's name stands for: a property of that sort of device under its canonical name, or a
/// prefix that some such property has.
fn rule_name<'a>(
    catalogue: &Catalogue,
    kind: Kind,
    name: &'a Spanned<String>,
) -> Result<NameForm<'a>, Misplaced> {
    let form = NameForm::parse(name.get_ref());
    let form = form.ok_or_else(|| (name.span(), Problem::Name(name.get_ref().clone())))?;
    if kind == Kind::Camera && basic_param::is_of_channels(form) {
        let problem = "channel_names under [gb] says how channels are named";
        return Err((name.span(), Problem::Fields(problem)));
    }
    if kind == Kind::Camera && record_of(name.get_ref()).is_some() {
        let problem = "it is a record of ours with every make: no rule sets it";
        return Err((name.span(), Problem::Fields(problem)));
    }
    let known = match form {
        NameForm::Exact(text) => {
            catalogue.find(kind, text).is_some_and(|(_, canonical)| canonical == text)
        }
        NameForm::Prefix("") => true,
        NameForm::Prefix(_) => catalogue.names.of(kind).meets(form),
    };
    if known {
        return Ok(form);
    }
    Err((name.span(), Problem::UnknownProperty { kind, name: name.get_ref().clone() }))
}

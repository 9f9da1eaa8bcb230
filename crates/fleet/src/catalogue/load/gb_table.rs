//! `[gb]` of a camera's profile: how such a GB device is spoken to.

use serde::Deserialize;
use toml::Spanned;

use super::super::Catalogue;
use super::super::profile::{GbProfile, GbShape, Profile};
use super::super::rule::{How, Rule};
use super::{Misplaced, Problem};

/// Texts by which one profile is known.
const MANUFACTURERS_MAX: usize = 32;
/// Bytes of one such text.
const MANUFACTURER_BYTES_MAX: usize = 64;

/// `[gb]` as written; `catalogue/profiles/generic.toml` says what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GbTable {
    shape: Option<GbShape>,
    channel_names: Option<bool>,
    manufacturers: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What the profile `name` says of GB devices: its own table, and what its base says where that
/// says nothing. The base's manufacturers it has only where it takes the base's place: of two
/// profiles none knows which one a manufacturer means.
pub(super) fn gb(
    catalogue: &Catalogue,
    base: Option<&Profile>,
    name: &Spanned<String>,
    own: Option<&Spanned<GbTable>>,
) -> Result<GbProfile, Misplaced> {
    let base_gb = base.and_then(|base| base.gb.as_ref());
    let own_table = own.map(Spanned::get_ref);
    let missing = |field: &str| {
        let span = own.map_or_else(|| name.span(), Spanned::span);
        let problem = format!("missing field `{field}` under [gb], and no base to have it");
        (span, Problem::Form(problem))
    };
    let shape = own_table.and_then(|own| own.shape).or_else(|| base_gb.map(|base| base.shape));
    let channel_names = own_table.and_then(|own| own.channel_names);
    let channel_names = channel_names.or_else(|| base_gb.map(|base| base.channel_names));
    let manufacturers = match own_table.and_then(|own| own.manufacturers.as_ref()) {
        Some(written) => manufacturers(catalogue, name.get_ref(), written)?,
        None => {
            let replaced = base.filter(|base| base.name == *name.get_ref());
            let replaced = replaced.and_then(|base| base.gb.as_ref());
            replaced.map_or_else(Vec::new, |base| base.manufacturers.clone())
        }
    };
    Ok(GbProfile {
        shape: shape.ok_or_else(|| missing("shape"))?,
        channel_names: channel_names.ok_or_else(|| missing("channel_names"))?,
        manufacturers,
    })
}

/// The texts by which the profile `profile` is known, in lower case. None of them is another's.
fn manufacturers(
    catalogue: &Catalogue,
    profile: &str,
    written: &Spanned<Vec<Spanned<String>>>,
) -> Result<Vec<String>, Misplaced> {
    if written.get_ref().len() > MANUFACTURERS_MAX {
        let problem = Problem::TooMany("manufacturers of a profile", MANUFACTURERS_MAX);
        return Err((written.span(), problem));
    }
    let mut texts: Vec<String> = Vec::new();
    for text in written.get_ref() {
        let lower = text.get_ref().to_lowercase();
        if lower.trim().is_empty() || lower.len() > MANUFACTURER_BYTES_MAX {
            let problem = "a manufacturer is a text of 1 to 64 bytes";
            return Err((text.span(), Problem::Fields(problem)));
        }
        let mut others = catalogue.profiles().filter(|other| other.name != profile);
        let other = others
            .find(|other| other.gb.as_ref().is_some_and(|gb| gb.manufacturers.contains(&lower)));
        let owner = other.map(|other| other.name.as_str());
        if let Some(owner) = owner.or_else(|| texts.contains(&lower).then_some(profile)) {
            let (name, owner) = (text.get_ref().clone(), owner.to_owned());
            return Err((text.span(), Problem::Taken { name, owner }));
        }
        texts.push(lower);
    }
    Ok(texts)
}

/// How the names of channels are set on a make that takes a channel's configuration, or does not.
pub(super) fn channel_rule(channel_names: bool) -> Rule {
    if channel_names {
        Rule::plain(How::BasicParam, None)
    } else {
        Rule::plain(How::Stored, Some("this make takes no configuration for a channel"))
    }
}

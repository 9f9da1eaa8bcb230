//! The catalogue: what is known of each property, and how each make of device takes it.
//!
//! It is data. The texts of the files come in, are checked whole by [`Catalogue::load`], and answer
//! two questions from then on: may this value be asked for ([`Catalogue::check`]), and how does a
//! device take it ([`Catalogue::route`]). Neither allocates unless it refuses.

mod load;
mod names;
mod profile;
mod property;

use std::collections::BTreeMap;

pub use load::{LoadError, Problem};
pub use profile::{Profile, Restart, Retention, Route, SETPROP_VALUE_BYTES_MAX, SetBy};
pub use property::{Property, Timing, ValueKind};

use crate::limits::PROPERTY_NAME_BYTES_MAX;
use crate::refusal::Refusal;
use names::Names;

/// The text of a catalogue or profile file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's name, for error messages.
    pub name: &'a str,
    /// Its content: TOML.
    pub text: &'a str,
}

/// The property files that are part of the product.
const BUILT_IN_PROPERTIES: &[Source<'static>] =
    &[Source { name: "catalogue/cph.toml", text: include_str!("../../../../catalogue/cph.toml") }];

/// The profile files that are part of the product.
const BUILT_IN_PROFILES: &[Source<'static>] = &[
    Source {
        name: "catalogue/profiles/android.toml",
        text: include_str!("../../../../catalogue/profiles/android.toml"),
    },
    Source {
        name: "catalogue/profiles/simulated.toml",
        text: include_str!("../../../../catalogue/profiles/simulated.toml"),
    },
];

/// All properties and profiles.
#[derive(Debug)]
pub struct Catalogue {
    /// The properties, in the order of the files.
    properties: Vec<Property>,
    /// Where in `properties` a name, an alias or a prefix is found.
    names: Names<usize>,
    /// The profiles by name.
    profiles: BTreeMap<String, Profile>,
}

impl Catalogue {
    /// Loads property files and profile files. All their rules are checked; the first problem is
    /// the error, with its file and line.
    pub fn load(properties: &[Source<'_>], profiles: &[Source<'_>]) -> Result<Self, LoadError> {
        load::load(properties, profiles)
    }

    /// Loads the files that are part of the product.
    pub fn built_in() -> Result<Self, LoadError> {
        Self::load(BUILT_IN_PROPERTIES, BUILT_IN_PROFILES)
    }

    /// Checks one value, as text, for a device of `profile`, and gives the name to store it under.
    ///
    /// # Errors
    ///
    /// [`Refusal::PropertyUnsupported`] if there is no such property, or it may not be changed, or
    /// the profile can't apply it; [`Refusal::PropertyInvalid`] if it may not have this value.
    pub fn check<'a>(
        &'a self,
        profile: &str,
        name: &'a str,
        value: &str,
    ) -> Result<&'a str, Refusal> {
        let unsupported =
            |detail: String| Refusal::PropertyUnsupported { name: name.to_owned(), detail };
        let Some((property, canonical)) = self.find(name) else {
            return Err(unsupported(why_unknown(name)));
        };
        if !property.updatable {
            return Err(unsupported("it may not be changed".to_owned()));
        }
        let Some(known_profile) = self.profile(profile) else {
            return Err(unsupported(format!("the device's profile {profile:?} is not known")));
        };
        let Some(rule) = known_profile.rules.get(canonical) else {
            return Err(unsupported(format!("profile {profile} does not say how to apply it")));
        };
        let route = rule.route(canonical, property.timing);
        if let SetBy::Unsupported { reason } = route.set_by {
            return Err(unsupported(format!("profile {profile}: {reason}")));
        }
        if !property.takes(value) {
            let detail = format!("allowed: {}", property.allows);
            return Err(Refusal::PropertyInvalid { name: name.to_owned(), detail });
        }
        match route.value_bytes_max() {
            Some(bytes_max) if value.len() > bytes_max => Err(unsupported(format!(
                "profile {profile} can set at most {bytes_max} bytes of it, and this has {}",
                value.len()
            ))),
            _ => Ok(canonical),
        }
    }

    /// What is known of the property `name`: a name, an alias, or a name that a prefix entry stands
    /// for.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.entry(name)
    }

    /// All properties, in the order of the files.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter()
    }

    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// All profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// How devices of `profile` take the property `canonical`. `None` if either is not known, or
    /// the profile has no rule for it.
    pub fn route<'a>(&'a self, profile: &str, canonical: &'a str) -> Option<Route<'a>> {
        let (property, canonical) = self.find(canonical)?;
        let rule = self.profile(profile)?.rules.get(canonical)?;
        Some(rule.route(canonical, property.timing))
    }

    /// The property of this name, and its name in the store: the property's own, or for a prefix
    /// entry the name as given.
    fn find<'a>(&'a self, name: &'a str) -> Option<(&'a Property, &'a str)> {
        let property = self.entry(name)?;
        Some((property, if property.is_prefix() { name } else { &property.name }))
    }

    /// The property of this name, if the name is one that anybody may use.
    fn entry(&self, name: &str) -> Option<&Property> {
        if !names::is_legal(name) || names::is_reserved(name) {
            return None;
        }
        self.properties.get(*self.names.get(name)?)
    }
}

/// Why no property is found by `name`, in words for the caller.
fn why_unknown(name: &str) -> String {
    if names::is_reserved(name) {
        "the name is reserved for the server itself".to_owned()
    } else if names::is_legal(name) {
        "there is no such property".to_owned()
    } else {
        format!(
            "a name is 1 to {PROPERTY_NAME_BYTES_MAX} letters, digits and . _ : @ - without a dot \
             at either end or two in a row"
        )
    }
}

#[cfg(test)]
mod tests;

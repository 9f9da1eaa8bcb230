//! The catalogue: what is known of each property, and how each make of device takes it.
//!
//! It is data. The texts of the files come in, are checked whole by [`Catalogue::with`], and answer
//! two questions from then on: may this value be asked for ([`Catalogue::check`]), and how does a
//! device take it ([`Catalogue::route`]). Neither allocates unless it refuses.
//!
//! Phones and cameras have properties and profiles of their own; which of the two a question is
//! about follows from the profile in it.
//!
//! `catalogue/cph.toml` says what a property's entry holds, `catalogue/profiles/android.toml` what
//! a phone profile's file does, `catalogue/profiles/generic.toml` what a camera profile's does.

mod basic_param;
mod cell;
mod custom;
mod load;
mod names;
mod profile;
mod property;
mod record;
mod rule;
mod table;

use std::collections::BTreeMap;

pub use basic_param::{
    EXPIRATION, HEARTBEAT_COUNT, HEARTBEAT_INTERVAL, NAME, channel_part_name, channel_property,
    channel_property_name,
};
pub use cell::CatalogueCell;
pub use load::{LoadError, Problem};
pub use profile::{
    Commands, FactoryReset, GENERIC_PROFILE, GbProfile, GbShape, Privilege, Profile, Restart,
    Retention, Route, SETPROP_VALUE_BYTES_MAX, SetBy,
};
pub use property::{Property, Timing, ValueKind};
pub use record::{
    DESCRIPTION, IP, MANUFACTURER, ORGANIZATION, PORT, RecordOf, TRANSPORT, record_of,
};

use crate::device::Kind;
use crate::limits::PROPERTY_NAME_BYTES_MAX;
use crate::refusal::Refusal;
use names::NamesByKind;
use rule::{How, Rule};

/// The text of a catalogue or profile file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's name, for error messages.
    pub name: &'a str,
    /// Its content: TOML.
    pub text: &'a str,
}

/// A file that is part of the product.
macro_rules! product {
    ($name:literal) => {
        Source { name: $name, text: include_str!(concat!("../../../../", $name)) }
    };
}

/// The property files that are part of the product.
const PRODUCT_PROPERTIES: &[Source<'static>] = &[
    product!("catalogue/cph.toml"),
    product!("catalogue/cph-deprecated.toml"),
    product!("catalogue/cph-unlisted.toml"),
    product!("catalogue/cph-refused.toml"),
    product!("catalogue/android.toml"),
    product!("catalogue/gb28181.toml"),
];

/// The profile files that are part of the product.
const PRODUCT_PROFILES: &[Source<'static>] = &[
    product!("catalogue/profiles/android.toml"),
    product!("catalogue/profiles/redroid.toml"),
    product!("catalogue/profiles/kbox.toml"),
    product!("catalogue/profiles/simulated.toml"),
    product!("catalogue/profiles/generic.toml"),
    product!("catalogue/profiles/hikvision.toml"),
    product!("catalogue/profiles/dahua.toml"),
    product!("catalogue/profiles/uniview.toml"),
];

/// All properties and profiles.
#[derive(Debug)]
pub struct Catalogue {
    /// The properties, in the order of the files.
    properties: Vec<Property>,
    /// Where in `properties` a name, an alias or a prefix is found.
    names: NamesByKind,
    /// The profiles by name.
    profiles: BTreeMap<String, Profile>,
}

impl Catalogue {
    /// Loads the files that are part of the product, and an operator's. An operator's entry takes
    /// the place of the product's entry of the same name, whole; among the operator's own, a name
    /// comes once. All rules are checked; the first problem is the error, with its file, line and
    /// column.
    pub fn with(
        operator_properties: &[Source<'_>],
        operator_profiles: &[Source<'_>],
    ) -> Result<Self, LoadError> {
        load::load((PRODUCT_PROPERTIES, PRODUCT_PROFILES), (operator_properties, operator_profiles))
    }

    /// Loads the files that are part of the product.
    pub fn built_in() -> Result<Self, LoadError> {
        Self::with(&[], &[])
    }

    /// Loads these property files and profile files and no others.
    pub fn load(properties: &[Source<'_>], profiles: &[Source<'_>]) -> Result<Self, LoadError> {
        load::load((properties, profiles), (&[], &[]))
    }

    /// Checks one value, as text, for a device of `profile`, and gives the name to store it under.
    /// `identity` is the project's policy: whether properties by which a device is told from others
    /// may be changed. For a record of ours no profile needs a rule, and none can refuse it.
    ///
    /// # Errors
    ///
    /// [`Refusal::PropertyUnsupported`] if there is no such property, or it may not be changed, or
    /// the profile can't apply it; [`Refusal::PropertyInvalid`] if it may not have this value.
    pub fn check<'a>(
        &'a self,
        profile: &str,
        identity: bool,
        name: &'a str,
        value: &str,
    ) -> Result<&'a str, Refusal> {
        let profile = self.known(profile).map_err(|detail| unsupported(name, detail))?;
        let Some((property, canonical)) = self.find(profile.kind, name) else {
            return Err(unsupported(name, why_unknown(name)));
        };
        if !property.updatable {
            return Err(unsupported(name, "it may not be changed".to_owned()));
        }
        if property.identity && !identity {
            return Err(unsupported(name, IDENTITY_REFUSED.to_owned()));
        }
        let invalid = || Refusal::PropertyInvalid {
            name: name.to_owned(),
            detail: format!("allowed: {}", property.allows),
        };
        if property.record {
            return if property.takes(value) { Ok(canonical) } else { Err(invalid()) };
        }
        let rule = rule(profile, canonical).map_err(|detail| unsupported(name, detail))?;
        if !property.takes(value) {
            return Err(invalid());
        }
        let route = rule.route(canonical, property.timing);
        carries(profile, rule, &route, value).map_err(|detail| unsupported(name, detail))?;
        Ok(canonical)
    }

    /// Checks one value under a name that its caller may have chosen freely (CPH's
    /// `custom_property`), and gives the name to store it under. A property of the catalogue obeys
    /// its own rules, by whichever way it comes; another name must be a legal one that is none of
    /// the system's own, and its value has at most [`SETPROP_VALUE_BYTES_MAX`] bytes and no control
    /// characters. A camera has no other properties than those of the catalogue.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`].
    pub fn check_custom<'a>(
        &'a self,
        profile: &str,
        identity: bool,
        name: &'a str,
        value: &str,
    ) -> Result<&'a str, Refusal> {
        let known = self.known(profile).map_err(|detail| unsupported(name, detail))?;
        if known.kind == Kind::Camera || self.find(Kind::Phone, name).is_some() {
            return self.check(profile, identity, name, value);
        }
        if !custom::is_free(name) {
            return Err(unsupported(name, why_not_free(name)));
        }
        let rule = rule(known, name).map_err(|detail| unsupported(name, detail))?;
        if !custom::takes(value) {
            let detail = format!(
                "allowed: at most {SETPROP_VALUE_BYTES_MAX} bytes without control characters"
            );
            return Err(Refusal::PropertyInvalid { name: name.to_owned(), detail });
        }
        let route = rule.route(name, Timing::AtOnce);
        carries(known, rule, &route, value).map_err(|detail| unsupported(name, detail))?;
        Ok(name)
    }

    /// What is known of the property `name` of phones: a name, an alias, or a name that a prefix
    /// entry stands for.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.property_of(Kind::Phone, name)
    }

    /// What is known of the property `name` of that sort of device: a name, an alias, a name that a
    /// prefix entry stands for, or what is on record of a camera's channel.
    pub fn property_of(&self, kind: Kind, name: &str) -> Option<&Property> {
        if !names::is_legal(name) || names::is_reserved(name) {
            return None;
        }
        let entry = match kind {
            Kind::Phone => name,
            Kind::Camera if !basic_param::is_name(name) => return None,
            // What is on record of a channel has the entry of what is on record of a device.
            Kind::Camera => record_of(name).map_or(name, |record| record.name),
        };
        self.properties.get(*self.names.of(kind).get(entry)?)
    }

    /// The name in the store of the property `name` of that sort of device; `None` if the catalogue
    /// lists none.
    pub fn canonical<'a>(&'a self, kind: Kind, name: &'a str) -> Option<&'a str> {
        self.find(kind, name).map(|(_, canonical)| canonical)
    }

    /// Checks a property for devices of that sort whose profiles are not known yet, and the value,
    /// if it is known already; gives the name to store it under.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`] that are about no profile and no project.
    pub fn check_listed<'a>(
        &'a self,
        kind: Kind,
        name: &'a str,
        value: Option<&str>,
    ) -> Result<&'a str, Refusal> {
        let Some((property, canonical)) = self.find(kind, name) else {
            return Err(unsupported(name, why_unknown(name)));
        };
        if !property.updatable {
            return Err(unsupported(name, "it may not be changed".to_owned()));
        }
        if value.is_some_and(|value| !property.takes(value)) {
            let detail = format!("allowed: {}", property.allows);
            return Err(Refusal::PropertyInvalid { name: name.to_owned(), detail });
        }
        Ok(canonical)
    }

    /// The name in the store of a property that devices of that sort may have: one that is listed,
    /// or, of phones, one that callers may choose freely.
    ///
    /// # Errors
    ///
    /// Why there is none of this name.
    pub fn canonical_or_free<'a>(&'a self, kind: Kind, name: &'a str) -> Result<&'a str, String> {
        match self.canonical(kind, name) {
            Some(canonical) => Ok(canonical),
            None if kind == Kind::Phone && custom::is_free(name) => Ok(name),
            None => Err(why_unknown(name)),
        }
    }

    /// All properties, of phones and of cameras, in the order of the files.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter()
    }

    /// All properties of that sort of device, in the order of the files.
    pub fn properties_of(&self, kind: Kind) -> impl Iterator<Item = &Property> {
        self.properties().filter(move |property| property.device_kind == kind)
    }

    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// All profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// The profile by which to speak to a camera: the `recorded` one, unless that is
    /// [`GENERIC_PROFILE`] and the `manufacturer` that the camera names (the element of its
    /// DeviceInfo) is one of another profile's. Of several such, the one that knows the longest
    /// part of it. `None` if no profile of cameras has the recorded name.
    pub fn camera_profile(&self, recorded: &str, manufacturer: Option<&str>) -> Option<&Profile> {
        let recorded = self.profile(recorded).filter(|profile| profile.kind == Kind::Camera)?;
        let Some(manufacturer) = manufacturer.filter(|_| recorded.name == GENERIC_PROFILE) else {
            return Some(recorded);
        };
        let manufacturer = manufacturer.to_lowercase();
        let named = self
            .profiles()
            .filter_map(|profile| Some((profile.gb.as_ref()?.matched(&manufacturer)?, profile)));
        Some(named.max_by_key(|(matched, _)| *matched).map_or(recorded, |(_, profile)| profile))
    }

    /// How devices of `profile` take the property `canonical`, which may also be one that a caller
    /// chose freely. `None` if no such device can have it: the profile is not known, or has no rule
    /// for it, or nobody may use the name.
    pub fn route<'a>(&'a self, profile: &str, canonical: &'a str) -> Option<Route<'a>> {
        let profile = self.profile(profile)?;
        let (timing, canonical) = match self.find(profile.kind, canonical) {
            Some((property, _)) if property.record => return Some(Route::RECORD),
            Some((property, canonical)) => (property.timing, canonical),
            None if profile.kind == Kind::Phone && custom::is_free(canonical) => {
                (Timing::AtOnce, canonical)
            }
            None => return None,
        };
        let rule = profile.rules.get(canonical)?;
        Some(rule.route(canonical, timing))
    }

    /// The names in the store of the properties that devices of `profile` let us set and read back,
    /// in the order of the files. Prefix entries name no property and are left out.
    pub fn readable<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a str> {
        let kind = self.profile(profile).map(|profile| profile.kind);
        let listed = kind.into_iter().flat_map(|kind| self.properties_of(kind));
        let listed = listed.filter(|entry| entry.updatable && !entry.is_prefix());
        listed.map(|property| &*property.name).filter(move |name| {
            self.route(profile, name).is_some_and(|route| match route.set_by {
                SetBy::Setprop { .. }
                | SetBy::SetpropOncePerBoot { .. }
                | SetBy::Settings { .. }
                | SetBy::File { .. }
                | SetBy::BasicParam => true,
                SetBy::Command { get, .. } => !get.is_empty(),
                SetBy::StartArgument { .. } | SetBy::Stored | SetBy::Unsupported { .. } => false,
            })
        })
    }

    /// The argument that a container of `profile` must be started with to have `value` as the
    /// property `name`; `None` where the property is not set by one.
    pub fn start_argument(&self, profile: &str, name: &str, value: &str) -> Option<String> {
        self.route(profile, name)?.start_argument(value)
    }

    /// The profile of this name, or that there is none, in words.
    fn known(&self, profile: &str) -> Result<&Profile, String> {
        let known = self.profile(profile);
        known.ok_or_else(|| format!("the device's profile {profile:?} is not known"))
    }

    /// The property of this name of that sort of device, and its name in the store: the property's
    /// own, or the name as given for a prefix entry and for whatever is a channel's.
    fn find<'a>(&'a self, kind: Kind, name: &'a str) -> Option<(&'a Property, &'a str)> {
        let property = self.property_of(kind, name)?;
        let is_own = property.is_prefix() || kind == Kind::Camera && basic_param::is_below(name);
        Some((property, if is_own { name } else { &property.name }))
    }
}

/// The rule of `profile` for the property `canonical`, or why there is none, in words.
fn rule<'a>(profile: &'a Profile, canonical: &str) -> Result<&'a Rule, String> {
    let name = &profile.name;
    let rule = profile.rules.get(canonical);
    let rule = rule.ok_or_else(|| format!("profile {name} does not say how to apply it"))?;
    match &rule.how {
        How::Unsupported(reason) => Err(format!("profile {name}: {reason}")),
        _ => Ok(rule),
    }
}

/// What a caller is told who may not change a property that tells a device from others.
const IDENTITY_REFUSED: &str = "it tells a device from others, and the project's policy `identity` \
                                does not allow to change such a property";

/// A refusal of the property `name`.
fn unsupported(name: &str, detail: String) -> Refusal {
    Refusal::PropertyUnsupported { name: name.to_owned(), detail }
}

/// Whether `rule`, by `route`, can carry `value` to a device of `profile`; says why not.
fn carries(profile: &Profile, rule: &Rule, route: &Route<'_>, value: &str) -> Result<(), String> {
    let profile = &profile.name;
    rule.takes(value).map_err(|allows| format!("profile {profile} takes only {allows}"))?;
    match route.value_bytes_max() {
        Some(bytes_max) if value.len() > bytes_max => Err(format!(
            "profile {profile} can set at most {bytes_max} bytes of it, and this has {}",
            value.len()
        )),
        _ => Ok(()),
    }
}

/// Why nobody may choose `name`, in words for the caller.
fn why_not_free(name: &str) -> String {
    match custom::system_namespace(name) {
        Some(space) => format!("{space} is the system's own and not free to use"),
        None => why_unknown(name),
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

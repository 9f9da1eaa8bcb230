//! The part of the page that is about cameras: their properties, and a table of property by make.

use super::super::Catalogue;
use super::super::profile::{GbProfile, GbShape, Profile, SetBy};
use super::super::property::Property;
use super::{code, row};
use crate::device::Kind;

/// Adds that part.
pub(super) fn add(page: &mut String, catalogue: &Catalogue) {
    let mut profiles = catalogue.profiles().filter(|profile| profile.gb.is_some()).peekable();
    if profiles.peek().is_none() {
        return;
    }
    page.push_str("\n## Properties of cameras\n\n");
    page.push_str(ABOUT);
    catalogue.property_table(page, Kind::Camera);

    let profiles: Vec<&Profile> = profiles.collect();
    page.push_str("\n## Profiles of cameras\n\n");
    row(page, ["Profile", "For", "Shape of BasicParam", "Known by a Manufacturer with"]);
    row(page, ["---"; 4]);
    for profile in &profiles {
        if let Some(gb) = &profile.gb {
            row(page, profile_cells(profile, gb));
        }
    }

    page.push_str("\nHow each of them takes each property:\n\n");
    let names = profiles.iter().map(|profile| code(&profile.name));
    row(page, std::iter::once("Name".to_owned()).chain(names));
    row(page, vec!["---"; profiles.len() + 1]);
    let properties = catalogue.properties_of(Kind::Camera);
    for property in properties.filter(|property| property.updatable && !property.record) {
        let ways = profiles.iter().map(|profile| way(profile, property));
        row(page, std::iter::once(code(&property.name)).chain(ways));
    }
}

/// What a reader of this part should know first.
const ABOUT: &str = "\
GB devices: cameras and recorders that register by GB/T 28181. What is set by `DeviceConfig`
(BasicParam) is read back by `ConfigDownload`, acts at once and holds over restarts. `Channel.*` is
`Channel.<20 digits>.Name`, the digits being a channel's id. A camera whose profile is `generic` is
spoken to by the profile whose maker its DeviceInfo names.

What acts \"as our record\" is told to no camera of any make; it holds as soon as it is accepted. A
channel has `Channel.<20 digits>.Desc` and `Channel.<20 digits>.Organization`, which take the same.

";

/// What the table of profiles says of one.
fn profile_cells(profile: &Profile, gb: &GbProfile) -> [String; 4] {
    let shape = match gb.shape {
        GbShape::Y2016 => "2016 and 2022",
        GbShape::Y2014 => "2014, with the password in it",
    };
    let manufacturers = gb.manufacturers.join(", ");
    [code(&profile.name), profile.meaning.clone(), shape.to_owned(), manufacturers]
}

/// How a profile takes a property.
fn way(profile: &Profile, property: &Property) -> String {
    let Some(rule) = profile.rules.get(&property.name) else {
        return "unsupported: the profile does not say how".to_owned();
    };
    let way = match rule.route(&property.name, property.timing).set_by {
        SetBy::BasicParam => code("DeviceConfig"),
        SetBy::Unsupported { reason } => format!("unsupported: {reason}"),
        _ => "a record of ours".to_owned(),
    };
    let narrow = rule.narrow.as_ref().map(|narrow| format!("takes only {}", narrow.allows));
    let besides = [narrow, rule.note.clone()].into_iter().flatten();
    std::iter::once(way).chain(besides).collect::<Vec<_>>().join("; ")
}

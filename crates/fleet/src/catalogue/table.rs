//! The catalogue as a page for readers: every property, and how each make of device takes it.

mod cameras;

use super::Catalogue;
use super::profile::{FactoryReset, Privilege, Profile, Restart, Retention, Route, SetBy};
use super::property::{Property, Timing};
use super::rule::{How, Rule};
use crate::device::Kind;

impl Catalogue {
    /// All of it as Markdown: the properties of phones with what they allow, then for each of their
    /// profiles how it sets each of them, reads it back, how long a value holds and when it begins
    /// to act; then the properties of cameras, and how each of their profiles sets them.
    pub fn table(&self) -> String {
        let mut page = HEAD.to_owned();
        page.push_str("## Properties of phones\n\n");
        self.property_table(&mut page, Kind::Phone);
        for profile in self.profiles().filter(|profile| profile.kind == Kind::Phone) {
            page.push_str(&format!("\n## Profile `{}`\n\n{}\n\n", profile.name, about(profile)));
            row(&mut page, ["Name", "Set by", "Read back by", "Holds", "Acts", "Besides"]);
            row(&mut page, ["---"; 6]);
            for property in self.properties_of(Kind::Phone).filter(|property| property.updatable) {
                row(&mut page, rule_cells(profile, property));
            }
        }
        cameras::add(&mut page, self);
        page
    }

    /// The table of that sort of device's properties.
    fn property_table(&self, page: &mut String, kind: Kind) {
        row(page, ["Name", "Also called", "Takes", "Default", "Acts", "May be changed"]);
        row(page, ["---"; 6]);
        for property in self.properties_of(kind) {
            row(page, self.property_cells(property));
        }
    }

    /// What the first table says of a property.
    fn property_cells(&self, property: &Property) -> [String; 6] {
        let changed = match (property.updatable, property.identity) {
            (false, _) => "no",
            (true, true) => "if the project's policy `identity` allows it",
            (true, false) => "yes",
        };
        [
            code(&property.name),
            property.aliases.iter().map(|alias| code(alias)).collect::<Vec<_>>().join(", "),
            property.allows.clone(),
            property.default.as_deref().map(code).unwrap_or_default(),
            if property.record { holds(Retention::Record) } else { acts(property.timing) }
                .to_owned(),
            changed.to_owned(),
        ]
    }
}

/// What every such page begins with.
const HEAD: &str = "\
# Properties and profiles

This page is made of the files in `catalogue/`; `UPDATE_DOCS=1 cargo test -p fleet` writes it anew.

A profile is how one make of device is spoken to. \"Holds\" is how long a value stays on the device:
over restarts, for one boot (then it is set again after each), or as long as its container. \"Acts\"
is when a value that the device holds has its effect. A name that no file lists may be used as a
phone's `custom_property` unless it lies in one of the system's own namespaces; it is set by the
profile's rule for such names.

";

/// How a profile speaks to its devices, in a paragraph.
fn about(profile: &Profile) -> String {
    let restart = match profile.restart {
        Restart::AdbReboot => "by adbd's `reboot:`",
        Restart::Framework => "by stopping and starting Android's framework",
        Restart::Command => "by the operator's command",
        Restart::None => "not by us",
    };
    let reset = match profile.factory_reset {
        FactoryReset::TestHarness => "by `cmd testharness enable`",
        FactoryReset::Command => "by the operator's command",
        FactoryReset::None => "not by us",
    };
    let privilege = match profile.privilege {
        Privilege::None => "those of the shell user",
        Privilege::Su => "root's, by `su`",
        Privilege::RootShell => "root's, which adbd itself has",
    };
    format!(
        "{}. Restarted {restart}; taken back to its factory state {reset}. Rights: {privilege}.",
        profile.meaning
    )
}

/// What a profile's table says of a property.
fn rule_cells(profile: &Profile, property: &Property) -> [String; 6] {
    let Some(rule) = profile.rules.get(&property.name) else {
        let none = String::new;
        let set = "unsupported: the profile does not say how".to_owned();
        return [code(&property.name), set, none(), none(), none(), none()];
    };
    let route = rule.route(&property.name, property.timing);
    let (set, read) = ways(&route);
    let unsupported = matches!(rule.how, How::Unsupported(_));
    [
        code(&property.name),
        set,
        read,
        if unsupported { String::new() } else { holds(route.retention).to_owned() },
        if unsupported { String::new() } else { acts(route.timing).to_owned() },
        besides(rule),
    ]
}

/// How a route sets a value and reads it back.
fn ways(route: &Route<'_>) -> (String, String) {
    let getprop = |name: &str| code(&format!("getprop {name}"));
    match route.set_by {
        SetBy::Setprop { name } => (code(&format!("setprop {name}")), getprop(name)),
        SetBy::SetpropOncePerBoot { name } => {
            (format!("{}, once a boot", code(&format!("setprop {name}"))), getprop(name))
        }
        SetBy::Settings { namespace, key } => (
            code(&format!("settings put {namespace} {key}")),
            code(&format!("settings get {namespace} {key}")),
        ),
        SetBy::Command { set, get: [] } => (code(&set.join(" ")), "not: acknowledged".to_owned()),
        SetBy::Command { set, get } => (code(&set.join(" ")), code(&get.join(" "))),
        SetBy::File { path } => (format!("writing {}", code(path)), "reading it".to_owned()),
        SetBy::StartArgument { name, argument } => {
            (format!("container argument {}", code(argument)), getprop(name))
        }
        SetBy::BasicParam => (code("DeviceConfig"), code("ConfigDownload")),
        SetBy::Stored => ("not: a record of ours".to_owned(), String::new()),
        SetBy::Unsupported { reason } => (format!("unsupported: {reason}"), String::new()),
    }
}

/// What else a rule says.
fn besides(rule: &Rule) -> String {
    let narrow = rule.narrow.as_ref().map(|narrow| format!("takes only {}", narrow.allows));
    let effect = Some(rule.effect.join(" ")).filter(|effect| !effect.is_empty());
    let effect = effect.map(|effect| format!("has acted when {} says so", code(&effect)));
    [narrow, effect, rule.note.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// How long a value holds, in words.
fn holds(retention: Retention) -> &'static str {
    match retention {
        Retention::Record => "as our record",
        Retention::Data => "over restarts",
        Retention::Boot => "for one boot",
        Retention::StartArgs => "as long as the container",
    }
}

/// When a value acts, in words.
fn acts(timing: Timing) -> &'static str {
    match timing {
        Timing::AtOnce => "at once",
        Timing::AfterRestart => "after a restart",
    }
}

/// `text` as code, or nothing for an empty one.
fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// Adds one row to a table. A bar within a cell would end it.
fn row(page: &mut String, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    for cell in cells {
        page.push_str("| ");
        page.push_str(&cell.as_ref().replace('|', "\\|"));
        page.push(' ');
    }
    page.push_str("|\n");
}

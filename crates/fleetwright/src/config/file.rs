//! The configuration file: read with the line of every mistake, written with every key's meaning.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::Given;
use super::{Config, Draft, Key, Origin, keys};

/// Takes `text`, the content of the file at `path`, into the draft.
pub fn read(draft: &mut Draft, path: &Path, text: &str) {
    let at =
        |span: std::ops::Range<usize>| Origin::Line(path.to_owned(), line_of(text, span.start));
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        draft.problem(at(error.span().unwrap_or_default()), "", error.message());
    }
    if !errors.is_empty() {
        return;
    }
    for (name, value) in table.get_ref() {
        let origin = at(name.span());
        let name = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Table(section) if is_section(name) => {
                for (inner, value) in section {
                    let origin = at(inner.span());
                    take(draft, &format!("{name}.{}", inner.get_ref()), value, origin);
                }
            }
            other if is_section(name) => {
                let what = format!("must be a section, [{name}], not a {}", other.type_str());
                draft.problem(origin, name, what);
            }
            _ => take(draft, name, value, origin),
        }
    }
}

/// Takes one key of the file.
fn take(draft: &mut Draft, name: &str, value: &Spanned<DeValue<'_>>, origin: Origin) {
    match keys().find(|key| key.name == name) {
        Some(key) => draft.set(key, Given::Toml(value.get_ref()), origin),
        None => {
            let what = format!("there is no such key; {}", what_there_is(name));
            draft.problem(origin, name, what);
        }
    }
}

/// The keys that stand beside an unknown one.
fn what_there_is(name: &str) -> String {
    let section = name.split_once('.').map_or("", |(section, _)| section);
    let section = if is_section(section) { section } else { "" };
    let beside = keys().filter(|key| section_of(key) == section);
    let names: Vec<&str> = beside.map(|key| key.name).collect();
    match section {
        "" => format!("there are {} and the sections {}", names.join(", "), sections().join(", ")),
        _ => format!("there are {}", names.join(", ")),
    }
}

fn section_of(key: &Key) -> &'static str {
    key.name.split_once('.').map_or("", |(section, _)| section)
}

fn sections() -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for section in keys().map(section_of).filter(|section| !section.is_empty()) {
        let section = format!("[{section}]");
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    sections
}

fn is_section(name: &str) -> bool {
    !name.is_empty() && keys().any(|key| section_of(key) == name)
}

/// The line, from 1, of the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The file that says all of `config`.
pub fn write(config: &Config) -> String {
    let mut text = String::from(
        "# The configuration of `fleetwright serve`; this file says every default.\n\
         # What it says is overridden by the environment, and that by flags.\n",
    );
    let mut section = "";
    for key in keys() {
        if section_of(key) != section {
            section = section_of(key);
            text.push_str(&format!("\n[{section}]\n"));
        } else {
            text.push('\n');
        }
        for line in key.meaning.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!("# Environment: {}\n", key.variable));
        let name = key.name.rsplit('.').next().unwrap_or(key.name);
        match (key.show)(config) {
            Some(value) => text.push_str(&format!("{name} = {value}\n")),
            None => text.push_str(&format!("# {name} = {}\n", key.example)),
        }
    }
    text
}

//! Debian's backports, derived from the sources that the machine already has: the same mirror,
//! keys and options, another suite. So no host is named here, and a machine that may only reach
//! its own mirror still works.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The release's code name in the text of /etc/os-release, if it is Debian's.
pub fn codename(os_release: &str) -> Option<String> {
    let value_of = |name: &str| {
        let mut values = os_release.lines().filter_map(|line| line.split_once('='));
        values.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned())
    };
    (value_of("ID")? == "debian").then(|| value_of("VERSION_CODENAME")).flatten()
}

/// Makes `CODENAME-backports` known to apt, unless it is, by a file of ours under `apt_folder`
/// (/etc/apt). Fails if no source of that release is found there to derive it from.
pub fn add_backports(apt_folder: &Path, codename: &str) -> Result<()> {
    let suite = format!("{codename}-backports");
    let sources = read_sources(apt_folder)?;
    if sources.iter().any(|source| source.offers(&suite)) {
        return Ok(());
    }
    let Some((extension, text)) =
        sources.iter().find_map(|source| source.with_suite(codename, &suite))
    else {
        bail!("no source of Debian {codename} found under {}", apt_folder.display());
    };
    let file = apt_folder.join(format!("sources.list.d/fleetwright-backports.{extension}"));
    fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))
}

/// One file that apt reads its sources from, in one of its two formats (sources.list(5)).
enum SourceFile {
    /// Stanzas of `Field: value` lines, parted by empty lines (`.sources`).
    Stanzas(String),
    /// `deb [options] URI suite components`, a line each (`.list`).
    Lines(String),
}

/// Reads every file that apt itself would read.
fn read_sources(apt_folder: &Path) -> Result<Vec<SourceFile>> {
    let mut paths = vec![apt_folder.join("sources.list")];
    for entry in fs::read_dir(apt_folder.join("sources.list.d")).into_iter().flatten().flatten() {
        paths.push(entry.path());
    }
    paths.sort();
    let mut sources = Vec::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        let wrap: fn(String) -> SourceFile = match path.extension().and_then(|e| e.to_str()) {
            Some("sources") => SourceFile::Stanzas,
            Some("list") => SourceFile::Lines,
            _ => continue,
        };
        let text = fs::read_to_string(path)
            .with_context(|| format!("could not read {}", path.display()))?;
        sources.push(wrap(text));
    }
    Ok(sources)
}

impl SourceFile {
    /// Whether binary packages of `suite` come from this file.
    fn offers(&self, suite: &str) -> bool {
        self.with_suite(suite, suite).is_some()
    }

    /// The file's first source that offers `suite`, offering `other` instead, with the extension
    /// that a file of this format needs.
    fn with_suite(&self, suite: &str, other: &str) -> Option<(&'static str, String)> {
        match self {
            SourceFile::Stanzas(text) => {
                let stanzas = stanzas(text);
                let found = stanzas.iter().find_map(|s| stanza_with_suite(s, suite, other))?;
                Some(("sources", found))
            }
            SourceFile::Lines(text) => {
                let found = text.lines().find_map(|line| line_with_suite(line, suite, other))?;
                Some(("list", found))
            }
        }
    }
}

/// The stanzas of a deb822 file, each as its lines, without comments.
fn stanzas(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let parts = lines.split(|line| line.trim().is_empty());
    parts.filter(|part| !part.is_empty()).map(<[&str]>::to_vec).collect()
}

/// A stanza with `other` as its only suite, if it is in use, of binary packages, and offers
/// `suite`. Continuation lines, as of a key given in full, stay with their field.
fn stanza_with_suite(stanza: &[&str], suite: &str, other: &str) -> Option<String> {
    let mut changed = String::new();
    let (mut binary, mut offered) = (false, false);
    for line in stanza {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let mut words = value.split_whitespace();
        match field.to_ascii_lowercase().as_str() {
            "enabled" if words.next() == Some("no") => return None,
            "types" => binary = words.any(|word| word == "deb"),
            "suites" => {
                offered = words.any(|word| word == suite);
                changed.push_str(&format!("{field}: {other}\n"));
                continue;
            }
            _ => {}
        }
        changed.push_str(line);
        changed.push('\n');
    }
    (binary && offered).then_some(changed)
}

/// A one-line source with `other` in the place of `suite`, if it is of binary packages and
/// offers `suite`.
fn line_with_suite(line: &str, suite: &str, other: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    // Options stand in brackets and may hold blanks.
    let (options, source) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (options, source) = bracketed.split_once(']')?;
            (format!("[{options}] "), source)
        }
        None => (String::new(), rest),
    };
    let mut words = source.split_whitespace();
    let (uri, offered) = (words.next()?, words.next()?);
    let components: Vec<&str> = words.collect();
    (offered == suite).then(|| format!("deb {options}{uri} {other} {}\n", components.join(" ")))
}

#[cfg(test)]
mod tests;

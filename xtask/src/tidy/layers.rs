//! Who may use whom: the layers of the workspace, read from the manifests.

use std::path::Path;

use super::{SourceFile, Violation, code_of, is_identifier, words};
use crate::workspace::{Dependency, Package};

/// Every crate of the workspace and those of ours that it may use outside its tests. A crate
/// that is not here is a violation: adding one is a decision about the layers.
const MAY_USE: &[(&str, &[&str])] = &[
    ("fleet", &[]),
    ("gb28181", &[]),
    ("store", &["fleet"]),
    ("engine", &["fleet", "store"]),
    ("phones", &["fleet", "engine"]),
    ("cameras", &["fleet", "store", "engine", "gb28181"]),
    ("api", &["fleet", "store", "engine"]),
    ("simulator", &["fleet", "gb28181"]),
    ("fleetwright", &["fleet", "store", "engine", "phones", "cameras", "api", "simulator"]),
    // What drives the product from outside sees what its clients see; `api` signs requests.
    ("tests", &["fleet", "api", "simulator"]),
    ("benches", &["fleet", "store", "engine", "api", "simulator"]),
    ("xtask", &[]),
];

/// Libraries of others that belong to one layer, the crates that may use them, and why.
const BELONGS_TO: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["store"], "SQL lives in the store alone"),
    ("axum", &["api"], "only the doors know HTTP"),
    (
        "libadb",
        &["phones", "fleetwright", "tests"],
        "the simulated phones share no ADB code with the driver, and one crate drives phones",
    ),
];

/// Crates that do no input or output, and the libraries that would bring it.
const WITHOUT_IO: &[&str] = &["fleet", "gb28181"];
const IO_LIBRARIES: &[&str] = &["tokio", "hyper", "mio", "socket2", "ureq", "libadb", "rusqlite"];

/// The trait by which the store is written, and the layer that must not name it.
const STORE_WRITES: &str = "Writes";
const NEVER_WRITES: &str = "crates/api/src/";

/// Checks the manifests of all packages, and that the doors do not write to the store.
pub fn check(packages: &[Package], root: &Path, files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in packages {
        let relative = package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path);
        let manifest = relative.to_string_lossy().into_owned();
        let text = text_of(files, &manifest);
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            let why = format!("`{}` is not in tidy's table of layers: add it there", package.name);
            violations.push(Violation::of(&manifest, why));
            continue;
        };
        for dependency in &package.dependencies {
            let line = line_of(text, &dependency.name);
            let found = [
                forbidden_edge(package, dependency, may_use),
                unused(dependency, &manifest, files),
            ];
            let found = found.into_iter().flatten();
            violations.extend(found.map(|why| Violation::at(&manifest, line, why)));
        }
    }
    violations.extend(files.iter().flat_map(writes_from_a_door));
    violations
}

/// Why a package must not have a dependency, if it must not. Tests may use what they like.
fn forbidden_edge(package: &Package, on: &Dependency, may_use: &[&str]) -> Option<String> {
    let (name, user) = (on.name.as_str(), package.name.as_str());
    if on.kind.as_deref() == Some("dev") {
        return None;
    }
    if on.path.is_some() {
        let allowed = if may_use.is_empty() { "none".to_owned() } else { may_use.join(", ") };
        let why = || format!("`{user}` must not use `{name}`; of our crates it may use: {allowed}");
        return (!may_use.contains(&name)).then(why);
    }
    if WITHOUT_IO.contains(&user) && IO_LIBRARIES.contains(&name) {
        return Some(format!("`{user}` must not use `{name}`: it does no input or output"));
    }
    let (_, owners, why) = BELONGS_TO.iter().find(|(library, _, _)| *library == name)?;
    (!owners.contains(&user)).then(|| format!("`{user}` must not use `{name}`: {why}"))
}

/// Why a dependency should go, if no Rust file beside its manifest names it.
fn unused(on: &Dependency, manifest: &str, files: &[SourceFile]) -> Option<String> {
    let identifier = on.rename.as_ref().unwrap_or(&on.name).replace('-', "_");
    let folder = manifest.strip_suffix("Cargo.toml").unwrap_or(manifest);
    let mut sources = files.iter().filter(|f| f.is_rust() && f.path.starts_with(folder));
    let used = sources.any(|file| names_crate(&file.text, &identifier));
    (!used)
        .then(|| format!("`{}` is not used: each dependency costs build time and trust", on.name))
}

/// Whether a text uses a crate: `name::...`, `use name` or `extern crate name`.
fn names_crate(text: &str, identifier: &str) -> bool {
    text.match_indices(identifier).any(|(start, _)| {
        let before = text.get(..start).unwrap_or_default();
        let after = text.get(start + identifier.len()..).unwrap_or_default();
        let whole = !before.ends_with(is_identifier) && !after.starts_with(is_identifier);
        let imported = before.ends_with("use ") || before.ends_with("crate ");
        let inside_path = before.ends_with("::") && !before.ends_with(" ::");
        whole && (imported || (after.starts_with("::") && !inside_path))
    })
}

/// Where a door names the trait that writes to the store, outside its tests.
fn writes_from_a_door(file: &SourceFile) -> Vec<Violation> {
    if !file.is_rust() || file.is_test() || !file.path.starts_with(NEVER_WRITES) {
        return Vec::new();
    }
    let product = file.text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    let naming = product.filter(|(_, line)| words(code_of(line)).any(|word| word == STORE_WRITES));
    let why = "a door never writes to the store: it gives the engine a command";
    naming.map(|(index, _)| Violation::at(&file.path, index + 1, why)).collect()
}

/// The text of a file, empty if there is none.
fn text_of<'a>(files: &'a [SourceFile], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map_or("", |file| &file.text)
}

/// The line, from 1, on which a manifest names a dependency; 1 if none does.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    manifest.lines().position(names).map_or(1, |index| index + 1)
}

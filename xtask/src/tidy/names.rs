//! Names: of files and folders, of modules, and what may stand in the root.

use super::{SourceFile, Violation, code_of, words};

/// Names that say nothing of their content, so that anything ends up in them.
const NAMELESS: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "manager", "managers"];

/// What may stand in the root: a newcomer reads this list first, so it stays short.
const ROOT: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "benches",
    "catalogue",
    "clippy.toml",
    "console",
    "crates",
    "deny.toml",
    "docs",
    "fuzz",
    "openapi",
    "packaging",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
    "xtask",
];

/// Checks all names.
pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        let root_entry = file.path.split('/').next().unwrap_or_default();
        if !ROOT.contains(&root_entry) {
            let why = format!("`{root_entry}` is not expected in the root: see tidy's list of it");
            violations.push(Violation::of(&file.path, why));
        }
        let mut stems = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
        if let Some(stem) = stems.find(|stem| NAMELESS.contains(stem)) {
            violations.push(Violation::of(&file.path, nameless(stem)));
        }
        if file.is_rust() {
            violations.extend(nameless_modules(file));
        }
    }
    violations
}

/// The modules that a Rust file declares under a name that says nothing.
fn nameless_modules(file: &SourceFile) -> Vec<Violation> {
    let modules = file.text.lines().enumerate().filter_map(|(index, line)| {
        let mut after_mod = words(code_of(line)).skip_while(|word| *word != "mod").skip(1);
        let name = after_mod.next().filter(|name| NAMELESS.contains(name))?;
        Some(Violation::at(&file.path, index + 1, nameless(name)))
    });
    modules.collect()
}

/// Why a name is refused.
fn nameless(name: &str) -> String {
    format!("`{name}` says nothing of what is inside: name it after its subject")
}

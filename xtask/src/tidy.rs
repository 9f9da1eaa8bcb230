//! `cargo xtask tidy`: the repository's own rules, as a test of the repository.
//!
//! Every check is a plain function from file names and texts (or manifests) to violations, so
//! that each is itself tested on a planted one.

mod files;
mod layers;
mod lines;
mod names;

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A file of the repository.
struct SourceFile {
    /// Relative to the root, parted by `/`.
    path: String,
    /// Its content; empty where that is not UTF-8, since no rule reads binary files.
    text: String,
}

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// The file, relative to the root.
    path: String,
    /// The line, from 1; 1 also where the whole file is meant.
    line: usize,
    /// What is wrong, and why the rule exists.
    why: String,
}

impl Violation {
    /// A violation at a line, counted from 1.
    fn at(path: &str, line: usize, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, why: why.into() }
    }

    /// A violation by a file as a whole.
    fn of(path: &str, why: impl Into<String>) -> Self {
        Self::at(path, 1, why)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.why)
    }
}

impl SourceFile {
    /// The end of the file's name after the last dot, or nothing.
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether the file is Rust.
    fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Whether the file holds tests and nothing else.
    fn is_test(&self) -> bool {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let of_console = name.ends_with(".test.ts") || name.ends_with(".test.tsx");
        of_console || name == "tests.rs" || folder.split('/').any(|part| part == "tests")
    }
}

/// Checks every rule, prints each violation as `path:line: what and why`, and fails if there is
/// one.
pub fn run(workspace: &Workspace) -> Result<()> {
    let files = repository_files(workspace)?;
    let mut violations = layers::check(&workspace.packages, &workspace.root, &files);
    violations.extend(names::check(&files));
    violations.extend(files::check(&files));
    violations.extend(lines::check(&files));
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("tidy: {} violations in {} files", violations.len(), files.len());
    }
    println!("tidy: {} files are in order", files.len());
    Ok(())
}

/// Every file that is in the repository or, not being ignored, is about to be.
fn repository_files(workspace: &Workspace) -> Result<Vec<SourceFile>> {
    let listing = workspace
        .command("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("could not start git")?;
    if !listing.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr).trim());
    }
    let mut files = Vec::new();
    for name in listing.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let path = String::from_utf8(name.to_vec()).context("a file name is not UTF-8")?;
        let absolute = workspace.root.join(&path);
        // What is deleted but not yet committed is still listed.
        if absolute.is_file() {
            let bytes = fs::read(&absolute).with_context(|| format!("could not read {path}"))?;
            files.push(SourceFile { path, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(files)
}

/// The words of a text: what could be a name in Rust.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_identifier(c)).filter(|word| !word.is_empty())
}

/// Whether a character can stand in a Rust name.
fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A line of Rust up to its comment. A string with `//` in it counts as a comment: tidy reads
/// lines, not syntax.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[cfg(test)]
mod tests;

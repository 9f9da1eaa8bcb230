//! The web console: what it is built with, building it, and judging it.
//!
//! Node's packages are those of `console/package-lock.json`, installed without running any script
//! of theirs. What comes of a build is put into `console/dist`, from where the product takes it in.

mod dist;

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, output_of, run};

/// The most that a browser loads before it shows something, compressed, in bytes: two seconds on a
/// line of 1 Mbit/s.
const FIRST_LOAD_MAX: usize = 250_000;

/// What is no source in the console's folder, by the path there.
const NO_SOURCES: &[&str] = &["node_modules", "dist", "e2e", "src/api/schema.d.ts"];

/// What else a build reads: the types of the API are made of it.
const CONTRACT: &str = "openapi/native.json";

/// Installs Node's packages, unless those of the lock file are there.
pub fn install(workspace: &Workspace) -> Result<()> {
    if output_of(workspace.command("npm").arg("--version")).is_none() {
        bail!("npm is missing: install Node 20.19 or later, https://nodejs.org");
    }
    let folder = folder(workspace);
    let stamp = folder.join("node_modules/package-lock.stamp");
    let lock = folder.join("package-lock.json");
    let wanted =
        fs::read_to_string(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted) {
        println!("{} is up to date", folder.join("node_modules").display());
        return Ok(());
    }
    run(npm(workspace).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))
}

/// Builds the console, unless what is built is of these sources and nobody has put anything else
/// there since. A file that has come out as it was is left alone, and with it what cargo has built
/// of it.
pub fn build(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    let folder = folder(workspace);
    let dist = folder.join("dist");
    let stamp = workspace.target.join("console.stamp");
    let wanted = sources(workspace)?;
    let is_built = match fs::read_to_string(&stamp) {
        Ok(stamped) if dist.is_dir() => stamped == wanted.clone() + &content(&dist)?,
        _ => false,
    };
    if is_built {
        println!("{} is up to date", dist.display());
        return Ok(());
    }
    let fresh = workspace.target.join("console");
    let mut build = npm(workspace);
    build.args(["run", "build", "--", "--emptyOutDir", "--outDir"]).arg(&fresh);
    run(&mut build)?;
    dist::replace(&dist, &fresh)?;
    fs::write(&stamp, wanted + &content(&dist)?)
        .with_context(|| format!("could not write {}", stamp.display()))
}

/// Builds the console, lints and tests its code, and holds what a browser loads first to its bound.
pub fn check(workspace: &Workspace) -> Result<()> {
    build(workspace)?;
    run(npm(workspace).args(["run", "lint"]))?;
    run(npm(workspace).arg("test"))?;
    let first = dist::first_load(workspace, &folder(workspace).join("dist"))?;
    for (name, bytes) in &first {
        println!("{bytes:>8} {name}");
    }
    let bytes: usize = first.iter().map(|(_, bytes)| bytes).sum();
    println!("{bytes:>8} bytes at first, compressed; at most {FIRST_LOAD_MAX}");
    if bytes > FIRST_LOAD_MAX {
        bail!("a browser loads {bytes} bytes before it shows something, over {FIRST_LOAD_MAX}");
    }
    Ok(())
}

/// The console's folder.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("console")
}

/// npm, in the console's folder.
fn npm(workspace: &Workspace) -> Command {
    let mut command = workspace.command("npm");
    command.current_dir(folder(workspace));
    command
}

/// What a build is made from, as [`numbered`].
fn sources(workspace: &Workspace) -> Result<String> {
    let folder = folder(workspace);
    let mut files = dist::files(&folder, NO_SOURCES)?;
    files.push(PathBuf::from("..").join(CONTRACT));
    numbered(&folder, files)
}

/// What a build has made, as [`numbered`].
fn content(dist: &Path) -> Result<String> {
    numbered(dist, dist::files(dist, &[])?)
}

/// Files of a folder as one number in words: two states of them have two.
fn numbered(folder: &Path, files: Vec<PathBuf>) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = read(&folder.join(&file))?;
        for part in [file.as_os_str().as_encoded_bytes(), &content] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Reads a file.
fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_one_of_what_is_made_is_not() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("openapi/native.json", "{}");
        put("console/index.html", "<p>");
        put("console/src/main.tsx", "1");
        let workspace = Workspace {
            root: root.path().to_owned(),
            target: root.path().join("target"),
            packages: Vec::new(),
        };
        let mut seen = vec![sources(&workspace).unwrap()];
        for made in ["dist/index.html", "node_modules/x/index.js", "src/api/schema.d.ts"] {
            put(&format!("console/{made}"), "x");
        }
        assert_eq!(sources(&workspace).unwrap(), seen[0]);
        for (path, text) in [
            ("console/src/main.tsx", "2"),
            ("console/src/main.test.tsx", ""),
            ("openapi/native.json", "{ }"),
            ("console/public/assets/icon.svg", "<svg/>"),
        ] {
            put(path, text);
            let now = sources(&workspace).unwrap();
            assert!(!seen.contains(&now), "{path}");
            seen.push(now);
        }
    }

    #[test]
    fn what_somebody_else_has_built_is_seen() {
        let dist = tempfile::tempdir().unwrap();
        let mut seen = vec![content(dist.path()).unwrap()];
        for (path, text) in [("index.html", "1"), ("index.html", "2"), ("app.js", "2")] {
            fs::write(dist.path().join(path), text).unwrap();
            let now = content(dist.path()).unwrap();
            assert!(!seen.contains(&now), "{path}");
            seen.push(now);
        }
        fs::remove_file(dist.path().join("app.js")).unwrap();
        assert_eq!(content(dist.path()).unwrap(), seen[2]);
    }
}

//! Where the workspace is, and how its tools are called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The workspace that this program was started in.
#[derive(Deserialize)]
pub struct Workspace {
    /// The folder of the root manifest.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where cargo builds; our tools and virtual environment live there too.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// The workspace's own crates.
    pub packages: Vec<Package>,
}

/// One crate, as `cargo metadata` describes it.
#[derive(Deserialize)]
pub struct Package {
    /// The crate's name.
    pub name: String,
    /// The absolute path of its Cargo.toml.
    pub manifest_path: PathBuf,
    /// What its manifest asks for, of every kind and platform.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Deserialize)]
pub struct Dependency {
    /// The name of the crate depended on.
    pub name: String,
    /// The name it goes by in the code, where the manifest renames it.
    pub rename: Option<String>,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
    /// The folder of a dependency by path, which is one of our own.
    pub path: Option<PathBuf>,
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder. Fails if there is none, or if
    /// Cargo.lock does not fit the manifests.
    pub fn find() -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("could not start cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", output.status);
        }
        serde_json::from_slice(&output.stdout).context("could not read cargo's metadata")
    }

    /// A program to be run in the root, with our own tools first on the path and no input.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root).env("PATH", self.path()).stdin(Stdio::null());
        // `cargo run` tells this program about its own package. Handed on, that makes the build
        // scripts that watch these variables (ring's does) run again at every change of caller.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Cargo with its first arguments, separated by blanks.
    pub fn cargo(&self, args: &str) -> Command {
        let mut command = self.command("cargo");
        command.args(args.split_whitespace());
        command
    }

    /// Where `cargo install` puts the tools that the machine lacks.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The Python of the virtual environment that the tests use.
    pub fn python(&self) -> PathBuf {
        self.target.join("venv/bin/python")
    }

    /// A binary built with the profile that serves every test.
    pub fn ci_binary(&self, name: &str) -> PathBuf {
        self.target.join("ci").join(name)
    }

    /// The search path: our tools, then the caller's.
    fn path(&self) -> OsString {
        let mut path = OsString::from(self.tools().join("bin"));
        if let Some(inherited) = std::env::var_os("PATH") {
            path.push(":");
            path.push(inherited);
        }
        path
    }
}

/// Runs a command to its end, its output going where ours goes. The command line is printed
/// first. Fails if it can't be started or does not end with status 0.
pub fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("could not start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command quietly and gives its standard output, or `None` where the program is missing
/// or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it, but for quotes.
fn command_line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

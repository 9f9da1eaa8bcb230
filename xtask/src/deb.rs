//! `cargo xtask deb`: the Debian package, put together from `packaging/` by Debian's own
//! `dpkg-deb`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::console;
use crate::workspace::{Workspace, output_of, run};

/// Arguments of `cargo xtask deb`.
#[derive(Args)]
pub struct DebArgs {
    /// Package this program, rather than build one for release with the console
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The folder that the package goes to [default: target/deb]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Where the data directory is in the printed configuration, and in the package's.
const DATA_DEFAULT: &str = "data = \"fleetwright-data\"";
const DATA_INSTALLED: &str = "data = \"/var/lib/fleetwright\"";

/// Files that are installed as they are: from the root, in the package, and their permissions.
const FILES: &[(&str, &str, u32)] = &[
    ("packaging/fleetwright.service", "usr/lib/systemd/system/fleetwright.service", 0o644),
    ("packaging/fleetwright.sysusers", "usr/lib/sysusers.d/fleetwright.conf", 0o644),
    ("packaging/deb/copyright", "usr/share/doc/fleetwright/copyright", 0o644),
    ("packaging/grafana/fleetwright.json", "usr/share/fleetwright/grafana/fleetwright.json", 0o644),
    ("packaging/deb/postinst", "DEBIAN/postinst", 0o755),
    ("packaging/deb/prerm", "DEBIAN/prerm", 0o755),
    ("packaging/deb/postrm", "DEBIAN/postrm", 0o755),
];

/// The completions of each shell: its name, and where Debian has them.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "usr/share/bash-completion/completions/fleetwright"),
    ("zsh", "usr/share/zsh/vendor-completions/_fleetwright"),
    ("fish", "usr/share/fish/vendor_completions.d/fleetwright.fish"),
];

/// Makes the package and prints where it is.
pub fn make(workspace: &Workspace, args: &DebArgs) -> Result<()> {
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => {
            console::build(workspace)?;
            run(&mut workspace.cargo("build --release --package fleetwright --locked"))?;
            workspace.target.join("release/fleetwright")
        }
    };
    let folder = args.to.clone().unwrap_or_else(|| workspace.target.join("deb"));
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)
            .with_context(|| format!("could not remove {}", tree.display()))?;
    }
    for (from, to, mode) in FILES {
        put(&tree, to, &read(&workspace.root.join(from))?, *mode)?;
    }
    let program = tree.join("usr/bin/fleetwright");
    put(&tree, "usr/bin/fleetwright", b"", 0o755)?;
    let mut strip = workspace.command("strip");
    run(strip.args(["--strip-debug", "-o"]).arg(&program).arg(&binary))?;
    put(&tree, "etc/fleetwright/fleetwright.toml", &configuration(workspace, &binary)?, 0o640)?;
    put(&tree, "DEBIAN/conffiles", b"/etc/fleetwright/fleetwright.toml\n", 0o644)?;
    documents(workspace, &binary, &tree)?;
    let control = control(workspace, &binary, &tree)?;
    put(&tree, "DEBIAN/control", control.text.as_bytes(), 0o644)?;
    let package = folder.join(control.file_name);
    let mut build = workspace.command("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "-z3", "--build"]).arg(&tree).arg(&package);
    run(&mut build)?;
    println!("{}", package.display());
    Ok(())
}

/// The configuration that is installed: every default with its words, but for the data directory.
fn configuration(workspace: &Workspace, binary: &Path) -> Result<Vec<u8>> {
    let printed = said(workspace.command(binary).args(["config", "default"]))?;
    if printed.matches(DATA_DEFAULT).count() != 1 {
        bail!("`fleetwright config default` does not say `{DATA_DEFAULT}` once");
    }
    Ok(printed.replace(DATA_DEFAULT, DATA_INSTALLED).into_bytes())
}

/// Manual pages, completions and the changelog.
fn documents(workspace: &Workspace, binary: &Path, tree: &Path) -> Result<()> {
    let pages = tree.join("usr/share/man/man1");
    make_folder(&pages)?;
    said(workspace.command(binary).arg("man").arg(&pages))?;
    let mut compressed = 0;
    for entry in fs::read_dir(&pages).context("could not list the manual pages")? {
        let path = entry.context("could not list the manual pages")?.path();
        compress(workspace, &path)?;
        compressed += 1;
    }
    if compressed == 0 {
        bail!("`fleetwright man` wrote no page");
    }
    for (shell, to) in COMPLETIONS {
        let text = said(workspace.command(binary).args(["completions", shell]))?;
        put(tree, to, text.as_bytes(), 0o644)?;
    }
    let changelog = "usr/share/doc/fleetwright/changelog";
    put(tree, changelog, &read(&workspace.root.join("CHANGELOG.md"))?, 0o644)?;
    compress(workspace, &tree.join(changelog))
}

/// What `DEBIAN/control` says, and what the package is called.
struct Control {
    text: String,
    file_name: String,
}

/// The control file: what the template says, of this program and this tree.
fn control(workspace: &Workspace, binary: &Path, tree: &Path) -> Result<Control> {
    let printed = said(workspace.command(binary).arg("--version"))?;
    let version = printed.split_whitespace().nth(1).context("no version")?.to_owned();
    let architecture = said(workspace.command("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let size = said(workspace.command("du").args(["-sk", "--apparent-size"]).arg(tree))?;
    let size = size.split_whitespace().next().context("no size")?.to_owned();
    let libc = libc_version(&read(binary)?).context("the program names no version of glibc")?;
    let template = String::from_utf8(read(&workspace.root.join("packaging/deb/control"))?)
        .context("the template is not UTF-8")?;
    let text = template
        .replace("@VERSION@", &version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@INSTALLED_SIZE@", &size)
        .replace("@LIBC@", &format!("2.{libc}"));
    Ok(Control { text, file_name: format!("fleetwright_{version}_{architecture}.deb") })
}

/// The newest `GLIBC_2.N` that a program asks its loader for: N.
fn libc_version(program: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"GLIBC_2.";
    let ends = program.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME);
    let numbers = ends.filter_map(|(start, _)| {
        let rest = program.get(start + NAME.len()..)?;
        let digits: String = rest
            .iter()
            .map_while(|byte| byte.is_ascii_digit().then_some(char::from(*byte)))
            .collect();
        digits.parse::<u32>().ok()
    });
    numbers.max()
}

/// Compresses a file in its place, the same at every time.
fn compress(workspace: &Workspace, path: &Path) -> Result<()> {
    said(workspace.command("gzip").args(["-9", "-n"]).arg(path)).map(drop)
}

/// What a command prints. Fails with what it said if it does not succeed.
fn said(command: &mut Command) -> Result<String> {
    match output_of(command) {
        Some(printed) => Ok(printed),
        None => bail!("{command:?} failed"),
    }
}

/// Writes a file of the tree, with its folders.
fn put(tree: &Path, to: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let path = tree.join(to);
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("could not set the permissions of {}", path.display()))
}

/// Makes a folder and those above it, open to all whatever the caller's mask is.
fn make_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folder(above)?;
    }
    fs::create_dir(path).with_context(|| format!("could not make {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("could not set the permissions of {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_glibc_counts() {
        let program = b"..GLIBC_2.17\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE";
        assert_eq!(libc_version(program), Some(34));
        assert_eq!(libc_version(b"GLIBC_2."), None);
        assert_eq!(libc_version(b""), None);
    }
}

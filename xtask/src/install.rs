//! What the tests and measurements need on the machine, beyond a Rust toolchain.
//!
//! Everything is pinned, looked for first and installed only where it is missing. What is
//! missing and can't be installed is an error that names the command to run, never a skip.

mod apt;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::console;
use crate::workspace::{Workspace, output_of, run};

/// The test runner, as the repository's settings in `.config/nextest.toml` were tried with.
const NEXTEST: &str = "cargo-nextest@0.9.143";

/// The checker of licences, bans and sources that `deny.toml` is written for.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

/// The oldest adb and adbd that the tests are written against: 34 is the first in Debian with
/// `adb pair`, and the only one with a packaged daemon.
const ADB_MAJOR: u32 = 34;

/// Where Debian's package puts the daemon.
const ADBD: &str = "/usr/sbin/adbd";

/// The pinned Python packages, relative to the root.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// Installs what `cargo xtask test` needs.
pub fn for_tests(workspace: &Workspace) -> Result<()> {
    if output_of(&mut workspace.cargo("nextest --version")).is_none() {
        cargo_install(workspace, NEXTEST)?;
    }
    compiler(workspace)?;
    adb(workspace)?;
    sip_peers(workspace)?;
    databases(workspace)?;
    packaging(workspace)?;
    debian(workspace, BROWSER)?;
    console::install(workspace)?;
    python(workspace)
}

/// The browser that the console is tested in, what it draws Chinese with, and the Debian packages
/// that they are in.
const BROWSER: &[(&str, &str)] = &[
    ("/usr/bin/chromium", "chromium"),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "fonts-noto-cjk"),
];

/// The SIP programs that share no code with ours: each program, and the Debian package it is in.
const SIP_PEERS: &[(&str, &str)] = &[
    ("/usr/bin/sipp", "sip-tester"),
    ("/usr/bin/sipsak", "sipsak"),
    ("/usr/bin/baresip", "baresip-core"),
];

/// Installs the SIP programs that cameras are tested with, unless they are there.
fn sip_peers(workspace: &Workspace) -> Result<()> {
    debian(workspace, SIP_PEERS)
}

/// PostgreSQL, and what keeps a replicated one in service: each program, and the Debian package it
/// is in. Patroni speaks to PostgreSQL and to etcd by Python modules that it only recommends.
const DATABASES: &[(&str, &str)] = &[
    ("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"),
    ("/usr/bin/patroni", "patroni"),
    ("/usr/bin/etcd", "etcd-server"),
    ("/usr/lib/python3/dist-packages/psycopg2/__init__.py", "python3-psycopg2"),
];

/// Installs what the tests of several nodes stand on, unless it is there. Debian's packages start
/// servers of their own as they are installed; these are not used.
fn databases(workspace: &Workspace) -> Result<()> {
    debian(workspace, DATABASES)
}

/// What makes and judges the Debian package: each program, and the Debian package it is in.
const PACKAGING: &[(&str, &str)] = &[
    ("/usr/bin/dpkg-deb", "dpkg"),
    ("/usr/bin/strip", "binutils"),
    ("/usr/bin/systemd-analyze", "systemd"),
    ("/usr/bin/systemd-sysusers", "systemd"),
];

/// Installs what the Debian package is made and judged by, unless it is there.
fn packaging(workspace: &Workspace) -> Result<()> {
    debian(workspace, PACKAGING)
}

/// Installs Kamailio, which the measurements run beside our registrar, unless it is there.
pub fn kamailio(workspace: &Workspace) -> Result<()> {
    debian(workspace, &[("/usr/sbin/kamailio", "kamailio"), ("/usr/bin/sipp", "sip-tester")])
}

/// Installs those of Debian's packages whose programs are missing.
fn debian(workspace: &Workspace, programs: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !Path::new(program).is_file())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install {}", missing.join(" "));
    require_root(workspace, &missing.join(", "), &by_hand)?;
    apt_get(workspace, &["update"])?;
    apt_get(workspace, &[&["install"], missing.as_slice()].concat())
}

/// Installs a C++ compiler, which builds libFuzzer, unless it is there. (A C compiler, which
/// SQLite needs, comes with it.)
fn compiler(workspace: &Workspace) -> Result<()> {
    if output_of(workspace.command("c++").arg("--version")).is_some() {
        return Ok(());
    }
    require_root(workspace, "a C++ compiler", "apt-get install g++")?;
    apt_get(workspace, &["update"])?;
    apt_get(workspace, &["install", "g++"])
}

/// Installs cargo-deny, unless it is there.
pub fn cargo_deny(workspace: &Workspace) -> Result<()> {
    if output_of(&mut workspace.cargo("deny --version")).is_none() {
        cargo_install(workspace, CARGO_DENY)?;
    }
    Ok(())
}

/// Installs PostgreSQL, which the measurements run beside ours, unless it is there.
pub fn postgresql(workspace: &Workspace) -> Result<()> {
    databases(workspace)
}

/// Builds a tool of ours from crates.io into the target folder. Unoptimised: these run for
/// seconds, and an optimised build of them takes minutes.
fn cargo_install(workspace: &Workspace, tool: &str) -> Result<()> {
    let mut command = workspace.cargo("install --locked --debug --root");
    run(command.arg(workspace.tools()).arg(tool))
}

/// Installs Debian's adb and adbd from backports, unless they are there.
fn adb(workspace: &Workspace) -> Result<()> {
    let version = output_of(workspace.command("adb").arg("--version"));
    let major = version.as_deref().and_then(adb_major);
    if major.is_some_and(|major| major >= ADB_MAJOR) && Path::new(ADBD).is_file() {
        println!("adb {ADB_MAJOR} and {ADBD} are there");
        return Ok(());
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(codename) = apt::codename(&release) else {
        bail!("adb and adbd {ADB_MAJOR} are missing, and this is no Debian: install them by hand");
    };
    let suite = format!("{codename}-backports");
    let by_hand = format!("apt-get install -t {suite} adb adbd (with {suite} in apt's sources)");
    require_root(workspace, "adb and adbd 34", &by_hand)?;
    apt::add_backports(Path::new("/etc/apt"), &codename)?;
    apt_get(workspace, &["update"])?;
    apt_get(workspace, &["install", "--target-release", &suite, "adb", "adbd"])
}

/// The major version in what `adb --version` prints (`Version 34.0.5-debian`).
fn adb_major(printed: &str) -> Option<u32> {
    let version = printed.lines().find_map(|line| line.strip_prefix("Version "))?;
    version.split('.').next()?.parse().ok()
}

/// Runs apt-get so that it never asks and waits its turn.
fn apt_get(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let mut command = workspace.command("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["--yes", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=300"])
        .args(["--option", "Acquire::Retries=3"])
        .args(args);
    run(&mut command)
}

/// Fails, naming the command for a person to run, unless this process may install packages.
fn require_root(workspace: &Workspace, what: &str, by_hand: &str) -> Result<()> {
    let user = output_of(workspace.command("id").arg("-u")).unwrap_or_default();
    if user.trim() != "0" {
        bail!("{what} missing; as root, run: {by_hand}");
    }
    Ok(())
}

/// Makes the virtual environment with the pinned packages, unless one made from the same pins
/// is there. Nothing beyond the pins is installed: the file names every package.
fn python(workspace: &Workspace) -> Result<()> {
    let venv = workspace.target.join("venv");
    let stamp = venv.join("requirements.stamp");
    let wanted = fs::read_to_string(workspace.root.join(REQUIREMENTS))
        .with_context(|| format!("could not read {REQUIREMENTS}"))?;
    let pip_check = ["-m", "pip", "check"];
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted)
        && output_of(workspace.command(workspace.python()).args(pip_check)).is_some()
    {
        println!("{} is up to date", venv.display());
        return Ok(());
    }
    if venv.exists() {
        fs::remove_dir_all(&venv)
            .with_context(|| format!("could not remove {}", venv.display()))?;
    }
    make_venv(workspace, &venv)?;
    let mut install = workspace.command(workspace.python());
    install.args(["-m", "pip", "install", "--no-deps", "--disable-pip-version-check"]);
    run(install.args(["--quiet", "--requirement", REQUIREMENTS]))?;
    run(workspace.command(workspace.python()).args(pip_check))?;
    fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))
}

/// Makes an empty virtual environment. Debian ships the module for it in a package of its own.
fn make_venv(workspace: &Workspace, venv: &Path) -> Result<()> {
    let make = || -> Command {
        let mut command = workspace.command("python3");
        command.args(["-m", "venv"]).arg(venv);
        command
    };
    if run(&mut make()).is_ok() {
        return Ok(());
    }
    require_root(workspace, "Python's venv module", "apt-get install python3-venv")?;
    apt_get(workspace, &["update"])?;
    apt_get(workspace, &["install", "python3-venv"])?;
    run(&mut make())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_adb_is_read() {
        let check = |printed: &str, major| assert_eq!(adb_major(printed), major, "{printed:?}");
        check("Android Debug Bridge version 1.0.41\nVersion 34.0.5-debian\nRunning", Some(34));
        check("Android Debug Bridge version 1.0.41\nVersion 28.0.2-debian\n", Some(28));
        check("Android Debug Bridge version 1.0.41\n", None);
        check("", None);
    }

    #[test]
    fn every_python_package_is_pinned() {
        let pins = include_str!("../../tests/python/requirements.txt");
        let packages: Vec<&str> = pins.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(packages.iter().all(|line| line.contains("==")), "{packages:?}");
        assert!(packages.contains(&"huaweicloudsdkcph==3.1.219"));
    }
}

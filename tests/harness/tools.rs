//! Where the programs are that the tests run. A missing one fails the test and says how to get it.

use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the workspace")
}

/// The product, built with its fault points.
pub fn fleetwright() -> PathBuf {
    program("FLEETWRIGHT_BIN", "target/ci/fleetwright", "cargo xtask test build")
}

/// The Android commands that Debian's adbd lacks.
pub fn android_userland() -> PathBuf {
    program("FLEETWRIGHT_USERLAND", "target/ci/android-userland", "cargo xtask test build")
}

/// A Python that has Huawei's SDK and Tencent's signer.
pub fn python() -> PathBuf {
    program("FLEETWRIGHT_PYTHON", "target/venv/bin/python", "cargo xtask test install")
}

/// SIPp, which plays cameras by a scenario.
pub fn sipp() -> PathBuf {
    program("FLEETWRIGHT_SIPP", "/usr/bin/sipp", "cargo xtask test install")
}

/// sipsak, which registers from the command line.
pub fn sipsak() -> PathBuf {
    program("FLEETWRIGHT_SIPSAK", "/usr/bin/sipsak", "cargo xtask test install")
}

/// baresip, a telephone.
pub fn baresip() -> PathBuf {
    program("FLEETWRIGHT_BARESIP", "/usr/bin/baresip", "cargo xtask test install")
}

/// Debian's adb.
pub fn adb() -> PathBuf {
    program("FLEETWRIGHT_ADB", "/usr/bin/adb", "cargo xtask test install")
}

/// One of PostgreSQL's programs, of the version that Debian 12 has.
pub fn postgresql(name: &str) -> PathBuf {
    let path = Path::new("/usr/lib/postgresql/15/bin").join(name);
    assert!(
        path.is_file(),
        "{} is not there; `cargo xtask test install` brings it",
        path.display()
    );
    path
}

/// Chromium, the browser that the console is tested in.
pub fn chromium() -> PathBuf {
    program("FLEETWRIGHT_CHROMIUM", "/usr/bin/chromium", "cargo xtask test install")
}

/// Node, which runs what drives the browser, with the packages of `console/`.
pub fn node() -> PathBuf {
    let packages = workspace().join("console/node_modules/playwright-core");
    assert!(
        packages.is_dir(),
        "{} is not there; `cargo xtask test install` brings it",
        packages.display()
    );
    let variable = std::env::var_os("FLEETWRIGHT_NODE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("node"));
    let node = variable.or_else(|| found.into_iter().find(|node| node.is_file()));
    node.expect("node is not in PATH; install Node 20.19 or later, https://nodejs.org")
}

/// Patroni, which keeps one PostgreSQL of several the primary.
pub fn patroni() -> PathBuf {
    program("FLEETWRIGHT_PATRONI", "/usr/bin/patroni", "cargo xtask test install")
}

/// etcd, where Patroni keeps who is the primary.
pub fn etcd() -> PathBuf {
    program("FLEETWRIGHT_ETCD", "/usr/bin/etcd", "cargo xtask test install")
}

/// What judges systemd's units.
pub fn systemd_analyze() -> PathBuf {
    program("FLEETWRIGHT_SYSTEMD_ANALYZE", "/usr/bin/systemd-analyze", "cargo xtask test install")
}

/// `cargo xtask`, built, which makes the Debian package.
pub fn xtask() -> PathBuf {
    program("FLEETWRIGHT_XTASK", "target/debug/xtask", "cargo build --package xtask")
}

/// The program that the environment variable names, or else the one at `usual`, from the
/// workspace's root. `remedy` is what brings it there.
fn program(variable: &str, usual: &str, remedy: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => workspace().join(usual),
    };
    assert!(
        path.is_file(),
        "{} is not there; `{remedy}` brings it, or {variable} names another",
        path.display()
    );
    path
}

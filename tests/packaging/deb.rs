//! The Debian package: made, installed into an empty tree as into a new machine, run, installed
//! again, removed and purged. No systemd runs where tests run, as in a container.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{files_below, finish};
use crate::harness::server::{Process, own_environment};
use crate::harness::tools;

/// An empty tree that dpkg knows as a machine, and the package.
struct Machine {
    folder: TempDir,
    package: PathBuf,
}

impl Machine {
    /// Makes the package of the program that the tests run.
    fn new() -> Self {
        let user = finish(Command::new("id").arg("-u"));
        assert_eq!(user.trim(), "0", "dpkg gives files to other users: it takes root");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = folder.path().join("made");
        let mut xtask = Command::new(tools::xtask());
        xtask.current_dir(tools::workspace()).args(["deb", "--binary"]).arg(tools::fleetwright());
        finish(xtask.arg("--to").arg(&made));
        let mut packages = files_below(&made, "deb");
        assert_eq!(packages.len(), 1, "{packages:?}");
        let machine = Self { package: packages.remove(0), folder };
        for below in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"] {
            fs::create_dir_all(machine.path(below)).expect("make a folder");
        }
        fs::write(machine.path("var/lib/dpkg/status"), "").expect("write dpkg's state");
        machine
    }

    /// A path of the tree.
    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("root").join(below)
    }

    /// Runs dpkg on the tree, and gives what it and the package's programs printed. What the
    /// package depends on is not in the tree: its programs run on this machine.
    fn dpkg(&self, args: &[&str]) -> String {
        let mut dpkg = Command::new("dpkg");
        let mut root = std::ffi::OsString::from("--root=");
        root.push(self.path(""));
        dpkg.arg(root).args(["--force-script-chrootless", "--force-depends"]).args(args);
        finish(dpkg.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()))
    }

    fn install(&self) {
        self.dpkg(&["--install", &self.package.to_string_lossy()]);
    }

    /// Owner, group and permissions of a path.
    fn owner(&self, below: &str) -> (u32, u32, u32) {
        let path = self.path(below);
        let data = fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (data.uid(), data.gid(), data.permissions().mode() & 0o7777)
    }

    /// The ids of the user that the package has made.
    fn user(&self) -> (u32, u32) {
        let users = fs::read_to_string(self.path("etc/passwd")).expect("the users");
        let line = users.lines().find(|line| line.starts_with("fleetwright:"));
        let mut fields = line.unwrap_or_else(|| panic!("no user: {users}")).split(':').skip(2);
        let mut id = || fields.next().and_then(|id| id.parse().ok()).expect("an id");
        (id(), id())
    }
}

/// Starts the installed program as the unit does, but with its data and address elsewhere, asks it
/// whether it lives, and stops it.
fn serve(program: &Path, config: &Path, data: &Path) {
    let mut command = Command::new(program);
    command.args(["serve", "--http", "127.0.0.1:0", "--sip", "none"]);
    command.arg("--config").arg(config).arg("--data").arg(data).stdout(Stdio::null());
    let process = Process::start(&mut command);
    let ready = process.wait_for_line("ready ");
    let http = ready.split(' ').find_map(|word| word.strip_prefix("http="));
    let url = format!("http://{}/healthz", http.expect("an address"));
    let answer = ureq::get(&url).call().expect("an answer");
    assert_eq!(answer.status(), 200);
    process.signal("TERM");
    assert!(process.wait("the installed server to end").success());
}

#[test]
fn the_package_installs_runs_and_goes() {
    let machine = Machine::new();
    machine.install();
    let (user, group) = machine.user();
    let (program, config) =
        (machine.path("usr/bin/fleetwright"), machine.path("etc/fleetwright/fleetwright.toml"));

    // The configuration may come to hold a password, and the data directory holds the keys.
    assert_eq!(machine.owner("etc/fleetwright/fleetwright.toml"), (0, group, 0o640));
    assert_eq!(machine.owner("etc/fleetwright"), (0, group, 0o750));
    assert_eq!(machine.owner("var/lib/fleetwright"), (user, group, 0o700));
    assert_eq!(machine.owner("usr/bin/fleetwright"), (0, 0, 0o755));
    for file in [
        "usr/lib/systemd/system/fleetwright.service",
        "usr/share/bash-completion/completions/fleetwright",
        "usr/share/zsh/vendor-completions/_fleetwright",
        "usr/share/fish/vendor_completions.d/fleetwright.fish",
        "usr/share/man/man1/fleetwright.1.gz",
        "usr/share/man/man1/fleetwright-serve.1.gz",
        "usr/share/doc/fleetwright/changelog.gz",
        "usr/share/doc/fleetwright/copyright",
        "usr/share/fleetwright/grafana/fleetwright.json",
    ] {
        assert_eq!(machine.owner(file), (0, 0, 0o644), "{file}");
    }

    let mut check = Command::new(&program);
    own_environment(&mut check);
    finish(check.args(["config", "check"]).arg(&config));
    let text = fs::read_to_string(&config).expect("the configuration");
    assert!(text.contains("\ndata = \"/var/lib/fleetwright\"\n"), "{text}");
    let elsewhere = machine.folder.path().join("data");
    serve(&program, &config, &elsewhere);
    assert!(elsewhere.join("master-key").is_file());

    // What the operator has changed stays, and so do his permissions.
    let changed = text.replace("sweep_per_second = ", "# by hand\nsweep_per_second = ");
    assert_ne!(changed, text);
    fs::write(&config, &changed).expect("change the configuration");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).expect("a mode");
    let key = machine.path("var/lib/fleetwright/master-key");
    fs::write(&key, "the only one").expect("write a key");
    machine.install();
    assert_eq!(fs::read_to_string(&config).expect("the configuration"), changed);
    assert_eq!(machine.owner("etc/fleetwright/fleetwright.toml"), (0, group, 0o600));
    assert_eq!(machine.user(), (user, group));

    machine.dpkg(&["--remove", "fleetwright"]);
    assert!(!program.exists() && config.is_file(), "removed is not purged");
    let said = machine.dpkg(&["--purge", "fleetwright"]);
    assert!(!machine.path("etc/fleetwright").exists());
    assert!(said.contains("/var/lib/fleetwright stays"), "{said}");
    assert!(key.is_file(), "a purge must not take the keys");
    let left = machine.dpkg(&["--list"]);
    assert!(!left.contains("fleetwright"), "{left}");
}

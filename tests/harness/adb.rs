//! Debian's adb as a second opinion of what a phone shows, and Debian's adbd as real phones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use simulator::adbd::Adbd;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::phones::PROJECT;
use super::sip::free_port;
use super::{PATIENCE, tools, wait_for};

/// An adb with a server and keys of its own. The server ends with this value.
pub struct Adb {
    home: TempDir,
    port: u16,
}

impl Adb {
    /// An adb whose server is started by its first command.
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary folder"), port: free_port() }
    }

    /// Runs `adb ARGS`.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(tools::adb());
        command.env("HOME", self.home.path()).env("TMPDIR", self.home.path());
        command.env("ANDROID_ADB_SERVER_PORT", self.port.to_string());
        command.env_remove("ADB_VENDOR_KEYS").env_remove("ANDROID_SERIAL").args(args);
        command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
    }

    /// What a phone's own `getprop` prints of a property, without the closing line feed.
    pub fn getprop(&self, address: SocketAddr, name: &str) -> String {
        self.shell(address, &["getprop", name])
    }

    /// What a command prints on a phone, without the closing line feed. adb joins its words with
    /// blanks for the phone's shell.
    pub fn shell(&self, address: SocketAddr, command: &[&str]) -> String {
        let address = address.to_string();
        let output = wait_for("adb to reach the phone", PATIENCE, || {
            let shell = [&["-s", address.as_str(), "shell"], command].concat();
            let output = self.run(&shell);
            if output.status.success() {
                return Some(output);
            }
            // adb keeps a connection whose daemon was killed as "offline" for a while.
            self.run(&["disconnect", &address]);
            self.run(&["connect", &address]);
            None
        });
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }
}

impl Drop for Adb {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

/// Where a set is held, in [`RealPhones::hold_set_of`].
const HOLD: &str = "hold";
/// Says that it is held there.
const HELD: &str = "held";

/// Phones that are a real adbd each, with a state of their own. They end with this value.
pub struct RealPhones {
    runtime: Runtime,
    folder: TempDir,
    phones: Vec<Adbd>,
}

impl RealPhones {
    /// Boots so many phones.
    pub fn start(count: usize) -> Self {
        // Fails with a sentence if it is not there; adbd itself is named by the error of its start.
        tools::android_userland();
        let runtime = Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut real = Self { runtime, folder, phones: Vec::new() };
        real.phones = (0..count).map(|index| real.boot(index, 0)).collect();
        real
    }

    /// Boots the phone with this index on a port, with what it held before.
    fn boot(&self, index: usize, port: u16) -> Adbd {
        let started = self.runtime.block_on(Adbd::start(self.folder_of(index), port));
        started.unwrap_or_else(|e| panic!("adbd {index}: {e}: {:?}", std::error::Error::source(&e)))
    }

    /// Where the phone keeps its state, and where its commands run.
    pub fn folder_of(&self, index: usize) -> PathBuf {
        self.folder.path().join(index.to_string())
    }

    /// Where the phone listens.
    pub fn address(&self, index: usize) -> SocketAddr {
        self.phones[index].address()
    }

    /// The phone's id on record.
    pub fn id(index: usize) -> String {
        format!("{index:032x}")
    }

    /// The phone's record, with the address at which it listens now.
    pub fn record(&self, index: usize, profile: &str) -> Value {
        json!({
            "kind": "phone",
            "project": PROJECT,
            "id": Self::id(index),
            "name": format!("real-{index}"),
            "server": "server-001",
            "address": self.address(index).to_string(),
            "profile": profile,
        })
    }

    /// A property's value; empty if it is not set.
    pub fn get(&self, index: usize, name: &str) -> String {
        self.phones[index].get(name).expect("the phone's state")
    }

    /// Kills the daemon as `kill -9` does. What it has started may live on.
    pub fn kill(&mut self, index: usize) {
        self.runtime.block_on(self.phones[index].kill());
    }

    /// Starts a killed daemon again, on the same port and with the same state.
    pub fn restart(&mut self, index: usize) {
        self.runtime.block_on(self.phones[index].restart()).expect("adbd starts again");
    }

    /// Both phones go off and come back, each at the other's address.
    pub fn swap_addresses(&mut self, one: usize, other: usize) {
        let (port, other_port) = (self.address(one).port(), self.address(other).port());
        self.kill(one);
        self.kill(other);
        self.phones[one] = self.boot(one, other_port);
        self.phones[other] = self.boot(other, port);
    }

    /// From now on the next `setprop NAME` of the phone stops before it has any effect.
    pub fn hold_set_of(&self, index: usize, name: &str) {
        let folder = self.folder_of(index);
        let [hold, held] = [HOLD, HELD].map(|file| quoted(&folder.join(file)));
        let userland = quoted(&tools::android_userland());
        // Once let go, what was held fails: its daemon is dead, and so is what it had started.
        let script = format!(
            "#!/bin/sh\n\
             if [ \"$1\" = {name} ] && [ -e {hold} ]; then\n\
             : > {held}\n\
             while [ -e {hold} ]; do sleep 0.02; done\n\
             exit 1\n\
             fi\n\
             exec {userland} setprop \"$@\"\n"
        );
        std::fs::write(folder.join(HOLD), "").expect("write");
        let new = folder.join("setprop.new");
        std::fs::write(&new, script).expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&new, mode).expect("make it executable");
        std::fs::rename(new, folder.join("bin/setprop")).expect("replace setprop");
    }

    /// Whether a `setprop` is held.
    pub fn holds(&self, index: usize) -> bool {
        self.folder_of(index).join(HELD).exists()
    }

    /// Lets what is held go, and holds nothing any more.
    pub fn let_go(&self, index: usize) {
        std::fs::remove_file(self.folder_of(index).join(HOLD)).expect("remove");
    }
}

/// A path as one word of a shell script.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

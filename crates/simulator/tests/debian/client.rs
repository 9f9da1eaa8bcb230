//! Debian's `adb`, with a server and a home of its own for each test.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use simulator::adbd::free_port;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// Longest that any one call of adb may take, or anything else about a phone.
pub const CALL_MAX: Duration = Duration::from_secs(60);

/// An adb client with its server.
pub struct Adb {
    home: tempfile::TempDir,
    port: u16,
}

/// What a call gave: exit status, standard output, standard error.
pub type Answer = (i32, String, String);

impl Adb {
    /// An adb with a fresh home, hence a fresh key, and its server on a free port.
    pub fn new() -> Self {
        Adb { home: tempfile::tempdir().unwrap(), port: free_port().unwrap() }
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("/usr/bin/adb");
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .env("ANDROID_ADB_SERVER_PORT", self.port.to_string())
            .env("ADB_MDNS_OPENSCREEN", "0")
            .env("ADB_MDNS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Calls adb, with its input closed.
    pub async fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Answer {
        let output = self.command(args).output();
        let output = timeout(CALL_MAX, output).await.expect("adb hangs");
        answer(&output.expect("Debian's adb 34"))
    }

    /// Calls adb with something on its input.
    pub async fn call_with<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Answer {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("Debian's adb 34");
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read ends before it has all of its input.
        let _ = stdin.write_all(input).await;
        drop(stdin);
        let output = timeout(CALL_MAX, child.wait_with_output()).await.expect("adb hangs");
        answer(&output.unwrap())
    }

    /// `adb -s ADDRESS shell SCRIPT`.
    pub async fn shell(&self, address: SocketAddr, script: &str) -> Answer {
        self.call(&["-s", &address.to_string(), "shell", script]).await
    }

    /// `adb connect`, whatever it says.
    pub async fn connect(&self, address: SocketAddr) -> String {
        let (_, stdout, stderr) = self.call(&["connect", &address.to_string()]).await;
        stdout + &stderr
    }

    /// Connects, trying again until the phone is there and answers.
    pub async fn connected(&self, address: SocketAddr) {
        let deadline = Instant::now() + CALL_MAX;
        loop {
            let said = self.connect(address).await;
            let (_, state, _) = self.call(&["-s", &address.to_string(), "get-state"]).await;
            if state == "device\n" {
                return;
            }
            assert!(Instant::now() < deadline, "{said}{state}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Connects anew: adb's server may not have noticed yet that the last connection is dead.
    pub async fn reconnected(&self, address: SocketAddr) {
        self.call(&["disconnect", &address.to_string()]).await;
        self.connected(address).await;
    }

    /// The public key that the client has made for itself.
    pub async fn public_key(&self) -> String {
        let path = self.home.path().join("own-key");
        let made = self.call(&[OsStr::new("keygen"), path.as_os_str()]).await;
        assert_eq!(made.0, 0, "{made:?}");
        let folder = self.home.path().join(".android");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::rename(&path, folder.join("adbkey")).unwrap();
        let public = folder.join("adbkey.pub");
        std::fs::rename(path.with_extension("pub"), &public).unwrap();
        read(&public)
    }
}

impl Drop for Adb {
    fn drop(&mut self) {
        let kill = std::process::Command::new("/usr/bin/adb")
            .arg("kill-server")
            .env("HOME", self.home.path())
            .env("ANDROID_ADB_SERVER_PORT", self.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        drop(kill);
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn answer(output: &Output) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

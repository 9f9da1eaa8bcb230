//! A real `adbd` on this machine, with a phone's state of its own: for tests.
//!
//! Debian's `adbd` 34 takes its port from `ADBD_PORT` and passes its environment on to every
//! shell, so `PATH` and the phone's folder reach the commands. Several run side by side: the only
//! thing they share is an abstract socket for Java debuggers, whose loss they log and bear.
//! It has no `reboot:` service; [`Adbd::reboot`] stands in for one.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::userland::{COMMANDS, FOLDER_VARIABLE, Folder, FolderError};

/// Where Debian's package puts the daemon.
const DAEMON: &str = "/usr/sbin/adbd";
/// Names the program `android-userland`; without it, it is looked for near the running program.
pub const USERLAND_VARIABLE: &str = "FLEETWRIGHT_USERLAND";
/// How long the daemon may take to listen, or its port to come free.
const START_MAX: Duration = Duration::from_secs(60);
/// How often its port is tried meanwhile.
const RETRY: Duration = Duration::from_millis(10);

/// Why there is no adbd.
#[derive(Debug, thiserror::Error)]
pub enum AdbdError {
    /// The program `android-userland` is nowhere.
    #[error("no android-userland: build it (cargo build -p simulator) or set {USERLAND_VARIABLE}")]
    Userland,
    /// The daemon is not installed or does not start.
    #[error("cannot start {DAEMON} (Debian's package adbd)")]
    Start(#[source] io::Error),
    /// A file of the phone's could not be made.
    #[error("cannot prepare {}", path.display())]
    Prepare {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No free port.
    #[error("no free port")]
    Port(#[source] io::Error),
    /// The daemon does not listen in time; its log is in the folder.
    #[error("adbd does not listen on {address}; see {}", log.display())]
    Silent {
        /// Where it should listen.
        address: SocketAddr,
        /// Its log.
        log: PathBuf,
    },
    /// The phone's state.
    #[error("the phone's state failed")]
    Folder(#[from] FolderError),
}

/// A running daemon; it dies with this value.
#[derive(Debug)]
pub struct Adbd {
    directory: PathBuf,
    folder: Folder,
    address: SocketAddr,
    child: Option<Child>,
}

impl Adbd {
    /// Boots a phone in `directory` and starts its daemon on `port` (0: some free one). Returns
    /// when it listens.
    pub async fn start(directory: impl AsRef<Path>, port: u16) -> Result<Self, AdbdError> {
        let directory = directory.as_ref().to_path_buf();
        let userland = find_userland()?;
        let folder = Folder::open(directory.join("phone"))?;
        folder.boot()?;
        let bin = directory.join("bin");
        std::fs::create_dir_all(&bin).map_err(prepare(&bin))?;
        for name in COMMANDS {
            let link = bin.join(name);
            match std::os::unix::fs::symlink(&userland, &link) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(prepare(&link)(error));
                }
                _ => {}
            }
        }
        let port = if port == 0 { free_port().map_err(AdbdError::Port)? } else { port };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut adbd = Adbd { directory, folder, address, child: None };
        adbd.restart().await?;
        Ok(adbd)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the daemon as `kill -9` does, and waits until it is gone. Commands that it started
    /// may live on.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has already ended cannot be killed, which is as good.
            let _ = child.kill().await;
        }
    }

    /// Starts the daemon again, on the same port and with the same state; kills it first if it
    /// runs. Returns when it listens.
    pub async fn restart(&mut self) -> Result<(), AdbdError> {
        self.kill().await;
        let log = self.directory.join("adbd.log");
        let file = File::create(&log).map_err(prepare(&log))?;
        let copy = file.try_clone().map_err(prepare(&log))?;
        let path =
            format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.directory.join("bin").display());
        let child = Command::new(DAEMON)
            .env_clear()
            .env("ADBD_PORT", self.address.port().to_string())
            .env("PATH", path)
            .env("HOME", &self.directory)
            .env("TMPDIR", &self.directory)
            .env(FOLDER_VARIABLE, self.directory.join("phone"))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .map_err(AdbdError::Start)?;
        let child = self.child.insert(child);
        let deadline = Instant::now() + START_MAX;
        loop {
            let over = Instant::now() >= deadline || !matches!(child.try_wait(), Ok(None));
            if over {
                return Err(AdbdError::Silent { address: self.address, log });
            }
            if let Ok(Ok(_)) = timeout(RETRY, TcpStream::connect(self.address)).await {
                return Ok(());
            }
            sleep(RETRY).await;
        }
    }

    /// Reboots the phone: the daemon dies, volatile properties go, the daemon starts again. The
    /// kernel's boot id is the machine's own and stays.
    pub async fn reboot(&mut self) -> Result<(), AdbdError> {
        self.kill().await;
        self.folder.boot()?;
        self.restart().await
    }

    /// A property's value; empty when it is not set.
    pub fn get(&self, name: &str) -> Result<String, AdbdError> {
        Ok(self.folder.get(name)?)
    }

    /// Writes a property past all rules.
    pub fn set(&self, name: &str, value: &str) -> Result<(), AdbdError> {
        Ok(self.folder.set(name, value)?)
    }
}

/// The program `android-userland`: by its variable, else beside the running program or, for a
/// test, one folder up.
fn find_userland() -> Result<PathBuf, AdbdError> {
    if let Some(path) = std::env::var_os(USERLAND_VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    let own = std::env::current_exe().map_err(|_| AdbdError::Userland)?;
    let folders = own.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join("android-userland"));
    candidates.find(|path| path.is_file()).ok_or(AdbdError::Userland)
}

/// How many ports are tried for one that is free.
const PORTS_TRIED_MAX: u32 = 1_000;

/// Some port that nobody listens on now, for a server that is started later. None of those that the
/// system gives to whoever asks for any (on Linux 32768 and above): another could be given it
/// before the server listens.
///
/// Errors: none of a thousand is free.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS_TRIED_MAX {
        let number = std::process::id().wrapping_mul(31);
        let number = number.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 22_000;
        let port = 10_000 + u16::try_from(number).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// An error of preparing a file.
fn prepare(path: &Path) -> impl FnOnce(io::Error) -> AdbdError {
    let path = path.to_path_buf();
    move |source| AdbdError::Prepare { path, source }
}

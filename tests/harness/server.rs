//! The product as a process: started on a free port with a data folder of its own, killed, and
//! started again on the same data.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleet::fault_point::FaultPoint;
use tempfile::TempDir;

use super::sip::free_port;
use super::waiting::{PATIENCE, wait_for};
use super::{Native, Postgres, tools};

/// The last lines of a process that are kept to be shown when a test fails.
const LINES_KEPT: usize = 200;

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Its configuration file.
    pub config: String,
    /// Where it stops and waits to be killed: at which pass of which point.
    pub fault_point: Option<(FaultPoint, u32)>,
    /// Certificate and key: it serves HTTPS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Files that the operator has put into the data directory: paths below it, and texts.
    pub files: Vec<(&'static str, String)>,
    /// Its store, as `--store` takes it; `None` for SQLite in its data directory.
    pub store: Option<String>,
    /// Its name among several nodes.
    pub node: Option<String>,
    /// Its roles, as `--roles` takes them; `None` for all.
    pub roles: Option<&'static str>,
    /// It serves cameras: on a free port, or, after a restart, where it did before, since that is
    /// where cameras look for it.
    pub cameras: bool,
    /// After a restart it listens where it did before, since that is where a page that is open
    /// looks for it.
    pub keeps_address: bool,
}

impl Start {
    /// With a deadline for jobs, in seconds.
    pub fn with_deadline(seconds: u32) -> Self {
        Self::with_engine(&format!("job_deadline_seconds = {seconds}"))
    }

    /// It serves cameras. It looks at new ones without haste, so that what a test sees going on is
    /// the test's own doing.
    pub fn with_cameras() -> Self {
        Self::with_sip("survey_per_second = 1")
    }

    /// It serves cameras, with these lines in the configuration's section `sip`.
    pub fn with_sip(lines: &str) -> Self {
        Self { config: format!("[sip]\n{lines}\n"), cameras: true, ..Self::default() }
    }

    /// With these lines in the configuration's section `engine`.
    pub fn with_engine(lines: &str) -> Self {
        Self { config: format!("[engine]\n{lines}\n"), ..Self::default() }
    }

    /// With one more file of the operator's.
    pub fn with_file(mut self, path: &'static str, text: impl Into<String>) -> Self {
        self.files.push((path, text.into()));
        self
    }
}

/// A running server. Killed when dropped; its last words are printed if the test is failing.
pub struct Server {
    process: Process,
    address: SocketAddr,
    sip: Option<SocketAddr>,
    secure: bool,
    /// After the process, which is the first to go.
    data: TempDir,
    beside: Option<Beside>,
}

/// The variable that has tests of one server run it as one of three nodes on PostgreSQL: its value
/// is `postgres`. The other two own two thirds of the devices, and answer nobody.
const STORE: &str = "FLEETWRIGHT_TEST_STORE";

/// The first pass of a fault point at a commit that can be after the start: that makes two commits,
/// its session and the calls that it lets go.
pub const AFTER_START: u32 = 3;

/// What stands beside a server that is one of three nodes.
struct Beside {
    peers: Vec<Process>,
    /// Where the peers tell of themselves.
    addresses: Vec<SocketAddr>,
    /// Kept for as long as the peers live.
    folders: Vec<TempDir>,
    /// After the peers, which work on it.
    postgres: Postgres,
}

impl Beside {
    /// A store, if tests are to have one.
    fn wanted(start: &Start) -> Option<Self> {
        let wanted = std::env::var_os(STORE).is_some_and(|store| store == "postgres");
        (wanted && start.store.is_none()).then(|| Self {
            peers: Vec::new(),
            addresses: Vec::new(),
            folders: Vec::new(),
            postgres: Postgres::start(),
        })
    }

    /// How the server is started on it.
    fn of(&self, start: &Start) -> Start {
        let (store, node) = (Some(self.postgres.url()), Some("tested".to_owned()));
        Start { store, node, ..start.clone() }
    }

    /// Starts the other nodes, once the first one has made its keys. They have its configuration.
    fn join(&mut self, first: &Path, start: &Start) {
        for number in 0..2 {
            let folder = tempfile::tempdir().expect("a temporary folder");
            super::cluster::copy_keys(&first.join("data"), &folder.path().join("data"));
            let start = Start {
                node: Some(format!("beside-{number}")),
                roles: Some("engine"),
                cameras: false,
                fault_point: None,
                tls: None,
                ..self.of(start)
            };
            let (process, address, _) = run(folder.path(), &start, ANYWHERE, None);
            self.peers.push(process);
            self.addresses.push(address);
            self.folders.push(folder);
        }
    }
}

impl Server {
    /// Starts a server on a fresh data folder and waits until it is ready.
    pub fn start(start: &Start) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), start)
    }

    /// Starts a server whose data directory is `data` in this folder, with what is there already.
    pub fn start_in(data: TempDir, start: &Start) -> Self {
        let mut beside = Beside::wanted(start);
        let own = beside.as_ref().map_or_else(|| start.clone(), |beside| beside.of(start));
        // A port that the kernel gives out itself may be another's when it is wanted again.
        let kept = || SocketAddr::new(ANYWHERE.ip(), free_port());
        let http = if start.keeps_address { kept() } else { ANYWHERE };
        let (process, address, sip) = run(data.path(), &own, http, None);
        if let Some(beside) = &mut beside {
            beside.join(data.path(), start);
        }
        Self { process, address, sip, secure: start.tls.is_some(), data, beside }
    }

    /// Starts another process on the same data and waits until it is ready. The one before must
    /// have ended.
    pub fn restart(&mut self, start: &Start) {
        assert!(self.process.status().is_some(), "the data folder still has a server");
        let own = self.beside.as_ref().map_or_else(|| start.clone(), |beside| beside.of(start));
        let http = if start.keeps_address { self.address } else { ANYWHERE };
        (self.process, self.address, self.sip) = run(self.data.path(), &own, http, self.sip);
        self.secure = start.tls.is_some();
    }

    /// Ends the process with SIGKILL and waits until it is gone.
    pub fn kill9(&self) {
        self.process.kill9();
    }

    /// Ends the process with SIGTERM and gives its status.
    pub fn terminate(&self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait("the server to end after SIGTERM")
    }

    /// Waits until the process stands at the fault point it was started with.
    pub fn wait_for_fault_point(&self, point: FaultPoint) {
        self.process.wait_for_line(&format!("fault point {}", point.name()));
    }

    /// Waits for a line of its log that begins with `start`, also after its end, and gives what
    /// follows.
    pub fn wait_for_line(&self, start: &str) -> String {
        self.process.wait_for_line(start)
    }

    /// Whether one of the last lines of its log has these words.
    pub fn has_said(&self, words: &str) -> bool {
        self.process.has_said(words)
    }

    /// The root of its HTTP address, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Whether its process has not ended.
    pub fn is_running(&self) -> bool {
        self.process.status().is_none()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where cameras register, over UDP and TCP.
    pub fn sip(&self) -> SocketAddr {
        self.sip.expect("the server was started to serve cameras")
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Puts one of the operator's files into the data directory, in place of what was there.
    pub fn put_file(&self, path: &str, text: &str) {
        put_file(&self.data(), path, text);
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How much memory it has at the moment, in bytes: its resident set (`proc(5)`, `VmRSS`).
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id);
        let status = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
        let kilobytes: u64 = kilobytes.expect("VmRSS").trim().parse().expect("a number");
        kilobytes * 1024
    }

    /// The token that the first start has left in the data folder.
    pub fn admin_token(&self) -> String {
        let path = self.data().join("admin-token");
        let token = std::fs::read_to_string(&path);
        token.unwrap_or_else(|e| panic!("{}: {e}", path.display())).trim().to_owned()
    }

    /// A client of the native door, as administrator.
    pub fn native(&self) -> Native {
        let beside = self.beside.as_ref().map(|beside| beside.addresses.clone());
        Native::new(self.address, &self.admin_token()).with_beside(beside.unwrap_or_default())
    }
}

/// A free port of the loopback.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Starts `fleetwright serve` in `folder`, at `http` and on a free port of the loopback; cameras
/// are served at `sip` if that is given. Gives where it listens, for HTTP and for cameras.
fn run(
    folder: &Path,
    start: &Start,
    http: SocketAddr,
    sip: Option<SocketAddr>,
) -> (Process, SocketAddr, Option<SocketAddr>) {
    let config = folder.join("fleetwright.toml");
    std::fs::write(&config, &start.config).expect("write the configuration");
    let data = folder.join("data");
    start.files.iter().for_each(|(path, text)| put_file(&data, path, text));
    let sip = match (start.cameras, sip) {
        (false, _) => "none".to_owned(),
        (true, None) => format!("127.0.0.1:{}", free_port()),
        (true, Some(sip)) => sip.to_string(),
    };
    let mut command = Command::new(tools::fleetwright());
    command.arg("serve").args(["--http", &http.to_string(), "--sip", &sip]);
    command.arg("--config").arg(config).arg("--data").arg(data);
    let own = [("--store", start.store.as_deref()), ("--node", start.node.as_deref())];
    for (flag, value) in own.into_iter().chain([("--roles", start.roles)]) {
        command.args(value.map(|value| [flag, value]).into_iter().flatten());
    }
    if let Some((certificate, key)) = &start.tls {
        command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
    }
    if let Some((point, pass)) = start.fault_point {
        command.env("FLEETWRIGHT_FAULT_POINT", format!("{}:{pass}", point.name()));
    }
    let process = Process::start(command.stdout(Stdio::null()));
    let ready = process.wait_for_line("ready ");
    let said = |name: &str| ready.split(' ').find_map(|word| word.strip_prefix(name));
    let http = said("http=").unwrap_or_else(|| panic!("ready {ready}"));
    let sip = said("sip=").map(|sip| address(&ready, sip));
    assert_eq!(sip.is_some(), start.cameras, "ready {ready}");
    let http = address(&ready, http);
    (process, http, sip)
}

/// An address in the line that says that the server is ready.
fn address(ready: &str, text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|e| panic!("ready {ready}: {e}"))
}

/// Writes a file below a data directory, with the directories that it takes: for their owner alone,
/// as the server makes them.
fn put_file(data: &Path, path: &str, text: &str) {
    let path = data.join(path);
    let folder = path.parent().expect("a path with a folder");
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(folder).expect("make a folder");
    std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// A child process whose stderr is read line by line. Killed when dropped.
pub struct Process {
    child: Mutex<Child>,
    id: u32,
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Whether all that it wrote was read: it may have ended a moment before.
    all_read: Arc<AtomicBool>,
}

impl Process {
    /// Starts it. Stdin is empty; stdout is the caller's to direct.
    pub fn start(command: &mut Command) -> Self {
        own_environment(command);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stderr = child.stderr.take().expect("stderr is piped");
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let all_read = Arc::new(AtomicBool::new(false));
        let read = Arc::clone(&all_read);
        // Ends with the process, whose end closes the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let Ok(line) = line else { break };
                let mut kept = locked(&kept);
                if kept.len() == LINES_KEPT {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
            read.store(true, Ordering::Release);
        });
        Self { id: child.id(), child: Mutex::new(child), lines, all_read }
    }

    /// Runs a command to its end, which must come soon, and gives what it wrote.
    pub fn finish(command: &mut Command) -> std::process::Output {
        own_environment(command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        wait_for("a command to end", PATIENCE, || child.try_wait().expect("a child").map(drop));
        child.wait_with_output().expect("what it wrote")
    }

    /// Waits for a line of stderr that begins with `start` and gives what follows.
    pub fn wait_for_line(&self, start: &str) -> String {
        wait_for(&format!("the line `{start}...`"), PATIENCE, || {
            let all_read = self.all_read.load(Ordering::Acquire);
            let lines = locked(&self.lines);
            let found = lines.iter().find_map(|line| line.strip_prefix(start));
            assert!(found.is_some() || !all_read, "it ended before `{start}...`");
            found.map(str::to_owned)
        })
    }

    /// Whether one of the last lines of stderr has these words.
    pub fn has_said(&self, words: &str) -> bool {
        locked(&self.lines).iter().any(|line| line.contains(words))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// How it ended; none while it runs.
    pub fn status(&self) -> Option<ExitStatus> {
        locked(&self.child).try_wait().ok().flatten()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
    }

    /// Ends it with SIGKILL and waits until it is gone.
    pub fn kill9(&self) {
        let mut child = locked(&self.child);
        // An error means that it is gone already.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Waits until it has ended by itself.
    pub fn wait(&self, what: &str) -> ExitStatus {
        wait_for(what, PATIENCE, || self.status())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let lines = locked(&self.lines);
            eprintln!("--- the last {} lines of process {}:", lines.len(), self.id);
            lines.iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// Leaves nothing in a command's environment that decides what is tested, but what the test itself
/// has set.
pub fn own_environment(command: &mut Command) {
    let own: Vec<OsString> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLEETWRIGHT_") && !own.contains(&name) {
            command.env_remove(name);
        }
    }
}

/// The lock's content, whatever a thread that held it has met.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

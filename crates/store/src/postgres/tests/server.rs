//! A PostgreSQL server for one test: Debian's, in a directory of its own.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

use crate::conformance::fixture::AT;
use crate::postgres::{Options, Postgres};

/// Where Debian keeps each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user that Debian's package makes, for PostgreSQL refuses to run as root; also the superuser.
pub(super) const USER: &str = "postgres";

/// How long anything about a server may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port that is free. The kernel takes the ports of outgoing connections from above these, and
/// tests that run side by side have processes of different numbers: so nobody else takes it before
/// the server does. Each call of a process answers another.
fn free_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    // A process asks for two or three, so one of the next number begins far enough from it.
    let first = u16::try_from(std::process::id().wrapping_mul(8).wrapping_add(call) % 12_000);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (20_000 + first.unwrap()..32_768).find(free).expect("a free port")
}

/// A running server. It ends with this, and with the process that has this, however that ends.
pub(super) struct Server {
    /// A shell that waits for the end of its input and then ends the server.
    guard: Child,
    port: u16,
    scratch: TempDir,
}

impl Server {
    /// A server with nothing in it, with these settings (`name=value`) besides ours.
    pub(super) async fn start(settings: &[&str]) -> Self {
        let server = Self::prepare();
        let mut initdb = server.command("initdb");
        initdb.args(["--no-sync", "--username", USER, "--auth", "trust", "--encoding", "UTF8"]);
        succeed(initdb.args(["--no-locale", "--pgdata"]).arg(server.data()));
        server.run(settings).await
    }

    /// A standby of this server, named `name`, with these settings.
    pub(super) async fn standby(&self, name: &str, settings: &[&str]) -> Self {
        let server = Self::prepare();
        let mut copy = server.command("pg_basebackup");
        let from = format!(
            "host={} port={} user={USER} application_name={name}",
            self.scratch.path().display(),
            self.port
        );
        succeed(copy.args(["-R", "-c", "fast", "--no-sync", "-d", &from, "-D"]).arg(server.data()));
        server.run(settings).await
    }

    /// A directory, and nothing that runs.
    fn prepare() -> Self {
        let scratch = tempfile::Builder::new().prefix("store-postgres-").tempdir().unwrap();
        if let Some((user, group)) = *user() {
            chown(scratch.path(), Some(user), Some(group)).unwrap();
        }
        let guard = Command::new("true").spawn().unwrap();
        Self { guard, port: 0, scratch }
    }

    /// Starts the server on its data.
    async fn run(mut self, settings: &[&str]) -> Self {
        // Only now: the sooner it listens there, the less can anybody else.
        self.port = free_port();
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut guard = self.command_of("sh".as_ref());
        let script = "\"$@\" & read end; kill -QUIT $!; wait";
        guard.args(["-c", script, "sh"]).arg(programs().join("postgres"));
        guard.arg("-D").arg(self.data()).arg("-k").arg(self.scratch.path());
        let own = [
            &format!("port={}", self.port),
            "listen_addresses=127.0.0.1",
            "max_connections=200",
            "fsync=off",
            "full_page_writes=off",
            "shared_buffers=32MB",
        ];
        guard.args(own.iter().chain(settings).flat_map(|setting| ["-c", setting]));
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.guard = guard.spawn().unwrap();
        let started = Instant::now();
        while self.try_client("postgres").await.is_err() {
            let log = std::fs::read_to_string(self.path("log")).unwrap();
            assert!(started.elapsed() < PATIENCE, "PostgreSQL does not answer: {log}");
            assert!(self.guard.try_wait().unwrap().is_none(), "PostgreSQL has ended: {log}");
            sleep(Duration::from_millis(20)).await;
        }
        self
    }

    /// Where clients on this machine find a database.
    pub(super) fn url(&self, database: &str) -> String {
        let socket = self.scratch.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://{USER}@{socket}:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the data.
    pub(super) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// What it writes of itself.
    pub(super) fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// A file for the server to read, its own and nobody else's.
    pub(super) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        if let Some((user, group)) = *user() {
            chown(&path, Some(user), Some(group)).unwrap();
        }
        path
    }

    /// What opens a database.
    pub(super) fn options(&self, database: &str) -> Options {
        Options { readers: 2, ..Options::new(self.url(database), AT) }
    }

    /// Makes an empty database and opens it.
    pub(super) async fn open(&self, database: &str) -> Postgres {
        self.sql("postgres", &format!("CREATE DATABASE {database}")).await;
        Postgres::open(self.options(database)).await.unwrap()
    }

    /// A connection of the test's own.
    pub(super) async fn client(&self, database: &str) -> Client {
        self.try_client(database).await.unwrap()
    }

    async fn try_client(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, stream) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(stream);
        Ok(client)
    }

    /// Runs statements.
    pub(super) async fn sql(&self, database: &str, sql: &str) {
        self.client(database).await.batch_execute(sql).await.unwrap();
    }

    /// The number that a statement gives.
    pub(super) async fn number(&self, database: &str, sql: &str) -> i64 {
        self.client(database).await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Waits until a statement gives true.
    pub(super) async fn wait_until(&self, database: &str, sql: &str) {
        let client = self.client(database).await;
        let started = Instant::now();
        loop {
            let row = client.query_opt(sql, &[]).await.unwrap();
            if row.is_some_and(|row| row.get(0)) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "never true: {sql}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the server answers again.
    pub(super) async fn wait_until_it_answers(&self, database: &str) {
        let started = Instant::now();
        loop {
            if let Ok(client) = self.try_client(database).await
                && client.batch_execute("SELECT 1").await.is_ok()
            {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "PostgreSQL does not answer any more");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal to all processes of the server.
    pub(super) fn signal_all(&self, signal: &str) {
        let leader = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let leader = leader.lines().next().unwrap().to_owned();
        let mut all = vec![leader.clone()];
        all.extend(children(&leader));
        self.kill(signal, &all);
    }

    /// Sends a signal to one process of the server.
    pub(super) fn signal(&self, process: i32, signal: &str) {
        self.kill(signal, &[process.to_string()]);
    }

    fn kill(&self, signal: &str, processes: &[String]) {
        // One that has ended meanwhile is no matter.
        let mut kill = self.command_of("kill".as_ref());
        kill.arg("-s").arg(signal).args(processes).stderr(Stdio::null());
        kill.status().unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// One of PostgreSQL's programs.
    fn command(&self, program: &str) -> Command {
        self.command_of(programs().join(program).as_os_str())
    }

    /// A program, run as the server's user in its directory.
    fn command_of(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.scratch.path()).stdin(Stdio::null());
        if let Some((user, group)) = *user() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is stopped can't end.
        if self.data().join("postmaster.pid").exists() {
            self.signal_all("CONT");
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The processes that a process has started.
fn children(parent: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    // proc(5), stat: after the name in parentheses come the state and the parent.
    let is_child = |process: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_whitespace().nth(1) == Some(parent)
    };
    names.filter(is_child).collect()
}

/// The programs of the newest version.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
        let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let found = versions
            .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
            .filter(|(_, programs)| programs.join("postgres").is_file())
            .max_by_key(|(version, _)| *version);
        found.expect("PostgreSQL is not installed: apt-get install postgresql").1
    })
}

/// The user to run it as, and his group; `None` for ourselves, unless we are root.
fn user() -> &'static Option<(u32, u32)> {
    static AS: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    AS.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        // proc(5), status: the second number is the effective user.
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        if ids.split_whitespace().nth(1) != Some("0") {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let line = users.lines().find(|line| line.split(':').next() == Some(USER)).unwrap();
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().unwrap());
        Some((numbers.next().unwrap(), numbers.next().unwrap()))
    })
}

/// Runs a command to its end.
fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

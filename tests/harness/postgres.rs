//! PostgreSQL as Debian packages it: a server on a free port with its own data, which can be
//! killed, stopped and started again, and a standby that its commits wait for.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::server::Process;
use super::sip::free_port;
use super::{tools, wait_until};

/// The user that Debian's package makes: PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// The password of that user here, so that a test can look for it where it must not be.
pub const PASSWORD: &str = "hunter2-of-postgres";

/// How long a server may take to start, or to recover.
const START: Duration = Duration::from_secs(60);

/// A PostgreSQL server. Killed when dropped.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// A fresh, empty server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these lines of configuration.
    pub fn start_with(lines: &[&str]) -> Self {
        let mut server = Self::new();
        let password = server.folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("write a password");
        std::fs::set_permissions(&password, PermissionsExt::from_mode(0o644)).expect("a mode");
        let mut initdb = server.command("initdb");
        initdb.args(["--username", USER, "--encoding", "UTF8", "--no-locale", "--no-sync"]);
        initdb.args(["--auth-host", "scram-sha-256", "--auth-local", "trust", "--pwfile"]);
        finish(initdb.arg(password).arg("--pgdata").arg(server.data()));
        server.configure(lines);
        server.run();
        server
    }

    /// A standby of this server, under this name, that streams through `port` of the loopback (the
    /// server's own, or that of a link).
    pub fn standby(&self, name: &str, port: u16) -> Self {
        let mut standby = Self::new();
        let from = format!(
            "host=127.0.0.1 port={port} user={USER} password={PASSWORD} application_name={name}"
        );
        let mut copy = standby.command("pg_basebackup");
        copy.args(["--no-sync", "--checkpoint", "fast", "--write-recovery-conf", "--wal-method"]);
        finish(copy.args(["stream", "--dbname", &from]).arg("--pgdata").arg(standby.data()));
        standby.configure(&[&format!("cluster_name = '{name}'")]);
        standby.run();
        standby
    }

    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().expect("a folder");
        if let Some((user, group)) = user_to_run_as() {
            chown(folder.path(), Some(user), Some(group)).expect("PostgreSQL gets its folder");
        }
        Self { folder, port: free_port(), process: None }
    }

    /// Adds lines to its configuration; they hold from the next start.
    pub fn configure(&self, lines: &[&str]) {
        use std::io::Write as _;
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("its settings");
        let common = "max_connections = 120\nmax_wal_senders = 5\nwal_receiver_timeout = 5s\n\
            wal_sender_timeout = 5s\nwal_retrieve_retry_interval = 200ms\n";
        let ours = format!("{common}{}\n", lines.join("\n"));
        file.write_all(ours.as_bytes()).expect("write its settings");
    }

    /// Starts it on the data that is there, and waits until it answers.
    pub fn run(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={}", self.port)]);
        self.process = Some(Process::start(server.stdout(Stdio::null())));
        wait_until("PostgreSQL to answer", START, || {
            let alive = self.process.as_ref().is_some_and(|process| process.status().is_none());
            assert!(alive, "PostgreSQL ended at its start");
            let mut asked = self.command("pg_isready");
            asked.args(self.local()).stdout(Stdio::null()).stderr(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        });
    }

    /// Where it listens on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where nodes find it, through `port` of the loopback.
    pub fn url_through(&self, port: u16) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres")
    }

    /// Where nodes find it.
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// What a statement prints: columns parted by `|`, rows by line ends.
    pub fn sql(&self, statement: &str) -> String {
        let mut psql = self.command("psql");
        psql.args(self.local()).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        finish(psql.args(["-c", statement, USER])).trim().to_owned()
    }

    /// From now on commits wait for the standby of this name, which must stream already.
    pub fn wait_for_standby(&self, name: &str) {
        self.sql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"));
        self.sql("SELECT pg_reload_conf()");
        wait_until("the standby to be synchronous", START, || {
            let states = format!(
                "SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}'"
            );
            self.sql(&states) == "sync"
        });
    }

    /// Ends it with SIGKILL: the server process and all that it has started.
    pub fn kill9(&mut self) {
        let family = self.family();
        if let Some(process) = self.process.take() {
            process.kill9();
        }
        for id in family {
            let mut kill = Command::new("kill");
            // Most are gone with their parent.
            let _ = kill.args(["-s", "KILL", &id.to_string()]).stderr(Stdio::null()).status();
        }
        wait_until("PostgreSQL to be gone", START, || {
            !self.data().join("postmaster.pid").exists() || self.is_gone()
        });
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Stops it in order, within the time that takes.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("INT");
            process.wait("PostgreSQL to end");
        }
    }

    /// Sends a signal to the server process and all that it has started.
    pub fn signal_all(&self, name: &str) {
        let mut ids = self.family();
        ids.extend(self.process.as_ref().map(Process::id));
        for id in ids {
            let mut kill = Command::new("kill");
            let _ = kill.args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// The processes that the server process has started.
    fn family(&self) -> Vec<u32> {
        let Some(parent) = self.process.as_ref().map(Process::id) else { return Vec::new() };
        let children = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // After the name, which may hold anything, come the state and the parent (proc(5)).
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            (fields.nth(1)?.parse() == Ok(parent)).then_some(id)
        });
        children.collect()
    }

    /// Whether nothing answers any more.
    fn is_gone(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn local(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        ["-h", &folder, "-p", &self.port.to_string(), "-U", USER].map(str::to_owned).to_vec()
    }

    /// One of PostgreSQL's programs, as the user that they run as.
    fn command(&self, program: &str) -> Command {
        as_postgres(&tools::postgresql(program), self.folder.path())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal_all("CONT");
        self.signal_all("KILL");
    }
}

/// What a statement prints that is asked of whoever takes writes at `url`.
pub fn ask(url: &str, statement: &str) -> String {
    let mut psql = Command::new(tools::postgresql("psql"));
    psql.stdin(Stdio::null()).env("PGCONNECT_TIMEOUT", "5");
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]);
    let separator = if url.contains('?') { '&' } else { '?' };
    psql.arg(format!("{url}{separator}target_session_attrs=read-write"));
    finish(&mut psql).trim().to_owned()
}

/// A program run as the user of PostgreSQL, in a folder that he may enter.
pub fn as_postgres(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((user, group)) = user_to_run_as() {
        command.uid(user).gid(group);
    }
    command
}

/// User and group to run PostgreSQL as: ourselves, which is none, unless we are root.
pub fn user_to_run_as() -> Option<(u32, u32)> {
    let status = std::fs::read_to_string("/proc/self/status").expect("our own status");
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).expect("our user");
    if ids.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("the users");
    let line = users.lines().find(|line| line.split(':').next() == Some(USER));
    let mut numbers = line.expect("the user postgres").split(':').skip(2);
    let mut number = || numbers.next().and_then(|field| field.parse().ok()).expect("a number");
    Some((number(), number()))
}

/// Runs a command to its end, which must be a good one, and gives what it printed.
fn finish(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

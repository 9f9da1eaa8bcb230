//! The peer: Debian's PostgreSQL on the same disk, asked by `pgbench`.
//!
//! Its own default settings hold (`fsync` and `synchronous_commit` are on), but for room for 256
//! clients. Where a choice is free it goes to the peer: clients come through a Unix socket instead
//! of TCP, their statements are prepared, many rows go as arrays, its table has no index but the
//! primary key, ids grow so that the index is appended to, and a row is only inserted, where ours
//! also changes the state of the device. Before each slot its table is emptied and a checkpoint is
//! made.

mod pgbench;

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::bed::WARM_UP;
use crate::clock;
use crate::database::Database;
use crate::disk::{self, Disk};
use crate::ports::free_port;
use crate::process::{Process, Signal, ended_children_cpu, family_cpu};
use crate::statistics::microseconds_each;
use crate::{Options, p1, p2};

/// Where Debian keeps each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user that Debian's package makes, for PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// How long it may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The table of jobs, with the columns of ours.
const TABLE: &str = "CREATE TABLE job (id bytea PRIMARY KEY, device bigint NOT NULL, \
     project bigint NOT NULL, revision bigint NOT NULL, state smallint NOT NULL, \
     stored boolean NOT NULL, door text NOT NULL, actor text NOT NULL, \
     accepted_at bigint NOT NULL, ended_at bigint, finisher_epoch bigint, superseded_by bytea, \
     ended text, patch text NOT NULL)";

/// A running PostgreSQL with an empty table of jobs.
#[derive(Debug)]
pub struct Peer {
    process: Process,
    programs: PathBuf,
    disk: Disk,
    port: u16,
    /// What its commits wait for, where there is one.
    standby: Option<Process>,
    /// The data, the socket, the log and the scripts.
    scratch: TempDir,
}

/// What one slot of the peer showed.
#[derive(Debug)]
pub struct Measured {
    /// Rows made durable a second.
    pub rows_per_second: f64,
    /// Processor time of all its processes.
    pub cpu: Duration,
    /// Processor time of pgbench.
    pub load_cpu: Duration,
    /// Bytes written to the disk meanwhile, by everybody.
    pub disk_bytes: Option<u64>,
    /// Rows made durable.
    pub rows: u64,
}

impl Peer {
    /// Starts a fresh one on the disk and warms it up.
    pub async fn start(disk: &Disk) -> Result<Self> {
        Self::start_with(disk, false).await
    }

    /// Starts a fresh one whose commits wait for a standby beside it, on the same disk, and warms
    /// it up.
    pub async fn replicated(disk: &Disk) -> Result<Self> {
        Self::start_with(disk, true).await
    }

    async fn start_with(disk: &Disk, replicated: bool) -> Result<Self> {
        let programs = newest(Path::new(VERSIONS))
            .context("PostgreSQL is not installed: apt-get install postgresql")?;
        let scratch = tempfile::Builder::new().prefix("benches-postgres-").tempdir_in(disk.dir());
        let scratch = scratch.context("could not make a directory for PostgreSQL")?;
        let user = User::to_run_as()?;
        if let Some(user) = &user {
            chown(scratch.path(), Some(user.id), Some(user.group))
                .context("could not give PostgreSQL its directory")?;
        }
        let data = scratch.path().join("data");
        let mut initdb = command(&programs.join("initdb"), user.as_ref(), scratch.path());
        // Whoever may enter the directory of the socket may connect; that is its owner and root.
        initdb.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale"]);
        succeed("initdb", initdb.arg("--pgdata").arg(&data))?;

        let mut server = command(&programs.join("postgres"), user.as_ref(), scratch.path());
        server.arg("-D").arg(&data).arg("-k").arg(scratch.path());
        let port = free_port()?;
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]);
        server.args(["-c", &format!("port={port}")]);
        let log = fs::File::create(scratch.path().join("log")).context("could not make a log")?;
        server.stdout(Stdio::null()).stderr(log);
        let process = Process::start("postgres", &mut server, Signal::Quit)?;
        let (disk, standby) = (disk.clone(), None);
        let mut peer = Self { process, programs, disk, port, standby, scratch };
        peer.wait_until_it_answers().await?;
        if replicated {
            peer.add_standby(user.as_ref()).await?;
        }
        peer.sql(TABLE)?;
        let seconds = u32::try_from(WARM_UP.as_secs())?;
        peer.slot(64, 1, seconds).await?;
        peer.clear()?;
        Ok(peer)
    }

    /// Empties the table and makes a checkpoint, so that no slot pays for another.
    pub fn clear(&mut self) -> Result<()> {
        self.process.check_alive()?;
        self.sql("TRUNCATE job")?;
        self.sql("CHECKPOINT")
    }

    /// `clients` clients insert `rows` rows a transaction for as long as `seconds`.
    pub async fn slot(&self, clients: usize, rows: usize, seconds: u32) -> Result<Measured> {
        let script = self.scratch.path().join(format!("insert-{rows}.sql"));
        fs::write(&script, pgbench::script(rows)).context("could not write pgbench's script")?;
        let (cpu, disk) = (family_cpu(self.process.id())?, self.disk.bytes_written());
        let load = ended_children_cpu()?;
        let mut command = tokio::process::Command::new(self.programs.join("pgbench"));
        command.args(self.connection()).args(["-n", "-M", "prepared", "-j", "2"]);
        command.args(pgbench::variables(rows).iter().flat_map(|variable| ["-D", variable]));
        command.args(["-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"]).arg(&script);
        command.arg(USER).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("could not start pgbench")?;
        let text = output_of("pgbench", &output)?;
        let transactions = pgbench::transactions(&text)?;
        let disk_bytes =
            disk.zip(self.disk.bytes_written()).map(|(from, to)| to.saturating_sub(from));
        let (rows, row_count) = (u32::try_from(rows)?, u64::try_from(rows)?);
        Ok(Measured {
            rows_per_second: transactions.per_second * f64::from(rows),
            cpu: family_cpu(self.process.id())?.saturating_sub(cpu),
            load_cpu: ended_children_cpu()?.saturating_sub(load),
            disk_bytes,
            rows: transactions.count * row_count,
        })
    }

    /// One client asks `database` one question, prepared, for as long as `seconds`, after a
    /// second that does not count. Gives how often a second it was answered.
    pub async fn queries(&self, database: &Database, query: &str, seconds: u32) -> Result<f64> {
        let script = self.scratch.path().join("query.sql");
        let one_line = query.split_whitespace().collect::<Vec<_>>().join(" ");
        fs::write(&script, format!("{one_line};\n")).context("could not write pgbench's script")?;
        let mut rate = 0.0;
        // The first run brings the pages into memory.
        for seconds in [1, seconds] {
            let mut command = tokio::process::Command::new(self.programs.join("pgbench"));
            command.args(["-n", "-M", "prepared", "-c", "1", "-j", "1"]);
            command.args(["-T", &seconds.to_string(), "-f"]).arg(&script);
            command.args(database.arguments()).stdin(Stdio::null()).kill_on_drop(true);
            let output = command.output().await.context("could not start pgbench")?;
            rate = pgbench::transactions(&output_of("pgbench", &output)?)?.per_second;
        }
        Ok(rate)
    }

    /// Makes a standby, and lets commits wait for it.
    async fn add_standby(&mut self, user: Option<&User>) -> Result<()> {
        let folder = self.scratch.path();
        let data = folder.join("standby");
        let mut copy = command(&self.programs.join("pg_basebackup"), user, folder);
        copy.args(["--checkpoint", "fast", "--write-recovery-conf", "--wal-method", "stream"]);
        let from =
            format!("host=127.0.0.1 port={} user={USER} application_name=standby", self.port);
        succeed("pg_basebackup", copy.args(["--dbname", &from]).arg("--pgdata").arg(&data))?;
        let mut server = command(&self.programs.join("postgres"), user, folder);
        server.arg("-D").arg(&data).arg("-k").arg(folder);
        let port = free_port()?;
        server.args(["-c", "listen_addresses=", "-c", "max_connections=300"]);
        server.args(["-c", &format!("port={port}")]);
        let log = fs::File::create(folder.join("standby-log")).context("could not make a log")?;
        server.stdout(Stdio::null()).stderr(log);
        self.standby = Some(Process::start("the standby", &mut server, Signal::Quit)?);
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")?;
        self.sql("SELECT pg_reload_conf()")?;
        let started = clock::now();
        while self.ask("SELECT sync_state FROM pg_stat_replication")?.trim() != "sync" {
            if started.elapsed() > START_TIMEOUT {
                bail!("the standby does not become synchronous");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// A database of this server for so many nodes of ours.
    pub fn database(&self, nodes: usize) -> Database {
        Database::new(self.programs.join("psql"), self.connection(), self.port, nodes)
    }

    /// Where the clients find it.
    fn connection(&self) -> [std::ffi::OsString; 6] {
        let (folder, port) = (self.scratch.path().into(), self.port.to_string().into());
        ["-h".into(), folder, "-p".into(), port, "-U".into(), USER.into()]
    }

    /// Runs one statement.
    fn sql(&self, statement: &str) -> Result<()> {
        self.ask(statement).map(drop)
    }

    /// What one statement gives.
    fn ask(&self, statement: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(self.connection()).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        succeed("psql", psql.args(["-c", statement, USER]))
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        let started = clock::now();
        let log = || fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default();
        loop {
            let mut asked = Command::new(self.programs.join("pg_isready"));
            asked.args(self.connection()).stdin(Stdio::null()).stdout(Stdio::null());
            if asked.status().context("could not start pg_isready")?.success() {
                return Ok(());
            }
            self.process.check_alive().with_context(|| format!("its log: {}", log()))?;
            if started.elapsed() > START_TIMEOUT {
                bail!("PostgreSQL does not answer: {}", log());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What PostgreSQL does on this machine, for people: each load of P1 and P2 once, the disk probed
/// before.
pub async fn alone(options: &Options, disk: &Disk) -> Result<()> {
    let mut peer = Peer::start(disk).await?;
    let single = p1::IN_FLIGHT.into_iter().map(|clients| (clients, 1));
    for (clients, rows) in single.chain([(p2::IN_FLIGHT, p2::PHONES)]) {
        peer.clear()?;
        let probe = disk.probe(disk::PROBE).await?;
        let slot = peer.slot(clients, rows, options.slot).await?;
        let disk_kb = slot.disk_bytes.map_or(0, |bytes| bytes / 1_000);
        eprintln!(
            "PostgreSQL, {clients} clients, {rows} rows a transaction: {:.0} rows/s, {:.1} us of \
             processor a row, {} rows, {disk_kb} kB written; fdatasync {:.0}/s",
            slot.rows_per_second,
            microseconds_each(slot.cpu, slot.rows),
            slot.rows,
            probe.per_second
        );
    }
    Ok(())
}

/// The programs of the newest version that is whole.
fn newest(versions: &Path) -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir(versions)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, bin)| ["postgres", "pgbench"].iter().all(|name| bin.join(name).is_file()))
        .max_by_key(|(version, _)| *version)
        .map(|(_, bin)| bin)
}

/// A user of the system.
#[derive(Debug, PartialEq, Eq)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    /// The user to run PostgreSQL as: ourselves, which is `None`, unless we are root.
    fn to_run_as() -> Result<Option<Self>> {
        let status = fs::read_to_string("/proc/self/status").context("could not read our user")?;
        if !is_root(&status) {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("could not read the users")?;
        let user = users.lines().find_map(|line| Self::named(line, USER));
        user.map(Some).with_context(|| format!("there is no user {USER} to run PostgreSQL as"))
    }

    /// The user of a line of passwd(5), if the name is his.
    fn named(line: &str, name: &str) -> Option<Self> {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let mut numbers = fields.skip(1).map(str::parse);
        Some(Self { id: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
    }
}

/// Whether the effective user in a `/proc/PID/status` (proc(5): the second number) is root.
fn is_root(status: &str) -> bool {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

/// A command that runs as `user` in `dir`, which he may enter.
fn command(program: &Path, user: Option<&User>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
    command
}

/// Runs a command to its end and fails with what it said.
pub fn succeed(name: &str, command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    output_of(name, &output.with_context(|| format!("could not start {name}"))?)
}

/// What a command printed.
fn output_of(name: &str, output: &Output) -> Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_his_whole_name() {
        let line = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash";
        assert_eq!(User::named(line, "postgres"), Some(User { id: 101, group: 104 }));
        assert_eq!(User::named(line, "postgre"), None);
        assert_eq!(User::named("postgres:x:a:b", "postgres"), None);
    }

    #[test]
    fn the_effective_user_counts() {
        assert!(is_root("Name:\tsh\nUid:\t1000\t0\t0\t0\nGid:\t0\t0\t0\t0\n"));
        assert!(!is_root("Name:\tsh\nUid:\t0\t1000\t0\t0\n"));
        assert!(!is_root(""));
    }

    #[test]
    fn the_newest_whole_version_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(dir.path()), None);
        for (version, programs) in [("9", 2), ("15", 2), ("17", 1)] {
            let bin = dir.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in ["postgres", "pgbench"].iter().take(programs) {
                fs::write(bin.join(program), "").unwrap();
            }
        }
        assert_eq!(newest(dir.path()), Some(dir.path().join("15/bin")));
    }
}

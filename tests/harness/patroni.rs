//! Two PostgreSQL servers that Patroni keeps one primary of, with who is it in etcd: as production
//! runs it, from Debian's packages.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use super::postgres::{PASSWORD, as_postgres, user_to_run_as};
use super::server::Process;
use super::sip::free_port;
use super::{tools, wait_until};

/// How long the first primary may take to be there, with its standby.
const START: Duration = Duration::from_secs(120);

/// How long Patroni waits before it takes a primary for dead, in seconds: the least that it allows.
const TTL: u32 = 20;

/// One server and the Patroni beside it.
struct Member {
    name: &'static str,
    port: u16,
    /// Where its Patroni answers.
    rest: u16,
    patroni: Option<Process>,
}

/// A replicated PostgreSQL with fail-over.
pub struct Patroni {
    folder: TempDir,
    members: [Member; 2],
    _etcd: Process,
}

impl Patroni {
    /// Starts all of it. Returns when commits wait for the standby.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("patroni-").tempdir().expect("a folder");
        own(folder.path());
        let (client, peer) = (free_port(), free_port());
        let mut etcd = as_postgres(&tools::etcd(), folder.path());
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        etcd.arg("--data-dir").arg(folder.path().join("etcd"));
        etcd.args(["--listen-client-urls", &url(client), "--advertise-client-urls", &url(client)]);
        etcd.args(["--listen-peer-urls", &url(peer)]);
        etcd.args(["--initial-advertise-peer-urls", &url(peer)]);
        etcd.args(["--initial-cluster", &format!("default={}", url(peer))]);
        // Its disk may be slow for a while, and it is alone.
        etcd.args(["--heartbeat-interval", "500", "--election-timeout", "5000"]);
        let etcd = Process::start(etcd.stdout(Stdio::null()));
        wait_until("etcd to answer", START, || {
            std::net::TcpStream::connect(("127.0.0.1", client)).is_ok()
        });
        let members = ["alpha", "beta"].map(|name| Member {
            name,
            port: free_port(),
            rest: free_port(),
            patroni: None,
        });
        let mut cluster = Self { folder, members, _etcd: etcd };
        for index in 0..2 {
            cluster.write_settings(index, client);
        }
        // The first one first, so that which is the primary is known.
        cluster.run(0);
        wait_until("a primary", START, || cluster.takes_writes(0));
        cluster.run(1);
        wait_until("a synchronous standby", START, || cluster.has_standby(0));
        cluster
    }

    /// Whether commits of a member wait for the other.
    pub fn has_standby(&self, index: usize) -> bool {
        let count = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        // And that Patroni has put it on record, without which it would promote nobody.
        let target = format!("http://127.0.0.1:{}/cluster", self.members[index].rest);
        let known = || ureq::get(target).call().ok()?.body_mut().read_to_string().ok();
        self.ask(index, count).is_some_and(|count| count == "1")
            && known().is_some_and(|known| known.contains("sync_standby"))
    }

    /// Where nodes find whichever takes writes.
    pub fn url(&self) -> String {
        let [first, second] = [self.members[0].port, self.members[1].port];
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{first},127.0.0.1:{second}/postgres")
    }

    /// Ends a member with SIGKILL: Patroni, the server and all that it has started.
    pub fn kill9(&mut self, index: usize) {
        if let Some(patroni) = self.members[index].patroni.take() {
            patroni.kill9();
        }
        // Everything that works in this member's data directory.
        let data = self.data(index);
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let folder = std::fs::read_link(entry.path().join("cwd"));
            if folder.is_ok_and(|folder| folder == data) {
                let id = entry.file_name().to_string_lossy().into_owned();
                let mut kill = std::process::Command::new("kill");
                let _ = kill.args(["-s", "KILL", &id]).stderr(Stdio::null()).status();
            }
        }
    }

    /// Starts a member anew; Patroni makes it a standby of the other.
    pub fn run(&mut self, index: usize) {
        let settings = self.folder.path().join(format!("{}.yml", self.members[index].name));
        let mut patroni = as_postgres(&tools::patroni(), self.folder.path());
        patroni.arg(settings).stdout(Stdio::null());
        self.members[index].patroni = Some(Process::start(&mut patroni));
    }

    /// Whether a member is the primary, and takes writes.
    pub fn takes_writes(&self, index: usize) -> bool {
        self.ask(index, "SELECT NOT pg_is_in_recovery()").is_some_and(|answer| answer == "t")
    }

    /// What a member answers; none if it does not.
    fn ask(&self, index: usize, statement: &str) -> Option<String> {
        let port = self.members[index].port;
        let mut psql = as_postgres(&tools::postgresql("psql"), self.folder.path());
        psql.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "2");
        psql.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-p", &port.to_string(), "-c", statement, "postgres"]);
        let output = psql.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn data(&self, index: usize) -> std::path::PathBuf {
        self.folder.path().join(self.members[index].name)
    }

    fn write_settings(&self, index: usize, etcd: u16) {
        let Member { name, port, rest, .. } = self.members[index];
        let data = self.data(index).display().to_string();
        let folder = self.folder.path().display();
        let bin = tools::postgresql("postgres");
        let bin = bin.parent().expect("a folder").display();
        let settings = format!(
            "scope: fleetwright\n\
             name: {name}\n\
             restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}\n\
             etcd3: {{host: '127.0.0.1:{etcd}'}}\n\
             bootstrap:\n\
             \x20 dcs:\n\
             \x20   ttl: {TTL}\n\
             \x20   loop_wait: 1\n\
             \x20   retry_timeout: 3\n\
             \x20   synchronous_mode: true\n\
             \x20   postgresql:\n\
             \x20     use_pg_rewind: true\n\
             \x20     parameters: {{max_connections: 120, wal_log_hints: 'on'}}\n\
             \x20 initdb: [{{encoding: UTF8}}, {{locale: C}}]\n\
             postgresql:\n\
             \x20 listen: '127.0.0.1:{port}'\n\
             \x20 connect_address: '127.0.0.1:{port}'\n\
             \x20 data_dir: '{data}'\n\
             \x20 bin_dir: '{bin}'\n\
             \x20 pgpass: '{folder}/{name}.pgpass'\n\
             \x20 parameters: {{unix_socket_directories: '{folder}'}}\n\
             \x20 pg_hba:\n\
             \x20 - host all all 127.0.0.1/32 scram-sha-256\n\
             \x20 - host replication all 127.0.0.1/32 scram-sha-256\n\
             \x20 - local all all trust\n\
             \x20 authentication:\n\
             \x20   superuser: {{username: postgres, password: '{PASSWORD}'}}\n\
             \x20   replication: {{username: replicator, password: '{PASSWORD}'}}\n\
             \x20   rewind: {{username: rewinder, password: '{PASSWORD}'}}\n"
        );
        let path = self.folder.path().join(format!("{name}.yml"));
        std::fs::write(&path, settings).expect("write Patroni's settings");
        own(&path);
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        for index in 0..2 {
            self.kill9(index);
        }
    }
}

/// Gives a path to the user that PostgreSQL runs as.
fn own(path: &Path) {
    if let Some((user, group)) = user_to_run_as() {
        chown(path, Some(user), Some(group)).expect("PostgreSQL gets its own");
    }
}

//! The registrar that ours is measured beside: Kamailio from Debian, which keeps bindings in memory
//! alone (`usrloc` with `db_mode` 0).
//!
//! Where a choice is free it goes to the peer. Passwords are in a hash table in its memory, so that
//! it asks no database. Its script does nothing but check the digest and save the binding. It has a
//! process for each core of the usual machine, more cost it more, and neither TCP nor DNS. It
//! answers the same challenge: MD5, `qop=auth`, without counting nonces, which is its default and
//! keeps no replayed request out. Memory comes from the manager that it starts with by itself, and
//! from the one that costs it least.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::cameras::{FIRST_SERIAL, ID_PREFIX, PASSWORD, REALM};
use crate::clock;
use crate::memory::{Resident, resident};
use crate::ports::free_udp_port;
use crate::process::{Process, Signal, family_cpu};

/// Where Debian's package puts it.
const PROGRAM: &str = "/usr/sbin/kamailio";

/// Where Debian's packages put its modules, one of these by the architecture.
const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/kamailio/modules",
    "/usr/lib/aarch64-linux-gnu/kamailio/modules",
    "/usr/lib/kamailio/modules",
];

/// Megabytes of shared memory that it may take: room for a million bindings. Only what it touches
/// is resident.
const SHARED_MEGABYTES: &str = "2560";

/// How long it may take to start and to make its table of passwords.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one look at whether it answers may take.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(100);

/// By which of its managers it keeps memory (kamailio(8), `-x` and `-X`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The one that it starts with unless told otherwise, `qm`.
    Default,
    /// The one with the lowest cost, `fm`.
    Lean,
}

/// A running Kamailio that knows some cameras.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
    address: SocketAddr,
    /// Its script and its log.
    _scratch: TempDir,
}

impl Memory {
    /// What the figures against it are called, after the measurement's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Lean => "-fm",
        }
    }

    /// The manager's name.
    pub fn manager(self) -> &'static str {
        match self {
            Self::Default => "qm",
            Self::Lean => "fm",
        }
    }
}

impl Kamailio {
    /// Starts one that knows the first so many cameras, with its files below `dir`.
    pub async fn start(dir: &Path, known: u32, memory: Memory) -> Result<Self> {
        let modules = MODULES.iter().find(|folder| Path::new(folder).is_dir());
        let modules = modules.context("Kamailio is not installed: apt-get install kamailio")?;
        let scratch = tempfile::Builder::new().prefix("benches-kamailio-").tempdir_in(dir);
        let scratch = scratch.context("could not make a directory for Kamailio")?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_udp_port()?));
        let (config, log) = (scratch.path().join("kamailio.cfg"), scratch.path().join("log"));
        fs::write(&config, script(address, modules, known))
            .context("could not write Kamailio's script")?;
        let mut command = Command::new(PROGRAM);
        command.arg("-f").arg(&config).args(["-DD", "-E", "-m", SHARED_MEGABYTES, "-M", "16"]);
        command.args(["-x", memory.manager(), "-X", memory.manager()]);
        command.arg("-Y").arg(scratch.path()).current_dir(scratch.path());
        let log_file = File::create(&log).context("could not make Kamailio's log")?;
        command.stdout(Stdio::null()).stderr(log_file);
        let process = Process::start("kamailio", &mut command, Signal::Terminate)?;
        let mut kamailio = Self { process, address, _scratch: scratch };
        kamailio.wait_until_it_answers(&log).await?;
        Ok(kamailio)
    }

    /// Where it listens, by UDP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time of all its processes so far.
    pub fn cpu(&self) -> Result<Duration> {
        family_cpu(self.process.id())
    }

    /// Memory of all its processes, what they share counted once.
    pub fn resident(&self) -> Result<Resident> {
        resident(self.process.id())
    }

    async fn wait_until_it_answers(&mut self, log: &Path) -> Result<()> {
        let started = clock::now();
        let socket = UdpSocket::bind("127.0.0.1:0").await.context("could not make a socket")?;
        let local = socket.local_addr().context("could not ask for a socket's address")?;
        let options = format!(
            "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKready\r\n\
             From: <sip:bench@{local}>;tag=1\r\nTo: <sip:{to}>\r\nCall-ID: ready\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            to = self.address
        );
        let mut answer = [0; 2048];
        loop {
            // Refused as long as nobody listens there.
            let sent = socket.send_to(options.as_bytes(), self.address).await;
            let heard = timeout(ANSWER_TIMEOUT, socket.recv_from(&mut answer)).await;
            if sent.is_ok() && matches!(heard, Ok(Ok(_))) {
                return Ok(());
            }
            let said = || fs::read_to_string(log).unwrap_or_default();
            self.process.check_alive().with_context(|| format!("its log: {}", said()))?;
            if started.elapsed() > START_TIMEOUT {
                bail!("Kamailio does not answer: {}", said());
            }
        }
    }
}

/// Its script.
fn script(address: SocketAddr, modules: &str, known: u32) -> String {
    let last = FIRST_SERIAL + known;
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
use_dns_cache=no
max_while_loops=1000000
listen=udp:{address}
mpath="{modules}/"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "htable.so"
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 16)
modparam("htable", "htable", "password=>size=17;autoexpire=0;")

request_route {{
  if (method == "REGISTER") {{
    if (!pv_auth_check("{REALM}", "$sht(password=>$au)", "0", "0")) {{
      auth_challenge("{REALM}", "1");
      exit;
    }}
    save("location");
    exit;
  }}
  sl_send_reply("200", "OK");
}}

event_route[htable:mod-init] {{
  $var(serial) = {FIRST_SERIAL};
  while ($var(serial) < {last}) {{
    $sht(password=>{ID_PREFIX}$var(serial)) = "{PASSWORD}";
    $var(serial) = $var(serial) + 1;
  }}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_as_many_as_told() {
        let text = script(([127, 0, 0, 1], 5099).into(), "/modules", 200_000);
        assert!(text.contains("listen=udp:127.0.0.1:5099\n"), "{text}");
        assert!(text.contains("while ($var(serial) < 300001) {\n"), "{text}");
        assert!(text.contains("request_route {\n"), "{text}");
    }
}

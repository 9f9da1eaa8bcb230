//! Our side: the built program, as an operator starts it and sets it up. Nothing is configured but
//! where its data lies and where it listens.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::Rng as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::cameras;
use crate::clock;
use crate::database::Database;
use crate::process::{Process, Signal};
use crate::requests::Signer;

/// The project that everything happens in.
pub const PROJECT: &str = "bench";

/// How long the server, and the simulated phones, may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a start is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How much of a log is shown when something went wrong.
const LOG_BYTES_SHOWN: usize = 2_000;

/// A running `fleetwright serve` with a project and a key. Killed on drop: its data goes with it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    /// The other nodes, where there are several.
    others: Vec<Process>,
    /// Where the nodes answer, this one first.
    addresses: Vec<SocketAddr>,
    address: SocketAddr,
    sip: SocketAddr,
    signer: Signer,
    cli: Cli,
    /// The data, the log, and the files that were imported.
    scratch: TempDir,
}

/// The program as a client of the server.
#[derive(Debug)]
struct Cli {
    program: PathBuf,
    url: String,
    token: String,
}

impl Server {
    /// Starts a server with fresh data below `dir`, and makes a project and a key. On a `database`
    /// its store is there, made anew, and it may have other nodes beside it.
    pub async fn start(program: &Path, dir: &Path, database: Option<&Database>) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("benches-fleetwright-").tempdir_in(dir);
        let scratch = scratch.context("could not make a directory for the server")?;
        let data = scratch.path().join("data");
        let store = database.map(Database::make_anew).transpose()?;
        let (process, Ready { http: address, sip }) =
            serve(program, scratch.path(), store.as_deref()).await?;
        let token = fs::read_to_string(data.join("admin-token"));
        let token = token.context("could not read the server's admin-token")?.trim().to_owned();
        let cli = Cli { program: program.to_owned(), url: format!("http://{address}"), token };
        cli.run(&["project", "create", PROJECT, "--id", PROJECT])?;
        let (ak, sk) = new_key();
        cli.run(&["key", "create", "--project", PROJECT, "--ak", &ak, "--sk", &sk])?;
        let signer = Signer::new(address, PROJECT, &ak, &sk);
        let (mut others, mut addresses) = (Vec::new(), vec![address]);
        for number in 1..database.map_or(1, |database| database.nodes) {
            let own = scratch.path().join(format!("node-{number}"));
            copy_keys(&data, &own.join("data"))?;
            let (process, Ready { http, .. }) = serve(program, &own, store.as_deref()).await?;
            others.push(process);
            addresses.push(http);
        }
        Ok(Self { process, others, addresses, address, sip, signer, cli, scratch })
    }

    /// Ends the process and starts another with the same data: what remains in memory of what was
    /// asked so far is gone.
    pub async fn restart(self) -> Result<Self> {
        let Self { process, signer, mut cli, scratch, .. } = self;
        drop(process);
        let (process, Ready { http: address, sip }) =
            serve(&cli.program, scratch.path(), None).await?;
        cli.url = format!("http://{address}");
        let (others, addresses, signer) = (Vec::new(), vec![address], signer.at(address));
        Ok(Self { process, others, addresses, address, sip, signer, cli, scratch })
    }

    /// Pauses, ends in order, copies its store out of `database`, when that was filled, into
    /// SQLite, and starts again on the copy: it answers, and does nothing to devices.
    pub async fn moved_to_sqlite(
        self,
        database: &Database,
        fill: impl FnOnce() -> Result<()>,
    ) -> Result<Self> {
        let Self { mut process, signer, mut cli, scratch, .. } = self;
        cli.run(&["pause"])?;
        process.signal(Signal::Terminate)?;
        let asked = clock::now();
        while process.check_alive().is_ok() {
            if asked.elapsed() > START_TIMEOUT {
                bail!("the server does not end");
            }
            sleep(LOOK_AGAIN).await;
        }
        fill()?;
        let file = scratch.path().join("data").join("fleetwright.db");
        let file = format!("sqlite:{}", file.display());
        cli.run(&["store", "copy", "--from", &database.url(), "--to", &file])?;
        let (process, Ready { http: address, sip }) =
            serve(&cli.program, scratch.path(), None).await?;
        cli.url = format!("http://{address}");
        let (others, addresses, signer) = (Vec::new(), vec![address], signer.at(address));
        Ok(Self { process, others, addresses, address, sip, signer, cli, scratch })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its nodes listen, itself first. A request that is signed for one is good with all:
    /// what is signed is the header `Host`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Processor time of all its nodes so far.
    pub fn cpu(&self) -> Result<Duration> {
        let mut total = self.process.cpu()?;
        for other in &self.others {
            total += other.cpu()?;
        }
        Ok(total)
    }

    /// Sends a signal to all its nodes.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.others.iter().chain([&self.process]).try_for_each(|node| node.signal(signal))
    }

    /// Where it listens for cameras, by UDP.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// What opens its native API.
    pub fn token(&self) -> &str {
        &self.cli.token
    }

    /// Signs with its key.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Imports the devices in a file of one JSON object a line.
    pub fn import_file(&self, file: &Path) -> Result<()> {
        let file = file.to_str().context("the file's name is no text")?;
        self.cli.run(&["device", "import", file]).map(drop)
    }

    /// Imports devices given as one JSON object a line.
    pub fn import(&self, lines: &str) -> Result<()> {
        let file = self.scratch.path().join("devices.jsonl");
        fs::write(&file, lines).context("could not write the devices to import")?;
        self.import_file(&file)
    }

    /// Makes the first so many cameras known.
    pub fn import_cameras(&self, count: u32) -> Result<()> {
        self.import(&cameras::import_lines(PROJECT, count))
    }

    /// What the server says of a device, as JSON.
    pub fn show(&self, id: &str) -> Result<Value> {
        let said = self.cli.run(&["device", "show", id, "--json"])?;
        serde_json::from_str(&said).with_context(|| format!("no JSON is said of {id}"))
    }

    /// Starts simulated phones of the server's project. Gives their process and the file that
    /// describes them.
    pub async fn simulate_phones(&self, count: u32) -> Result<(Process, PathBuf)> {
        let emitted = self.scratch.path().join("phones.jsonl");
        let log = self.scratch.path().join("phones-log");
        let mut command = unconfigured(&self.cli.program);
        command.args(["simulate", "phones", "--boot", "0s", "--listen", "127.0.0.1:0"]);
        command.args(["--count", &count.to_string(), "--project", PROJECT, "--emit"]);
        command.arg(&emitted).stdout(Stdio::null());
        command.stderr(File::create(&log).context("could not make the phones' log")?);
        let mut process = Process::start("fleetwright simulate", &mut command, Signal::Kill)?;
        let started = clock::now();
        while !emitted.exists() {
            process.check_alive().with_context(|| format!("its log ends: {}", tail(&log)))?;
            if started.elapsed() > START_TIMEOUT {
                bail!("the simulated phones don't listen: {}", tail(&log));
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok((process, emitted))
    }
}

impl Cli {
    /// Runs a command to its end; gives what it printed.
    fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = unconfigured(&self.program);
        command.args(args).stdin(Stdio::null());
        command.env("FLEETWRIGHT_URL", &self.url).env("FLEETWRIGHT_TOKEN", &self.token);
        let output = command.output();
        let output =
            output.with_context(|| format!("could not start {}", self.program.display()))?;
        if !output.status.success() {
            // Not the arguments: one of them may be a secret.
            let what = args.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`fleetwright {what}` failed ({}): {}", output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The program without what our own environment may configure of it.
fn unconfigured(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"FLEETWRIGHT_") {
            command.env_remove(name);
        }
    }
    command
}

/// Gives the data directory of another node what it needs to join.
fn copy_keys(from: &Path, to: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(to).context("could not make a node's data directory")?;
    for file in ["master-key", "admin-token"] {
        fs::copy(from.join(file), to.join(file)).context("could not copy a node's keys")?;
    }
    Ok(())
}

/// Starts the program with its data and its log in `scratch`, on `store` if one is given.
async fn serve(program: &Path, scratch: &Path, store: Option<&str>) -> Result<(Process, Ready)> {
    let log = scratch.join("log");
    let log_file = File::create(&log).context("could not make the server's log")?;
    let mut command = unconfigured(program);
    command.args(["serve", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0"]);
    command.arg("--data").arg(scratch.join("data"));
    if let Some(store) = store {
        let name = scratch.file_name().and_then(|name| name.to_str()).unwrap_or("node");
        command.args(["--store", store, "--node", name]);
    }
    command.stdout(Stdio::null()).stderr(log_file);
    let mut process = Process::start("fleetwright serve", &mut command, Signal::Kill)?;
    let ready = ready(&mut process, &log).await?;
    Ok((process, ready))
}

/// Waits until the server says where it answers.
async fn ready(process: &mut Process, log: &Path) -> Result<Ready> {
    let started = clock::now();
    loop {
        let text = fs::read_to_string(log).context("could not read the server's log")?;
        let whole_lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        if let Some(ready) = whole_lines.lines().find_map(Ready::parse) {
            return Ok(ready);
        }
        process.check_alive().with_context(|| format!("its log ends: {}", tail(log)))?;
        if started.elapsed() > START_TIMEOUT {
            bail!("the server is not ready after {} s: {}", START_TIMEOUT.as_secs(), tail(log));
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Where a server listens.
#[derive(Debug, PartialEq, Eq)]
struct Ready {
    http: SocketAddr,
    sip: SocketAddr,
}

impl Ready {
    /// Reads the line `ready http=ADDR sip=ADDR`.
    fn parse(line: &str) -> Option<Self> {
        let words = line.trim().strip_prefix("ready ")?;
        let address = |name: &str| {
            words.split_whitespace().find_map(|word| word.strip_prefix(name))?.parse().ok()
        };
        Some(Self { http: address("http=")?, sip: address("sip=")? })
    }
}

/// The end of a log, for an error.
fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let from = bytes.len().saturating_sub(LOG_BYTES_SHOWN);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).trim().to_owned()
}

/// An access key of the lengths that the vendor's have.
fn new_key() -> (String, String) {
    let mut random = rand::rng();
    let mut letters = |count: usize| -> String {
        (0..count).map(|_| char::from(random.random_range(b'A'..=b'Z'))).collect()
    };
    (letters(20), letters(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_gives_the_addresses() {
        let check = |line: &str, ports: Option<(u16, u16)>| {
            let expected = ports.map(|(http, sip)| Ready {
                http: ([127, 0, 0, 1], http).into(),
                sip: ([127, 0, 0, 1], sip).into(),
            });
            assert_eq!(Ready::parse(line), expected, "{line:?}");
        };
        check("ready http=127.0.0.1:4711 sip=127.0.0.1:5060", Some((4711, 5060)));
        check("ready http=127.0.0.1:4711", None);
        check("ready http=127.0.0.1: sip=127.0.0.1:5060", None);
        check("2026-11-22T00:00:00Z INFO listening", None);
    }

    #[test]
    fn keys_have_the_vendors_lengths() {
        let (ak, sk) = new_key();
        assert_eq!((ak.len(), sk.len()), (20, 40));
        assert_ne!(new_key(), (ak, sk));
    }
}

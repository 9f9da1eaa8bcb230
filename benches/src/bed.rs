//! The bed that our slots are measured in: a server, its devices, and what the devices do.
//!
//! Silent: the hosts of the phones don't answer, as when they are switched off. Each slot has a
//! fresh server with so many phones that every device stays far from its bound of open jobs. The
//! server accepts and stores, and goes on looking for its phones; nothing else wants the processor.
//! This is what compares with inserting rows.
//!
//! Running: simulated phones in a process beside the server, on the same processor, take every
//! value. One server serves all slots. What accepting costs is then measured while jobs end, and
//! the phones' own work is in it too. While the peer has its turn, both processes are halted.
//!
//! Cameras: as many as there are silent phones, with a fresh server for each slot likewise. They
//! are on record and never register, so the server has nobody to speak to.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

use crate::Options;
use crate::asking::{self, Standing};
use crate::database::Database;
use crate::disk::Disk;
use crate::load::{self, Slot};
use crate::ours::Server;
use crate::process::{Process, Signal, own_cpu};
use crate::requests::{Asks, Updates};
use crate::task::{Task, rate_max};
use crate::{cameras, clock};

/// Devices that don't answer: so many that warming up and a slot at 150,000 jobs a second leave
/// each with half of the 64 open jobs that it may have.
pub const SILENT: u32 = 30_000;

/// How long a fresh server is loaded before its first slot, so that its write-ahead log has grown:
/// making a file longer costs a disk more than writing it again, and only a server that has just
/// been installed pays for it. The peer's log is recycled in the same way.
pub const WARM_UP: Duration = Duration::from_secs(2);

/// Connections that warm a server up, at most.
pub const WARM_UP_IN_FLIGHT_MAX: usize = 64;

/// Phones on one host: the capacity of CPH's usual server models (`rx1.cp.c60.*`).
const PHONES_PER_SERVER: u32 = 60;

/// Phones in a request of those updates that make running phones known to the server.
const PHONES_PER_GREETING: usize = 100;

/// How long all jobs may take to end, once nothing more is asked.
const END_OF_JOBS_MAX: Duration = Duration::from_secs(300);

/// Requests whose jobs are looked up after a slot.
pub const SAMPLE: usize = 400;

/// Why there can't be a slot: nobody has called [`Bed::prepare`].
const NOT_READY: &str = "no slot has been prepared";

/// What the phones do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phones {
    /// Their hosts don't answer
    Silent,
    /// They run beside the server and take every value
    Running,
}

impl Phones {
    /// The word in the figures' names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Running => "running",
        }
    }
}

/// Which devices there are, and what is asked of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// Phones that do this: properties, by UpdateCloudPhoneProperty.
    Phones(Phones),
    /// Cameras that never register: this, by UpdateDevice.
    Cameras(Asks),
}

/// The server and devices of the slots of one measurement.
pub struct Bed {
    devices: Devices,
    running_count: u32,
    program: PathBuf,
    disk: Disk,
    /// Where the store is; SQLite in the server's own directory if it is `None`.
    database: Option<Database>,
    live: Option<Live>,
    /// The most requests a second that a slot has shown; how many are signed follows from it.
    rate_max: Option<f64>,
}

/// What is alive. The processes stand first, so that they end before what they use.
struct Live {
    simulated: Option<Process>,
    server: Server,
    /// The address at which nobody answers.
    _silent: Option<TcpListener>,
    /// The devices' ids, shuffled: neighbours in a request aren't neighbours in the store.
    ids: Vec<String>,
    /// What is asked of each.
    asks: Asks,
    /// Entries asked for so far.
    entries: usize,
}

/// Signed requests, ready to be sent.
pub struct Prepared {
    task: Task,
    requests: Vec<Vec<u8>>,
}

/// What one slot of ours showed.
pub struct Measured {
    /// The answers.
    pub slot: Slot,
    /// Processor time of the server.
    pub server_cpu: Duration,
    /// Processor time of the simulated phones, if there are any.
    pub phones_cpu: Option<Duration>,
    /// Processor time of the load.
    pub load_cpu: Duration,
    /// Bytes written to the disk meanwhile, by everybody.
    pub disk_bytes: Option<u64>,
    /// How a sample of the jobs stood right after the slot.
    pub standing: Standing,
    /// Whether all signed requests were sent before the time was over.
    pub ran_out: bool,
}

impl Bed {
    /// A bed in which nothing is alive yet.
    pub fn new(
        devices: Devices,
        options: &Options,
        disk: &Disk,
        database: Option<Database>,
    ) -> Result<Self> {
        Ok(Self {
            database,
            devices,
            running_count: options.running_phones,
            program: options.program()?,
            disk: disk.clone(),
            live: None,
            rate_max: None,
        })
    }

    /// Makes the server ready for a slot and signs its requests.
    pub async fn prepare(&mut self, task: Task) -> Result<Prepared> {
        let live = match self.live.take() {
            Some(live) => {
                live.go_on()?;
                live
            }
            None => {
                let mut live = match self.devices {
                    Devices::Phones(Phones::Silent) => self.silent().await?,
                    Devices::Phones(Phones::Running) => self.running().await?,
                    Devices::Cameras(asks) => self.cameras(asks).await?,
                };
                self.warm_up(&mut live, task).await?;
                live
            }
        };
        let live = self.live.insert(live);
        let count = task.requests(self.rate_max);
        let requests = live.updates(task.devices_per_request, count)?;
        Ok(Prepared { task, requests })
    }

    /// Runs a slot, then looks up a sample of the jobs that it was answered.
    pub async fn run(&mut self, prepared: Prepared) -> Result<Measured> {
        let Prepared { task, requests } = prepared;
        let live = self.live.as_ref().context(NOT_READY)?;
        let signed = requests.len();
        let before = live.cpu()?;
        let (own, disk) = (own_cpu()?, self.disk.bytes_written());
        let address = live.server.address();
        let slot = match task.per_second {
            None => {
                load::closed(live.server.addresses(), requests, task.in_flight, task.slot).await?
            }
            Some(rate) => load::open(address, requests, task.in_flight, rate).await?,
        };
        let after = live.cpu()?;
        let load_cpu = own_cpu()?.saturating_sub(own);
        let disk_bytes =
            disk.zip(self.disk.bytes_written()).map(|(from, to)| to.saturating_sub(from));
        let sent = slot.latencies.len();
        if task.per_second.is_none() {
            self.rate_max = rate_max(self.rate_max, &slot);
        }
        let sample = asking::sample(&slot.answered, SAMPLE);
        let server = &live.server;
        let standing = match self.devices {
            Devices::Phones(_) => asking::standing(address, server.signer(), &sample).await?,
            Devices::Cameras(_) => asking::updates(address, server.token(), &sample).await?,
        };
        Ok(Measured {
            server_cpu: after.0.saturating_sub(before.0),
            phones_cpu: after.1.zip(before.1).map(|(to, from)| to.saturating_sub(from)),
            load_cpu,
            disk_bytes,
            standing,
            ran_out: task.per_second.is_none() && sent == signed,
            slot,
        })
    }

    /// Makes the machine free for the peer: ends the server, or lets all jobs end and then halts
    /// server and phones. Gives how long the jobs took and how the last one of each phone ended.
    pub async fn put_away(&mut self, measured: &Measured) -> Result<Option<(Duration, Standing)>> {
        match self.devices {
            Devices::Phones(Phones::Silent) | Devices::Cameras(_) => {
                self.live = None;
                Ok(None)
            }
            Devices::Phones(Phones::Running) => {
                let live = self.live.as_ref().context(NOT_READY)?;
                let started = clock::now();
                let ended = live.wait_until_ended(&measured.slot).await?;
                live.halt()?;
                Ok(Some((started.elapsed(), ended)))
            }
        }
    }

    /// Loads a fresh server with the kind of updates that its slots will have.
    async fn warm_up(&mut self, live: &mut Live, task: Task) -> Result<()> {
        let task = Task {
            in_flight: task.in_flight.min(WARM_UP_IN_FLIGHT_MAX),
            slot: WARM_UP,
            per_second: None,
            ..task
        };
        let requests = live.updates(task.devices_per_request, task.requests(self.rate_max))?;
        let addresses = live.server.addresses();
        let slot = load::closed(addresses, requests, task.in_flight, task.slot).await?;
        self.rate_max = rate_max(self.rate_max, &slot);
        if self.devices == Devices::Phones(Phones::Running) {
            live.wait_until_ended(&slot).await?;
        }
        Ok(())
    }

    /// A server with an empty store.
    async fn server(&self) -> Result<Server> {
        Server::start(&self.program, self.disk.dir(), self.database.as_ref()).await
    }

    /// A fresh server whose phones don't answer: their address has a socket that takes no
    /// connection.
    async fn silent(&self) -> Result<Live> {
        let server = self.server().await?;
        let socket = TcpSocket::new_v4().context("could not make a socket")?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).context("could not bind a socket")?;
        let silent = socket.listen(1).context("could not listen on a socket")?;
        let address = silent.local_addr().context("could not ask for a socket's address")?;
        let mut random = StdRng::seed_from_u64(1);
        let mut ids = Vec::new();
        let mut lines = String::new();
        for number in 0..SILENT {
            let id = format!("{:032x}", rand::Rng::random::<u128>(&mut random));
            let line = json!({
                "kind": "phone", "project": "bench", "id": id, "name": format!("phone-{number}"),
                "server": format!("server-{}", number / PHONES_PER_SERVER),
                "address": address.to_string(), "profile": "simulated",
            });
            lines.push_str(&line.to_string());
            lines.push('\n');
            ids.push(id);
        }
        server.import(&lines)?;
        ids.shuffle(&mut random);
        let asks = Asks::Properties;
        Ok(Live { simulated: None, server, _silent: Some(silent), ids, asks, entries: 0 })
    }

    /// A fresh server whose cameras have never registered.
    async fn cameras(&self, asks: Asks) -> Result<Live> {
        let server = self.server().await?;
        server.import_cameras(SILENT)?;
        let mut ids: Vec<String> = (0..SILENT).map(cameras::id).collect();
        ids.shuffle(&mut StdRng::seed_from_u64(1));
        Ok(Live { simulated: None, server, _silent: None, ids, asks, entries: 0 })
    }

    /// A server whose phones run and are known to it.
    async fn running(&self) -> Result<Live> {
        let server = self.server().await?;
        let (simulated, emitted) = server.simulate_phones(self.running_count).await?;
        let text = std::fs::read_to_string(&emitted).context("could not read the phones' file")?;
        let mut ids = text.lines().map(phone_id).collect::<Result<Vec<_>>>()?;
        if ids.len() != usize::try_from(self.running_count)? {
            bail!("{} simulated phones instead of {}", ids.len(), self.running_count);
        }
        server.import_file(&emitted)?;
        ids.shuffle(&mut StdRng::seed_from_u64(1));
        let mut live = Live {
            simulated: Some(simulated),
            server,
            _silent: None,
            ids,
            asks: Asks::Properties,
            entries: 0,
        };
        let requests = live.updates(PHONES_PER_GREETING, live.ids.len() / PHONES_PER_GREETING)?;
        let started = clock::now();
        let slot = load::closed(live.server.addresses(), requests, 8, END_OF_JOBS_MAX).await?;
        let ended = live.wait_until_ended(&slot).await?;
        eprintln!(
            "{} simulated phones have taken a first value within {:.1} s ({} failed)",
            ended.jobs,
            started.elapsed().as_secs_f64(),
            ended.failed
        );
        if ended.failed > 0 {
            bail!("a phone that runs and refuses nothing must take its values");
        }
        Ok(live)
    }
}

impl Live {
    /// The next updates, signed.
    fn updates(&mut self, per_request: usize, count: usize) -> Result<Vec<Vec<u8>>> {
        let first = self.entries;
        self.entries += count * per_request;
        let updates = Updates { asks: self.asks, devices: &self.ids, per_request, first, count };
        self.server.signer().updates(updates)
    }

    /// Processor time so far of the server, and of the phones.
    fn cpu(&self) -> Result<(Duration, Option<Duration>)> {
        let phones = self.simulated.as_ref().map(Process::cpu).transpose()?;
        Ok((self.server.cpu()?, phones))
    }

    /// Waits until the last job of each phone has ended: the phones took turns, so those are the
    /// jobs of the last answers, and no earlier job of a phone outlives a later one.
    async fn wait_until_ended(&self, slot: &Slot) -> Result<Standing> {
        let per_request = slot.answered.iter().map(|answer| answer.jobs).max().unwrap_or(1);
        let last = self.ids.len().div_ceil(per_request.max(1));
        let from = slot.answered.len().saturating_sub(last);
        let last = slot.answered.get(from..).unwrap_or_default();
        let (address, signer) = (self.server.address(), self.server.signer());
        asking::wait_until_ended(address, signer, last, END_OF_JOBS_MAX).await
    }

    /// Halts server and phones.
    fn halt(&self) -> Result<()> {
        self.signal(Signal::Stop)
    }

    /// Lets them go on.
    fn go_on(&self) -> Result<()> {
        self.signal(Signal::Continue)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.server.signal(signal)?;
        self.simulated.as_ref().map_or(Ok(()), |phones| phones.signal(signal))
    }
}

/// The id in a line of the file that describes simulated phones.
fn phone_id(line: &str) -> Result<String> {
    let phone: Value = serde_json::from_str(line).context("the phones' file holds no JSON")?;
    let id = phone.get("id").and_then(Value::as_str).map(str::to_owned);
    id.context("a phone in the phones' file has no id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phones_file_gives_ids() {
        assert_eq!(phone_id(r#"{"kind":"phone","id":"ab"}"#).unwrap(), "ab");
        assert!(phone_id(r#"{"kind":"phone"}"#).is_err());
        assert!(phone_id("").is_err());
    }
}

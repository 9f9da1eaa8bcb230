//! A pair: a slot of ours and one of the peer's in turn, with the disk probed around them.

use std::time::Duration;

use anyhow::Result;

use crate::bed::{self, Bed, Devices, Phones};
use crate::database::Database;
use crate::disk::{self, Disk, Probe};
use crate::pairs::Pair;
use crate::peer::{self, Peer};
use crate::statistics::{microseconds_each, milliseconds, per_second, percentile};
use crate::task::Task;
use crate::{Options, Store};

/// Both sides, started.
pub struct Sides {
    bed: Bed,
    peer: Peer,
    disk: Disk,
    slot_seconds: u32,
}

impl Sides {
    /// Starts the peer; ours is started for the first slot.
    pub async fn start(phones: Phones, options: &Options, disk: &Disk) -> Result<Self> {
        let peer = Peer::start(disk).await?;
        let database = (options.store == Store::Postgresql).then(|| peer.database(1));
        Self::on(peer, database, phones, options, disk)
    }

    /// The same with so many nodes of ours on a server whose commits wait for a standby, for both.
    pub async fn replicated(nodes: usize, options: &Options, disk: &Disk) -> Result<Self> {
        let peer = Peer::replicated(disk).await?;
        let database = Some(peer.database(nodes));
        Self::on(peer, database, Phones::Silent, options, disk)
    }

    fn on(
        peer: Peer,
        database: Option<Database>,
        phones: Phones,
        options: &Options,
        disk: &Disk,
    ) -> Result<Self> {
        let bed = Bed::new(Devices::Phones(phones), options, disk, database)?;
        Ok(Self { bed, peer, disk: disk.clone(), slot_seconds: options.slot })
    }

    /// Takes a pair of jobs and rows a second, at `in_flight` requests and transactions of
    /// `devices_per_request` each. Which side is first changes from pair to pair, so that neither
    /// always comes after the other.
    pub async fn pair(
        &mut self,
        in_flight: usize,
        devices_per_request: usize,
        ours_first: bool,
    ) -> Result<Pair> {
        let slot = Duration::from_secs(u64::from(self.slot_seconds));
        let task = Task { in_flight, devices_per_request, slot, per_second: None };
        let (before, ours, between, theirs);
        if ours_first {
            (before, ours) = slot_of(&mut self.bed, &self.disk, task, "ours").await?;
            (between, theirs) = self.theirs(task).await?;
        } else {
            (before, theirs) = self.theirs(task).await?;
            (between, ours) = slot_of(&mut self.bed, &self.disk, task, "ours").await?;
        }
        let after = self.disk.probe(disk::PROBE).await?;
        let probes = [before, between, after].map(|probe| probe.per_second);
        eprintln!(
            "  fdatasync/s before, between, after: {:.0} {:.0} {:.0}",
            probes[0], probes[1], probes[2]
        );
        Ok(Pair {
            ours: per_second(ours.slot.jobs, ours.slot.elapsed),
            peer: theirs.rows_per_second,
            probes: probes.into(),
        })
    }

    /// The peer's slot, after a probe.
    async fn theirs(&mut self, task: Task) -> Result<(Probe, peer::Measured)> {
        let probe = self.disk.probe(disk::PROBE).await?;
        let slot = self.peer.slot(task.in_flight, task.devices_per_request, self.slot_seconds);
        let measured = slot.await?;
        eprintln!(
            "  PostgreSQL: {:.0} rows/s, processor a row: server {:.1} us, pgbench {:.1} us, \
             disk {} a row",
            measured.rows_per_second,
            microseconds_each(measured.cpu, measured.rows),
            microseconds_each(measured.load_cpu, measured.rows),
            bytes_each(measured.disk_bytes, measured.rows),
        );
        self.peer.clear()?;
        Ok((probe, measured))
    }
}

/// A slot of a bed, after a probe. `side` is its name for people.
pub async fn slot_of(
    bed: &mut Bed,
    disk: &Disk,
    task: Task,
    side: &str,
) -> Result<(Probe, bed::Measured)> {
    let prepared = bed.prepare(task).await?;
    let probe = disk.probe(disk::PROBE).await?;
    let measured = bed.run(prepared).await?;
    eprintln!("  {side}: {}", describe(&measured));
    if let Some((took, ended)) = bed.put_away(&measured).await? {
        eprintln!(
            "  after the slot all jobs had ended within {:.1} s; of the last {} {} failed",
            took.as_secs_f64(),
            ended.jobs,
            ended.failed
        );
    }
    Ok((probe, measured))
}

/// A slot of ours in one line.
pub fn describe(measured: &bed::Measured) -> String {
    let slot = &measured.slot;
    let jobs = slot.jobs;
    let mut text = format!(
        "{:.0} jobs/s, p50 {:.2} ms, p99 {:.2} ms, processor a job: server {:.1} us, load {:.1} us",
        per_second(jobs, slot.elapsed),
        milliseconds(percentile(&slot.latencies, 50)),
        milliseconds(percentile(&slot.latencies, 99)),
        microseconds_each(measured.server_cpu, jobs),
        microseconds_each(measured.load_cpu, jobs),
    );
    if let Some(phones) = measured.phones_cpu {
        text.push_str(&format!(", phones {:.1} us", microseconds_each(phones, jobs)));
    }
    let standing = measured.standing;
    text.push_str(&format!(
        ", disk {} a job; of {} jobs looked up {} had ended",
        bytes_each(measured.disk_bytes, jobs),
        standing.jobs,
        standing.jobs - standing.open
    ));
    if slot.refused > 0 {
        let refusal = slot.refusal.as_deref().unwrap_or_default();
        text.push_str(&format!("; {} answers refused something, first: {refusal}", slot.refused));
    }
    if measured.ran_out {
        text.push_str("; all signed requests were sent before the time was over");
    }
    text
}

/// Bytes written for each of `count`, or that they aren't known.
fn bytes_each(bytes: Option<u64>, count: u64) -> String {
    bytes
        .and_then(|bytes| bytes.checked_div(count))
        .map_or_else(|| "unknown".to_owned(), |bytes| format!("{bytes} B"))
}

//! P10: what checking signatures costs: requests a second with the check, over requests a second
//! without it, for both kinds of signature; one device a request at 64 in flight, and 100 devices a
//! request at 8.
//!
//! The program can't leave the check out, so both sides are doors in this process (see
//! [`crate::doors`]). The side with the check gets signed requests; the other gets the same ones
//! without their signatures, and takes whoever asks for the holder of the key. All else is alike:
//! what is asked is durable before the answer, and each slot begins with fresh data.

use std::time::Duration;

use anyhow::Result;
use fleet::Kind;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::bed::{SAMPLE, SILENT, WARM_UP, WARM_UP_IN_FLIGHT_MAX};
use crate::disk::{self, Disk, Probe};
use crate::doors::{Check, Doors};
use crate::load::{self, Slot};
use crate::p1::report;
use crate::pairs::{Pair, Series};
use crate::process::own_cpu;
use crate::requests::{Asks, Scheme, Updates};
use crate::statistics::{microseconds_each, milliseconds, per_second, percentile};
use crate::task::{Task, rate_max};
use crate::{Options, asking};

/// A load that is measured.
struct Load {
    /// The end of its figure's name.
    name: &'static str,
    asks: Asks,
    in_flight: usize,
    devices_per_request: usize,
    /// The most requests a second that a slot has shown.
    rate_max: Option<f64>,
}

/// The loads.
const LOADS: [Load; 4] = [
    Load::new("cph-1", Asks::Properties, 64, 1),
    Load::new("iss-1", Asks::Records, 64, 1),
    Load::new("cph-100", Asks::Properties, 8, 100),
    Load::new("iss-100", Asks::Records, 8, 100),
];

/// Measures and prints the figures.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let slot = Duration::from_secs(u64::from(options.slot));
    for mut load in LOADS {
        let name = format!("p10-{}", load.name);
        let mut series = Series::new(name.as_str(), options.pairs);
        while series.wants_more() {
            let tried = series.tried();
            eprintln!("{name}, pair {}:", tried + 1);
            let pair = load.pair(disk, slot, tried.is_multiple_of(2)).await?;
            if !series.push(pair) {
                eprintln!("  dropped: the disk changed its speed");
            }
        }
        report(&name, &[series])?;
    }
    Ok(())
}

impl Load {
    /// A load of which no slot was taken.
    const fn new(
        name: &'static str,
        asks: Asks,
        in_flight: usize,
        devices_per_request: usize,
    ) -> Self {
        Self { name, asks, in_flight, devices_per_request, rate_max: None }
    }

    /// Takes a pair: jobs a second with the check, and without it.
    async fn pair(&mut self, disk: &Disk, slot: Duration, signed_first: bool) -> Result<Pair> {
        let (before, between, ours, peer);
        if signed_first {
            (before, ours) = Box::pin(self.slot(disk, Check::Signed, slot)).await?;
            (between, peer) = Box::pin(self.slot(disk, Check::Unsigned, slot)).await?;
        } else {
            (before, peer) = Box::pin(self.slot(disk, Check::Unsigned, slot)).await?;
            (between, ours) = Box::pin(self.slot(disk, Check::Signed, slot)).await?;
        }
        let after = disk.probe(disk::PROBE).await?;
        let probes = [before, between, after].map(|probe| probe.per_second);
        eprintln!(
            "  fdatasync/s before, between, after: {:.0} {:.0} {:.0}",
            probes[0], probes[1], probes[2]
        );
        Ok(Pair { ours, peer, probes: probes.into() })
    }

    /// One slot of one side, with fresh doors, warmed up, after a probe: jobs a second.
    async fn slot(&mut self, disk: &Disk, check: Check, slot: Duration) -> Result<(Probe, f64)> {
        let doors = Doors::start(disk.dir(), check, self.kind(), SILENT).await?;
        // Neighbours in a request aren't neighbours in the store.
        let mut ids = doors.ids().to_vec();
        ids.shuffle(&mut StdRng::seed_from_u64(1));

        let in_flight = self.in_flight.min(WARM_UP_IN_FLIGHT_MAX);
        let warm_up = Task { in_flight, ..self.task(WARM_UP) };
        let (requests, entries) = self.requests(&doors, &ids, warm_up, 0)?;
        let warmed = load::closed(&[doors.address()], requests, in_flight, WARM_UP).await?;
        self.rate_max = rate_max(self.rate_max, &warmed);

        let (requests, _) = self.requests(&doors, &ids, self.task(slot), entries)?;
        let made = requests.len();
        let probe = disk.probe(disk::PROBE).await?;
        let cpu = own_cpu()?;
        let done = load::closed(&[doors.address()], requests, self.in_flight, slot).await?;
        let cpu = own_cpu()?.saturating_sub(cpu);
        self.rate_max = rate_max(self.rate_max, &done);
        self.look_up(&doors, &done).await?;
        doors.stop().await?;
        describe(check, &done, cpu, made);
        Ok((probe, per_second(done.jobs, done.elapsed)))
    }

    /// Signs the requests of a task, or leaves them as they are; gives how many entries came so
    /// far.
    fn requests(
        &self,
        doors: &Doors,
        ids: &[String],
        task: Task,
        first: usize,
    ) -> Result<(Vec<Vec<u8>>, usize)> {
        let (count, per_request) = (task.requests(self.rate_max), self.devices_per_request);
        let updates = Updates { asks: self.asks, devices: ids, per_request, first, count };
        Ok((doors.signer().updates(updates)?, first + count * per_request))
    }

    /// Looks up a sample of the jobs that were answered.
    ///
    /// # Errors
    /// One isn't found.
    async fn look_up(&self, doors: &Doors, done: &Slot) -> Result<()> {
        let sample = asking::sample(&done.answered, SAMPLE);
        asking::updates(doors.address(), doors.token(), &sample).await.map(drop)
    }

    /// What is asked is asked of these.
    fn kind(&self) -> Kind {
        match self.asks.scheme() {
            Scheme::Cph => Kind::Phone,
            Scheme::Iss => Kind::Camera,
        }
    }

    /// The load of a slot of this length.
    fn task(&self, slot: Duration) -> Task {
        Task {
            in_flight: self.in_flight,
            devices_per_request: self.devices_per_request,
            slot,
            per_second: None,
        }
    }
}

/// Tells people of a slot for which so many requests were made.
fn describe(check: Check, done: &Slot, cpu: Duration, made: usize) {
    let side = if check == Check::Signed { "signed" } else { "unsigned" };
    let refusal = done.refusal.as_deref().map_or_else(String::new, |refusal| {
        format!("; {} answers refused something, first: {refusal}", done.refused)
    });
    let ran_out = if done.latencies.len() == made {
        "; all requests were sent before the time was over"
    } else {
        ""
    };
    eprintln!(
        "  {side}: {:.0} jobs/s, p50 {:.2} ms, p99 {:.2} ms, processor a job, load included: \
         {:.1} us{refusal}{ran_out}",
        per_second(done.jobs, done.elapsed),
        milliseconds(percentile(&done.latencies, 50)),
        milliseconds(percentile(&done.latencies, 99)),
        microseconds_each(cpu, done.jobs),
    );
}

//! P6: the server's processor time for one registration of a camera that was not registered before:
//! a REGISTER that is challenged, and one that answers the challenge.
//!
//! Both sides know the same 200,000 cameras, and SIPp registers the same ones with both, slot by
//! slot others. Ours is the whole server with its default configuration: a registration is on disk
//! before it is answered, and what follows one (the device is asked what it is) counts too. The
//! peer keeps its registrations in memory. Nobody's rate is compared, since SIPp is the limit.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Options;
use crate::cameras::id;
use crate::disk::{self, Disk};
use crate::kamailio::{Kamailio, Memory};
use crate::machine;
use crate::ours::Server;
use crate::pairs::{Pair, Series};
use crate::sipp::{Registered, Sipp};
use crate::statistics::{median, microseconds_each, range};

/// Cameras that both sides know.
const KNOWN: u32 = 200_000;

/// Cameras of a slot.
const SLOT: u32 = 10_000;

/// Pairs that the cameras last for, if as many again are dropped.
const PAIRS_MAX: u32 = (KNOWN / SLOT - 1) / 2;

/// Registrations begun in a second: SIPp keeps up with this many beside a server on two cores.
const PER_SECOND: u32 = 4_000;

/// What both sides are given by which manager of memory, in the order of the slots.
const PEERS: [Memory; 2] = [Memory::Default, Memory::Lean];

/// The sides, and the cameras that are still to be registered.
struct Sides {
    ours: Server,
    peers: Vec<Kamailio>,
    /// The load of each side: a registered camera is where its side's load listens.
    loads: Vec<Sipp>,
    disk: Disk,
    next: u32,
}

/// Measures and prints the figures: against Kamailio as it starts by itself, and as it is cheapest.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let pairs = options.pairs.min(PAIRS_MAX);
    let mut all = PEERS.map(|memory| Series::new(format!("p6{}", memory.suffix()), pairs));
    let mut sides = Sides::start(options, disk).await?;
    let mut with_dropped = PEERS.map(|_| Vec::new());
    sides.round(false).await.context("warming up")?;
    while all.iter().any(Series::wants_more) {
        let tried = all.iter().map(Series::tried).max().unwrap_or_default();
        eprintln!("p6, pair {}, load average {}:", tried + 1, machine::load());
        let pairs = sides.round(tried.is_multiple_of(2)).await?;
        for ((series, ratios), pair) in all.iter_mut().zip(&mut with_dropped).zip(pairs) {
            ratios.push(pair.ours / pair.peer.max(f64::EPSILON));
            if !series.push(pair) {
                eprintln!("  {} dropped: the disk changed its speed", series.name());
            }
        }
    }
    for (series, ratios) in all.iter().zip(&with_dropped) {
        eprintln!("{}", series.summary("us of processor a registration"));
        if let (Some(middle), Some((low, high))) = (median(ratios), range(ratios)) {
            let (name, count) = (series.name(), ratios.len());
            eprintln!("{name}: with those dropped {middle:.2} {low:.2} {high:.2} {count}");
        }
        let figures = series.figures();
        if figures.is_empty() {
            bail!("{}: no pair counts, the disk never kept its speed", series.name());
        }
        figures.iter().for_each(|figure| println!("{figure}"));
    }
    Ok(())
}

impl Sides {
    /// Starts all, with the cameras known to each.
    async fn start(options: &Options, disk: &Disk) -> Result<Self> {
        let ours = Server::start(&options.program()?, disk.dir(), None).await?;
        ours.import_cameras(KNOWN)?;
        let (mut peers, mut loads) = (Vec::new(), vec![Sipp::new(disk.dir())?]);
        for memory in PEERS {
            peers.push(Kamailio::start(disk.dir(), KNOWN, memory).await?);
            loads.push(Sipp::new(disk.dir())?);
        }
        Ok(Self { ours, peers, loads, disk: disk.clone(), next: 0 })
    }

    /// A slot of each side with the same cameras; gives a pair for each peer. Whether ours is first
    /// or last changes from round to round.
    async fn round(&mut self, ours_first: bool) -> Result<Vec<Pair>> {
        let first = self.next;
        self.next += SLOT;
        let mut theirs = Vec::new();
        if !ours_first {
            theirs = self.theirs(first).await?;
        }
        // The peers write nothing: only during our slot does the disk matter.
        let before = self.disk.probe(disk::PROBE).await?.per_second;
        let ours = self.ours(first).await?;
        let after = self.disk.probe(disk::PROBE).await?.per_second;
        eprintln!("  fdatasync/s before and after: {before:.0} {after:.0}");
        if ours_first {
            theirs = self.theirs(first).await?;
        }
        let probes = vec![before, after];
        Ok(theirs.into_iter().map(|peer| Pair { ours, peer, probes: probes.clone() }).collect())
    }

    /// Microseconds of processor of ours, a registration.
    async fn ours(&self, first: u32) -> Result<f64> {
        let load = self.loads.first().context("no load")?;
        let before = self.ours.process().cpu()?;
        let run = load.register(self.ours.sip(), first, SLOT, PER_SECOND).await?;
        let cpu = self.ours.process().cpu()?.saturating_sub(before);
        for index in [first, first + SLOT - 1] {
            let shown = self.ours.show(&id(index))?;
            if shown.pointer("/camera/status").and_then(|status| status.as_str()) != Some("OnLine")
            {
                bail!("camera {} was answered 200 and is not registered: {shown}", id(index));
            }
        }
        Ok(tell("ours", &run, cpu))
    }

    /// Microseconds of processor of each peer, a registration.
    async fn theirs(&self, first: u32) -> Result<Vec<f64>> {
        let mut all = Vec::new();
        for ((memory, peer), load) in
            PEERS.into_iter().zip(&self.peers).zip(self.loads.iter().skip(1))
        {
            let before = peer.cpu()?;
            let run = load.register(peer.address(), first, SLOT, PER_SECOND).await?;
            let cpu = peer.cpu()?.saturating_sub(before);
            all.push(tell(&format!("Kamailio ({})", memory.manager()), &run, cpu));
        }
        Ok(all)
    }
}

/// Says what a slot showed; gives the microseconds of processor a registration.
fn tell(side: &str, run: &Registered, cpu: Duration) -> f64 {
    let each = microseconds_each(cpu, run.cameras.into());
    eprintln!(
        "  {side}: {each:.1} us of processor a registration, {:.0} registrations/s, {} repeated; \
         SIPp {:.1} us",
        run.per_second,
        run.repeated,
        microseconds_each(run.cpu, run.cameras.into()),
    );
    each
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cameras_last_for_all_pairs() {
        const { assert!(PAIRS_MAX >= 8 && (1 + 2 * PAIRS_MAX) * SLOT <= KNOWN) };
    }
}

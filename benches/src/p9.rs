//! P9: how long an update of one phone takes at half the rate that the server can take, against
//! how long the disk takes to make a page durable.
//!
//! The 99th percentile of both. Requests are due at fixed times and their time counts from then,
//! so a server that stalls pays for all that it keeps waiting. The disk is measured right before
//! and right after the slot: meanwhile it would be load.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::Options;
use crate::bed::{Bed, Devices};
use crate::disk::Disk;
use crate::p1::IN_FLIGHT;
use crate::pairs::{Pair, Series};
use crate::side_by_side::describe;
use crate::statistics::{median, milliseconds, per_second, percentile};
use crate::task::Task;

/// How long the disk is measured before a slot, and again after it: long enough for 300 values on
/// a slow disk.
const PROBE: Duration = Duration::from_secs(1);

/// Slots at each number in flight in which the top rate is looked for.
const SLOTS_TO_FIND_TOP: usize = 3;

/// Connections that wait for requests to become due.
const CONNECTIONS: usize = 256;

/// Measures and prints the figures: the ratio of the two, and the share that it is of three times
/// the disk's time and 2 ms.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let slot = Duration::from_secs(u64::from(options.slot));
    for phones in options.phones() {
        let mut bed = Bed::new(Devices::Phones(phones), options, disk, None)?;
        let rate = top_rate(&mut bed, slot).await? / 2.0;
        let name = format!("p9-{}", phones.word());
        eprintln!("{name}: {rate:.0} requests/s are due, half of the top rate");
        let mut ratio = Series::new(name.as_str(), options.pairs);
        let mut share = Series::new(format!("{name}-of-3x-and-2ms"), options.pairs);
        while ratio.wants_more() {
            eprintln!("{name}, pair {}:", ratio.tried() + 1);
            let pair = pair(&mut bed, disk, rate, slot).await?;
            share.push(Pair { peer: 3.0 * pair.peer + 2.0, ..pair.clone() });
            if !ratio.push(pair) {
                eprintln!("  dropped: the disk changed its speed");
            }
        }
        eprintln!("{}", ratio.summary("ms"));
        if ratio.figures().is_empty() {
            bail!("{name}: no pair counts, the disk never kept its speed");
        }
        for figure in ratio.figures().iter().chain(&share.figures()) {
            println!("{figure}");
        }
    }
    Ok(())
}

/// One slot with the disk measured around it: the two 99th percentiles, in milliseconds.
async fn pair(bed: &mut Bed, disk: &Disk, rate: f64, slot: Duration) -> Result<Pair> {
    let task =
        Task { in_flight: CONNECTIONS, devices_per_request: 1, slot, per_second: Some(rate) };
    let prepared = bed.prepare(task).await?;
    let before = disk.probe(PROBE).await?;
    let measured = bed.run(prepared).await?;
    let after = disk.probe(PROBE).await?;
    eprintln!("  ours: {}", describe(&measured));
    bed.put_away(&measured).await?;
    let mut took = [before.took, after.took].concat();
    took.sort_unstable();
    let ours = milliseconds(percentile(&measured.slot.latencies, 99));
    let peer = milliseconds(percentile(&took, 99));
    eprintln!(
        "  p99 {ours:.2} ms (of which sent late {:.2} ms), fdatasync p99 {peer:.2} ms of {} \
         ({:.0}/s before, {:.0}/s after)",
        milliseconds(percentile(&measured.slot.lateness, 99)),
        took.len(),
        before.per_second,
        after.per_second
    );
    Ok(Pair { ours, peer, probes: vec![before.per_second, after.per_second] })
}

/// The top rate: the highest of the medians of some slots at each number in flight.
async fn top_rate(bed: &mut Bed, slot: Duration) -> Result<f64> {
    let mut top: f64 = 0.0;
    for in_flight in IN_FLIGHT {
        let task = Task { in_flight, devices_per_request: 1, slot, per_second: None };
        let mut rates = Vec::new();
        for _ in 0..SLOTS_TO_FIND_TOP {
            let prepared = bed.prepare(task).await?;
            let measured = bed.run(prepared).await?;
            eprintln!("top rate, {in_flight} in flight: {}", describe(&measured));
            bed.put_away(&measured).await?;
            rates.push(per_second(measured.slot.jobs, measured.slot.elapsed));
        }
        top = top.max(median(&rates).unwrap_or_default());
    }
    if top <= 0.0 {
        bail!("the server has accepted nothing");
    }
    Ok(top)
}

//! P7: memory that a registered, idle camera on UDP takes in the server: how much more is resident
//! with 500,000 of them than with 100,000, for each of the 400,000.
//!
//! Both sides know all 500,000 from the start, so that only what a registration adds counts. The
//! cameras are simulated; they register by digest, send keepalives, and answer what they are asked.
//! Runs are whole, in turn, each with servers just started.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use crate::disk::Disk;
use crate::herd::{GROUP, Herd};
use crate::kamailio::{Kamailio, Memory};
use crate::memory::{Resident, resident};
use crate::ours::Server;
use crate::statistics::{median, range};
use crate::{Options, clock, machine};

/// Groups of cameras at the first look.
const FEW: u32 = 1;

/// Groups of cameras at the second look.
const MANY: u32 = 5;

/// Runs of the figure, unless fewer pairs are asked for: each takes minutes.
const RUNS_MAX: u32 = 3;

/// How long all is left alone before a look: longer than a refresh waits to be written.
const SETTLE: Duration = Duration::from_secs(10);

/// Measures and prints the figures: against Kamailio as it starts by itself, and as it is cheapest.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let peers = [Memory::Default, Memory::Lean];
    let mut ratios = peers.map(|_| Vec::new());
    for run in 1..=options.pairs.min(RUNS_MAX) {
        eprintln!("p7, run {run}, load average {}:", machine::load());
        let ours = ours(options, disk).await?;
        for (memory, ratios) in peers.into_iter().zip(&mut ratios) {
            let theirs = theirs(disk, memory).await?;
            ratios.push(ours / theirs.max(f64::EPSILON));
        }
    }
    for (memory, ratios) in peers.into_iter().zip(&ratios) {
        let (low, high) = range(ratios).context("no run")?;
        let middle = median(ratios).context("no run")?;
        println!("p7{} {middle:.2} {low:.2} {high:.2} {}", memory.suffix(), ratios.len());
    }
    Ok(())
}

/// Bytes of ours, a camera.
async fn ours(options: &Options, disk: &Disk) -> Result<f64> {
    let server = Server::start(&options.program()?, disk.dir(), None).await?;
    server.import_cameras(MANY * GROUP)?;
    // What the import leaves free in the heap would hide what registrations take.
    let server = server.restart().await?;
    let process = server.process().id();
    slope("ours", server.sip(), || resident(process)).await
}

/// Bytes of the peer's, a camera.
async fn theirs(disk: &Disk, memory: Memory) -> Result<f64> {
    let peer = Kamailio::start(disk.dir(), MANY * GROUP, memory).await?;
    let name = format!("Kamailio ({})", memory.manager());
    slope(&name, peer.address(), || peer.resident()).await
}

/// Registers cameras with a server; gives the bytes that each further one takes.
async fn slope(
    side: &str,
    server: SocketAddr,
    resident: impl Fn() -> Result<Resident>,
) -> Result<f64> {
    let started = clock::now();
    let mut herd = Herd::new(server);
    let none = resident()?;
    let few = look(&mut herd, FEW, &resident).await?;
    let many = look(&mut herd, MANY, &resident).await?;
    herd.stop().await;
    let each = bytes_each(few, many);
    eprintln!(
        "  {side}: {each:.0} B a camera; resident with none {}, with {} {}, with {} {}; {:.0} s",
        megabytes(none),
        FEW * GROUP,
        megabytes(few),
        MANY * GROUP,
        megabytes(many),
        started.elapsed().as_secs_f64()
    );
    Ok(each)
}

/// What is resident with so many groups.
async fn look(
    herd: &mut Herd,
    groups: u32,
    resident: impl Fn() -> Result<Resident>,
) -> Result<Resident> {
    herd.grow(groups).await?;
    sleep(SETTLE).await;
    let (registered, wanted) = (herd.registered(), usize::try_from(groups * GROUP)?);
    if registered != wanted {
        bail!("{registered} cameras of {wanted} are still registered");
    }
    resident()
}

/// What each further camera takes.
#[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^52 bytes")]
fn bytes_each(few: Resident, many: Resident) -> f64 {
    (many.bytes as f64 - few.bytes as f64) / f64::from((MANY - FEW) * GROUP)
}

/// For people.
fn megabytes(resident: Resident) -> String {
    let Resident { bytes, of_files } = resident;
    format!("{} MB ({} MB of files)", bytes / 1_000_000, of_files / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_leaves_out_what_all_share() {
        let at = |bytes| Resident { bytes, of_files: 0 };
        let each = bytes_each(at(100_000_000), at(220_000_000));
        assert!((each - 300.0).abs() < 1e-9, "{each}");
    }
}

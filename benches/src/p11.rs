//! P11: durable device records a second by `PUT /device` (ISS, UpdateDevice), 100 cameras a
//! request, against our own P2: `batch-update-property` (CPH) with 100 silent phones a request.
//! Both at 8 in flight, with as many devices on record, each slot with a fresh server.
//!
//! Two series. `records`: each camera gets another description and the same password again, which
//! the API requires; that goes on record, and the job ends with the commit. `names`: it gets a name
//! besides, which it is to be given itself; the cameras have never registered, so that the job
//! stays open, as the phones' do.

use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::bed::{Bed, Devices, Phones};
use crate::disk::{self, Disk};
use crate::p1::report;
use crate::p2;
use crate::pairs::{Pair, Series};
use crate::requests::Asks;
use crate::side_by_side::slot_of;
use crate::statistics::per_second;
use crate::task::Task;

/// Cameras in a request: the most that the vendor's pages allow.
const CAMERAS: usize = 100;

/// The series: the ends of their names, and what is asked of each camera.
const SERIES: [(&str, Asks); 2] = [("records", Asks::Records), ("names", Asks::RecordsAndName)];

/// The two sides of a series.
struct Sides {
    cameras: Bed,
    phones: Bed,
    disk: Disk,
    slot: Duration,
}

/// Measures and prints the figures.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    for (end, asks) in SERIES {
        let name = format!("p11-{end}");
        let mut series = Series::new(name.as_str(), options.pairs);
        let mut sides = Sides::new(asks, options, disk)?;
        while series.wants_more() {
            let tried = series.tried();
            eprintln!("{name}, pair {}:", tried + 1);
            let pair = sides.pair(tried.is_multiple_of(2)).await?;
            if !series.push(pair) {
                eprintln!("  dropped: the disk changed its speed");
            }
        }
        report(&name, &[series])?;
    }
    Ok(())
}

impl Sides {
    /// With no server yet: each slot starts its own.
    fn new(asks: Asks, options: &Options, disk: &Disk) -> Result<Self> {
        Ok(Self {
            cameras: Bed::new(Devices::Cameras(asks), options, disk, None)?,
            phones: Bed::new(Devices::Phones(Phones::Silent), options, disk, None)?,
            disk: disk.clone(),
            slot: Duration::from_secs(u64::from(options.slot)),
        })
    }

    /// Takes a pair of records and jobs a second.
    async fn pair(&mut self, cameras_first: bool) -> Result<Pair> {
        let task = |devices_per_request: usize| Task {
            in_flight: p2::IN_FLIGHT,
            devices_per_request,
            slot: self.slot,
            per_second: None,
        };
        let (of_cameras, of_phones) = (task(CAMERAS), task(p2::PHONES));
        let (put, batch) = ("PUT /device", "batch-update-property");
        let Self { cameras, phones, disk, .. } = self;
        let (before, between, ours, peer);
        if cameras_first {
            (before, ours) = Box::pin(slot_of(cameras, disk, of_cameras, put)).await?;
            (between, peer) = Box::pin(slot_of(phones, disk, of_phones, batch)).await?;
        } else {
            (before, peer) = Box::pin(slot_of(phones, disk, of_phones, batch)).await?;
            (between, ours) = Box::pin(slot_of(cameras, disk, of_cameras, put)).await?;
        }
        let after = disk.probe(disk::PROBE).await?;
        let probes = [before, between, after].map(|probe| probe.per_second);
        eprintln!(
            "  fdatasync/s before, between, after: {:.0} {:.0} {:.0}",
            probes[0], probes[1], probes[2]
        );
        Ok(Pair {
            ours: per_second(ours.slot.jobs, ours.slot.elapsed),
            peer: per_second(peer.slot.jobs, peer.slot.elapsed),
            probes: probes.into(),
        })
    }
}

//! P14: updates of one phone a request to three nodes on a replicated PostgreSQL, against
//! single-row inserts of the same job into the same server with the same standby, at 8, 64 and 256
//! in flight.

use anyhow::Result;

use crate::Options;
use crate::disk::Disk;
use crate::p1::{report, take};
use crate::pairs::Series;
use crate::side_by_side::Sides;

/// Nodes of ours.
const NODES: usize = 3;

/// Requests, and PostgreSQL's clients, in flight.
const IN_FLIGHT: [usize; 3] = [8, 64, 256];

/// Measures and prints the figures, one for each number in flight.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let name = |count: usize| format!("p14-{count}");
    let mut all = IN_FLIGHT.map(|count| Series::new(name(count), options.pairs));
    let mut sides = Sides::replicated(NODES, options, disk).await?;
    while all.iter().any(Series::wants_more) {
        for (series, in_flight) in all.iter_mut().zip(IN_FLIGHT) {
            if series.wants_more() {
                take(series, &mut sides, in_flight, 1).await?;
            }
        }
    }
    report("p14", &all)
}

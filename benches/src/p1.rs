//! P1: updates of one phone a request, against single-row inserts of the same job into PostgreSQL,
//! at 8, 32, 64 and 256 in flight.

use anyhow::{Result, bail};

use crate::Options;
use crate::disk::Disk;
use crate::pairs::{Series, best_of_each};
use crate::side_by_side::Sides;

/// Requests, and PostgreSQL's clients, in flight.
pub const IN_FLIGHT: [usize; 4] = [8, 32, 64, 256];

/// Measures and prints the figures: one for each number in flight, and one for the best of each
/// side.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    for phones in options.phones() {
        let name = format!("p1-{}{}", options.store.word(), phones.word());
        let mut all = IN_FLIGHT.map(|count| Series::new(format!("{name}-{count}"), options.pairs));
        let mut sides = Sides::start(phones, options, disk).await?;
        while all.iter().any(Series::wants_more) {
            for (series, in_flight) in all.iter_mut().zip(IN_FLIGHT) {
                if series.wants_more() {
                    take(series, &mut sides, in_flight, 1).await?;
                }
            }
        }
        report(&name, &all)?;
    }
    Ok(())
}

/// Takes one pair of a series.
pub async fn take(
    series: &mut Series,
    sides: &mut Sides,
    in_flight: usize,
    devices_per_request: usize,
) -> Result<()> {
    let tried = series.tried();
    eprintln!("{}, pair {}:", series.name(), tried + 1);
    let pair = sides.pair(in_flight, devices_per_request, tried.is_multiple_of(2)).await?;
    if !series.push(pair) {
        eprintln!("  dropped: the disk changed its speed");
    }
    Ok(())
}

/// Prints the figures of several series and what they come from.
///
/// # Errors
/// A series without a single pair: the disk never kept its speed.
pub fn report(name: &str, all: &[Series]) -> Result<()> {
    for series in all {
        eprintln!("{}", series.summary("jobs/s"));
        let figures = series.figures();
        if figures.is_empty() {
            bail!("{}: no pair counts, the disk never kept its speed", series.name());
        }
        for figure in figures {
            println!("{figure}");
        }
    }
    if all.len() > 1 {
        for figure in best_of_each(&format!("{name}-best"), all) {
            println!("{figure}");
        }
    }
    Ok(())
}

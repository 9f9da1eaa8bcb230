//! P2: updates of 100 phones a request with a durable job each, against 100 rows a transaction in
//! PostgreSQL, at 8 in flight.

use anyhow::Result;

use crate::Options;
use crate::disk::Disk;
use crate::p1::{report, take};
use crate::pairs::Series;
use crate::side_by_side::Sides;

/// Requests, and PostgreSQL's clients, in flight.
pub const IN_FLIGHT: usize = 8;

/// Phones in a request, and rows in a transaction.
pub const PHONES: usize = 100;

/// Measures and prints the figure.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    for phones in options.phones() {
        let name = format!("p2-{}{}", options.store.word(), phones.word());
        let mut series = Series::new(name.as_str(), options.pairs);
        let mut sides = Sides::start(phones, options, disk).await?;
        while series.wants_more() {
            take(&mut series, &mut sides, IN_FLIGHT, PHONES).await?;
        }
        report(&name, &[series])?;
    }
    Ok(())
}

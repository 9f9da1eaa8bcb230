//! Whether what clients saw has a legal order: one in which each device's updates came one after
//! the other, each at an instant between its call and its answer, and each read saw the last.
//!
//! The store claims such an order itself: the revisions. So there is nothing to search for, only to
//! check that the claim fits what every client has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::load::{Ledger, Read, Sent};

/// An update of one phone whose revision is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The value.
    pub value: u64,
    /// Its place in the order.
    pub revision: i64,
    /// When its call began and ended.
    pub during: (Duration, Duration),
}

/// The order of one phone's updates as the store claims it. `revision_of` gives the revision of an
/// answered job; those that were not answered take their place by a read that saw them.
pub fn claimed(ledger: &Ledger, phone: usize, revision_of: impl Fn(&Sent) -> i64) -> Vec<Placed> {
    let seen: BTreeMap<u64, i64> = reads_of(ledger, phone)
        .filter_map(|read| read.seen.0.map(|value| (value, read.seen.1)))
        .collect();
    let mut order: Vec<Placed> = ledger
        .sent
        .iter()
        .filter(|sent| sent.phone == phone)
        .filter_map(|sent| {
            let revision = match sent.job {
                Some(_) => revision_of(sent),
                None => *seen.get(&sent.value)?,
            };
            Some(Placed { value: sent.value, revision, during: sent.during })
        })
        .collect();
    order.sort_by_key(|placed| placed.revision);
    order
}

fn reads_of(ledger: &Ledger, phone: usize) -> impl Iterator<Item = &Read> {
    ledger.reads.iter().filter(move |read| read.phone == phone)
}

/// What is wrong with the order, given what was read; nothing if it is legal.
pub fn faults(order: &[Placed], reads: &[Read]) -> Vec<String> {
    let mut faults = Vec::new();
    for two in order.windows(2) {
        if two[0].revision == two[1].revision {
            faults.push(format!("two updates have one revision: {two:?}"));
        }
    }
    // What was answered before another call began comes before it. Going back from the end, the
    // earliest answer among the later ones is enough to compare with.
    let mut earliest: Option<Placed> = None;
    for placed in order.iter().rev() {
        if let Some(later) = earliest
            && later.during.1 < placed.during.0
        {
            faults.push(format!("{later:?} was answered before {placed:?} was sent"));
        }
        if earliest.is_none_or(|later| placed.during.1 < later.during.1) {
            earliest = Some(*placed);
        }
    }
    let by_revision: BTreeMap<i64, Placed> =
        order.iter().map(|placed| (placed.revision, *placed)).collect();
    for read in reads {
        let (value, revision) = read.seen;
        // The last one answered before the read began must be in what it saw.
        let missed = order
            .iter()
            .filter(|placed| placed.during.1 < read.during.0 && placed.revision > revision);
        faults.extend(missed.map(|placed| format!("{read:?} did not see {placed:?}")));
        if let Some(placed) = by_revision.get(&revision) {
            if value != Some(placed.value) {
                faults.push(format!("{read:?} saw something else than {placed:?}"));
            }
            if placed.during.0 > read.during.1 {
                faults.push(format!("{read:?} saw {placed:?} before it was sent"));
            }
        }
    }
    // A later read sees no less than an earlier one.
    let mut ordered: Vec<&Read> = reads.iter().collect();
    ordered.sort_by_key(|read| read.during.0);
    for (index, read) in ordered.iter().enumerate() {
        let back = ordered[..index]
            .iter()
            .find(|earlier| earlier.during.1 < read.during.0 && earlier.seen.1 > read.seen.1);
        faults.extend(back.map(|earlier| format!("{read:?} went back behind {earlier:?}")));
    }
    faults
}

/// Whether the phone was set to values in this order: none after one that comes later in it.
/// Values that have no place in it were not answered. Gives the pairs that are out of order.
pub fn out_of_order(order: &[Placed], sets: &[u64]) -> Vec<(u64, u64)> {
    let place: BTreeMap<u64, i64> = order.iter().map(|p| (p.value, p.revision)).collect();
    let known: Vec<u64> = sets.iter().copied().filter(|value| place.contains_key(value)).collect();
    let twice: BTreeSet<u64> = known.iter().copied().collect();
    let mut wrong: Vec<(u64, u64)> =
        known.windows(2).filter(|w| place[&w[0]] > place[&w[1]]).map(|w| (w[0], w[1])).collect();
    if twice.len() != known.len() {
        let again = known.iter().enumerate().find(|(at, value)| known[..*at].contains(value));
        wrong.extend(again.map(|(_, value)| (*value, *value)));
    }
    wrong
}

fn placed(value: u64, revision: i64, from: u64, to: u64) -> Placed {
    let during = (Duration::from_millis(from), Duration::from_millis(to));
    Placed { value, revision, during }
}

fn read(value: u64, revision: i64, from: u64, to: u64) -> Read {
    let during = (Duration::from_millis(from), Duration::from_millis(to));
    Read { phone: 0, seen: (Some(value), revision), during }
}

#[test]
fn a_legal_order_is_told_from_others() {
    let order = [placed(7, 1, 0, 10), placed(8, 2, 5, 30), placed(9, 3, 20, 25)];
    let nothing: Vec<String> = Vec::new();
    assert_eq!(faults(&order, &[read(7, 1, 11, 12), read(9, 3, 31, 32)]), nothing);

    let same = [placed(7, 1, 0, 10), placed(8, 1, 0, 10)];
    assert_eq!(faults(&same, &[]).len(), 1, "one revision for two");
    let swapped = [placed(7, 1, 20, 30), placed(8, 2, 0, 10)];
    assert_eq!(faults(&swapped, &[]).len(), 1, "the later call has the earlier revision");
    assert_eq!(faults(&order, &[read(7, 1, 31, 32)]).len(), 2, "two answered ones were not seen");
    assert_eq!(faults(&order, &[read(7, 2, 40, 41)]).len(), 2, "another value, and one not seen");
    assert_eq!(faults(&order, &[read(9, 3, 12, 15)]).len(), 1, "seen before it was sent");
    let back = [read(9, 3, 21, 22), read(8, 2, 23, 24)];
    assert_eq!(faults(&order, &back).len(), 1, "a read went back");
}

#[test]
fn effects_out_of_order_are_found() {
    let order = [placed(7, 1, 0, 1), placed(8, 2, 2, 3), placed(9, 3, 4, 5)];
    assert_eq!(out_of_order(&order, &[7, 9]), []);
    assert_eq!(out_of_order(&order, &[7, 100, 8, 9]), [], "one that was not answered");
    assert_eq!(out_of_order(&order, &[8, 7, 9]), [(8, 7)]);
    assert_eq!(out_of_order(&order, &[7, 9, 9]), [(9, 9)], "twice");
}

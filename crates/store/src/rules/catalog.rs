//! What becomes of a device's channels when its catalog has been read.

use std::collections::{BTreeMap, HashMap};

use fleet::ReportedChannel;
use fleet::limits::CHANNELS_PER_DEVICE_MAX;

use crate::write::RecordChannels;

/// Complete catalogs in a row that have not named a channel, at which it is forgotten.
const MISSED_MAX: i64 = 2;

/// A channel that is on record.
pub(crate) struct Known {
    /// Whether an operator has said anything of it: its name, a record, where it is filed.
    pub(crate) kept: bool,
    /// How many complete catalogs in a row have not named it.
    pub(crate) missed: i64,
}

/// What is done to the channels of a device, in this order.
#[derive(Default)]
pub(crate) struct Told<'a> {
    /// Those that are forgotten: first, so that they make room for those that came.
    pub(crate) forgotten: Vec<&'a str>,
    /// Those that have been missed once more.
    pub(crate) missed: Vec<&'a str>,
    /// What is reported of those that the catalog names, by id, which is the order of the table.
    pub(crate) reported: Vec<(&'a str, &'a ReportedChannel)>,
    /// How many more it names than are kept of a device.
    pub(crate) left_out: usize,
}

/// What a catalog does to the channels that are known by their ids. Of two entries with one id the
/// later one counts.
pub(crate) fn told<'a>(record: &'a RecordChannels, known: &'a HashMap<String, Known>) -> Told<'a> {
    let named: BTreeMap<&str, &ReportedChannel> =
        record.channels.iter().map(|(id, reported)| (id.as_str(), reported)).collect();
    let mut told = Told::default();
    // A recorder that is starting may name none at all: that is no catalog to go by.
    if record.complete && !named.is_empty() {
        for (id, known) in known.iter().filter(|(id, _)| !named.contains_key(id.as_str())) {
            if known.missed + 1 >= MISSED_MAX && !known.kept {
                told.forgotten.push(id);
            } else {
                told.missed.push(id);
            }
        }
    }
    let mut count = known.len() - told.forgotten.len();
    for (id, reported) in named {
        if !known.contains_key(id) {
            if count >= CHANNELS_PER_DEVICE_MAX {
                told.left_out += 1;
                continue;
            }
            count += 1;
        }
        told.reported.push((id, reported));
    }
    told
}

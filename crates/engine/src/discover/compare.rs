//! Who answers at an address, by what was seen there and what is on record.

use std::collections::BTreeMap;

use fleet::{BootIdentity, Device, DeviceId};

use super::FoundAs;
use crate::driver::{Away, Examination};

/// What the project has on record of those who answered.
#[derive(Debug, Default)]
pub(super) struct OnRecord {
    /// Its devices whose markers were seen, by marker.
    pub(super) by_marker: BTreeMap<String, Device>,
    /// Its devices at the addresses that were looked at, by address.
    pub(super) by_address: BTreeMap<String, DeviceId>,
}

/// Who answers at an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decided {
    /// A phone that is nowhere on record and has no id yet.
    New,
    /// Somebody who needs no id.
    As(FoundAs),
}

/// Says who answers at `address`. `answers` is what was seen, by address: at this one, at all other
/// candidates, and at the addresses on record of all devices whose markers were seen.
pub(super) fn decide(
    address: &str,
    answers: &BTreeMap<String, Examination>,
    record: &OnRecord,
) -> Decided {
    let unreachable = |why: &str| Decided::As(FoundAs::Unreachable { why: why.to_owned() });
    let Some(answer) = answers.get(address) else { return unreachable("it was not looked at") };
    match &answer.away {
        None => {}
        Some(Away::Unreachable(why)) => return unreachable(why),
        Some(Away::Unauthorised(why)) => {
            return Decided::As(FoundAs::Unauthorised { why: why.clone() });
        }
        Some(away) => return unreachable(&away.to_string()),
    }
    match answer.marker.as_deref() {
        None => unreachable("it did not say which marker it bears"),
        Some("") => match record.by_address.get(address) {
            Some(id) => Decided::As(FoundAs::Known { id: id.clone() }),
            None => Decided::New,
        },
        Some(marker) => Decided::As(match record.by_marker.get(marker) {
            Some(device) => marked(device, marker, answers),
            None => FoundAs::Foreign { marker: marker.to_owned() },
        }),
    }
}

/// Which of the phones with the marker of `device` is the device: all of them are looked at
/// together, so that the answer is the same for each.
fn marked(device: &Device, marker: &str, answers: &BTreeMap<String, Examination>) -> FoundAs {
    let bearers: Vec<(&String, Option<&BootIdentity>)> = answers
        .iter()
        .filter(|(_, answer)| answer.away.is_none() && answer.marker.as_deref() == Some(marker))
        .map(|(address, answer)| (address, answer.boot.as_ref()))
        .collect();
    let on_record = bearers.iter().find(|(address, _)| **address == device.address);
    let id = device.id.clone();
    match (on_record, bearers.as_slice()) {
        (Some(_), [_]) => FoundAs::Known { id },
        // What boots there may be the device, and this one its copy.
        (None, [_]) if is_booting(answers.get(&device.address)) => FoundAs::Unreachable {
            why: format!(
                "it bears the marker of {id}, and the phone at that one's address on record, {}, \
                 is still booting: look again",
                device.address
            ),
        },
        (None, [_]) => FoundAs::Moved { id, from: device.address.clone() },
        // One phone by several addresses, the one on record among them.
        (Some((_, Some(boot))), all) if all.iter().all(|(_, other)| *other == Some(*boot)) => {
            FoundAs::Known { id }
        }
        (_, all) => FoundAs::Copy { of: all.iter().map(|(at, _)| (*at).clone()).collect() },
    }
}

fn is_booting(answer: Option<&Examination>) -> bool {
    answer.is_some_and(|answer| answer.away == Some(Away::Booting))
}

//! Who answers at an address, by what was seen there and what is on record.

use std::collections::BTreeMap;

use fleet::{BootIdentity, Device, DeviceId};

use super::{Candidate, FoundAs};
use crate::driver::{Away, Examination};

/// What the project has on record of those who answered.
#[derive(Debug, Default)]
pub(super) struct OnRecord {
    /// Its devices whose markers were seen, by marker.
    pub(super) by_marker: BTreeMap<String, Device>,
    /// Its devices at the addresses that were looked at, by address.
    pub(super) by_address: BTreeMap<String, Device>,
    /// Those that were never adopted and whose boot is that of a phone without a marker.
    pub(super) in_boot: Vec<(BootIdentity, Device)>,
}

impl OnRecord {
    /// The device with this id, of those that were read.
    pub(super) fn device(&self, id: &DeviceId) -> Option<&Device> {
        let in_boot = self.in_boot.iter().map(|(_, device)| device);
        let mut all = self.by_marker.values().chain(self.by_address.values()).chain(in_boot);
        all.find(|device| device.id == *id)
    }
}

/// Who answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decided {
    /// A phone that is nowhere on record and has no id yet.
    New,
    /// The phone that answers at this other address too, among the candidates.
    Same(String),
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
            Some(device) => known(device),
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
        (Some(_), [_]) => FoundAs::Known { id, container: None },
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
            FoundAs::Known { id, container: None }
        }
        (_, all) => FoundAs::Copy { of: all.iter().map(|(at, _)| (*at).clone()).collect() },
    }
}

fn is_booting(answer: Option<&Examination>) -> bool {
    answer.is_some_and(|answer| answer.away == Some(Away::Booting))
}

/// A device that needs nothing.
pub(super) fn known(device: &Device) -> Decided {
    Decided::As(FoundAs::Known { id: device.id.clone(), container: None })
}

/// The boot that a phone without a marker is known by, as far as it is: with both halves.
pub(super) fn unmarked_boot(answer: &Examination) -> Option<&BootIdentity> {
    let is_unmarked = answer.away.is_none() && answer.marker.as_deref() == Some("");
    let boot = answer.boot.as_ref().filter(|_| is_unmarked)?;
    (!boot.kernel.is_empty() && !boot.init_start.is_empty()).then_some(boot)
}

/// Of phones that bear no marker and answer at several addresses makes one each: who is in the same
/// boot is the same phone. The one at an address on record is that device; else one that was never
/// adopted and was last seen in that boot is; else the first of them is new.
pub(super) fn join(
    candidates: &[Candidate],
    decided: &mut [Decided],
    answers: &BTreeMap<String, Examination>,
    record: &OnRecord,
) {
    let booted = |candidate: &Candidate| answers.get(&candidate.address).and_then(unmarked_boot);
    let mut phones: Vec<(&BootIdentity, &str, Decided)> = Vec::new();
    for candidate in candidates {
        let at = record.by_address.get(&candidate.address);
        if let (Some(boot), Some(device)) = (booted(candidate), at) {
            phones.push((boot, &device.container, known(device)));
        }
    }
    for (boot, device) in &record.in_boot {
        phones.push((boot, &device.container, known(device)));
    }
    for (candidate, decided) in candidates.iter().zip(decided) {
        let Some(boot) = booted(candidate).filter(|_| *decided == Decided::New) else { continue };
        let same = phones.iter().find(|(other, container, _)| {
            *other == boot && !are_apart(container, &candidate.container)
        });
        match same {
            Some((_, _, phone)) => *decided = phone.clone(),
            None => {
                let first = Decided::Same(candidate.address.clone());
                phones.push((boot, &candidate.container, first));
            }
        }
    }
}

/// Whether these are the names of two containers: containers of one host share its kernel, and may
/// have been started in the same tick of its clock.
fn are_apart(container: &str, other: &str) -> bool {
    !container.is_empty() && !other.is_empty() && container != other
}

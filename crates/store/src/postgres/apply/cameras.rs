//! What is noted of a GB device besides what every device has.

use fleet::{DeviceKey, Principal};

use super::hot::Ledger;
use crate::write::{NotePush, NoteSurvey};
use crate::{Refused, Written, rules};

/// Notes what was sent to a device, if the fence holds.
pub(super) fn note_push<'w>(
    ledger: &mut Ledger<'w>,
    principal: &Principal,
    note: &'w NotePush,
) -> Result<Written, Refused> {
    if !ledger.holds(note.fence, note.device, note.push.at) {
        return Err(Refused::Fenced);
    }
    // A fence of another shard than the device's proves nothing about the device.
    if rules::is_of_another_shard(note.fence, note.device)
        || !is_noted(ledger, principal, note.device)
    {
        return Err(Refused::NoSuchDevice);
    }
    ledger.pushes.insert(note.device, &note.push);
    Ok(Written::Done)
}

/// Notes that a device was asked what it is.
pub(super) fn note_survey<'w>(
    ledger: &mut Ledger<'w>,
    principal: &Principal,
    note: &'w NoteSurvey,
) -> Result<Written, Refused> {
    if !is_noted(ledger, principal, note.device) {
        return Err(Refused::NoSuchDevice);
    }
    ledger.surveys.insert(note.device, note.at);
    if let Some(facts) = &note.facts {
        ledger.facts.insert(note.device, facts);
    }
    Ok(Written::Done)
}

/// Whether this is a GB device that the principal may see, of those that the group looks at.
pub(super) fn is_noted(ledger: &Ledger<'_>, principal: &Principal, device: DeviceKey) -> bool {
    ledger.camera(device).is_some_and(|project| principal.may_see(project))
}

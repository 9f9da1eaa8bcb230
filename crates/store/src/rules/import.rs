//! What an import changes of a device that is there, and what one that is new begins with.

use fleet::catalogue::{GENERIC_PROFILE, NAME, channel_property_name};
use fleet::desired::DesiredValue;
use fleet::{Condition, Desired, DeviceState, Kind, NewDevice, Timestamp};

/// How a device that is new is doing. A phone has to be reached for the first time. A GB device
/// comes to us, and proves by its password that it is the one: there is nothing to find out, and no
/// marker to look for, so that it has no work and counts as adopted.
pub(crate) fn first_condition(kind: Kind) -> Condition {
    if kind == Kind::Camera { Condition::Awaited } else { Condition::New }
}

/// The profile of a device that is new.
pub(crate) fn first_profile(device: &NewDevice) -> &str {
    if device.profile.is_empty() { GENERIC_PROFILE } else { &device.profile }
}

/// What becomes of the state of a phone that the record says is at another address: it is not
/// adopted any more, and no copy of another, for what was met may have been another phone, which is
/// why the address is corrected.
pub(crate) fn move_phone(state: &mut DeviceState, at: Timestamp) {
    state.adopted = false;
    state.copy = None;
    // What was begun was begun elsewhere; and what is being found out at the old address is of no
    // account.
    if state.power.take().is_some() {
        state.condition = Condition::New;
    }
    state.since = at;
}

/// Forgets the names that were asked for of a GB device and its channels, where the import says
/// another: ours is the record alone from then on, and what the device shows is drift to nobody. A
/// name that is on its way, above `settled`, stays asked for, since a job waits for it. Says
/// whether any was forgotten.
pub(crate) fn forget_names(desired: &mut Desired, settled: i64, device: &NewDevice) -> bool {
    let channels = device.camera.iter().flat_map(|camera| &camera.channels);
    let mut forgotten = false;
    let named = channels.map(|channel| (channel_property_name(&channel.id), &channel.name));
    for (property, name) in named.chain([(NAME.to_owned(), &device.name)]) {
        let is_other = |asked: &DesiredValue| asked.value != *name && asked.revision.0 <= settled;
        if desired.get(&property).is_some_and(is_other) {
            desired.0.remove(&property);
            forgotten = true;
        }
    }
    forgotten
}

//! What operators change of a device's state.

use fleet::{Condition, DeviceState, Timestamp};

use crate::write::DeviceChange;

/// What an operator says of a device, done to its state. Its name is none of that.
pub(crate) fn change_state(state: &mut DeviceState, change: &DeviceChange, at: Timestamp) {
    match change {
        DeviceChange::Name(_) => {}
        DeviceChange::Frozen(frozen) => state.frozen = *frozen,
        DeviceChange::Stopped(true) => stand(state, Condition::Stopped, at),
        DeviceChange::Stopped(false) => {
            // One that was not taken for stopped or lost is looked at anyway.
            if state.condition.stores() {
                stand(state, Condition::New, at);
            }
        }
        DeviceChange::Adopt(request) => state.adoption = Some(*request),
    }
}

/// How a device is, in place of what was seen: a step that was begun is over.
fn stand(state: &mut DeviceState, condition: Condition, at: Timestamp) {
    state.condition = condition;
    state.since = at;
    state.trouble = None;
    state.power = None;
}

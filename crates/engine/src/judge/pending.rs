//! Which values the device holds that act only after a restart.

use std::collections::BTreeMap;

use fleet::catalogue::{Restart, Timing};
use fleet::{Operation, RestartPending};

use super::Judged;
use super::stand::{Stand, Stands};
use crate::driver::Reached;

/// The values that wait for a restart to act, after this step.
pub(super) fn pending(
    judged: Judged<'_>,
    reached: &Reached,
    stands: &Stands<'_>,
) -> BTreeMap<String, RestartPending> {
    let Judged { work, catalogue, now, .. } = judged;
    let state = &work.state;
    let profile = &work.device.profile;
    let framework = catalogue.profile(profile).is_some_and(|it| it.restart == Restart::Framework);
    let begun = state.power.as_ref().filter(|power| power.operation == Operation::Restart);
    let restarted_at = begun.filter(|_| framework && judged.restarted.is_some());
    let mut pending = BTreeMap::new();
    for (name, desired) in &state.desired.0 {
        let Some(route) = catalogue.route(profile, name) else { continue };
        if route.timing != Timing::AfterRestart {
            continue;
        }
        let before = state.restart_pending.get(name);
        let held = stands.get(name.as_str()) == Some(&Stand::Shown);
        let waits = match (reached.effects.get(name), before) {
            (Some(effect), _) => held && *effect != desired.value,
            (None, Some(before)) => {
                let acted = before.boot != reached.boot
                    || restarted_at.is_some_and(|power| before.since <= power.told_at);
                // A mark stays until the value is seen after the restart, not before.
                !(acted && held)
            }
            (None, None) => {
                let held_before = state.reported.values.get(name).and_then(|it| it.value.as_ref());
                let acts = held_before == Some(&desired.value) && state.boot == reached.boot;
                held && desired.revision > state.settled && !acts
            }
        };
        if waits {
            let mark = || RestartPending { boot: reached.boot.clone(), since: now };
            pending.insert(name.clone(), before.cloned().unwrap_or_else(mark));
        }
    }
    pending
}

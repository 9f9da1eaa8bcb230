//! Where each desired value stands after a step.

use std::collections::BTreeMap;

use fleet::catalogue::{Route, SetBy, Timing};
use fleet::desired::DesiredValue;
use fleet::{Failure, Operation};

use super::Judged;
use crate::driver::{Fault, Reached};
use crate::lane::Attempts;

/// Where one desired value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// The device has shown it.
    Shown,
    /// The device said yes, and there is no way to read it back.
    Acknowledged,
    /// It is a record of ours.
    Recorded,
    /// It was asked for often enough.
    Failed(Failure),
    /// It has to be asked for again.
    Undecided,
}

/// Where each desired value stands, by property.
pub(super) type Stands<'a> = BTreeMap<&'a str, Stand>;

impl Stand {
    /// Whether asking once more can't change it.
    pub(super) fn is_as_good_as_it_gets(&self) -> bool {
        match self {
            Self::Shown | Self::Acknowledged | Self::Recorded => true,
            Self::Failed(Failure::Unsupported { .. } | Failure::NeedsRecreate { .. }) => true,
            Self::Failed(_) | Self::Undecided => false,
        }
    }
}

/// Where each desired value stands, given the attempts with the one that was just made.
pub(super) fn stands<'a>(judged: Judged<'a>, reached: &Reached, attempts: Attempts) -> Stands<'a> {
    let state = &judged.work.state;
    let profile = &judged.work.device.profile;
    // A reset takes the values with it: set again after it, they act after the next restart.
    let was_reset = state.power.as_ref().is_some_and(|it| it.operation == Operation::Reset);
    let stands = state.desired.0.iter().map(|(name, desired)| {
        // What was decided once is not tried again for a job that still waits for others.
        let settled = desired.revision <= state.settled;
        let last = settled
            || attempts.refused >= judged.rules.refused_attempts_max
                && desired.revision <= attempts.through;
        let route = judged.catalogue.route(profile, name);
        let restarted = judged.restarted.is_some() && !was_reset;
        let value = Value { name, desired, settled, last, route, restarted };
        (name.as_str(), value.stand(reached))
    });
    stands.collect()
}

/// One desired value and what decides on it.
struct Value<'a> {
    name: &'a String,
    desired: &'a DesiredValue,
    /// Whether it was decided on before.
    settled: bool,
    /// Whether this was the last attempt at it.
    last: bool,
    route: Option<Route<'a>>,
    /// Whether the device has just come back from a restart that was asked for, with what it held.
    restarted: bool,
}

impl Value<'_> {
    fn stand(&self, reached: &Reached) -> Stand {
        let name = self.name.clone();
        match reached.faults.get(self.name) {
            Some(Fault::Unsupported(detail)) => {
                return Stand::Failed(Failure::Unsupported { name, detail: detail.clone() });
            }
            Some(Fault::Declined(detail)) => {
                return Stand::Failed(Failure::Refused { name, detail: detail.clone() });
            }
            Some(Fault::NeedsRecreate(argument)) => {
                let argument = argument.clone();
                return Stand::Failed(Failure::NeedsRecreate { name, argument });
            }
            Some(Fault::Refused(detail)) if self.last => {
                return Stand::Failed(Failure::Refused { name, detail: detail.clone() });
            }
            Some(Fault::Refused(_) | Fault::Later) => return Stand::Undecided,
            None => {}
        }
        if reached.recorded.contains(self.name) {
            return Stand::Recorded;
        }
        if reached.acknowledged.contains(self.name) || self.settled && self.is_never_shown() {
            return Stand::Acknowledged;
        }
        let effect = self.effect(reached);
        let shown = match reached.shown.get(self.name) {
            Some(Some(shown)) if *shown == self.desired.value => match effect {
                Some(effect) if *effect != self.desired.value => Some(effect.clone()),
                _ => return Stand::Shown,
            },
            Some(shown) => shown.clone(),
            None => None,
        };
        if let Some(argument) = self.route.and_then(|it| it.start_argument(&self.desired.value)) {
            Stand::Failed(Failure::NeedsRecreate { name, argument })
        } else if self.last {
            Stand::Failed(Failure::ReadBackDiffers { name, shown })
        } else {
            Stand::Undecided
        }
    }

    /// Whether the way it is set knows no way to read it back.
    fn is_never_shown(&self) -> bool {
        let set_by = self.route.map(|route| route.set_by);
        matches!(set_by, Some(SetBy::Command { get: [], .. }))
    }

    /// What the value does, where that decides: at once, or after the restart that was asked for.
    fn effect<'r>(&self, reached: &'r Reached) -> Option<&'r String> {
        let acts = self.restarted || self.route?.timing == Timing::AtOnce;
        reached.effects.get(self.name).filter(|_| acts)
    }
}

//! What one step does to a device: the difference of desired and reported, as one action. Pure.

use fleet::catalogue::Retention;
use fleet::{Catalogue, Condition};
use store::Work;

use crate::driver::Action;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// One exchange with the device.
    Act(Action),
    /// Nothing on the device: open jobs, if any, asked for nothing.
    Nothing,
}

/// Plans the step of a device. `look` asks for an exchange even if there is no work.
pub fn plan(work: &Work, catalogue: &Catalogue, look: bool) -> Plan {
    let state = &work.state;
    let mut action =
        Action { may_adopt: !state.adopted, known_boot: state.boot.clone(), ..Action::default() };
    for (name, desired) in &state.desired.0 {
        let route = catalogue.route(&work.device.profile, name);
        if desired.revision > state.settled {
            action.set.insert(name.clone(), desired.value.clone());
        } else if route.is_some_and(|route| route.retention == Retention::Boot) {
            action.set_after_boot.insert(name.clone(), desired.value.clone());
        } else {
            action.read.push(name.clone());
        }
    }
    let unmet = state.condition != Condition::Running || state.trouble.is_some();
    let asked = work.jobs.iter().any(|job| !job.patch.is_empty());
    if action.set.is_empty() && !asked && !unmet && !look {
        return Plan::Nothing;
    }
    Plan::Act(action)
}

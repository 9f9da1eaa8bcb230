//! What one step does to a device: the difference of desired and reported, as one action. Pure.

use fleet::catalogue::Retention;
use fleet::{AdoptionPolicy, Catalogue, DriftPolicy, Kind, Operation};
use store::Work;

use crate::driver::{Action, Adopt};

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
    let pending = state.desired.0.values().any(|desired| desired.revision > state.settled);
    let unmet = !state.condition.is_met()
        || state.trouble.is_some()
        || state.adoption.is_some()
        || state.copy.is_some()
        || state.power.is_some();
    let asked = work.jobs.iter().any(|job| !job.patch.is_empty() || job.operation.is_power());
    if !pending && !asked && !unmet && !look {
        return Plan::Nothing;
    }
    Plan::Act(action(work, catalogue))
}

/// Everything that brings the device to its desired state.
pub fn action(work: &Work, catalogue: &Catalogue) -> Action {
    let state = &work.state;
    let profile = &work.device.profile;
    let mut action = Action { known_boot: state.boot.clone(), ..bare(work) };
    // A phone that is new here holds nothing of what was settled with another.
    let is_new = !state.adopted || state.adoption.is_some_and(|request| !request.from_reported);
    let wiped = is_reset(work) || is_new;
    for (name, desired) in &state.desired.0 {
        let route = catalogue.route(profile, name);
        let repair = wiped || work.settings.drift == DriftPolicy::Repair;
        if desired.revision > state.settled || repair {
            action.set.insert(name.clone(), desired.value.clone());
            action.set_revisions.insert(name.clone(), desired.revision);
        } else if route.is_some_and(|route| route.retention == Retention::Boot) {
            action.set_after_boot.insert(name.clone(), desired.value.clone());
        } else {
            action.read.push(name.clone());
        }
    }
    // All of a GB device's configuration comes in one answer.
    let reads_all = work.device.kind == Kind::Camera;
    if reads_all || state.adoption.is_some_and(|request| request.from_reported) {
        let readable = catalogue.readable(profile).filter(|name| state.desired.get(name).is_none());
        action.read.extend(readable.map(str::to_owned));
    }
    action
}

/// A look that proves who answers, and sets nothing but a marker that may be given.
pub fn bare(work: &Work) -> Action {
    let state = &work.state;
    let adopt = match state.adoption {
        Some(request) if request.replace_marker => Adopt::Any,
        Some(_) => Adopt::Unmarked,
        // What a reset wiped is ours to give again: it was proved before.
        None if is_reset(work) && state.adopted => Adopt::Unmarked,
        None if !state.adopted && work.settings.adoption == AdoptionPolicy::Unmarked => {
            Adopt::Unmarked
        }
        None => Adopt::No,
    };
    let revision = state.revision;
    Action { adopt, revision, known_boot: state.boot.clone(), ..Action::default() }
}

/// Whether the device was told to go back to how it left the factory, so that nothing that it held
/// before counts.
fn is_reset(work: &Work) -> bool {
    work.state.power.as_ref().is_some_and(|power| power.operation == Operation::Reset)
}

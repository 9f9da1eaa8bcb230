//! Where a value stands that is desired of a device, by what is on record of it.

use fleet::catalogue::{Route, SetBy};
use fleet::desired::DesiredValue;
use fleet::{Catalogue, Device, DeviceState, Facts, Kind};

/// Where a value stands that is desired of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueStands {
    /// The device showed it when it was last read.
    Shown,
    /// The device holds it, and it acts after a restart.
    RestartPending,
    /// It is a record: nothing on this make of device reads it.
    Recorded,
    /// The device took it and can't be asked for it.
    Acknowledged,
    /// It is fixed when the device's container starts.
    NeedsRecreate,
    /// It is to be set, or the device can't be worked on at the moment.
    Pending,
    /// The device runs and shows something else: it has changed there, or was refused.
    Drift,
}

impl ValueStands {
    /// The word that stands for it in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::RestartPending => "restart_pending",
            Self::Recorded => "recorded",
            Self::Acknowledged => "acknowledged",
            Self::NeedsRecreate => "needs_recreate",
            Self::Pending => "pending",
            Self::Drift => "drift",
        }
    }

    /// Where the value `wanted` of the property `name` stands on a device that is spoken to by
    /// `profile`. `took` says whether the device, a camera, said yes to what it was last sent.
    pub fn of(
        catalogue: &Catalogue,
        profile: &str,
        state: &DeviceState,
        (name, wanted): (&str, &DesiredValue),
        took: bool,
    ) -> Self {
        let reported = state.reported.values.get(name);
        let shown = reported.and_then(|shown| shown.value.as_deref());
        if state.restart_pending.contains_key(name) {
            Self::RestartPending
        } else if shown == Some(wanted.value.as_str()) {
            Self::Shown
        } else if wanted.revision > state.settled {
            Self::Pending
        } else {
            let took_unseen = reported.is_none() && took;
            at_rest(catalogue.route(profile, name), took_unseen, state.has_work())
        }
    }
}

/// The profile by which a device is spoken to: a camera may have said which make it is.
pub fn spoken_to_by<'a>(
    catalogue: &'a Catalogue,
    device: &'a Device,
    state: &DeviceState,
) -> &'a str {
    let recorded = device.profile.as_str();
    if device.kind != Kind::Camera {
        return recorded;
    }
    let manufacturer = state.facts.get(Facts::MANUFACTURER);
    let profile = catalogue.camera_profile(recorded, manufacturer);
    profile.map_or(recorded, |profile| &profile.name)
}

/// Where a value stands that was dealt with and that the device does not show. `took_unseen` says
/// whether the device said yes to it and has never shown it, `has_work` whether there is something
/// to be done for the device, so that what differs may still change.
fn at_rest(route: Option<Route<'_>>, took_unseen: bool, has_work: bool) -> ValueStands {
    match route.map(|route| route.set_by) {
        Some(SetBy::Stored) => ValueStands::Recorded,
        Some(SetBy::Command { get: [], .. }) => ValueStands::Acknowledged,
        Some(SetBy::BasicParam) if took_unseen => ValueStands::Acknowledged,
        Some(SetBy::StartArgument { .. }) => ValueStands::NeedsRecreate,
        _ if has_work => ValueStands::Pending,
        _ => ValueStands::Drift,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fleet::{Attention, Condition, Revision, Timestamp};

    use super::*;

    const NAME: &str = "sys.prop.writephonenum";

    #[test]
    fn a_device_that_has_shown_what_is_drift_needs_attention_for_it() {
        let catalogue = Catalogue::built_in().unwrap();
        let mut state = DeviceState::new(Timestamp(0));
        state.condition = Condition::Running;
        state.desired.merge(&BTreeMap::from([(NAME.to_owned(), "1".to_owned())]), Revision(1));
        (state.revision, state.settled) = (Revision(1), Revision(1));
        let both = |state: &DeviceState| {
            let wanted = state.desired.get(NAME).unwrap();
            let stands = ValueStands::of(&catalogue, "simulated", state, (NAME, wanted), false);
            (stands, Attention::of(state, None, Timestamp(9)))
        };
        assert_eq!(both(&state), (ValueStands::Drift, None), "it never showed any: decision 042");
        for (shown, expected) in [
            (Some("2"), (ValueStands::Drift, Some(Attention::Drift))),
            (None, (ValueStands::Drift, Some(Attention::Drift))),
            (Some("1"), (ValueStands::Shown, None)),
        ] {
            let shown = BTreeMap::from([(NAME.to_owned(), shown.map(str::to_owned))]);
            state.reported.record(&shown, Timestamp(1));
            assert_eq!(both(&state), expected, "{shown:?}");
        }
    }
}

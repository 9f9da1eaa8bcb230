//! Why a device is not as it should be, in one word: what lists are filtered and fleets counted by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::camera::Binding;
use crate::device::{DeviceState, UnknownWord};
use crate::time::Timestamp;

/// Why a device is not as it should be. Of several words that hold, the first is a device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// It can't be worked on, or is a GB device that was registered once and is not now.
    Trouble,
    /// Nothing is under way, and it has last shown another value of a property than is desired.
    Drift,
    /// It holds a value that waits for a restart to act.
    RestartPending,
    /// Something that was asked of it is not settled.
    Pending,
}

impl Attention {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 4] = [Self::Trouble, Self::Drift, Self::RestartPending, Self::Pending];

    /// The word that stands for it in the store's statements and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Drift => "drift",
            Self::RestartPending => "restart_pending",
            Self::Pending => "pending",
        }
    }

    /// That of a device in this state, with this last registration if it is a GB device that ever
    /// had one, at `now`; `None` if it is as it should be. Both engines of the store have a term
    /// that says the same.
    pub fn of(state: &DeviceState, binding: Option<&Binding>, now: Timestamp) -> Option<Self> {
        if state.trouble.is_some() || binding.is_some_and(|binding| !binding.is_live(now)) {
            Some(Self::Trouble)
        } else if !state.has_work() && shows_another(state) {
            Some(Self::Drift)
        } else if !state.restart_pending.is_empty() {
            Some(Self::RestartPending)
        } else if state.settled < state.revision {
            Some(Self::Pending)
        } else {
            None
        }
    }
}

/// Whether the device has last shown another value than the desired one of a property that waits
/// for no restart. Of what it never showed that can't be told without the catalogue.
fn shows_another(state: &DeviceState) -> bool {
    state.desired.0.iter().any(|(name, wanted)| {
        let shown = state.reported.values.get(name);
        let wanted = Some(wanted.value.as_str());
        let differs = shown.is_some_and(|shown| shown.value.as_deref() != wanted);
        differs && !state.restart_pending.contains_key(name)
    })
}

impl fmt::Display for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Attention {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|attention| attention.name() == text);
        found.ok_or_else(|| UnknownWord { what: "attention", word: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::device::{Condition, RestartPending};
    use crate::id::Revision;

    /// A device at rest that shows `shown` where `a` is desired.
    fn showing(shown: Option<&str>) -> DeviceState {
        let mut state = DeviceState::new(Timestamp(0));
        state.condition = Condition::Running;
        state.desired.merge(&BTreeMap::from([("a".to_owned(), "1".to_owned())]), Revision(1));
        (state.revision, state.settled) = (Revision(1), Revision(1));
        let shown = BTreeMap::from([("a".to_owned(), shown.map(str::to_owned))]);
        state.reported.record(&shown, Timestamp(1));
        state
    }

    fn of(state: &DeviceState) -> Option<Attention> {
        Attention::of(state, None, Timestamp(2))
    }

    #[test]
    fn the_first_word_that_holds_is_the_devices() {
        assert_eq!(of(&showing(Some("1"))), None);
        let mut state = showing(None);
        assert_eq!(of(&state), Some(Attention::Drift), "it shows that it has none");
        state.reported.values.clear();
        assert_eq!(of(&state), None, "it never showed anything");
        state = showing(Some("2"));
        let pending = RestartPending { boot: None, since: Timestamp(1) };
        state.restart_pending.insert("b".to_owned(), pending.clone());
        assert_eq!(of(&state), Some(Attention::Drift));
        state.restart_pending.insert("a".to_owned(), pending);
        assert_eq!(of(&state), Some(Attention::RestartPending));
        state.revision = Revision(2);
        assert_eq!(of(&state), Some(Attention::RestartPending));
        state.restart_pending.clear();
        assert_eq!(of(&state), Some(Attention::Pending), "what differs may still change");
        state.trouble = Some("unreachable".to_owned());
        assert_eq!(of(&state), Some(Attention::Trouble));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for attention in Attention::ALL {
            assert_eq!(attention.name().parse(), Ok(attention));
            assert_eq!(serde_json::to_value(attention).unwrap(), attention.name());
        }
        assert!("any".parse::<Attention>().is_err());
    }
}

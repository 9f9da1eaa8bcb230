//! What can be wrong with a phone, on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The property that a driver leaves on a phone to know it again; no fault by wildcard touches it.
pub const MARKER: &str = "persist.fleetwright.id";

/// The file that a driver leaves where it may not set [`MARKER`], by its name in [`Faults`].
pub const MARKER_FILE: &str = "file:/data/local/tmp/.fleetwright-id";

/// The name that stands for every value but [`MARKER`] and [`MARKER_FILE`] in the sets of
/// [`Faults`].
pub const ANY: &str = "*";

/// A phone's faults. The default is a healthy phone.
///
/// Where a value is named, it is a property by its name, `settings:NAMESPACE/KEY`, `wm:density`,
/// `wm:size`, or a file as `file:PATH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Nothing listens on the port.
    pub refuse: bool,
    /// The port accepts connections and nothing ever answers on them: what a proxy in front of a
    /// daemon that hangs looks like.
    pub silent: bool,
    /// The port accepts connections and closes each at once: what a container's proxy in front of
    /// a dead daemon looks like.
    pub hang_up: bool,
    /// A connection is dropped when the phone has sent this many bytes on it.
    pub drop_after_bytes: Option<u64>,
    /// The connection is dropped, and the script killed, right after its n-th `setprop` (from 1).
    pub drop_mid_script: Option<u32>,
    /// How long the phone waits before each answer. What a script does happens at once.
    pub slow: Option<Duration>,
    /// The phone reboots right after a script's n-th `setprop` (from 1).
    pub reboot_mid_script: Option<u32>,
    /// The next reboot (or restart of the framework) never comes up.
    pub never_back: bool,
    /// How long a boot takes on this phone, if not as long as on the others.
    pub boot: Option<Duration>,
    /// Properties written over whatever is there when a boot is complete.
    pub overwrite_at_boot: BTreeMap<String, String>,
    /// Properties and settings that a boot forgets, though Android would keep them.
    pub wipe_at_boot: BTreeSet<String>,
    /// Values whose set fails; [`ANY`] for all.
    pub refuse_set: BTreeSet<String>,
    /// Values whose set succeeds and changes nothing; [`ANY`] for all.
    pub ignore_set: BTreeSet<String>,
    /// What is stored instead of the value that is set, by name or for [`ANY`]: it reads back
    /// differently.
    pub store_instead: BTreeMap<String, String>,
    /// How far the phone's clock is ahead, in seconds; negative when it is behind.
    pub clock_ahead: i64,
    /// How often `drop_*` and `reboot_mid_script` strike, together; none for always.
    pub times: Option<u32>,
}

/// The faults that have a word, for those who ask for one by hand or from a test.
pub const NAMED: &[(&str, &str)] = &[
    ("away", "nothing listens at its address"),
    ("silent", "it accepts connections and never answers"),
    ("slow", "it waits half a second before each answer"),
    ("refuses", "setting any value fails"),
    ("ignores", "setting a value succeeds and changes nothing"),
    ("wrong-read-back", "it stores something else than what is set"),
    ("drops", "once, the connection breaks right after the first value is set"),
    ("reboots", "once, it reboots right after the first value is set"),
    ("never-back", "the next reboot never comes up"),
];

/// What a phone stores that is to read back differently.
const INSTEAD: &str = "something-else";

impl Faults {
    /// The faults of a word of [`NAMED`].
    pub fn named(word: &str) -> Option<Self> {
        let any = || BTreeSet::from([ANY.to_owned()]);
        let healthy = Self::default();
        Some(match word {
            "away" => Self { refuse: true, ..healthy },
            "silent" => Self { silent: true, ..healthy },
            "slow" => Self { slow: Some(Duration::from_millis(500)), ..healthy },
            "refuses" => Self { refuse_set: any(), ..healthy },
            "ignores" => Self { ignore_set: any(), ..healthy },
            "wrong-read-back" => {
                let instead = BTreeMap::from([(ANY.to_owned(), INSTEAD.to_owned())]);
                Self { store_instead: instead, ..healthy }
            }
            "drops" => Self { drop_mid_script: Some(1), times: Some(1), ..healthy },
            "reboots" => Self { reboot_mid_script: Some(1), times: Some(1), ..healthy },
            "never-back" => Self { never_back: true, ..healthy },
            _ => return None,
        })
    }

    /// Whether `names` covers a value.
    pub(crate) fn covers(names: &BTreeSet<String>, name: &str) -> bool {
        let marker = name == MARKER || name == MARKER_FILE;
        names.contains(name) || (!marker && names.contains(ANY))
    }

    /// What is stored instead of what is set, if anything.
    pub(crate) fn instead(&self, name: &str) -> Option<&String> {
        let marker = name == MARKER || name == MARKER_FILE;
        let any = || self.store_instead.get(ANY).filter(|_| !marker);
        self.store_instead.get(name).or_else(any)
    }

    /// Takes one of the strikes that are left; false when they are spent.
    pub(crate) fn strike(&mut self) -> bool {
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// Deals faults out to a share of the phones, the same ones for the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaultMix {
    /// Chooses the phones and their faults.
    pub seed: u64,
    /// How many of the phones are faulty, 0 to 1.
    pub share: f64,
}

impl FaultMix {
    /// The faults of the phone with this index (from 0); none for a healthy one. Each faulty
    /// phone has one of: refuse; drop in the middle of a script, once; slow (200 ms); reboot in
    /// the middle of a script, once; the same and never back; refuse every set; ignore every set.
    pub fn fault_of(&self, index: usize) -> Option<Faults> {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        let mut random =
            StdRng::seed_from_u64(self.seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if !random.random_bool(self.share.clamp(0.0, 1.0)) {
            return None;
        }
        let any = || BTreeSet::from([ANY.to_owned()]);
        let healthy = Faults::default();
        Some(match random.random_range(0..7) {
            0 => Faults { refuse: true, ..healthy },
            1 => Faults { drop_mid_script: Some(1), times: Some(1), ..healthy },
            2 => Faults { slow: Some(Duration::from_millis(200)), ..healthy },
            3 => Faults { reboot_mid_script: Some(1), times: Some(1), ..healthy },
            4 => Faults { reboot_mid_script: Some(1), never_back: true, ..healthy },
            5 => Faults { refuse_set: any(), ..healthy },
            _ => Faults { ignore_set: any(), ..healthy },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_the_same_for_the_same_seed_and_near_its_share() {
        let mix = FaultMix { seed: 7, share: 0.2 };
        let dealt: Vec<_> = (0..8096).map(|index| mix.fault_of(index)).collect();
        assert_eq!(dealt, (0..8096).map(|index| mix.fault_of(index)).collect::<Vec<_>>());
        let faulty = dealt.iter().flatten().count();
        assert!((1450..1790).contains(&faulty), "{faulty}");
        let other = FaultMix { seed: 8, share: 0.2 };
        assert_ne!(dealt, (0..8096).map(|index| other.fault_of(index)).collect::<Vec<_>>());
        let mut kinds: Vec<_> =
            dealt.iter().flatten().map(|faults| format!("{faults:?}")).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 7);
        assert_eq!(FaultMix { seed: 1, share: 0.0 }.fault_of(3), None);
        assert!(FaultMix { seed: 1, share: 1.0 }.fault_of(3).is_some());
    }

    #[test]
    fn a_wildcard_leaves_the_marker_alone() {
        let any = BTreeSet::from([ANY.to_owned()]);
        assert!(Faults::covers(&any, "a.b"));
        assert!(!Faults::covers(&any, MARKER));
        assert!(!Faults::covers(&any, MARKER_FILE));
        assert!(Faults::covers(&any, "file:/data/local/tmp/other"));
        assert!(Faults::covers(&BTreeSet::from([MARKER.to_owned()]), MARKER));
    }

    #[test]
    fn every_word_is_a_fault_of_its_own() {
        let all: Vec<_> = NAMED.iter().map(|(word, _)| Faults::named(word).unwrap()).collect();
        for (at, faults) in all.iter().enumerate() {
            assert_ne!(*faults, Faults::default());
            assert!(!all[..at].contains(faults));
        }
        assert_eq!(Faults::named("healthy"), None);
    }

    #[test]
    fn what_is_stored_instead_goes_by_name_and_then_by_wildcard() {
        let mut faults = Faults::named("wrong-read-back").unwrap();
        faults.store_instead.insert("a.b".to_owned(), "c".to_owned());
        assert_eq!(faults.instead("a.b").map(String::as_str), Some("c"));
        assert_eq!(faults.instead("other").map(String::as_str), Some(INSTEAD));
        assert_eq!(faults.instead(MARKER), None);
        assert_eq!(faults.instead(MARKER_FILE), None);
    }

    #[test]
    fn faults_are_written_as_json() {
        let faults: Faults = serde_json::from_str(r#"{"refuse":true,"times":2}"#).unwrap();
        assert_eq!(faults, Faults { refuse: true, times: Some(2), ..Faults::default() });
        let text = serde_json::to_string(&faults).unwrap();
        assert_eq!(serde_json::from_str::<Faults>(&text).unwrap(), faults);
        assert!(serde_json::from_str::<Faults>(r#"{"refused":true}"#).is_err());
    }
}

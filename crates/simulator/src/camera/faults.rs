//! What can be wrong with a camera, on demand.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A camera's faults. The default is a healthy camera.
///
/// An *answer* here is the MESSAGE that answers a command, not the SIP response to the command's
/// own MESSAGE, which comes in any case but silence, and is 200 unless `status` says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// It registers with a password that was never its own.
    pub wrong_password: bool,
    /// It registers with the password that it had before the present one.
    pub old_password: bool,
    /// It does what it is told, and its answers never come.
    pub lost_answers: bool,
    /// Its answers come late.
    pub late_answers: Option<Late>,
    /// It answers every DeviceConfig with `ERROR` and takes nothing of it.
    pub error_answers: bool,
    /// It takes a DeviceConfig and, instead of answering, un-registers and restarts.
    pub unregister_and_restart: bool,
    /// A restart that a DeviceConfig caused loses what that had set.
    pub loses_config: bool,
    /// It moves to another port at its next keepalive, without registering there.
    pub changed_port: bool,
    /// It moves to another address at its next keepalive, without registering there.
    pub changed_address: bool,
    /// Nothing comes from it and nothing reaches it, as if its cable were out.
    pub silence: bool,
    /// It answers a DeviceConfig with `OK` and goes on showing its old name.
    pub forgets_name: bool,
    /// The last item of its catalog never comes, though it is counted.
    pub catalog_incomplete: bool,
    /// It never answers a ConfigDownload.
    pub no_config_download: bool,
    /// The SIP status with which it refuses every MESSAGE, 300 to 699: it does nothing of what
    /// that asked for.
    pub status: Option<u16>,
}

/// By how much answers are late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// Milliseconds.
    pub ms: u64,
}

/// The faults that have a word, for those who ask for one by hand or from a test.
pub const NAMED: &[(&str, &str)] = &[
    ("silent", "nothing comes from it and nothing reaches it"),
    ("refuses", "it answers every configuration with ERROR"),
    ("answers-403", "it refuses every message with the SIP status 403"),
    ("ignores", "it answers OK to a new name and goes on showing the old one"),
    ("no-answers", "it does what it is told, and its answers never come"),
    ("slow", "its answers come two seconds late"),
    ("restarts", "instead of answering a configuration it un-registers and restarts"),
    ("wrong-password", "it registers with a password that was never its own"),
    ("old-password", "it registers with the password before the present one"),
];

impl Faults {
    /// The faults of a word of [`NAMED`].
    pub fn named(word: &str) -> Option<Self> {
        let healthy = Self::default();
        Some(match word {
            "silent" => Self { silence: true, ..healthy },
            "refuses" => Self { error_answers: true, ..healthy },
            "answers-403" => Self { status: Some(403), ..healthy },
            "ignores" => Self { forgets_name: true, ..healthy },
            "no-answers" => Self { lost_answers: true, ..healthy },
            "slow" => Self { late_answers: Some(Late { ms: 2000 }), ..healthy },
            "restarts" => Self { unregister_and_restart: true, ..healthy },
            "wrong-password" => Self { wrong_password: true, ..healthy },
            "old-password" => Self { old_password: true, ..healthy },
            _ => return None,
        })
    }

    /// Whether a camera with these can register at all, given a server that knows it.
    pub fn can_register(&self) -> bool {
        !self.wrong_password && !self.old_password && !self.silence
    }
}

/// Deals faults out to a share of the cameras, the same ones for the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaultMix {
    /// Chooses the cameras and their faults.
    pub seed: u64,
    /// How many of the cameras are faulty, 0 to 1.
    pub share: f64,
}

impl FaultMix {
    /// The faults of the camera with this index (from 0); none for a healthy one. Each faulty
    /// camera has one of all there are; its answers are late by 2 seconds, and where it restarts
    /// instead of answering, every second one loses what was set.
    pub fn fault_of(&self, index: usize) -> Option<Faults> {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        let mut random =
            SmallRng::seed_from_u64(self.seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if !random.random_bool(self.share.clamp(0.0, 1.0)) {
            return None;
        }
        let healthy = Faults::default();
        Some(match random.random_range(0..13) {
            0 => Faults { wrong_password: true, ..healthy },
            1 => Faults { old_password: true, ..healthy },
            2 => Faults { lost_answers: true, ..healthy },
            3 => Faults { late_answers: Some(Late { ms: 2000 }), ..healthy },
            4 => Faults { error_answers: true, ..healthy },
            5 => Faults { unregister_and_restart: true, ..healthy },
            6 => Faults { unregister_and_restart: true, loses_config: true, ..healthy },
            7 => Faults { changed_port: true, ..healthy },
            8 => Faults { changed_address: true, ..healthy },
            9 => Faults { silence: true, ..healthy },
            10 => Faults { forgets_name: true, ..healthy },
            11 => Faults { catalog_incomplete: true, ..healthy },
            _ => Faults { no_config_download: true, ..healthy },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_mix_is_the_same_for_the_same_seed_and_near_its_share() {
        let mix = FaultMix { seed: 7, share: 0.2 };
        let deal = |mix: FaultMix| (0..8096).map(|index| mix.fault_of(index)).collect::<Vec<_>>();
        let dealt = deal(mix);
        assert_eq!(dealt, deal(mix));
        assert_ne!(dealt, deal(FaultMix { seed: 8, ..mix }));
        let faulty = dealt.iter().flatten().count();
        assert!((1450..1790).contains(&faulty), "{faulty}");
        let kinds: BTreeSet<_> =
            dealt.iter().flatten().map(|faults| format!("{faults:?}")).collect();
        assert_eq!(kinds.len(), 13);
        assert_eq!(FaultMix { seed: 1, share: 0.0 }.fault_of(3), None);
        assert!(FaultMix { seed: 1, share: 1.0 }.fault_of(3).is_some());
    }

    #[test]
    fn every_word_is_a_fault_of_its_own() {
        let all: Vec<_> = NAMED.iter().map(|(word, _)| Faults::named(word).unwrap()).collect();
        for (at, faults) in all.iter().enumerate() {
            assert_ne!(*faults, Faults::default());
            assert!(!all[..at].contains(faults));
        }
        assert_eq!(Faults::named("away"), None);
    }

    #[test]
    fn faults_are_written_as_json() {
        let faults: Faults =
            serde_json::from_str(r#"{"late_answers":{"ms":30},"silence":true}"#).unwrap();
        let expected =
            Faults { late_answers: Some(Late { ms: 30 }), silence: true, ..Faults::default() };
        assert_eq!(faults, expected);
        let text = serde_json::to_string(&faults).unwrap();
        assert_eq!(serde_json::from_str::<Faults>(&text).unwrap(), faults);
        assert!(serde_json::from_str::<Faults>(r#"{"silent":true}"#).is_err());
    }
}

//! Jobs: the durable record of one device's part of an update.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::desired::Values;
use crate::device::UnknownWord;
use crate::id::{DeviceKey, JobId, ProjectKey, Revision};
use crate::operation::Operation;
use crate::time::Timestamp;

/// The API through which an update came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// Huawei Cloud CPH.
    Cph,
    /// Tencent Cloud ISS.
    Iss,
    /// Our own API.
    Native,
}

impl Door {
    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cph => "cph",
            Self::Iss => "iss",
            Self::Native => "native",
        }
    }
}

impl FromStr for Door {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "cph" => Ok(Self::Cph),
            "iss" => Ok(Self::Iss),
            "native" => Ok(Self::Native),
            _ => Err(UnknownWord { what: "door", word: text.to_owned() }),
        }
    }
}

/// What a job remembers of a new registration password.
pub const PASSWORD_CHANGED: &str = "changed";

/// A job. Once `end` is set, nothing of it changes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, which names its request too.
    pub id: JobId,
    /// The device.
    pub device: DeviceKey,
    /// The project.
    pub project: ProjectKey,
    /// The revision that the device's desired state got from it.
    pub revision: Revision,
    /// What it asks of the device besides the values.
    pub operation: Operation,
    /// Whether all that was desired before it is forgotten once it succeeds: a reset may ask so.
    pub clear: bool,
    /// The values asked for.
    pub patch: Values,
    /// What went on record with it, by property: ours alone, so it held with the commit. A new
    /// password stands here as [`PASSWORD_CHANGED`], never as itself.
    pub record: Values,
    /// What there was before it, by property: for each of its values and of what went on record
    /// with it, and of one that clears for all else that was desired. Empty for a job from before
    /// this was kept.
    pub before: BTreeMap<String, Before>,
    /// Whether the device was away when the call came, so that the door answered at once that the
    /// values are stored. The job itself stays open until the device has shown them.
    pub stored: bool,
    /// The API through which it came.
    pub door: Door,
    /// Who asked.
    pub actor: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How and when it ended; `None` while it is open.
    pub end: Option<Ended>,
}

/// What there was of one property before a job. A password is never told: it is not in the map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Before {
    /// What was desired of it, or on record; `None` for nothing.
    pub desired: Option<String>,
    /// What the device had last shown; `None` for nothing.
    pub shown: Option<String>,
    /// Of the name of a GB device or of a channel, what we had on record for it: no device need
    /// have heard of that. `None` of all else, and of a job from before this was kept.
    pub name: Option<String>,
    /// Of such a name, what we have on record for it since the job, where that is another than the
    /// value that the device gets: a revert puts back what each of the two was.
    pub given: Option<String>,
}

/// [`Before`] as it is written down: what is not the name of anything has no third part.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Parts {
    /// What was desired, and what was shown.
    Plain(Option<String>, Option<String>),
    /// The same, and our name.
    Named(Option<String>, Option<String>, String),
    /// The same, and our name since.
    Renamed(Option<String>, Option<String>, String, String),
}

impl From<Parts> for Before {
    fn from(parts: Parts) -> Self {
        match parts {
            Parts::Plain(desired, shown) => Self { desired, shown, name: None, given: None },
            Parts::Named(desired, shown, name) => {
                Self { desired, shown, name: Some(name), given: None }
            }
            Parts::Renamed(desired, shown, name, given) => {
                Self { desired, shown, name: Some(name), given: Some(given) }
            }
        }
    }
}

impl From<Before> for Parts {
    fn from(Before { desired, shown, name, given }: Before) -> Self {
        match (name, given) {
            (None, _) => Self::Plain(desired, shown),
            (Some(name), None) => Self::Named(desired, shown, name),
            (Some(name), Some(given)) => Self::Renamed(desired, shown, name, given),
        }
    }
}

/// Where a job stands, in one word. What is open is told apart by what its device is doing at the
/// moment, so these words are never stored. Of several nodes only the one that works on the device
/// tells `running`; another one says `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It will be worked on when its turn comes.
    Pending,
    /// Its device can't be worked on at the moment.
    WaitingForDevice,
    /// An action is in flight on its device.
    Running,
    /// It asked for a restart that has not begun or is not over.
    WaitingForRestart,
    /// The device holds the values.
    Succeeded,
    /// It ended otherwise.
    Failed,
}

impl JobState {
    /// The word that stands for it in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::WaitingForDevice => "waiting for the device",
            Self::Running => "running",
            Self::WaitingForRestart => "waiting for a restart",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Whether the job has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

impl Job {
    /// Where the job stands, given whether its device can't be worked on (`away`) and whether an
    /// action is in flight on it (`running`).
    pub fn state(&self, away: bool, running: bool) -> JobState {
        match &self.end {
            Some(Ended { end: End::Succeeded { .. }, .. }) => JobState::Succeeded,
            Some(Ended { end: End::Failed { .. }, .. }) => JobState::Failed,
            None if self.operation.is_power() && !away => JobState::WaitingForRestart,
            None if away => JobState::WaitingForDevice,
            None if running => JobState::Running,
            None => JobState::Pending,
        }
    }

    /// Whether somebody has taken it back before it was done.
    pub fn is_cancelled(&self) -> bool {
        let end = self.end.as_ref().map(|ended| &ended.end);
        matches!(end, Some(End::Failed { failure: Failure::Cancelled { .. } }))
    }

    /// The properties that it made the device's desired state forget: all else that was desired,
    /// of a job that clears and has succeeded.
    pub fn forgotten(&self) -> impl Iterator<Item = &String> {
        let end = self.end.as_ref().map(|ended| &ended.end);
        let has_cleared = self.clear && matches!(end, Some(End::Succeeded { .. }));
        let names = self.before.keys().filter(move |_| has_cleared);
        names.filter(|name| !self.patch.contains_key(*name) && !self.record.contains_key(*name))
    }
}

/// How and when a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub end: End,
    /// When.
    pub at: Timestamp,
    /// The job whose later values took the place of all of this one's, if one did. This job then
    /// ended as that one did.
    pub superseded_by: Option<JobId>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// The device holds the values.
    Succeeded {
        /// How that is known.
        proof: Proof,
    },
    /// It does not, and will not be tried again for this job. The desired value stays.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// How it is known that a job succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A read-back at the job's revision or later has shown the values.
    Verified,
    /// The device said yes and its profile has no way to read back.
    Acknowledged,
    /// The values are a record of ours: nothing on this make of device reads them.
    Recorded,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Failure {
    /// The device could not be worked on until the job's deadline.
    DeadlinePassed {
        /// What stood in the way at the end, in a sentence.
        trouble: String,
    },
    /// The device refused to set the value.
    Refused {
        /// The property.
        name: String,
        /// What the device said.
        detail: String,
    },
    /// The device took the value and shows another.
    ReadBackDiffers {
        /// The property.
        name: String,
        /// What it shows; `None` for nothing.
        shown: Option<String>,
    },
    /// The device's profile knows no way to set the property.
    Unsupported {
        /// The property.
        name: String,
        /// Why.
        detail: String,
    },
    /// The value is fixed when the device's container starts: it has to be made anew with it.
    NeedsRecreate {
        /// The property.
        name: String,
        /// The container argument that gives it the value.
        argument: String,
    },
    /// The device's record was deleted.
    Deleted,
    /// Somebody has taken the job back before it was done.
    Cancelled {
        /// Who.
        by: String,
    },
    /// The device could not be restarted, reset or stopped.
    PowerFailed {
        /// What was asked for.
        operation: Operation,
        /// What stood in the way, in a sentence.
        detail: String,
    },
}

impl Failure {
    /// The words of all of them.
    pub const CODES: [&'static str; 8] = [
        "deadline_passed",
        "refused",
        "read_back_differs",
        "unsupported",
        "needs_recreate",
        "deleted",
        "cancelled",
        "power_failed",
    ];

    /// The word that stands for it in the store and the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::Refused { .. } => "refused",
            Self::ReadBackDiffers { .. } => "read_back_differs",
            Self::Unsupported { .. } => "unsupported",
            Self::NeedsRecreate { .. } => "needs_recreate",
            Self::Deleted => "deleted",
            Self::Cancelled { .. } => "cancelled",
            Self::PowerFailed { .. } => "power_failed",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeadlinePassed { trouble } => write!(f, "not done by its deadline: {trouble}"),
            Self::Refused { name, detail } => write!(f, "the device refused {name}: {detail}"),
            Self::ReadBackDiffers { name, shown: Some(shown) } => {
                write!(f, "the device took {name} and shows {shown:?}")
            }
            Self::ReadBackDiffers { name, shown: None } => {
                write!(f, "the device took {name} and shows nothing")
            }
            Self::NeedsRecreate { name, argument } => write!(
                f,
                "{name} needs recreate: it is fixed when the container starts, by {argument}"
            ),
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::Deleted => f.write_str("the device's record was deleted"),
            Self::PowerFailed { operation, detail } => {
                write!(f, "the {} failed: {detail}", operation.name())
            }
            Self::Unsupported { name, detail } => write!(f, "{name} is not supported: {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_is_written_down_shortly_and_read_as_it_was_written() {
        let text = |text: &str| Some(text.to_owned());
        let plain = Before { desired: text("a"), ..Before::default() };
        let named = Before { name: text("Gate"), ..plain.clone() };
        let renamed = Before { given: text("Tor"), ..named.clone() };
        let empty = Before { name: text(""), ..Before::default() };
        for (before, written) in [
            (plain, r#"["a",null]"#),
            (named, r#"["a",null,"Gate"]"#),
            (renamed, r#"["a",null,"Gate","Tor"]"#),
            (empty, r#"[null,null,""]"#),
        ] {
            assert_eq!(serde_json::to_string(&before).unwrap(), written);
            assert_eq!(serde_json::from_str::<Before>(written).unwrap(), before);
        }
        assert!(serde_json::from_str::<Before>(r#"["a"]"#).is_err());
    }

    #[test]
    fn a_failure_is_written_down_under_its_code() {
        let (name, detail) = ("a".to_owned(), "b".to_owned());
        let failures = [
            Failure::DeadlinePassed { trouble: detail.clone() },
            Failure::Refused { name: name.clone(), detail: detail.clone() },
            Failure::ReadBackDiffers { name: name.clone(), shown: None },
            Failure::Unsupported { name: name.clone(), detail: detail.clone() },
            Failure::NeedsRecreate { name, argument: detail.clone() },
            Failure::Deleted,
            Failure::Cancelled { by: detail.clone() },
            Failure::PowerFailed { operation: Operation::Restart, detail },
        ];
        assert_eq!(failures.each_ref().map(Failure::code), Failure::CODES);
        for failure in failures {
            assert_eq!(serde_json::to_value(&failure).unwrap()["why"], failure.code());
        }
    }
}

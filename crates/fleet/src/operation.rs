//! What a job asks of its device besides values.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::device::{BootIdentity, Condition, UnknownWord};
use crate::id::Revision;
use crate::time::Timestamp;

/// What a job asks of its device besides the values of its patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Nothing: it holds and shows the values.
    #[default]
    Update,
    /// It restarts, or starts if it is stopped, and shows the values afterwards.
    Restart,
    /// It goes back to how it left the factory, starts, and shows the values afterwards.
    Reset,
    /// It stops.
    Stop,
}

impl Operation {
    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::Stop => "stop",
        }
    }

    /// Whether it switches the device off, for a while or for good.
    pub fn is_power(self) -> bool {
        self != Self::Update
    }
}

impl FromStr for Operation {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "update" => Ok(Self::Update),
            "restart" => Ok(Self::Restart),
            "reset" => Ok(Self::Reset),
            "stop" => Ok(Self::Stop),
            _ => Err(UnknownWord { what: "operation", word: text.to_owned() }),
        }
    }
}

/// A restart, reset or stop that was begun and is not yet seen to be over. Recorded before the
/// device is told, so that after a crash the boot it is in tells whether it was: telling it a
/// second time would be a second restart. A field that is added later needs a default, for what is
/// on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerStep {
    /// What was begun.
    pub operation: Operation,
    /// Every open job up to this revision that asked for it is served by it.
    pub through: Revision,
    /// The boot that it is to end: the one that the device is in, or was last seen in; `None` if
    /// none is known.
    pub from_boot: Option<BootIdentity>,
    /// Whether the device did not answer, so that its profile has it told without it.
    pub blind: bool,
    /// How the device was doing before.
    pub was: Condition,
    /// When it was begun first.
    pub begun_at: Timestamp,
    /// How often the device was told.
    pub told: u8,
    /// When it was told last.
    pub told_at: Timestamp,
    /// Whether the device, or the operator's command in its place, said yes. Where no boot identity
    /// tells, nothing else does.
    pub heard: bool,
    /// Whether another boot has answered since: what is left is to bring back what it wiped.
    pub back: bool,
}

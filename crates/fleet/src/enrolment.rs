//! Enrolment: cameras that nobody has put on record come to a project by a password that they all
//! share, and wait there until an operator accepts them.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::camera::SipTransport;
use crate::id::DeviceId;
use crate::limits::ENROLMENT_PREFIX_DIGITS_MAX;
use crate::time::Timestamp;

/// What the id of a GB device begins with that may enrol: 1 to 20 digits. The first eight say where
/// it stands, the next two in which trade, the next three what it is (GB/T 28181-2016, annex D.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdPrefix(String);

/// A text is no prefix of a GB device's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not 1 to {ENROLMENT_PREFIX_DIGITS_MAX} digits")]
pub struct NotAPrefix(String);

impl IdPrefix {
    /// The prefix of this text.
    ///
    /// Errors: it is not 1 to 20 ASCII digits.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAPrefix> {
        let text = text.into();
        let fits = (1..=ENROLMENT_PREFIX_DIGITS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(NotAPrefix(text)) }
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdPrefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        Self::new(text)
    }
}

impl TryFrom<String> for IdPrefix {
    type Error = NotAPrefix;

    fn try_from(text: String) -> Result<Self, NotAPrefix> {
        Self::new(text)
    }
}

impl From<IdPrefix> for String {
    fn from(prefix: IdPrefix) -> Self {
        prefix.0
    }
}

/// A GB device that has shown a project's enrolment password and waits to be accepted. It is no
/// device of the project: nothing is sent to it, and no list but that of these has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDevice {
    /// The id that it registers under.
    pub id: DeviceId,
    /// When it came for the first time.
    pub first_seen: Timestamp,
    /// When it last came, to about a minute.
    pub last_seen: Timestamp,
    /// Where it last came from.
    pub remote: SocketAddr,
    /// By which transport.
    pub transport: SipTransport,
    /// What it says of its make: the User-Agent of its REGISTER, at most
    /// [`crate::limits::USER_AGENT_CHARS_MAX`] characters of it; `None` if it says nothing.
    pub user_agent: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_1_to_20_digits() {
        for right in ["3", "34020000", "34020000001320000001"] {
            assert_eq!(IdPrefix::new(right).unwrap().as_str(), right);
        }
        for wrong in ["", "340200000013200000012", "3402x", "340 ", "３"] {
            assert_eq!(IdPrefix::new(wrong), Err(NotAPrefix(wrong.to_owned())));
        }
    }

    #[test]
    fn a_prefix_is_checked_when_it_is_read() {
        let read: Vec<IdPrefix> = serde_json::from_str("[\"3402\"]").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "[\"3402\"]");
        let error = serde_json::from_str::<IdPrefix>("\"34-02\"").unwrap_err().to_string();
        assert!(error.contains("\"34-02\" is not 1 to 20 digits"), "{error}");
    }
}

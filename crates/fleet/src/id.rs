//! Identifiers: the opaque names that callers use and the integer keys that we use inside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::time::Timestamp;

/// How many shards devices are spread over. A shard is the unit of ownership between nodes.
pub const SHARDS: u16 = 256;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("{what} is empty")]
    Empty {
        /// The kind of identifier.
        what: &'static str,
    },
    /// More bytes than the identifier may have.
    #[error("{what} has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLong {
        /// The kind of identifier.
        what: &'static str,
        /// How many bytes were given.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
    /// A character outside what the identifier allows.
    #[error("{what} has a character that is not allowed: {found:?}")]
    Character {
        /// The kind of identifier.
        what: &'static str,
        /// The first such character.
        found: char,
    },
    /// `.` or `..`, which every client takes out of an address before it asks.
    #[error("{what} must not be . or .., which can't stand in an address")]
    Dots {
        /// The kind of identifier.
        what: &'static str,
    },
    /// Not 32 hexadecimal digits.
    #[error("{what} is not 32 hexadecimal digits")]
    NotHex {
        /// The kind of identifier.
        what: &'static str,
    },
}

/// The tenant's identifier: CPH's `project_id`, ISS's `ProjectId`. Opaque, 1 to 64 visible ASCII
/// characters other than `/`, since it stands in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// A device's identifier within its project: CPH's `phone_id` (at most 32 bytes, UpdateCloudPhone-
/// Property, table 2) or a 20-digit GB/T 28181 code. Opaque, 1 to 32 bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

/// An organization's identifier within its project: ISS's `OrganizationId`. Opaque, 1 to 64 visible
/// ASCII characters other than `,`, since ISS lists them with commas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationId(String);

/// A preset's name within its project. 1 to 64 letters, digits and `. _ -`: it stands in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PresetName(String);

macro_rules! text_id {
    ($name:ident, $what:literal, $bytes_max:expr, $allowed:expr) => {
        impl $name {
            /// Takes the text as an identifier, or says why it is none. What is made has to pass
            /// [`Self::check_new`] besides.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                if text.is_empty() {
                    return Err(IdError::Empty { what: $what });
                }
                if text.len() > $bytes_max {
                    return Err(IdError::TooLong {
                        what: $what,
                        bytes: text.len(),
                        bytes_max: $bytes_max,
                    });
                }
                let allowed: fn(char) -> bool = $allowed;
                if let Some(found) = text.chars().find(|c| !allowed(*c)) {
                    return Err(IdError::Character { what: $what, found });
                }
                Ok(Self(text))
            }

            /// Checks that something new may have this identifier. These rules are younger than
            /// some of what is on record, which is read, shown and deleted all the same: no rule
            /// that comes later belongs into [`Self::new`].
            pub fn check_new(&self) -> Result<(), IdError> {
                if matches!(self.as_str(), "." | "..") {
                    return Err(IdError::Dots { what: $what });
                }
                Ok(())
            }

            /// The identifier as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

text_id!(ProjectId, "project id", limits::PROJECT_ID_BYTES_MAX, |c| c.is_ascii_graphic()
    && c != '/');
text_id!(OrganizationId, "organization id", limits::ORGANIZATION_ID_BYTES_MAX, |c| c
    .is_ascii_graphic()
    && c != ',');
text_id!(PresetName, "preset name", limits::PRESET_NAME_BYTES_MAX, |c| c.is_ascii_alphanumeric()
    || matches!(c, '.' | '_' | '-'));
text_id!(DeviceId, "device id", limits::DEVICE_ID_BYTES_MAX, |c| !c.is_control());

/// A project's key in the store.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ProjectKey(pub i64);

/// A device's key in the store: what the engine and the lanes speak of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct DeviceKey(pub i64);

impl DeviceKey {
    /// The shard this device belongs to, for as long as it exists.
    pub fn shard(self) -> Shard {
        // Keys are given in sequence. Their remainders alone would fill shards evenly, and put a
        // small fleet into a few that lie together, which are one node's. An odd factor near the
        // golden section of 256 spreads neighbours over all of them.
        const FACTOR: i64 = 159;
        let spread = self.0.wrapping_mul(FACTOR).rem_euclid(i64::from(SHARDS));
        Shard(u8::try_from(spread).unwrap_or(u8::MAX))
    }
}

/// `hash(device) % 256`: the unit of ownership between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(pub u8);

/// The fencing token of a shard's lease. A write that carries an older one changes nothing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Epoch(pub i64);

/// A device's count of accepted changes. Revisions are given under the device's row lock, so their
/// order is the order of acceptance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Revision(pub i64);

impl Revision {
    /// The revision after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One accepted call. 128 bits that grow with time; the low 16 bits are zero, so that the jobs of
/// the call, numbered from 1, lie directly after it and are read back as one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u128);

impl RequestId {
    /// A request id from the milliseconds since the epoch and 64 further bits, which must not
    /// repeat within a millisecond.
    pub fn from_parts(milliseconds: i64, distinct: u64) -> Self {
        let time = u128::from(u64::try_from(milliseconds).unwrap_or(0)) & 0xffff_ffff_ffff;
        Self(time << 80 | u128::from(distinct) << 16)
    }

    /// The job at `position` (from 0) of this request.
    pub fn job(self, position: u16) -> Option<JobId> {
        let number = position.checked_add(1)?;
        Some(JobId(self.0 | u128::from(number)))
    }

    /// When it was made, to the millisecond: what [`Self::from_parts`] was given.
    pub fn made_at(self) -> Timestamp {
        Timestamp(i64::try_from(self.0 >> 80).unwrap_or(i64::MAX))
    }

    /// The lowest and the highest id that a job of this request can have.
    pub fn job_range(self) -> (JobId, JobId) {
        (JobId(self.0 | 1), JobId(self.0 | 0xffff))
    }
}

/// One device's part of a request: the request's id plus its position, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(u128);

impl JobId {
    /// The request that this job belongs to.
    pub fn request(self) -> RequestId {
        RequestId(self.0 & !0xffff)
    }

    /// Its position in that request, counted from 0: what [`RequestId::job`] was given.
    pub fn position(self) -> u16 {
        let number = u16::try_from(self.0 & 0xffff).unwrap_or(u16::MAX);
        number.saturating_sub(1)
    }
}

macro_rules! hex_id {
    ($name:ident, $what:literal) => {
        impl $name {
            /// The 16 bytes, most significant first: their order is the order of the ids.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The id of 16 bytes as [`Self::to_bytes`] gave them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError::NotHex { what: $what };
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(error());
                }
                u128::from_str_radix(text, 16).map(Self).map_err(|_| error())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(RequestId, "request id");
hex_id!(JobId, "job id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_a_request_follow_it_in_order() {
        let request = RequestId::from_parts(1_800_000_000_000, 0x0123_4567_89ab_cdef);
        let first = request.job(0).unwrap();
        let last = request.job(8_095).unwrap();
        assert!(first < last);
        assert_eq!(first.request(), request);
        assert_eq!(last.request(), request);
        assert_eq!((first.position(), last.position()), (0, 8_095));
        assert_eq!(request.to_string().len(), 32);
        assert!(request.to_string().ends_with("0000"));
        assert!(first.to_string().ends_with("0001"));
        assert_eq!(request.job_range().0, first);
        assert_eq!(request.job(u16::MAX), None);
    }

    #[test]
    fn later_requests_sort_after_earlier_ones() {
        let early = RequestId::from_parts(1_000, u64::MAX);
        let late = RequestId::from_parts(1_001, 0);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert_eq!(late.to_string().parse::<RequestId>().unwrap(), late);
        assert_eq!(RequestId::from_bytes(late.to_bytes()), late);
        assert_eq!((early.made_at(), late.made_at()), (Timestamp(1_000), Timestamp(1_001)));
    }

    #[test]
    fn identifiers_say_why_they_are_refused() {
        let check = |text: &str| DeviceId::new(text).unwrap_err().to_string();
        assert_eq!(check(""), "device id is empty");
        assert_eq!(check(&"a".repeat(33)), "device id has 33 bytes; at most 32 are allowed");
        assert!(DeviceId::new("手".repeat(11)).is_err(), "33 bytes in 11 characters");
        assert!(DeviceId::new("a".repeat(32)).is_ok());
        assert_eq!(
            ProjectId::new("a/b").unwrap_err().to_string(),
            "project id has a character that is not allowed: '/'"
        );
        let dots = " must not be . or .., which can't stand in an address";
        for text in [".", ".."] {
            let id = DeviceId::new(text).unwrap();
            assert_eq!(id.check_new().unwrap_err().to_string(), format!("device id{dots}"));
            assert!(ProjectId::new(text).unwrap().check_new().is_err());
            assert!(PresetName::new(text).unwrap().check_new().is_err());
            assert!(DeviceId::new(format!("{text}.x")).unwrap().check_new().is_ok());
            // What is on record is read, in JSON too.
            assert_eq!(serde_json::from_str::<DeviceId>(&format!("{text:?}")).unwrap(), id);
        }
        assert!("xyz".parse::<JobId>().is_err());
        assert!("+123456789012345678901234567890a".parse::<JobId>().is_err());
    }

    #[test]
    fn shards_are_spread_over_all_256() {
        let shards: std::collections::BTreeSet<_> =
            (1..=256).map(|k| DeviceKey(k).shard()).collect();
        assert_eq!(shards.len(), usize::from(SHARDS));
        // A dozen neighbours are everywhere: each third of the shards has some.
        for first in 1..2_000 {
            let mut thirds = [0; 3];
            for key in first..first + 12 {
                thirds[usize::from(DeviceKey(key).shard().0) * 3 / 256] += 1;
            }
            assert!(thirds.iter().all(|count| *count >= 2), "{first}: {thirds:?}");
        }
    }
}

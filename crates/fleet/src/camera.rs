//! GB devices: cameras and recorders, which come to us. What is on record of each besides
//! [`crate::Device`], where it is registered, and what it was last told.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::desired::Values;
use crate::device::UnknownWord;
use crate::id::{DeviceId, DeviceKey, OrganizationId, Revision};
use crate::organization::{Organization, OrganizationPath};
use crate::secret::Secret;
use crate::time::Timestamp;

/// What an operator puts on record of a GB device besides what every device has.
#[derive(Debug, Clone, Default)]
pub struct NewCamera {
    /// The digest user name that it must register with. `None` leaves what is on record; where
    /// nothing is, it is the device's id.
    pub user: Option<String>,
    /// The password that it must register with. `None` leaves what is on record; where nothing is,
    /// it can't register.
    pub password: Option<Secret<String>>,
    /// Channels that are known before the device has told of them, each with our name for it.
    pub channels: Vec<NewChannel>,
    /// What is on record of it besides; see [`RecordPatch`].
    pub record: RecordPatch,
}

/// What changes of the records of a GB device or a channel that are ours alone: nothing of it is
/// sent to the device, and it holds with the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordPatch {
    /// Values by property (`Desc`, `Ip`, `Port`, `Manufacturer`, `Transport`), already checked.
    /// What is not named stays; an empty value takes the property off the record.
    pub values: Values,
    /// Where it is filed from now on; `None` leaves it where it is.
    pub organization: Option<OrganizationChange>,
}

impl RecordPatch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.organization.is_none()
    }
}

/// Where a GB device or a channel is filed from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationChange {
    /// Nowhere.
    Detach,
    /// In the organization of this path, which is made if there is none.
    Join {
        /// The path.
        path: OrganizationPath,
        /// The id that the caller says it has: anything else is refused.
        expected: Option<OrganizationId>,
        /// The id to give it if it is new.
        id_if_new: OrganizationId,
    },
}

/// A channel as an operator records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
    /// Its id: 20 digits, as the device's catalog names it.
    pub id: DeviceId,
    /// Our name for it.
    pub name: String,
}

/// How a GB device's signalling is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl SipTransport {
    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl fmt::Display for SipTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SipTransport {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "udp" => Ok(Self::Udp),
            "tcp" => Ok(Self::Tcp),
            _ => Err(UnknownWord { what: "transport", word: text.to_owned() }),
        }
    }
}

/// A GB device's registration: where it is and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The device.
    pub device: DeviceKey,
    /// How it speaks to us.
    pub transport: SipTransport,
    /// Where its last authenticated REGISTER, or a keepalive that was followed, came from.
    pub remote: SocketAddr,
    /// When this registration began: the first REGISTER after it was not bound.
    pub registered_at: Timestamp,
    /// When it was last renewed by an authenticated REGISTER.
    pub refreshed_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// The `X-GB-Ver` that it registered with (GB/T 28181-2022, annex I), if any: "2.0", "3.0".
    pub version: Option<String>,
    /// The issue time, in microseconds since 1970, of the last nonce that it answered.
    pub nonce_at: i64,
    /// The count (`nc`) with which it did.
    pub nonce_count: u32,
    /// When and why it ended before its time, if it did.
    pub ended: Option<(Timestamp, Offline)>,
    /// Whether its last REGISTER proved to know the user name and password that were replaced and
    /// may still be used for a while, and not those that took their place.
    pub old_credentials: bool,
}

impl Binding {
    /// Whether the device is registered at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.expires_at > now
    }
}

/// Why a GB device is not registered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offline {
    /// It took itself off: an authenticated REGISTER with Expires 0.
    Unregistered,
    /// Its registration ran out.
    Expired,
    /// Its keepalives stopped.
    KeepalivesMissed,
    /// Its TCP connection closed.
    ConnectionClosed,
    /// The operator changed the password or user name that it registered with, or removed it.
    CredentialsChanged,
}

impl Offline {
    /// The word that stands for it in the store and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::Expired => "expired",
            Self::KeepalivesMissed => "keepalives_missed",
            Self::ConnectionClosed => "connection_closed",
            Self::CredentialsChanged => "credentials_changed",
        }
    }
}

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unregistered => "it took itself off (REGISTER with Expires 0)",
            Self::Expired => "its registration ran out",
            Self::KeepalivesMissed => "its keepalives stopped",
            Self::ConnectionClosed => "its TCP connection closed",
            Self::CredentialsChanged => "its user name or password was changed",
        })
    }
}

impl FromStr for Offline {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "unregistered" => Ok(Self::Unregistered),
            "expired" => Ok(Self::Expired),
            "keepalives_missed" => Ok(Self::KeepalivesMissed),
            "connection_closed" => Ok(Self::ConnectionClosed),
            "credentials_changed" => Ok(Self::CredentialsChanged),
            _ => Err(UnknownWord { what: "reason for being offline", word: text.to_owned() }),
        }
    }
}

/// How a GB device stands, in ISS's words (DescribeDevice, `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CameraStatus {
    /// On record, and never registered.
    Register,
    /// Registered.
    OnLine,
    /// Registered once, and not now.
    OffLine,
}

impl CameraStatus {
    /// How a device with this binding stands at `now`.
    pub fn of(binding: Option<&Binding>, now: Timestamp) -> Self {
        match binding {
            None => Self::Register,
            Some(binding) if binding.is_live(now) => Self::OnLine,
            Some(_) => Self::OffLine,
        }
    }

    /// ISS's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "Register",
            Self::OnLine => "OnLine",
            Self::OffLine => "OffLine",
        }
    }
}

impl FromStr for CameraStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "Register" => Ok(Self::Register),
            "OnLine" => Ok(Self::OnLine),
            "OffLine" => Ok(Self::OffLine),
            _ => Err(UnknownWord { what: "camera status", word: text.to_owned() }),
        }
    }
}

/// Which user name and password a registration that lasts was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialsInUse {
    /// Those on record.
    Current,
    /// Those that were replaced at the last change.
    Old,
    /// It was not renewed since the last change.
    NotRenewed,
}

impl CredentialsInUse {
    /// The word that stands for it in the store's statements and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Old => "old",
            Self::NotRenewed => "not_renewed",
        }
    }
}

impl FromStr for CredentialsInUse {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "current" => Ok(Self::Current),
            "old" => Ok(Self::Old),
            "not_renewed" => Ok(Self::NotRenewed),
            _ => Err(UnknownWord { what: "credentials in use", word: text.to_owned() }),
        }
    }
}

/// The last configuration that was sent to a GB device. On record before it is sent, so that a
/// device which restarts instead of answering is asked once and not for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The desired revision that it was planned at.
    pub revision: Revision,
    /// When it was sent.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: PushOutcome,
}

/// What came of a configuration that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// No answer is known: it is not sent again before the device was read.
    Sent,
    /// The device said OK.
    Acknowledged,
    /// The device said no; in its own words.
    Declined(String),
    /// The device has shown all of it.
    Verified,
}

/// What a device's catalog says of one of its channels (GB/T 28181-2016, A.2.1.4 `itemType`).
/// What it did not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportedChannel {
    /// The device's name for it.
    pub name: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// `ON` or `OFF`.
    pub status: String,
    /// The id of what it belongs to.
    pub parent: String,
    /// Its administrative division.
    pub civil_code: String,
    /// Where it hangs.
    pub address: String,
}

/// A channel of a GB device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The GB device that it belongs to.
    pub device: DeviceKey,
    /// Its id.
    pub id: DeviceId,
    /// Our name for it; `None` until it is given one. A catalog never changes it.
    pub name: Option<String>,
    /// What the device's catalog last said of it; `None` if it never did.
    pub reported: Option<ReportedChannel>,
    /// When the catalog last named it.
    pub seen_at: Option<Timestamp>,
    /// How many complete catalogs in a row have not named it. At two it is forgotten, unless it
    /// bears a name of ours or has anything on record.
    pub missed: u32,
    /// What is on record of it, by property.
    pub record: Values,
    /// Where it is filed.
    pub organization: Option<Organization>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_from_the_binding() {
        let mut binding = Binding {
            device: DeviceKey(1),
            transport: SipTransport::Udp,
            remote: SocketAddr::from(([192, 0, 2, 10], 5060)),
            registered_at: Timestamp(1),
            refreshed_at: Timestamp(1),
            expires_at: Timestamp(100),
            version: None,
            nonce_at: 0,
            nonce_count: 0,
            ended: None,
            old_credentials: false,
        };
        assert_eq!(CameraStatus::of(None, Timestamp(1)), CameraStatus::Register);
        assert_eq!(CameraStatus::of(Some(&binding), Timestamp(99)), CameraStatus::OnLine);
        assert_eq!(CameraStatus::of(Some(&binding), Timestamp(100)), CameraStatus::OffLine);
        binding.ended = Some((Timestamp(2), Offline::Unregistered));
        assert_eq!(CameraStatus::of(Some(&binding), Timestamp(3)), CameraStatus::OffLine);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for offline in [
            Offline::Unregistered,
            Offline::Expired,
            Offline::KeepalivesMissed,
            Offline::ConnectionClosed,
            Offline::CredentialsChanged,
        ] {
            assert_eq!(offline.name().parse(), Ok(offline));
        }
        for transport in [SipTransport::Udp, SipTransport::Tcp] {
            assert_eq!(transport.name().parse(), Ok(transport));
        }
        for status in [CameraStatus::Register, CameraStatus::OnLine, CameraStatus::OffLine] {
            assert_eq!(status.name().parse(), Ok(status));
        }
        assert!("online".parse::<CameraStatus>().is_err(), "ISS's words have capitals");
        for in_use in
            [CredentialsInUse::Current, CredentialsInUse::Old, CredentialsInUse::NotRenewed]
        {
            assert_eq!(in_use.name().parse(), Ok(in_use));
            assert_eq!(serde_json::to_value(in_use).unwrap(), in_use.name());
        }
    }
}

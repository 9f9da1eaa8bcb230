//! Why one device of a call failed while others went on: what `Msg` says.

use std::borrow::Cow;

use fleet::Refusal;
use fleet::catalogue::{DESCRIPTION, IP, MANUFACTURER, NAME, ORGANIZATION, PORT, TRANSPORT};

use crate::printable::printable;

/// Bytes of a `Msg`.
const MESSAGE_BYTES_MAX: usize = 512;

/// The names under which the engine knows who may register as a device: those of the fields.
const USER: &str = "User";
const PASSWORD: &str = "Pwd";

/// A stable code, which begins `Msg`. The vendor documents none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryCode {
    /// No `Gbid`.
    GbidMissing,
    /// A `Gbid` that is not 20 digits.
    InvalidGbid,
    /// An earlier device of the call has the same `Gbid`.
    DuplicateGbid,
    /// The project has no such device or channel.
    DeviceNotFound,
    /// A field is there twice.
    DuplicateElement,
    /// A field has elements where there should be a text, or the other way about.
    InvalidElement,
    /// `Name`.
    InvalidName,
    /// `Desc`.
    InvalidDesc,
    /// `Ip`.
    InvalidIp,
    /// `Port`.
    InvalidPort,
    /// `User`.
    InvalidUser,
    /// No `Pwd` where one is required.
    MissingPwd,
    /// `Pwd`.
    InvalidPwd,
    /// `Type`.
    InvalidType,
    /// `Manufacturer`.
    InvalidManufacturer,
    /// `Transport`.
    InvalidTransport,
    /// `Protocol`.
    InvalidProtocol,
    /// `Level`, or names that are more or fewer than it says.
    InvalidLevel,
    /// `OrganizationId`, or one of `L1` to `L4`.
    InvalidOrganization,
    /// Something that a device has and a channel has not.
    NotOfAChannel,
    /// Something that this make of device can't take.
    NotSupported,
    /// An operator has frozen the device.
    Frozen,
    /// As much is under way for the device, or on record, as may be.
    Busy,
}

impl EntryCode {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::GbidMissing,
        Self::InvalidGbid,
        Self::DuplicateGbid,
        Self::DeviceNotFound,
        Self::DuplicateElement,
        Self::InvalidElement,
        Self::InvalidName,
        Self::InvalidDesc,
        Self::InvalidIp,
        Self::InvalidPort,
        Self::InvalidUser,
        Self::MissingPwd,
        Self::InvalidPwd,
        Self::InvalidType,
        Self::InvalidManufacturer,
        Self::InvalidTransport,
        Self::InvalidProtocol,
        Self::InvalidLevel,
        Self::InvalidOrganization,
        Self::NotOfAChannel,
        Self::NotSupported,
        Self::Frozen,
        Self::Busy,
    ];

    /// The code as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::GbidMissing => "GbidMissing",
            Self::InvalidGbid => "InvalidGbid",
            Self::DuplicateGbid => "DuplicateGbid",
            Self::DeviceNotFound => "DeviceNotFound",
            Self::DuplicateElement => "DuplicateElement",
            Self::InvalidElement => "InvalidElement",
            Self::InvalidName => "InvalidName",
            Self::InvalidDesc => "InvalidDesc",
            Self::InvalidIp => "InvalidIp",
            Self::InvalidPort => "InvalidPort",
            Self::InvalidUser => "InvalidUser",
            Self::MissingPwd => "MissingPwd",
            Self::InvalidPwd => "InvalidPwd",
            Self::InvalidType => "InvalidType",
            Self::InvalidManufacturer => "InvalidManufacturer",
            Self::InvalidTransport => "InvalidTransport",
            Self::InvalidProtocol => "InvalidProtocol",
            Self::InvalidLevel => "InvalidLevel",
            Self::InvalidOrganization => "InvalidOrganization",
            Self::NotOfAChannel => "NotOfAChannel",
            Self::NotSupported => "NotSupported",
            Self::Frozen => "Frozen",
            Self::Busy => "Busy",
        }
    }
}

/// Why a device failed. Never with a password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    code: EntryCode,
    sentence: Cow<'static, str>,
}

impl Fault {
    /// A code and a sentence without its full stop.
    pub(crate) fn new(code: EntryCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// The code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> EntryCode {
        self.code
    }

    /// The same of the device at this place of the call, from 1: for those that have no `Gbid` to
    /// tell them by.
    pub(crate) fn of_device(self, number: usize) -> Self {
        Self { sentence: Cow::Owned(format!("device {number}: {}", self.sentence)), ..self }
    }

    /// The sentence, for a fault that refuses a whole call.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// `Msg`.
    pub(crate) fn message(&self) -> String {
        printable(&format!("{}: {}.", self.code.text(), self.sentence), MESSAGE_BYTES_MAX)
    }

    /// There is no such device.
    pub(crate) fn not_found() -> Self {
        Self::new(EntryCode::DeviceNotFound, "the project has no device or channel with this Gbid")
    }

    /// The engine's refusal.
    pub(crate) fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DeviceIdInvalid => Self::new(EntryCode::InvalidGbid, "Gbid is malformed"),
            Refusal::DeviceUnknown => Self::not_found(),
            Refusal::PropertiesInvalid { detail } => Self::new(EntryCode::InvalidElement, detail),
            Refusal::PropertyUnsupported { name, detail } => {
                // All of these a device has, whatever its make.
                let of_devices = [USER, PASSWORD, IP, PORT, MANUFACTURER, TRANSPORT];
                let is_of_devices = of_devices.contains(&name.as_str());
                let code =
                    if is_of_devices { EntryCode::NotOfAChannel } else { EntryCode::NotSupported };
                Self::new(code, format!("{name}: {detail}"))
            }
            Refusal::PropertyInvalid { name, detail } => {
                Self::new(code_of(&name), format!("{name}: {detail}"))
            }
            // Of presets, which this API has none of.
            Refusal::VariableMissing { name, variable } => {
                Self::new(code_of(&name), format!("{name}: it needs {variable}"))
            }
            Refusal::Frozen => {
                Self::new(EntryCode::Frozen, "the device is frozen: its operator unfreezes it")
            }
            Refusal::Busy { detail } => Self::new(EntryCode::Busy, detail),
            // Of the native door alone.
            refusal @ Refusal::RevisionDiffers { .. } => {
                Self::new(EntryCode::Busy, refusal.to_string())
            }
        }
    }
}

/// The code for a value that the property does not take.
fn code_of(property: &str) -> EntryCode {
    // Of a channel it is `Channel.<id>.<name>`.
    match property.rsplit('.').next().unwrap_or_default() {
        NAME => EntryCode::InvalidName,
        DESCRIPTION => EntryCode::InvalidDesc,
        IP => EntryCode::InvalidIp,
        PORT => EntryCode::InvalidPort,
        MANUFACTURER => EntryCode::InvalidManufacturer,
        ORGANIZATION => EntryCode::InvalidOrganization,
        TRANSPORT => EntryCode::InvalidTransport,
        USER => EntryCode::InvalidUser,
        PASSWORD => EntryCode::InvalidPwd,
        _ => EntryCode::InvalidElement,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_has_a_text_of_its_own() {
        let texts: BTreeSet<&str> = EntryCode::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), EntryCode::ALL.len());
    }

    #[test]
    fn an_engines_refusal_has_the_code_of_its_field() {
        let unsupported = |name: &str| Refusal::PropertyUnsupported {
            name: name.to_owned(),
            detail: "no".to_owned(),
        };
        let invalid = |name: &str| Refusal::PropertyInvalid {
            name: name.to_owned(),
            detail: "no".to_owned(),
        };
        for (refusal, message) in [
            (unsupported("Pwd"), "NotOfAChannel: Pwd: no."),
            (unsupported("Ip"), "NotOfAChannel: Ip: no."),
            (unsupported("Name"), "NotSupported: Name: no."),
            (invalid("Organization"), "InvalidOrganization: Organization: no."),
            (
                invalid("Channel.34020000001310000001.Name"),
                "InvalidName: Channel.34020000001310000001.Name: no.",
            ),
            (invalid("User"), "InvalidUser: User: no."),
            (Refusal::Busy { detail: "64 open jobs".to_owned() }, "Busy: 64 open jobs."),
            (Refusal::Frozen, "Frozen: the device is frozen: its operator unfreezes it."),
        ] {
            assert_eq!(Fault::of(refusal).message(), message);
        }
        let long = Fault::of(Refusal::Busy { detail: "x\n".repeat(9_000) });
        assert!(long.message().len() <= MESSAGE_BYTES_MAX && !long.message().contains('\n'));
        let third = Fault::new(EntryCode::InvalidName, "no").of_device(3).message();
        assert_eq!(third, "InvalidName: device 3: no.");
    }
}

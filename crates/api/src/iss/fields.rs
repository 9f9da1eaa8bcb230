//! What a call says of one device, field by field, each within the vendor's bounds (its pages of
//! UpdateDevice and CreateDevice, column "limits"). Of several faults the first in the order of the
//! vendor's table is named.

mod address;
mod characters;
mod fault;

use std::net::IpAddr;

use fleet::catalogue::{DESCRIPTION, IP, MANUFACTURER, NAME, ORGANIZATION, PORT, TRANSPORT};
use fleet::organization::LEVELS_MAX;
use fleet::{DeviceId, IssProfile, IssSettings, OrganizationId, Secret, Values};

use super::request::Entry;
use characters::CHARACTERS_MAX;
pub(super) use characters::is_text;

pub use fault::EntryCode;
pub(crate) use fault::Fault;

/// Digits of a `Gbid` (GB/T 28181-2016, annex D).
const GBID_DIGITS: usize = 20;
/// The lowest port.
const PORT_MIN: u16 = 1025;
/// Characters of a password, in either profile, and the fewest that the profile `460` takes.
const PASSWORD_CHARACTERS_MAX: usize = 64;
const PASSWORD_DIGITS_MIN: usize = 6;

/// What a device is; there are no others.
pub(super) const TYPE: &str = "Ipc";
/// What a device speaks; there is nothing else.
pub(super) const PROTOCOL: &str = "GB28181";
/// The transport of a device where nothing is said.
pub(super) const TRANSPORT_DEFAULT: &str = "UDP";
/// The port of a device that is made, where nothing is said.
pub(super) const PORT_DEFAULT: &str = "1025";

/// What is said of a device.
#[derive(Debug)]
pub(super) struct Fields {
    /// Its name and what goes on record of it, by property. What is absent is not said.
    pub(super) values: Values,
    /// The user name that it registers with.
    pub(super) user: Option<String>,
    /// The password that it registers with.
    pub(super) password: Option<Secret<String>>,
    /// The id that its organization is said to have.
    pub(super) organization: Option<OrganizationId>,
}

impl Fields {
    /// Reads them.
    ///
    /// Errors: the first field that is out of its bounds. A missing password is none.
    pub(super) fn read(entry: Entry<'_>, settings: &IssSettings) -> Result<Self, Fault> {
        let mut values = Values::new();
        let mut add = |property: &str, value: Option<&str>| {
            if let Some(value) = value {
                values.insert(property.to_owned(), value.to_owned());
            }
        };
        add(NAME, name(entry, "Name", EntryCode::InvalidName)?);
        add(DESCRIPTION, name(entry, "Desc", EntryCode::InvalidDesc)?);
        add(IP, ip(entry, settings.private_ip)?);
        add(PORT, port(entry)?);
        let user = name(entry, "User", EntryCode::InvalidUser)?;
        let password = password(entry, settings.profile)?;
        check_word(entry, "Type", TYPE, EntryCode::InvalidType)?;
        add(MANUFACTURER, name(entry, "Manufacturer", EntryCode::InvalidManufacturer)?);
        let mut organization = None;
        if let Some((path, id)) = filed(entry)? {
            add(ORGANIZATION, Some(&path));
            organization = id;
        }
        Ok(Self { values, user: user.map(str::to_owned), password, organization })
    }
}

/// The id of a device: the field `Gbid`.
pub(super) fn gbid(entry: Entry<'_>) -> Result<DeviceId, Fault> {
    let Some(text) = entry.text("Gbid")? else {
        return Err(Fault::new(EntryCode::GbidMissing, "Gbid is required and empty or absent"));
    };
    let is_id = text.len() == GBID_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = if is_id { DeviceId::new(text).ok() } else { None };
    id.ok_or_else(|| {
        Fault::new(EntryCode::InvalidGbid, format!("Gbid is {GBID_DIGITS} digits (GB/T 28181)"))
    })
}

/// The transport: the field `Transport`, and what holds where nothing is said.
pub(super) fn transport(entry: Entry<'_>) -> Result<&'static str, Fault> {
    let Some(text) = entry.text(TRANSPORT)? else { return Ok(TRANSPORT_DEFAULT) };
    let known = ["UDP", "TCP"].into_iter().find(|known| known.eq_ignore_ascii_case(text));
    known.ok_or_else(|| Fault::new(EntryCode::InvalidTransport, "Transport is UDP or TCP"))
}

/// Checks the field `Protocol`, of which there is one value.
pub(super) fn check_protocol(entry: Entry<'_>) -> Result<(), Fault> {
    check_word(entry, "Protocol", PROTOCOL, EntryCode::InvalidProtocol)
}

/// What is wrong with a device of which no password is given where one must be.
pub(super) fn password_missing() -> Fault {
    Fault::new(EntryCode::MissingPwd, "Pwd is required and empty or absent")
}

/// A field that is a name.
fn name<'a>(entry: Entry<'a>, field: &str, code: EntryCode) -> Result<Option<&'a str>, Fault> {
    let text = entry.text(field)?;
    match text {
        Some(text) if !characters::is_name(text) => Err(not_a_name(field, code)),
        text => Ok(text),
    }
}

/// What is wrong with a name.
fn not_a_name(field: &str, code: EntryCode) -> Fault {
    let rule = "characters, each Chinese, a Latin letter, a digit, _, - or *";
    Fault::new(code, format!("{field} has 1 to {CHARACTERS_MAX} {rule}"))
}

/// `Ip`.
fn ip(entry: Entry<'_>, private_allowed: bool) -> Result<Option<&str>, Fault> {
    let Some(text) = entry.text("Ip")? else { return Ok(None) };
    let Ok(address) = text.parse::<IpAddr>() else {
        return Err(Fault::new(EntryCode::InvalidIp, "Ip is an IPv4 or IPv6 address"));
    };
    if !private_allowed && address::is_private(address) {
        let rule = "Ip is a private address, and the project takes public ones only";
        return Err(Fault::new(EntryCode::InvalidIp, rule));
    }
    Ok(Some(text))
}

/// `Port`.
fn port(entry: Entry<'_>) -> Result<Option<&str>, Fault> {
    let Some(text) = entry.text("Port")? else { return Ok(None) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = if is_plain { text.parse::<u16>().ok() } else { None };
    if number.is_none_or(|number| number < PORT_MIN) {
        let rule = format!("Port is a number of {PORT_MIN} to {}, in plain digits", u16::MAX);
        return Err(Fault::new(EntryCode::InvalidPort, rule));
    }
    Ok(Some(text))
}

/// `Pwd`. What is refused is not said.
fn password(entry: Entry<'_>, profile: IssProfile) -> Result<Option<Secret<String>>, Fault> {
    let Some(text) = entry.text("Pwd")? else { return Ok(None) };
    let (passes, rule) = match profile {
        IssProfile::Product460 => (
            (PASSWORD_DIGITS_MIN..=PASSWORD_CHARACTERS_MAX).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_digit()),
            format!("Pwd has {PASSWORD_DIGITS_MIN} to {PASSWORD_CHARACTERS_MAX} digits"),
        ),
        IssProfile::Product1344 => (
            text.chars().nth(PASSWORD_CHARACTERS_MAX).is_none()
                && !text.chars().any(char::is_control),
            format!("Pwd has 1 to {PASSWORD_CHARACTERS_MAX} characters, no control character"),
        ),
    };
    if !passes {
        return Err(Fault::new(EntryCode::InvalidPwd, rule));
    }
    Ok(Some(Secret::new(text.to_owned())))
}

/// Checks a field of which there is one value, whatever the case of its letters.
fn check_word(entry: Entry<'_>, field: &str, word: &str, code: EntryCode) -> Result<(), Fault> {
    match entry.text(field)? {
        Some(text) if !text.eq_ignore_ascii_case(word) => {
            Err(Fault::new(code, format!("{field} is {word}: there is no other")))
        }
        _ => Ok(()),
    }
}

/// `Organization`: where the device is filed, as a path (empty: nowhere), and the id that this is
/// said to have. One whose elements are all empty, as the vendor's skeleton prints it, is none.
fn filed(entry: Entry<'_>) -> Result<Option<(String, Option<OrganizationId>)>, Fault> {
    let Some(organization) = entry.container("Organization")? else { return Ok(None) };
    let id = organization.text("OrganizationId")?;
    let level = organization.text("Level")?;
    let mut names = Vec::with_capacity(LEVELS_MAX);
    for number in 1..=LEVELS_MAX {
        names.push(organization.text(&format!("L{number}"))?);
    }
    if id.is_none() && level.is_none() && names.iter().all(Option::is_none) {
        return Ok(None);
    }
    let id = id.map(OrganizationId::new).transpose().map_err(|error| {
        Fault::new(EntryCode::InvalidOrganization, format!("OrganizationId: {error}"))
    })?;
    let path = path(level, &names)?;
    if path.is_empty() && id.is_some() {
        let rule = "OrganizationId is given, and Level 0 is no organization";
        return Err(Fault::new(EntryCode::InvalidOrganization, rule));
    }
    Ok(Some((path, id)))
}

/// The path of `Level` and the names `L1` to `L4`: as many of them as it says, and no more.
pub(super) fn path(level: Option<&str>, names: &[Option<&str>]) -> Result<String, Fault> {
    let level = match level.map(str::as_bytes) {
        Some([digit @ b'0'..=b'4']) => usize::from(digit - b'0'),
        _ => {
            let rule = format!("Level is required in an Organization: 0 to {LEVELS_MAX}");
            return Err(Fault::new(EntryCode::InvalidLevel, rule));
        }
    };
    let mut path = Vec::with_capacity(level);
    for (number, name) in (1..).zip(names) {
        match name {
            Some(name) if number <= level => {
                if !characters::is_name(name) {
                    let field = format!("L{number}");
                    return Err(not_a_name(&field, EntryCode::InvalidOrganization));
                }
                path.push(*name);
            }
            None if number <= level => {
                let rule = format!("Level is {level}, and L{number} is empty or absent");
                return Err(Fault::new(EntryCode::InvalidLevel, rule));
            }
            Some(_) => {
                let rule = format!("Level is {level}, and L{number} is given");
                return Err(Fault::new(EntryCode::InvalidLevel, rule));
            }
            None => {}
        }
    }
    Ok(path.join("/"))
}

/// Reads everything of each device, by either profile; says whether all of it is taken. See
/// [`super::fuzzing`].
#[cfg(feature = "fuzzing")]
pub(super) fn read_all(devices: &[Entry<'_>]) -> bool {
    let profiles = [IssProfile::Product460, IssProfile::Product1344];
    devices.iter().all(|device| {
        let taken = profiles.map(|profile| {
            let settings = IssSettings { profile, private_ip: false, ..IssSettings::default() };
            Fields::read(*device, &settings).is_ok()
        });
        let named = gbid(*device).is_ok() & transport(*device).is_ok();
        named & check_protocol(*device).is_ok() & taken.contains(&true)
    })
}

#[cfg(test)]
mod tests;

//! What DeviceConfig's BasicParam sets on a GB device, and the names that its parts have here
//! (GB/T 28181-2016, A.2.3.2; ConfigDownload reads the same back, A.2.4.7).

use super::names::NameForm;
use super::record::record_of;
use crate::id::DeviceId;

/// The name of a GB device itself.
pub const NAME: &str = "Name";
/// For how long a GB device registers, in seconds.
pub const EXPIRATION: &str = "Expiration";
/// Seconds between two keepalives of a GB device.
pub const HEARTBEAT_INTERVAL: &str = "HeartBeatInterval";
/// How many keepalives in a row are missed before each side takes the other to be gone.
pub const HEARTBEAT_COUNT: &str = "HeartBeatCount";

/// What the names of all properties of channels begin with. One entry stands for all of them:
/// `Channel.*`.
pub(super) const CHANNEL_PREFIX: &str = "Channel.";
/// Digits of a channel's id (GB/T 28181-2016, annex D).
const CHANNEL_DIGITS: usize = 20;

/// The channel whose name the property `name` is: the id in `Channel.<20 digits>.Name`. `None` for
/// a name of any other form.
pub fn channel_property(name: &str) -> Option<DeviceId> {
    channel_part(name).filter(|(_, part)| *part == NAME).map(|(id, _)| id)
}

/// The channel that the property `name` is about, and what of it: the id and `<part>` in
/// `Channel.<20 digits>.<part>`. `None` for a name of any other form.
pub(super) fn channel_part(name: &str) -> Option<(DeviceId, &str)> {
    let (id, part) = name.strip_prefix(CHANNEL_PREFIX)?.split_once('.')?;
    let is_id = id.len() == CHANNEL_DIGITS && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { Some((DeviceId::new(id).ok()?, part)) } else { None }
}

/// The property that is the name of the channel `id`. [`channel_property`] reads it back if the id
/// has 20 digits; of another id no catalogue knows a property.
pub fn channel_property_name(id: &DeviceId) -> String {
    channel_part_name(id, NAME)
}

/// The property that is `part` of the channel `id`: its [`NAME`], or a record of it.
pub fn channel_part_name(id: &DeviceId, part: &str) -> String {
    format!("{CHANNEL_PREFIX}{id}.{part}")
}

/// Whether a camera may have a property of this name: below `Channel.` there are the names of
/// channels, what is on record of them, and nothing else.
pub(super) fn is_name(name: &str) -> bool {
    !is_below(name) || channel_property(name).is_some() || record_of(name).is_some()
}

/// Whether a camera's property of this name would be one of a channel's.
pub(super) fn is_below(name: &str) -> bool {
    name.starts_with(CHANNEL_PREFIX)
}

/// Whether the form, of an entry or a rule, stands for anything below `Channel.`, or would take
/// its place. `*` does neither.
pub(super) fn is_of_channels(form: NameForm<'_>) -> bool {
    let (NameForm::Exact(text) | NameForm::Prefix(text)) = form;
    text.starts_with(CHANNEL_PREFIX)
}

/// Whether BasicParam has this part for a device itself.
pub(super) fn has(form: NameForm<'_>) -> bool {
    let NameForm::Exact(name) = form else { return false };
    [NAME, EXPIRATION, HEARTBEAT_INTERVAL, HEARTBEAT_COUNT].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_name_has_one_form() {
        let id = DeviceId::new("34020000001310000001").unwrap();
        let name = channel_property_name(&id);
        assert_eq!(name, "Channel.34020000001310000001.Name");
        assert_eq!(channel_property(&name), Some(id.clone()));
        assert!(is_name(&name));
        for name in [
            "Channel.34020000001310000001",
            "Channel.34020000001310000001.",
            "Channel.34020000001310000001Name",
            "Channel.34020000001310000001.name",
            "Channel.34020000001310000001.Expiration",
            "Channel.34020000001310000001.Name.Name",
            "Channel.3402000000131000001.Name",
            "Channel.340200000013100000011.Name",
            "Channel.3402000000131000000x.Name",
            "Channel.３4020000001310001.Name",
            "Channel..Name",
            "Channel.Name",
            "channel.34020000001310000001.Name",
            "34020000001310000001.Name",
            "Name",
            "",
        ] {
            assert_eq!(channel_property(name), None, "{name}");
            assert_eq!(is_name(name), !name.starts_with("Channel."), "{name}");
        }
        for (part, is) in [("Desc", true), ("Organization", true), ("Ip", false), ("Port", false)] {
            let name = channel_part_name(&id, part);
            assert_eq!((is_name(&name), channel_property(&name)), (is, None), "{name}");
        }
    }
}

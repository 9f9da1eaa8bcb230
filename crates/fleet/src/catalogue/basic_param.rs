//! What DeviceConfig's BasicParam sets on a GB device, and the names that its parts have here
//! (GB/T 28181-2016, A.2.3.2; ConfigDownload reads the same back, A.2.4.7).

use super::names::NameForm;
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
    let id = name.strip_prefix(CHANNEL_PREFIX)?.strip_suffix(NAME)?.strip_suffix('.')?;
    let is_id = id.len() == CHANNEL_DIGITS && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| DeviceId::new(id).ok())?
}

/// The property that is the name of the channel `id`. [`channel_property`] reads it back if the id
/// has 20 digits; of another id no catalogue knows a property.
pub fn channel_property_name(id: &DeviceId) -> String {
    format!("{CHANNEL_PREFIX}{id}.{NAME}")
}

/// Whether a camera may have a property of this name: below `Channel.` there are the names of
/// channels and nothing else.
pub(super) fn is_name(name: &str) -> bool {
    !name.starts_with(CHANNEL_PREFIX) || channel_property(name).is_some()
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
        assert_eq!(channel_property(&name), Some(id));
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
    }
}

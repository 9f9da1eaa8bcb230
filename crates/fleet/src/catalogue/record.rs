//! Properties of GB devices and their channels that are records of ours: nothing of them is sent to
//! a device, and they hold with the commit (Tencent Cloud ISS, UpdateDevice).

use super::basic_param::channel_part;
use crate::id::DeviceId;

/// What is said of a GB device or a channel.
pub const DESCRIPTION: &str = "Desc";
/// Where it is filed: a path, its names joined by `/`.
pub const ORGANIZATION: &str = "Organization";
/// Its address, as its operator says.
pub const IP: &str = "Ip";
/// Its port, as its operator says.
pub const PORT: &str = "Port";
/// Who made it, as its operator says. What it says itself is a fact.
pub const MANUFACTURER: &str = "Manufacturer";
/// The transport that its operator wants for it: `UDP` or `TCP`.
pub const TRANSPORT: &str = "Transport";

/// Those of a device.
const OF_DEVICES: [&str; 6] = [DESCRIPTION, ORGANIZATION, IP, PORT, MANUFACTURER, TRANSPORT];
/// Those of a channel.
const OF_CHANNELS: [&str; 2] = [DESCRIPTION, ORGANIZATION];

/// What a property that is a record stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOf<'a> {
    /// The channel that it is about; `None`: the device itself.
    pub channel: Option<DeviceId>,
    /// Its name there: [`DESCRIPTION`] and its neighbours.
    pub name: &'a str,
}

/// What the camera's property `name` stands for if it is a record; `None` if it is none.
pub fn record_of(name: &str) -> Option<RecordOf<'_>> {
    if let Some((channel, part)) = channel_part(name) {
        let is_record = OF_CHANNELS.contains(&part);
        return is_record.then_some(RecordOf { channel: Some(channel), name: part });
    }
    OF_DEVICES.contains(&name).then_some(RecordOf { channel: None, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_from_what_is_sent() {
        let channel = DeviceId::new("34020000001310000001").ok();
        for (name, record) in [
            ("Desc", Some(RecordOf { channel: None, name: "Desc" })),
            ("Transport", Some(RecordOf { channel: None, name: "Transport" })),
            (
                "Channel.34020000001310000001.Organization",
                Some(RecordOf { channel, name: "Organization" }),
            ),
            ("Channel.34020000001310000001.Ip", None),
            ("Channel.34020000001310000001.Name", None),
            ("Name", None),
            ("desc", None),
            ("", None),
        ] {
            assert_eq!(record_of(name), record, "{name}");
        }
    }
}

//! Codes and names: which ids a device's channels have, and how cameras are called.

/// Where a code says what sort of thing it names (GB/T 28181-2016 Annex D, rule A): after the
/// centre (8 digits) and the industry (2).
const KIND: std::ops::Range<usize> = 10..13;
/// Where its serial number stands.
const SERIAL: std::ops::Range<usize> = 14..20;
/// As many serial numbers as six digits have.
const SERIALS: u32 = 1_000_000;
/// Annex D: a camera, which a channel is.
const CHANNEL_KIND: &str = "131";
/// Annex D: a network camera, which a channel is if its device has the other code.
const OTHER_CHANNEL_KIND: &str = "132";

/// The code of a device's channel `number`, from 1, when devices have `channels` each. Devices with
/// consecutive serial numbers have channels with different ones; one past the last begins anew.
pub(super) fn channel_id(device: &str, channels: u32, number: u32) -> String {
    let kind =
        if device.get(KIND) == Some(CHANNEL_KIND) { OTHER_CHANNEL_KIND } else { CHANNEL_KIND };
    let serial: u32 = device.get(SERIAL).and_then(|serial| serial.parse().ok()).unwrap_or(0);
    let serial = u64::from(serial) * u64::from(channels) + u64::from(number);
    let serial = (serial + u64::from(SERIALS) - u64::from(channels)) % u64::from(SERIALS);
    let centre = device.get(..KIND.start).unwrap_or_default();
    let network = device.get(KIND.end..SERIAL.start).unwrap_or_default();
    format!("{centre}{kind}{network}{serial:06}")
}

/// Places that names are made of. 萳 and 㙍 are in GBK and GB18030 and not in GB2312, 𠮷 takes
/// GB18030's four bytes.
const PLACES: [&str; 12] = [
    "东门",
    "西门",
    "停车场入口",
    "电梯厅",
    "仓库",
    "大堂",
    "机房",
    "走廊",
    "萳园小区",
    "𠮷野路口",
    "㙍埔码头",
    "收费站(入)",
];

/// The name that an operator would give the camera with this index, from 0: Chinese, and different
/// from all others.
pub fn operator_name(index: usize) -> String {
    let place = PLACES.get(index % PLACES.len()).copied().unwrap_or_default();
    format!("{place}-{:04}", index + 1)
}

/// The id of the camera with this index when the first one's is `first`: the serial number goes on.
/// None if `first` is no code, or its serial numbers run out.
pub fn device_id(first: &str, index: usize) -> Option<String> {
    gb28181::code::Code::parse(first).ok()?;
    let serial: u32 = first.get(SERIAL)?.parse().ok()?;
    let serial =
        serial.checked_add(u32::try_from(index).ok()?).filter(|serial| *serial < SERIALS)?;
    Some(format!("{}{serial:06}", first.get(..SERIAL.start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_has_the_channel_of_its_serial_number() {
        assert_eq!(channel_id("34020000001320000001", 1, 1), "34020000001310000001");
        assert_eq!(channel_id("34020000001310000001", 1, 1), "34020000001320000001");
        assert_eq!(channel_id("34020000001320000000", 1, 1), "34020000001310000000");
    }

    #[test]
    fn recorders_share_no_channel() {
        assert_eq!(channel_id("34020000001180000001", 32, 1), "34020000001310000001");
        assert_eq!(channel_id("34020000001180000001", 32, 32), "34020000001310000032");
        assert_eq!(channel_id("34020000001180000002", 32, 1), "34020000001310000033");
        assert_eq!(channel_id("34020000001180031250", 32, 32), "34020000001310000000");
        assert_eq!(channel_id("34020000001180999999", 1024, 1024).len(), 20);
    }

    #[test]
    fn ids_go_on_from_the_first_as_long_as_there_are_any() {
        let first = "34020000001320000001";
        assert_eq!(device_id(first, 0).as_deref(), Some(first));
        assert_eq!(device_id(first, 19_999).as_deref(), Some("34020000001320020000"));
        assert_eq!(device_id(first, 999_998).as_deref(), Some("34020000001320999999"));
        assert_eq!(device_id(first, 999_999), None);
        assert_eq!(device_id("3402000000132000000", 0), None);
        assert_eq!(device_id("3402000000132000000x", 0), None);
    }

    #[test]
    fn some_names_are_beyond_gb2312_and_all_differ() {
        let names: std::collections::BTreeSet<_> = (0..1000).map(operator_name).collect();
        assert_eq!(names.len(), 1000);
        let bytes = |text| gb28181::charset::encode_gb18030(text).len();
        assert_eq!((bytes("东"), bytes("萳"), bytes("𠮷")), (2, 2, 4));
        assert!(names.iter().all(|name| name.chars().count() <= 64));
    }
}

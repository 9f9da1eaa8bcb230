//! The tables of WVP-GB28181-pro as CSV: which one a file is, and what stands where in it.
//!
//! Its columns are those of the files `sql/*.sql` (up to 2.6.9) and `数据库/*/*.sql` (since) in
//! <https://github.com/648540858/wvp-GB28181-pro>:
//!
//! - `device` (up to 2.6.8, `deviceId`) and `wvp_device` (since, `device_id`).
//! - `device_channel` and, up to 2.7.1, `wvp_device_channel`: `channel_id` is the channel and
//!   `device_id` the device that it belongs to.
//! - `wvp_device_channel` since 2.7.2: `device_id` is the channel; `device_db_id` (2.7.2) or
//!   `data_device_id` (since 2.7.3) is the row's `id` in `wvp_device`. `gb_name` is the name that
//!   was given in WVP, and `gb_device_id` the id that it shows other platforms.

use std::collections::HashMap;

/// Which table a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its devices.
    Devices,
    /// Its channels, which name their device by its GB id.
    ChannelsById,
    /// Its channels, which name their device by its row.
    ChannelsByRow,
}

impl Kind {
    /// What it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::ChannelsById | Self::ChannelsByRow => "channels",
        }
    }
}

/// The columns of a file, by what they are called without case and underscores: `deviceId` and
/// `device_id` are one.
#[derive(Debug)]
pub struct Columns {
    /// Which table it is.
    pub kind: Kind,
    places: HashMap<String, usize>,
}

impl Columns {
    /// The columns by a header. Errors: it is neither table's, in words.
    pub fn of(header: &csv::ByteRecord) -> Result<Self, String> {
        let mut places = HashMap::new();
        for (place, name) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(name);
            let name = name.trim_start_matches('\u{feff}').trim().to_lowercase().replace('_', "");
            places.entry(name).or_insert(place);
        }
        let has = |name: &str| places.contains_key(name);
        // `wvp_device_alarm` and `wvp_device_mobile_position` have both ids too, and no name;
        // `wvp_common_group` and `wvp_common_region` have `device_id` and `name`, and a parent.
        let has_name = has("name") || has("customname") || has("gbname");
        let has_any = |names: &[&str]| names.iter().any(|name| has(name));
        let device =
            ["transport", "hostaddress", "streammode", "firmware", "password", "customname"];
        let kind = if !has("deviceid") || !has_name || has("parentdeviceid") {
            None
        } else if has("channelid") {
            Some(Kind::ChannelsById)
        } else if has_any(&["datadeviceid", "devicedbid"]) {
            Some(Kind::ChannelsByRow)
        } else if has("gbdeviceid") {
            return Err("are channels that do not say which device they belong to: export \
                        data_device_id (2.7.2: device_db_id) too"
                .to_owned());
        } else if has_any(&device) {
            Some(Kind::Devices)
        } else {
            None
        };
        let kind = kind.ok_or_else(|| {
            "is neither wvp_device nor wvp_device_channel: its first line must be the header, with \
             device_id, name and the columns that docs/moving-from-wvp.md lists"
                .to_owned()
        })?;
        Ok(Self { kind, places })
    }

    /// The field of this name, as it is called without case and underscores. `None` where there is
    /// no such column, or nothing in it: an empty text, `NULL`, or `\N`.
    pub fn field<'a>(&self, row: &'a csv::StringRecord, name: &str) -> Option<&'a str> {
        self.untrimmed(row, name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The same with the blanks at its ends, which may be part of a password.
    pub fn untrimmed<'a>(&self, row: &'a csv::StringRecord, name: &str) -> Option<&'a str> {
        let text = row.get(*self.places.get(name)?)?;
        if matches!(text.trim(), "" | "NULL" | "\\N") { None } else { Some(text) }
    }
}

/// What parts the fields of a file, by its first line: a comma, a semicolon or a tab.
pub fn delimiter(first_line: &[u8]) -> u8 {
    let count = |wanted: u8| first_line.iter().filter(|byte| **byte == wanted).count();
    let (commas, semicolons, tabs) = (count(b','), count(b';'), count(b'\t'));
    if tabs > commas && tabs > semicolons {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}

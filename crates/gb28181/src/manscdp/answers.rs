//! What a device says of itself: keepalives and the answers to queries, without the catalog.

use super::BasicParam;

/// How something ended, or how a device is: the standard's `resultType`, `OK` or `ERROR` (GB/T
/// 28181-2016 Annex A.2.1). Devices write `Ok` and `ok` as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `OK`, in any case.
    Ok,
    /// Anything else, in the device's own words; by the standard `ERROR`.
    Error(String),
}

impl Outcome {
    /// Whether it is [`Outcome::Ok`].
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// The text of the element.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "OK",
            Self::Error(text) => text,
        }
    }

    /// Reads the text of the element.
    pub(super) fn read(text: &str) -> Self {
        if text.eq_ignore_ascii_case("OK") { Self::Ok } else { Self::Error(text.to_owned()) }
    }
}

/// `Notify/Keepalive`: a device is there (GB/T 28181-2016 9.6 and A.2.5.2). By default it comes
/// every 60 seconds, and three that miss mean that the device is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalive {
    /// The device's running number; 0 where it sends none, or one beyond 32 bits, since nothing is
    /// matched by it.
    pub sn: u32,
    /// The device.
    pub device_id: String,
    /// How the device finds itself; [`Outcome::Ok`] where it does not say.
    pub status: Outcome,
}

/// `Response/DeviceInfo` (GB/T 28181-2016 9.5 and A.2.6.5): who made the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The number of the query that this answers.
    pub sn: u32,
    /// The device or channel that was asked about.
    pub device_id: String,
    /// The name that the device has of itself.
    pub device_name: Option<String>,
    /// Whether the query went well; [`Outcome::Ok`] where the device does not say.
    pub result: Outcome,
    /// The maker, such as `Hikvision`.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The version of its software.
    pub firmware: Option<String>,
    /// How many video inputs it has.
    pub channel: Option<u32>,
}

/// `Response/DeviceStatus` (GB/T 28181-2016 9.5 and A.2.6.6): how the device is. The list of
/// alarm inputs is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The number of the query that this answers.
    pub sn: u32,
    /// The device or channel that was asked about.
    pub device_id: String,
    /// Whether the query went well; [`Outcome::Ok`] where the device does not say.
    pub result: Outcome,
    /// `ONLINE` or `OFFLINE`.
    pub online: Option<String>,
    /// Whether it works: `OK` or `ERROR`.
    pub status: Option<Outcome>,
    /// What is wrong, in the device's own words.
    pub reason: Option<String>,
    /// Whether it encodes: `ON` or `OFF`.
    pub encode: Option<String>,
    /// Whether it records: `ON` or `OFF`.
    pub record: Option<String>,
    /// The device's clock as it prints it, such as `2026-11-21T22:40:00`.
    pub device_time: Option<String>,
}

/// `Response/DeviceConfig` (GB/T 28181-2016 A.2.6.8): what became of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigResult {
    /// The number of the command that this answers.
    pub sn: u32,
    /// The device that was configured.
    pub device_id: String,
    /// How it went. An answer that does not say is refused: silence is not success.
    pub result: Outcome,
}

/// `Response/ConfigDownload` (GB/T 28181-2016 A.2.6.9): a device's configuration. A query for
/// several types is answered by one message for each, all with the query's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigDownload {
    /// The number of the query that this answers.
    pub sn: u32,
    /// The device that was asked.
    pub device_id: String,
    /// Whether the query went well; [`Outcome::Ok`] where the device does not say.
    pub result: Outcome,
    /// The basic parameters, if the message has them.
    pub basic: Option<Box<BasicParam>>,
    /// The names of the other elements of the response, which tell what was answered where a device
    /// names its configuration otherwise than the standard. Only read, never written.
    pub other_types: Vec<String>,
}

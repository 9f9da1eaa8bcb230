//! What the native API says of GB devices.

use serde::Deserialize;

/// What a camera has and phones have not.
#[derive(Debug, Deserialize)]
pub struct Camera {
    /// `Register`, `OnLine` or `OffLine`.
    pub status: String,
    /// The user name that it must register with; `None`: its id.
    pub user: Option<String>,
    /// Whether there is a password for it to register with.
    pub has_password: bool,
    /// When these changed, and which it uses.
    pub credentials: Credentials,
    /// What its operator put on record of it.
    pub record: Record,
    /// Where it is filed.
    pub organization: Option<Filed>,
    /// `udp` or `tcp`.
    pub transport: Option<String>,
    /// Where it last registered from.
    pub remote: Option<String>,
    /// When its last registration began.
    pub registered_at: Option<String>,
    /// When that was last renewed.
    pub refreshed_at: Option<String>,
    /// When it ends.
    pub expires_at: Option<String>,
    /// The version of GB/T 28181 that it speaks.
    pub version: Option<String>,
    /// Why it is not registered any more.
    pub offline: Option<Offline>,
    /// The name that it shows.
    pub reported_name: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its firmware.
    pub firmware: Option<String>,
    /// How many channels of it are on record.
    pub channels: u32,
}

/// The user name and password that a camera must register with.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    /// When they last changed.
    pub changed_at: Option<String>,
    /// Until when the ones before work too.
    pub overlap_until: Option<String>,
    /// `current`, `old` or `not_renewed`; `None` while it is not registered.
    pub in_use: Option<String>,
}

/// What the operator of a camera put on record of it.
#[derive(Debug, Default, Deserialize)]
pub struct Record {
    /// What is said of it.
    pub description: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Its port.
    pub port: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// The transport that is wanted for it.
    pub transport: Option<String>,
}

/// Where a camera or a channel is filed.
#[derive(Debug, Deserialize)]
pub struct Filed {
    /// The organization's path.
    pub path: String,
}

/// Why a camera is not registered any more.
#[derive(Debug, Deserialize)]
pub struct Offline {
    /// Since when.
    pub at: String,
    /// Why, for people.
    pub text: String,
}

/// One page of `GET /devices/{id}/channels`.
#[derive(Debug, Deserialize)]
pub struct Channels {
    /// The channels.
    pub channels: Vec<Channel>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A channel of a GB device.
#[derive(Debug, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// The operator's name for it.
    pub name: Option<String>,
    /// What the operator says of it.
    pub description: Option<String>,
    /// Where it is filed.
    pub organization: Option<Filed>,
    /// The device's name for it.
    pub reported_name: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// `ON` or `OFF`.
    pub status: Option<String>,
    /// The id of what it belongs to.
    pub parent: Option<String>,
    /// When a catalog last named it.
    pub seen_at: Option<String>,
    /// How many catalogs in a row have not named it.
    pub missed: u32,
}

/// `GET /registrations/refused`.
#[derive(Debug, Deserialize)]
pub struct RefusedRegistrations {
    /// The last one first.
    pub registrations: Vec<RefusedRegistration>,
}

/// Registrations of one id from one host that were refused for one reason.
#[derive(Debug, Deserialize)]
pub struct RefusedRegistration {
    /// The id as it was given.
    pub id: String,
    /// Where the last one came from.
    pub remote: String,
    /// `udp` or `tcp`.
    pub transport: String,
    /// Why, for people.
    pub text: String,
    /// What else helps to find the fault.
    pub detail: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub at: String,
}

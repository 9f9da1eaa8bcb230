//! Projects: the tenants, and what their operators have decided for all of their devices.

use serde::{Deserialize, Serialize};

use crate::id::{ProjectId, ProjectKey};
use crate::time::Timestamp;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Our key.
    pub key: ProjectKey,
    /// Its public id.
    pub id: ProjectId,
    /// The operator's name for it.
    pub name: String,
    /// What the operator says of it; empty if nothing.
    pub description: String,
    /// What holds for all of its devices.
    pub settings: ProjectSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name, description or settings last changed.
    pub updated_at: Timestamp,
}

/// What holds for all devices of a project. In the store: JSON, with every field optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectSettings {
    /// Whether nothing is to be done on its devices for now. Updates are accepted and wait.
    pub paused: bool,
    /// What becomes of drift that the sweep finds.
    pub drift: DriftPolicy,
    /// Which phones are given the record's marker without being asked for.
    pub adoption: AdoptionPolicy,
    /// Whether properties by which a phone is told from others (IMEI, serial number, model, ...)
    /// may be changed although the vendor does not list them.
    pub identity: bool,
    /// How long, in seconds, the registration password or user name of a camera goes on working
    /// after an update has replaced it, unless that update says otherwise. At most
    /// [`crate::limits::PASSWORD_OVERLAP_MAX`].
    pub password_overlap_seconds: u32,
    /// How the ISS door treats the project.
    pub iss: IssSettings,
}

/// How the ISS door treats a project: what the vendor's documents leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IssSettings {
    /// By which of the two published forms of the API requests are checked.
    pub profile: IssProfile,
    /// Whether `Ip` may be a private address. The vendor forbids it; cameras of one's own mostly
    /// have one.
    pub private_ip: bool,
    /// Whether answers show passwords as asterisks. The vendor shows them.
    pub mask_passwords: bool,
}

impl Default for IssSettings {
    fn default() -> Self {
        Self { profile: IssProfile::default(), private_ip: true, mask_passwords: false }
    }
}

/// The two published forms of ISS's device API, by the number in their pages' addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum IssProfile {
    /// `product/460`: `Pwd` is required, 6 to 64 digits.
    #[default]
    #[serde(rename = "460")]
    Product460,
    /// `product/1344`: `Pwd` is optional, up to 64 characters.
    #[serde(rename = "1344")]
    Product1344,
}

/// What becomes of drift that the sweep finds. What a boot wipes is applied again under either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// It is shown.
    #[default]
    Report,
    /// The desired value is set again.
    Repair,
}

/// Which phones are given the record's marker without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdoptionPolicy {
    /// Those that bear no marker yet, at the first contact.
    #[default]
    Unmarked,
    /// None: an operator adopts each.
    Explicit,
}

/// What holds for the whole server, as operators set it while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerSettings {
    /// Whether nothing is to be done on any device for now.
    pub paused: bool,
}

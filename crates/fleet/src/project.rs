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
    /// What holds for all of its devices.
    pub settings: ProjectSettings,
    /// When it was made.
    pub created_at: Timestamp,
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

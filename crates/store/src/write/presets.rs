//! Changes of presets.

use fleet::{Kind, PresetName, ProjectId, Templates, Timestamp};

/// Makes a preset, or gives one other values. What it is already is no change of it. Refused with
/// [`super::Refused::NoSuchProject`], with [`super::Refused::PresetMoved`] if another version is
/// named than it has, and with [`super::Refused::TooManyPresets`] if it is new and its project has
/// [`fleet::limits::PRESETS_PER_PROJECT_MAX`].
#[derive(Debug, Clone)]
pub struct SetPreset {
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub name: PresetName,
    /// What the devices are that it is for.
    pub kind: Kind,
    /// What the operator says of it.
    pub description: String,
    /// The values, by canonical name, already checked.
    pub values: Templates,
    /// The version that it must have; 0: there must be none; `None`: whatever it has.
    pub expected: Option<i64>,
    /// Now.
    pub at: Timestamp,
}

/// Deletes a preset. Updates that were made of it keep their values. Refused with
/// [`super::Refused::NoSuchProject`], [`super::Refused::NoSuchPreset`] and
/// [`super::Refused::PresetMoved`].
#[derive(Debug, Clone)]
pub struct DeletePreset {
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub name: PresetName,
    /// The version that it must have; `None`: whatever it has.
    pub expected: Option<i64>,
}

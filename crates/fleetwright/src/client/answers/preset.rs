//! What the native API says of presets.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One page of `GET /projects/{project}/presets`.
#[derive(Debug, Deserialize)]
pub struct Presets {
    /// By name.
    pub presets: Vec<Preset>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// A preset.
#[derive(Debug, Deserialize)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// What the devices are that it is for.
    pub kind: String,
    /// What is said of it.
    pub description: String,
    /// The values as they were written, by property.
    pub values: BTreeMap<String, String>,
    /// How often it was set.
    pub version: i64,
    /// When it last changed.
    pub updated_at: String,
}

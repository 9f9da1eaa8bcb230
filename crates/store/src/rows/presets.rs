//! Rows of presets.

use fleet::{Preset, ProjectKey, Timestamp};

use crate::Error;
use crate::columns::{Columns, column, json, parsed};

/// The columns that [`preset`] reads, from `preset AS t` and `project AS p`.
pub(crate) const PRESET_COLUMNS: &str = "t.project, p.id AS project_id, t.name, t.kind, \
     t.description, t.templates, t.created_at, t.updated_at, t.version";

/// A row with [`PRESET_COLUMNS`].
pub(crate) fn preset(row: &impl Columns) -> Result<Preset, Error> {
    Ok(Preset {
        project: ProjectKey(column(row, "project")?),
        project_id: parsed(row, "project_id")?,
        name: parsed(row, "name")?,
        kind: parsed(row, "kind")?,
        description: column(row, "description")?,
        values: json(row, "templates")?,
        created_at: Timestamp(column(row, "created_at")?),
        updated_at: Timestamp(column(row, "updated_at")?),
        version: column(row, "version")?,
    })
}

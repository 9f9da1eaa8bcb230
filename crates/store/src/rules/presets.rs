//! Presets.

use fleet::{Preset, PresetName, ProjectId, ProjectKey};

use crate::Refused;
use crate::write::SetPreset;

/// What becomes of a preset that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: it is so already.
    None(Preset),
    /// It is made.
    Make(Preset),
    /// It becomes this.
    Become(Preset),
}

/// What becomes of the preset that was found under this name, if one was, when it is set.
pub(crate) fn change(
    (project, project_id): (ProjectKey, &ProjectId),
    found: Option<Preset>,
    set: &SetPreset,
) -> Result<Change, Refused> {
    expect(&set.name, found.as_ref(), set.expected)?;
    let SetPreset { name, kind, description, values, at, .. } = set;
    let Some(found) = found else {
        return Ok(Change::Make(Preset {
            project,
            project_id: project_id.clone(),
            name: name.clone(),
            kind: *kind,
            description: description.clone(),
            values: values.clone(),
            created_at: *at,
            updated_at: *at,
            version: 1,
        }));
    };
    let is_so = found.kind == *kind && found.description == *description && found.values == *values;
    if is_so {
        return Ok(Change::None(found));
    }
    Ok(Change::Become(Preset {
        kind: *kind,
        description: description.clone(),
        values: values.clone(),
        updated_at: *at,
        version: found.version.saturating_add(1),
        ..found
    }))
}

/// Whether the preset that was found has the version that is expected of it, if one is; 0 is that
/// of none.
pub(crate) fn expect(
    name: &PresetName,
    found: Option<&Preset>,
    expected: Option<i64>,
) -> Result<(), Refused> {
    let version = found.map_or(0, |found| found.version);
    if expected.is_some_and(|expected| expected != version) {
        return Err(Refused::PresetMoved { name: name.clone(), version });
    }
    Ok(())
}

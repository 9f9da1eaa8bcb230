//! Presets.

use fleet::limits::PRESETS_PER_PROJECT_MAX;
use fleet::{Preset, Principal};
use rusqlite::{Connection, params};

use super::projects::visible_project;
use crate::columns::to_json;
use crate::rules::presets::{self as rules, Change};
use crate::sqlite::queries::{count, presets as queries};
use crate::sqlite::rows::During;
use crate::write::{DeletePreset, SetPreset};
use crate::{Error, Refused, Written};

/// Makes a preset, or gives one other values.
pub(super) fn set_preset(
    connection: &Connection,
    principal: &Principal,
    set: &SetPreset,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(connection, principal, &set.project)? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    let found = queries::preset(connection, principal, &set.project, &set.name)?;
    let preset = match rules::change((project, &set.project), found, set) {
        Err(refused) => return Ok(Err(refused)),
        Ok(Change::None(preset)) => preset,
        Ok(Change::Make(preset)) => {
            let sql = "SELECT count(*) FROM preset WHERE project = ?1";
            let there = count(connection, "count presets", sql, [project.0])?;
            if there >= PRESETS_PER_PROJECT_MAX as u64 {
                return Ok(Err(Refused::TooManyPresets));
            }
            put(connection, &preset)?;
            preset
        }
        Ok(Change::Become(preset)) => {
            put(connection, &preset)?;
            preset
        }
    };
    Ok(Ok(Written::Preset(Box::new(preset))))
}

/// Writes a preset down as it is from now on.
fn put(connection: &Connection, preset: &Preset) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO preset (project, name, kind, description, created_at, updated_at, version,
                 templates)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (project, name) DO UPDATE SET kind = excluded.kind,
                 description = excluded.description, updated_at = excluded.updated_at,
                 version = excluded.version, templates = excluded.templates",
        )
        .during("prepare to set a preset")?
        .execute(params![
            preset.project.0,
            preset.name.as_str(),
            preset.kind.name(),
            preset.description,
            preset.created_at.0,
            preset.updated_at.0,
            preset.version,
            to_json(&preset.values)?,
        ])
        .during("set a preset")?;
    Ok(())
}

/// Deletes a preset.
pub(super) fn delete_preset(
    connection: &Connection,
    principal: &Principal,
    delete: &DeletePreset,
) -> Result<Result<Written, Refused>, Error> {
    let DeletePreset { project: id, name, expected } = delete;
    let Some(project) = visible_project(connection, principal, id)? else {
        return Ok(Err(Refused::NoSuchProject(id.clone())));
    };
    let Some(found) = queries::preset(connection, principal, id, name)? else {
        return Ok(Err(Refused::NoSuchPreset(name.clone())));
    };
    if let Err(refused) = rules::expect(name, Some(&found), *expected) {
        return Ok(Err(refused));
    }
    connection
        .prepare_cached("DELETE FROM preset WHERE project = ?1 AND name = ?2")
        .and_then(|mut delete| delete.execute(params![project.0, name.as_str()]))
        .during("delete a preset")?;
    Ok(Ok(Written::Done))
}

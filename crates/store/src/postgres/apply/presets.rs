//! Presets.

use fleet::limits::PRESETS_PER_PROJECT_MAX;
use fleet::{Preset, Principal};

use super::projects::visible_project;
use crate::columns::to_json;
use crate::postgres::connection::{Connection, Params};
use crate::postgres::queries::presets as queries;
use crate::rules::presets::{self as rules, Change};
use crate::write::{DeletePreset, SetPreset};
use crate::{Error, Refused, Written};

/// Makes a preset, or gives one other values.
pub(super) async fn set_preset(
    c: &Connection,
    principal: &Principal,
    set: &SetPreset,
) -> Result<Result<Written, Refused>, Error> {
    let Some(project) = visible_project(c, principal, &set.project).await? else {
        return Ok(Err(Refused::NoSuchProject(set.project.clone())));
    };
    let found = queries::preset(c, principal, &set.project, &set.name).await?;
    let preset = match rules::change((project, &set.project), found, set) {
        Err(refused) => return Ok(Err(refused)),
        Ok(Change::None(preset)) => preset,
        Ok(Change::Make(preset)) => {
            let sql = "SELECT count(*) FROM preset WHERE project = $1";
            let there = c.count("count presets", sql, &[&project.0]).await?;
            if there >= PRESETS_PER_PROJECT_MAX as u64 {
                return Ok(Err(Refused::TooManyPresets));
            }
            put(c, &preset).await?;
            preset
        }
        Ok(Change::Become(preset)) => {
            put(c, &preset).await?;
            preset
        }
    };
    Ok(Ok(Written::Preset(Box::new(preset))))
}

/// Writes a preset down as it is from now on.
async fn put(c: &Connection, preset: &Preset) -> Result<(), Error> {
    let sql =
        "INSERT INTO preset (project, name, kind, description, created_at, updated_at, version,
             templates)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (project, name) DO UPDATE SET kind = excluded.kind,
             description = excluded.description, updated_at = excluded.updated_at,
             version = excluded.version, templates = excluded.templates";
    let params: Params<'_> = &[
        &preset.project.0,
        &preset.name.as_str(),
        &preset.kind.name(),
        &preset.description,
        &preset.created_at.0,
        &preset.updated_at.0,
        &preset.version,
        &to_json(&preset.values)?,
    ];
    c.execute("set a preset", sql, params).await?;
    Ok(())
}

/// Deletes a preset.
pub(super) async fn delete_preset(
    c: &Connection,
    principal: &Principal,
    delete: &DeletePreset,
) -> Result<Result<Written, Refused>, Error> {
    let DeletePreset { project: id, name, expected } = delete;
    let Some(project) = visible_project(c, principal, id).await? else {
        return Ok(Err(Refused::NoSuchProject(id.clone())));
    };
    let Some(found) = queries::preset(c, principal, id, name).await? else {
        return Ok(Err(Refused::NoSuchPreset(name.clone())));
    };
    if let Err(refused) = rules::expect(name, Some(&found), *expected) {
        return Ok(Err(refused));
    }
    let sql = "DELETE FROM preset WHERE project = $1 AND name = $2";
    c.execute("delete a preset", sql, &[&project.0, &name.as_str()]).await?;
    Ok(Ok(Written::Done))
}

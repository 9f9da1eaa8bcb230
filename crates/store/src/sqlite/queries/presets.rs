//! Presets, by name.

use fleet::{Preset, PresetName, Principal, ProjectId};
use rusqlite::{Connection, params};

use super::{all, first, projects};
use crate::Error;
use crate::rows::presets::{PRESET_COLUMNS, preset as read};

/// See [`crate::Reads::presets`].
pub(in crate::sqlite) fn presets(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<Preset>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {PRESET_COLUMNS} FROM preset AS t JOIN project AS p ON p.key = t.project
         WHERE t.project = ?1 AND t.name > ?2 ORDER BY t.name LIMIT ?3"
    );
    let params = params![project.key.0, after, limit];
    all(connection, "list presets", &sql, params, |row| read(row))
}

/// See [`crate::Reads::preset`].
pub(in crate::sqlite) fn preset(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    name: &PresetName,
) -> Result<Option<Preset>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT {PRESET_COLUMNS} FROM preset AS t JOIN project AS p ON p.key = t.project
         WHERE t.project = ?1 AND t.name = ?2"
    );
    let params = params![project.key.0, name.as_str()];
    first(connection, "read a preset", &sql, params, |row| read(row))
}

//! Presets, by name.

use fleet::{Preset, PresetName, Principal, ProjectId};

use super::{is_storable, projects};
use crate::Error;
use crate::postgres::connection::{Connection, Params};
use crate::rows::presets::{PRESET_COLUMNS, preset as read};

/// See [`crate::Reads::presets`].
pub(in crate::postgres) async fn presets(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<Preset>, Error> {
    let found = projects::project(c, principal, project).await?;
    let Some(project) = found.filter(|_| is_storable(after)) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {PRESET_COLUMNS} FROM preset AS t JOIN project AS p ON p.key = t.project
         WHERE t.project = $1 AND t.name > $2 ORDER BY t.name LIMIT $3"
    );
    let params: Params<'_> = &[&project.key.0, &after, &i64::from(limit)];
    c.all("list presets", &sql, params, read).await
}

/// See [`crate::Reads::preset`].
pub(in crate::postgres) async fn preset(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    name: &PresetName,
) -> Result<Option<Preset>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT {PRESET_COLUMNS} FROM preset AS t JOIN project AS p ON p.key = t.project
         WHERE t.project = $1 AND t.name = $2"
    );
    c.first("read a preset", &sql, &[&project.key.0, &name.as_str()], read).await
}

//! Tags on phones and servers.

use std::collections::BTreeMap;

use fleet::limits::TAGS_PER_RESOURCE_MAX;
use fleet::{Principal, ProjectKey};
use rusqlite::{Connection, params};

use super::projects::visible_project;
use super::{device, servers};
use crate::rules::tags::tags_after;
use crate::sqlite::rows::During;
use crate::words::tagged_columns;
use crate::write::ChangeTags;
use crate::{Error, Refused, Tagged, Written};

/// Takes tags from a thing, then puts tags on it.
pub(super) fn change_tags(
    connection: &Connection,
    principal: &Principal,
    change: &ChangeTags,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(connection, principal, &change.project)? {
        Some(project) if exists(connection, project, &change.tagged)? => project,
        _ => {
            return Ok(Err(match &change.tagged {
                Tagged::Device(_) => Refused::NoSuchDevice,
                Tagged::Server(id) => Refused::NoSuchServer(id.clone()),
            }));
        }
    };
    let before = tags(connection, project, &change.tagged)?;
    let after = tags_after(&before, change);
    if after.len() > TAGS_PER_RESOURCE_MAX {
        return Ok(Err(Refused::TooManyTags));
    }
    let (kind, thing) = tagged_columns(&change.tagged);
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        connection
            .prepare_cached(
                "DELETE FROM tag WHERE project = ?1 AND kind = ?2 AND thing = ?3 AND key = ?4",
            )
            .and_then(|mut delete| delete.execute(params![project.0, kind, thing, key]))
            .during("take a tag away")?;
    }
    for (key, value) in after.iter().filter(|(key, value)| before.get(*key) != Some(*value)) {
        connection
            .prepare_cached(
                "INSERT INTO tag (project, kind, thing, key, value) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (project, kind, thing, key) DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut insert| insert.execute(params![project.0, kind, thing, key, value]))
            .during("put a tag on")?;
    }
    Ok(Ok(Written::Done))
}

/// Whether the project has the thing.
fn exists(connection: &Connection, project: ProjectKey, tagged: &Tagged) -> Result<bool, Error> {
    match tagged {
        Tagged::Device(id) => Ok(device::find(connection, project, id.as_str())?.is_some()),
        Tagged::Server(id) => servers::exists(connection, project, id),
    }
}

/// The tags that a thing has.
fn tags(
    connection: &Connection,
    project: ProjectKey,
    tagged: &Tagged,
) -> Result<BTreeMap<String, String>, Error> {
    let (kind, thing) = tagged_columns(tagged);
    connection
        .prepare_cached(
            "SELECT key, value FROM tag WHERE project = ?1 AND kind = ?2 AND thing = ?3",
        )
        .and_then(|mut select| {
            let rows = select
                .query_map(params![project.0, kind, thing], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .during("read the tags of a thing")
}

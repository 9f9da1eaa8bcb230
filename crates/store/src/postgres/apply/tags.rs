//! Tags on phones and servers.

use std::collections::BTreeMap;

use fleet::limits::TAGS_PER_RESOURCE_MAX;
use fleet::{Principal, ProjectKey};

use super::projects::visible_project;
use super::{device, servers};
use crate::columns::column;
use crate::postgres::connection::Connection;
use crate::rules::tags::tags_after;
use crate::words::tagged_columns;
use crate::write::ChangeTags;
use crate::{Error, Refused, Tagged, Written};

/// Takes tags from a thing, then puts tags on it.
pub(super) async fn change_tags(
    c: &Connection,
    principal: &Principal,
    change: &ChangeTags,
) -> Result<Result<Written, Refused>, Error> {
    let project = match visible_project(c, principal, &change.project).await? {
        Some(project) if exists(c, project, &change.tagged).await? => project,
        _ => {
            return Ok(Err(match &change.tagged {
                Tagged::Device(_) => Refused::NoSuchDevice,
                Tagged::Server(id) => Refused::NoSuchServer(id.clone()),
            }));
        }
    };
    let before = tags(c, project, &change.tagged).await?;
    let after = tags_after(&before, change);
    if after.len() > TAGS_PER_RESOURCE_MAX {
        return Ok(Err(Refused::TooManyTags));
    }
    let (kind, thing) = tagged_columns(&change.tagged);
    let gone: Vec<&str> =
        before.keys().filter(|key| !after.contains_key(*key)).map(String::as_str).collect();
    if !gone.is_empty() {
        let sql = "DELETE FROM tag
             WHERE project = $1 AND kind = $2 AND thing = $3 AND key = ANY($4)";
        c.execute("take tags away", sql, &[&project.0, &kind, &thing, &gone]).await?;
    }
    let (keys, values): (Vec<&str>, Vec<&str>) = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .unzip();
    if !keys.is_empty() {
        let sql = "INSERT INTO tag (project, kind, thing, key, value)
             SELECT $1::bigint, $2::bigint, $3::text, key, value
                 FROM unnest($4::text[], $5::text[]) AS put (key, value)
             ON CONFLICT (project, kind, thing, key) DO UPDATE SET value = excluded.value";
        c.execute("put tags on", sql, &[&project.0, &kind, &thing, &keys, &values]).await?;
    }
    Ok(Ok(Written::Done))
}

/// Whether the project has the thing.
async fn exists(c: &Connection, project: ProjectKey, tagged: &Tagged) -> Result<bool, Error> {
    match tagged {
        Tagged::Device(id) => Ok(device::find(c, project, id.as_str()).await?.is_some()),
        Tagged::Server(id) => servers::exists(c, project, id).await,
    }
}

/// The tags that a thing has.
async fn tags(
    c: &Connection,
    project: ProjectKey,
    tagged: &Tagged,
) -> Result<BTreeMap<String, String>, Error> {
    let (kind, thing) = tagged_columns(tagged);
    let sql = "SELECT key, value FROM tag WHERE project = $1 AND kind = $2 AND thing = $3";
    let read = |row: &_| Ok((column(row, 0)?, column(row, 1)?));
    let tags = c.all("read the tags of a thing", sql, &[&project.0, &kind, &thing], read).await?;
    Ok(tags.into_iter().collect())
}

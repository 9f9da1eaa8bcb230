//! Tags, and things by their tags.

use fleet::limits::TAGS_PER_RESOURCE_MAX;
use fleet::{DeviceId, Principal, ProjectId};
use futures_util::future::try_join;
use tokio_postgres::Row;

use super::servers::NAMED;
use super::{Terms, counted, is_storable, nothing, place, projects, sql_count};
use crate::columns::{column, damaged};
use crate::postgres::connection::Connection;
use crate::postgres::rows::asked;
use crate::rows;
use crate::words::{tagged_columns, tagged_kind};
use crate::{Counted, Error, Tag, TagFilter, Tagged, TaggedKind, TaggedThing};

/// See [`crate::Reads::tags`].
pub(in crate::postgres) async fn tags(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    tagged: &Tagged,
) -> Result<Option<Vec<Tag>>, Error> {
    let (kind, thing) = tagged_columns(tagged);
    if !is_storable(thing) {
        return Ok(None);
    }
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(None);
    };
    let there = match tagged {
        Tagged::Device(_) => "SELECT 1 FROM device WHERE id = $1 AND project = $2",
        Tagged::Server(_) => {
            "SELECT 1 FROM device WHERE server = $1 AND project = $2 AND server <> '' LIMIT 1"
        }
    };
    let sql = "SELECT key, value FROM tag WHERE thing = $1 AND project = $2 AND kind = $3
         ORDER BY key";
    let (of_thing, of_kind) =
        ([&thing as _, &project.key.0 as _], [&thing as _, &project.key.0 as _, &kind as _]);
    let there = c.exists("find what has tags", there, &of_thing);
    let tags = c.all("read the tags of a thing", sql, &of_kind, rows::tag);
    let (there, tags) = try_join(there, tags).await?;
    Ok(there.then_some(tags))
}

/// See [`crate::Reads::tags_of_devices`].
pub(in crate::postgres) async fn tags_of_devices(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Vec<Tag>>, Error> {
    let mut tags: Vec<Vec<Tag>> = ids.iter().map(|_| Vec::new()).collect();
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(tags);
    };
    let asked = asked("$2::text[]");
    let sql = format!(
        "SELECT asked.place, g.key, g.value
         FROM {asked} CROSS JOIN LATERAL (
                 SELECT key, value FROM tag
                 WHERE project = $1 AND kind = $3 AND thing = asked.key
                 ORDER BY key LIMIT {TAGS_PER_RESOURCE_MAX}) AS g
         ORDER BY asked.place, g.key"
    );
    let ids: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    let kind = tagged_kind(TaggedKind::Device);
    let read = |row: &Row| Ok((place(row)?, rows::tag(row)?));
    let params = [&project.key.0 as _, &ids as _, &kind as _];
    for (place, tag) in c.all("read the tags of devices", &sql, &params, read).await? {
        let of_device = usize::try_from(place - 1).ok().and_then(|place| tags.get_mut(place));
        if let Some(of_device) = of_device {
            of_device.push(tag);
        }
    }
    Ok(tags)
}

/// See [`crate::Reads::tag_keys`].
pub(in crate::postgres) async fn tag_keys(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    kind: TaggedKind,
    offset: u64,
    limit: u32,
) -> Result<Counted<(String, Vec<String>)>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let (project, kind) = (project.key.0, tagged_kind(kind));
    let (limit, offset) = (i64::from(limit), sql_count(offset));
    let count = "SELECT count(DISTINCT key) FROM tag WHERE project = $1 AND kind = $2";
    let page = "SELECT page.key, ARRAY(
                 SELECT DISTINCT value FROM tag
                 WHERE project = $1 AND kind = $2 AND key = page.key ORDER BY value)
         FROM (SELECT DISTINCT key FROM tag WHERE project = $1 AND kind = $2
               ORDER BY key LIMIT $3 OFFSET $4) AS page
         ORDER BY page.key";
    let params = [&project as _, &kind as _, &limit as _, &offset as _];
    let (count, page) = ((count, &[&project as _, &kind as _][..]), (page, &params[..]));
    let read = |row: &Row| Ok((column(row, 0)?, texts(row, 1)?));
    counted(c, "list the tags' keys", count, page, read).await
}

/// See [`crate::Reads::tagged`].
pub(in crate::postgres) async fn tagged(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    kind: TaggedKind,
    filter: &TagFilter,
    (offset, limit): (u64, u32),
) -> Result<Counted<TaggedThing>, Error> {
    let of_tags = filter.tags.iter().flat_map(|(key, values)| std::iter::once(key).chain(values));
    if !filter.name.iter().chain(of_tags).all(|text| is_storable(text)) {
        return Ok(nothing());
    }
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let project = project.key.0;
    let table = match kind {
        TaggedKind::Device => "device",
        TaggedKind::Server => "server",
    };
    let (named, mut paged) = (terms(project, kind, filter), terms(project, kind, filter));
    let count = format!("SELECT count(*) FROM {table} AS t WHERE {}", named.sql());
    let limit = paged.value(i64::from(limit));
    let offset = paged.value(sql_count(offset));
    let of_it = of_it(kind);
    let page = format!(
        "SELECT t.id, t.name,
             ARRAY(SELECT g.key FROM tag AS g WHERE {of_it} ORDER BY g.key),
             ARRAY(SELECT g.value FROM tag AS g WHERE {of_it} ORDER BY g.key)
         FROM {table} AS t WHERE {} ORDER BY t.id LIMIT {limit} OFFSET {offset}",
        named.sql()
    );
    let (count, page) = ((count.as_str(), &*named.params()), (page.as_str(), &*paged.params()));
    counted(c, "list what has tags", count, page, tagged_thing).await
}

/// A row with a thing's id, its name, its tags' keys and, in the same order, their values.
fn tagged_thing(row: &Row) -> Result<TaggedThing, Error> {
    let tags = texts(row, 2)?.into_iter().zip(texts(row, 3)?);
    let tags = tags.map(|(key, value)| Tag { key, value }).collect();
    Ok(TaggedThing { id: column(row, 0)?, name: column(row, 1)?, tags })
}

/// A column that holds a list of texts.
fn texts(row: &Row, at: usize) -> Result<Vec<String>, Error> {
    row.try_get(at).map_err(|error| damaged(at, error))
}

/// Which tags `tag AS g` are the thing's, `server AS t` or `device AS t`.
fn of_it(kind: TaggedKind) -> String {
    format!("g.project = t.project AND g.kind = {} AND g.thing = t.id", tagged_kind(kind))
}

/// The terms of a filter and their values.
fn terms(project: i64, kind: TaggedKind, filter: &TagFilter) -> Terms {
    let mut terms = Terms::default();
    terms.require("t.project = ?", project);
    let of_it = of_it(kind);
    match kind {
        TaggedKind::Server => terms.require_that(NAMED),
        // Tags are CPH's, which knows no cameras.
        TaggedKind::Device => terms.require_that("t.kind = 'phone'"),
    }
    if let Some(name) = &filter.name {
        terms.require("t.name = ?", name.clone());
    }
    if filter.without_any {
        terms.require_that(&format!("NOT EXISTS (SELECT 1 FROM tag AS g WHERE {of_it})"));
    }
    for (key, values) in &filter.tags {
        let (key, values) = (terms.value(key.clone()), terms.value(values.clone()));
        // No values: any will do.
        terms.require_that(&format!(
            "EXISTS (SELECT 1 FROM tag AS g WHERE {of_it} AND g.key = {key}
                 AND (cardinality({values}::text[]) = 0 OR g.value = ANY({values})))"
        ));
    }
    terms
}

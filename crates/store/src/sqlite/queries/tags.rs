//! Tags, and things by their tags.

use fleet::{DeviceId, Principal, ProjectId};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::servers::NAMED;
use super::{all, count, first, projects, sql_count};
use crate::columns::column;
use crate::rows;
use crate::words::{tagged_columns, tagged_kind};
use crate::{Counted, Error, Tag, TagFilter, Tagged, TaggedKind, TaggedThing};

/// See [`crate::Reads::tags`].
pub(in crate::sqlite) fn tags(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    tagged: &Tagged,
) -> Result<Option<Vec<Tag>>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(None);
    };
    let (kind, thing) = tagged_columns(tagged);
    let sql = match tagged {
        Tagged::Device(_) => "SELECT 1 FROM device WHERE id = ?1 AND project = ?2",
        Tagged::Server(_) => {
            "SELECT 1 FROM device WHERE server = ?1 AND project = ?2 AND server <> '' LIMIT 1"
        }
    };
    let params = params![thing, project.key.0];
    if first(connection, "find what has tags", sql, params, |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    of_thing(connection, project.key.0, kind, thing).map(Some)
}

/// The tags of one thing, by key.
fn of_thing(
    connection: &Connection,
    project: i64,
    kind: i64,
    thing: &str,
) -> Result<Vec<Tag>, Error> {
    let sql = "SELECT key, value FROM tag WHERE project = ?1 AND kind = ?2 AND thing = ?3
         ORDER BY key";
    all(connection, "read the tags of a thing", sql, params![project, kind, thing], |row| {
        rows::tag(row)
    })
}

/// See [`crate::Reads::tags_of_devices`].
pub(in crate::sqlite) fn tags_of_devices(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Vec<Tag>>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(ids.iter().map(|_| Vec::new()).collect());
    };
    let kind = tagged_kind(TaggedKind::Device);
    ids.iter().map(|id| of_thing(connection, project.key.0, kind, id.as_str())).collect()
}

/// See [`crate::Reads::tag_keys`].
pub(in crate::sqlite) fn tag_keys(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    kind: TaggedKind,
    offset: u64,
    limit: u32,
) -> Result<Counted<(String, Vec<String>)>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let (project, kind) = (project.key.0, tagged_kind(kind));
    let sql = "SELECT count(DISTINCT key) FROM tag WHERE project = ?1 AND kind = ?2";
    let total = count(connection, "count the tags' keys", sql, params![project, kind])?;
    let sql = "SELECT DISTINCT key FROM tag WHERE project = ?1 AND kind = ?2
         ORDER BY key LIMIT ?3 OFFSET ?4";
    let params = params![project, kind, limit, sql_count(offset)];
    let keys: Vec<String> =
        all(connection, "list the tags' keys", sql, params, |row| column(row, 0))?;
    let sql = "SELECT DISTINCT value FROM tag WHERE project = ?1 AND kind = ?2 AND key = ?3
         ORDER BY value";
    let with_values = |key: String| {
        let params = params![project, kind, key];
        let values = all(connection, "list a key's values", sql, params, |row| column(row, 0))?;
        Ok((key, values))
    };
    let items = keys.into_iter().map(with_values).collect::<Result<_, Error>>()?;
    Ok(Counted { items, total })
}

/// See [`crate::Reads::tagged`].
pub(in crate::sqlite) fn tagged(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    kind: TaggedKind,
    filter: &TagFilter,
    (offset, limit): (u64, u32),
) -> Result<Counted<TaggedThing>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let project = project.key.0;
    let table = match kind {
        TaggedKind::Device => "device",
        TaggedKind::Server => "server",
    };
    let (terms, mut params) = terms(project, kind, filter);
    let sql = format!("SELECT count(*) FROM {table} AS t WHERE {terms}");
    let total = count(connection, "count what has tags", &sql, params_from_iter(&params))?;
    let sql =
        format!("SELECT id, name FROM {table} AS t WHERE {terms} ORDER BY id LIMIT ? OFFSET ?");
    params.push(Value::Integer(i64::from(limit)));
    params.push(Value::Integer(sql_count(offset)));
    let params = params_from_iter(params);
    let items = all(connection, "list what has tags", &sql, params, |row| {
        let id: String = column(row, "id")?;
        let tags = of_thing(connection, project, tagged_kind(kind), &id)?;
        Ok(TaggedThing { name: column(row, "name")?, tags, id })
    })?;
    Ok(Counted { items, total })
}

/// The terms of a filter and their values.
fn terms(project: i64, kind: TaggedKind, filter: &TagFilter) -> (String, Vec<Value>) {
    const OF_IT: &str = "SELECT 1 FROM tag AS g
         WHERE g.project = t.project AND g.kind = ? AND g.thing = t.id";
    let mut terms = vec!["t.project = ?".to_owned()];
    let mut params = vec![Value::Integer(project)];
    let kind_column = Value::Integer(tagged_kind(kind));
    match kind {
        TaggedKind::Server => terms.push(NAMED.to_owned()),
        // Tags are CPH's, which knows no cameras.
        TaggedKind::Device => terms.push("t.kind = 'phone'".to_owned()),
    }
    if let Some(name) = &filter.name {
        terms.push("t.name = ?".to_owned());
        params.push(Value::Text(name.clone()));
    }
    if filter.without_any {
        terms.push(format!("NOT EXISTS ({OF_IT})"));
        params.push(kind_column.clone());
    }
    for (key, values) in &filter.tags {
        params.push(kind_column.clone());
        params.push(Value::Text(key.clone()));
        if values.is_empty() {
            terms.push(format!("EXISTS ({OF_IT} AND g.key = ?)"));
            continue;
        }
        let places = vec!["?"; values.len()].join(", ");
        terms.push(format!("EXISTS ({OF_IT} AND g.key = ? AND g.value IN ({places}))"));
        params.extend(values.iter().cloned().map(Value::Text));
    }
    (terms.join(" AND "), params)
}

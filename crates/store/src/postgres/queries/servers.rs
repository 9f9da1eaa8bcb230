//! The hosts that phones live on.

use fleet::{Principal, Project, ProjectId, Timestamp};

use super::{Terms, counted, is_storable, nothing, projects, sql_count};
use crate::columns::{Columns, column, optional};
use crate::postgres::connection::Connection;
use crate::{Counted, Error, Server, ServerFilter};

/// A server is there while a record names it. `OFFSET 0`: each is looked up, in place of reading
/// all devices for a few servers.
pub(super) const NAMED: &str = "EXISTS (
         SELECT 1 FROM device AS d WHERE d.project = t.project AND d.server = t.id OFFSET 0)";

/// What is counted of a server: how many devices are on it, and the model that most of its phones
/// say they are, whose facts are looked up by key.
const COUNTED: &str =
    "(SELECT count(*) FROM device WHERE project = t.project AND server = t.id) AS devices,
     (SELECT model FROM (
          SELECT (SELECT (facts::json ->> 'model') COLLATE \"C\"
                  FROM device_facts WHERE device = d.key) AS model
          FROM device AS d
          WHERE d.project = t.project AND d.server = t.id AND d.kind = 'phone') AS said
      WHERE model IS NOT NULL GROUP BY model ORDER BY count(*) DESC, model LIMIT 1) AS model";

/// See [`crate::Reads::servers`].
pub(in crate::postgres) async fn servers(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    filter: &ServerFilter,
    offset: u64,
    limit: u32,
) -> Result<Counted<Server>, Error> {
    if ![&filter.id, &filter.name].into_iter().flatten().all(|text| is_storable(text)) {
        return Ok(nothing());
    }
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let named = terms(project.key.0, filter);
    let count = format!("SELECT count(*) FROM server AS t WHERE {}", named.sql());
    let mut paged = terms(project.key.0, filter);
    let limit = paged.value(i64::from(limit));
    let offset = paged.value(sql_count(offset));
    let page = format!(
        "SELECT t.id, t.name, t.created_at, t.updated_at, {COUNTED}
         FROM (SELECT * FROM server AS t WHERE {} ORDER BY t.created_at DESC, t.id
               LIMIT {limit} OFFSET {offset}) AS t
         ORDER BY t.created_at DESC, t.id",
        named.sql()
    );
    let (count, page) = ((count.as_str(), &*named.params()), (page.as_str(), &*paged.params()));
    counted(c, "list the servers", count, page, |row| server(&project, row)).await
}

/// The terms of a filter and their values.
fn terms(project: i64, filter: &ServerFilter) -> Terms {
    let mut terms = Terms::default();
    terms.require("t.project = ?", project);
    terms.require_that(NAMED);
    if let Some(id) = &filter.id {
        terms.require("t.id = ?", id.clone());
    }
    if let Some(name) = &filter.name {
        terms.require("strpos(lower(t.name), ?) > 0", name.to_ascii_lowercase());
    }
    if let Some(since) = filter.created_since {
        terms.require("t.created_at >= ?", since.0);
    }
    if let Some(until) = filter.created_until {
        terms.require("t.created_at <= ?", until.0);
    }
    terms
}

/// A row of [`servers`].
fn server(project: &Project, row: &impl Columns) -> Result<Server, Error> {
    Ok(Server {
        id: column(row, "id")?,
        name: column(row, "name")?,
        project_id: project.id.clone(),
        devices: column::<i64>(row, "devices")?.unsigned_abs(),
        model: optional(row, "model")?,
        created_at: Timestamp(column(row, "created_at")?),
        updated_at: Timestamp(column(row, "updated_at")?),
    })
}

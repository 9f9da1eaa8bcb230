//! The hosts that phones live on.

use fleet::{Principal, Project, ProjectId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{all, count, first, projects, sql_count};
use crate::columns::column;
use crate::{Counted, Error, Server, ServerFilter};

/// A server is there while a record names it.
pub(super) const NAMED: &str =
    "EXISTS (SELECT 1 FROM device AS d WHERE d.project = t.project AND d.server = t.id)";

/// See [`crate::Reads::servers`].
pub(in crate::sqlite) fn servers(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    filter: &ServerFilter,
    offset: u64,
    limit: u32,
) -> Result<Counted<Server>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let (terms, mut params) = terms(project.key.0, filter);
    let sql = format!("SELECT count(*) FROM server AS t WHERE {terms}");
    let total = count(connection, "count the servers", &sql, params_from_iter(&params))?;
    let sql = format!(
        "SELECT id, name, created_at, updated_at FROM server AS t WHERE {terms}
         ORDER BY created_at DESC, id LIMIT ? OFFSET ?"
    );
    params.push(Value::Integer(i64::from(limit)));
    params.push(Value::Integer(sql_count(offset)));
    let params = params_from_iter(params);
    let read = |row: &Row<'_>| server(connection, &project, row);
    let items = all(connection, "list the servers", &sql, params, read)?;
    Ok(Counted { items, total })
}

/// The terms of a filter and their values.
fn terms(project: i64, filter: &ServerFilter) -> (String, Vec<Value>) {
    let mut terms = vec!["t.project = ?", NAMED];
    let mut params = vec![Value::Integer(project)];
    if let Some(id) = &filter.id {
        terms.push("t.id = ?");
        params.push(Value::Text(id.clone()));
    }
    if let Some(name) = &filter.name {
        terms.push("instr(lower(t.name), lower(?)) > 0");
        params.push(Value::Text(name.clone()));
    }
    if let Some(since) = filter.created_since {
        terms.push("t.created_at >= ?");
        params.push(Value::Integer(since.0));
    }
    if let Some(until) = filter.created_until {
        terms.push("t.created_at <= ?");
        params.push(Value::Integer(until.0));
    }
    (terms.join(" AND "), params)
}

/// A row of [`servers`], with what is counted of the server's phones.
fn server(connection: &Connection, project: &Project, row: &Row<'_>) -> Result<Server, Error> {
    let id: String = column(row, "id")?;
    let on_it = params![project.key.0, id];
    let sql = "SELECT count(*) FROM device WHERE project = ?1 AND server = ?2";
    let devices = count(connection, "count a server's phones", sql, on_it)?;
    let sql = "SELECT facts ->> 'model' AS model
         FROM device AS d CROSS JOIN device_facts AS f ON f.device = d.key
         WHERE d.project = ?1 AND d.server = ?2 AND d.kind = 'phone'
         GROUP BY model HAVING model IS NOT NULL ORDER BY count(*) DESC, model LIMIT 1";
    let model = first(connection, "find a server's model", sql, on_it, |row| column(row, 0))?;
    Ok(Server {
        name: column(row, "name")?,
        project_id: project.id.clone(),
        devices,
        model,
        created_at: Timestamp(column(row, "created_at")?),
        updated_at: Timestamp(column(row, "updated_at")?),
        id,
    })
}

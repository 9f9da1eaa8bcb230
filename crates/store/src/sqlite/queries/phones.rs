//! Phones, as pages of a list that says how long it is, and the makes among them.

use fleet::limits::MAKES_MAX;
use fleet::{Principal, ProjectId};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{all, count, projects, sql_count};
use crate::rows;
use crate::sqlite::rows::select_device_with_state;
use crate::{Counted, DeviceWithState, Error, Make, PhoneFilter};

/// See [`crate::Reads::phones`]. Keys grow with time, so the newest have the highest.
pub(in crate::sqlite) fn phones(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    filter: &PhoneFilter,
    offset: u64,
    limit: u32,
) -> Result<Counted<DeviceWithState>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let (terms, mut params) = terms(project.key.0, filter);
    let sql = format!(
        "SELECT count(*) FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
         WHERE {terms}"
    );
    let total = count(connection, "count the phones", &sql, params_from_iter(&params))?;
    let sql = format!(
        "{} WHERE {terms} ORDER BY d.key DESC LIMIT ? OFFSET ?",
        select_device_with_state()
    );
    params.push(Value::Integer(i64::from(limit)));
    params.push(Value::Integer(sql_count(offset)));
    let params = params_from_iter(params);
    let items =
        all(connection, "list the phones", &sql, params, |row| rows::device_with_state(row))?;
    Ok(Counted { items, total })
}

/// The terms of a filter and their values. A term that is not asked for is not there: an index
/// serves only plain equality.
fn terms(project: i64, filter: &PhoneFilter) -> (String, Vec<Value>) {
    let mut terms = vec!["d.project = ?".to_owned(), "d.kind = 'phone'".to_owned()];
    let mut params = vec![Value::Integer(project)];
    if let Some(server) = &filter.server {
        terms.push("d.server = ?".to_owned());
        params.push(Value::Text(server.clone()));
    }
    if let Some(name) = &filter.name {
        terms.push("instr(lower(d.name), lower(?)) > 0".to_owned());
        params.push(Value::Text(name.clone()));
    }
    if !filter.conditions.is_empty() {
        let places = vec!["?"; filter.conditions.len()].join(", ");
        terms.push(format!("s.condition IN ({places})"));
        let names = filter.conditions.iter().map(|condition| condition.name().to_owned());
        params.extend(names.map(Value::Text));
    }
    if let Some(frozen) = filter.frozen {
        terms.push("s.frozen = ?".to_owned());
        params.push(Value::Integer(i64::from(frozen)));
    }
    (terms.join(" AND "), params)
}

/// See [`crate::Reads::makes`]. Phones that have said none of it are of no make.
pub(in crate::sqlite) fn makes(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Vec<Make>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT facts ->> 'model' AS model, facts ->> 'release' AS release,
             facts ->> 'build' AS build, facts ->> 'fingerprint' AS fingerprint, count(*) AS devices
         FROM device AS d CROSS JOIN device_facts AS f ON f.device = d.key
         WHERE d.project = ?1 AND d.kind = 'phone'
         GROUP BY 1, 2, 3, 4 HAVING coalesce(model, release, build, fingerprint) IS NOT NULL
         ORDER BY devices DESC, 1, 2, 3, 4 LIMIT ?2";
    all(connection, "list the makes", sql, params![project.key.0, MAKES_MAX], |row| rows::make(row))
}

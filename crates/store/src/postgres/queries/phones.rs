//! Phones, as pages of a list that says how long it is, and the makes among them.

use fleet::limits::MAKES_MAX;
use fleet::{Principal, ProjectId};

use super::devices::{of_state, order};
use super::{Terms, counted, is_storable, nothing, projects, sql_count};
use crate::postgres::connection::Connection;
use crate::postgres::rows::select_devices_with_state;
use crate::rows;
use crate::{Counted, DeviceWithState, Error, Make, PhoneFilter};

/// See [`crate::Reads::phones`]. Keys grow with time, so the newest have the highest.
pub(in crate::postgres) async fn phones(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    filter: &PhoneFilter,
    offset: u64,
    limit: u32,
) -> Result<Counted<DeviceWithState>, Error> {
    let texts = [&filter.name, &filter.server];
    if !texts.into_iter().flatten().all(|text| is_storable(text)) {
        return Ok(nothing());
    }
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let terms = terms(project.key.0, filter);
    let count = format!("SELECT count(*) FROM device AS d WHERE {}", terms.sql());
    let (page, page_terms) = page_sql(project.key.0, filter, offset, limit);
    let page = select_devices_with_state(&page);
    let (count, page) =
        ((count.as_str(), &*terms.params()), (page.as_str(), &*page_terms.params()));
    counted(c, "list the phones", count, page, rows::device_with_state).await
}

/// The keys of a page of phones: the statement and its values.
fn page_sql(project: i64, filter: &PhoneFilter, offset: u64, limit: u32) -> (String, Terms) {
    let mut terms = terms(project, filter);
    let limit = terms.value(i64::from(limit));
    let offset = terms.value(sql_count(offset));
    let sql = format!(
        "SELECT d.key FROM device AS d WHERE {} ORDER BY {} DESC LIMIT {limit} OFFSET {offset}",
        terms.sql(),
        order(filter.server.as_deref())
    );
    (sql, terms)
}

/// The terms of a filter and their values.
fn terms(project: i64, filter: &PhoneFilter) -> Terms {
    let mut terms = Terms::default();
    terms.require("d.project = ?", project);
    terms.require_that("d.kind = 'phone'");
    if let Some(server) = &filter.server {
        terms.require("d.server = ?", server.clone());
    }
    if let Some(name) = &filter.name {
        terms.require("strpos(lower(d.name), ?) > 0", name.to_ascii_lowercase());
    }
    if !filter.conditions.is_empty() {
        let names: Vec<&str> = filter.conditions.iter().map(|condition| condition.name()).collect();
        terms.require(&of_state("s.condition = ANY(?)"), names);
    }
    if let Some(frozen) = filter.frozen {
        terms.require(&of_state("s.frozen = ?"), frozen);
    }
    terms
}

/// See [`crate::Reads::makes`]. Phones that have said none of it are of no make.
pub(in crate::postgres) async fn makes(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Vec<Make>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT said.model, said.release, said.build, said.fingerprint, count(*) AS devices
         FROM device AS d
             CROSS JOIN LATERAL (
                 SELECT facts FROM device_facts WHERE device = d.key OFFSET 0) AS f
             CROSS JOIN json_to_record(f.facts::json) AS said (
                 model text COLLATE \"C\", release text COLLATE \"C\", build text COLLATE \"C\",
                 fingerprint text COLLATE \"C\")
         WHERE d.project = $1 AND d.kind = 'phone'
             AND coalesce(said.model, said.release, said.build, said.fingerprint) IS NOT NULL
         GROUP BY said.model, said.release, said.build, said.fingerprint
         ORDER BY devices DESC, said.model NULLS FIRST, said.release NULLS FIRST,
             said.build NULLS FIRST, said.fingerprint NULLS FIRST
         LIMIT $2";
    let params = [&project.key.0 as _, &i64::from(MAKES_MAX) as _];
    c.all("list the makes", sql, &params, rows::make).await
}

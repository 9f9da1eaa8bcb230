//! Organizations, by path and by id.

use fleet::{Organization, OrganizationId, Principal, ProjectId};
use rusqlite::{Connection, Row, params};

use super::{all, count, first, projects, sql_count};
use crate::columns::damaged;
use crate::rows::organizations::{ORGANIZATION_COLUMNS, organization};
use crate::{Counted, Error};

/// How many organizations a project has.
pub(in crate::sqlite) const COUNT: &str = "SELECT count(*) FROM organization WHERE project = ?1";

/// A page of a project's organizations.
pub(in crate::sqlite) fn page_sql() -> String {
    format!(
        "SELECT {ORGANIZATION_COLUMNS} FROM organization AS o WHERE o.project = ?1
         ORDER BY o.path LIMIT ?2 OFFSET ?3"
    )
}

/// See [`crate::Reads::organizations`].
pub(in crate::sqlite) fn organizations(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: Option<&[OrganizationId]>,
    (offset, limit): (u64, u32),
) -> Result<Counted<Organization>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let project = project.key.0;
    let Some(ids) = ids else {
        let total = count(connection, "count the organizations", COUNT, [project])?;
        let params = params![project, limit, sql_count(offset)];
        let items = all(connection, "list the organizations", &page_sql(), params, present)?;
        return Ok(Counted { items, total });
    };
    let found = named(connection, project, ids)?;
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let items = found.into_iter().skip(skipped).take(limit).collect();
    Ok(Counted { items, total })
}

/// The organizations of these ids, those that exist.
fn named(
    connection: &Connection,
    project: i64,
    ids: &[OrganizationId],
) -> Result<Vec<Organization>, Error> {
    let sql = format!(
        "SELECT {ORGANIZATION_COLUMNS} FROM organization AS o WHERE o.project = ?1 AND o.id = ?2"
    );
    let find = |id: &OrganizationId| {
        let params = params![project, id.as_str()];
        first(connection, "find an organization", &sql, params, present)
    };
    ids.iter().filter_map(|id| find(id).transpose()).collect()
}

/// A row that is an organization's own.
fn present(row: &Row<'_>) -> Result<Organization, Error> {
    organization(row)?.ok_or_else(|| damaged("organization_id", "it is null"))
}

//! Organizations, by path and by id.

use fleet::{Organization, OrganizationId, Principal, ProjectId};
use tokio_postgres::Row;

use super::{counted, nothing, projects, sql_count};
use crate::columns::damaged;
use crate::postgres::connection::Connection;
use crate::postgres::rows::asked;
use crate::rows::organizations::{ORGANIZATION_COLUMNS, organization};
use crate::{Counted, Error};

/// How many organizations a project has.
const COUNT: &str = "SELECT count(*) FROM organization WHERE project = $1";

/// A page of a project's organizations.
fn page_sql() -> String {
    format!(
        "SELECT {ORGANIZATION_COLUMNS} FROM organization AS o WHERE o.project = $1
         ORDER BY o.path LIMIT $2 OFFSET $3"
    )
}

/// See [`crate::Reads::organizations`].
pub(in crate::postgres) async fn organizations(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: Option<&[OrganizationId]>,
    (offset, limit): (u64, u32),
) -> Result<Counted<Organization>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let project = project.key.0;
    let Some(ids) = ids else {
        let (limit, offset) = (i64::from(limit), sql_count(offset));
        let page = page_sql();
        let page = (page.as_str(), &[&project as _, &limit as _, &offset as _][..]);
        return counted(c, "list the organizations", (COUNT, &[&project]), page, present).await;
    };
    let found = named(c, project, ids).await?;
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let items = found.into_iter().skip(skipped).take(limit).collect();
    Ok(Counted { items, total })
}

/// The organizations of these ids, those that exist.
async fn named(
    c: &Connection,
    project: i64,
    ids: &[OrganizationId],
) -> Result<Vec<Organization>, Error> {
    let asked = asked("$2::text[]");
    let sql = format!(
        "SELECT {ORGANIZATION_COLUMNS}
         FROM {asked} JOIN organization AS o ON o.project = $1 AND o.id = asked.key
         ORDER BY asked.place"
    );
    let ids: Vec<&str> = ids.iter().map(OrganizationId::as_str).collect();
    c.all("find organizations", &sql, &[&project, &ids], present).await
}

/// A row that is an organization's own.
fn present(row: &Row) -> Result<Organization, Error> {
    organization(row)?.ok_or_else(|| damaged("organization_id", "it is null"))
}

//! GB devices as answers to ISS show them: by id, and as pages of a list.

use fleet::{DeviceId, Principal, ProjectId};
use rusqlite::{Connection, params};

use super::{all, count, projects, sql_count};
use crate::rows::cameras::{BINDING_COLUMNS, CHANNEL_COUNT, REGISTRANT_COLUMNS, camera_listing};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::sqlite::rows::During;
use crate::{CameraListing, Counted, Error};

/// What [`camera_listing`] reads of `camera AS k`, which is joined to `device AS d` and to
/// `project AS p`. What is desired and reported is no part of it.
fn columns() -> String {
    format!(
        "d.name, k.record, {REGISTRANT_COLUMNS}, {CHANNEL_COUNT}, {BINDING_COLUMNS},
             {ORGANIZATION_COLUMNS}"
    )
}

/// What is joined to a GB device's rows, where there is any.
const JOINS: &str = "LEFT JOIN binding AS b ON b.device = k.device
             LEFT JOIN organization AS o ON o.key = k.organization";

/// The GB device of an id in a project.
pub(in crate::sqlite) fn named_sql() -> String {
    let columns = columns();
    format!(
        "SELECT {columns}
         FROM device AS d CROSS JOIN camera AS k ON k.device = d.key
             CROSS JOIN project AS p ON p.key = d.project
             {JOINS}
         WHERE d.id = ?1 AND d.project = ?2"
    )
}

/// See [`crate::Reads::cameras_named`]. One statement, bound anew for each id.
pub(in crate::sqlite) fn cameras_named(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<CameraListing>>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let operation = "find GB devices by their ids";
    let mut statement = connection.prepare_cached(&named_sql()).during(operation)?;
    let mut find = |id: &DeviceId| {
        let mut rows = statement.query(params![id.as_str(), project.key.0]).during(operation)?;
        rows.next().during(operation)?.map(camera_listing).transpose()
    };
    ids.iter().map(&mut find).collect()
}

/// How many GB devices a project has.
pub(in crate::sqlite) const COUNT: &str =
    "SELECT count(*) FROM device WHERE project = ?1 AND kind = 'camera'";

/// A page of a project's GB devices. What is skipped is skipped in the index, before anything is
/// joined to it.
pub(in crate::sqlite) fn page_sql() -> String {
    let columns = columns();
    format!(
        "SELECT {columns}
         FROM (SELECT key FROM device WHERE project = ?1 AND kind = 'camera'
                   ORDER BY key LIMIT ?2 OFFSET ?3) AS page
             CROSS JOIN device AS d ON d.key = page.key
             CROSS JOIN camera AS k ON k.device = d.key
             CROSS JOIN project AS p ON p.key = d.project
             {JOINS}
         ORDER BY page.key"
    )
}

/// See [`crate::Reads::cameras`]. Keys grow with time, so the oldest have the lowest.
pub(in crate::sqlite) fn cameras(
    connection: &Connection,
    principal: &Principal,
    project: &ProjectId,
    offset: u64,
    limit: u32,
) -> Result<Counted<CameraListing>, Error> {
    let Some(project) = projects::project(connection, principal, project)? else {
        return Ok(Counted { items: Vec::new(), total: 0 });
    };
    let total = count(connection, "count the GB devices", COUNT, [project.key.0])?;
    let params = params![project.key.0, limit, sql_count(offset)];
    let items =
        all(connection, "list the GB devices", &page_sql(), params, |row| camera_listing(row))?;
    Ok(Counted { items, total })
}

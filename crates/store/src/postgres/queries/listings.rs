//! GB devices as answers to ISS show them: by id, and as pages of a list.

use fleet::{DeviceId, Principal, ProjectId};

use super::{counted, in_order, nothing, place, projects, sql_count};
use crate::postgres::connection::Connection;
use crate::postgres::rows::{asked, page};
use crate::rows::cameras::{BINDING_COLUMNS, CHANNEL_COUNT, REGISTRANT_COLUMNS, camera_listing};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::{CameraListing, Counted, Error};

/// What [`camera_listing`] reads of `camera AS k`, which is joined to `device AS d` and to
/// `project AS p`. What is desired and reported is no part of it.
fn columns() -> String {
    format!(
        "d.name, k.record, {REGISTRANT_COLUMNS}, {CHANNEL_COUNT}, {BINDING_COLUMNS},
             {ORGANIZATION_COLUMNS}"
    )
}

/// What is joined to `device AS d`.
const JOINS: &str = "JOIN camera AS k ON k.device = d.key
             JOIN project AS p ON p.key = d.project
             LEFT JOIN binding AS b ON b.device = k.device
             LEFT JOIN organization AS o ON o.key = k.organization";

/// The GB devices of these ids in a project.
fn named_sql() -> String {
    let (columns, asked) = (columns(), asked("$1::text[]"));
    format!(
        "SELECT asked.place, {columns}
         FROM {asked} JOIN device AS d ON d.id = asked.key AND d.project = $2 {JOINS}"
    )
}

/// See [`crate::Reads::cameras_named`].
pub(in crate::postgres) async fn cameras_named(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<CameraListing>>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let asked: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    let params = [&asked as _, &project.key.0 as _];
    let read = |row: &_| Ok((place(row)?, camera_listing(row)?));
    let found = c.all("find GB devices by their ids", &named_sql(), &params, read).await?;
    Ok(in_order(ids.len(), found))
}

/// How many GB devices a project has.
const COUNT: &str = "SELECT count(*) FROM device WHERE project = $1 AND kind = 'camera'";

/// A page of a project's GB devices.
fn page_sql() -> String {
    let columns = columns();
    let page = page(
        "SELECT key FROM device WHERE project = $1 AND kind = 'camera'
         ORDER BY key LIMIT $2 OFFSET $3",
    );
    format!(
        "SELECT {columns} FROM {page} JOIN device AS d ON d.key = page.key {JOINS}
         ORDER BY page.place"
    )
}

/// See [`crate::Reads::cameras`]. Keys grow with time, so the oldest have the lowest.
pub(in crate::postgres) async fn cameras(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    offset: u64,
    limit: u32,
) -> Result<Counted<CameraListing>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(nothing());
    };
    let project = project.key.0;
    let (limit, offset, page) = (i64::from(limit), sql_count(offset), page_sql());
    let page = (page.as_str(), &[&project as _, &limit as _, &offset as _][..]);
    counted(c, "list the GB devices", (COUNT, &[&project]), page, camera_listing).await
}

//! Devices: one, a page, and what accepting an update needs of many.

use std::collections::HashSet;

use fleet::{Device, DeviceId, DeviceKey, Principal, ProjectId, ProjectKey};

use super::{Terms, bound, channels, in_order, is_storable, place, projects};
use crate::postgres::connection::Connection;
use crate::postgres::rows::{asked, select_devices_with_state};
use crate::rows::{self, DEVICE_COLUMNS, accept_target};
use crate::{AcceptTarget, DeviceFilter, DeviceWithState, Error, Page};

/// Devices with the same id that are shown at most.
const SAME_ID_MAX: u32 = 16;

/// The devices of these ids in a project.
fn targets_sql() -> String {
    let asked = asked("$1::text[]");
    format!(
        "SELECT d.key, d.kind, d.profile, d.server, asked.place
         FROM {asked} JOIN device AS d ON d.id = asked.key AND d.project = $2"
    )
}

/// See [`crate::Reads::accept_targets`]. Only an id that no device has, and that has the form of a
/// channel's, is looked for among channels.
pub(in crate::postgres) async fn accept_targets(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<AcceptTarget>>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let asked: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    let params = [&asked as _, &project.key.0 as _];
    let found = c
        .all("find the devices of an update", &targets_sql(), &params, |row| {
            Ok((place(row)?, accept_target(row, &project, None)?))
        })
        .await?;
    let mut targets = in_order(ids.len(), found);
    let missing = ids.iter().enumerate().zip(&targets);
    let missing: Vec<(usize, &DeviceId)> =
        missing.filter_map(|(asked, target)| target.is_none().then_some(asked)).collect();
    for (place, target) in channels::targets(c, &project, &missing).await? {
        if let Some(slot) = targets.get_mut(place) {
            *slot = Some(target);
        }
    }
    Ok(targets)
}

/// See [`crate::Reads::device`].
pub(in crate::postgres) async fn device(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    id: &DeviceId,
) -> Result<Vec<DeviceWithState>, Error> {
    let sql = select_devices_with_state(&format!(
        "SELECT d.key FROM device AS d JOIN project AS p ON p.key = d.project
         WHERE d.id = $1 AND ($2::bigint[] IS NULL OR d.project = ANY($2))
             AND ($3::text IS NULL OR p.id = $3)
         ORDER BY d.project LIMIT {SAME_ID_MAX}"
    ));
    let (id, bound, project) = (id.as_str(), bound(principal), project.map(ProjectId::as_str));
    let params = [&id as _, &bound as _, &project as _];
    c.all("read a device", &sql, &params, rows::device_with_state).await
}

/// A term about the state `device_state AS s` of `device AS d`. `OFFSET 0` keeps the planner from
/// joining the two, for which it would read all states: devices are walked in their order until the
/// page is full, and the state of each is looked up.
pub(super) fn of_state(term: &str) -> String {
    format!("EXISTS (SELECT 1 FROM device_state AS s WHERE s.device = d.key AND {term} OFFSET 0)")
}

/// What orders `device AS d` by key. Those of one server are few: all of them are read and sorted,
/// for in the order of an index over keys most of what is read would be of other servers.
pub(super) fn order(server: Option<&str>) -> &'static str {
    if server.is_some() { "d.key + 0" } else { "d.key" }
}

/// The keys of a page of devices: the statement and its values.
fn page_sql(seen: Option<&[ProjectKey]>, filter: &DeviceFilter, page: Page) -> (String, Terms) {
    let mut terms = Terms::default();
    terms.require("d.key > ?", page.after.0);
    match seen {
        None => {}
        Some([project]) => terms.require("d.project = ?", project.0),
        Some(several) => {
            let keys: Vec<i64> = several.iter().map(|project| project.0).collect();
            terms.require("d.project = ANY(?)", keys);
        }
    }
    if let Some(server) = &filter.server {
        terms.require("d.server = ?", server.clone());
    }
    if let Some(kind) = filter.kind {
        // Not given as a value: the indexes over one kind's devices serve only their own words.
        terms.require_that(&format!("d.kind = '{}'", kind.name()));
    }
    if let Some(condition) = filter.condition {
        terms.require(&of_state("s.condition = ?"), condition.name());
    }
    let limit = terms.value(i64::from(page.limit));
    let sql = format!(
        "SELECT d.key FROM device AS d WHERE {} ORDER BY {} LIMIT {limit}",
        terms.sql(),
        order(filter.server.as_deref())
    );
    (sql, terms)
}

/// See [`crate::Reads::devices`].
pub(in crate::postgres) async fn devices(
    c: &Connection,
    principal: &Principal,
    filter: &DeviceFilter,
    page: Page,
) -> Result<Vec<DeviceWithState>, Error> {
    if filter.server.as_deref().is_some_and(|server| !is_storable(server)) {
        return Ok(Vec::new());
    }
    let mut seen = principal.projects().map(<[_]>::to_vec);
    if let Some(id) = &filter.project {
        match projects::project(c, principal, id).await? {
            Some(found) => seen = Some(vec![found.key]),
            None => return Ok(Vec::new()),
        }
    }
    let (keys, terms) = page_sql(seen.as_deref(), filter, page);
    let sql = select_devices_with_state(&keys);
    c.all("list the devices", &sql, &terms.params(), rows::device_with_state).await
}

/// See [`crate::Reads::records`].
pub(in crate::postgres) async fn records(
    c: &Connection,
    keys: &[DeviceKey],
) -> Result<Vec<Device>, Error> {
    let asked = asked("$1::bigint[]");
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM {asked} JOIN device AS d ON d.key = asked.key
             JOIN project AS p ON p.key = d.project
         ORDER BY asked.place"
    );
    let mut keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
    keys.sort_unstable();
    keys.dedup();
    c.all("read devices' records", &sql, &[&keys], rows::device).await
}

/// See [`crate::Reads::device_by_marker`].
pub(in crate::postgres) async fn device_by_marker(
    c: &Connection,
    marker: &str,
) -> Result<Option<Device>, Error> {
    if !is_storable(marker) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM device AS d JOIN project AS p ON p.key = d.project
         WHERE d.marker = $1 ORDER BY d.key LIMIT 1"
    );
    c.first("find a marker's device", &sql, &[&marker], rows::device).await
}

/// See [`crate::Reads::devices_at`]. Ordered by address as asked, then by key.
pub(in crate::postgres) async fn devices_at(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    addresses: &[String],
) -> Result<Vec<Device>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(Vec::new());
    };
    let asked = asked("$1::text[]");
    let sql = format!(
        "SELECT {DEVICE_COLUMNS}
         FROM {asked} JOIN device AS d ON d.address = asked.key AND d.project = $2
             JOIN project AS p ON p.key = d.project
         ORDER BY asked.place, d.key"
    );
    let mut seen = HashSet::new();
    let addresses = addresses.iter().filter(|address| is_storable(address));
    let addresses: Vec<&String> = addresses.filter(|address| seen.insert(*address)).collect();
    let params = [&addresses as _, &project.key.0 as _];
    c.all("find the devices at addresses", &sql, &params, rows::device).await
}

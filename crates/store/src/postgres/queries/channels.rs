//! Channels of GB devices: of one device, and by their own ids.

use std::collections::HashMap;

use fleet::{Channel, DeviceId, DeviceKey, Principal, Project, ProjectId};

use super::{bound, is_storable, place, projects};
use crate::gb_ids::is_gb_id;
use crate::postgres::connection::Connection;
use crate::postgres::rows::asked;
use crate::rows::accept_target;
use crate::rows::cameras::{self, CHANNEL_COLUMNS};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::{AcceptTarget, Error};

/// See [`crate::Reads::channels`].
pub(in crate::postgres) async fn channels(
    c: &Connection,
    principal: &Principal,
    device: DeviceKey,
    after: &str,
    limit: u32,
) -> Result<Vec<Channel>, Error> {
    if !is_storable(after) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {CHANNEL_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM camera AS k JOIN channel AS c ON c.device = k.device
             LEFT JOIN organization AS o ON o.key = c.organization
         WHERE k.device = $1 AND ($2::bigint[] IS NULL OR k.project = ANY($2)) AND c.id > $3
         ORDER BY c.id LIMIT $4"
    );
    let (bound, limit) = (bound(principal), i64::from(limit));
    let params = [&device.0 as _, &bound as _, &after as _, &limit as _];
    c.all("list the channels of a device", &sql, &params, cameras::channel).await
}

/// The channels of these ids in a project: of each id two at most, for of two none is the one that
/// is meant.
fn named_sql() -> String {
    let asked = asked("$1::text[]");
    format!(
        "SELECT asked.place, {CHANNEL_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM {asked} CROSS JOIN LATERAL (
                 SELECT channel.* FROM channel JOIN camera AS k ON k.device = channel.device
                 WHERE channel.id = asked.key AND k.project = $2 LIMIT 2) AS c
             LEFT JOIN organization AS o ON o.key = c.organization"
    )
}

/// See [`crate::Reads::channels_named`].
pub(in crate::postgres) async fn channels_named(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
    ids: &[DeviceId],
) -> Result<Vec<Option<Channel>>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(ids.iter().map(|_| None).collect());
    };
    let asked: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    let found = c
        .all("find channels by their ids", &named_sql(), &[&asked, &project.key.0], |row| {
            Ok((place(row)?, cameras::channel(row)?))
        })
        .await?;
    let mut of_id: HashMap<i64, Option<Channel>> = HashMap::new();
    for (place, channel) in found {
        of_id.entry(place).and_modify(|found| *found = None).or_insert(Some(channel));
    }
    Ok((1..).zip(ids).map(|(place, _)| of_id.remove(&place).flatten()).collect())
}

/// The GB devices that have the channels of these ids, where exactly one of a project has.
fn owners_sql() -> String {
    let asked = asked("$1::text[]");
    format!(
        "SELECT d.key, d.kind, d.profile, d.server, asked.place
         FROM {asked} CROSS JOIN LATERAL (
                 SELECT min(device) AS device FROM (
                     SELECT channel.device
                     FROM channel JOIN camera AS k ON k.device = channel.device
                     WHERE channel.id = asked.key AND k.project = $2 LIMIT 2) AS owner
                 HAVING count(*) = 1) AS owner
             JOIN device AS d ON d.key = owner.device"
    )
}

/// What accepting needs to know of the GB devices that have the channels of these ids, by the ids'
/// places. An id of another form names no channel, and is not looked for.
pub(super) async fn targets(
    c: &Connection,
    project: &Project,
    ids: &[(usize, &DeviceId)],
) -> Result<Vec<(usize, AcceptTarget)>, Error> {
    let ids: Vec<(usize, &DeviceId)> = ids.iter().copied().filter(|(_, id)| is_gb_id(id)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<&str> = ids.iter().map(|(_, id)| id.as_str()).collect();
    let params = [&asked as _, &project.key.0 as _];
    let found = c
        .all("find the devices of channels", &owners_sql(), &params, |row| {
            let asked = usize::try_from(place(row)? - 1).ok().and_then(|place| ids.get(place));
            asked
                .map(|(place, id)| Ok((*place, accept_target(row, project, Some(id))?)))
                .transpose()
        })
        .await?;
    Ok(found.into_iter().flatten().collect())
}

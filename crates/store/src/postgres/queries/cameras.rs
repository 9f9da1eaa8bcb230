//! GB devices, as the registrar and the driver ask for them: who may register, where each is.

use fleet::{DeviceId, DeviceKey, Principal, ProjectId};

use super::{NOW, in_order, place, projects};
use crate::postgres::connection::Connection;
use crate::postgres::rows::{asked, page};
use crate::rows::cameras::{self, BINDING_COLUMNS, REGISTRANT_COLUMNS};
use crate::{CameraWork, CredentialsCounts, Error, SealedRegistrant, StoredBinding};

/// The GB devices of these ids.
fn registrants_sql() -> String {
    let asked = asked("$1::text[]");
    format!(
        "SELECT asked.place, {REGISTRANT_COLUMNS}
         FROM {asked} JOIN device AS d ON d.kind = 'camera' AND d.id = asked.key
             JOIN camera AS k ON k.device = d.key
             JOIN project AS p ON p.key = k.project"
    )
}

/// See [`crate::Reads::registrants`].
pub(in crate::postgres) async fn registrants(
    c: &Connection,
    ids: &[DeviceId],
) -> Result<Vec<Option<SealedRegistrant>>, Error> {
    let asked: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    let found = c
        .all("find who may register", &registrants_sql(), &[&asked], |row| {
            Ok((place(row)?, cameras::registrant(row)?))
        })
        .await?;
    Ok(in_order(ids.len(), found))
}

/// See [`crate::Reads::bindings`].
pub(in crate::postgres) async fn bindings(
    c: &Connection,
    after: DeviceKey,
    limit: u32,
) -> Result<Vec<StoredBinding>, Error> {
    let page = page(
        "SELECT device FROM binding WHERE device > $1 AND ended_at IS NULL
         ORDER BY device LIMIT $2",
    );
    let sql = format!(
        "SELECT {BINDING_COLUMNS}, b.session AS bound_to, d.id, k.surveyed_at
         FROM {page} JOIN binding AS b ON b.device = page.key
             JOIN device AS d ON d.key = b.device
             JOIN camera AS k ON k.device = b.device
         ORDER BY page.place"
    );
    let limit = i64::from(limit);
    c.all("list the bindings", &sql, &[&after.0, &limit], cameras::stored_binding).await
}

/// See [`crate::Reads::camera`].
pub(in crate::postgres) async fn camera(
    c: &Connection,
    device: DeviceKey,
) -> Result<Option<CameraWork>, Error> {
    let sql = format!(
        "SELECT {REGISTRANT_COLUMNS}, {BINDING_COLUMNS}, b.session AS bound_to, k.push,
             k.surveyed_at, k.credentials_at,
             (SELECT facts FROM device_facts WHERE device = k.device) AS facts
         FROM camera AS k JOIN device AS d ON d.key = k.device
             JOIN project AS p ON p.key = k.project
             LEFT JOIN binding AS b ON b.device = k.device
         WHERE k.device = $1"
    );
    c.first("read a GB device", &sql, &[&device.0], cameras::camera_work).await
}

/// With which credentials the GB devices of a project are registered.
fn credentials_counts_sql() -> String {
    let from = "camera AS k LEFT JOIN binding AS b ON b.device = k.device
               WHERE k.project = $1";
    cameras::credentials_counts_sql(from, NOW)
}

/// See [`crate::Reads::credentials_counts`].
pub(in crate::postgres) async fn credentials_counts(
    c: &Connection,
    principal: &Principal,
    project: &ProjectId,
) -> Result<Option<CredentialsCounts>, Error> {
    let Some(project) = projects::project(c, principal, project).await? else {
        return Ok(None);
    };
    let (sql, key) = (credentials_counts_sql(), project.key.0);
    c.first("count credentials in use", &sql, &[&key], cameras::credentials_counts).await
}

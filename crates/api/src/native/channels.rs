//! The channels of a GB device: our names for them, and what its catalog says of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::catalogue::DESCRIPTION;
use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{DeviceId, Kind, ProjectId, ReportedChannel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices;
use super::exchange::{FromPath, FromQuery};
use super::organizations::Filed;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Channels in a page unless told otherwise.
const LIMIT_DEFAULT: u32 = 100;

/// One page of a device's channels.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Channels {
    /// The channels, by id.
    channels: Vec<Channel>,
    /// What to give as `after` for the next page; null on the last.
    #[schema(value_type = Option<String>)]
    next: Option<DeviceId>,
}

/// A channel of a GB device. What the device's catalog did not say is null.
#[derive(Debug, Serialize, ToSchema)]
struct Channel {
    /// Its id.
    #[schema(value_type = String, example = "34020000001310000001")]
    id: DeviceId,
    /// The operator's name for it; null until it is given one.
    name: Option<String>,
    /// What the operator says of it.
    description: Option<String>,
    /// Where it is filed; null if nowhere.
    organization: Option<Filed>,
    /// The device's name for it.
    reported_name: Option<String>,
    /// Who made it.
    manufacturer: Option<String>,
    /// Its model.
    model: Option<String>,
    /// `ON` or `OFF`.
    status: Option<String>,
    /// The id of what it belongs to.
    parent: Option<String>,
    /// Its administrative division.
    civil_code: Option<String>,
    /// Where it hangs.
    address: Option<String>,
    /// When the catalog last named it; null if it never did.
    #[schema(format = DateTime)]
    seen_at: Option<String>,
    /// How many whole catalogs in a row have not named it.
    missed: u32,
}

impl From<fleet::Channel> for Channel {
    fn from(channel: fleet::Channel) -> Self {
        let reported = channel.reported.unwrap_or_default();
        let ReportedChannel { name, manufacturer, model, status, parent, civil_code, address } =
            reported;
        let said = |text: String| (!text.is_empty()).then_some(text);
        Self {
            id: channel.id,
            name: channel.name,
            description: channel.record.get(DESCRIPTION).cloned(),
            organization: channel.organization.map(Filed::from),
            reported_name: said(name),
            manufacturer: said(manufacturer),
            model: said(model),
            status: said(status),
            parent: said(parent),
            civil_code: said(civil_code),
            address: said(address),
            seen_at: channel.seen_at.map(|at| at.to_string()),
            missed: channel.missed,
        }
    }
}

/// Which channels to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The device's project. Needed only where its id exists in several.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// The page after this one: `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<DeviceId>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Lists the channels of a GB device, by id.
#[utoipa::path(
    get,
    path = "/devices/{id}/channels",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The device's id"), ListQuery),
    responses(
        (status = 200, description = "One page", body = Channels),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn list_channels(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(ListQuery { project, after, limit }): FromQuery<ListQuery>,
) -> Result<Json<Channels>, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=DEVICES_PER_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit must be 1 to {DEVICES_PER_PAGE_MAX}")));
    }
    let device = devices::find(&native, &principal, project.as_ref(), &id).await?.device;
    devices::check_kind(&device, Kind::Camera, "only a camera has channels")?;
    let after = after.as_ref().map_or("", DeviceId::as_str);
    let reads = native.handle.reads();
    // One more than asked for shows whether there is a next page.
    let mut found = reads.channels(&principal, device.key, after, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let last = found.last().map(|channel| channel.id.clone());
    Ok(Json(Channels {
        channels: found.into_iter().map(Channel::from).collect(),
        next: last.filter(|_| has_next),
    }))
}

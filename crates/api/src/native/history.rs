//! The history of a device: what was asked of it, by whom, and what there was before.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Before, DeviceId, JobId, ProjectId, RequestId, Revision};
use serde::{Deserialize, Serialize};
use store::JobWithDevice;
use utoipa::ToSchema;

use super::asker::Asker;
use super::exchange::{FromPath, FromQuery};
use super::token::Caller;
use super::{Native, Problem, devices, openapi, pages};

/// One page of a device's history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// What was asked of it, newest first.
    changes: Vec<Change>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// What one update asked of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceChange)]
struct Change {
    /// The revision that what is asked of the device got from it: what a revert goes back to.
    #[schema(value_type = i64)]
    revision: Revision,
    /// The update; one of a wave where it goes through its devices in waves.
    #[schema(value_type = String)]
    update: RequestId,
    /// The device's job.
    #[schema(value_type = String)]
    job: JobId,
    /// Who asked, and what became of it.
    #[serde(flatten)]
    asker: Asker,
    /// The values that it asked for, what went on record with it, and what a factory reset made
    /// forgotten, each with what there was before.
    values: Vec<ChangedValue>,
}

/// A value that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedValue {
    /// The property.
    name: String,
    /// The value. Of a camera's new password, `Pwd`, no more than `changed`. Null for one that was
    /// forgotten: a factory reset has made an end of it.
    to: Option<String>,
    /// What was asked of the device, or on record of it, before; null for nothing, and of what was
    /// asked for before this was kept.
    desired_before: Option<String>,
    /// What it had last shown then; null for nothing.
    shown_before: Option<String>,
    /// Of a name, what it was on record before; left out of all else, and where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_before: Option<String>,
}

/// Which page of a device's history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The device of this project. Needed only where the id exists in several.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Lists what was asked of a device, newest first, by whichever API it came.
#[utoipa::path(
    get,
    path = "/devices/{id}/history",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The device's id"), HistoryQuery),
    responses(
        (status = 200, description = "One page", body = History),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn device_history(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(HistoryQuery { project, after, limit }): FromQuery<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let limit = pages::limit(limit)?;
    let from = pages::place(after.as_deref())?;
    let device = devices::find(&native, &principal, project.as_ref(), &id).await?.device;
    // One more than asked for shows whether there is a next page.
    let reads = native.handle.reads();
    let mut found = reads.history(&principal, device.key, from, limit + 1).await?.jobs;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.get(asked).map(|next| next.job.id.to_string());
    found.truncate(asked);
    let is_running = native.handle.is_running(device.key);
    let rollouts = native.handle.rollouts_of(&found).await?;
    let changes = found.into_iter().map(|found| {
        let rollout = rollouts.get(&found.job.id.request()).copied();
        Change::of(found, rollout, is_running)
    });
    Ok(Json(History { changes: changes.collect(), next }))
}

impl Change {
    /// What a job asked for, as it is shown: see [`super::jobs::Job::of`].
    fn of(found: JobWithDevice, rollout: Option<RequestId>, is_running: bool) -> Self {
        let JobWithDevice { job, trouble, .. } = found;
        let state = job.state(trouble.is_some(), is_running);
        let asker = Asker::of(&job, rollout, state);
        let forgotten: Vec<String> = job.forgotten().cloned().collect();
        let forgotten = forgotten.into_iter().map(|name| (name, None));
        let mut before = job.before;
        let asked = job.patch.into_iter().chain(job.record).map(|(name, to)| (name, Some(to)));
        let values = asked.chain(forgotten).map(|(name, to)| {
            let Before { desired, shown, name: on_record, given: _ } =
                before.remove(&name).unwrap_or_default();
            ChangedValue {
                name,
                to,
                desired_before: desired,
                shown_before: shown,
                name_before: on_record,
            }
        });
        Self {
            revision: job.revision,
            update: job.id.request(),
            job: job.id,
            asker,
            values: values.collect(),
        }
    }
}

//! Jobs: one device's part of an update, with the truth about it. (A vendor's door may have told
//! its client of a success earlier, as that vendor's documents want it.)

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{DeviceId, JobId, ProjectId, RequestId, Revision, Values};
use serde::Serialize;
use store::JobWithDevice;
use utoipa::ToSchema;

use super::asker::Asker;
use super::exchange::FromPath;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Job {
    /// Its id.
    #[schema(value_type = String)]
    id: JobId,
    /// The update that it belongs to, or a wave of one: CPH's request_id.
    #[schema(value_type = String)]
    request: RequestId,
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its device's id.
    #[schema(value_type = String)]
    device: DeviceId,
    /// The values asked for.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    patch: Values,
    /// What went on record with it, by property: records of ours alone, which hold since it was
    /// accepted. Of a camera's new password, `Pwd`, it says no more than `changed`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    record: Values,
    /// The revision that what is asked of the device got from it.
    #[schema(value_type = i64)]
    revision: Revision,
    /// Whether the device was away when the call came, so that the values wait for it: a phone that
    /// was abnormal or stopped, a camera that was not registered.
    stored: bool,
    /// Who asked, and what became of it.
    #[serde(flatten)]
    asker: Asker,
    /// The later job whose values took the place of all of this one's, if one did. This job then
    /// ended as that one did.
    #[schema(value_type = Option<String>)]
    superseded_by: Option<JobId>,
}

/// Shows a job.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = "jobs",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The job's id: 32 hexadecimal digits")),
    responses(
        (status = 200, description = "The job", body = Job),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_job(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<String>,
) -> Result<Json<Job>, Problem> {
    let unknown = || Problem::not_found(format!("no such job: {id}"));
    let id: JobId = id.parse().map_err(|_| unknown())?;
    let found = native.handle.reads().job(&principal, id).await?.ok_or_else(unknown)?;
    let is_running = native.handle.is_running(found.job.device);
    let rollouts = native.handle.rollouts_of([&found]).await?;
    let rollout = rollouts.get(&found.job.id.request()).copied();
    Ok(Json(Job::of(found, rollout, is_running)))
}

impl Job {
    /// A job as it is shown. `rollout` is the update that its request is a wave of, if it is one;
    /// `is_running` says whether an action is in flight on its device.
    pub(super) fn of(found: JobWithDevice, rollout: Option<RequestId>, is_running: bool) -> Self {
        let JobWithDevice { job, device_id, project_id, trouble, .. } = found;
        let state = job.state(trouble.is_some(), is_running);
        let asker = Asker::of(&job, rollout, state).waiting(trouble);
        Self {
            id: job.id,
            request: job.id.request(),
            project: project_id,
            device: device_id,
            patch: job.patch,
            record: job.record,
            revision: job.revision,
            stored: job.stored,
            asker,
            superseded_by: job.end.and_then(|ended| ended.superseded_by),
        }
    }
}

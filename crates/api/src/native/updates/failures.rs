//! Why jobs of an update failed, and devices of it were refused, by reason.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{DeviceId, JobId, Operation, ProjectId};
use serde::Serialize;
use store::{FailureGroup, WhyNot};
use utoipa::ToSchema;

use super::create::DeviceRefusal;
use super::jobs::requests;
use super::{UPDATE_ID, unknown, update_id};
use crate::native::exchange::FromPath;
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi};

/// Why jobs of an update failed and devices of it were refused.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct UpdateFailures {
    /// The reasons, that of most first: at most 100.
    groups: Vec<Group>,
    /// Those of other reasons; null if that is all.
    other: Option<OtherFailures>,
    /// How many there are in all.
    total: u64,
}

/// Jobs that failed, or devices that were refused, for the same reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UpdateFailure)]
struct Group {
    /// The reason, for programs. Of jobs `deadline_passed`, `refused` (by the device itself),
    /// `read_back_differs`, `unsupported`, `needs_recreate`, `deleted`, `cancelled` or
    /// `power_failed`; of devices that were refused the codes of that.
    #[schema(example = "read_back_differs")]
    code: &'static str,
    /// Whether it is devices that were refused: they have no jobs.
    refused: bool,
    /// The reason, for people. Of a deadline that passed, without what differs from device to
    /// device.
    message: String,
    /// What to do about it, for the first of the devices; null where there is nothing to be said.
    what_to_do: Option<String>,
    /// How many jobs, or devices that were refused.
    count: u64,
    /// The first five of their devices, in the order in which they were imported.
    #[schema(value_type = Vec<String>)]
    devices: Vec<DeviceId>,
    /// The job of the first of them: `same_reason_as` of the update's jobs takes it, and lists
    /// those of this reason. Null of devices that were refused.
    #[schema(value_type = Option<String>)]
    job: Option<JobId>,
}

/// Failures that are not told by reason.
#[derive(Debug, Serialize, ToSchema)]
struct OtherFailures {
    /// For how many reasons.
    reasons: u64,
    /// How many there are.
    count: u64,
}

/// Tells why jobs of an update failed, by reason, over all of its waves. Of one in waves devices
/// that were refused are told as well; of any other the answer to its call named them.
#[utoipa::path(
    get,
    path = "/updates/{id}/failures",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The reasons", body = UpdateFailures),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(in crate::native) async fn update_failures(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateFailures>, Problem> {
    let id = update_id(&text)?;
    let reads = native.handle.reads();
    let rollout = reads.rollout(&principal, id).await?;
    let (project, restarts) = match &rollout {
        Some(rollout) => (rollout.project_id.clone(), rollout.operation == Operation::Restart),
        None => {
            let first = reads.jobs(&principal, &[id], 0, 1).await?.into_iter().next();
            (first.ok_or_else(|| unknown(&text))?.project_id, false)
        }
    };
    let requests = requests(reads, &principal, id, rollout.is_some()).await?;
    let rollout = rollout.map(|rollout| rollout.id);
    let found = reads.failures(&principal, &requests, rollout).await?;
    let told: u64 = found.groups.iter().map(|group| group.count).sum();
    let reasons = found.groups.len() as u64;
    let other = OtherFailures {
        reasons: found.reasons.saturating_sub(reasons),
        count: found.total.saturating_sub(told),
    };
    let groups = found.groups.into_iter().map(|group| Group::of(group, &project, restarts));
    Ok(Json(UpdateFailures {
        groups: groups.collect(),
        other: Some(other).filter(|other| other.count > 0),
        total: found.total,
    }))
}

impl Group {
    /// A group as it is shown, of an update of a project. To one that `restarts`, cameras do not
    /// exist.
    fn of(group: FailureGroup, project: &ProjectId, restarts: bool) -> Self {
        let FailureGroup { why, count, devices, job } = group;
        let first = devices.first();
        let what_to_do = first.and_then(|device| engine::what_to_do(&why, project, device));
        let refused = matches!(why, WhyNot::Refused(_));
        let (code, message) = match why {
            WhyNot::Failed(failure) => (failure.code(), failure.to_string()),
            WhyNot::Refused(refusal) => {
                let DeviceRefusal { code, detail, .. } = DeviceRefusal::of(refusal, restarts);
                (code, detail)
            }
        };
        Self { code, refused, message, what_to_do, count, devices, job }
    }
}

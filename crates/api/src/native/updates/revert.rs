//! Taking updates back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{Reverted, RevertedDevice};
use fleet::{DeviceId, JobId, Plan, RequestId, Revision, Values};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::create::BegunUpdate;
use super::plan::PlanBody;
use super::predict::{self, PredictedReversion};
use super::{UPDATE_ID, update_id};
use crate::native::devices::{self, ShowQuery};
use crate::native::exchange::{self, FromPath, FromQuery};
use crate::native::keyed::Call;
use crate::native::token::Caller;
use crate::native::{Native, Problem, objects, openapi};

/// How an update is taken back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct Revert {
    /// How that goes through the devices; all at once unless given.
    #[serde(default, deserialize_with = "objects::object_or_null")]
    rollout: Option<PlanBody>,
    /// Whether nothing is written, and the answer says what would come of each device.
    #[serde(default)]
    dry_run: bool,
    /// Of a dry run, the page after this one: `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Of a dry run, how many of the devices that the update has changed a page looks at: 1 to
    /// 1,000, which it is unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What a device is taken back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct RevertDevice {
    /// The revision whose values are asked for again: one of the device's history, or 0.
    #[schema(value_type = i64, minimum = 0)]
    to: Revision,
    /// Whether nothing is written, and the answer says what would come of the device.
    #[serde(default)]
    dry_run: bool,
}

/// What a revert leaves as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct LeftOut {
    /// The device.
    #[schema(value_type = String)]
    device: DeviceId,
    /// The property; null: all of the device.
    property: Option<String>,
    /// Why, in words.
    #[schema(value_type = String)]
    why: &'static str,
}

impl From<engine::LeftOut> for LeftOut {
    fn from(left: engine::LeftOut) -> Self {
        let property = Some(left.name).filter(|name| !name.is_empty());
        Self { device: left.device, property, why: left.why }
    }
}

/// What takes a device back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevertedDevice)]
pub(in crate::native) struct RevertedDeviceView {
    /// The update.
    #[schema(value_type = String)]
    id: RequestId,
    /// Its job.
    #[schema(value_type = String)]
    job: JobId,
    /// The values that are asked for again.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    set: Values,
    /// What stays as it is.
    left_out: Vec<LeftOut>,
}

/// What comes of taking an update back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::native) enum RevertOutcome {
    /// The update that takes it back: it has begun.
    Begun(BegunUpdate),
    /// Of a dry run: what would come of it.
    Predicted(PredictedReversion),
}

/// What comes of taking a device back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::native) enum RevertDeviceOutcome {
    /// The update that takes it back.
    Reverted(RevertedDeviceView),
    /// Of a dry run: what would come of it.
    Predicted(PredictedReversion),
}

/// For serde.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Takes an update back: each of its devices is asked for what was asked of it before, or else for
/// what it showed. It is an update of its own. Values that a later update has changed, values that
/// there were none of before, and passwords are left out, and named. A dry run says what would come
/// of it: nothing is written, and an update that is paused stays so.
#[utoipa::path(
    post,
    path = "/updates/{id}/revert",
    tag = "updates",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    request_body = Revert,
    responses(
        (status = 200, description = "What came of it, or would", body = RevertOutcome),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn revert_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(text): FromPath<String>,
    exchange::JsonOrNothing(body): exchange::JsonOrNothing<Revert>,
) -> Result<Json<RevertOutcome>, Problem> {
    let Revert { rollout, dry_run, after, limit } = body;
    let id = update_id(&text)?;
    let plan = rollout.map_or_else(|| Ok(Plan::all_at_once()), PlanBody::plan)?;
    let page = (after.as_deref(), limit);
    let handle = &native.handle;
    if dry_run {
        let (after, limit) = predict::place(page)?;
        let predicted = handle.dry_run_revert_update(&principal, id, &plan, after, limit).await?;
        return Ok(Json(RevertOutcome::Predicted(predicted.into())));
    }
    predict::no_page(page)?;
    let reverted = handle.revert_update(&principal, call, id, plan).await?;
    Ok(Json(RevertOutcome::Begun(begun(reverted))))
}

/// Takes a device back: it is asked again for the values that were asked of it at a revision. It is
/// an update of its own. A dry run says what would come of it, and nothing is written.
#[utoipa::path(
    post,
    path = "/devices/{id}/revert",
    tag = "devices",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The device's id"), ShowQuery),
    request_body = RevertDevice,
    responses(
        (status = 200, description = "What came of it, or would", body = RevertDeviceOutcome),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn revert_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    Call(call): Call,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(query): FromQuery<ShowQuery>,
    exchange::Json(RevertDevice { to, dry_run }): exchange::Json<RevertDevice>,
) -> Result<Json<RevertDeviceOutcome>, Problem> {
    let made = if dry_run { None } else { native.handle.first_job(&principal, call).await? };
    let project = match made {
        Some(made) => made.project_id,
        None => {
            let found = devices::find(&native, &principal, query.project.as_ref(), &id).await?;
            found.device.project_id
        }
    };
    if dry_run {
        let predicted = native.handle.dry_run_revert_device(&principal, &project, &id, to).await?;
        return Ok(Json(RevertDeviceOutcome::Predicted(predicted.into())));
    }
    let reverted = native.handle.revert_device(&principal, call, &project, &id, to).await?;
    let RevertedDevice { request, job, values, left_out } = reverted;
    Ok(Json(RevertDeviceOutcome::Reverted(RevertedDeviceView {
        id: request,
        job: job?,
        set: values,
        left_out: left_out.into_iter().map(LeftOut::from).collect(),
    })))
}

/// A revert as it is answered.
fn begun(reverted: Reverted) -> BegunUpdate {
    let Reverted { rollout, left_out, left_out_total } = reverted;
    BegunUpdate {
        id: rollout.id,
        devices: rollout.total,
        left_out: left_out.into_iter().map(LeftOut::from).collect(),
        left_out_total,
    }
}

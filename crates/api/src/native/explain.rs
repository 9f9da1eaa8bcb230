//! Why a device holds what it holds, and why something of it is not as it should be.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{ExplainedValue, Explanation};
use fleet::{Condition, DeviceId, JobId, Kind, ProjectId, RequestId, Revision, Timestamp};
use serde::{Deserialize, Serialize};
use store::JobWithDevice;
use utoipa::ToSchema;

use super::asker::Asker;
use super::device_view::ValueState;
use super::exchange::{FromPath, FromQuery};
use super::token::Caller;
use super::{Native, Problem, devices, openapi};

/// Why a device holds what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceExplanation {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its id.
    #[schema(value_type = String)]
    id: DeviceId,
    /// What it is: `phone` or `camera`.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// The operator's name for it.
    name: String,
    /// How it is doing, as a device shows it.
    #[schema(value_type = String, example = "running")]
    condition: Condition,
    /// The boot in which a phone was last seen; null if it never was.
    boot: Option<String>,
    /// What is not as it should be with the device as a whole; empty if nothing is.
    reasons: Vec<ReasonView>,
    /// What is asked of it and on record of it, what is not as it should be first; or the one
    /// property that was asked for.
    values: Vec<ValueExplanation>,
}

/// Why something is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonView {
    /// The reason, for programs.
    #[schema(example = "unreachable")]
    code: &'static str,
    /// The reason, for people.
    why: String,
    /// What to do about it.
    what_to_do: String,
}

impl From<engine::Reason> for ReasonView {
    fn from(reason: engine::Reason) -> Self {
        let engine::Reason { code, why, what_to_do } = reason;
        Self { code: code.name(), why, what_to_do }
    }
}

/// Why a device holds a value, or does not.
#[derive(Debug, Serialize, ToSchema)]
struct ValueExplanation {
    /// The property.
    name: String,
    /// Where it stands, as a device shows it; null if nothing is asked of it.
    state: Option<ValueState>,
    /// What is asked of the device, or on record of it; null for nothing, and of a camera's
    /// password, `Pwd`.
    desired: Option<String>,
    /// The revision that asked for it; null of what is on record.
    #[schema(value_type = Option<i64>)]
    revision: Option<Revision>,
    /// Who asked for it; null where that is not known.
    asked: Option<AskedBy>,
    /// Why it is not known who asked; null where it is.
    asked_unknown: Option<&'static str>,
    /// What there was before it; null where that is not known.
    before: Option<BeforeView>,
    /// What the device last showed; null if it never showed anything.
    shown: Option<ShownView>,
    /// Since when it waits for a restart to act; null if it does not.
    #[schema(format = DateTime)]
    restart_pending_since: Option<String>,
    /// How the device's profile sets it, reads it back and keeps it.
    #[schema(example = "set by setprop sys.a, read by getprop sys.a; survives restarts; acts at \
        once")]
    route: String,
    /// Why it is not as it should be; empty if it is.
    reasons: Vec<ReasonView>,
}

/// Which update asked for a value, and who.
#[derive(Debug, Serialize, ToSchema)]
struct AskedBy {
    /// The update; one of a wave where it goes through its devices in waves.
    #[schema(value_type = String)]
    update: RequestId,
    /// The device's job.
    #[schema(value_type = String)]
    job: JobId,
    /// Who asked, and what became of it.
    #[serde(flatten)]
    asker: Asker,
}

impl From<engine::AskedBy> for AskedBy {
    fn from(asked: engine::AskedBy) -> Self {
        let engine::AskedBy { job: JobWithDevice { job, .. }, rollout, state } = asked;
        let asker = Asker::of(&job, rollout, state);
        Self { update: job.id.request(), job: job.id, asker }
    }
}

/// What there was before a value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValueBefore)]
struct BeforeView {
    /// What was asked of the device, or on record; null for nothing.
    desired: Option<String>,
    /// What the device had last shown; null for nothing.
    shown: Option<String>,
}

/// What a device showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValueShown)]
struct ShownView {
    /// The value; null where it has none.
    value: Option<String>,
    /// When it was read.
    #[schema(format = DateTime)]
    at: String,
    /// How long ago that was.
    age_milliseconds: u64,
}

/// Which device, and what of it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// That of this project. Needed only where the id exists in several.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// This property alone, by its name or an alias.
    property: Option<String>,
}

/// Explains a device: of each value which update asked for it, who, by which API and when, what the
/// device showed and what there was before; and of what is not as it should be, why, and what to do
/// about it. Of one property alone if it is named.
#[utoipa::path(
    get,
    path = "/devices/{id}/explain",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = "The device's id"), ExplainQuery),
    responses(
        (status = 200, description = "The explanation", body = DeviceExplanation),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn explain_device(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(id): FromPath<DeviceId>,
    FromQuery(ExplainQuery { project, property }): FromQuery<ExplainQuery>,
) -> Result<Json<DeviceExplanation>, Problem> {
    let found = devices::find(&native, &principal, project.as_ref(), &id).await?;
    let of = &found.device.project_id;
    let explained = native.handle.explain(&principal, of, &id, property.as_deref()).await?;
    let now = native.handle.now();
    let Explanation { device, boot, reasons, values } = explained;
    Ok(Json(DeviceExplanation {
        project: device.project_id,
        id: device.id,
        kind: device.kind,
        name: device.name,
        condition: found.state.condition,
        boot: boot.map(|boot| boot.to_string()),
        reasons: reasons.into_iter().map(ReasonView::from).collect(),
        values: values.into_iter().map(|value| ValueExplanation::of(value, now)).collect(),
    }))
}

impl ValueExplanation {
    /// A value as it is shown at `now`.
    fn of(value: ExplainedValue, now: Timestamp) -> Self {
        let (asked, asked_unknown) = match value.asked {
            Ok(asked) => (Some(AskedBy::from(asked)), None),
            Err(why) => (None, Some(why)),
        };
        let shown = value.shown.map(|shown| {
            let age = now.since(shown.at).as_millis();
            ShownView {
                value: shown.value,
                at: shown.at.to_string(),
                age_milliseconds: u64::try_from(age).unwrap_or(u64::MAX),
            }
        });
        Self {
            name: value.name,
            state: value.stands.map(ValueState::from),
            desired: value.desired,
            revision: value.revision,
            asked,
            asked_unknown,
            before: value
                .before
                .map(|before| BeforeView { desired: before.desired, shown: before.shown }),
            shown,
            restart_pending_since: value.restart_pending.map(|since| since.to_string()),
            route: value.route,
            reasons: value.reasons.into_iter().map(ReasonView::from).collect(),
        }
    }
}

//! The overview of a fleet: how many devices there are and how they do, how that was, which jobs
//! failed of late and why, and which updates are under way. Nothing is counted when it is asked for
//! but the failures, of which so many are looked at.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{
    Attention, CameraStatus, Condition, DeviceCounts, DeviceId, Kind, Phase, ProjectId, RequestId,
    Rollout, RolloutCounts, Timestamp, limits,
};
use serde::{Deserialize, Serialize};
use store::{FailedJob, FailureReason, RecentFailures};
use utoipa::ToSchema;

use super::exchange::FromQuery;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// How a fleet is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Overview {
    /// When the devices and the jobs of updates were counted: seconds to minutes ago, the longer
    /// the more devices there are. Null before the first time, with all of it zero.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// The devices.
    devices: OverviewDevices,
    /// How it was in the last two days, oldest first: a row each ten minutes, and one when a
    /// project got its first devices.
    history: Vec<OverviewSample>,
    /// The jobs that failed in the last 24 hours.
    failures: OverviewFailures,
    /// The updates that go out in waves and are not over, newest first: at most 100.
    rollouts: Vec<OverviewRollout>,
}

/// How many devices there are.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewDevices {
    /// In all.
    total: u64,
    /// Of each kind.
    by_kind: OverviewKinds,
    /// Of each kind in each condition, as a device shows it.
    by_condition: OverviewConditions,
    /// Cameras by how they stand.
    cameras: OverviewCameras,
    /// Those that an operator has frozen.
    frozen: u64,
    /// Those that are not as they should be, each under one reason.
    attention: OverviewAttention,
}

/// How many devices there are of each kind.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewKinds {
    /// Phones.
    phone: u64,
    /// Cameras.
    camera: u64,
}

/// How many devices of each kind are in which condition. Conditions that none is in are left out.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewConditions {
    /// Phones.
    #[schema(value_type = BTreeMap<String, u64>)]
    phone: BTreeMap<Condition, u64>,
    /// Cameras.
    #[schema(value_type = BTreeMap<String, u64>)]
    camera: BTreeMap<Condition, u64>,
}

/// How many cameras stand how.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewCameras {
    /// Registered.
    #[serde(rename = "OnLine")]
    online: u64,
    /// Registered once, and not now.
    #[serde(rename = "OffLine")]
    offline: u64,
    /// On record, and never registered.
    #[serde(rename = "Register")]
    register: u64,
}

/// How many devices are not as they should be, each under the first of these reasons that holds.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewAttention {
    /// It can't be worked on, or a camera was registered once and is not now.
    trouble: u64,
    /// Nothing is under way, and it last showed another value than is asked.
    drift: u64,
    /// A value waits for a restart to act.
    restart_pending: u64,
    /// Something that was asked is not settled.
    pending: u64,
}

/// How many devices there were at one time.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewSample {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// In all.
    total: u64,
    /// Cameras that were registered.
    online: u64,
    /// Cameras that had been, and were not.
    offline: u64,
    /// How many were not as they should be.
    #[serde(flatten)]
    attention: OverviewAttention,
}

/// The jobs that failed of late.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewFailures {
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// How many were counted: at most the 10,000 newest of a project, or for one who may see all
    /// projects of all of them.
    counted: u64,
    /// Whether there may be more than were counted.
    more: bool,
    /// The reasons, that of most jobs first: at most 100.
    reasons: Vec<OverviewReason>,
    /// How many of those that were counted failed for reasons that are not listed.
    other: u64,
}

/// Why jobs failed.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewReason {
    /// The reason, for programs: `deadline_passed`, `refused`, `read_back_differs`, `unsupported`,
    /// `needs_recreate`, `deleted`, `cancelled` or `power_failed`.
    #[schema(example = "refused")]
    code: &'static str,
    /// The reason, for people.
    message: String,
    /// How many jobs failed for it.
    count: u64,
    /// The devices of those that ended last: at most 3.
    devices: Vec<OverviewDevice>,
    /// The updates that these jobs are of; of a wave's the update that goes out in waves.
    #[schema(value_type = Vec<String>)]
    updates: Vec<RequestId>,
    /// When the last of them ended.
    #[schema(format = DateTime)]
    last_at: String,
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewDevice {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its id.
    #[schema(value_type = String)]
    id: DeviceId,
}

/// An update that goes out in waves.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewRollout {
    /// Its id.
    #[schema(value_type = String)]
    id: RequestId,
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Where it stands: `collecting`, `running`, `paused` or `stopped`, as an update shows it.
    #[schema(value_type = String, example = "running")]
    phase: Phase,
    /// Why it stands there, if there is more to say.
    why: Option<String>,
    /// How many devices it has.
    devices: u32,
    /// How many of them it has come to.
    begun: u32,
    /// How many jobs had succeeded when they were counted; null if that was before it was made.
    succeeded: Option<u64>,
    /// How many had failed.
    failed: Option<u64>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Whose overview.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OverviewQuery {
    /// Of this project only; of all that the caller may see unless given.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
}

/// Tells how a fleet is doing: how many devices there are and how many of them are not as they
/// should be, how that was in the last two days, why jobs failed in the last 24 hours, and which
/// updates are under way.
#[utoipa::path(
    get,
    path = "/overview",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(OverviewQuery),
    responses(
        (status = 200, description = "The overview", body = Overview),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_overview(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(OverviewQuery { project }): FromQuery<OverviewQuery>,
) -> Result<Json<Overview>, Problem> {
    let reads = native.handle.reads();
    let project = project.as_ref();
    if let Some(project) = project
        && reads.project(&principal, project).await?.is_none()
    {
        return Err(Problem::no_such_project(project));
    }
    let now = native.handle.now();
    let kept = before(now, limits::COUNTS_KEPT);
    let counted = reads.counted_fleet(&principal, project, kept).await?;
    let since = before(now, limits::FAILURES_SINCE);
    let failures = reads.recent_failures(&principal, project, since).await?;
    let named = failures.reasons.iter().flat_map(|reason| &reason.newest);
    let named: BTreeSet<RequestId> = named.map(|failed| failed.job.request()).collect();
    let waves = reads.waves_of(&named.into_iter().collect::<Vec<_>>()).await?;
    let waves = waves.into_iter().map(|wave| (wave.request, wave.rollout)).collect();
    let mut rollouts = reads.rollouts_open().await?;
    rollouts.retain(|rollout| {
        let is_asked = project.is_none_or(|project| *project == rollout.project_id);
        is_asked && principal.may_see(rollout.project)
    });
    rollouts.sort_by_key(|rollout| Reverse(rollout.id));
    rollouts.truncate(limits::OVERVIEW_ROLLOUTS_MAX);
    let jobs = |rollout: &Rollout| counted.counts.rollouts.get(&rollout.id).copied();
    Ok(Json(Overview {
        as_of: counted.at.map(|at| at.to_string()),
        rollouts: rollouts
            .into_iter()
            .map(|rollout| {
                let jobs = jobs(&rollout);
                OverviewRollout::of(rollout, jobs)
            })
            .collect(),
        devices: OverviewDevices::from(counted.counts.devices),
        history: counted.history.iter().map(OverviewSample::from).collect(),
        failures: OverviewFailures::of(failures, since, &waves),
    }))
}

/// So long before a time.
fn before(now: Timestamp, time: std::time::Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

impl From<DeviceCounts> for OverviewDevices {
    fn from(counts: DeviceCounts) -> Self {
        Self {
            total: counts.total(),
            by_kind: OverviewKinds {
                phone: counts.of_kind(Kind::Phone),
                camera: counts.of_kind(Kind::Camera),
            },
            cameras: OverviewCameras {
                online: counts.with_status(CameraStatus::OnLine),
                offline: counts.with_status(CameraStatus::OffLine),
                register: counts.with_status(CameraStatus::Register),
            },
            frozen: counts.frozen,
            attention: OverviewAttention::from(&counts),
            by_condition: OverviewConditions { phone: counts.phones, camera: counts.cameras },
        }
    }
}

impl From<&DeviceCounts> for OverviewAttention {
    fn from(counts: &DeviceCounts) -> Self {
        Self {
            trouble: counts.with_attention(Attention::Trouble),
            drift: counts.with_attention(Attention::Drift),
            restart_pending: counts.with_attention(Attention::RestartPending),
            pending: counts.with_attention(Attention::Pending),
        }
    }
}

impl From<&(Timestamp, DeviceCounts)> for OverviewSample {
    fn from((at, counts): &(Timestamp, DeviceCounts)) -> Self {
        Self {
            at: at.to_string(),
            total: counts.total(),
            online: counts.with_status(CameraStatus::OnLine),
            offline: counts.with_status(CameraStatus::OffLine),
            attention: OverviewAttention::from(counts),
        }
    }
}

impl OverviewFailures {
    /// The jobs that failed since a time. `waves` has of each request that is a wave the update.
    fn of(
        failures: RecentFailures,
        since: Timestamp,
        waves: &BTreeMap<RequestId, RequestId>,
    ) -> Self {
        let RecentFailures { counted, more, reasons } = failures;
        let reasons: Vec<_> =
            reasons.into_iter().map(|reason| OverviewReason::of(reason, waves)).collect();
        let listed: u64 = reasons.iter().map(|reason| reason.count).sum();
        let other = counted.saturating_sub(listed);
        Self { since: since.to_string(), counted, more, reasons, other }
    }
}

impl OverviewReason {
    /// A reason, given of each request that is a wave the update.
    fn of(reason: FailureReason, waves: &BTreeMap<RequestId, RequestId>) -> Self {
        let FailureReason { failure, jobs, last_at, newest } = reason;
        let (mut devices, mut updates) = (Vec::new(), Vec::new());
        for FailedJob { job, project, device, .. } in newest {
            devices.push(OverviewDevice { project, id: device });
            let request = job.request();
            let update = waves.get(&request).copied().unwrap_or(request);
            if !updates.contains(&update) {
                updates.push(update);
            }
        }
        Self {
            code: failure.code(),
            message: failure.to_string(),
            count: jobs,
            devices,
            updates,
            last_at: last_at.to_string(),
        }
    }
}

impl OverviewRollout {
    /// An update, and how its jobs stood when they were counted, if they were.
    fn of(rollout: Rollout, jobs: Option<RolloutCounts>) -> Self {
        Self {
            id: rollout.id,
            project: rollout.project_id,
            phase: rollout.phase,
            why: rollout.why,
            devices: rollout.total,
            begun: rollout.next,
            succeeded: jobs.map(|jobs| jobs.succeeded),
            failed: jobs.map(|jobs| jobs.failed),
            created_at: rollout.created_at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::{Alike, Failure};
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_shown_under_the_words_of_devices() {
        let mut counts = DeviceCounts::default();
        let phone = Alike {
            kind: Kind::Phone,
            condition: Condition::Running,
            status: None,
            frozen: true,
            attention: Some(Attention::RestartPending),
        };
        counts.add(phone, 2);
        let camera = Alike {
            kind: Kind::Camera,
            condition: Condition::Awaited,
            status: Some(CameraStatus::OffLine),
            frozen: false,
            attention: Some(Attention::Trouble),
        };
        counts.add(camera, 1);
        let attention = json!({"trouble": 1, "drift": 0, "restart_pending": 2, "pending": 0});
        let sample = OverviewSample::from(&(Timestamp(0), counts.clone()));
        let mut expected = json!({
            "at": "1970-01-01T00:00:00.000Z", "total": 3, "online": 0, "offline": 1
        });
        for (word, count) in attention.as_object().unwrap() {
            expected[word] = count.clone();
        }
        assert_eq!(serde_json::to_value(sample).unwrap(), expected);
        let shown = serde_json::to_value(OverviewDevices::from(counts)).unwrap();
        let expected = json!({
            "total": 3,
            "by_kind": {"phone": 2, "camera": 1},
            "by_condition": {"phone": {"running": 2}, "camera": {"awaited": 1}},
            "cameras": {"OnLine": 0, "OffLine": 1, "Register": 0},
            "frozen": 2,
            "attention": attention,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_failed_for_reasons_that_are_not_listed_is_counted() {
        let (update, wave) = (RequestId::from_parts(1, 0), RequestId::from_parts(2, 0));
        let failed = |request: RequestId, id: &str| FailedJob {
            job: request.job(7).unwrap(),
            project: ProjectId::new("p").unwrap(),
            device: DeviceId::new(id).unwrap(),
            at: Timestamp(0),
        };
        let reason = FailureReason {
            failure: Failure::Refused { name: "a".to_owned(), detail: "no".to_owned() },
            jobs: 3,
            last_at: Timestamp(0),
            newest: vec![failed(wave, "d"), failed(update, "e")],
        };
        let failures = RecentFailures { counted: 5, more: true, reasons: vec![reason] };
        let shown = OverviewFailures::of(failures, Timestamp(0), &BTreeMap::from([(wave, update)]));
        let shown = serde_json::to_value(shown).unwrap();
        let reason = json!({
            "code": "refused", "message": "the device refused a: no", "count": 3,
            "devices": [{"project": "p", "id": "d"}, {"project": "p", "id": "e"}],
            "updates": [update.to_string()], "last_at": "1970-01-01T00:00:00.000Z"
        });
        let expected = json!({
            "since": "1970-01-01T00:00:00.000Z", "counted": 5, "more": true, "other": 2,
            "reasons": [reason]
        });
        assert_eq!(shown, expected);
    }
}

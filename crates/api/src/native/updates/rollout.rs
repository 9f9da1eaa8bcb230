//! How an update goes through its devices in waves, and which of them it refused.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::rollout::Source;
use fleet::{
    DeviceId, Kind, Operation, Phase, RequestId, Rollout, RolloutDevice, Timestamp, Values, Wave,
    WaveCounts,
};
use serde::Serialize;
use store::Reads;
use utoipa::ToSchema;

use super::create::DeviceRefusal;
use super::plan::PlanBody;
use super::selector::SelectorBody;
use super::{UPDATE_ID, unknown, update_id};
use crate::native::exchange::{FromPath, FromQuery};
use crate::native::pages::PageQuery;
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi, pages};

/// How many of the latest waves are shown with their counts.
const WAVES_SHOWN: usize = 20;

/// How an update goes through its devices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rollout)]
pub(in crate::native) struct RolloutView {
    /// Where it stands: `collecting` (its devices are being written down), `running`, `paused` (by
    /// somebody), `stopped` (by its own rule), `aborted` or `done`. The last two are ends.
    #[schema(value_type = String, example = "running")]
    phase: Phase,
    /// Why it stands there, if there is more to say.
    why: Option<String>,
    /// What its devices are: `phone` or `camera`.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// What it asks of them besides values: `update` (nothing) or `restart`.
    #[schema(value_type = String, example = "update")]
    operation: Operation,
    /// The values that it asks of those that have none of their own.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    set: Values,
    /// How it is to go.
    plan: PlanBody,
    /// Which devices were meant, unless they were named or are those of another update.
    selector: Option<SelectorBody>,
    /// The update that it takes back, if it takes one back.
    #[schema(value_type = Option<String>)]
    revert_of: Option<RequestId>,
    /// How many devices it has.
    devices: u32,
    /// How many of them it has come to.
    begun: u32,
    /// How many of those it refused: see the list of them.
    refused: u64,
    /// How many waves have begun.
    wave: u32,
    /// When the next one begins at the earliest, given its pause and its window; null: when the one
    /// before is over, or never.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The jobs that have not ended because their devices were away when they were accepted: the
    /// values are stored for them, and nothing waits for them.
    away: u64,
    /// When it was over; null while it may begin more.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The latest 20 waves, oldest first.
    waves: Vec<WaveView>,
}

/// A wave of an update.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolloutWave)]
struct WaveView {
    /// Its number, from 1.
    number: u32,
    /// The request that its jobs belong to.
    #[schema(value_type = String)]
    request: RequestId,
    /// How many devices it has.
    devices: u32,
    /// How many of them were refused.
    refused: u32,
    /// The jobs that have succeeded.
    succeeded: u64,
    /// The jobs that have failed.
    failed: u64,
    /// The jobs that have not ended, those of the next two among them.
    open: u64,
    /// Those whose device could be worked on when it was accepted and can't be now: they count as
    /// failed for the rule by which it stops.
    lost: u64,
    /// Those whose device was away when it was accepted: the values are stored for it, and the wave
    /// does not wait for them.
    away: u64,
    /// When it began.
    #[schema(format = DateTime)]
    begun_at: String,
    /// When it was over; null while it is not.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
}

/// How the jobs of a rollout's waves stand. Each wave is counted once.
#[derive(Debug, Default)]
pub(super) struct CountedWaves {
    /// Those of the waves that are over.
    pub(super) over: WaveCounts,
    /// Those of all waves.
    all: WaveCounts,
    /// The latest waves.
    shown: Vec<WaveView>,
}

impl CountedWaves {
    /// Counts the jobs of a rollout's waves.
    pub(super) async fn of(reads: &dyn Reads, waves: &[Wave]) -> Result<Self, store::Error> {
        let requests: Vec<RequestId> = waves.iter().map(|wave| wave.request).collect();
        let shown_from = waves.len().saturating_sub(WAVES_SHOWN);
        let mut counted = Self::default();
        let counts = reads.wave_counts(&requests).await?;
        for (index, (wave, counts)) in waves.iter().zip(counts).enumerate() {
            counted.all = counted.all + counts;
            if wave.ended_at.is_some() {
                counted.over = counted.over + counts;
            }
            if index >= shown_from {
                counted.shown.push(WaveView::of(*wave, counts));
            }
        }
        Ok(counted)
    }
}

impl RolloutView {
    /// A rollout with these waves as it is shown.
    pub(super) fn of(
        rollout: Rollout,
        waves: &[Wave],
        counted: CountedWaves,
        now: Timestamp,
    ) -> Self {
        let next_at = next_at(&rollout, now);
        let (selector, revert_of) = match rollout.source {
            Source::Selector(selector) => (Some(selector.into()), None),
            Source::RevertOf(id) => (None, Some(id)),
            Source::Devices => (None, None),
        };
        Self {
            phase: rollout.phase,
            why: rollout.why,
            kind: rollout.kind,
            operation: rollout.operation,
            set: rollout.patch,
            plan: rollout.plan.into(),
            selector,
            revert_of,
            devices: rollout.total,
            begun: rollout.next,
            refused: waves.iter().map(|wave| u64::from(wave.refused)).sum(),
            wave: rollout.wave,
            next_at: next_at.map(|at| at.to_string()),
            away: counted.all.away,
            ended_at: rollout.ended_at.map(|at| at.to_string()),
            waves: counted.shown,
        }
    }
}

/// When a rollout's next wave begins at the earliest; `None`: it waits for no time.
fn next_at(rollout: &Rollout, now: Timestamp) -> Option<Timestamp> {
    let begins = !rollout.phase.is_end() && rollout.next < rollout.total;
    let paused_until = rollout.next_at.filter(|at| *at > now);
    let earliest = paused_until.unwrap_or(now);
    let window = rollout.plan.window.filter(|window| !window.is_open(earliest));
    let opens = window.map(|window| window.opens(earliest));
    opens.or(paused_until).filter(|_| begins)
}

impl WaveView {
    /// A wave as it is shown.
    fn of(wave: Wave, counts: WaveCounts) -> Self {
        let WaveCounts { succeeded, failed, open, lost, away, .. } = counts;
        Self {
            number: wave.number,
            request: wave.request,
            devices: wave.count,
            refused: wave.refused,
            succeeded,
            failed,
            open,
            lost,
            away,
            begun_at: wave.begun_at.to_string(),
            ended_at: wave.ended_at.map(|at| at.to_string()),
        }
    }
}

/// One page of the devices that an update in waves refused.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct RefusedDevices {
    /// The devices, in the order in which it came to them.
    devices: Vec<RefusedDevice>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// A device that was refused.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedDevice {
    /// The device.
    #[schema(value_type = String)]
    device: DeviceId,
    /// Why.
    error: DeviceRefusal,
}

/// Lists the devices that an update in waves has refused so far. Of any other update nothing is
/// kept of them: the answer to its call named them.
#[utoipa::path(
    get,
    path = "/updates/{id}/refused",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = UPDATE_ID), PageQuery),
    responses(
        (status = 200, description = "One page", body = RefusedDevices),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(in crate::native) async fn list_refused(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
    FromQuery(PageQuery { after, limit }): FromQuery<PageQuery>,
) -> Result<Json<RefusedDevices>, Problem> {
    let id = update_id(&text)?;
    let limit = pages::limit(limit)?;
    let from: u32 = pages::place(after.as_deref())?.unwrap_or(0);
    let reads = native.handle.reads();
    let Some(rollout) = reads.rollout(&principal, id).await? else {
        if reads.jobs(&principal, &[id], 0, 1).await?.is_empty() {
            return Err(unknown(&text));
        }
        return Err(engine::Error::NotARollout(id).into());
    };
    // One more than asked for shows whether there is a next page.
    let mut found = reads.rollout_devices(&principal, id, from, limit + 1, true).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| has_next).map(|last| last.position + 1);
    let restarts = rollout.operation == Operation::Restart;
    let refused = |device: RolloutDevice| {
        let error = DeviceRefusal::of(device.refusal?, restarts);
        Some(RefusedDevice { device: device.device_id, error })
    };
    Ok(Json(RefusedDevices {
        devices: found.into_iter().filter_map(refused).collect(),
        next: next.map(|next| next.to_string()),
    }))
}

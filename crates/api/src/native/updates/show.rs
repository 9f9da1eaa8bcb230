//! Showing an update: how far it has come.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Door, JobState, Principal, ProjectId, RequestId, Rollout, Timestamp, WaveCounts};
use serde::Serialize;
use store::{JobWithDevice, WaveOf};
use utoipa::ToSchema;

use super::rollout::{CountedWaves, RolloutView};
use super::{UPDATE_ID, unknown, update_id};
use crate::iss::request_id;
use crate::native::exchange::FromPath;
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi};

/// Jobs that are read at a time.
const JOBS_PER_READ: u32 = 1_000;

/// How far an update has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Update)]
pub(in crate::native) struct UpdateView {
    /// Its id: CPH's request_id.
    #[schema(value_type = String)]
    id: RequestId,
    /// The same as ISS prints it: its RequestId. Null of an update that came by another API.
    #[schema(example = "NjBmOTVhOWZfOTBmYTUwNjRfN2I4OF84N2I=")]
    iss_request_id: Option<String>,
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// The API through which it came.
    #[schema(value_type = String, example = "native")]
    door: Door,
    /// Who asked: an access key's id, a user, or `admin`.
    actor: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// When its last job ended; null while one is open. Of one in waves, when its last wave was
    /// over; null while it may begin more or a job is open.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// How many of its jobs stand where: over all waves that have begun.
    jobs: JobCounts,
    /// How it goes through its devices; null of one that was made at once, of named devices.
    rollout: Option<RolloutView>,
    /// Of a wave, the update that it is of; null of all else.
    #[schema(value_type = Option<String>)]
    rollout_id: Option<RequestId>,
    /// Of a wave, its number, from 1; null of all else.
    wave: Option<u32>,
}

/// How many jobs stand where.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
struct JobCounts {
    /// In all.
    total: u64,
    /// Worked on when their turn comes.
    pending: u64,
    /// Waiting for their device, or for a restart to be over.
    waiting: u64,
    /// In flight.
    running: u64,
    /// The device holds the values.
    succeeded: u64,
    /// Ended otherwise.
    failed: u64,
}

impl JobCounts {
    /// Counts one job more.
    fn add(&mut self, state: JobState) {
        let place = match state {
            JobState::Pending => &mut self.pending,
            JobState::WaitingForDevice | JobState::WaitingForRestart => &mut self.waiting,
            JobState::Running => &mut self.running,
            JobState::Succeeded => &mut self.succeeded,
            JobState::Failed => &mut self.failed,
        };
        *place += 1;
        self.total += 1;
    }

    /// Counts the jobs of waves that are over, which either have ended or wait for their devices.
    fn add_counted(&mut self, counts: WaveCounts) {
        self.total += counts.total;
        self.succeeded += counts.succeeded;
        self.failed += counts.failed;
        self.waiting += counts.open;
    }

    /// Whether none of them is open.
    fn have_ended(&self) -> bool {
        self.succeeded + self.failed == self.total
    }
}

/// Shows how far an update has come, by whichever API it came.
#[utoipa::path(
    get,
    path = "/updates/{id}",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The update", body = UpdateView),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(in crate::native) async fn show_update(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    let view = view(&native, &principal, id).await?;
    Ok(Json(view.ok_or_else(|| unknown(&text))?))
}

/// An update as it is shown; `None` if there is none that the caller may see.
pub(super) async fn view(
    native: &Native,
    principal: &Principal,
    id: RequestId,
) -> Result<Option<UpdateView>, Problem> {
    if let Some(rollout) = native.handle.reads().rollout(principal, id).await? {
        return Ok(Some(of_rollout(native, principal, rollout).await?));
    }
    let mut progress: Option<Progress> = None;
    let mut offset = 0;
    loop {
        let found = read(native, principal, id, offset).await?;
        let is_last = found.len() < usize::try_from(JOBS_PER_READ).unwrap_or(usize::MAX);
        for job in &found {
            let is_running = native.handle.is_running(job.job.device);
            progress.get_or_insert_with(|| Progress::begun(job)).add(job, is_running);
        }
        if is_last {
            let Some(progress) = progress else { return Ok(None) };
            let of = native.handle.reads().waves_of(&[id]).await?.into_iter().next();
            return Ok(Some(progress.view(id, of)));
        }
        offset += u64::from(JOBS_PER_READ);
    }
}

/// Reads jobs of a request, from the one at `offset` on.
async fn read(
    native: &Native,
    principal: &Principal,
    id: RequestId,
    offset: u64,
) -> Result<Vec<JobWithDevice>, Problem> {
    Ok(native.handle.reads().jobs(principal, &[id], offset, JOBS_PER_READ).await?)
}

/// An update in waves as it is shown. The jobs of waves that are over are counted by the store,
/// those of others are read: where an open job stands only its device's node can say.
async fn of_rollout(
    native: &Native,
    principal: &Principal,
    rollout: Rollout,
) -> Result<UpdateView, Problem> {
    let reads = native.handle.reads();
    let waves = reads.waves(principal, rollout.id).await?;
    let counted = CountedWaves::of(reads, &waves).await?;
    let mut jobs = JobCounts::default();
    jobs.add_counted(counted.over);
    for wave in waves.iter().filter(|wave| wave.ended_at.is_none()) {
        let mut offset = 0;
        loop {
            let found = read(native, principal, wave.request, offset).await?;
            for job in &found {
                let is_running = native.handle.is_running(job.job.device);
                jobs.add(job.job.state(job.trouble.is_some(), is_running));
            }
            if found.len() < usize::try_from(JOBS_PER_READ).unwrap_or(usize::MAX) {
                break;
            }
            offset += u64::from(JOBS_PER_READ);
        }
    }
    let ended_at = rollout.ended_at.filter(|_| jobs.have_ended());
    Ok(UpdateView {
        id: rollout.id,
        iss_request_id: None,
        project: rollout.project_id.clone(),
        door: Door::Native,
        actor: rollout.actor.clone(),
        accepted_at: rollout.created_at.to_string(),
        ended_at: ended_at.map(|at| at.to_string()),
        jobs,
        rollout_id: None,
        wave: None,
        rollout: Some(RolloutView::of(rollout, &waves, counted, native.handle.now())),
    })
}

/// How far an update has come, while its jobs are counted.
struct Progress {
    project: ProjectId,
    door: Door,
    actor: String,
    accepted_at: Timestamp,
    last_ended_at: Option<Timestamp>,
    counts: JobCounts,
}

impl Progress {
    /// Nothing counted yet of the update that this job belongs to.
    fn begun(job: &JobWithDevice) -> Self {
        Self {
            project: job.project_id.clone(),
            door: job.job.door,
            actor: job.job.actor.clone(),
            accepted_at: job.job.accepted_at,
            last_ended_at: None,
            counts: JobCounts::default(),
        }
    }

    /// Counts one job more.
    fn add(&mut self, found: &JobWithDevice, is_running: bool) {
        self.counts.add(found.job.state(found.trouble.is_some(), is_running));
        let ended_at = found.job.end.as_ref().map(|ended| ended.at);
        self.last_ended_at = self.last_ended_at.max(ended_at);
    }

    /// The update as it is shown; `of` says of what it is a wave, if it is one.
    fn view(self, id: RequestId, of: Option<WaveOf>) -> UpdateView {
        let ended_at = self.last_ended_at.filter(|_| self.counts.have_ended());
        UpdateView {
            id,
            iss_request_id: (self.door == Door::Iss).then(|| request_id::to_text(id)),
            project: self.project,
            door: self.door,
            actor: self.actor,
            accepted_at: self.accepted_at.to_string(),
            ended_at: ended_at.map(|at| at.to_string()),
            jobs: self.counts,
            rollout: None,
            rollout_id: of.map(|of| of.rollout),
            wave: of.map(|of| of.number),
        }
    }
}

//! Updates: what is asked of many devices in one call, and how far it has come.

use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{CameraAsked, Patch, Update, UpdateEntry};
use fleet::limits::PHONES_PER_UPDATE_MAX;
use fleet::{
    DeviceId, Door, JobId, JobState, Kind, Operation, Principal, ProjectId, Refusal, RequestId,
    Timestamp, Values,
};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use store::JobWithDevice;
use utoipa::ToSchema;

use super::entries::Entries;
use super::exchange::{self, FromPath, FromQuery};
use super::jobs::Job;
use super::{Native, Problem, openapi, problem};
use crate::iss::request_id;

/// How an update is named in a path.
const UPDATE_ID: &str = "The update's id: 32 hexadecimal digits, or ISS's RequestId";

/// Jobs that are read at a time.
const JOBS_PER_READ: u32 = 1_000;

/// Jobs in a page, and unless told otherwise.
const JOBS_PER_PAGE_MAX: u32 = 1_000;
const JOBS_PER_PAGE_DEFAULT: u32 = 100;

/// What is asked of devices.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpdate {
    /// The project that the devices belong to.
    #[schema(value_type = String)]
    project: ProjectId,
    /// The kind of device that is meant, `phone` or `camera`: no other is found by its id. Unless
    /// given, both are.
    #[schema(value_type = Option<String>)]
    kind: Option<Kind>,
    /// Whether the devices are restarted too, once they hold the values. Of phones only: no other
    /// device is found then.
    #[serde(default)]
    restart: bool,
    /// What is asked of each: 1 to 8,096 devices. One that stands here twice gets two jobs.
    #[schema(value_type = Vec<DeviceValues>, min_items = 1, max_items = 8096)]
    devices: Entries<DeviceValues, PHONES_PER_UPDATE_MAX>,
}

/// What is asked of one device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceValues {
    /// The device's id.
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    id: DeviceId,
    /// The values, by property, each as text. What is not named stays as it is.
    #[serde(deserialize_with = "values")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    set: Values,
}

/// Reads values by property. Its error names the property: one that stands there twice, or whose
/// value is no text.
fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Values;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of values by property")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
            let mut values = Values::new();
            while let Some(name) = map.next_key::<String>()? {
                let value = map
                    .next_value::<String>()
                    .map_err(|error| A::Error::custom(format!("set, {name}: {error}")))?;
                match values.entry(name) {
                    btree_map::Entry::Vacant(place) => place.insert(value),
                    btree_map::Entry::Occupied(place) => {
                        let name = place.key();
                        return Err(A::Error::custom(format!("set, {name}: stands there twice")));
                    }
                };
            }
            Ok(values)
        }
    }

    deserializer.deserialize_map(Reader)
}

/// What came of a call: durable, and worked on from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedUpdate {
    /// The update's id. Of an update all of whose devices were refused nothing is kept.
    #[schema(value_type = String)]
    id: RequestId,
    /// What came of each device, in the order of the call.
    jobs: Vec<DeviceOutcome>,
}

/// What came of one device: its job, or why it got none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum DeviceOutcome {
    /// It was accepted.
    Accepted {
        /// The device.
        #[schema(value_type = String)]
        device: DeviceId,
        /// Its job.
        #[schema(value_type = String)]
        job: JobId,
    },
    /// It was refused, and nothing has changed for it.
    Refused {
        /// The device.
        #[schema(value_type = String)]
        device: DeviceId,
        /// Why.
        error: DeviceRefusal,
    },
}

/// Why a device's part of an update was refused.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceRefusal {
    /// The reason, for programs: `no_such_device`, `property_unsupported`, `property_invalid`,
    /// `frozen` or `busy`.
    #[schema(example = "property_invalid")]
    code: &'static str,
    /// The property that it is about; absent if it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    /// The reason, for people.
    detail: String,
}

impl DeviceRefusal {
    /// The refusal of a device. To an update that `restarts`, cameras do not exist.
    fn of(refusal: Refusal, restarts: bool) -> Self {
        let (_, code) = problem::refusal_code(&refusal);
        let mut detail = refusal.to_string();
        if restarts && refusal == Refusal::DeviceUnknown {
            "no such phone, and no camera can be restarted".clone_into(&mut detail);
        }
        let property = match refusal {
            Refusal::PropertyUnsupported { name, .. } | Refusal::PropertyInvalid { name, .. } => {
                Some(name)
            }
            Refusal::DeviceIdInvalid
            | Refusal::DeviceUnknown
            | Refusal::PropertiesInvalid { .. }
            | Refusal::Frozen
            | Refusal::Busy { .. } => None,
        };
        Self { code, property, detail }
    }
}

/// How far an update has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Update)]
pub(super) struct UpdateView {
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
    /// Who asked: an access key's id, or `admin`.
    actor: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// When its last job ended; null while one is open.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// How many of its jobs stand where.
    jobs: JobCounts,
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
}

/// One page of an update's jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpdateJobs {
    /// The jobs, in the order of the devices in the call.
    jobs: Vec<Job>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Which of an update's jobs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsQuery {
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Asks something of many devices of a project at once, of each what is written for it. Each is
/// accepted or refused by itself, the others go on.
#[utoipa::path(
    post,
    path = "/updates",
    tag = "updates",
    request_body = NewUpdate,
    responses(
        (status = 200, description = "What came of each device", body = AcceptedUpdate),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn create_update(
    State(native): State<Arc<Native>>,
    exchange::Json(new): exchange::Json<NewUpdate>,
) -> Result<Json<AcceptedUpdate>, Problem> {
    let NewUpdate { project, kind, restart, devices: Entries(devices) } = new;
    if devices.is_empty() {
        return Err(Problem::invalid("devices: is empty"));
    }
    let (kind, operation) = match (kind, restart) {
        (Some(Kind::Camera), true) => {
            return Err(Problem::invalid("restart: no camera can be restarted"));
        }
        (_, true) => (Some(Kind::Phone), Operation::Restart),
        (kind, false) => (kind, Operation::Update),
    };
    let ids: Vec<DeviceId> = devices.iter().map(|device| device.id.clone()).collect();
    let entries = devices.into_iter().map(|DeviceValues { id, set }| UpdateEntry {
        device: Ok(id),
        clear: false,
        patch: Ok(Patch::from(set)),
        camera: CameraAsked::default(),
    });
    let id = native.handle.next_request_id();
    let update = Update {
        request: id,
        door: Door::Native,
        project,
        kind,
        operation,
        entries: entries.collect(),
    };
    let results = native.handle.update(&Principal::admin(), update).await?;
    let outcome = |(device, result)| match result {
        Ok(job) => DeviceOutcome::Accepted { device, job },
        Err(refusal) => {
            let error = DeviceRefusal::of(refusal, restart);
            DeviceOutcome::Refused { device, error }
        }
    };
    Ok(Json(AcceptedUpdate { id, jobs: ids.into_iter().zip(results).map(outcome).collect() }))
}

/// Shows how far an update has come, by whichever API it came.
#[utoipa::path(
    get,
    path = "/updates/{id}",
    tag = "updates",
    params(("id" = String, Path, description = UPDATE_ID)),
    responses(
        (status = 200, description = "The update", body = UpdateView),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_update(
    State(native): State<Arc<Native>>,
    FromPath(text): FromPath<String>,
) -> Result<Json<UpdateView>, Problem> {
    let id = update_id(&text)?;
    let mut progress: Option<Progress> = None;
    let mut offset = 0;
    loop {
        let found = read(&native, id, offset, JOBS_PER_READ).await?;
        let is_last = found.len() < usize::try_from(JOBS_PER_READ).unwrap_or(usize::MAX);
        for job in &found {
            let is_running = native.handle.is_running(job.job.device);
            progress.get_or_insert_with(|| Progress::begun(job)).add(job, is_running);
        }
        if is_last {
            break;
        }
        offset += u64::from(JOBS_PER_READ);
    }
    let progress = progress.ok_or_else(|| unknown(&text))?;
    Ok(Json(progress.view(id)))
}

/// Lists the jobs of an update, in the order of the devices in its call.
#[utoipa::path(
    get,
    path = "/updates/{id}/jobs",
    tag = "updates",
    params(("id" = String, Path, description = UPDATE_ID), JobsQuery),
    responses(
        (status = 200, description = "One page", body = UpdateJobs),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_update_jobs(
    State(native): State<Arc<Native>>,
    FromPath(text): FromPath<String>,
    FromQuery(JobsQuery { after, limit }): FromQuery<JobsQuery>,
) -> Result<Json<UpdateJobs>, Problem> {
    let id = update_id(&text)?;
    let limit = limit.unwrap_or(JOBS_PER_PAGE_DEFAULT);
    if !(1..=JOBS_PER_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit must be 1 to {JOBS_PER_PAGE_MAX}")));
    }
    // How many jobs come before: an update gets no more of them and loses none.
    let offset = match after {
        None => 0,
        Some(after) => after
            .parse::<u32>()
            .map_err(|_| Problem::invalid("after must be the `next` of a page"))?,
    };
    // One more than asked for shows whether there is a next page.
    let mut found = read(&native, id, u64::from(offset), limit + 1).await?;
    if found.is_empty() && (offset == 0 || read(&native, id, 0, 1).await?.is_empty()) {
        return Err(unknown(&text));
    }
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (found.len() > asked).then(|| offset.saturating_add(limit).to_string());
    found.truncate(asked);
    let shown = found.into_iter().map(|job| {
        let is_running = native.handle.is_running(job.job.device);
        Job::of(job, is_running)
    });
    Ok(Json(UpdateJobs { jobs: shown.collect(), next }))
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

    /// The update as it is shown.
    fn view(self, id: RequestId) -> UpdateView {
        let JobCounts { total, succeeded, failed, .. } = self.counts;
        let ended_at = self.last_ended_at.filter(|_| succeeded + failed == total);
        UpdateView {
            id,
            iss_request_id: (self.door == Door::Iss).then(|| request_id::to_text(id)),
            project: self.project,
            door: self.door,
            actor: self.actor,
            accepted_at: self.accepted_at.to_string(),
            ended_at: ended_at.map(|at| at.to_string()),
            jobs: self.counts,
        }
    }
}

/// Reads jobs of an update, from the one at `offset` on.
async fn read(
    native: &Native,
    id: RequestId,
    offset: u64,
    limit: u32,
) -> Result<Vec<JobWithDevice>, Problem> {
    Ok(native.handle.reads().jobs(&Principal::admin(), &[id], offset, limit).await?)
}

/// Reads an update's id, in our form or in ISS's. One of a job is none, though it looks like one.
fn update_id(text: &str) -> Result<RequestId, Problem> {
    let id = text.parse().ok().or_else(|| request_id::from_text(text));
    let id: RequestId = id.ok_or_else(|| unknown(text))?;
    let (_, last) = id.job_range();
    if last.request() == id { Ok(id) } else { Err(unknown(text)) }
}

/// There is no such update.
fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no such update: {id}"))
}

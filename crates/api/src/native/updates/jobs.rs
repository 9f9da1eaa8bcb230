//! Listing the jobs of an update.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Principal, RequestId};
use serde::{Deserialize, Serialize};
use store::JobWithDevice;
use utoipa::ToSchema;

use super::{UPDATE_ID, unknown, update_id};
use crate::native::exchange::{FromPath, FromQuery};
use crate::native::jobs::Job;
use crate::native::token::Caller;
use crate::native::{Native, Problem, openapi, pages};

/// One page of an update's jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct UpdateJobs {
    /// The jobs, in the order of the devices in the call, wave by wave.
    jobs: Vec<Job>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Which of an update's jobs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct JobsQuery {
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Lists the jobs of an update, in the order of the devices in its call; of one in waves, those of
/// the waves that have begun.
#[utoipa::path(
    get,
    path = "/updates/{id}/jobs",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = UPDATE_ID), JobsQuery),
    responses(
        (status = 200, description = "One page", body = UpdateJobs),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(in crate::native) async fn list_update_jobs(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
    FromQuery(JobsQuery { after, limit }): FromQuery<JobsQuery>,
) -> Result<Json<UpdateJobs>, Problem> {
    let id = update_id(&text)?;
    let limit = pages::limit(limit)?;
    let place = after.as_deref().map_or_else(|| Ok(Place::default()), Place::read)?;
    let reads = native.handle.reads();
    let is_rollout = reads.rollout(&principal, id).await?.is_some();
    let requests: Vec<RequestId> = if is_rollout {
        reads.waves(&principal, id).await?.iter().map(|wave| wave.request).collect()
    } else {
        vec![id]
    };
    // One more than asked for shows whether there is a next page.
    let rest = requests.get(place.request..).unwrap_or_default();
    let mut found = reads.jobs(&principal, rest, place.offset, limit + 1).await?;
    if found.is_empty() && !is_rollout && !exists(&native, &principal, id, place).await? {
        return Err(unknown(&text));
    }
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = has_next.then(|| place.after(&requests, &found).to_string());
    let shown = found.into_iter().map(|job| {
        let is_running = native.handle.is_running(job.job.device);
        Job::of(job, is_running)
    });
    Ok(Json(UpdateJobs { jobs: shown.collect(), next }))
}

/// Whether there is an update, of which no job was found at `place`.
async fn exists(
    native: &Native,
    principal: &Principal,
    id: RequestId,
    place: Place,
) -> Result<bool, Problem> {
    let is_first = place == Place::default();
    Ok(!is_first && !native.handle.reads().jobs(principal, &[id], 0, 1).await?.is_empty())
}

/// Where a page begins. An update's requests get no more jobs, and lose none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// The index of the request among those of the update.
    request: usize,
    /// How many of its jobs come before.
    offset: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.request, self.offset)
    }
}

impl Place {
    /// Reads what was written.
    fn read(text: &str) -> Result<Self, Problem> {
        let read = text.split_once('.').and_then(|(request, offset)| {
            let offset: u32 = offset.parse().ok()?;
            Some(Self { request: request.parse().ok()?, offset: offset.into() })
        });
        read.ok_or_else(pages::not_a_next)
    }

    /// The place after a page that began here.
    fn after(self, requests: &[RequestId], page: &[JobWithDevice]) -> Self {
        let Some(last) = page.last().map(|last| last.job.id.request()) else { return self };
        let request = requests.iter().position(|request| *request == last);
        let request = request.unwrap_or(self.request);
        let shown = page.iter().rev().take_while(|found| found.job.id.request() == last).count();
        let before = if request == self.request { self.offset } else { 0 };
        Self { request, offset: before + u64::try_from(shown).unwrap_or(u64::MAX) }
    }
}

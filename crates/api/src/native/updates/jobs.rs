//! Listing the jobs of an update.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Failure, JobId, Principal, RequestId};
use serde::Serialize;
use store::{JobFilter, Reads};
use utoipa::ToSchema;

use super::{UPDATE_ID, unknown, update_id};
use crate::native::devices::query::{once, parsed};
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

/// Which of an update's jobs to list: those for which all of it holds.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(in crate::native) struct JobsParameters {
    /// Those that stand so only: `open` (not ended), `succeeded` or `failed`; given several times:
    /// in one of these ways. A job may leave one and enter another while the pages are read.
    state: Option<Vec<String>>,
    /// Those that failed for this reason only: `code` of a group of the update's failures; given
    /// several times: for one of them.
    code: Option<Vec<String>>,
    /// Those that failed for the reason for which this job did only: `job` of a group of the
    /// update's failures. None, if there is no such job or it has not failed.
    #[param(example = "0000019aa9d27b2a00000000002a0001")]
    same_reason_as: Option<String>,
    /// The page after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The same as it is read.
#[derive(Debug, Default, PartialEq, Eq)]
struct JobsQuery {
    filter: JobFilter,
    after: Option<String>,
    limit: Option<u32>,
}

impl JobsQuery {
    /// Reads the keys and values of a query. Errors name the key.
    fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (key, value) in pairs {
            let taken = query.take(&key, value);
            taken.map_err(|why| Problem::invalid(format!("{key}: {why}")))?;
        }
        Ok(query)
    }

    /// Takes one key of a query. What is said again is not kept twice, which bounds both lists.
    fn take(&mut self, key: &str, value: String) -> Result<(), String> {
        match key {
            "state" => {
                let stands = parsed(&value)?;
                if !self.filter.stands.contains(&stands) {
                    self.filter.stands.push(stands);
                }
            }
            "code" => {
                if !Failure::CODES.contains(&value.as_str()) {
                    let codes = Failure::CODES.join(", ");
                    return Err(format!("no job fails for it: it is one of {codes}"));
                }
                if !self.filter.codes.contains(&value) {
                    self.filter.codes.push(value);
                }
            }
            "same_reason_as" => once(&mut self.filter.same_reason_as, parsed(&value)?)?,
            "after" => once(&mut self.after, value)?,
            "limit" => once(&mut self.limit, parsed(&value)?)?,
            _ => return Err("is no parameter of this call".to_owned()),
        }
        Ok(())
    }
}

/// Lists the jobs of an update, in the order of the devices in its call; of one in waves, those of
/// the waves that have begun.
#[utoipa::path(
    get,
    path = "/updates/{id}/jobs",
    tag = "updates",
    security(("token" = ["viewer"])),
    params(("id" = String, Path, description = UPDATE_ID), JobsParameters),
    responses(
        (status = 200, description = "One page", body = UpdateJobs),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(in crate::native) async fn list_update_jobs(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(text): FromPath<String>,
    FromQuery(pairs): FromQuery<Vec<(String, String)>>,
) -> Result<Json<UpdateJobs>, Problem> {
    let id = update_id(&text)?;
    let JobsQuery { filter, after, limit } = JobsQuery::of(pairs)?;
    let limit = pages::limit(limit)?;
    let place = after.as_deref().map_or_else(|| Ok(Place::default()), Place::read)?;
    let reads = native.handle.reads();
    let is_rollout = reads.rollout(&principal, id).await?.is_some();
    let requests = requests(reads, &principal, id, is_rollout).await?;
    // One more than asked for shows whether there is a next page.
    let rest = requests.get(place.request..).unwrap_or_default();
    let mut found = reads.jobs_from(&principal, rest, place.position, &filter, limit + 1).await?;
    if found.is_empty() && !is_rollout && reads.jobs(&principal, &[id], 0, 1).await?.is_empty() {
        return Err(unknown(&text));
    }
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| has_next);
    let next = next.map(|last| Place::after(&requests, last.job.id).to_string());
    let rollout = if is_rollout {
        Some(id)
    } else {
        reads.waves_of(&[id]).await?.first().map(|of| of.rollout)
    };
    let shown = found.into_iter().map(|job| {
        let is_running = native.handle.is_running(job.job.device);
        Job::of(job, rollout, is_running)
    });
    Ok(Json(UpdateJobs { jobs: shown.collect(), next }))
}

/// The requests that the jobs of an update belong to, in order: those of its waves if it
/// `is_rollout`.
pub(super) async fn requests(
    reads: &dyn Reads,
    principal: &Principal,
    id: RequestId,
    is_rollout: bool,
) -> Result<Vec<RequestId>, store::Error> {
    Ok(if is_rollout {
        reads.waves(principal, id).await?.iter().map(|wave| wave.request).collect()
    } else {
        vec![id]
    })
}

/// Where a page begins. An update's jobs keep their positions, however they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// The index of the request among those of the update.
    request: usize,
    /// The first position in it that may be on the page.
    position: u16,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.request, self.position)
    }
}

impl Place {
    /// Reads what was written.
    fn read(text: &str) -> Result<Self, Problem> {
        let read = text.split_once('.').and_then(|(request, position)| {
            Some(Self { request: request.parse().ok()?, position: position.parse().ok()? })
        });
        read.ok_or_else(pages::not_a_next)
    }

    /// The place after a job of one of these requests.
    fn after(requests: &[RequestId], last: JobId) -> Self {
        let request = requests.iter().position(|request| *request == last.request());
        Self { request: request.unwrap_or_default(), position: last.position().saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use store::JobStands;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<JobsQuery, Problem> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        JobsQuery::of(pairs.collect())
    }

    #[test]
    fn a_query_says_how_jobs_have_to_stand() {
        let query = read(&[
            ("state", "failed"),
            ("state", "open"),
            ("state", "failed"),
            ("code", "refused"),
            ("code", "refused"),
            ("same_reason_as", "0000000003e800000000000000010001"),
            ("after", "1.2"),
            ("limit", "7"),
        ]);
        let filter = JobFilter {
            stands: vec![JobStands::Failed, JobStands::Open],
            codes: vec!["refused".to_owned()],
            same_reason_as: "0000000003e800000000000000010001".parse().ok(),
        };
        assert!(filter.same_reason_as.is_some());
        let expected = JobsQuery { filter, after: Some("1.2".to_owned()), limit: Some(7) };
        assert_eq!(query.unwrap(), expected);
        assert_eq!(read(&[]).unwrap(), JobsQuery::default());
    }

    #[test]
    fn what_is_wrong_in_a_query_is_named() {
        for (key, value, part) in [
            ("state", "running", "state: unknown state of jobs"),
            ("code", "tired", "code: no job fails for it: it is one of deadline_passed, refused"),
            ("same_reason_as", "x", "same_reason_as: "),
            ("limit", "x", "limit: "),
            ("colour", "red", "colour: is no parameter"),
        ] {
            let problem = serde_json::to_value(read(&[(key, value)]).unwrap_err()).unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with(part), "{part}: {detail}");
        }
        assert!(read(&[("after", "0.1"), ("after", "0.2")]).is_err());
    }

    #[test]
    fn a_page_begins_behind_the_last_job_of_the_one_before() {
        let requests = [1, 2].map(|number| RequestId::from_parts(1_000, number));
        let place = Place::after(&requests, requests[1].job(41).unwrap());
        assert_eq!(place, Place { request: 1, position: 42 });
        assert_eq!(Place::read(&place.to_string()).unwrap(), place);
        for text in ["", "1", "1.", ".1", "1.65536", "-1.1", "1.1.1"] {
            assert!(Place::read(text).is_err(), "{text}");
        }
    }
}

//! ListJobs (CPH API, page cph_api_0522): the jobs of one request or of several.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::limits::{JOBS_PER_PAGE_MAX, REQUEST_IDS_PER_QUERY_MAX};
use fleet::{DeviceId, DeviceKey, Door as DoorName, JobId, Kind, RequestId};
use serde::Serialize;
use store::{JobWithDevice, Reads};

use super::auth::Call;
use super::error::{Code, Failure};
use super::job::Outcome;
use super::query::{Page, Query};
use super::{Door, answer};

/// The answer.
#[derive(Serialize)]
struct Listed {
    /// The request asked about, or this call's own id where it asked about several.
    request_id: RequestId,
    jobs: Vec<Entry>,
}

/// One job. What there is nothing to say about is empty, as in the vendor's sample.
#[derive(Serialize)]
struct Entry {
    phone_id: DeviceId,
    server_id: String,
    job_id: JobId,
    begin_time: String,
    end_time: String,
    status: i8,
    error_code: &'static str,
    error_msg: String,
    execute_msg: String,
}

/// `GET /v1/{project_id}/cloud-phone/jobs`.
pub(crate) async fn list_jobs(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.admit(&mut id, request).await {
        Ok(call) => list(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// Finds the jobs. Requests that are unknown, or that no other project may see, have none.
async fn list(door: &Door, id: RequestId, call: &Call) -> Result<Listed, Failure> {
    let Asked { requests, asked, page: Page { offset, limit } } =
        Asked::read(&Query::parse(call.query.as_deref()))?;
    let reads = door.handle.reads();
    let jobs = reads.jobs(&call.principal, &requests, offset, limit).await?;
    let jobs = of_phones(reads, jobs).await?;
    if jobs.is_empty() {
        let first = if offset == 0 {
            Vec::new()
        } else {
            let first = reads.jobs(&call.principal, &requests, 0, JOBS_PER_PAGE_MAX).await?;
            of_phones(reads, first).await?
        };
        let is_past_the_end = !first.is_empty();
        if !is_past_the_end {
            return Err(Failure::of(Code::RequestUnknown));
        }
    }
    let request_id = match requests.as_slice() {
        [only] if asked == 1 => *only,
        _ => id,
    };
    Ok(Listed { request_id, jobs: jobs.into_iter().map(entry).collect() })
}

/// The jobs that phones have: to this door there are no others. What came through it is of phones
/// anyway; an update of another door may be of cameras, or of both.
pub(super) async fn of_phones(
    reads: &dyn Reads,
    mut jobs: Vec<JobWithDevice>,
) -> Result<Vec<JobWithDevice>, Failure> {
    let came_here = |found: &JobWithDevice| found.job.door == DoorName::Cph;
    let others = jobs.iter().filter(|found| !came_here(found));
    let others: Vec<DeviceKey> = others.map(|found| found.job.device).collect();
    if others.is_empty() {
        return Ok(jobs);
    }
    let records = reads.records(&others).await?;
    let phones = records.into_iter().filter(|device| device.kind == Kind::Phone);
    let phones: HashSet<DeviceKey> = phones.map(|device| device.key).collect();
    jobs.retain(|found| came_here(found) || phones.contains(&found.job.device));
    Ok(jobs)
}

/// What a call asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// The ids that can be ids of requests, each once.
    requests: Vec<RequestId>,
    /// How many ids were given.
    asked: usize,
    /// The page.
    page: Page,
}

impl Asked {
    /// Reads the query. `request_ids` wins over `request_id`, and an empty id counts as none.
    fn read(query: &Query<'_>) -> Result<Self, Failure> {
        let page = query.page(JOBS_PER_PAGE_MAX, JOBS_PER_PAGE_MAX)?;
        let mut ids: Vec<&str> = given(query.get("request_ids").unwrap_or_default().split(','));
        if ids.is_empty() {
            ids = given(query.get("request_id").into_iter());
        }
        match ids.len() {
            0 => return Err(Failure::of(Code::RequestIdEmpty)),
            asked if asked > REQUEST_IDS_PER_QUERY_MAX => {
                return Err(Failure::of(Code::TooManyRequestIds));
            }
            _ => {}
        }
        let mut requests: Vec<RequestId> = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| request(id)) {
            if !requests.contains(&id) {
                requests.push(id);
            }
        }
        Ok(Self { requests, asked: ids.len(), page })
    }
}

/// The texts that are not empty, without the blanks around them.
fn given<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    texts.map(str::trim).filter(|text| !text.is_empty()).collect()
}

/// A request's id. One of a job is none, though it has the same form.
fn request(text: &str) -> Option<RequestId> {
    let id: RequestId = text.parse().ok()?;
    let (_, last) = id.job_range();
    (last.request() == id).then_some(id)
}

/// A job as it is listed.
fn entry(found: JobWithDevice) -> Entry {
    let Outcome { status, ended_at, error, execute_msg } = Outcome::of(&found.job);
    let (error_code, error_msg) =
        error.map_or_else(Default::default, |(code, text)| (code.text(), text));
    Entry {
        phone_id: found.device_id,
        server_id: found.server,
        job_id: found.job.id,
        begin_time: found.job.accepted_at.to_seconds_text(),
        end_time: ended_at.map(|at| at.to_seconds_text()).unwrap_or_default(),
        status,
        error_code,
        error_msg,
        execute_msg: execute_msg.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "019a7c6e4b3d7a1c8e5f112233440000";
    const B: &str = "019a7c6e4b3d7a1c8e5f112233450000";

    fn id(text: &str) -> RequestId {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_clients_send() {
        let check = |query: &str, requests: &[&str], asked: usize, offset: u64, limit: u32| {
            let requests = requests.iter().map(|text| id(text)).collect();
            let expected = Asked { requests, asked, page: Page { offset, limit } };
            assert_eq!(Asked::read(&Query::parse(Some(query))).unwrap(), expected, "{query}");
        };
        check(&format!("request_id={A}"), &[A], 1, 0, 100);
        check(&format!("limit=1&offset=7&request_id={A}&x=y"), &[A], 1, 7, 1);
        check(&format!("request_ids={A}%2C{B}&request_id=zzz"), &[A, B], 2, 0, 100);
        check(&format!("request_ids={A},%20{B},,{A}"), &[A, B], 3, 0, 100);
        check(&format!("request_ids=&request_id={}", A.to_uppercase()), &[A], 1, 0, 100);
        check("request_id=nobody", &[], 1, 0, 100);
        check(&format!("request_id={}1", &A[..31]), &[], 1, 0, 100);
        check(&format!("request_ids={}", vec![A; 20].join(",")), &[A], 20, 0, 100);
    }

    #[test]
    fn refuses_with_the_vendors_codes() {
        let check = |query: &str, code: Code| {
            let refused = Asked::read(&Query::parse(Some(query))).unwrap_err();
            assert_eq!(refused.code, code, "{query}");
        };
        for query in ["", "request_id=", "request_ids=,,&request_id=%20", "requestid=x", "&&="] {
            check(query, Code::RequestIdEmpty);
        }
        check(&format!("request_ids={}", vec![A; 21].join(",")), Code::TooManyRequestIds);
        for page in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=",
            "limit=1.0",
            "limit=x",
            "limit=4294967297",
            "offset=-1",
            "offset=%2B1",
            "offset=",
            "offset=99999999999999999999",
        ] {
            check(&format!("request_id={A}&{page}"), Code::PagingInvalid);
        }
    }
}

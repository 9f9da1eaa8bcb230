//! ShowJob (CPH API, page cph_api_0521, in older documents QueryJobs): one job.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::{DeviceId, JobId, RequestId};
use serde::Serialize;

use super::auth::Call;
use super::error::{Code, Failure};
use super::job::Outcome;
use super::{Door, answer, list_jobs};

/// The answer. What there is nothing to say about is null, as in the vendor's sample.
#[derive(Serialize)]
struct Shown {
    /// The update that the job belongs to.
    request_id: RequestId,
    job_id: JobId,
    phone_id: DeviceId,
    server_id: String,
    begin_time: String,
    end_time: Option<String>,
    status: i8,
    error_code: Option<&'static str>,
    error_msg: Option<String>,
    execute_msg: Option<String>,
}

/// `GET /v1/{project_id}/cloud-phone/jobs/{job_id}`.
pub(crate) async fn show_job(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let shown = match door.admit(&mut id, request).await {
        Ok(call) => show(&door, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, shown)
}

/// Finds the job. What can be no id of a job is an unknown one.
async fn show(door: &Door, call: &Call) -> Result<Shown, Failure> {
    let unknown = || Failure::of(Code::JobUnknown);
    let job = call.param("job_id");
    if job.trim().is_empty() {
        return Err(Failure::of(Code::JobIdEmpty));
    }
    let job: JobId = job.parse().map_err(|_| unknown())?;
    let reads = door.handle.reads();
    let found = reads.job(&call.principal, job).await?;
    let found = list_jobs::of_phones(reads, found.into_iter().collect()).await?;
    let found = found.into_iter().next().ok_or_else(unknown)?;
    let Outcome { status, ended_at, error, execute_msg } = Outcome::of(&found.job);
    let (error_code, error_msg) = error.map(|(code, text)| (code.text(), text)).unzip();
    Ok(Shown {
        request_id: job.request(),
        job_id: job,
        phone_id: found.device_id,
        server_id: found.server,
        begin_time: found.job.accepted_at.to_seconds_text(),
        end_time: ended_at.map(|at| at.to_seconds_text()),
        status,
        error_code,
        error_msg,
        execute_msg,
    })
}

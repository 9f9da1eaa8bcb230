//! Updates: what is asked of many devices in one call, and how far it has come.

pub(super) mod control;
pub(super) mod create;
pub(super) mod failures;
pub(super) mod jobs;
pub(super) mod list;
mod plan;
mod predict;
pub(super) mod revert;
pub(super) mod rollout;
pub(super) mod selector;
pub(super) mod show;

use fleet::RequestId;

use super::Problem;
use crate::iss::request_id;

/// How an update is named in a path.
const UPDATE_ID: &str = "The update's id: 32 hexadecimal digits, or ISS's RequestId";

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

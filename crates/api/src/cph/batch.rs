//! What the calls about many phones have in common: one entry a phone in, and for each a job or an
//! error of its own out.

use axum::response::Response;
use engine::{CameraAsked, Update, UpdateEntry};
use fleet::{DeviceId, Door as DoorName, JobId, Kind, Operation, Refusal, RequestId};
use serde::Serialize;

use super::auth::Call;
use super::body::{Entry, Given};
use super::error::{self, Failure};
use super::property::{self, Need};
use super::{Door, answer};

/// Bytes of a `phone_id` that are sent back: twice what one may have.
const ECHO_BYTES_MAX: usize = 64;

/// The answer.
#[derive(Serialize)]
struct Accepted<'a> {
    request_id: RequestId,
    jobs: Vec<PhoneJob<'a>>,
}

/// What came of one phone's entry: a job, or an error and no `job_id`.
#[derive(Serialize)]
struct PhoneJob<'a> {
    /// As it was sent; absent if no text was.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<String>,
}

/// Gives the engine what `entries` ask for, and answers with what came of each, in their order.
pub(super) async fn run(
    door: &Door,
    id: RequestId,
    call: &Call,
    operation: Operation,
    entries: &[Entry<'_>],
) -> Response {
    let commands = entries.iter().map(|entry| command(operation, entry)).collect();
    let project = call.project.clone();
    let update = Update {
        call: call.id,
        door: DoorName::Cph,
        project,
        kind: Some(Kind::Phone),
        operation,
        entries: commands,
    };
    let results = door.handle.update(&call.principal, update).await;
    let accepted = results.map_err(Failure::from).map(|results| Accepted {
        request_id: id,
        jobs: entries.iter().zip(results).map(|(entry, result)| job(entry, result)).collect(),
    });
    answer::send(id, accepted)
}

/// What an entry asks of the engine. Its faults go along, for the engine names the first of them in
/// the documented order: the id, the phone, the property.
fn command(operation: Operation, entry: &Entry<'_>) -> UpdateEntry {
    let device = match &entry.phone_id {
        Given::Text(id) => DeviceId::new(&**id).map_err(|_| Refusal::DeviceIdInvalid),
        Given::Absent | Given::Other(_) | Given::Twice => Err(Refusal::DeviceIdInvalid),
    };
    let need = if operation == Operation::Update { Need::Required } else { Need::Optional };
    let clear = match operation {
        Operation::Reset => property::factory_reset(entry),
        Operation::Update | Operation::Restart | Operation::Stop => Ok(false),
    };
    let (camera, if_revision) = (CameraAsked::default(), None);
    match clear {
        Ok(clear) => {
            UpdateEntry { device, clear, patch: property::patch(entry, need), camera, if_revision }
        }
        Err(refusal) => {
            UpdateEntry { device, clear: false, patch: Err(refusal), camera, if_revision }
        }
    }
}

/// What is answered for an entry.
fn job<'a>(entry: &'a Entry<'_>, result: Result<JobId, Refusal>) -> PhoneJob<'a> {
    let phone_id = match &entry.phone_id {
        Given::Text(id) => Some(echo(id)),
        Given::Absent | Given::Other(_) | Given::Twice => None,
    };
    match result {
        Ok(job) => PhoneJob { phone_id, job_id: Some(job), error_code: None, error_msg: None },
        Err(refusal) => {
            let (code, message) = error::entry(&refusal);
            let (error_code, error_msg) = (Some(code.text()), Some(message));
            PhoneJob { phone_id, job_id: None, error_code, error_msg }
        }
    }
}

/// The id as it was sent, cut if it is far too long.
fn echo(id: &str) -> &str {
    let mut end = id.len().min(ECHO_BYTES_MAX);
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    id.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_sent_back_as_it_came_and_cut_only_between_characters() {
        for (sent, expected) in [
            ("1678567b8bab40f93711234cb80d0764", "1678567b8bab40f93711234cb80d0764"),
            ("", ""),
            (&"x".repeat(65), &"x".repeat(64)),
            (&"手".repeat(22), &"手".repeat(21)),
        ] {
            assert_eq!(echo(sent), expected);
        }
    }

    #[test]
    fn only_a_reset_forgets_what_was_asked_before() {
        let body = br#"{"phones":[{"phone_id":"a","property":"{}","factory_reset_enabled":true}]}"#;
        let batch = super::super::body::batch(body).unwrap();
        let entry = batch.entries.first().unwrap();
        for (operation, clears) in [
            (Operation::Update, false),
            (Operation::Restart, false),
            (Operation::Reset, true),
            (Operation::Stop, false),
        ] {
            assert_eq!(command(operation, entry).clear, clears, "{operation:?}");
        }
    }
}

//! Who asked for something: what jobs, histories and explanations have in common.

use fleet::{Door, End, Job, JobState, Operation, Proof, RequestId};
use serde::Serialize;
use utoipa::ToSchema;

/// Who asked for something, and what became of it: fields among those of what it is told of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asker {
    /// The update that goes through its devices in waves, where what asked is a wave of it; null
    /// else.
    #[schema(value_type = Option<String>)]
    rollout: Option<RequestId>,
    /// What the job asks of the device besides the values: `update` (nothing), `restart`, `reset`
    /// or `stop`.
    #[schema(value_type = String, example = "update")]
    operation: Operation,
    /// Where the job stands: `pending`, `waiting_for_device`, `running`, `waiting_for_restart`,
    /// `succeeded` or `failed`. Of several nodes only the one that works on the device tells
    /// `running`; another one says `pending`.
    #[schema(value_type = String, example = "succeeded")]
    state: JobState,
    /// How it is known that it succeeded: `verified` by reading back, `acknowledged` by a device
    /// that can't be read, or `recorded` where nothing on the device reads the values; null if it
    /// did not.
    #[schema(value_type = Option<String>, example = "verified")]
    proof: Option<Proof>,
    /// Why it failed, or of a job that is shown by itself or in a list, why it waits; null else.
    detail: Option<String>,
    /// The API through which it came.
    #[schema(value_type = String, example = "native")]
    door: Door,
    /// Who asked: an access key's id, a user, or `admin`.
    actor: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// When the job ended; null while it is open.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
}

impl Asker {
    /// That of a job that stands so. `rollout` is the update that its request is a wave of, if it
    /// is one.
    pub(super) fn of(job: &Job, rollout: Option<RequestId>, state: JobState) -> Self {
        let (mut proof, mut detail) = (None, None);
        match job.end.as_ref().map(|ended| &ended.end) {
            Some(End::Succeeded { proof: how }) => proof = Some(*how),
            Some(End::Failed { failure }) => detail = Some(failure.to_string()),
            None => {}
        }
        Self {
            rollout,
            operation: job.operation,
            state,
            proof,
            detail,
            door: job.door,
            actor: job.actor.clone(),
            accepted_at: job.accepted_at.to_string(),
            ended_at: job.end.as_ref().map(|ended| ended.at.to_string()),
        }
    }

    /// The same with the reason for which a job waits that is open still.
    pub(super) fn waiting(self, why: Option<String>) -> Self {
        let why = why.filter(|_| self.ended_at.is_none());
        Self { detail: self.detail.or(why), ..self }
    }
}

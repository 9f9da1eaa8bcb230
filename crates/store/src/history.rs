//! What is old is forgotten: jobs that have ended, and updates that went out in waves.
//!
//! A request is forgotten whole or not at all, so that whoever finds a job of it finds all of them.
//! An update that goes out in waves is more than one commit may hold: it goes wave by wave, and how
//! many waves it had stays in its own row, which goes last.

use async_trait::async_trait;
use fleet::{Epoch, JobId, RequestId, Shard, Timestamp};

use crate::Error;

/// What is old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// Requests and updates with an id up to this one, it among them.
    pub up_to: RequestId,
    /// Of these, those whose jobs had all ended by then, and updates that were over.
    pub ended_by: Timestamp,
    /// Those that are kept all the same, for something that goes on needs them.
    pub kept: Vec<RequestId>,
}

/// What came of forgetting jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgottenJobs {
    /// How many were forgotten.
    pub jobs: u64,
    /// After which request to go on; `None`: nothing beyond is old.
    pub next: Option<RequestId>,
}

/// What came of forgetting an update that went out in waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgottenRollout {
    /// How many of its jobs were forgotten.
    pub jobs: u64,
    /// Whether there is more to forget of it.
    pub more: bool,
}

/// A page of jobs, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedJobs {
    /// How many.
    pub jobs: u64,
    /// The last of them; `None` if there are none.
    pub last: Option<JobId>,
}

/// How much room the store's disk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free on the disk, or inside the database for what comes next.
    pub free_bytes: u64,
    /// Bytes of the disk.
    pub total_bytes: u64,
}

/// Forgets what is old. For the engine alone: nothing here takes a principal. What is deleted is
/// deleted under the epoch of a shard; with a stale one nothing is, and nothing more is to be done.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// Looks at the next jobs by id, those after the request `after`, about `limit` of them, and
    /// forgets the requests that are old. Waves are passed over, and so is all from the first
    /// request on whose call has an idempotency key and no answer yet: what is done by then tells
    /// whoever makes it again. Where nothing is old, nothing is written.
    async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<ForgottenJobs, Error>;

    /// The updates that went out in waves and are old, with an id above `after`, by id: at most
    /// `limit`, but for those that are kept as [`Self::forget_jobs`] keeps them. Their jobs may be
    /// open.
    async fn old_rollouts(
        &self,
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error>;

    /// Forgets about `limit` rows of an update that went out in waves: its waves in their order,
    /// each with all its jobs, then its devices, then itself. One that is not over stays, and so
    /// does a wave with an open job and all that comes after it.
    async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error>;

    /// Counts the jobs with an id above `after`, at most `limit`.
    async fn count_jobs(&self, after: JobId, limit: u32) -> Result<CountedJobs, Error>;

    /// How much room the store's disk has; `None` where that is not this node's to know.
    async fn room(&self) -> Result<Option<Room>, Error>;
}
